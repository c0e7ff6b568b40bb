use lru_core::backend::Permission;

use super::*;

/// A folder that is removed at the end of a test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("lru-snapshot-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// Forgets what the process has in memory, as a restart does.
fn restart(path: &Path) -> Snapshot {
    lock(&OPEN).remove(path);
    snapshot(path)
}

fn get(backend: &Snapshot, key: &[u8]) -> Option<Vec<u8>> {
    Backend::get(backend, "n", key).unwrap().map(|found| found.value)
}

#[test]
fn entries_survive_a_restart_with_their_time_to_live() {
    let folder = Folder::new("restart");
    let path = folder.path("new/a.bin");
    let backend = snapshot(&path);
    Backend::set(&backend, "n", b"1", b"one", None).unwrap();
    Backend::set(&backend, "n", b"2", b"two", Some(Duration::from_secs(60))).unwrap();
    Backend::set(&backend, "n", b"3", b"three", Some(Duration::ZERO)).unwrap();
    Backend::set(&backend, "other", b"1", b"uno", None).unwrap();
    assert!(Backend::delete(&backend, "n", b"1").unwrap());
    backend.shared().write().unwrap();
    let backend = restart(&path);
    assert_eq!(
        (get(&backend, b"1"), get(&backend, b"2"), get(&backend, b"3")),
        (None, Some(b"two".to_vec()), None)
    );
    let left = Backend::get(&backend, "n", b"2").unwrap().unwrap().ttl.unwrap();
    assert!(left <= Duration::from_secs(60) && left > Duration::from_secs(30), "{left:?}");
    assert_eq!(Backend::get(&backend, "other", b"1").unwrap().unwrap().value, b"uno");
}

#[test]
fn a_damaged_file_is_told_once_and_replaced() {
    let folder = Folder::new("damaged");
    let path = folder.path("a.bin");
    let backend = snapshot(&path);
    Backend::set(&backend, "n", b"1", b"one", None).unwrap();
    backend.shared().write().unwrap();
    let whole = std::fs::read(&path).unwrap();
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        for damaged in [&bytes[..], &whole[..at]] {
            std::fs::write(&path, damaged).unwrap();
            let backend = restart(&path);
            let error = Backend::get(&backend, "n", b"1").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
            assert!(error.to_string().contains("a.bin"), "{error}");
            assert_eq!(get(&backend, b"1"), None);
        }
    }
    Backend::set(&backend, "n", b"1", b"one", None).unwrap();
    backend.shared().write().unwrap();
    let backend = restart(&path);
    assert_eq!(get(&backend, b"1"), Some(b"one".to_vec()));
}

#[test]
fn the_file_is_written_after_the_interval() {
    let folder = Folder::new("interval");
    let path = folder.path("a.bin");
    let backend = snapshot(&path).interval(Duration::from_millis(20));
    Backend::set(&backend, "n", b"1", b"one", None).unwrap();
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    while !path.exists() {
        assert!(std::time::Instant::now() < deadline, "the file is not written");
        thread::yield_now();
    }
    assert!(!lock(&backend.shared().state).has_writer);
}

#[test]
fn the_oldest_entries_are_dropped_beyond_the_limit() {
    let folder = Folder::new("limit");
    let backend = snapshot(folder.path("a.bin")).max_bytes(10_000);
    for n in 0..100_u8 {
        Backend::set(&backend, "n", &[n], &[n; 100], None).unwrap();
    }
    assert_eq!((get(&backend, &[0]), get(&backend, &[99])), (None, Some(vec![99; 100])));
    Backend::set(&backend, "n", b"large", &[0; 10_000], None).unwrap();
    assert_eq!((get(&backend, b"large"), get(&backend, &[99])), (None, Some(vec![99; 100])));
}

#[test]
fn a_file_that_cannot_be_written_is_told() {
    let folder = Folder::new("unwritable");
    let blocked = folder.path("file");
    std::fs::write(&blocked, b"no folder").unwrap();
    let backend = snapshot(blocked.join("a.bin"));
    Backend::set(&backend, "n", b"1", b"one", None).unwrap_err();
    Backend::set(&backend, "n", b"1", b"one", None).unwrap();
    assert!(backend.shared().write().is_err());
}

#[test]
fn a_lease_ends_with_a_change() {
    let folder = Folder::new("leases");
    let backend = snapshot(folder.path("a.bin"));
    let look = || {
        let Lookup { found, permission, .. } =
            Backend::get_or_lease(&backend, "n", b"1", Duration::from_secs(60).into()).unwrap();
        let Permission::Leased(lease) = permission else { panic!("a lease") };
        (found.map(|found| found.value), lease)
    };
    let store = |lease: &Lease| Backend::set_leased(&backend, "n", b"1", lease, b"one", None).unwrap();
    let (found, lease) = look();
    assert!(found.is_none() && lease.is_new());
    let (_, shared) = look();
    assert!(!shared.is_new() && shared.token() == lease.token());
    Backend::delete(&backend, "n", b"1").unwrap();
    assert!(store(&lease).is_none());
    let (_, lease) = look();
    assert!(lease.is_new() && store(&lease).is_some() && store(&lease).is_none());
    let (found, lease) = look();
    assert_eq!(found.as_deref(), Some(&b"one"[..]));
    Backend::clear(&backend, "n").unwrap();
    assert!(store(&lease).is_none());
    let (_, lease) = look();
    assert!(Backend::renew_lease(&backend, "n", b"1", &lease, Duration::ZERO).unwrap());
    assert!(look().1.is_new(), "it has expired");
    let (_, lease) = look();
    Backend::end_lease(&backend, "n", b"1", &lease).unwrap();
    assert!(look().1.is_new());
}
