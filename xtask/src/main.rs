//! The repository's own commands, `cargo xtask help` lists them.
//!
//! A command is a list of steps. It runs them in order and stops at the first that fails; what a
//! step does stands in `checks` or `bench`.

use std::env;
use std::process::ExitCode;

use step::Step;

mod bench;
mod checks;
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
    Command { name: "bench", purpose: "measure, and write benches/RESULTS.md", steps: bench::bench },
];

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let wanted = match &arguments[..] {
        [] => "help",
        [command] => command.trim_start_matches('-'),
        [_, surplus, ..] => return misused(&format!("`{surplus}` is one argument too many")),
    };
    if matches!(wanted, "help" | "h") {
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
    let commands = COMMANDS.iter().map(|Command { name, purpose, .. }| format!("\n  {name:<8}{purpose}"));
    format!("Usage: cargo xtask <command>\n{}\n  help    list the commands", commands.collect::<String>())
}
