//! The contract of `Backend`, checked for every backend.

use std::time::{Duration, Instant};

use functools::backend::{
    self, AsyncBackend, AsyncCompareAndSwap, Backend, BackendError, CircuitBreaker, CompareAndSwap, Fallback,
    Item, Lease, LeasedItem, Lookup, Memcached, Permission, Redis, Sharded, disk,
};

use crate::files::Folder;
use crate::server::{MEMCACHED, REDIS, block_on, limit};

/// A timeout longer than a service would use: the tests need answers even from a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn redis(url: impl AsRef<str>) -> Redis {
    backend::redis(url).connect_timeout(PATIENCE).timeout(PATIENCE)
}

pub(crate) fn memcached(address: impl Into<String>) -> Memcached {
    backend::memcached(address).connect_timeout(PATIENCE).timeout(PATIENCE)
}

/// Returns the lease of a lookup.
fn lease_of(lookup: &Lookup) -> Lease {
    match &lookup.permission {
        Permission::Leased(lease) => lease.clone(),
        other => panic!("expected a lease, got {other:?}"),
    }
}

macro_rules! contract {
    ($name:ident, $swaps:ident, $Backend:ident, $CompareAndSwap:ident, [$($fn:tt)*] $($await:tt)*) => {
        #[allow(clippy::too_many_lines, reason = "one contract")]
        pub(crate) $($fn)* $name<B: $Backend>(backend: &B) -> Result<(), BackendError> {
            let space = format!("contract::{}::{}", stringify!($name), std::any::type_name::<B>());
            let other = format!("{space}:");
            backend.clear(&space)$($await)*?;
            backend.clear(&other)$($await)*?;

            let all: Vec<u8> = (0..=255).collect();
            let long = vec![b'k'; 1000];
            let keys: [&[u8]; 7] = [b"", b"key", b"a key\r\nin lines", &all, &long, b":key", b"*"];
            let large = vec![7; 300_000];
            for key in keys {
                assert_eq!(backend.get(&space, key)$($await)*?, None, "{key:?}");
                assert!(!backend.delete(&space, key)$($await)*?);
                for value in [&b"value"[..], b"", &all, &large, b"END\r\n"] {
                    backend.set(&space, key, value, None)$($await)*?;
                    let found = backend.get(&space, key)$($await)*?.unwrap();
                    assert_eq!((found.value.as_slice(), found.ttl), (value, None));
                }
            }
            // Neither key is equal to the other or a prefix of it.
            backend.set(&other, b"key", b"other", None)$($await)*?;
            assert_eq!(backend.get(&space, b":key")$($await)*?.unwrap().value, b"END\r\n");
            assert_eq!(backend.get(&space, b"key")$($await)*?.unwrap().value, b"END\r\n");
            assert!(backend.delete(&space, b"*")$($await)*?);
            assert!(!backend.delete(&space, b"*")$($await)*?);
            assert!(backend.get(&space, b"key")$($await)*?.is_some());
            backend.clear(&space)$($await)*?;
            for key in keys {
                assert_eq!(backend.get(&space, key)$($await)*?, None, "{key:?}");
            }
            assert_eq!(backend.get(&other, b"key")$($await)*?.unwrap().value, b"other");

            // Enough keys for several steps of a scan.
            for n in 0..1500_u32 * u32::from(!space.contains("Disk") && !space.contains("Fallback")) {
                backend.set(&space, &n.to_le_bytes(), b"", None)$($await)*?;
            }
            backend.clear(&space)$($await)*?;
            for n in 0..1500_u32 {
                assert_eq!(backend.get(&space, &n.to_le_bytes())$($await)*?, None);
            }
            backend.clear(&other)$($await)*?;

            // `set_many` and `delete_many` do what `set` and `delete` do.
            let values: [&[u8]; 7] = [b"value", b"", &all, &large, b"END\r\n", b"6", b"7"];
            let items: Vec<_> = keys.iter().zip(values).map(|(key, value)| Item::new(key, value)).collect();
            backend.set_many(&space, &items)$($await)*?;
            for item in &items {
                let found = backend.get(&space, item.key)$($await)*?.unwrap();
                assert_eq!((found.value.as_slice(), found.ttl), (item.value, None));
            }
            assert_eq!(backend.delete_many(&space, &[b"*", b"none", b""])$($await)*?, [true, false, true]);
            assert_eq!(backend.get(&space, b"")$($await)*?, None);
            backend.clear(&space)$($await)*?;

            // `get_many` returns the stored values in the order of the keys.
            assert_eq!(backend.get_many(&space, &[])$($await)*?, []);
            assert_eq!(backend.get_many(&space, &[b"", b"key"])$($await)*?, [None, None]);
            backend.set(&space, b"key", b"1", None)$($await)*?;
            backend.set(&space, b"", &large, Some(Duration::from_secs(600)))$($await)*?;
            backend.set(&space, &long, b"", None)$($await)*?;
            backend.set(&other, b"not here", b"1", None)$($await)*?;
            let keys: [&[u8]; 6] = [&long, b"not here", b"key", b"", b"key", b"*"];
            let many = backend.get_many(&space, &keys)$($await)*?;
            let values: Vec<_> = many.iter().map(|one| one.as_ref().map(|one| one.value.as_slice())).collect();
            assert_eq!(values, [Some(&b""[..]), None, Some(b"1"), Some(&large), Some(b"1"), None]);
            let times: Vec<_> = many.iter().map(|one| one.as_ref()?.ttl.map(|ttl| ttl.as_secs())).collect();
            assert!(times[3].is_some_and(|seconds| (590..=600).contains(&seconds)), "{times:?}");
            assert_eq!((times[0], times[2], times[4]), (None, None, None));
            let numbers: Vec<[u8; 4]> = (0..1000_u32).map(u32::to_le_bytes).collect();
            for key in numbers.iter().step_by(100) {
                backend.set(&space, key, key, None)$($await)*?;
            }
            let keys: Vec<&[u8]> = numbers.iter().map(|key| &key[..]).collect();
            let many = backend.get_many(&space, &keys)$($await)*?;
            assert_eq!(many.len(), 1000);
            for (n, (found, key)) in many.into_iter().zip(&numbers).enumerate() {
                assert_eq!(found.map(|found| found.value), (n % 100 == 0).then(|| key.to_vec()), "{n}");
            }
            backend.clear(&space)$($await)*?;
            backend.clear(&other)$($await)*?;

            let hour = Duration::from_secs(3600);
            // Leases for several keys.
            let minute = Duration::from_secs(60);
            let [absent, other_value] = [&b"absent"[..], b"other"];
            backend.set(&space, b"key", b"1", None)$($await)*?;
            let keys: [&[u8]; 4] = [&long, absent, b"key", other_value];
            let looked = backend.get_or_lease_many(&space, &keys, minute.into())$($await)*?;
            let found: Vec<_> = looked.iter().map(|looked| looked.found.as_ref().map(|found| &found.value[..])).collect();
            assert_eq!(found, [None, None, Some(&b"1"[..]), None]);
            let leases: Vec<Lease> = looked.iter().map(lease_of).collect();
            assert_eq!(leases.iter().map(Lease::is_new).collect::<Vec<_>>(), [true, true, false, true]);
            let again = backend.get_or_lease_many(&space, &keys, minute.into())$($await)*?;
            assert!(again.iter().all(|looked| !lease_of(looked).is_new()));
            let held: Vec<_> = keys.iter().copied().zip(&leases).collect();
            assert_eq!(backend.renew_leases(&space, &held[..2], minute)$($await)*?, [true, true]);
            // One is lost, another given up.
            backend.set(&space, absent, b"new", None)$($await)*?;
            backend.end_leases(&space, &held[3..])$($await)*?;
            let item = |(key, lease)| LeasedItem::new(Item::new(key, b"2").ttl(hour), lease);
            let items: Vec<_> = held[..3].iter().copied().map(item).collect();
            let over = backend.set_leased_many(&space, &items)$($await)*?;
            assert_eq!(over.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false, true]);
            assert_eq!(backend.set_leased_many(&space, &items)$($await)*?, [None, None, None]);
            let many = backend.get_many(&space, &keys)$($await)*?;
            assert!(many[0].as_ref().and_then(|found| found.ttl).is_some_and(|ttl| ttl <= hour));
            let values: Vec<_> = many.iter().map(|one| one.as_ref().map(|one| one.value.as_slice())).collect();
            assert_eq!(values, [Some(&b"2"[..]), Some(b"new"), Some(b"2"), None]);
            assert!(lease_of(&backend.get_or_lease(&space, other_value, minute.into())$($await)*?).is_new());
            let keys: Vec<&[u8]> = numbers.iter().map(|key| &key[..]).collect();
            let looked = backend.get_or_lease_many(&space, &keys, minute.into())$($await)*?;
            let leases: Vec<Lease> = looked.iter().map(lease_of).collect();
            let item = |(key, lease)| LeasedItem::new(Item::new(key, key), lease);
            let items: Vec<_> = keys.iter().copied().zip(&leases).map(item).collect();
            let over = backend.set_leased_many(&space, &items)$($await)*?;
            assert!(over.len() == 1000 && over.iter().all(Option::is_some));
            let many = backend.get_many(&space, &keys)$($await)*?;
            assert!(many.iter().zip(&keys).all(|(one, key)| one.as_ref().is_some_and(|one| one.value == *key)));
            backend.clear(&space)$($await)*?;

            assert!(backend.add(&space, b"claim", b"mine", hour)$($await)*?);
            assert!(!backend.add(&space, b"claim", b"yours", hour)$($await)*?);
            let claim = backend.get(&space, b"claim")$($await)*?.unwrap();
            assert!(claim.value == b"mine" && claim.ttl.is_some_and(|ttl| ttl <= hour));
            assert!(backend.delete(&space, b"claim")$($await)*?);
            assert!(backend.add(&space, b"claim", b"yours", Duration::from_millis(1))$($await)*?);
            while backend.get(&space, b"claim")$($await)*?.is_some() {}
            assert!(backend.add(&space, b"claim", b"mine", hour)$($await)*?);

            let ttl = Duration::from_millis(200);
            let begin = Instant::now();
            backend.set(&space, b"short-lived", b"1", Some(ttl))$($await)*?;
            backend.set(&space, b"long-lived", b"1", Some(Duration::from_secs(60 * 60 * 24 * 40)))$($await)*?;
            backend.set(&space, b"at once", b"1", Some(Duration::from_nanos(1)))$($await)*?;
            let mut last = None;
            while let Some(found) = backend.get(&space, b"short-lived")$($await)*? {
                let left = found.ttl.unwrap();
                assert!(left <= ttl && last.is_none_or(|last| left <= last));
                last = Some(left);
                assert!(begin.elapsed() < Duration::from_secs(10), "the entry does not expire");
            }
            assert!(begin.elapsed() + Duration::from_millis(5) >= ttl, "the entry expired after {:?}", begin.elapsed());
            assert!(!backend.delete(&space, b"short-lived")$($await)*?);
            assert_eq!(backend.get(&space, b"at once")$($await)*?, None);
            let days = backend.get(&space, b"long-lived")$($await)*?.unwrap().ttl.unwrap().as_secs() / 86_400;
            assert!(days == 39 || days == 40);
            backend.set(&space, b"long-lived", b"2", None)$($await)*?;
            assert_eq!(backend.get(&space, b"long-lived")$($await)*?.unwrap().ttl, None);
            backend.clear(&space)$($await)*
        }

        $($fn)* $swaps<B: $CompareAndSwap + Sync>(backend: &B) -> Result<(), BackendError> {
            let space = format!("contract::{}::{}", stringify!($swaps), std::any::type_name::<B>());
            backend.clear(&space)$($await)*?;
            let (found, nothing) = backend.get_versioned(&space, b"a")$($await)*?;
            assert_eq!(found, None);
            assert!(backend.compare_and_swap(&space, b"a", &nothing, b"1", None)$($await)*?);
            assert!(!backend.compare_and_swap(&space, b"a", &nothing, b"2", None)$($await)*?);
            let (found, one) = backend.get_versioned(&space, b"a")$($await)*?;
            assert_eq!(found.unwrap().value, b"1");
            assert!(backend.compare_and_swap(&space, b"a", &one, b"2", None)$($await)*?);
            assert!(!backend.compare_and_swap(&space, b"a", &one, b"3", None)$($await)*?);
            backend.delete(&space, b"a")$($await)*?;
            assert!(!backend.compare_and_swap(&space, b"a", &one, b"3", None)$($await)*?);
            assert_eq!(backend.get(&space, b"a")$($await)*?, None);

            // An expired entry counts as absent.
            backend.set(&space, b"b", b"1", Some(Duration::from_millis(1)))$($await)*?;
            while backend.get(&space, b"b")$($await)*?.is_some() {}
            let (_, nothing) = backend.get_versioned(&space, b"b")$($await)*?;
            assert!(backend.compare_and_swap(&space, b"b", &nothing, b"2", Some(Duration::from_secs(60)))$($await)*?);
            let ttl = backend.get(&space, b"b")$($await)*?.unwrap().ttl.unwrap();
            assert!(ttl > Duration::from_secs(50) && ttl <= Duration::from_secs(60));

            let count = |n: Option<u64>| n.unwrap_or(100) + 1;
            let key = [b'c'; 400];
            assert_eq!(backend.update(&space, &key, None, count)$($await)*?, 101);
            assert_eq!(backend.update(&space, &key, None, count)$($await)*?, 102);
            // A value that is not a number counts as absent.
            backend.set(&space, &key, b"\xFF\xFF", None)$($await)*?;
            assert_eq!(backend.update(&space, &key, None, count)$($await)*?, 101);
            // An update whose key is changed at each attempt is given up.
            let mut tries = 0_u64;
            let spent = backend.update(&space, &key, None, |_: Option<u64>| {
                tries += 1;
                Backdoor::set(backend, &space, &key, &tries.to_le_bytes());
                0
            })$($await)*;
            assert!(spent.unwrap_err().to_string().contains("100 times"));
            assert_eq!(tries, 100);
            backend.clear(&space)$($await)*
        }
    };
}

