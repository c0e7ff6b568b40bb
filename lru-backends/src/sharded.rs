//! Several servers that have a share of the keys each.
//!
//! Invariant: a key is always on the same one, whichever of them are down. So what was changed or deleted can't
//! come back from another one, and who is down takes nothing along but its share.

use std::time::Duration;

use lru_core::backend::{AsyncBackend, Backend, BackendError, InvalidationSink, Stored};

use crate::compare_and_swap::{AsyncCompareAndSwap, CompareAndSwap};

/// Several backends of one kind, each with its share of the keys: for more than one server can hold.
///
/// A key is on the server that its hash chooses, the same for all processes that name the same servers in the same order.
/// One that is added at the end takes over an equal share of the keys of each; these are computed again. While one is
/// down, its keys are misses, and changing or deleting one of them is an error; the others go on. Clearing
/// takes all of them. Where all tell of changes, as Redis does, so does this.
///
/// # Examples
///
/// ```no_run
/// # #[cfg(feature = "memcached")] {
/// use lru_backends::{Sharded, memcached};
///
/// let both = Sharded::new(["cache-1.example:11211", "cache-2.example:11211"].map(memcached));
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Sharded<B> {
    servers: Vec<B>,
}

impl<B> Sharded<B> {
    /// Spreads keys over these, in this order.
    pub fn new(servers: impl IntoIterator<Item = B>) -> Self {
        Self { servers: servers.into_iter().collect() }
    }

    fn server(&self, namespace: &str, key: &[u8]) -> Result<&B, BackendError> {
        self.servers
            .get(self.place(namespace, key))
            .ok_or_else(|| "there are no servers to spread over".into())
    }

    /// The server with the greatest number, drawn by the key for each of them: who joins draws for itself.
    fn place(&self, namespace: &str, key: &[u8]) -> usize {
        let hash = hash(namespace, key);
        let drawn = |place: &usize| mixed(hash ^ mixed(*place as u64 + 1));
        (0..self.servers.len()).max_by_key(drawn).unwrap_or(0)
    }

    /// The keys of each server, by where they stand among all.
    fn shares(&self, namespace: &str, keys: &[&[u8]]) -> Vec<Vec<usize>> {
        let mut shares = vec![Vec::new(); self.servers.len().max(1)];
        for (at, key) in keys.iter().enumerate() {
            shares[self.place(namespace, key)].push(at);
        }
        shares
    }
}

/// FNV-1a of 64 bits: the same on all machines, for ever.
fn hash(namespace: &str, key: &[u8]) -> u64 {
    let length = (namespace.len() as u64).to_le_bytes();
    let bytes = length.iter().chain(namespace.as_bytes()).chain(key);
    bytes.fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01B3))
}

/// The last steps of `SplitMix64`: each bit depends on all.
fn mixed(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    number ^ (number >> 31)
}

macro_rules! spreads {
    ($Backend:ident, $CompareAndSwap:ident, [$($bound:tt)*] [$($fn:tt)*] $($await:tt)*) => {
        impl<B: $Backend $($bound)*> $Backend for Sharded<B> {
            $($fn)* get(&self, namespace: &str, key: &[u8]) -> Result<Option<Stored>, BackendError> {
                self.server(namespace, key)?.get(namespace, key)$($await)*
            }

            /// One round trip for each server that has some of them. It fails where all of these do.
            $($fn)* get_many(&self, namespace: &str, keys: &[&[u8]]) -> Result<Vec<Option<Stored>>, BackendError> {
                let mut all = vec![None; keys.len()];
                let (mut is_answered, mut failed) = (false, None);
                for share in self.shares(namespace, keys) {
                    let Some(first) = share.first() else { continue };
                    let server = self.server(namespace, keys[*first])?;
                    let own: Vec<&[u8]> = share.iter().map(|at| keys[*at]).collect();
                    match server.get_many(namespace, &own)$($await)* {
                        Ok(found) => {
                            is_answered = true;
                            for (at, found) in share.into_iter().zip(found) {
                                all[at] = found;
                            }
                        }
                        Err(error) => failed = Some(error),
                    }
                }
                match failed {
                    Some(error) if !is_answered => Err(error),
                    _ => Ok(all),
                }
            }

            $($fn)* set(
                &self,
                namespace: &str,
                key: &[u8],
                value: &[u8],
                ttl: Option<Duration>,
            ) -> Result<(), BackendError> {
                self.server(namespace, key)?.set(namespace, key, value, ttl)$($await)*
            }

            $($fn)* add(
                &self,
                namespace: &str,
                key: &[u8],
                value: &[u8],
                ttl: Duration,
            ) -> Result<bool, BackendError> {
                self.server(namespace, key)?.add(namespace, key, value, ttl)$($await)*
            }

            $($fn)* delete(&self, namespace: &str, key: &[u8]) -> Result<bool, BackendError> {
                self.server(namespace, key)?.delete(namespace, key)$($await)*
            }

            $($fn)* clear(&self, namespace: &str) -> Result<(), BackendError> {
                let mut cleared = Ok(());
                for server in &self.servers {
                    // One that is down is no reason to spare the others.
                    cleared = server.clear(namespace)$($await)*.and(cleared);
                }
                cleared
            }

            /// All of them are to tell: a key may be on any.
            fn watch(&self, namespace: &str, sink: InvalidationSink) -> bool {
                let told = self.servers.iter().map(|server| server.watch(namespace, sink.clone()));
                !self.servers.is_empty() && told.fold(true, |all, this| all & this)
            }
        }

        impl<B: $CompareAndSwap $($bound)*> $CompareAndSwap for Sharded<B> {
            type Version = B::Version;

            $($fn)* look(
                &self,
                namespace: &str,
                key: &[u8],
            ) -> Result<(Option<Stored>, Self::Version), BackendError> {
                self.server(namespace, key)?.look(namespace, key)$($await)*
            }

            $($fn)* swap(
                &self,
                namespace: &str,
                key: &[u8],
                version: &Self::Version,
                value: &[u8],
                ttl: Option<Duration>,
            ) -> Result<bool, BackendError> {
                self.server(namespace, key)?.swap(namespace, key, version, value, ttl)$($await)*
            }
        }
    };
}

