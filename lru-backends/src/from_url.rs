//! The backend that a URL names.

#[cfg(any(feature = "disk", feature = "memcached", feature = "redis"))]
mod options;

use std::fmt;
use std::time::Duration;

use lru_core::backend::{
    AsyncBackend, Backend, BackendError, CircuitState, ErrorKind, InvalidationSink, Item, Lease, LeasedItem,
    Leases, Lookup, LookupOptions, Off, Stored,
};
#[cfg(any(feature = "memcached", feature = "redis"))]
use options::UrlOptions;
#[cfg(feature = "disk")]
use options::decoded;

/// Returns the backend that a URL names, so that the environment of a program can choose it.
///
/// | URL | backend | feature |
/// |---|---|---|
/// | `redis://host`, `redis+unix:///path` and the like | `redis(…)` | `redis` |
/// | `rediss://host` | the same, encrypted | `redis-tls` |
/// | `memcached://host` | `memcached(…)` | `memcached` |
/// | `memcacheds://host` | the same, encrypted | `memcached-tls` |
/// | `disk:path`, `file:///path` | `disk(…)`; `%20` in a path is a space, as in any URL | `disk` |
/// | `off:` | [`Off`] | |
///
/// The URL of a server may end with options: `redis://host/2?key_prefix=shop:&tracking=false`. `key_prefix` is that of
/// the client, `tracking` that of `Redis`; `%20` and the like are bytes, as in any URL. Other parameters are those of the
/// `redis` crate, such as `protocol=resp3`; Memcached has none.
///
/// Nothing is connected or opened; [`check`](Backend::check) does so.
///
/// # Errors
///
/// Returns an error of kind [`Configuration`](ErrorKind::Configuration) if the URL is not valid, or names a backend
/// whose feature is not enabled. The error does not contain the URL, which may contain a password.
///
/// # Examples
///
/// ```
/// use lru_backends::{AnyBackend, from_url};
/// use lru_core::backend::{Backend, BackendError};
///
/// fn store() -> Result<AnyBackend, BackendError> {
///     from_url(&std::env::var("CACHE_URL").unwrap_or("off:".into()))
/// }
///
/// # #[allow(clippy::needless_doctest_main)]
/// fn main() -> Result<(), BackendError> {
///     // A program that is not to start without its backend.
///     store()?.check()
/// }
/// ```
///
/// As the backend of a function, whose first call has checked the URL:
///
/// ```
/// use std::sync::LazyLock;
///
/// use lru_backends::{AnyBackend, from_url};
///
/// static STORE: LazyLock<AnyBackend> = LazyLock::new(|| from_url("off:").expect("a URL of a backend"));
/// // #[lru_cache(ttl = 60, backend = &*STORE)]
/// # let _ = &*STORE;
/// ```
pub fn from_url(url: &str) -> Result<AnyBackend, BackendError> {
    let url = url.trim();
    let (scheme, rest) = url.split_once(':').ok_or_else(unknown)?;
    let engine = match scheme.to_ascii_lowercase().as_str() {
        "off" if rest.is_empty() => Engine::Off(Off),
        "redis" | "rediss" | "redis+unix" | "valkey" | "valkeys" | "valkey+unix" | "unix" => in_redis(url)?,
        "memcached" | "memcache" => in_memcached("memcached", rest)?,
        "memcacheds" if cfg!(feature = "memcached-tls") => in_memcached("memcacheds", rest)?,
        "memcacheds" => return Err(misconfigured("`memcacheds:` needs the feature `memcached-tls`")),
        "disk" | "file" => on_disk(rest)?,
        _ => return Err(unknown()),
    };
    Ok(AnyBackend { engine })
}

pub(super) fn misconfigured(message: &'static str) -> BackendError {
    BackendError::with_kind(ErrorKind::Configuration, message)
}

/// Returns the error for a URL of another scheme. It may be a password, and is not shown.
fn unknown() -> BackendError {
    misconfigured(
        "not the URL of a backend; expected `redis:`, `rediss:`, `redis+unix:`, `memcached:`, `memcacheds:`, \
         `disk:`, `file:` or `off:`",
    )
}