contract! { keeps, swaps, Backend, CompareAndSwap, [fn] }
contract! { keeps_async, swaps_async, AsyncBackend, AsyncCompareAndSwap, [async fn] .await }

/// Blocking access to the entries of a backend, past its async methods.
trait Backdoor {
    fn set(&self, namespace: &str, key: &[u8], value: &[u8]);
}

impl<B> Backdoor for B {
    fn set(&self, namespace: &str, key: &[u8], value: &[u8]) {
        let name = std::any::type_name::<B>();
        let done = match name {
            name if name.contains("Redis") => Backend::set(&redis(REDIS.url()), namespace, key, value, None),
            name if name.contains("Memcached") => {
                Backend::set(&memcached(MEMCACHED.address()), namespace, key, value, None)
            }
            _ => Backend::set(&disk(DISK.path("contract.redb")), namespace, key, value, None),
        };
        done.unwrap();
    }
}

static DISK: std::sync::LazyLock<Folder> = std::sync::LazyLock::new(|| Folder::new("contract"));

#[test]
fn redis_keeps_it() {
    let _limit = limit();
    keeps(&redis(REDIS.url())).unwrap();
    swaps(&redis(REDIS.url())).unwrap();
    block_on(async {
        keeps_async(&redis(REDIS.url())).await.unwrap();
        swaps_async(&redis(REDIS.url())).await.unwrap();
    });
}

