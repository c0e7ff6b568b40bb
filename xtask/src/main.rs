//! The repository's own commands, `cargo xtask help` lists them.
//!
//! A command is a list of steps. It runs them in order and stops at the first that fails; what a
//! step does stands in `checks` or `bench`, and in what these name.

use std::env;
use std::process::ExitCode;

use step::Step;

mod bench;
mod builds;
mod checks;
mod instructions;
mod layers;
#[path = "../../benches/machine.rs"]
#[expect(unreachable_pub, reason = "benches have it in a library")]
mod machine;
mod page;
mod step;

struct Command {
    name: &'static str,
    purpose: &'static str,
    steps: fn() -> Vec<Step>,
}

const COMMANDS: &[Command] = &[
    Command {
        name: "test",
        purpose: "run all tests, with doctests and examples; installs a browser and servers where they are missing",
        steps: checks::test,
    },
    Command {
        name: "ci",
        purpose: "check format, lints, docs, tests and dependencies: what a change must pass",
        steps: checks::ci,
    },
    Command {
        name: "layers",
        purpose: "check which module imports which, and the length of files",
        steps: || vec![Step::new("layers", layers::layers)],
    },
    Command {
        name: "instructions",
        purpose: "count the instructions of calls, and hold them to limits; installs valgrind where it is missing",
        steps: || vec![checks::instructions()],
    },
    Command {
        name: "bench",
        purpose: "measure, write benches/RESULTS.md and draw docs/benchmarks-*.svg",
        steps: bench::bench,
    },
    Command {
        name: "bench backends",
        purpose: "measure results from servers and a file, and write benches/BACKENDS.md",
        steps: bench::backends,
    },
    Command {
        name: "bench processes",
        purpose: "measure several processes on one Redis, and write the tables of docs/processes.md",
        steps: bench::processes,
    },
];

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let wanted = arguments.join(" ");
    let wanted = wanted.trim_start_matches('-');
    if matches!(wanted, "" | "help" | "h") {
        println!("{}", help());
        return ExitCode::SUCCESS;
    }
    match COMMANDS.iter().find(|command| command.name == wanted) {
        Some(Command { name, steps, .. }) => step::run(name, &steps()),
        None => misused(&format!("unknown command `{wanted}`")),
    }
}

fn misused(why: &str) -> ExitCode {
    eprintln!("xtask: {why}\n\n{}", help());
    ExitCode::from(2)
}

fn help() -> String {
    let commands = COMMANDS.iter().map(|Command { name, purpose, .. }| format!("\n  {name:<17}{purpose}"));
    format!(
        "Usage: cargo xtask <command>\n{}\n  help             list the commands",
        commands.collect::<String>()
    )
}
