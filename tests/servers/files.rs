//! The disk backend.

use std::path::PathBuf;

/// A temporary directory, removed when dropped.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("functools-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        _ = std::fs::remove_dir_all(&self.0);
    }
}

mod tests {
    use std::sync::LazyLock;
    use std::time::{Duration, Instant};

    use functools::backend::{Backend, ErrorKind, disk};

    use super::Folder;
    use crate::server::{eventually, limit};

    #[test]
    fn a_file_is_bounded_and_the_oldest_leave() {
        let _limit = limit();
        let folder = Folder::new("bounded");
        let path = folder.path("a/folder/results.redb");
        let max_bytes = 1 << 20;
        let backend = disk(&path).max_bytes(max_bytes);
        for n in 0..400_u32 {
            backend.set("bound", &n.to_le_bytes(), &vec![7; 10_000 + n as usize * 10], None).unwrap();
        }
        // The oldest are evicted as the results are written.
        backend.flush().unwrap();
        let there = |n: u32| backend.get("bound", &n.to_le_bytes()).unwrap().is_some();
        let first = (0..400).find(|n| there(*n)).unwrap();
        assert!((300..380).contains(&first), "{first}");
        assert!((first..400).all(there), "entries stored later are there");
        let size = std::fs::metadata(&path).unwrap().len();
        assert!(size <= 4 * max_bytes, "{size} bytes");
        // An entry larger than the bound is refused, and evicts no other.
        let refused = backend.set("bound", b"large", &vec![7; 2 << 20], None).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Rejected);
        assert_eq!(backend.get("bound", b"large").unwrap(), None);
        assert!((first..400).all(there));
    }

    #[test]
    fn what_has_expired_leaves_the_file() {
        let _limit = limit();
        let folder = Folder::new("expired");
        let path = folder.path("results.redb");
        let backend = disk(&path).max_bytes(1 << 20);
        backend.set("expiry", b"long-lived", b"value", None).unwrap();
        for n in 0..100_u32 {
            let ttl = Some(Duration::from_millis(1));
            backend.set("expiry", &n.to_le_bytes(), &[7; 9_000], ttl).unwrap();
        }
        // If the expired entries were not removed, these would not fit next to the first entry.
        eventually("the entries expire", || backend.get("expiry", &99_u32.to_le_bytes()).unwrap().is_none());
        for n in 0..50_u32 {
            backend.set("more", &n.to_le_bytes(), &[7; 9_000], None).unwrap();
        }
        assert!(backend.get("expiry", b"long-lived").unwrap().is_some());
        assert!(backend.get("more", &0_u32.to_le_bytes()).unwrap().is_some());
    }

    #[test]
    fn a_file_that_is_none_of_ours_is_left_as_it_is() {
        let _limit = limit();
        let folder = Folder::new("foreign");
        let path = folder.path("letter.txt");
        std::fs::write(&path, "Dear Ada,").unwrap();
        let error = disk(&path).get("any", b"key").unwrap_err().to_string();
        assert!(error.contains("letter.txt"), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "Dear Ada,");
        assert!(disk(folder.path("letter.txt/below")).set("any", b"key", b"", None).is_err());
    }
    #[test]
    fn a_damaged_file_is_told_once_and_begun_anew() {
        let _limit = limit();
        static FOLDER: LazyLock<Folder> = LazyLock::new(|| Folder::new("damaged"));
        let path = FOLDER.path("results.redb");
        let backend = disk(&path);
        for n in 0..100_u32 {
            backend.set("damage", &n.to_le_bytes(), &[7; 1000], None).unwrap();
        }
        drop(backend);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes.truncate(bytes.len() / 2);
        std::fs::write(&path, &bytes).unwrap();

        #[functools::lru_cache(maxsize = 0, backend = disk(FOLDER.path("results.redb")))]
        fn double(n: u64) -> u64 {
            2 * n
        }
        for n in 0..50 {
            assert_eq!((double(n), double(n)), (2 * n, 2 * n));
        }
        let stats = double::cache_stats();
        // The call that was told has not stored its result.
        assert_eq!((stats.backend_errors, double::cache_info().hits), (1, 49));
        assert_eq!(std::fs::read(FOLDER.path("results.redb.damaged")).unwrap(), bytes);
    }

    #[test]
    fn storing_a_result_does_not_wait_for_the_disk() {
        let _limit = limit();
        let folder = Folder::new("quick");
        let backend = disk(folder.path("results.redb"));
        backend.get("any", b"key").unwrap();
        let mut times = [0; 1000].map(|_: u32| {
            let start = Instant::now();
            backend.set("quick", b"key", &[7; 1000], None).unwrap();
            start.elapsed()
        });
        times.sort_unstable();
        // An `fsync` takes some milliseconds; a store in memory some microseconds, even in a debug build.
        assert!(times[500] < Duration::from_micros(500), "{:?}", times[500]);
    }
}