#[cfg(feature = "redis")]
fn in_redis(url: &str) -> Result<Engine, BackendError> {
    let (url, options) = UrlOptions::taken_from(url, &["key_prefix", "tracking"]);
    let url = url.as_str();
    // The error of the `redis` crate might contain the password.
    if ::redis::Client::open(url).is_err() {
        let scheme = url.split(':').next().unwrap_or_default();
        let is_encrypted = ["rediss", "valkeys"].iter().any(|tls| tls.eq_ignore_ascii_case(scheme));
        return Err(misconfigured(if is_encrypted && !cfg!(feature = "redis-tls") {
            "`rediss:` needs the feature `redis-tls`"
        } else {
            "not a valid URL of Redis"
        }));
    }
    let mut redis = crate::redis(url);
    if let Some(prefix) = options.key_prefix()? {
        redis = redis.key_prefix(prefix);
    }
    if let Some(is_on) = options.tracking()? {
        redis = redis.tracking(is_on);
    }
    Ok(Engine::Redis(Box::new(redis)))
}

#[cfg(not(feature = "redis"))]
fn in_redis(_: &str) -> Result<Engine, BackendError> {
    Err(misconfigured("`redis:` needs the feature `redis`"))
}

#[cfg(feature = "memcached")]
fn in_memcached(scheme: &str, address: &str) -> Result<Engine, BackendError> {
    let (address, options) = UrlOptions::taken_from(address.trim_start_matches('/'), &["key_prefix"]);
    let address = address.as_str();
    if address.contains('?') {
        return Err(misconfigured("`memcached:` has no other option than `key_prefix`"));
    }
    let is_address = !address.is_empty() && !address.contains(char::is_whitespace);
    let address = is_address.then(|| format!("{scheme}://{address}"));
    let address = address.ok_or_else(|| misconfigured("`memcached:` needs the address of a server"))?;
    let mut memcached = crate::memcached(address);
    if let Some(prefix) = options.key_prefix()? {
        memcached = memcached.key_prefix(prefix);
    }
    Ok(Engine::Memcached(Box::new(memcached)))
}

#[cfg(not(feature = "memcached"))]
fn in_memcached(_: &str, _: &str) -> Result<Engine, BackendError> {
    Err(misconfigured("`memcached:` needs the feature `memcached`"))
}

#[cfg(feature = "disk")]
fn on_disk(path: &str) -> Result<Engine, BackendError> {
    let path = path.strip_prefix("//").unwrap_or(path);
    let path = decoded(path).filter(|path| !path.is_empty());
    Ok(Engine::Disk(crate::disk(path.ok_or_else(|| misconfigured("`disk:` needs the path of a file"))?)))
}

#[cfg(not(feature = "disk"))]
fn on_disk(_: &str) -> Result<Engine, BackendError> {
    Err(misconfigured("`disk:` needs the feature `disk`"))
}

/// The backend that a URL names, for plain and `async` functions; see [`from_url`].
pub struct AnyBackend {
    engine: Engine,
}

enum Engine {
    Off(Off),
    #[cfg(feature = "redis")]
    Redis(Box<crate::Redis>),
    #[cfg(feature = "memcached")]
    Memcached(Box<crate::Memcached>),
    #[cfg(feature = "disk")]
    Disk(crate::Disk),
}

/// Evaluates an expression with the backend of an [`AnyBackend`], of whichever type it is.
macro_rules! with_engine {
    ($any:expr, $backend:ident => $value:expr) => {
        match &$any.engine {
            Engine::Off($backend) => $value,
            #[cfg(feature = "redis")]
            Engine::Redis($backend) => $value,
            #[cfg(feature = "memcached")]
            Engine::Memcached($backend) => $value,
            #[cfg(feature = "disk")]
            Engine::Disk($backend) => $value,
        }
    };
}

impl fmt::Debug for AnyBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        with_engine!(self, backend => backend.fmt(f))
    }
}

impl Leases for AnyBackend {}

