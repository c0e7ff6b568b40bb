//! Mistakes are reported once in an incremental compilation too, as that of `cargo check` is.
//!
//! rustc drops an error that repeats another. In an incremental compilation it does so only within one item, and the
//! mistakes of a user are in the tokens of many.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

#[test]
fn mistakes_are_reported_once() {
    for case in [
        "argument-is-no-key",
        "argument-is-no-key-in-methods",
        "argument-that-borrows",
        "future-under-another-name",
        "listener-signature",
        "result-cannot-be-cloned",
        "result-is-not-shared",
    ] {
        let errors = errors_of(case);
        assert!(!errors.is_empty(), "{case} compiles");
        for (error, times) in errors {
            assert_eq!(times, 1, "{case}: {error}");
        }
    }
}

/// The errors about a case, and how often each is reported.
fn errors_of(case: &str) -> BTreeMap<String, usize> {
    let deps = env::current_exe().unwrap().parent().unwrap().to_path_buf();
    let temporary = Path::new(env!("CARGO_TARGET_TMPDIR")).join(case);
    fs::create_dir_all(&temporary).unwrap();
    let library = newest(&deps, "libfunctools-");
    let output = Command::new(env::var("RUSTC").unwrap_or_else(|_| "rustc".into()))
        .args(["--edition=2024", "--crate-name=case", "--crate-type=bin", "--emit=metadata", "--color=never"])
        .arg(format!("-Cincremental={}", temporary.join("incremental").display()))
        .arg(format!("-Ldependency={}", deps.display()))
        .arg(format!("--extern=functools={library}"))
        .arg(format!("-o{}", temporary.join("case").display()))
        .arg(format!("cases/{case}.rs"))
        .output()
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    let mut lines = text.lines();
    let mut errors = BTreeMap::new();
    while let Some(line) = lines.next() {
        if line.starts_with("error") && !line.starts_with("error: aborting") {
            let place = lines.next().unwrap_or_default().trim();
            *errors.entry(format!("{line} {place}")).or_default() += 1;
        }
    }
    errors
}

/// The newest library of this name.
fn newest(deps: &Path, name: &str) -> String {
    let libraries = fs::read_dir(deps).unwrap().map(|entry| entry.unwrap()).filter(|entry| {
        let file = entry.path();
        let is_named = file.file_name().is_some_and(|file| file.to_string_lossy().starts_with(name));
        is_named && file.extension().is_some_and(|extension| extension == "rlib")
    });
    let newest = libraries.max_by_key(|entry| entry.metadata().unwrap().modified().unwrap());
    newest.expect("the tests depend on the library").path().display().to_string()
}
