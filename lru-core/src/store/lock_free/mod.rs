//! Lock-free reads of small entries: a copy of a bounded store in atomic words, and the order of its hits.
//!
//! The bounded store of a cache whose keys and values are plain data ([`Words`](words::Words)) has a
//! [`Mirror`](mirror::Mirror): a hash table of atomic words with the same keys and values in the same slots, guarded by
//! one sequence number (a seqlock: Boehm, "Can seqlocks get along with programming language memory models?", MSPC
//! 2012). A hit reads the number, the entry, and the number again, and takes no lock. The number is odd while the
//! lock holder changes entries; a hit that sees it odd or changed goes through the lock.
//!
//! A hit writes only to memory of its thread ([`Stripe`](stripe::Stripe)): a stamp of the entry, and the number of hits.
//! A stamp consists of the sequence number and of the number of the hit, so that stamps order the hits of a thread
//! among themselves, and all hits among the changes. The lock holder stamps what it changes or uses in the same way. The
//! policy ([`StampedLru`](super::policy::StampedLru)) finds the least recently used entry by the stamps.
//!
//! Invariant: an operation that takes the lock changes the sequence number before it returns. A lookup that begins later
//! does not find a value that the operation removed.
//!
//! Invariant: of two hits of one thread the later one has the greater stamp. A hit that ends before the lock is taken has
//! a smaller stamp than what the lock holder stamps then; a hit that begins after the lock is released, a greater one.
//! Hits of several threads without a locked operation in between may be ordered either way.
//!
//! A mirror cannot grow. When the capacity of the cache is raised beyond it, it is retired: its number stays odd, and all
//! lookups take the lock.
//!
//! The files import atomics from here: the checker `loom` replaces them.

pub(crate) mod front;
#[cfg(all(test, loom))]
mod interleavings;
pub(crate) mod mirror;
pub(crate) mod stripe;
mod table;
pub(crate) mod thread_number;
pub(crate) mod words;

/// The largest capacity of a store with a mirror. A thread that reads it needs eight bytes for each entry.
pub(crate) const MAX_MIRRORED: usize = 1024;

#[cfg(not(all(test, loom)))]
use core::sync::atomic;
#[cfg(all(test, loom))]
use loom::sync::atomic;
