//! Invalidation of tags in the domain of the current thread.

use crate::tags::current::DomainHandle;
use crate::tags::tag::TagId;

/// Invalidates tags in the domain of the current thread, all at once.
pub(crate) fn invalidate_all(tags: &[TagId]) {
    DomainHandle::current().invalidate(tags);
}

/// Invalidates the results that depend on something unknown, in the domain of the current thread.
pub(crate) fn invalidate_unknown() {
    DomainHandle::current().advance();
}
