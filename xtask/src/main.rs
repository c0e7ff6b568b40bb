//! The repository's own commands; `cargo xtask help` lists them.
//!
//! A command is a list of steps, which run in order until one fails. `checks` and `bench` define the steps.

use std::env;
use std::process::ExitCode;

use step::{Options, Step};

mod bench;
mod builds;
mod checks;
mod instructions;
mod layers;
#[path = "../../benches/machine.rs"]
#[expect(unreachable_pub, reason = "it is public in the library of the benches")]
mod machine;
mod package;
mod page;
mod step;

struct Command {
    name: &'static str,
    purpose: &'static str,
    steps: fn(Options) -> Vec<Step>,
}

const COMMANDS: &[Command] = &[
    Command {
        name: "test",
        purpose: "run all tests, including doctests and examples; installs a browser and servers if missing, after asking",
        steps: checks::test,
    },
    Command {
        name: "ci",
        purpose: "run every check that a change must pass: format, lints, docs, tests, dependencies",
        steps: checks::ci,
    },
    Command {
        name: "layers",
        purpose: "check which module imports which, and the length of files",
        steps: |_| vec![Step::new("layers", "which module imports which", layers::layers)],
    },
    Command {
        name: "docs",
        purpose: "build the documentation and the guide, in target/doc",
        steps: |_| {
            vec![
                Step::new("docs", "rustdoc, with default and with all features", checks::docs),
                Step::new("guide", "the guide as a book, in target/doc/guide", checks::guide),
            ]
        },
    },
    Command {
        name: "package",
        purpose: "package what is published, and check links of READMEs and the numbers of crates in docs/features.md",
        steps: |_| {
            vec![Step::new(
                "package",
                "what a registry gets: files, links, numbers of crates",
                package::package,
            )]
        },
    },
    Command {
        name: "interleavings",
        purpose: "check lock-free hits and invalidations by tag in all interleavings and under weak memory, by loom",
        steps: |_| checks::interleavings(),
    },
    Command {
        name: "instructions",
        purpose: "count the instructions per call and check their limits; installs valgrind if missing",
        steps: |options| vec![checks::instructions(options)],
    },
    Command {
        name: "bench",
        purpose: "run the benchmarks, write benches/RESULTS.md and draw docs/benchmarks-*.svg",
        steps: bench::bench,
    },
    Command {
        name: "bench backends",
        purpose: "benchmark the backends, and write benches/BACKENDS.md",
        steps: bench::backends,
    },
    Command {
        name: "bench processes",
        purpose: "benchmark several processes on one Redis, and write the tables of docs/processes.md",
        steps: bench::processes,
    },
    Command {
        name: "bench service",
        purpose: "benchmark a service under load, and write benches/SERVICE.md",
        steps: bench::service,
    },
];

fn main() -> ExitCode {
    let (mut words, mut options) = (Vec::new(), Options::default());
    for argument in env::args().skip(1) {
        match argument.as_str() {
            "--quick" => options.quick = true,
            "--yes" | "-y" => options.yes = true,
            _ => words.push(argument),
        }
    }
    let wanted = words.join(" ");
    let wanted = wanted.trim_start_matches('-');
    if matches!(wanted, "" | "help" | "h") {
        println!("{}", help());
        return ExitCode::SUCCESS;
    }
    match COMMANDS.iter().find(|command| command.name == wanted) {
        Some(Command { name, .. }) if options.quick && *name != "test" => {
            misused(&format!("`{name}` has no `--quick`"))
        }
        Some(Command { name, steps, .. }) => step::run(name, &steps(options)),
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
        "Usage: cargo xtask <command> [--yes]\n{}\n  help             list the commands\n\n\
         --quick (of `test`): only tests without servers and browsers\n\
         --yes: install what is missing without asking",
        commands.collect::<String>()
    )
}
