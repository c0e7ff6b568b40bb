//! Signatures × options: each option is tried on functions of each kind of signature.
//!
//! The options are those of the table in `args/table.rs`: one without a sample here fails the test, so that a new option
//! meets all signatures. Whether the attribute refuses a combination is compared with [`refusal`]; those that it does not
//! refuse are written into one crate, which the compiler checks.

mod signatures;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use proc_macro2::TokenStream;

use crate::args::{Attribute, option_names};

use super::super::{Reader, memoize_function, memoize_impl};

use signatures::Is::{
    self, Async, BorrowedError, Changing, Elements, Fallible, InBlock, InObject, KeyPart, Method,
    NoArguments, NotCopied, Typed, Unit, UnnamedKey, WithoutAccessors,
};
use signatures::{SIGNATURES, Signature};

/// A value of each option. `ARGUMENTS` stands for as many `_` as the function is given arguments.
fn sample(option: &str) -> Option<&'static str> {
    Some(match option {
        "maxsize" => "maxsize = \"a number at run time\".len()",
        "policy" => "policy = sieve",
        "choice" => "policy = rr, choice = |keys| keys.len() - 1",
        "seed" => "policy = rr, seed = 42",
        "weight" => "weight = |ARGUMENTS _| 1",
        "min_weight" => "weight = |ARGUMENTS _| 1, min_weight = 0",
        "floor" => "maxsize = 1000, weight = bytes, floor = 100",
        "insight" => "insight = true",
        "on_evict" => "on_evict = |_, _, _| ()",
        "ttl" => "ttl = 60",
        "tti" => "tti = 60",
        "ttu" => "ttu = |ARGUMENTS _, now| now + 1, timer = || 0_u64",
        "jitter" => "ttl = 60, jitter = 0.1",
        "error_ttl" => "cache_errors = true, error_ttl = 5",
        "swr" => "ttl = 60, swr = true",
        "stale_if_error" => "ttl = 60, stale_if_error = 60",
        "stale_if_slow" => "ttl = 60, stale_if_slow = 0.1",
        "timer" => "ttl = 60, timer = || 0_u64",
        "scope" => "scope = thread",
        "shards" => "shards = 4",
        "lock_free" => "lock_free = false",
        "cache" => "cache = MEMO",
        "single_flight" => "single_flight = true",
        "flight_timeout" => "single_flight = true, flight_timeout = 5",
        "spawn" => "ttl = 60, swr = true, spawn = |task: functools::refresh::Task| drop(task)",
        "detach" => "detach = true, spawn = |task: functools::refresh::Task| drop(task)",
        "refresh_threads" => "ttl = 60, swr = true, refresh_threads = 2",
        "backend" => "backend = Off",
        "snapshot" => "snapshot = \"f.bin\"",
        "front_ttl" => "backend = Off, front_ttl = 5",
        "namespace" => "backend = Off, namespace = \"f\"",
        "on_lost" => "backend = Off, on_lost = drop",
        "version" => "backend = Off, version = body",
        "format" => "backend = Off, format = json",
        "strict" => "backend = Off, strict = false",
        "on_backend_error" => "backend = Off, on_backend_error = |_| ()",
        "typed" => "typed = true",
        "key" => "key = |ARGUMENTS| 1_u32",
        "key_fn" => "key_fn = |ARGUMENTS| 1_u32",
        "each" => "each = ids",
        "gather" => "gather = 0.002",
        "gather_max" => "gather = 0.002, gather_max = 50",
        "keep" => "keep = |ARGUMENTS _| true, ttl = |ARGUMENTS _| Some(60)",
        "force" => "force = |ARGUMENTS| false",
        "tags" => "tags = |ARGUMENTS _| [functools::tag(\"f\", 1)], depends = true",
        "depends" => "depends = true",
        "cache_errors" => "cache_errors = true",
        "cache_none" => "cache_none = false",
        "accessors" => "accessors = none",
        "handle" => "handle = of_f",
        "crate" => "crate = ::functools",
        _ => return None,
    })
}

/// Further values of options, whose expansions differ: a name, the option and the value.
const MORE: [(&str, &str, &str); 4] = [
    ("auto", "maxsize", "maxsize = auto(4..=64)"),
    ("bytes", "weight", "weight = bytes, maxsize = 100_000"),
    ("gdsf", "policy", "policy = gdsf"),
    ("auto_in_threads", "scope", "maxsize = auto(4..=64), scope = thread"),
];

