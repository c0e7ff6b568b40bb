//! The owners of namespaces in this process: one function each.
//!
//! Two functions of one namespace would read each other's results. Paths and positions tell functions apart, but for
//! a `namespace` that was given to functions of several names (functions of one name are then meant to be one), functions that one macro writes into several blocks, and crates of one name. Then
//! the function that came second has no backend: its lookups and stores are errors. Likewise, types are told
//! apart by their names, so the second type of a name has no backend.

use core::any::TypeId;
use core::ptr;
use std::collections::HashMap;
use std::format;
use std::string::String;
use std::sync::{LazyLock, OnceLock};
use std::vec::Vec;

use parking_lot::Mutex;

use crate::backend::error::{BackendError, ErrorKind};
use crate::observe::location::FunctionLocation;

static OWNERS: LazyLock<Mutex<HashMap<&'static str, &'static FunctionLocation>>> =
    LazyLock::new(Mutex::default);

/// Whether a function owns its namespace, and which types it was called with; in a `static`.
pub(crate) struct Ownership {
    /// The error, if another function was first.
    refusal: OnceLock<Option<String>>,
    /// The types by name.
    types: Mutex<Vec<NamedType>>,
}

/// A type, and its name, which two types may have.
pub(crate) type NamedType = (&'static str, TypeId);

impl Ownership {
    pub(crate) const fn new() -> Self {
        Self { refusal: OnceLock::new(), types: Mutex::new(Vec::new()) }
    }

    /// Checks that the function owns its namespace.
    ///
    /// # Errors
    ///
    /// If another function of this process owns it.
    pub(crate) fn check(&self, location: &'static FunctionLocation) -> Result<(), BackendError> {
        match self.refusal.get_or_init(|| refusal(location)) {
            None => Ok(()),
            Some(reason) => Err(BackendError::with_kind(ErrorKind::Configuration, reason.as_str())),
        }
    }

    /// Checks that no type has the name of another one that the function was called with.
    ///
    /// # Errors
    ///
    /// If there is such a type.
    pub(crate) fn check_types(&self, types: &[NamedType]) -> Result<(), BackendError> {
        let mut known = self.types.lock();
        for (name, id) in types {
            match known.iter().find(|(known, _)| known == name) {
                Some((_, known)) if known == id => {}
                None => known.push((name, *id)),
                Some(_) => {
                    let reason =
                        format!("two types are named `{name}`, and share no results: rename one of them");
                    return Err(BackendError::with_kind(ErrorKind::Configuration, reason));
                }
            }
        }
        Ok(())
    }
}

/// Takes the namespace of a function; returns the error if another function has it.
fn refusal(location: &'static FunctionLocation) -> Option<String> {
    let owner = *OWNERS.lock().entry(location.namespace()).or_insert(location);
    let place = |it: &FunctionLocation| format!("`{}` at {}:{}", it.path(), it.file(), it.line());
    (!ptr::eq(owner, location) && !owner.shares_namespace_with(location)).then(|| {
        format!(
            "two functions share the namespace `{}`: {} uses the backend, and {} does not; set `namespace = \"…\"`",
            location.namespace(),
            place(owner),
            place(location),
        )
    })
}
