//! Panics of user code that runs while caches are resized.

use std::any::Any;
use std::boxed::Box;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// What a listener, a victim chooser or a destructor has panicked with.
pub(crate) type Payload = Box<dyn Any + Send>;

/// Calls `f`, and keeps its panic if it is the first one.
pub(crate) fn caught<R>(panic: &mut Option<Payload>, f: impl FnOnce() -> R) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(f)) {
        drop_payload(if panic.is_none() { panic.replace(payload) } else { Some(payload) });
    }
}

/// Drops what a panic carries, whose destructor may panic as well.
pub(crate) fn drop_payload(payload: Option<Payload>) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        core::mem::forget(payload);
    }
}

pub(crate) fn resume(panic: Option<Payload>) {
    if let Some(payload) = panic {
        resume_unwind(payload);
    }
}
