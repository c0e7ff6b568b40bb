//! The file of a snapshot: all entries, and a checksum.
//!
//! Numbers are little-endian. The file begins with [`MAGIC`]; then follow the entries, oldest first: the deadline in milliseconds
//! since 1970 or zero, and the namespace, the key and the value, each after its length, all as `u64`. The last eight bytes
//! are the FNV-1a hash of all others.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use crate::bounded_store::Live;
use crate::fnv::fnv_64;
use crate::milliseconds::whole_milliseconds;

/// The first bytes, with the version of the format.
const MAGIC: &[u8] = b"\xF7functools snapshot 1\n";

/// An entry that was read: namespace and key, value, deadline.
pub(super) type Read = ((String, Vec<u8>), Vec<u8>, Option<u64>);

/// Returns the content of a file with these entries, without the checksum. `now` is in milliseconds since 1970.
pub(super) fn encoded<'s>(entries: impl Iterator<Item = Live<'s>>, now: u64) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    for Live { namespace, key, value, ttl } in entries {
        let expires = ttl.map_or(0, |ttl| now.saturating_add(whole_milliseconds(ttl)));
        bytes.extend(expires.to_le_bytes());
        for part in [namespace.as_bytes(), key, value] {
            bytes.extend((part.len() as u64).to_le_bytes());
            bytes.extend(part);
        }
    }
    bytes
}

/// Appends the checksum to the content of a file.
pub(super) fn sealed(mut content: Vec<u8>) -> Vec<u8> {
    content.extend(fnv_64(&content).to_le_bytes());
    content
}

/// Reads the entries of a file; none if there is no file.
pub(super) fn read(path: &Path) -> io::Result<Vec<Read>> {
    match fs::read(path) {
        Ok(bytes) => decoded(&bytes).ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::InvalidData,
                "the file is damaged, or is no snapshot; it is ignored",
            )
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn decoded(bytes: &[u8]) -> Option<Vec<Read>> {
    let (content, checksum) = bytes.split_last_chunk()?;
    if fnv_64(content) != u64::from_le_bytes(*checksum) {
        return None;
    }
    let mut rest = content.strip_prefix(MAGIC)?;
    let mut entries = Vec::new();
    while !rest.is_empty() {
        let expires = number(&mut rest)?;
        let mut part = || {
            let length = usize::try_from(number(&mut rest)?).ok()?;
            let (part, after) = rest.split_at_checked(length)?;
            rest = after;
            Some(part.to_vec())
        };
        let (namespace, key, value) = (String::from_utf8(part()?).ok()?, part()?, part()?);
        entries.push(((namespace, key), value, Some(expires).filter(|expires| *expires != 0)));
    }
    Some(entries)
}

fn number(rest: &mut &[u8]) -> Option<u64> {
    let (number, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(u64::from_le_bytes(*number))
}

/// Replaces the file: it has either the old content or the new one, whenever the process or the machine stops.
pub(super) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder {
        fs::create_dir_all(folder)?;
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = path.with_file_name(name);
    let written = File::create(&temporary).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    let replaced = written.and_then(|()| fs::rename(&temporary, path));
    if replaced.is_err() {
        drop(fs::remove_file(&temporary));
        return replaced;
    }
    // The new name must be on disk as well. Not every system can open a folder.
    if let Some(Ok(folder)) = folder.map(File::open) {
        drop(folder.sync_all());
    }
    Ok(())
}
