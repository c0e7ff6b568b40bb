//! The backends of functions with tags, to which an invalidation goes.

use core::future::Future;
use core::pin::Pin;
use core::sync::atomic::{AtomicBool, Ordering::Acquire, Ordering::Release};
use std::boxed::Box;
use std::sync::Arc;
use std::vec;
use std::vec::Vec;

use parking_lot::Mutex;

use crate::backend::{AsyncBackend, BackendError, TagKey};
use crate::function::call::backend_errors::ErrorReporter;
use crate::function::call::remote::block_on;
use crate::function::tagged::invalidated::{Invalidated, Reported, Request};
use crate::tags::current::DomainHandle;
use crate::tags::tag::{Tag, TagId};

type Asked = Pin<Box<dyn Future<Output = Result<(), BackendError>> + Send>>;

/// The backend of a function with tags.
#[derive(Clone)]
struct TaggedBackend {
    invalidate: Arc<dyn Fn(Vec<TagKey>) -> Asked + Send + Sync>,
    /// Whether it never waits for a runtime.
    is_blocking: bool,
    errors: ErrorReporter,
}

static BACKENDS: Mutex<Vec<TaggedBackend>> = Mutex::new(Vec::new());

/// Whether there is any.
static ARE_THERE: AtomicBool = AtomicBool::new(false);

/// Adds the backend of a function. It stays in its `static`.
pub(crate) fn add<B>(backend: B, is_blocking: bool, errors: ErrorReporter)
where
    B: AsyncBackend + Clone + Send + Sync + 'static,
{
    let invalidate = move |tags: Vec<TagKey>| -> Asked {
        let backend = backend.clone();
        Box::pin(async move { backend.invalidate_tags(&tags).await })
    };
    BACKENDS.lock().push(TaggedBackend { invalidate: Arc::new(invalidate), is_blocking, errors });
    ARE_THERE.store(true, Release);
}

pub(super) fn are_there() -> bool {
    ARE_THERE.load(Acquire)
}

/// Invalidates a tag in all backends: in those that are blocking at once.
#[cold]
pub(super) fn invalidate_in_all(tag: Tag) -> Invalidated {
    let (tag, domain) = (TagId::from(tag), DomainHandle::current());
    let mut outcome = Invalidated::here();
    // User code runs without the lock.
    let backends = BACKENDS.lock().clone();
    for TaggedBackend { invalidate, is_blocking, errors } in backends {
        let reported: Reported = Box::new(move |error| errors.lost(error));
        let asked = invalidate(vec![TagId::ANY.into(), tag.into()]);
        if is_blocking {
            if let Err(error) = block_on(asked) {
                outcome.failed(error, reported);
            }
            continue;
        }
        let domain = domain.clone();
        let done = Box::pin(async move {
            let done = asked.await;
            // A result may have been fetched from the backend meanwhile.
            domain.invalidate(&[tag]);
            done
        });
        outcome.pending(Request { done, reported });
    }
    domain.invalidate(&[tag]);
    outcome
}
