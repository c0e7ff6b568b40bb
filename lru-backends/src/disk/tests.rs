//! Damaged files, failing disks, and leases.

use std::fs;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::sync::mpsc::{self, Sender};
use std::time::Instant;

use redb::backends::FileBackend;
use redb::{Database, DatabaseError, ReadableDatabase, ReadableTable, StorageBackend, TableDefinition};

use super::*;

const SECOND: Duration = Duration::from_secs(1);

/// A temporary directory, removed when dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("lru-disk-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        _ = fs::remove_dir_all(&self.0);
    }
}

/// Ends the process if a test takes too long.
fn watchdog() -> Sender<()> {
    let (done, wait) = mpsc::channel();
    std::thread::spawn(move || {
        if wait.recv_timeout(Duration::from_secs(240)) == Err(mpsc::RecvTimeoutError::Timeout) {
            eprintln!("a test takes too long");
            std::process::exit(101);
        }
    });
    done
}

fn with(path: &Path, create: Create) -> Disk {
    Disk::new(Options { create, ..disk(path).file.options.clone() })
}

fn value(n: u32) -> Vec<u8> {
    n.to_le_bytes().repeat(100)
}

fn get(backend: &Disk, key: &[u8]) -> Result<Option<Vec<u8>>, BackendError> {
    Ok(Backend::get(backend, "space", key)?.map(|found| found.value))
}

fn set(backend: &Disk, key: &[u8], value: &[u8]) {
    Backend::set(backend, "space", key, value, None).unwrap();
}

/// Returns the bytes of a file with forty entries that was closed, and the file's path.
fn closed_file(folder: &Folder) -> (Vec<u8>, PathBuf) {
    let path = folder.path("results.redb");
    let backend = disk(&path);
    for n in 0..40_u32 {
        set(&backend, &n.to_le_bytes(), &value(n));
    }
    drop(backend);
    (fs::read(&path).unwrap(), path)
}

/// Reads all entries, and checks that those that are there have their values. Returns how many are there.
fn whole_entries(backend: &Disk, what: &dyn fmt::Debug) -> Result<usize, BackendError> {
    let mut there = 0;
    for n in 0..40_u32 {
        if let Some(found) = get(backend, &n.to_le_bytes())? {
            assert_eq!(found, value(n), "{n} after {what:?}");
            there += 1;
        }
    }
    Ok(there)
}

#[test]
fn a_flipped_bit_is_an_error_or_a_miss() {
    let _watchdog = watchdog();
    let folder = Folder::new("flipped");
    let (bytes, path) = closed_file(&folder);
    let header = (0..64).chain(64..320).step_by(5);
    let mut set_aside = 0;
    for at in header.chain((320..bytes.len()).step_by(523)) {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1 << (at % 8);
        fs::write(&path, bytes).unwrap();
        let backend = disk(&path);
        match whole_entries(&backend, &at) {
            Ok(there) => assert_eq!(there, 40, "{at}: what is damaged is told"),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
                assert!(error.to_string().contains("results.redb"), "{error}");
                if error.to_string().contains("set aside") {
                    set_aside += 1;
                    assert_eq!(get(&backend, b"key").unwrap(), None, "a new file is begun");
                }
            }
        }
    }
    assert!(set_aside > 50, "{set_aside}");
}

