//! Recordings: the calls of functions as a trace, to be replayed (feature `registry`).
//!
//! A call appends the hash of its key to a buffer of bounded size, and never waits for the file: a thread of its own writes
//! it. The lock of the buffer is held to append, or to exchange the buffer, and no other is taken meanwhile.

use core::fmt;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use core::time::Duration;
use std::boxed::Box;
use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;
use std::string::String;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::vec::Vec;

use parking_lot::{Condvar, Mutex};

use super::registry::{Function, functions};
use crate::insight::Tap;

/// The number of hashes that may wait to be written: half a megabyte.
const BUFFERED: usize = 1 << 16;

/// How long hashes wait to be written if there are few of them.
const WAIT: Duration = Duration::from_secs(1);

/// The size of the file, unless another one is given.
const MAX_BYTES: u64 = 256 << 20;

/// Records the calls of all functions with `insight = true` in a file, until the returned guard is dropped.
///
/// The file is a trace: a line for each call, in the order of the calls, with a decimal number that stands for the function and its
/// arguments. It is a hash, from which the arguments cannot be told. The examples `advise` and `hit_ratio` replay it: which
/// `maxsize` and which policy would do best? To tell functions apart, record one at a time, by [`RecordOptions::only`].
///
/// The file grows up to 256 MiB, some 13 million calls; later calls are [counted](Recording::dropped). An existing file is overwritten.
/// `maxsize = auto(…)` implies `insight`. Functions with `scope = thread` and cache objects are not recorded, nor calls that wait for the
/// computation of another call, or that bypass the cache.
///
/// While it is recorded, a call takes about a hundred instructions more. It does not wait for the file: where this is slower than the
/// calls, those that it has no room for are left out and counted. Calls are written once a second, or as soon as 32,768 of them wait.
/// If the program exits before the guard is dropped, the last calls are missing, and the last line may be incomplete.
///
/// # Errors
///
/// If the file cannot be created, if no function of the program is to be recorded, or if there is another recording.
///
/// # Panics
///
/// If the expression of the `maxsize` of a function panics.
///
/// # Examples
///
/// ```no_run
/// # mod functools { pub use lru_core::record; }
/// let recording = functools::record("calls.txt")?;
/// // … an hour of calls …
/// let recorded = recording.finish()?;
/// println!("{} calls, and {} that were left out", recorded.calls, recorded.dropped);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn record(path: impl AsRef<Path>) -> io::Result<Recording> {
    RecordOptions::new().start(path)
}

/// Which calls [`record`] records, and how many.
///
/// # Examples
///
/// ```no_run
/// # mod functools { pub use lru_core::RecordOptions; }
/// use functools::RecordOptions;
///
/// let recording = RecordOptions::new()
///     .only(|function| function.path() == "shop::price")
///     .max_bytes(10 << 20)
///     .start("price.txt")?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[must_use = "nothing is recorded until `start`"]
pub struct RecordOptions {
    only: Box<dyn Fn(&Function) -> bool>,
    max_bytes: u64,
}

impl RecordOptions {
    /// Records all functions with `insight = true`, in a file of up to 256 MiB.
    #[expect(clippy::new_without_default, reason = "there is nothing else to begin with")]
    pub fn new() -> Self {
        Self { only: Box::new(|_| true), max_bytes: MAX_BYTES }
    }

    /// Records only the functions for which `only` returns true.
    pub fn only(mut self, only: impl Fn(&Function) -> bool + 'static) -> Self {
        self.only = Box::new(only);
        self
    }

    /// Sets how large the file may become, in bytes. A call takes 20 bytes or so.
    pub fn max_bytes(mut self, max_bytes: u64) -> Self {
        self.max_bytes = max_bytes;
        self
    }

    /// Begins a recording, like [`record`].
    ///
    /// # Errors
    ///
    /// As those of [`record`].
    ///
    /// # Panics
    ///
    /// As [`record`].
    pub fn start(self, path: impl AsRef<Path>) -> io::Result<Recording> {
        let path = path.as_ref();
        let only_one = OnlyOne::new().ok_or_else(|| {
            io::Error::new(io::ErrorKind::ResourceBusy, "there is another recording; finish it first")
        })?;
        let chosen: Vec<_> =
            functions().filter(|function| function.insight().is_some() && (self.only)(function)).collect();
        if chosen.is_empty() {
            let message = "there is no function to record: write `insight = true` on one";
            return Err(io::Error::new(io::ErrorKind::NotFound, message));
        }
        let named = |error: io::Error| {
            io::Error::new(error.kind(), std::format!("{} cannot be recorded to: {error}", path.display()))
        };
        let file = BufWriter::new(File::create(path).map_err(named)?);
        let recorder = Arc::new(Recorder::new());
        let (writing, max_bytes) = (Arc::clone(&recorder), self.max_bytes);
        let thread = thread::Builder::new().name(String::from("functools-record"));
        let writer = thread.spawn(move || writing.write(file, max_bytes))?;
        // First of all, so that the recording ends if a function panics.
        let recording = Recording { recorder, chosen, writer: Some(writer), _only_one: only_one };
        for (number, function) in (1_u64..).zip(&recording.chosen) {
            // Other multiples: equal arguments of two functions are different keys.
            let salt = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let tap: Arc<dyn Tap> = Arc::new(FunctionTap { recorder: Arc::clone(&recording.recorder), salt });
            function.set_tap(Some(&tap));
        }
        Ok(recording)
    }
}

impl fmt::Debug for RecordOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordOptions").field("max_bytes", &self.max_bytes).finish_non_exhaustive()
    }
}

