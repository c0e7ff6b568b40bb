//! The tables of the file, and the eviction of expired and oldest entries.
//!
//! Invariant: each entry has one row in `ENTRIES` and one in `ORDER`, and one in `DEADLINES` if it expires;
//! `TOTALS` has the sum of their sizes.

use std::ops::Bound;

use redb::{ReadTransaction, ReadableTable, TableDefinition, TableHandle, WriteTransaction};

use super::overlay::{Entry, Writes};
use crate::error::ClientError;

/// Namespace and key → deadline in milliseconds since 1970, or zero if it does not expire; entry number; value.
pub(super) const ENTRIES: TableDefinition<&[u8], (u64, u64, &[u8])> = TableDefinition::new("entries");
/// Entry number → namespace and key: the oldest first.
const ORDER: TableDefinition<u64, &[u8]> = TableDefinition::new("order");
/// Deadline and entry number → namespace and key.
const DEADLINES: TableDefinition<(u64, u64), &[u8]> = TableDefinition::new("deadlines");
const TOTALS: TableDefinition<&str, u64> = TableDefinition::new("totals");
const NEXT_NUMBER: &str = "next number";
const BYTES: &str = "bytes";

/// The size of an entry without its key and its value, in bytes.
const OVERHEAD: u64 = 160;
/// How many expired entries are removed at most for each write of a group.
const SWEEP: usize = 16;

/// All tables, in a write transaction.
pub(super) struct Tables<'t> {
    entries: redb::Table<'t, &'static [u8], (u64, u64, &'static [u8])>,
    order: redb::Table<'t, u64, &'static [u8]>,
    deadlines: redb::Table<'t, (u64, u64), &'static [u8]>,
    totals: redb::Table<'t, &'static str, u64>,
    bytes: u64,
    next_number: u64,
}

impl<'t> Tables<'t> {
    pub(super) fn open(transaction: &'t WriteTransaction) -> Result<Self, ClientError> {
        let totals = transaction.open_table(TOTALS)?;
        let bytes = totals.get(BYTES)?.map_or(0, |bytes| bytes.value());
        let next_number = totals.get(NEXT_NUMBER)?.map_or(0, |number| number.value());
        Ok(Self {
            entries: transaction.open_table(ENTRIES)?,
            order: transaction.open_table(ORDER)?,
            deadlines: transaction.open_table(DEADLINES)?,
            totals,
            bytes,
            next_number,
        })
    }

    /// Writes the totals back.
    pub(super) fn close(mut self) -> Result<(), ClientError> {
        self.totals.insert(BYTES, self.bytes)?;
        self.totals.insert(NEXT_NUMBER, self.next_number)?;
        Ok(())
    }

    /// Returns the keys of all entries with this prefix.
    pub(super) fn keys_with_prefix(&self, prefix: &[u8]) -> Result<Vec<Vec<u8>>, ClientError> {
        let from = (Bound::Included(prefix), Bound::Unbounded);
        let mut keys = Vec::new();
        for entry in self.entries.range::<&[u8]>(from)? {
            let (key, _) = entry?;
            if !key.value().starts_with(prefix) {
                break;
            }
            keys.push(key.value().to_vec());
        }
        Ok(keys)
    }

    /// Carries out a group of writes.
    pub(super) fn write(&mut self, writes: &Writes, max_bytes: u64, now: u64) -> Result<(), ClientError> {
        for prefix in writes.cleared() {
            for key in self.keys_with_prefix(prefix)? {
                self.remove(&key)?;
            }
        }
        for (key, entry) in writes.entries() {
            self.remove(key)?;
            if let Some(entry) = entry {
                self.insert(key, entry)?;
            }
        }
        self.evict(max_bytes, now, SWEEP * writes.len().max(1))
    }

    fn remove(&mut self, key: &[u8]) -> Result<(), ClientError> {
        let Some(entry) = self.entries.remove(key)? else { return Ok(()) };
        let (expires, number, value) = entry.value();
        self.order.remove(number)?;
        if expires != 0 {
            self.deadlines.remove((expires, number))?;
        }
        self.bytes = self.bytes.saturating_sub(size(key, value));
        Ok(())
    }

    fn insert(&mut self, key: &[u8], entry: &Entry) -> Result<(), ClientError> {
        let Entry { value, expires, number } = entry;
        self.next_number = self.next_number.max(number + 1);
        self.entries.insert(key, (*expires, *number, value.as_slice()))?;
        self.order.insert(*number, key)?;
        if *expires != 0 {
            self.deadlines.insert((*expires, *number), key)?;
        }
        self.bytes += size(key, value);
        Ok(())
    }

    /// Removes up to `sweep` expired entries, then the oldest ones until the total size is within the limit.
    fn evict(&mut self, max_bytes: u64, now: u64, sweep: usize) -> Result<(), ClientError> {
        for _ in 0..sweep {
            let Some(first) = self.deadlines.first()? else { break };
            if first.0.value().0 > now {
                break;
            }
            let key = first.1.value().to_vec();
            drop(first);
            self.remove(&key)?;
        }
        while self.bytes > max_bytes {
            let Some(oldest) = self.order.first()? else { break };
            let key = oldest.1.value().to_vec();
            drop(oldest);
            self.remove(&key)?;
        }
        Ok(())
    }
}

/// What the tables of a file tell about who wrote it.
pub(super) enum Layout {
    /// No tables yet.
    Empty,
    /// The tables of this library, and the number of the next entry.
    Ours(u64),
    /// Tables of another program.
    Foreign,
}

/// Returns what the file holds. Tables of other types than those of this release are an error.
pub(super) fn layout(transaction: &ReadTransaction) -> Result<Layout, ClientError> {
    let mut tables = transaction.list_tables()?.peekable();
    if tables.peek().is_none() {
        return Ok(Layout::Empty);
    }
    if !tables.any(|table| table.name() == ENTRIES.name()) {
        return Ok(Layout::Foreign);
    }
    transaction.open_table(ENTRIES)?;
    transaction.open_table(ORDER)?;
    transaction.open_table(DEADLINES)?;
    let next_number = transaction.open_table(TOTALS)?.get(NEXT_NUMBER)?.map_or(0, |number| number.value());
    Ok(Layout::Ours(next_number))
}

/// Returns the size of an entry: its key is stored three times, and a large value takes pages whose size is a
/// power of two.
pub(super) fn size(key: &[u8], value: &[u8]) -> u64 {
    let value = if value.len() > 2048 { value.len().next_power_of_two() } else { value.len() };
    OVERHEAD + 3 * key.len() as u64 + value as u64
}