#[test]
fn a_truncated_file_is_set_aside_and_begun_anew() {
    let _watchdog = watchdog();
    let folder = Folder::new("truncated");
    let (bytes, path) = closed_file(&folder);
    let aside = folder.path("results.redb.damaged");
    for length in [1, 8, 9, 64, 320, 4000, 4096, 8192, 20_000, bytes.len() / 2, bytes.len() - 1] {
        fs::write(&path, &bytes[..length]).unwrap();
        let backend = disk(&path);
        let error = get(&backend, b"key").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
        assert!(error.to_string().contains("results.redb.damaged"), "{error}");
        assert_eq!(fs::metadata(&aside).unwrap().len(), length as u64, "it replaces an older one");
        assert_eq!(get(&backend, b"key").unwrap(), None, "it is told once");
        set(&backend, b"key", b"value");
        drop(backend);
        assert_eq!(get(&disk(&path), b"key").unwrap().as_deref(), Some(&b"value"[..]));
    }
    // An empty file is a new one, and so is one whose creation was interrupted.
    fs::write(&path, b"").unwrap();
    assert_eq!(get(&disk(&path), b"key").unwrap(), None);
    let mut begun = bytes;
    begun[..9].fill(0);
    fs::write(&path, begun).unwrap();
    let backend = disk(&path);
    assert_eq!(get(&backend, b"key").unwrap_err().kind(), ErrorKind::Protocol);
    assert_eq!(get(&backend, b"key").unwrap(), None);
}

#[test]
fn a_file_of_another_program_is_left_alone() {
    let folder = Folder::new("others");
    let path = folder.path("letter.txt");
    for content in ["r", "Dear Ada,", "redbook: chapter one"] {
        fs::write(&path, content).unwrap();
        // A single byte may be anything.
        if content.len() > 1 {
            assert_eq!(get(&disk(&path), b"key").unwrap_err().kind(), ErrorKind::Protocol);
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
        }
    }
    let path = folder.path("theirs.redb");
    let theirs = Database::create(&path).unwrap();
    let transaction = theirs.begin_write().unwrap();
    transaction.open_table(TableDefinition::<u64, u64>::new("prices")).unwrap().insert(1, 2).unwrap();
    transaction.commit().unwrap();
    drop(theirs);
    let error = get(&disk(&path), b"key").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
    assert!(path.exists() && !folder.path("theirs.redb.damaged").exists());
}

#[test]
fn a_panic_of_the_database_is_an_error_and_is_contained() {
    fn panics(file: fs::File) -> Result<Database, DatabaseError> {
        static PANICS: AtomicBool = AtomicBool::new(true);
        assert!(!PANICS.swap(false, SeqCst), "index out of bounds");
        create(file)
    }
    let folder = Folder::new("panics");
    let (_, path) = closed_file(&folder);
    let backend = with(&path, panics);
    let error = get(&backend, b"key").unwrap_err();
    assert!(error.to_string().contains("index out of bounds"), "{error}");
    assert_eq!(get(&backend, b"key").unwrap(), None);
}

/// A file whose writes fail while a flag is set.
#[derive(Debug)]
struct Faulty {
    file: FileBackend,
    is_full: &'static AtomicBool,
}

