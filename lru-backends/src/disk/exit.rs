//! The end of a thread waits until the results that it stored are on disk, so that a program which ends has
//! lost none of them.

use std::cell::RefCell;
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::store::Store;

/// How long the end of a thread waits at most.
const LONGEST: Duration = Duration::from_secs(1);

/// The files in which a thread has stored results.
struct Stores(RefCell<Vec<Weak<Store>>>);

thread_local! {
    static STORES: Stores = const { Stores(RefCell::new(Vec::new())) };
}

/// Notes that this thread has stored a result that is not on disk yet.
pub(super) fn note(store: &Arc<Store>) {
    // While the thread ends, the results that its destructors store are written within the time of a group.
    _ = STORES.try_with(|stores| {
        let mut stores = stores.0.borrow_mut();
        if !stores.iter().any(|noted| std::ptr::eq(noted.as_ptr(), Arc::as_ptr(store))) {
            stores.retain(|store| store.strong_count() > 0);
            stores.push(Arc::downgrade(store));
        }
    });
}

impl Drop for Stores {
    fn drop(&mut self) {
        for store in self.0.get_mut().iter().filter_map(Weak::upgrade) {
            store.flush_within(LONGEST);
        }
    }
}
