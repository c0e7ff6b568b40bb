//! The deep size of a value: the bytes that it owns outside of itself.
//!
//! The trait is one of our own, and not that of `get-size2` or `mem_dbg`: the default build has no further dependency,
//! a type without an implementation is a compile error that names the derive, and does not count as zero bytes, and the stored forms of keys,
//! which are types of this crate, have it.

mod other_crates;
mod std_types;

/// A kibibyte, for a `maxsize` in bytes (`weight = bytes`).
pub const KIB: usize = 1 << 10;

/// A mebibyte: `maxsize = 64 * MIB`.
pub const MIB: usize = 1 << 20;

/// A gibibyte.
pub const GIB: usize = 1 << 30;

/// Types whose values know how many bytes they own on the heap, for `weight = bytes`.
///
/// It is implemented for the types of the standard library, and for your own by `#[derive(HeapSize)]`.
///
/// * Allocated memory counts, used or not: a `String` and a `Vec` by their capacity.
/// * Shared data (`Arc`, `Rc`) counts in full for each pointer to it: the sum is too large where entries share.
/// * Borrowed data (`&T`, a `Weak`) counts nothing.
/// * Of hash tables and B-trees the size is an estimate by their number of entries or their capacity.
/// * What the allocator needs for itself, such as rounding to its size classes, is not counted.
///
/// # Examples
///
/// ```
/// # use lru_core as functools;
/// use functools::HeapSize;
///
/// assert_eq!(12_u64.heap_size(), 0);
/// assert_eq!(vec![0_u32; 10].heap_size(), 40);
/// assert_eq!(Some(Box::new(String::with_capacity(5))).heap_size(), size_of::<String>() + 5);
///
/// /// A type with memory that Rust does not know of.
/// struct Texture {
///     bytes_on_card: usize,
/// }
///
/// impl HeapSize for Texture {
///     fn heap_size(&self) -> usize {
///         self.bytes_on_card
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "the size of `{Self}` in bytes is not known: it is not `HeapSize`",
    label = "`weight = bytes` needs the size of what the key and the result own",
    note = "for a type of your own, add `#[derive(functools::HeapSize)]`; for a field of another crate's type, `#[heap_size(with = |field| …)]` in it; or write `weight = |…| …`"
)]
pub trait HeapSize {
    /// Whether no value of the type owns anything, so that a container need not look at each. Only an optimization.
    #[doc(hidden)]
    const IS_FLAT: bool = false;

    /// Returns the number of bytes that the value owns outside of itself, directly and indirectly. Those of the
    /// value itself (`size_of_val`) are not included.
    ///
    /// It takes time in proportion to the number of values that own something. It is called when an entry is stored,
    /// without a lock.
    fn heap_size(&self) -> usize;
}

/// Returns the sum of what the items own.
pub(crate) fn sum<'a, T: HeapSize + 'a>(items: impl IntoIterator<Item = &'a T>) -> usize {
    if T::IS_FLAT {
        return 0;
    }
    items.into_iter().map(HeapSize::heap_size).fold(0, usize::saturating_add)
}

/// Returns what `function` counts for a value: for generated code, where a closure gets the type of its parameter.
#[inline]
pub fn owned_bytes<T: ?Sized>(value: &T, function: impl FnOnce(&T) -> usize) -> usize {
    function(value)
}

/// Returns the bytes that a key and a value own.
pub fn bytes_owned_by<K: HeapSize, V: HeapSize>(key: &K, value: &V) -> usize {
    key.heap_size().saturating_add(value.heap_size())
}

#[cfg(test)]
mod tests;