impl Faulty {
    fn check(&self) -> std::io::Result<()> {
        if self.is_full.load(SeqCst) { Err(std::io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }
}

impl StorageBackend for Faulty {
    fn len(&self) -> std::io::Result<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> std::io::Result<()> {
        self.file.read(offset, out)
    }

    fn set_len(&self, len: u64) -> std::io::Result<()> {
        self.check()?;
        self.file.set_len(len)
    }

    fn sync_data(&self) -> std::io::Result<()> {
        self.check()?;
        self.file.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> std::io::Result<()> {
        self.check()?;
        self.file.write(offset, data)
    }

    fn close(&self) -> std::io::Result<()> {
        self.file.close()
    }
}

#[test]
fn a_full_disk_is_an_error_until_there_is_room() {
    static IS_FULL: AtomicBool = AtomicBool::new(false);
    static OPENED: AtomicU32 = AtomicU32::new(0);
    fn full(file: fs::File) -> Result<Database, DatabaseError> {
        OPENED.fetch_add(1, SeqCst);
        Database::builder().create_with_backend(Faulty { file: FileBackend::new(file)?, is_full: &IS_FULL })
    }
    let _watchdog = watchdog();
    let folder = Folder::new("full");
    let backend = with(&folder.path("results.redb"), full).breaker(u32::MAX, Duration::ZERO);
    set(&backend, b"before", b"value");
    backend.flush().unwrap();

    IS_FULL.store(true, SeqCst);
    // The result is accepted, and the error told afterwards, to the one that waits or to the next operation.
    set(&backend, b"lost", b"value");
    assert_eq!(backend.flush().unwrap_err().kind(), ErrorKind::Rejected);
    let start = Instant::now();
    let opened = OPENED.load(SeqCst);
    while start.elapsed() < SECOND / 2 {
        assert!(get(&backend, b"before").is_err());
    }
    assert!(OPENED.load(SeqCst) <= opened + 1, "it is opened once a second at most");

    IS_FULL.store(false, SeqCst);
    let deadline = Instant::now() + 20 * SECOND;
    while get(&backend, b"before").is_err() {
        assert!(Instant::now() < deadline, "it is never opened again");
    }
    assert_eq!(get(&backend, b"before").unwrap().as_deref(), Some(&b"value"[..]));
    assert_eq!(get(&backend, b"lost").unwrap(), None);
    set(&backend, b"after", b"value");
    backend.flush().unwrap();
}

#[test]
fn a_large_value_is_refused_and_evicts_nothing() {
    let folder = Folder::new("large");
    let backend = disk(folder.path("results.redb")).max_bytes(64 << 10);
    set(&backend, b"small", b"value");
    for _ in 0..5 {
        let refused = Backend::set(&backend, "space", b"large", &vec![0; 64 << 10], None).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Rejected, "no failure of the file: {refused}");
    }
    assert!(get(&backend, b"small").unwrap().is_some());
}

/// Returns what a process would find that opens the file after this one was killed now.
fn after_a_crash(path: &Path) -> Disk {
    static COPIES: AtomicU32 = AtomicU32::new(0);
    let copy = path.with_extension(format!("copy-{}", COPIES.fetch_add(1, SeqCst)));
    fs::copy(path, &copy).unwrap();
    disk(copy)
}

#[test]
fn results_are_grouped_and_removals_are_on_disk_when_they_return() {
    let folder = Folder::new("groups");
    let path = folder.path("results.redb");
    let backend = disk(&path);
    for n in 0..200_u32 {
        set(&backend, &n.to_le_bytes(), &value(n));
        assert_eq!(get(&backend, &n.to_le_bytes()).unwrap(), Some(value(n)), "it is seen at once");
    }
    backend.flush().unwrap();
    let copy = after_a_crash(&path);
    assert!((0..200_u32).all(|n| get(&copy, &n.to_le_bytes()).unwrap() == Some(value(n))));

    set(&backend, b"soon gone", b"value");
    assert!(backend.delete("space", b"soon gone").unwrap());
    assert!(backend.delete("space", &1_u32.to_le_bytes()).unwrap());
    assert!(!backend.delete("space", &1_u32.to_le_bytes()).unwrap());
    let copy = after_a_crash(&path);
    assert_eq!(get(&copy, b"soon gone").unwrap(), None);
    assert_eq!(get(&copy, &1_u32.to_le_bytes()).unwrap(), None);
    assert_eq!(get(&copy, &2_u32.to_le_bytes()).unwrap(), Some(value(2)));

    Backend::put(&backend, "space", &2_u32.to_le_bytes(), b"put", None).unwrap();
    assert_eq!(get(&after_a_crash(&path), &2_u32.to_le_bytes()).unwrap().as_deref(), Some(&b"put"[..]));

    set(&backend, b"cleared", b"value");
    Backend::set(&backend, "other", b"key", b"value", None).unwrap();
    backend.clear("space").unwrap();
    let copy = after_a_crash(&path);
    for backend in [&backend, &copy] {
        assert_eq!(get(backend, b"cleared").unwrap(), None);
        assert_eq!(get(backend, &3_u32.to_le_bytes()).unwrap(), None);
        assert!(backend.get("other", b"key").unwrap().is_some());
    }
    set(&backend, b"cleared", b"anew");
    assert_eq!(get(&backend, b"cleared").unwrap().as_deref(), Some(&b"anew"[..]));

    Backend::set(&backend.clone().durable(true), "space", b"durable", b"value", None).unwrap();
    assert!(get(&after_a_crash(&path), b"durable").unwrap().is_some());
}

#[test]
fn the_end_of_a_thread_and_the_drop_of_a_backend_write_the_results() {
    let folder = Folder::new("ends");
    let path = folder.path("results.redb");
    let backend = disk(&path);
    get(&backend, b"any").unwrap();
    let stored = backend.clone();
    std::thread::spawn(move || set(&stored, b"thread", b"value")).join().unwrap();
    assert!(get(&after_a_crash(&path), b"thread").unwrap().is_some());
    set(&backend, b"drop", b"value");
    drop(backend);
    assert!(get(&disk(&path), b"drop").unwrap().is_some());
}

/// Looks a key up, and returns the lease.
fn lease(backend: &Disk, key: &[u8], ttl: Duration) -> Lease {
    match backend.get_or_lease("space", key, ttl.into()).unwrap().permission {
        Permission::Leased(lease) => lease,
        other => panic!("{other:?}"),
    }
}

fn stores(backend: &Disk, key: &[u8], lease: &Lease) -> Option<Lease> {
    backend.set_leased("space", key, lease, b"computed", None).unwrap()
}

type Change<'a> = &'a dyn Fn(&[u8]);

#[test]
fn what_changes_an_entry_ends_the_leases_on_it() {
    let folder = Folder::new("leases");
    let path = folder.path("results.redb");
    let backend = disk(&path);
    let changes: [(&str, Change<'_>); 6] = [
        ("delete", &|key| assert_eq!(backend.delete("space", key).unwrap(), key[6] == 1)),
        ("put", &|key| drop(Backend::put(&backend, "space", key, b"put", None).unwrap())),
        ("set", &|key| set(&backend, key, b"set")),
        ("clear", &|_| backend.clear("space").unwrap()),
        ("swap", &|key| {
            let version = backend.get_versioned("space", key).unwrap().1;
            assert!(backend.compare_and_swap("space", key, &version, b"swapped", None).unwrap());
        }),
        ("store", &|key| {
            let other = lease(&backend, key, SECOND);
            assert!(stores(&backend, key, &other).is_some());
        }),
    ];
    for (name, change) in changes {
        for is_there in [false, true] {
            let key = [name.as_bytes(), &[u8::from(is_there)]].concat();
            if is_there {
                set(&backend, &key, b"old");
            }
            let held = lease(&backend, &key, SECOND);
            change(&key);
            let there = get(&backend, &key).unwrap();
            assert_eq!(stores(&backend, &key, &held), None, "{name}, {is_there}");
            assert_eq!(get(&backend, &key).unwrap(), there);
            let held = lease(&backend, &key, SECOND);
            let next = stores(&backend, &key, &held).expect("nothing changed since");
            assert!(stores(&backend, &key, &next).is_some(), "the lease over the new entry");
            assert_eq!(stores(&backend, &key, &held), None, "a lease is used once");
        }
    }
    // What is committed meanwhile changes nothing.
    let held = lease(&backend, b"flushed", SECOND);
    backend.flush().unwrap();
    assert!(stores(&backend, b"flushed", &held).is_some());
    let held = lease(&backend, b"reopened", SECOND);
    drop(backend);
    assert_eq!(stores(&disk(&path), b"reopened", &held), None, "a lease is of one opening of the file");
    assert_eq!(stores(&disk(&path), b"key", &Lease::new(*b"of another backend")), None);
}

#[test]
fn one_lookup_of_a_missing_entry_claims_it() {
    let folder = Folder::new("claims");
    let backend = disk(folder.path("results.redb"));
    let winners = || {
        std::thread::scope(|scope| {
            let looks = [(); 8].map(|()| scope.spawn(|| lease(&backend, b"key", 100 * SECOND)));
            looks.map(|look| look.join().unwrap()).into_iter().filter(Lease::is_new).collect::<Vec<_>>()
        })
    };
    let [claim] = winners().try_into().unwrap();
    assert!(!lease(&backend, b"key", SECOND).is_new());
    assert!(backend.renew_lease("space", b"key", &claim, 100 * SECOND).unwrap());

    backend.end_lease("space", b"key", &claim).unwrap();
    assert!(!backend.renew_lease("space", b"key", &claim, SECOND).unwrap());
    assert_eq!(stores(&backend, b"key", &claim), None, "it has ended");
    let [claim] = winners().try_into().unwrap();

    let next = stores(&backend, b"key", &claim).unwrap();
    assert_eq!(winners(), [], "it is there");
    backend.end_lease("space", b"key", &claim).unwrap();
    assert!(get(&backend, b"key").unwrap().is_some(), "the lease was over what was there before");
    backend.end_lease("space", b"key", &next).unwrap();
    assert_eq!(get(&backend, b"key").unwrap(), None);

    // The lease over an entry that expires extends its time to live.
    let held = lease(&backend, b"short", SECOND);
    let held = backend.set_leased("space", b"short", &held, b"claim", Some(20 * SECOND)).unwrap().unwrap();
    backend.flush().unwrap();
    assert!(backend.renew_lease("space", b"short", &held, 100 * SECOND).unwrap());
    for _ in 0..2 {
        let left = backend.get("space", b"short").unwrap().unwrap().ttl.unwrap();
        assert!(left > 50 * SECOND, "{left:?}");
        backend.flush().unwrap();
    }
    assert!(stores(&backend, b"short", &held).is_some(), "a renewed lease is the same");
    assert!(!backend.renew_lease("space", b"short", &held, SECOND).unwrap());

    // A claim that has expired is taken over, and its holder does not store.
    let expired = lease(&backend, b"key", Duration::ZERO);
    let [claim] = winners().try_into().unwrap();
    assert_eq!(stores(&backend, b"key", &expired), None);
    assert!(stores(&backend, b"key", &claim).is_some());

    backend.clear("space").unwrap();
    assert_eq!(winners().len(), 1);
    assert!(!backend.delete("space", b"key").unwrap());
    assert_eq!(winners().len(), 1);
}

#[test]
fn claims_are_bounded() {
    let folder = Folder::new("many-claims");
    let backend = disk(folder.path("results.redb"));
    for n in 0..5000_u32 {
        assert!(lease(&backend, &n.to_le_bytes(), Duration::ZERO).is_new());
    }
    let noted = backend.run(|store| Ok(store.lock().claims.len())).unwrap();
    assert!(noted <= 1024, "{noted}");
}

#[test]
fn what_is_pending_is_bounded() {
    let _watchdog = watchdog();
    let folder = Folder::new("pending");
    let backend = disk(folder.path("results.redb")).max_bytes(8 << 20);
    for n in 0..300_u32 {
        set(&backend, &n.to_le_bytes(), &vec![7; 30_000]);
        let pending = backend.run(|store| Ok(store.lock().overlay.collected().bytes())).unwrap();
        assert!(pending <= 1 << 20, "{pending}");
    }
    // A value larger than that is stored alone.
    set(&backend, b"large", &vec![7; 3 << 20]);
    assert_eq!(get(&backend, b"large").unwrap().map(|value| value.len()), Some(3 << 20));
}

#[test]
fn no_lookup_finds_what_was_computed_before_a_removal() {
    let _watchdog = watchdog();
    let folder = Folder::new("history");
    let backend = disk(folder.path("results.redb")).max_bytes(64 << 10);
    // Two keys: what the source says, and what it said when the last removal returned.
    let sources = [(); 2].map(|()| (AtomicU32::new(0), AtomicU32::new(0)));
    let is_over = AtomicBool::new(false);
    let call = |key: usize| {
        let (source, removed) = &sources[key];
        let least = removed.load(SeqCst);
        let found = backend.get_or_lease("space", &[u8::try_from(key).unwrap()], SECOND.into()).unwrap();
        if let Some(found) = found.found {
            let value = u32::from_le_bytes(found.value[..4].try_into().unwrap());
            assert!(value >= least, "{value} is of before the removal at {least}");
        } else if let Permission::Leased(lease) = found.permission {
            let value = source.load(SeqCst);
            std::thread::yield_now();
            let bytes = value.to_le_bytes().repeat(20);
            backend.set_leased("space", &[u8::try_from(key).unwrap()], &lease, &bytes, None).unwrap();
        }
    };
    std::thread::scope(|scope| {
        for caller in 0..4 {
            let (call, is_over) = (&call, &is_over);
            scope.spawn(move || {
                for n in caller.. {
                    if is_over.load(SeqCst) {
                        break;
                    }
                    call(n % 2);
                }
            });
        }
        let changes = std::panic::catch_unwind(AssertUnwindSafe(|| {
            for n in 0..300 {
                let (source, removed) = &sources[n % 2];
                let value = source.fetch_add(1, SeqCst) + 1;
                match n % 10 {
                    0 => backend.clear("space").unwrap(),
                    1 => {
                        let bytes = value.to_le_bytes().repeat(20);
                        drop(Backend::put(&backend, "space", &[1], &bytes, None).unwrap());
                    }
                    _ => assert!(backend.delete("space", &[u8::try_from(n % 2).unwrap()]).is_ok()),
                }
                removed.store(value, SeqCst);
            }
        }));
        is_over.store(true, SeqCst);
        changes.unwrap();
    });
}

/// The test vector of `docs/format.md`.
#[test]
fn the_tables_are_as_they_are_specified() {
    const ENTRIES: TableDefinition<&[u8], (u64, u64, &[u8])> = TableDefinition::new("entries");
    const ORDER: TableDefinition<u64, &[u8]> = TableDefinition::new("order");
    const DEADLINES: TableDefinition<(u64, u64), &[u8]> = TableDefinition::new("deadlines");
    const TOTALS: TableDefinition<&str, u64> = TableDefinition::new("totals");
    let folder = Folder::new("tables");
    let path = folder.path("results.redb");
    let value = [&b"\xF7\x03\x02\0\x84\xBD\x9D\x96"[..], &[0; 16], b"19.5"].concat();
    Backend::set(&disk(&path), "shop.price", b"[7]", &value, None).unwrap();
    let file = Database::open(&path).unwrap();
    let tables = file.begin_read().unwrap();
    let key = &b"10:shop.price:[7]"[..];
    let entries = tables.open_table(ENTRIES).unwrap();
    let (stored, entry) = entries.first().unwrap().unwrap();
    assert_eq!((stored.value(), entry.value()), (key, (0, 0, value.as_slice())));
    assert_eq!(tables.open_table(ORDER).unwrap().get(0).unwrap().unwrap().value(), key);
    assert!(tables.open_table(DEADLINES).unwrap().first().unwrap().is_none());
    let totals = tables.open_table(TOTALS).unwrap();
    let total = |name| totals.get(name).unwrap().unwrap().value();
    assert_eq!((total("next number"), total("bytes")), (1, 239));
    drop((stored, entry));
    drop((entries, totals, tables, file));

    let hour = Duration::from_secs(3600);
    let before = now();
    Backend::set(&disk(&path), "shop.price", b"[7]", &value, Some(hour)).unwrap();
    let file = Database::open(&path).unwrap();
    let tables = file.begin_read().unwrap();
    let deadlines = tables.open_table(DEADLINES).unwrap();
    let (deadline, stored) = deadlines.first().unwrap().unwrap();
    assert_eq!((deadline.value().1, stored.value()), (1, key));
    let deadline = deadline.value().0;
    assert!((before + 3_600_000..=now() + 3_600_000).contains(&deadline));
    let entries = tables.open_table(ENTRIES).unwrap();
    assert_eq!(entries.get(key).unwrap().unwrap().value(), (deadline, 1, value.as_slice()));
}
