//! Steps, of which each command consists, and the loop that runs them in order.
//!
//! Also starts processes and reports their failures. It does not depend on what the steps do.

use std::env;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

/// The result of a step that did not fail.
#[derive(Debug)]
pub(crate) enum Outcome {
    Done,
    /// Skipped, with the reason: the machine lacks something that the step needs.
    Skipped(String),
}

/// The reason why a step failed, for the user.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

pub(crate) type Result<T = Outcome> = std::result::Result<T, Failure>;

/// One step of a command.
pub(crate) struct Step {
    name: &'static str,
    action: Box<dyn Fn() -> Result>,
}

impl Step {
    pub(crate) fn new(name: &'static str, action: impl Fn() -> Result + 'static) -> Self {
        Self { name, action: Box::new(action) }
    }

    /// Creates a step that runs cargo with these arguments, written as on a command line.
    pub(crate) fn cargo(name: &'static str, arguments: &'static str) -> Self {
        Self::new(name, || run_through(&mut cargo(arguments)))
    }
}

/// Runs the steps and prints the result of each.
pub(crate) fn run(command: &str, steps: &[Step]) -> ExitCode {
    let begin = Instant::now();
    let mut skipped = 0;
    for Step { name, action } in steps {
        println!("==> {name}");
        let start = Instant::now();
        let outcome = action();
        let seconds = start.elapsed().as_secs_f64();
        match outcome {
            Ok(Outcome::Done) => println!("==> {name}: ok, {seconds:.1} s\n"),
            Ok(Outcome::Skipped(why)) => {
                skipped += 1;
                println!("==> {name}: skipped, {why}\n");
            }
            Err(Failure(why)) => {
                println!("==> {name}: FAILED, {seconds:.1} s\n");
                eprintln!("xtask {command} failed in the step `{name}`: {why}");
                return ExitCode::FAILURE;
            }
        }
    }
    let (done, seconds) = (steps.len() - skipped, begin.elapsed().as_secs_f64());
    println!("xtask {command}: {done} steps ok, {skipped} skipped, {seconds:.1} s");
    ExitCode::SUCCESS
}

/// Returns a cargo command that runs at the top of the repository; the arguments are written as on a command
/// line.
pub(crate) fn cargo(arguments: &str) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()));
    cargo.args(arguments.split_whitespace()).current_dir(root());
    cargo
}

/// Runs a command to its end; its output is printed.
pub(crate) fn run_through(command: &mut Command) -> Result {
    let status = command.status().or_else(|error| fail(format!("{}: {error}", shown(command))))?;
    if status.success() { Ok(Outcome::Done) } else { fail(format!("`{}`: {status}", shown(command))) }
}

/// Runs a command to its end and returns its standard output.
pub(crate) fn output_of(command: &mut Command) -> Result<String> {
    let output = command.output().or_else(|error| fail(format!("{}: {error}", shown(command))))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        let stderr = String::from_utf8_lossy(&output.stderr);
        fail(format!("`{}`: {}\n{stderr}", shown(command), output.status))
    }
}

/// Installs Debian packages with apt-get.
pub(crate) fn install(packages: &str, purpose: &str) -> Result {
    println!("{packages}: missing, apt-get installs it for {purpose}");
    for arguments in ["-q update", &format!("-q -y --no-install-recommends install {packages}")] {
        let mut apt = Command::new("apt-get");
        apt.args(arguments.split_whitespace()).env("DEBIAN_FRONTEND", "noninteractive");
        run_through(&mut apt)
            .or_else(|failure| fail(format!("{failure}; as root, install for {purpose}: {packages}")))?;
    }
    Ok(Outcome::Done)
}

pub(crate) fn fail<T>(why: impl fmt::Display) -> Result<T> {
    Err(Failure(why.to_string()))
}

/// Returns the top of the repository, the parent directory of this package.
pub(crate) fn root() -> PathBuf {
    let package = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    package.as_deref().and_then(Path::parent).unwrap_or(".".as_ref()).to_owned()
}

/// Returns a command as typed on a command line, without the directory of the program.
fn shown(command: &Command) -> String {
    let program = PathBuf::from(command.get_program());
    let words = program.file_stem().into_iter().chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
