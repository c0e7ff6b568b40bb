//! Functions that call a cache by hand: `moka`, `quick_cache`, and `lru` under a mutex.
//!
//! Each with its cheapest call: lookups borrow the key, and only inserts own it.

/// Defines seven functions, each with a cache of this capacity, in a module of this name.
macro_rules! functions {
    ($mode:ident: $size:expr) => {
        pub(crate) mod $mode {
            use std::sync::{Arc, LazyLock};

            use super::{Store, recall, store};
            use crate::memoized::body;

            pub(crate) fn number(n: u64) -> u64 {
                static CACHE: LazyLock<Store<u64, u64>> = LazyLock::new(|| store($size));
                recall(&CACHE, &n, || body::number(n))
            }

            pub(crate) fn pair(a: u64, b: u64) -> u64 {
                static CACHE: LazyLock<Store<(u64, u64), u64>> = LazyLock::new(|| store($size));
                recall(&CACHE, &(a, b), || body::pair(a, b))
            }

            pub(crate) fn short(text: &str) -> usize {
                static CACHE: LazyLock<Store<String, usize>> = LazyLock::new(|| store($size));
                recall(&CACHE, text, || body::text(text))
            }

            pub(crate) fn long(text: &str) -> usize {
                static CACHE: LazyLock<Store<String, usize>> = LazyLock::new(|| store($size));
                recall(&CACHE, text, || body::text(text))
            }

            pub(crate) fn bytes(bytes: &[u8]) -> usize {
                static CACHE: LazyLock<Store<Vec<u8>, usize>> = LazyLock::new(|| store($size));
                recall(&CACHE, bytes, || body::bytes(bytes))
            }

            pub(crate) fn string(n: u64) -> String {
                static CACHE: LazyLock<Store<u64, String>> = LazyLock::new(|| store($size));
                recall(&CACHE, &n, || body::string(n))
            }

            pub(crate) fn shared(n: u64) -> Arc<[u64; 16]> {
                static CACHE: LazyLock<Store<u64, Arc<[u64; 16]>>> = LazyLock::new(|| store($size));
                recall(&CACHE, &n, || body::shared(n))
            }
        }
    };
}

/// Defines a function with a cache of this capacity, in a module of this name, and a function to clear it.
macro_rules! roomy {
    ($mode:ident: $size:expr) => {
        pub(crate) mod $mode {
            use std::sync::LazyLock;

            use super::{Store, empty, recall, store};
            use crate::memoized::body;

            pub(super) static CACHE: LazyLock<Store<u64, u64>> = LazyLock::new(|| store($size));

            pub(crate) fn number(n: u64) -> u64 {
                recall(&CACHE, &n, || body::number(n))
            }

            pub(crate) fn clear() {
                empty(&CACHE);
            }
        }
    };
}

/// Defines the recursion with a cache that holds all its results.
macro_rules! fibonacci {
    ($size:expr) => {
        static FIBONACCI: LazyLock<Store<u64, u64>> = LazyLock::new(|| store($size));

        pub(crate) fn fibonacci(n: u64) -> u64 {
            recall(&FIBONACCI, &n, || if n < 2 { n } else { fibonacci(n - 1) + fibonacci(n - 2) })
        }

        pub(crate) fn clear() {
            empty(&FIBONACCI);
        }
    };
}

pub(crate) mod moka {
    use std::hash::Hash;
    use std::sync::LazyLock;

    pub(super) type Store<K, V> = moka::sync::Cache<K, V>;

    functions!(bounded: Some(128));
    functions!(unbounded: None);
    functions!(disabled: Some(0));
    roomy!(thousand: Some(1000));
    roomy!(million: Some(1_000_000));
    fibonacci!(None);

    fn store<K, V>(size: Option<u64>) -> Store<K, V>
    where
        K: Eq + Hash + Send + Sync + 'static,
        V: Clone + Send + Sync + 'static,
    {
        let builder = moka::sync::Cache::builder();
        size.map_or(moka::sync::Cache::builder(), |size| builder.max_capacity(size)).build()
    }

    #[inline]
    fn recall<Q, K, V>(store: &Store<K, V>, key: &Q, compute: impl FnOnce() -> V) -> V
    where
        Q: Eq + Hash + ToOwned<Owned = K> + ?Sized,
        K: std::borrow::Borrow<Q> + Eq + Hash + Send + Sync + 'static,
        V: Clone + Send + Sync + 'static,
    {
        store.get_with_by_ref(key, compute)
    }

    fn empty(store: &Store<u64, u64>) {
        store.invalidate_all();
        store.run_pending_tasks();
    }

    /// The number of entries in `million`.
    pub(crate) fn entries() -> u64 {
        million::CACHE.run_pending_tasks();
        million::CACHE.entry_count()
    }
}

pub(crate) mod quick {
    use std::convert::Infallible;
    use std::hash::Hash;
    use std::sync::LazyLock;

    pub(super) type Store<K, V> = quick_cache::sync::Cache<K, V>;

    functions!(bounded: 128);
    functions!(roomy: 1024);
    functions!(disabled: 0);
    roomy!(thousand: 1000);
    roomy!(million: 1_000_000);
    fibonacci!(1024);

    fn store<K: Eq + Hash, V: Clone>(size: usize) -> Store<K, V> {
        Store::new(size)
    }

    #[inline]
    fn recall<Q, K, V>(store: &Store<K, V>, key: &Q, compute: impl FnOnce() -> V) -> V
    where
        Q: Eq + Hash + ToOwned<Owned = K> + ?Sized,
        K: std::borrow::Borrow<Q> + Eq + Hash,
        V: Clone,
    {
        let Ok(value) = store.get_or_insert_with(key, || Ok::<_, Infallible>(compute()));
        value
    }

    fn empty(store: &Store<u64, u64>) {
        store.clear();
    }

    /// The number of entries in `million`.
    pub(crate) fn entries() -> u64 {
        million::CACHE.len() as u64
    }
}

pub(crate) mod lru {
    use std::hash::Hash;
    use std::num::NonZeroUsize;
    use std::sync::{LazyLock, Mutex};

    use lru::LruCache;

    pub(super) type Store<K, V> = Mutex<LruCache<K, V>>;

    functions!(bounded: 128);
    functions!(unbounded: 0);
    roomy!(thousand: 1000);
    roomy!(million: 1_000_000);
    fibonacci!(0);

    /// Creates a cache; 0 means unbounded.
    fn store<K: Eq + Hash, V>(size: usize) -> Store<K, V> {
        Mutex::new(NonZeroUsize::new(size).map_or_else(LruCache::unbounded, LruCache::new))
    }

    #[inline]
    fn recall<Q, K, V>(store: &Store<K, V>, key: &Q, compute: impl FnOnce() -> V) -> V
    where
        Q: Eq + Hash + ToOwned<Owned = K> + ?Sized,
        K: std::borrow::Borrow<Q> + Eq + Hash,
        V: Clone,
    {
        const POISONED: &str = "no thread panics with the lock held";
        if let Some(value) = store.lock().expect(POISONED).get(key) {
            return value.clone();
        }
        let value = compute();
        store.lock().expect(POISONED).put(key.to_owned(), value.clone());
        value
    }

    fn empty(store: &Store<u64, u64>) {
        store.lock().expect("no thread panics with the lock held").clear();
    }
}
