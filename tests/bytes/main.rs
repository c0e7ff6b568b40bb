//! Entries that are weighed in bytes: `weight = bytes`, `CacheBuilder::weigh_bytes`, `HeapSize`.

mod derived;
mod measured;
mod weighed;
