//! A sink that records what a backend reports.

use std::sync::Mutex;

use functools::__private::LocalCopies;

/// Records which keys are reported.
#[derive(Default)]
pub(crate) struct Noted(Mutex<Vec<Vec<u8>>>);

impl Noted {
    pub(crate) fn leaked() -> &'static Self {
        Box::leak(Box::default())
    }

    /// Returns whether a key was reported; `all` is that of all keys.
    pub(crate) fn has(&self, key: &[u8]) -> bool {
        self.count(key) > 0
    }

    /// Returns how often a key was reported.
    pub(crate) fn count(&self, key: &[u8]) -> usize {
        self.0.lock().unwrap().iter().filter(|noted| *noted == key).count()
    }

    pub(crate) fn forget(&self) {
        self.0.lock().unwrap().clear();
    }
}

impl LocalCopies for Noted {
    fn invalidate(&self, key: &[u8]) {
        self.0.lock().unwrap().push(key.to_vec());
    }

    /// A key that begins so may have been written by this process.
    fn may_be_own_write(&self, key: &[u8]) -> bool {
        key.starts_with(b"own")
    }

    /// Records what is there now, if it is told.
    fn invalidate_unless_equal(&self, key: &[u8], current: Option<&[u8]>) {
        if current.is_some() {
            self.invalidate(&[key, b" is told"].concat());
        }
    }

    fn invalidate_all(&self) {
        self.invalidate(b"all");
    }
}
