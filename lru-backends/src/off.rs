//! Compare-and-swap without a backend.

use std::time::Duration;

use lru_core::backend::{BackendError, Off, Stored};

use crate::compare_and_swap::{AsyncCompareAndSwap, CompareAndSwap};

macro_rules! off {
    ($CompareAndSwap:ident, [$($bound:tt)*] [$($fn:tt)*] $($await:tt)*) => {
        impl $CompareAndSwap for Off {
            type Version = ();

            $($fn)* get_versioned(&self, _: &str, _: &[u8]) -> Result<(Option<Stored>, ()), BackendError> {
                Ok((None, ()))
            }

            /// Returns `true`, as if the entry had been set and lost at once.
            $($fn)* compare_and_swap(
                &self,
                _: &str,
                _: &[u8],
                (): &(),
                _: &[u8],
                _: Option<Duration>,
            ) -> Result<bool, BackendError> {
                Ok(true)
            }
        }

        impl<B: $CompareAndSwap $($bound)*> $CompareAndSwap for Option<B> {
            type Version = Option<B::Version>;

            $($fn)* get_versioned(
                &self,
                namespace: &str,
                key: &[u8],
            ) -> Result<(Option<Stored>, Self::Version), BackendError> {
                let Some(backend) = self else { return Ok((None, None)) };
                let (found, version) = backend.get_versioned(namespace, key)$($await)*?;
                Ok((found, Some(version)))
            }

            $($fn)* compare_and_swap(
                &self,
                namespace: &str,
                key: &[u8],
                version: &Self::Version,
                value: &[u8],
                ttl: Option<Duration>,
            ) -> Result<bool, BackendError> {
                let (Some(backend), Some(version)) = (self, version) else { return Ok(true) };
                backend.compare_and_swap(namespace, key, version, value, ttl)$($await)*
            }
        }
    };
}

off! { CompareAndSwap, [] [fn] }
off! { AsyncCompareAndSwap, [+ Sync] [async fn] .await }
