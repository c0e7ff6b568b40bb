//! Runs programs and checks their output.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// Runs an example with these arguments and returns its output.
pub(crate) fn run(program: &Path, arguments: &[&dyn AsRef<OsStr>]) -> String {
    let (status, output, errors) = run_to_the_end(program, arguments);
    assert!(status.success(), "{}: {status}\n{output}\n{errors}", program.display());
    output
}

/// Runs an example that fails and returns its error output.
pub(crate) fn fails(program: &Path, arguments: &[&dyn AsRef<OsStr>]) -> String {
    let (status, output, errors) = run_to_the_end(program, arguments);
    assert!(!status.success(), "{}: {status}\n{output}\n{errors}", program.display());
    errors
}

fn run_to_the_end(program: &Path, arguments: &[&dyn AsRef<OsStr>]) -> (ExitStatus, String, String) {
    let mut command = Command::new(program);
    command.args(arguments.iter().map(AsRef::as_ref));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| {
        panic!("{} does not start: {error}; `cargo test` builds it", program.display());
    });

    let (stdout, stderr) = (read(child.stdout.take().unwrap()), read(child.stderr.take().unwrap()));
    let (Ok(output), Ok(errors)) = (stdout.recv_timeout(LIMIT), stderr.recv_timeout(LIMIT)) else {
        child.kill().unwrap();
        child.wait().unwrap();
        panic!("{} was still running after {LIMIT:?}", program.display());
    };
    (child.wait().unwrap(), output.unwrap(), errors.unwrap())
}

/// Reads the output of a program on a thread of its own.
fn read(mut pipe: impl Read + Send + 'static) -> Receiver<io::Result<String>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut text = String::new();
        let read = pipe.read_to_string(&mut text).map(|_| text);
        sender.send(read).ok();
    });
    receiver
}

/// A new, empty directory for the files of a test.
pub(crate) fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).unwrap();
    folder
}

pub(crate) fn contains(output: &str, wanted: &str) {
    assert!(output.contains(wanted), "no {wanted:?} in\n{output}");
}

pub(crate) fn ends_with(output: &str, line: &str) {
    assert_eq!(output.lines().last(), Some(line), "{output}");
}
