//! Entries that are weighed in bytes (`weight = bytes`, `CacheBuilder::weigh_bytes`, `HeapSize`), or by what it costs to
//! compute them (`policy = gdsf`).

mod derived;
mod gdsf;
mod measured;
mod weighed;
