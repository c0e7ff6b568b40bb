//! Caches of its own for a thread, for as long as a test runs. Only with the feature `testing`.
//!
//! A memoized function's cache is found by the address of the one that all threads share. In an
//! isolated thread it is another one, made when it is first asked for.

use core::any::Any;
use core::cell::RefCell;
use core::fmt;
use core::ops::Deref;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

type Caches = HashMap<usize, Box<dyn Any>>;

thread_local! {
    /// The caches of this thread, where it has any of its own.
    static OWN: RefCell<Option<Caches>> = const { RefCell::new(None) };
}

/// Gives the current thread fresh, empty caches of all memoized functions while `test` runs.
///
/// `cargo test` runs tests side by side, and the cache of a function is one for the whole program:
/// counts would depend on what other tests call. In here they don't. Threads that `test` starts
/// see the shared caches, and so does a destructor of a thread-local while its thread ends. Isolations
/// may be nested; what was computed in one is gone at its end. A cache in an object, as with
/// `cache = self.prices`, is the same everywhere: a test makes an object of its own.
///
/// With the feature `testing`, each call of a memoized function asks whether its thread is
/// isolated: enable it for tests only. Without the feature nothing is asked.
///
/// # Panics
///
/// With what `test` panics with; the thread has its former caches again.
pub fn isolated<R>(test: impl FnOnce() -> R) -> R {
    /// Gives the thread its former caches back, whatever panics.
    struct Restore(Option<Caches>);

    impl Drop for Restore {
        fn drop(&mut self) {
            // Taken out first: a destructor may call a memoized function.
            let own = OWN.replace(self.0.take());
            discard(own.unwrap_or_default());
        }
    }

    /// Drops the caches while the thread is still isolated, since destructors may call memoized
    /// functions; and what these calls store in turn, except in the last round.
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

/// How often what destructors stored while others ran is dropped in isolation.
const ROUNDS: usize = 8;

/// One by one: should a destructor panic, the others run all the same.
fn discard(own: Caches) {
    own.into_iter().for_each(drop);
}

/// What a function has its results in, of which a thread can have another one.
pub trait Another {
    /// With nothing in it.
    fn another(&self) -> Self;
}

/// The thread's own in the place of `shared`, as `wrapped`; `None` where it is that one.
fn own<E: Another, W: Clone + 'static>(shared: &E, wrapped: impl FnOnce(E) -> W) -> Option<W> {
    let own = OWN.try_with(|own| {
        let mut own = own.borrow_mut();
        let fresh = || -> Box<dyn Any> { Box::new(wrapped(shared.another())) };
        let cache = own.as_mut()?.entry(core::ptr::from_ref(shared).addr()).or_insert_with(fresh);
        cache.downcast_ref().cloned()
    });
    // No caches of its own has a thread that ends.
    own.ok().flatten()
}

/// The same of what one thread has for itself.
pub(crate) fn own_local<E: Another + 'static>(local: &E) -> Option<Rc<E>> {
    own(local, Rc::new)
}

/// The shared ones, or the thread's own.
pub enum Isolated<'m, E> {
    /// Those of all threads.
    Shared(&'m E),
    /// Those of one.
    Own(Arc<E>),
}

/// What the current thread is to use for `shared`.
pub(crate) fn own_or_shared<E: Another + 'static>(shared: &E) -> Isolated<'_, E> {
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

impl<E> fmt::Debug for Isolated<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Isolated").finish_non_exhaustive()
    }
}
