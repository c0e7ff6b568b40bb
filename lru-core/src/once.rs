//! Expressions of options that are evaluated once, at the first use: `maxsize = config().cache_size`, `ttl = config().ttl`.

use core::cell::RefCell;
use core::fmt;
use std::sync::OnceLock;
use std::vec::Vec;

use parking_lot::Mutex;

std::thread_local! {
    /// The addresses of the options whose expressions this thread evaluates, one within another.
    static EVALUATED: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

/// The value of an option of a function, whose expression is evaluated once.
///
/// A thread that needs a value waits for another that evaluates the expression, unless it evaluates an expression itself: it would
/// otherwise wait for a thread that may wait for it. Then both evaluate it, and the first one counts.
pub(crate) struct EvaluatedOnce<T> {
    option: &'static str,
    /// The name of the function.
    name: &'static str,
    value: OnceLock<T>,
    /// Held while the expression runs.
    evaluating: Mutex<()>,
}

impl<T: Copy> EvaluatedOnce<T> {
    /// Creates the value of an option of the function `name`.
    pub(crate) const fn new(option: &'static str, name: &'static str) -> Self {
        Self { option, name, value: OnceLock::new(), evaluating: Mutex::new(()) }
    }

    /// Returns the value, and evaluates the expression unless another thread has done so.
    ///
    /// # Panics
    ///
    /// If the expression panics, or uses the function itself. The next call evaluates it again.
    #[inline]
    pub(crate) fn get(&self, expression: impl FnOnce() -> T) -> T {
        self.value.get().copied().unwrap_or_else(|| self.evaluate(expression))
    }

    #[cold]
    #[inline(never)]
    fn evaluate(&self, expression: impl FnOnce() -> T) -> T {
        let own = core::ptr::from_ref(self).addr();
        let is_nested = EVALUATED.with_borrow(|evaluated| {
            let Self { option, name, .. } = self;
            assert!(
                !evaluated.contains(&own),
                "the expression of `{option}` of `{name}` calls the function itself"
            );
            !evaluated.is_empty()
        });
        let _evaluating = (!is_nested).then(|| self.evaluating.lock());
        if let Some(&value) = self.value.get() {
            return value;
        }
        let evaluation = Evaluation::begin(own);
        let value = expression();
        drop(evaluation);
        *self.value.get_or_init(|| value)
    }
}

impl<T> fmt::Debug for EvaluatedOnce<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { option, name, .. } = self;
        f.debug_struct("EvaluatedOnce").field("option", option).field("name", name).finish_non_exhaustive()
    }
}

/// The evaluation of an expression, until it is dropped.
struct Evaluation;

impl Evaluation {
    fn begin(option: usize) -> Self {
        EVALUATED.with_borrow_mut(|evaluated| evaluated.push(option));
        Self
    }
}

impl Drop for Evaluation {
    fn drop(&mut self) {
        EVALUATED.with_borrow_mut(Vec::pop);
    }
}
