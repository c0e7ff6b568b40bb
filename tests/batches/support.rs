use std::fmt::Debug;
use std::sync::Mutex;

/// What bodies were called with.
pub(crate) struct Asked<T>(Mutex<Vec<T>>);

impl<T: Debug + PartialEq> Asked<T> {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    pub(crate) fn add(&self, asked: T) {
        self.0.lock().unwrap().push(asked);
    }

    /// Returns what was asked since the last time.
    #[track_caller]
    pub(crate) fn take(&self) -> Vec<T> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}
