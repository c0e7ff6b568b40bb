//! The value of an option, and its name as it was written.

use proc_macro2::Ident;

/// An option: its value, and its name as it was written.
///
/// A mistaken option has a name and no value of its own, a default of the attribute a value and no name.
pub(crate) struct Given<T> {
    pub(super) value: Option<T>,
    pub(super) name: Option<Ident>,
}

impl<T> Default for Given<T> {
    fn default() -> Self {
        Self { value: None, name: None }
    }
}

impl<T> Given<T> {
    /// The value.
    pub(crate) fn get(&self) -> Option<&T> {
        self.value.as_ref()
    }

    /// The value, to be changed.
    pub(crate) fn get_mut(&mut self) -> Option<&mut T> {
        self.value.as_mut()
    }

    /// The value, without the name.
    pub(crate) fn into_value(self) -> Option<T> {
        self.value
    }

    /// Whether there is a value.
    pub(crate) fn is_some(&self) -> bool {
        self.value.is_some()
    }

    /// The name where the option was written, to be underlined.
    pub(crate) fn name(&self) -> Option<&Ident> {
        self.name.as_ref()
    }

    /// Sets a value that was not written after the option's name.
    pub(crate) fn set(&mut self, value: T) {
        self.value = Some(value);
    }

    /// Removes the option.
    pub(crate) fn remove(&mut self) {
        *self = Self::default();
    }
}
