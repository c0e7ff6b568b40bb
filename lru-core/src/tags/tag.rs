//! [`Tag`]: a mark of results, by which they are invalidated.

use core::hash::{Hash, Hasher};
use core::num::NonZeroU64;

use crate::key::hash::mixed;
use crate::key::{KeyHash, STEP};
use crate::tags::value_hasher::ValueHasher;

/// A mark of results that are invalidated together: a name, such as `user`, and a value, such as the number of a user.
///
/// Tags are made by [`tag`]. A tag keeps its name and a hash of name and value; the value itself is not kept. Tags
/// of different values that have the same hash count as one tag. That is harmless: an invalidation of one invalidates
/// the results of the other as well, which are then computed anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tag {
    name: &'static str,
    hash: u128,
}

impl Tag {
    /// Returns the name.
    pub fn name(self) -> &'static str {
        self.name
    }

    /// Returns the hash of name and value, which is the same in all processes and versions.
    pub(crate) fn hash128(self) -> u128 {
        self.hash
    }
}

/// Makes a tag of a name and a value, such as `tag("user", 7)`.
///
/// The value may be passed by value or by reference. Values are compared by content:
///
/// * Integers are compared as numbers, whatever their types: `tag("team", 7)` is `tag("team", 7_u64)`. So are integers in
///   tuples, options, arrays and slices.
/// * Text is compared by content: a `&str` is equal to a `String`.
/// * Tuples are compared element by element.
/// * Any other type that implements `Hash` can be used, `bool`, `char` and types with `derive(Hash)` included. A type with
///   one field is equal to its field: `UserId(7)` to `7`.
///
/// Byte strings, and other slices of integers, that differ only in bytes 0 and 255 count as equal: `[0_u8, 1]` and
/// `[1_u8, 0]`. That is harmless: such tags are invalidated together.
///
/// If tags are shared with other processes, use numbers, text, and tuples of these: the hash of other types may depend on
/// the version of the compiler.
///
/// It takes about as long as the hash of a key of a cache, and allocates nothing.
///
/// ```
/// # use lru_core as functools;
/// use functools::tag;
///
/// let name = String::from("Ada");
/// assert_eq!(tag("user", &name), tag("user", "Ada"));
/// assert_eq!(tag("team", 7), tag("team", 7_u64));
/// assert_ne!(tag("team", 7), tag("user", 7));
/// assert_eq!(tag("seat", (7, "a")), tag("seat", (7_u8, String::from("a"))));
/// ```
#[inline]
pub fn tag<V: Hash>(name: &'static str, value: V) -> Tag {
    let mut hasher = ValueHasher::new();
    hasher.write(name.as_bytes());
    value.hash(&mut hasher);
    Tag { name, hash: hasher.finish_wide() }
}

/// How many tags the keys of a function have in a backend: so there are not more nonces than this of them, and a change of
/// one key seldom invalidates another.
#[cfg(feature = "backend")]
const KEYS: u64 = 1 << 18;

/// The hash of a tag within the process: of a [`Tag`], of an entry, or of all entries of a cache. It is never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TagId(NonZeroU64);

impl TagId {
    /// The tag of all results that backends have.
    #[cfg(feature = "backend")]
    pub(crate) const OUTSIDE: Self = Self(NonZeroU64::new(0x6f75_7473_6964_6521).unwrap());
    /// The tag that is invalidated with every other in a backend.
    pub(crate) const ANY: Self = Self(NonZeroU64::new(0x616e_7920_7461_6721).unwrap());

    fn of_hash(hash: u64) -> Self {
        Self(NonZeroU64::new(hash).unwrap_or(NonZeroU64::MIN))
    }

    /// Returns the tag that has this number, by which other processes know it.
    pub(crate) fn of_number(number: u64) -> Self {
        Self::of_hash(number)
    }

    /// Returns the number by which other processes know the tag.
    pub(crate) fn number(self) -> u64 {
        self.get()
    }

    /// Returns the tag of all results of a function in its backend.
    #[cfg(feature = "backend")]
    pub(crate) fn of_namespace(namespace: &str) -> Self {
        let mut hasher = ValueHasher::new();
        hasher.write(namespace.as_bytes());
        Self::of_hash(mixed(hasher.finish()))
    }

    /// Returns the tag of the entry of a key in a backend, which it may share with others. `function` is the tag of all
    /// results of the function.
    #[cfg(feature = "backend")]
    pub(crate) fn of_key(function: Self, key: &[u8]) -> Self {
        let mut hasher = ValueHasher::new();
        // As integers: in slices, some bytes are left out.
        for &byte in key {
            hasher.write_u8(byte);
        }
        Self::of_hash(mixed(function.get().rotate_left(16) ^ (hasher.finish() % KEYS)))
    }

    /// Returns the tag of the entry of a key. `cache` is a number that distinguishes caches, such as an address.
    pub(crate) fn of_entry(cache: u64, key: KeyHash) -> Self {
        Self::of_hash(mixed(mixed(cache) ^ key.get()))
    }

    /// Returns what stands for a tag among the entries of one cache.
    pub(crate) fn of_tag_in(cache: u64, tag: Self) -> Self {
        Self::of_hash(mixed(mixed(cache).rotate_left(32) ^ tag.get()))
    }

    /// Returns the tag of all entries of a cache.
    pub(crate) fn of_cache(cache: u64) -> Self {
        Self::of_hash(mixed(mixed(cache).wrapping_add(STEP)))
    }

    #[inline]
    pub(super) fn get(self) -> u64 {
        self.0.get()
    }
}

impl From<Tag> for TagId {
    #[expect(clippy::cast_possible_truncation, reason = "the lower half is a hash")]
    fn from(tag: Tag) -> Self {
        Self::of_hash(tag.hash128() as u64)
    }
}