/// The options that functions of many elements do not have.
const WITHOUT_ELEMENTS: &[&str] = &["stale_if_slow", "cache", "detach", "key", "key_fn", "accessors"];

/// A fragment of the message by which the attribute refuses the option on such a function.
fn refusal(option: &str, signature: &Signature) -> Option<&'static str> {
    let is = |one: Is| signature.is.contains(&one);
    let stale = ["swr", "stale_if_slow", "refresh_threads", "spawn"];
    match option {
        "each" if is(Elements) => Some("duplicate option `each`"),
        "each" => Some("`each` names no parameter with elements"),
        "gather" | "gather_max" if !is(Elements) => Some("`gather` needs `each`"),
        "gather" | "gather_max" if !is(Async) => Some("`gather` needs an `async fn`"),
        option if is(Elements) && WITHOUT_ELEMENTS.contains(&option) => Some("`each`"),
        "cache" if is(InObject) => Some("duplicate option `cache`"),
        "typed" if is(Typed) => Some("duplicate option `typed`"),
        "accessors" if signature.options == "typed = false" => {
            Some("`typed = false` cannot be used with `accessors = none`")
        }
        "force" if is(WithoutAccessors) => Some("`force` cannot be used with `accessors = none`"),
        "accessors" if is(WithoutAccessors) => Some("duplicate option `accessors`"),
        "maxsize" | "policy" | "choice" | "seed" | "weight" | "min_weight" | "insight" | "on_evict"
        | "timer"
            if is(InObject) =>
        {
            Some("the object given by `cache` has its own")
        }
        "ttu" if is(InObject) => Some("the object given by `cache` has its own clock"),
        "scope" | "shards" | "lock_free" | "floor" if is(InObject) => Some("has no effect with `cache`"),
        "scope" if is(Async) => Some("cannot be used on an `async fn`"),
        "choice" | "on_evict" if is(UnnamedKey) => Some("the type of this function's key cannot be named"),
        "floor" | "bytes" if is(UnnamedKey) => {
            Some("the type of this function's key or result cannot be named")
        }
        "spawn" if !is(Async) => Some("has no effect on a function that is not `async`"),
        "detach" if !is(Async) => Some("a function that is not `async` always ends"),
        "stale_if_slow" if is(NotCopied) => Some("`stale_if_slow` computes with an owned copy"),
        option if stale.contains(&option) && is(WithoutAccessors) => {
            Some("cannot be used with `accessors = none`")
        }
        option if stale.contains(&option) && is(Unit) => Some("a function that returns nothing"),
        option if stale.contains(&option) && is(InObject) => Some("may outlive it"),
        option if stale.contains(&option) && is(Changing) => Some("lends its `&mut` only for the call"),
        option if stale.contains(&option) && is(NotCopied) => Some("`swr` refreshes with an owned copy"),
        "detach" if is(WithoutAccessors) => Some("with `accessors = none` it is in the call alone"),
        "detach" if is(InObject) => Some("a computation may outlive it"),
        "key" | "key_fn" if is(NoArguments) => Some("has no effect on a function without arguments"),
        "key" | "key_fn" if is(KeyPart) => Some("has no effect with `key`"),
        "handle" if is(Method) && !is(InBlock) => Some("`handle` names the companion type"),
        _ => None,
    }
}

/// Whether the compiler refuses the option on such a function by its types, which the attribute does not see.
fn is_refused_by_types(option: &str, signature: &Signature) -> bool {
    let is = |one: Is| signature.is.contains(&one);
    let backend = [
        "backend",
        "snapshot",
        "front_ttl",
        "namespace",
        "on_lost",
        "version",
        "format",
        "strict",
        "on_backend_error",
    ];
    match option {
        // A stored error outlives its caller, as one of a detached computation does. With errors, other values are stored
        // than those of the object here.
        "cache_errors" | "error_ttl" => is(BorrowedError) || (is(InObject) && is(Fallible)),
        "detach" | "stale_if_slow" => is(BorrowedError),
        // One object cannot have the keys and values of all these functions; two signatures have objects of their own.
        "cache" => true,
        "stale_if_error" => !is(Fallible),
        // A backend reads results into owned types.
        option if backend.contains(&option) => is(BorrowedError) || (is(InObject) && !is(Fallible)),
        _ => false,
    }
}

