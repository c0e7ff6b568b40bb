//! Per-thread caches for the duration of a test. Only with the feature `testing`.
//!
//! The cache of a memoized function is looked up by the address of the shared one. In an isolated thread it
//! is replaced by another, which is created at its first use.

use core::any::Any;
use core::cell::RefCell;
use core::ops::Deref;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

type Caches = HashMap<usize, Box<dyn Any>>;

thread_local! {
    /// The caches of this thread, if it is isolated.
    static OWN: RefCell<Option<Caches>> = const { RefCell::new(None) };
}

/// Gives the current thread fresh, empty caches of all memoized functions while `test` runs.
///
/// `cargo test` runs tests in parallel, and a function has one cache for the whole program, so that counts
/// would depend on the calls of other tests. An isolated test is independent of them. Threads that `test`
/// starts use the shared caches, and so does a destructor of a thread-local while its thread ends. Isolations
/// may be nested; results that were computed in one are dropped at its end. A cache in an object, as with
/// `cache = self.prices`, is not affected: a test creates its own object.
///
/// With the feature `testing`, each call of a memoized function checks whether its thread is isolated: enable
/// it for tests only. Without the feature there is no check.
///
/// # Panics
///
/// Resumes a panic of `test`, after the former caches of the thread are restored.
pub fn isolated<R>(test: impl FnOnce() -> R) -> R {
    /// Restores the former caches of the thread, even after a panic.
    struct Restore(Option<Caches>);

    impl Drop for Restore {
        fn drop(&mut self) {
            // Replaced first: a destructor may call a memoized function.
            let own = OWN.replace(self.0.take());
            discard(own.unwrap_or_default());
        }
    }

    /// Drops the caches while the thread is still isolated, because destructors may call memoized functions.
    /// Results that these calls store are dropped as well, except in the last round.
    struct Empty;

    impl Drop for Empty {
        fn drop(&mut self) {
            for _ in 0..ROUNDS {
                match OWN.replace(Some(Caches::new())) {
                    Some(own) if !own.is_empty() => discard(own),
                    _ => break,
                }
            }
        }
    }

    // A thread that ends has no caches of its own any more.
    let Ok(former) = OWN.try_with(|own| own.replace(Some(Caches::new()))) else { return test() };
    let _restore = Restore(former);
    let _empty = Empty;
    test()
}

/// The maximum number of rounds in which results that destructors stored are dropped in isolation.
const ROUNDS: usize = 8;

/// Drops the caches one by one, so that a panic in one destructor does not skip the others.
fn discard(own: Caches) {
    own.into_iter().for_each(drop);
}

/// A cache that can be replaced by another one of the same settings in a thread.
pub trait NewLike {
    /// Creates an empty cache of the same settings.
    fn new_like(&self) -> Self;
}

/// Returns the thread's own cache in place of `shared`, as `wrapped`; `None` if the thread is not isolated.
fn own<E: NewLike, W: Clone + 'static>(shared: &E, wrapped: impl FnOnce(E) -> W) -> Option<W> {
    let own = OWN.try_with(|own| {
        let mut own = own.borrow_mut();
        let fresh = || -> Box<dyn Any> { Box::new(wrapped(shared.new_like())) };
        let cache = own.as_mut()?.entry(core::ptr::from_ref(shared).addr()).or_insert_with(fresh);
        cache.downcast_ref().cloned()
    });
    // A thread that ends has no caches of its own.
    own.ok().flatten()
}

/// Like [`own_or_shared`], but for a per-thread cache; `None` if the thread is not isolated.
pub(crate) fn own_local<E: NewLike + 'static>(local: &E) -> Option<Rc<E>> {
    own(local, Rc::new)
}

/// A reference to the shared cache, or the thread's own.
pub enum Isolated<'m, E> {
    /// The cache that all threads share.
    Shared(&'m E),
    /// The cache of the current thread.
    Own(Arc<E>),
}

/// Returns the cache that the current thread uses in place of `shared`.
pub(crate) fn own_or_shared<E: NewLike + 'static>(shared: &E) -> Isolated<'_, E> {
    own(shared, Arc::new).map_or(Isolated::Shared(shared), Isolated::Own)
}

impl<E> Clone for Isolated<'_, E> {
    fn clone(&self) -> Self {
        match self {
            Self::Shared(engine) => Self::Shared(engine),
            Self::Own(engine) => Self::Own(Arc::clone(engine)),
        }
    }
}

impl<E> Deref for Isolated<'_, E> {
    type Target = E;

    fn deref(&self) -> &E {
        match self {
            Self::Shared(engine) => engine,
            Self::Own(engine) => engine,
        }
    }
}
