//! Caches of its own for a test. Only with the feature `testing`.
//!
//! An isolation has a domain of tags of its own, too: what is invalidated outside of it does not affect its counts.
//!
//! The cache of a memoized function is looked up by the address of the shared one. In an isolated thread it
//! is replaced by another, which is created at its first use.

use core::any::Any;
use core::cell::RefCell;
use core::mem;
use core::ops::Deref;
use std::boxed::Box;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use crate::region::{InRegion, Region, RunIn};
use crate::tags::current::DomainHandle;

type Caches = HashMap<usize, Box<dyn Any>>;

thread_local! {
    /// The caches of this thread, if it is isolated.
    static OWN: RefCell<Option<Caches>> = const { RefCell::new(None) };
}

/// Gives the current thread fresh, empty caches of all memoized functions while `test` runs.
///
/// `test` is a closure, an async block, or an async closure: `isolated` returns what the closure returns, or a future
/// to be awaited, during each poll of which the thread has the fresh caches.
///
/// `cargo test` runs tests in parallel, and a function has one cache for the whole program, so that counts
/// would depend on the calls of other tests. An isolated test is independent of them. Threads and tasks that `test`
/// starts use the shared caches, and so does a destructor of a thread-local while its thread ends. Isolations
/// may be nested; results that were computed in one are dropped at its end. Tags are invalidated for results that were
/// computed in the same isolation, and only for these. A cache in an object, as with
/// `cache = self.prices`, is not affected: a test creates its own object. A backend is shared with all others.
///
/// The future is not `Send`, as it holds the caches of functions with `scope = thread`: await it in the test itself, not in
/// `tokio::spawn`. A closure may not return another future than that of an async
/// block, such as a boxed one, which would be polled without the fresh caches: write `isolated(async { … })`. In a
/// helper with a generic result `R`, add the bound `R: Unpin`.
///
/// With the feature `testing`, each call of a memoized function checks whether its thread is isolated: enable
/// it for tests only. Without the feature there is no check.
///
/// # Panics
///
/// Resumes a panic of `test`, after the former caches of the thread are restored.
pub fn isolated<T: RunIn<As, Isolation>, As>(test: T) -> T::Output {
    test.run_in(Isolation::default())
}

/// The future of [`isolated`]: while it is polled or dropped, the thread has caches of its own.
pub type IsolatedFuture<F> = InRegion<F, Isolation>;

/// The caches of one isolation, while the thread does not have them, and its tags.
#[doc(hidden)]
pub struct Isolation {
    caches: Caches,
    domain: DomainHandle,
}

impl Default for Isolation {
    fn default() -> Self {
        Self { caches: Caches::new(), domain: DomainHandle::isolated() }
    }
}

/// The thread has these caches and tags while `run` runs.
impl Region for Isolation {
    fn enter<R>(&mut self, run: impl FnOnce() -> R) -> R {
        /// Restores the former caches of the thread, even after a panic.
        struct Restore<'a>(&'a mut Caches, Option<Caches>);

        impl Drop for Restore<'_> {
            fn drop(&mut self) {
                *self.0 = OWN.replace(self.1.take()).unwrap_or_default();
            }
        }

        let Self { caches, domain } = self;
        // A thread that ends has no caches of its own any more.
        let Ok(former) = OWN.try_with(|own| own.replace(Some(mem::take(caches)))) else { return run() };
        let _restore = Restore(caches, former);
        let _entered = domain.enter();
        run()
    }
}

impl Drop for Isolation {
    /// Drops the caches while the thread is still isolated, because destructors may call memoized functions.
    /// Results that these calls store are dropped as well, except in the last round.
    fn drop(&mut self) {
        self.enter(|| {
            for _ in 0..ROUNDS {
                match OWN.try_with(|own| own.replace(Some(Caches::new()))) {
                    Ok(Some(own)) if !own.is_empty() => discard(own),
                    _ => break,
                }
            }
        });
        discard(mem::take(&mut self.caches));
    }
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