fn attribute_of(sample: &str, signature: &Signature) -> String {
    let arguments = "_, ".repeat(signature.arguments);
    let sample = sample.replace("ARGUMENTS ", &arguments).replace("ARGUMENTS", &arguments);
    let given = signature.options;
    if given.is_empty() { sample } else { format!("{given}, {sample}") }
}

/// The messages of the attribute.
fn messages(options: &str, signature: &Signature) -> Vec<String> {
    let item = signature.item;
    let tokens = |text: &str| text.parse::<TokenStream>().expect("tokens");
    let out = if signature.is.contains(&InBlock) {
        let block = format!("impl T for Shop {{ #[lru_cache({options})] {item} }}");
        memoize_impl(TokenStream::new(), &tokens(&block), Reader::Compiler)
    } else {
        memoize_function(Attribute::LruCache, tokens(options), &tokens(item), Reader::Compiler)
    };
    let text = out.to_string();
    text.split("compile_error !").skip(1).map(|rest| rest.chars().take(300).collect()).collect()
}

#[test]
fn each_option_on_each_signature() {
    let (mut accepted, mut wrong) = (String::new(), Vec::new());
    for signature in SIGNATURES {
        let samples = option_names(Attribute::LruCache).map(|option| {
            let sample = sample(option).unwrap_or_else(|| panic!("`{option}` needs a sample in {}", file!()));
            (option, option, sample)
        });
        for (name, option, sample) in samples.chain(MORE) {
            let options = attribute_of(sample, signature);
            let messages = messages(&options, signature);
            let expected = refusal(name, signature).or_else(|| refusal(option, signature));
            let is_right = match expected {
                Some(fragment) => messages.iter().any(|message| message.contains(fragment)),
                None => messages.is_empty(),
            };
            if !is_right {
                wrong.push(format!(
                    "`{options}` on {}: expected {expected:?}, got {messages:?}",
                    signature.name
                ));
            }
            let is_refused = is_refused_by_types(option, signature) || is_refused_by_types(name, signature);
            if messages.is_empty() && !is_refused {
                let function = format!("#[lru_cache({options})] {}", signature.item);
                let item = signature.around.replace("{}", &function).replace("SHOP", SHOP);
                writeln!(accepted, "mod {}_with_{name} {{ use crate::prelude::*; {item} }}", signature.name)
                    .expect("a string takes all");
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    check(&accepted);
}

/// What the functions name.
const PRELUDE: &str = "
#![allow(warnings)]
mod prelude {
    pub use std::{future::Future, hash::Hash, pin::Pin, sync::Arc};
    pub use functools::{LruCache, lru_cache, backend::Off};
    pub use serde::Serialize;
    use functools::HeapSize;
    #[derive(Clone)] pub struct Db;
    #[derive(Clone, Copy, Serialize, HeapSize)] pub struct Id(pub u32);
    #[derive(Clone, PartialEq, Eq, Hash, Serialize, HeapSize)] pub struct Code(pub u32);
}
";

/// The type of methods.
const SHOP: &str =
    "#[derive(Clone, PartialEq, Eq, Hash, Serialize, functools::HeapSize)] pub struct Shop(pub u32);";

/// Lets the compiler check a crate of these items.
fn check(items: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let place = root.join("target/signatures");
    let manifest = format!(
        "[package]\nname = \"signatures\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n[dependencies]\n\
         functools = {{ path = {root:?}, features = [\"json\"] }}\nserde = {{ version = \"1\", features = [\"derive\"] }}\n"
    );
    fs::create_dir_all(place.join("src")).expect("target can be written");
    fs::write(place.join("Cargo.toml"), manifest).expect("target can be written");
    fs::write(place.join("src/lib.rs"), format!("{PRELUDE}{items}")).expect("target can be written");
    fs::copy(root.join("Cargo.lock"), place.join("Cargo.lock")).expect("the workspace is locked");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["check", "--offline", "--quiet", "--color=never"]).current_dir(&place);
    let output = cargo.env("CARGO_TARGET_DIR", place.join("target")).output().expect("cargo runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
}