spreads! { Backend, CompareAndSwap, [] [fn] }
spreads! { AsyncBackend, AsyncCompareAndSwap, [+ Sync] [async fn] .await }

#[cfg(test)]
mod tests {
    use lru_core::__private::{LocalCopies, sink_of};

    use super::*;

    #[test]
    fn shares_are_equal_and_few_keys_move_to_a_new_one() {
        let (three, four) = (Sharded::new([(); 3]), Sharded::new([(); 4]));
        let keys: Vec<[u8; 4]> = (0..10_000_u32).map(u32::to_le_bytes).collect();
        let keys: Vec<&[u8]> = keys.iter().map(|key| &key[..]).collect();
        for share in three.shares("any", &keys) {
            assert!((3100..3570).contains(&share.len()), "{}", share.len());
        }
        let moved: Vec<_> =
            keys.iter().filter(|key| three.place("any", key) != four.place("any", key)).collect();
        assert!((2300..2700).contains(&moved.len()), "{}", moved.len());
        assert!(moved.iter().all(|key| four.place("any", key) == 3), "they move to the new one only");
        // For ever: what lies there is looked for by later versions.
        assert_eq!(
            [b"a", b"b", b"c", b"d", b"e", b"f"].map(|key| three.place("any", key)),
            [1, 0, 1, 2, 0, 0]
        );
    }

    /// Tells of changes, or does not.
    struct Tells(bool);

    impl Backend for Tells {
        fn get(&self, _: &str, _: &[u8]) -> Result<Option<Stored>, BackendError> {
            Ok(None)
        }

        fn set(&self, _: &str, _: &[u8], _: &[u8], _: Option<Duration>) -> Result<(), BackendError> {
            Ok(())
        }

        fn delete(&self, _: &str, _: &[u8]) -> Result<bool, BackendError> {
            Ok(false)
        }

        fn clear(&self, _: &str) -> Result<(), BackendError> {
            Ok(())
        }

        fn watch(&self, _: &str, sink: InvalidationSink) -> bool {
            sink.invalidate_all();
            self.0
        }
    }

    #[derive(Default)]
    struct Counts(std::sync::atomic::AtomicU32);

    impl LocalCopies for Counts {
        fn invalidate(&self, _: &[u8]) {}

        fn may_be_own_write(&self, _: &[u8]) -> bool {
            false
        }

        fn invalidate_unless_equal(&self, _: &[u8], _: Option<&[u8]>) {}

        fn invalidate_all(&self) {
            self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
    }

    #[test]
    fn changes_are_heard_where_all_tell() {
        for (servers, is_told) in [(&[true; 3][..], true), (&[true, false, true], false), (&[], false)] {
            let counts: &Counts = Box::leak(Box::default());
            let spread = Sharded::new(servers.iter().map(|tells| Tells(*tells)));
            assert_eq!(spread.watch("any", sink_of(counts)), is_told);
            assert_eq!(counts.0.load(std::sync::atomic::Ordering::Relaxed) as usize, servers.len());
        }
    }

    #[test]
    fn none_at_all_is_an_error() {
        let none = Sharded::<crate::CircuitBreaker<&dyn Backend>>::new([]);
        assert!(none.get("any", b"key").is_err() && none.get_many("any", &[b"key"]).is_err());
        assert!(none.get_many("any", &[]).unwrap().is_empty());
    }
}