macro_rules! any_backend {
    ($Backend:ident, [$($fn:tt)*] $($await:tt)*) => {
        impl $Backend for AnyBackend {
            $($fn)* get(&self, namespace: &str, key: &[u8]) -> Result<Option<Stored>, BackendError> {
                with_engine!(self, backend => $Backend::get(backend, namespace, key)$($await)*)
            }

            $($fn)* get_many(&self, namespace: &str, keys: &[&[u8]]) -> Result<Vec<Option<Stored>>, BackendError> {
                with_engine!(self, backend => $Backend::get_many(backend, namespace, keys)$($await)*)
            }

            $($fn)* set(
                &self,
                namespace: &str,
                key: &[u8],
                value: &[u8],
                ttl: Option<Duration>,
            ) -> Result<(), BackendError> {
                with_engine!(self, backend => $Backend::set(backend, namespace, key, value, ttl)$($await)*)
            }

            $($fn)* set_many(&self, namespace: &str, items: &[Item<'_>]) -> Result<(), BackendError> {
                with_engine!(self, backend => $Backend::set_many(backend, namespace, items)$($await)*)
            }

            $($fn)* add(
                &self,
                namespace: &str,
                key: &[u8],
                value: &[u8],
                ttl: Duration,
            ) -> Result<bool, BackendError> {
                with_engine!(self, backend => $Backend::add(backend, namespace, key, value, ttl)$($await)*)
            }

            $($fn)* get_or_lease(
                &self,
                namespace: &str,
                key: &[u8],
                options: LookupOptions,
            ) -> Result<Lookup, BackendError> {
                with_engine!(self, backend => $Backend::get_or_lease(backend, namespace, key, options)$($await)*)
            }

            $($fn)* set_leased(
                &self,
                namespace: &str,
                key: &[u8],
                lease: &Lease,
                value: &[u8],
                ttl: Option<Duration>,
            ) -> Result<Option<Lease>, BackendError> {
                with_engine!(self, backend => {
                    $Backend::set_leased(backend, namespace, key, lease, value, ttl)$($await)*
                })
            }

            $($fn)* put(
                &self,
                namespace: &str,
                key: &[u8],
                value: &[u8],
                ttl: Option<Duration>,
            ) -> Result<Option<Lease>, BackendError> {
                with_engine!(self, backend => $Backend::put(backend, namespace, key, value, ttl)$($await)*)
            }

            $($fn)* renew_lease(
                &self,
                namespace: &str,
                key: &[u8],
                lease: &Lease,
                ttl: Duration,
            ) -> Result<bool, BackendError> {
                with_engine!(self, backend => $Backend::renew_lease(backend, namespace, key, lease, ttl)$($await)*)
            }

            $($fn)* end_lease(&self, namespace: &str, key: &[u8], lease: &Lease) -> Result<(), BackendError> {
                with_engine!(self, backend => $Backend::end_lease(backend, namespace, key, lease)$($await)*)
            }

            $($fn)* get_or_lease_many(
                &self,
                namespace: &str,
                keys: &[&[u8]],
                options: LookupOptions,
            ) -> Result<Vec<Lookup>, BackendError> {
                with_engine!(self, backend => $Backend::get_or_lease_many(backend, namespace, keys, options)$($await)*)
            }

            $($fn)* set_leased_many(
                &self,
                namespace: &str,
                items: &[LeasedItem<'_>],
            ) -> Result<Vec<Option<Lease>>, BackendError> {
                with_engine!(self, backend => $Backend::set_leased_many(backend, namespace, items)$($await)*)
            }

            $($fn)* renew_leases(
                &self,
                namespace: &str,
                leases: &[(&[u8], &Lease)],
                ttl: Duration,
            ) -> Result<Vec<bool>, BackendError> {
                with_engine!(self, backend => $Backend::renew_leases(backend, namespace, leases, ttl)$($await)*)
            }

            $($fn)* end_leases(&self, namespace: &str, leases: &[(&[u8], &Lease)]) -> Result<(), BackendError> {
                with_engine!(self, backend => $Backend::end_leases(backend, namespace, leases)$($await)*)
            }

            $($fn)* delete(&self, namespace: &str, key: &[u8]) -> Result<bool, BackendError> {
                with_engine!(self, backend => $Backend::delete(backend, namespace, key)$($await)*)
            }

            $($fn)* delete_many(&self, namespace: &str, keys: &[&[u8]]) -> Result<Vec<bool>, BackendError> {
                with_engine!(self, backend => $Backend::delete_many(backend, namespace, keys)$($await)*)
            }

            $($fn)* clear(&self, namespace: &str) -> Result<(), BackendError> {
                with_engine!(self, backend => $Backend::clear(backend, namespace)$($await)*)
            }

            $($fn)* check(&self) -> Result<(), BackendError> {
                with_engine!(self, backend => $Backend::check(backend)$($await)*)
            }

            fn circuit_state(&self) -> Option<CircuitState> {
                with_engine!(self, backend => $Backend::circuit_state(backend))
            }

            fn watch(&self, namespace: &str, sink: InvalidationSink) -> bool {
                with_engine!(self, backend => $Backend::watch(backend, namespace, sink))
            }
        }
    };
}

any_backend! { Backend, [fn] }
any_backend! { AsyncBackend, [async fn] .await }

#[cfg(test)]
mod tests;