#[test]
fn memcached_keeps_it() {
    let _limit = limit();
    keeps(&memcached(MEMCACHED.address())).unwrap();
    swaps(&memcached(MEMCACHED.address())).unwrap();
    block_on(async {
        keeps_async(&memcached(MEMCACHED.address())).await.unwrap();
        swaps_async(&memcached(MEMCACHED.address())).await.unwrap();
    });
}

#[test]
fn disk_keeps_it() {
    let _limit = limit();
    keeps(&disk(DISK.path("contract.redb"))).unwrap();
    swaps(&disk(DISK.path("contract.redb"))).unwrap();
    block_on(async {
        keeps_async(&disk(DISK.path("contract.redb"))).await.unwrap();
        swaps_async(&disk(DISK.path("contract.redb"))).await.unwrap();
    });
}

#[test]
fn what_is_built_of_them_keeps_it() {
    let _limit = limit();
    let guarded = CircuitBreaker::new(redis(REDIS.url()));
    keeps(&guarded).unwrap();
    swaps(&guarded).unwrap();
    let spread = Sharded::new([redis(REDIS.url()), redis(format!("{}1", REDIS.url()))]);
    keeps(&spread).unwrap();
    let one = Sharded::new([redis(REDIS.url())]);
    swaps(&one).unwrap();
    let chain = Fallback::new((
        redis(REDIS.url()),
        Fallback::new((memcached(MEMCACHED.address()), disk(DISK.path("chain.redb")))),
    ));
    keeps(&chain).unwrap();
    block_on(async {
        keeps_async(&guarded).await.unwrap();
        swaps_async(&guarded).await.unwrap();
        keeps_async(&spread).await.unwrap();
        swaps_async(&one).await.unwrap();
        keeps_async(&chain).await.unwrap();
    });
}
