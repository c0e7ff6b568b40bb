//! A backend of your own: results are stored in a folder and outlive the process.
//!
//! Run it twice: the second process finds the results of the first. The folder is an optional argument.
//!
//! ```sh
//! cargo run --example own_backend --features backend
//! ```

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use std::{env, fs, io, thread};

use functools::backend::{Backend, BackendError, Stored};
use functools::lru_cache;

/// A folder for each namespace, and in it a file for each key.
struct Folder(PathBuf);

impl Folder {
    fn namespace(&self, namespace: &str) -> PathBuf {
        self.0.join(hex(namespace.as_bytes()))
    }
}

/// A name that is valid in any file system.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut name, byte| {
        _ = write!(name, "{byte:02x}");
        name
    })
}

/// Turns the error for a missing file into `None`.
fn there<T>(result: io::Result<T>) -> Result<Option<T>, BackendError> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        result => Ok(Some(result?)),
    }
}

impl Backend for Folder {
    fn get(&self, namespace: &str, key: &[u8]) -> Result<Option<Stored>, BackendError> {
        let value = there(fs::read(self.namespace(namespace).join(hex(key))))?;
        Ok(value.map(Stored::new))
    }

    /// Ignores the time to live: the value contains its deadline.
    fn set(
        &self,
        namespace: &str,
        key: &[u8],
        value: &[u8],
        _: Option<Duration>,
    ) -> Result<(), BackendError> {
        let folder = self.namespace(namespace);
        fs::create_dir_all(&folder)?;
        Ok(fs::write(folder.join(hex(key)), value)?)
    }

    fn delete(&self, namespace: &str, key: &[u8]) -> Result<bool, BackendError> {
        Ok(there(fs::remove_file(self.namespace(namespace).join(hex(key))))?.is_some())
    }

    fn clear(&self, namespace: &str) -> Result<(), BackendError> {
        there(fs::remove_dir_all(self.namespace(namespace)))?;
        Ok(())
    }
}

fn folder() -> Folder {
    let folder = env::args_os().nth(1).map(PathBuf::from);
    Folder(folder.unwrap_or_else(|| env::temp_dir().join("functools-own-backend")))
}

#[lru_cache(maxsize = 100, ttl = 3600, backend = folder())]
fn report(year: u32, title: &str) -> String {
    thread::sleep(Duration::from_millis(300)); // stands for an expensive computation
    format!("{title}, {year}")
}

fn main() -> Result<(), BackendError> {
    for title in ["Sales", "Stock", "Sales"] {
        let start = Instant::now();
        let text = report(2026, title);
        println!("{text:<12} {:>4} ms", start.elapsed().as_millis());
    }
    println!("{}, {} of them from the backend", report::cache_info(), report::cache_stats().backend_hits);
    if report::cache_info().misses == 0 {
        report::cache_clear()?;
        println!("all found; now cleared in this process and in the folder");
    }
    Ok(())
}
