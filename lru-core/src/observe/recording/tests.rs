//! What the writer of a recording does with the hashes that wait.

use std::string::ToString;

use super::*;

/// A file of a test.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Written {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().clone()).unwrap()
    }
}

/// A file without room.
struct Full;

impl io::Write for Full {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::StorageFull.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn counts(recorder: &Recorder) -> (u64, u64) {
    (recorder.calls.load(Relaxed), recorder.dropped.load(Relaxed))
}

#[test]
fn hashes_are_written_in_order() {
    let (recorder, file) = (Recorder::new(), Written::default());
    (0..100).for_each(|hash| recorder.record(hash));
    recorder.close();
    recorder.write(file.clone(), 1000).unwrap();
    let lines: Vec<_> = (0..100).map(|hash: u64| hash.to_string()).collect();
    assert_eq!(file.text().lines().collect::<Vec<_>>(), lines);
    assert_eq!(counts(&recorder), (100, 0));
    recorder.record(7);
    assert_eq!(counts(&recorder), (100, 1), "it is closed");
}

#[test]
fn the_file_is_no_larger_than_it_may_be() {
    for max_bytes in 0..12 {
        let (recorder, file) = (Recorder::new(), Written::default());
        (1..=6).for_each(|hash| recorder.record(hash));
        recorder.close();
        recorder.write(file.clone(), max_bytes).unwrap();
        let lines = max_bytes / 2;
        assert_eq!((file.text().len() as u64, counts(&recorder)), (2 * lines, (lines, 6 - lines)));
    }
}

#[test]
fn calls_that_the_buffer_has_no_room_for_are_counted() {
    let (recorder, file) = (Recorder::new(), Written::default());
    (0..BUFFERED as u64 + 10).for_each(|hash| recorder.record(hash));
    assert_eq!(counts(&recorder), (0, 10));
    recorder.close();
    recorder.write(file.clone(), MAX_BYTES).unwrap();
    assert_eq!((file.text().lines().count(), counts(&recorder)), (BUFFERED, (BUFFERED as u64, 10)));
}

#[test]
fn an_error_of_the_file_ends_the_recording() {
    let recorder = Recorder::new();
    (0..5).for_each(|hash| recorder.record(hash));
    let error = recorder.write(Full, 1000).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    recorder.record(5);
    assert_eq!(counts(&recorder), (0, 6));
}

#[test]
fn threads_that_record_lose_no_call_uncounted() {
    let (recorder, file) = (Arc::new(Recorder::new()), Written::default());
    let (writing, written) = (Arc::clone(&recorder), file.clone());
    let writer = thread::spawn(move || writing.write(written, MAX_BYTES));
    thread::scope(|scope| {
        for number in 0..4_u64 {
            let recorder = &recorder;
            scope.spawn(move || {
                (0..50_000).for_each(|call| recorder.record(number * 1_000_000 + call));
            });
        }
    });
    recorder.close();
    writer.join().unwrap().unwrap();
    let (calls, dropped) = counts(&recorder);
    assert_eq!((calls + dropped, file.text().lines().count() as u64), (200_000, calls));
    // The calls of each thread are in order.
    let mut last = [None; 4];
    for hash in file.text().lines().map(|line| line.parse::<u64>().unwrap()) {
        let number = usize::try_from(hash / 1_000_000).unwrap();
        assert!(last[number] < Some(hash));
        last[number] = Some(hash);
    }
}
