//! The shape of a result type: what its `Deserialize` asks for.
//!
//! A binary format has no names: bytes of `{balance, limit}` can be read as `{limit, balance}`, and an `u64` as an
//! `i64`. So each stored result carries a fingerprint of the shape of its type, and a result of another shape is a
//! miss. The shape is traced by a [deserializer](tracer) that invents values, and records each call with the names
//! of structs, fields, enums and variants. It is traced once per function, at its first use of the backend.
//!
//! A type that refuses the invented values cannot be traced as a whole, nor can one that contains itself or takes any
//! type. Its fingerprint then covers what was traced and the type's name.
//!
//! Invariant: a fingerprint depends on the type alone, not on the process, the machine or the build.

mod trace;
mod tracer;

use core::any::type_name;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{LazyLock, OnceLock};

use parking_lot::Mutex;
use serde::de::DeserializeOwned;

use self::trace::{Fingerprint, Trace};
use self::tracer::{CALLS, Tracer};

/// The fingerprint of an entry whose writer does not state one.
pub(crate) const NOT_STATED: u64 = 0;

/// What is known of a result type.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// The fingerprint of the shape; never [`NOT_STATED`].
    pub(crate) fingerprint: u64,
    /// Whether the type is made of types of the standard library only.
    pub(crate) is_standard: bool,
}

impl Shape {
    fn of<T: DeserializeOwned>(is_human_readable: bool) -> Self {
        let name = type_name::<T>();
        let (mut fingerprint, is_whole) = trace::<T>(is_human_readable);
        if !is_whole {
            fingerprint.write(name.as_bytes());
        }
        Self { fingerprint: fingerprint.0.max(NOT_STATED + 1), is_standard: is_standard(name) }
    }
}

/// The address of the function that makes the shape of a type, which stands for the type: a result need not be
/// `'static`.
type Address = usize;

/// The shape of the results of a function; in a `static`. It is that of the first instantiation, if there are
/// several.
pub(crate) struct ShapeCache(OnceLock<(Address, Shape)>);

/// The shapes of all other instantiations, by type and format.
static OTHERS: LazyLock<Mutex<HashMap<(Address, bool), Shape>>> = LazyLock::new(Mutex::default);

impl ShapeCache {
    pub(crate) const fn new() -> Self {
        Self(OnceLock::new())
    }

    /// Returns the shape of a type, as the one format of the function asks for it.
    pub(crate) fn of<T: DeserializeOwned>(&self, is_human_readable: bool) -> Shape {
        let make: fn(bool) -> Shape = Shape::of::<T>;
        let address = make as Address;
        let (first, shape) = *self.0.get_or_init(|| (address, make(is_human_readable)));
        if first == address {
            return shape;
        }
        let key = (address, is_human_readable);
        if let Some(shape) = OTHERS.lock().get(&key) {
            return *shape;
        }
        // Traced without the lock: `Deserialize` is user code.
        let shape = make(is_human_readable);
        OTHERS.lock().insert(key, shape);
        shape
    }
}

/// The number of runs.
const RUNS: u32 = 1_000;

/// Traces a type. Returns the fingerprint, and whether all of the type was visited.
fn trace<T: DeserializeOwned>(is_human_readable: bool) -> (Fingerprint, bool) {
    let mut trace = Trace::new(is_human_readable);
    for _ in 0..RUNS {
        trace.begin();
        let run = || T::deserialize(Tracer { trace: &mut trace, path: 0 }).is_ok();
        let Ok(is_deserialized) = catch_unwind(AssertUnwindSafe(run)) else {
            trace.is_whole = false;
            break;
        };
        let is_to_go_on = trace.is_changed || {
            trace.is_whole &= is_deserialized;
            trace.next_variant()
        };
        if trace.calls >= CALLS {
            trace.is_whole = false;
            break;
        }
        if !is_to_go_on {
            break;
        }
    }
    (trace.fingerprint, trace.is_whole)
}

/// Returns whether the name of a type consists of names of the standard library.
fn is_standard(name: &str) -> bool {
    let is_part_of_path = |c: char| c.is_alphanumeric() || matches!(c, '_' | ':' | '#' | '{' | '}');
    name.split(|c| !is_part_of_path(c)).filter(|path| !path.is_empty()).all(|path| {
        let is_length = path.bytes().all(|byte| byte.is_ascii_digit());
        is_length || PRIMITIVES.contains(&path) || LIBRARIES.iter().any(|library| path.starts_with(library))
    })
}

const LIBRARIES: [&str; 3] = ["alloc::", "core::", "std::"];

const PRIMITIVES: [&str; 17] = [
    "bool", "char", "str", "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128",
    "isize", "f32", "f64",
];

#[cfg(test)]
mod tests;
