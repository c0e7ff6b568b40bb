//! The hooks of a memoized function: the eviction listener, the victim chooser and the weigher in bytes.

use crate::engine::Hooks;
use crate::store::{Candidates, RemovalCause};

/// The eviction listener `L` and the victim chooser `H` of a function.
pub struct FunctionHooks<L = Unset, H = Unset> {
    pub(crate) listener: L,
    pub(crate) chooser: H,
}

impl<K, V, L: Listener<K, V>, H: Chooser<K>> Hooks<K, V> for FunctionHooks<L, H> {
    fn chooses(&self) -> bool {
        H::CHOOSES
    }

    fn choose(&self, keys: &Candidates<'_, K>) -> Option<usize> {
        self.chooser.choose(keys)
    }

    fn listens(&self) -> bool {
        L::LISTENS
    }

    fn notify(&self, key: &K, value: &V, cause: RemovalCause) {
        self.listener.notify(key, value, cause);
    }

    fn notifies_later(&self) -> bool {
        L::LISTENS_LATER
    }
}

/// The hooks `H`, with a function that returns the bytes that a key and a value own.
pub struct WeighsBytes<H, K, V> {
    pub(crate) hooks: H,
    pub(crate) owned_bytes: fn(&K, &V) -> usize,
}

impl<H: Hooks<K, V>, K, V> Hooks<K, V> for WeighsBytes<H, K, V> {
    #[inline]
    fn weighs_bytes(&self) -> bool {
        true
    }

    fn owned_bytes(&self, key: &K, value: &V) -> usize {
        (self.owned_bytes)(key, value)
    }

    fn chooses(&self) -> bool {
        self.hooks.chooses()
    }

    fn choose(&self, keys: &Candidates<'_, K>) -> Option<usize> {
        self.hooks.choose(keys)
    }

    fn listens(&self) -> bool {
        self.hooks.listens()
    }

    fn notify(&self, key: &K, value: &V, cause: RemovalCause) {
        self.hooks.notify(key, value, cause);
    }

    fn notifies_later(&self) -> bool {
        self.hooks.notifies_later()
    }
}

/// An eviction listener.
pub trait Listener<K, V> {
    /// Whether there is one.
    const LISTENS: bool;
    /// Whether there is a listener that cannot be named here, so that the next call notifies it.
    const LISTENS_LATER: bool = false;

    /// Calls the listener for a removed entry.
    fn notify(&self, key: &K, value: &V, cause: RemovalCause);
}

/// A victim chooser.
pub trait Chooser<K> {
    /// Whether there is one.
    const CHOOSES: bool;

    /// Returns the index of the key whose entry is evicted.
    fn choose(&self, keys: &Candidates<'_, K>) -> Option<usize>;
}

/// No listener, or no chooser.
#[derive(Clone, Copy, Debug)]
pub struct Unset;

impl<K, V> Listener<K, V> for Unset {
    const LISTENS: bool = false;

    fn notify(&self, _: &K, _: &V, _: RemovalCause) {}
}

impl<K> Chooser<K> for Unset {
    const CHOOSES: bool = false;

    fn choose(&self, _: &Candidates<'_, K>) -> Option<usize> {
        None
    }
}

/// Stands for a listener that only calls of the function can name.
#[derive(Clone, Copy, Debug)]
pub struct NotifiedByCalls;

impl<K, V> Listener<K, V> for NotifiedByCalls {
    const LISTENS: bool = false;
    const LISTENS_LATER: bool = true;

    fn notify(&self, _: &K, _: &V, _: RemovalCause) {}
}

/// A user's function that takes the arguments in a key.
pub struct ByArguments<K, A, F> {
    pub(crate) arguments: fn(&K) -> &A,
    pub(crate) function: F,
}

impl<K, A, V, F: Fn(&A, &V, RemovalCause)> Listener<K, V> for ByArguments<K, A, F> {
    const LISTENS: bool = true;

    fn notify(&self, key: &K, value: &V, cause: RemovalCause) {
        (self.function)((self.arguments)(key), value, cause);
    }
}

impl<K, A, F: Fn(&Candidates<'_, A>) -> usize> Chooser<K> for ByArguments<K, A, F> {
    const CHOOSES: bool = true;

    fn choose(&self, keys: &Candidates<'_, K>) -> Option<usize> {
        Some(keys.with_part(self.arguments, &self.function))
    }
}