/// A recording, which ends when this guard is dropped; [`record`] returns it.
#[must_use = "the recording ends when the guard is dropped"]
pub struct Recording {
    recorder: Arc<Recorder>,
    chosen: Vec<&'static Function>,
    /// `None` once the recording has ended.
    writer: Option<JoinHandle<io::Result<()>>>,
    _only_one: OnlyOne,
}

/// What was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recorded {
    /// How many calls are in the file.
    pub calls: u64,
    /// How many were left out, because the file was too slow or has reached its size.
    pub dropped: u64,
}

impl Recording {
    /// Returns how many calls are recorded so far.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.recorder.calls.load(Relaxed)
    }

    /// Returns how many calls were left out so far, because the file was too slow or has reached its size.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.recorder.dropped.load(Relaxed)
    }

    /// Ends the recording, when all that was recorded is written.
    ///
    /// # Errors
    ///
    /// If the file could not be written. It then has the calls up to that time.
    pub fn finish(mut self) -> io::Result<Recorded> {
        self.end()?;
        Ok(Recorded { calls: self.calls(), dropped: self.dropped() })
    }

    fn end(&mut self) -> io::Result<()> {
        let Some(writer) = self.writer.take() else { return Ok(()) };
        for function in &self.chosen {
            function.set_tap(None);
        }
        self.recorder.close();
        writer.join().unwrap_or_else(|_| Err(io::Error::other("the thread that writes has panicked")))
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        // `finish` returns the error.
        _ = self.end();
    }
}

impl fmt::Debug for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (calls, dropped) = (self.calls(), self.dropped());
        f.debug_struct("Recording").field("calls", &calls).field("dropped", &dropped).finish_non_exhaustive()
    }
}

/// The right to record, of which there is one.
struct OnlyOne;

/// Whether there is a recording.
static IS_RECORDING: AtomicBool = AtomicBool::new(false);

impl OnlyOne {
    fn new() -> Option<Self> {
        (!IS_RECORDING.swap(true, Relaxed)).then_some(Self)
    }
}

impl Drop for OnlyOne {
    fn drop(&mut self) {
        IS_RECORDING.store(false, Relaxed);
    }
}

/// What the caches of a function pass their calls to.
#[derive(Debug)]
struct FunctionTap {
    recorder: Arc<Recorder>,
    salt: u64,
}

impl Tap for FunctionTap {
    fn record(&self, hash: u64) {
        self.recorder.record(hash ^ self.salt);
    }
}

/// The hashes that wait to be written.
#[derive(Debug)]
struct Recorder {
    waiting: Mutex<Waiting>,
    /// Notified when half of the room is taken, and when the recording is closed.
    has_enough: Condvar,
    calls: AtomicU64,
    dropped: AtomicU64,
    /// Whether nothing more is written.
    is_over: AtomicBool,
}

#[derive(Debug)]
struct Waiting {
    hashes: Vec<u64>,
    is_closed: bool,
}

impl Recorder {
    fn new() -> Self {
        Self {
            waiting: Mutex::new(Waiting { hashes: Vec::with_capacity(BUFFERED), is_closed: false }),
            has_enough: Condvar::new(),
            calls: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            is_over: AtomicBool::new(false),
        }
    }

    fn record(&self, hash: u64) {
        if !self.is_over.load(Relaxed) {
            let mut waiting = self.waiting.lock();
            if !waiting.is_closed && waiting.hashes.len() < BUFFERED {
                waiting.hashes.push(hash);
                let has_enough = waiting.hashes.len() == BUFFERED / 2;
                drop(waiting);
                if has_enough {
                    self.has_enough.notify_one();
                }
                return;
            }
        }
        self.dropped.fetch_add(1, Relaxed);
    }

    fn close(&self) {
        self.waiting.lock().is_closed = true;
        self.has_enough.notify_one();
    }

    /// Returns the hashes that wait, in exchange for an empty buffer, and whether there are no more to come.
    fn take(&self, empty: Vec<u64>) -> (Vec<u64>, bool) {
        let mut waiting = self.waiting.lock();
        while waiting.hashes.len() < BUFFERED / 2 && !waiting.is_closed {
            if self.has_enough.wait_for(&mut waiting, WAIT).timed_out() {
                break;
            }
        }
        let hashes = core::mem::replace(&mut waiting.hashes, empty);
        (hashes, waiting.is_closed)
    }

    /// Writes hashes until the recording is closed, or the file has its size. All others are counted.
    fn write(&self, file: impl io::Write, max_bytes: u64) -> io::Result<()> {
        let written = self.write_up_to(file, max_bytes);
        self.is_over.store(true, Relaxed);
        self.close();
        let waiting = self.waiting.lock().hashes.len();
        self.dropped.fetch_add(waiting as u64, Relaxed);
        written
    }

    fn write_up_to(&self, mut file: impl io::Write, max_bytes: u64) -> io::Result<()> {
        let (mut left, mut line) = (max_bytes, Vec::new());
        let mut empty = Vec::with_capacity(BUFFERED);
        loop {
            let (mut hashes, is_last) = self.take(empty);
            for (number, hash) in hashes.iter().enumerate() {
                line.clear();
                writeln!(line, "{hash}")?;
                let after = left.checked_sub(line.len() as u64);
                let written = after.map_or(Ok(()), |_| file.write_all(&line));
                let Some((after, Ok(()))) = after.map(|after| (after, &written)) else {
                    self.dropped.fetch_add((hashes.len() - number) as u64, Relaxed);
                    return written.and_then(|()| file.flush());
                };
                left = after;
                self.calls.fetch_add(1, Relaxed);
            }
            file.flush()?;
            if is_last {
                return Ok(());
            }
            hashes.clear();
            empty = hashes;
        }
    }
}

#[cfg(test)]
mod tests;
