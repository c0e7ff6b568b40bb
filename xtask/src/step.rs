//! Steps, of which each command consists, and the loop that runs them in order.
//!
//! Also starts processes and reports their failures. It does not depend on what the steps do.

use std::env;
use std::fmt;
use std::io::{self, BufRead, BufReader, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::OnceLock;
use std::time::Instant;

/// The result of a step that did not fail.
#[derive(Debug)]
pub(crate) enum Outcome {
    Done,
    /// Done, with the number of tests that passed.
    Tested(usize),
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

/// How the user wants a command to run.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Options {
    /// Only what is fast: `--quick`.
    pub(crate) quick: bool,
    /// Install what is missing without asking: `--yes`.
    pub(crate) yes: bool,
}

/// One step of a command.
pub(crate) struct Step {
    name: &'static str,
    /// What the step proves, for the list of steps.
    purpose: &'static str,
    action: Box<dyn Fn() -> Result>,
}

impl Step {
    pub(crate) fn new(
        name: &'static str,
        purpose: &'static str,
        action: impl Fn() -> Result + 'static,
    ) -> Self {
        Self { name, purpose, action: Box::new(action) }
    }

    /// Creates a step that runs cargo with these arguments, written as on a command line.
    pub(crate) fn cargo(name: &'static str, purpose: &'static str, arguments: impl Into<String>) -> Self {
        let arguments = arguments.into();
        Self::new(name, purpose, move || run_through(&mut cargo(&arguments)))
    }

    /// Creates a step that runs `cargo test` with these arguments, and counts the tests.
    pub(crate) fn tests(name: &'static str, purpose: &'static str, arguments: impl Into<String>) -> Self {
        let arguments = arguments.into();
        Self::new(name, purpose, move || run_tests(&mut cargo(&format!("test {arguments}"))))
    }
}

/// Runs the steps and prints the result of each.
pub(crate) fn run(command: &str, steps: &[Step]) -> ExitCode {
    let begin = Instant::now();
    let (count, mut skipped) = (steps.len(), 0);
    println!("xtask {command}: {}", if count == 1 { "1 step".into() } else { format!("{count} steps") });
    for (at, Step { name, purpose, .. }) in (1..).zip(steps) {
        println!("{at:>4}  {name:<28}{purpose}");
    }
    println!();
    for (at, Step { name, action, .. }) in (1..).zip(steps) {
        println!("==> step {at} of {count}: {name}");
        let start = Instant::now();
        let outcome = action();
        let seconds = start.elapsed().as_secs_f64();
        match outcome {
            Ok(Outcome::Done) => println!("==> {name}: ok, {seconds:.1} s\n"),
            Ok(Outcome::Tested(tests)) => println!("==> {name}: ok, {tests} tests, {seconds:.1} s\n"),
            Ok(Outcome::Skipped(why)) => {
                skipped += 1;
                println!("==> {name}: skipped, {why}\n");
            }
            Err(Failure(why)) => {
                println!("==> {name}: FAILED, {seconds:.1} s\n");
                eprintln!("xtask {command} failed in step {at} of {count}, `{name}`: {why}");
                return ExitCode::FAILURE;
            }
        }
    }
    let (done, seconds) = (count - skipped, begin.elapsed().as_secs_f64());
    println!("xtask {command}: {done} steps ok, {skipped} skipped, {seconds:.1} s");
    ExitCode::SUCCESS
}

/// Returns a cargo command that runs at the top of the repository; the arguments are written as on a command
/// line.
pub(crate) fn cargo(arguments: &str) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()));
    cargo.args(arguments.split_whitespace()).current_dir(root());
    if ONCE.get().is_some() {
        // Each crate is compiled once, so what an incremental compilation writes is of no use.
        cargo.env("CARGO_INCREMENTAL", "0");
    }
    cargo
}

/// Whether nothing will be compiled again after a change.
static ONCE: OnceLock<()> = OnceLock::new();

/// Makes all cargo commands compile for this run only.
pub(crate) fn compile_once() {
    ONCE.get_or_init(|| ());
}

/// Runs `cargo test` to its end; its output is printed, and its tests are counted.
pub(crate) fn run_tests(command: &mut Command) -> Result {
    let command_line = shown(command);
    let failed = |error: &dyn fmt::Display| Failure(format!("{command_line}: {error}"));
    let mut child = command.stdout(Stdio::piped()).spawn().map_err(|error| failed(&error))?;
    let mut passed = 0;
    for line in child.stdout.take().into_iter().flat_map(|output| BufReader::new(output).lines()) {
        let line = line.map_err(|error| failed(&error))?;
        println!("{line}");
        passed += passed_in(&line).unwrap_or(0);
    }
    let status = child.wait().map_err(|error| failed(&error))?;
    if status.success() { Ok(Outcome::Tested(passed)) } else { Err(failed(&status)) }
}

/// Returns the number in a line like `test result: ok. 12 passed; 0 failed; …`.
fn passed_in(line: &str) -> Option<usize> {
    let (before, _) = line.strip_prefix("test result:")?.split_once(" passed")?;
    before.rsplit(' ').next()?.parse().ok()
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

/// Installs Debian packages with apt-get, after the user has agreed: by `--yes`, at the terminal, or by running this without
/// a terminal.
pub(crate) fn install(packages: &str, purpose: &str, options: Options) -> Result {
    if !options.yes && io::stdin().is_terminal() {
        print!("{packages}: missing, needed for {purpose}. Install with apt-get? [y/N] ");
        let mut answer = String::new();
        let read = io::stdout().flush().and_then(|()| io::stdin().read_line(&mut answer));
        read.or_else(|error| fail(format!("no answer: {error}")))?;
        if !matches!(answer.trim(), "y" | "Y" | "yes") {
            return fail(format!("not installed: {packages}; `--quick` runs the tests that do without"));
        }
    } else {
        println!("{packages}: missing, apt-get installs it for {purpose}");
    }
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
