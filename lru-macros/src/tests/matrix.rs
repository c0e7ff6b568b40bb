//! Signatures × options: each option is tried on functions of each kind of signature.
//!
//! The options are those of the table in `args/table.rs`: one without a sample here fails the test, so that a new option
//! meets all signatures. Whether the attribute refuses a combination is compared with [`refusal`]; those that it does not
//! refuse are written into one crate, which the compiler checks.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use proc_macro2::TokenStream;

use crate::args::{Attribute, option_names};

use super::super::{memoize_function, memoize_impl};

/// What an option does with a function depends on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Is {
    /// An `async fn`, or one that returns a future.
    Async,
    /// Its results are in a cache object that an argument holds.
    InObject,
    /// The options include `accessors = none`.
    WithoutAccessors,
    /// A method, which has no companion.
    Method,
    /// It returns nothing.
    Unit,
    /// It returns a `Result`.
    Fallible,
    /// The error borrows.
    BorrowedError,
    /// It has a `&mut` that is not in the key.
    Changing,
    /// A parameter has a `#[key(…)]`.
    KeyPart,
    /// It has no arguments.
    NoArguments,
    /// The types in the key cannot be named.
    UnnamedKey,
    /// An argument contains a borrow, and so has no owned copy.
    NotCopied,
    /// A part of the options is `typed`.
    Typed,
    /// Its `impl` has `#[memoize]`.
    InBlock,
}

use Is::{
    Async, BorrowedError, Changing, Fallible, InBlock, InObject, KeyPart, Method, NoArguments, NotCopied,
    Typed, Unit, UnnamedKey, WithoutAccessors,
};

/// A kind of function.
struct Signature {
    name: &'static str,
    /// The options that it always has.
    options: &'static str,
    /// What is around it: `{}` stands for the function.
    around: &'static str,
    item: &'static str,
    /// How many arguments the functions of options are given.
    arguments: usize,
    is: &'static [Is],
}

/// The signatures.
const SIGNATURES: &[Signature] = &[
    Signature { name: "plain", options: "", around: "{}", item: "pub fn f(n: u32) -> u32 { n }", arguments: 1, is: &[] },
    Signature { name: "nothing", options: "", around: "{}", item: "pub fn f() -> u32 { 1 }", arguments: 0, is: &[NoArguments] },
    Signature { name: "unit", options: "", around: "{}", item: "pub fn f(n: u32) { drop(n) }", arguments: 1, is: &[Unit] },
    Signature {
        name: "borrows",
        options: "",
        around: "{}",
        item: "pub fn f<'x>(text: &'x str, all: &[f64], (a, b): (u8, &str)) -> String { format!(\"{text}{all:?}{a}{b}\") }",
        arguments: 3,
        is: &[NotCopied],
    },
    Signature {
        name: "fallible",
        options: "",
        around: "{}",
        item: "pub unsafe fn f(text: &str) -> Result<u32, String> { text.parse().map_err(|_| text.to_owned()) }",
        arguments: 1,
        is: &[Fallible],
    },
    Signature {
        name: "borrowed_error",
        options: "",
        around: "{}",
        item: "pub fn f<'x>(text: &'x str) -> Result<u32, &'x str> { text.parse().map_err(|_| text) }",
        arguments: 1,
        is: &[Fallible, BorrowedError],
    },
    Signature {
        name: "generic",
        options: "typed = true",
        around: "{}",
        item: "pub fn f<T: Hash + Eq + Clone + Serialize + Send + Sync + 'static>(value: T, n: &str) -> u32 { drop(value); n.len() as u32 }",
        arguments: 2,
        is: &[UnnamedKey, Typed],
    },
    Signature {
        name: "impl_trait",
        options: "typed = false",
        around: "{}",
        item: "pub fn f(value: impl Hash + Eq + Clone + Serialize + Send + Sync + 'static) -> u32 { drop(value); 1 }",
        arguments: 1,
        is: &[UnnamedKey, Typed],
    },
    Signature {
        name: "skipped",
        options: "",
        around: "{}",
        item: "pub fn f(#[key(skip)] db: Db, #[key(n / 2)] n: u32) -> u32 { drop(db); n / 2 }",
        arguments: 2,
        is: &[KeyPart, UnnamedKey],
    },
    Signature {
        name: "changing",
        options: "",
        around: "{}",
        item: "pub fn f(n: u32, #[key(skip)] log: &mut Vec<u32>) -> u32 { log.push(n); n }",
        arguments: 2,
        is: &[KeyPart, Changing],
    },
    Signature {
        name: "taken_apart",
        options: "",
        around: "{}",
        item: "pub fn f(#[key(id)] Id(id): Id) -> u32 { id }",
        arguments: 1,
        is: &[KeyPart, UnnamedKey],
    },
    Signature {
        name: "asynchronous",
        options: "",
        around: "{}",
        item: "pub async fn f(text: &str) -> u32 { text.len() as u32 }",
        arguments: 1,
        is: &[Async],
    },
    Signature {
        name: "async_borrowed_error",
        options: "",
        around: "{}",
        item: "pub async fn f(text: &str) -> Result<u32, &str> { text.parse().map_err(|_| text) }",
        arguments: 1,
        is: &[Async, Fallible, BorrowedError],
    },
    Signature {
        name: "boxed",
        options: "",
        around: "{}",
        item: "pub fn f<'a>(text: &'a str) -> Pin<Box<dyn Future<Output = Result<u32, String>> + Send + 'a>> {
            Box::pin(async move { Ok(text.len() as u32) }) }",
        arguments: 1,
        is: &[Async, Fallible],
    },
    Signature {
        name: "impl_future",
        options: "",
        around: "{}",
        item: "pub fn f(n: u32) -> impl Future<Output = u32> + Send { async move { n } }",
        arguments: 1,
        is: &[Async],
    },
    Signature {
        name: "method",
        options: "",
        around: "SHOP impl Shop { {} }",
        item: "pub fn f(&self, n: u32) -> u32 { self.0 + n }",
        arguments: 2,
        is: &[Method, UnnamedKey],
    },
    Signature {
        name: "async_method",
        options: "",
        around: "SHOP impl Shop { {} }",
        item: "pub async fn f(#[key(skip)] &self, n: u32) -> Result<u32, String> { Ok(self.0 + n) }",
        arguments: 2,
        is: &[Method, KeyPart, Async, Fallible],
    },
    Signature {
        name: "trait_method",
        options: "accessors = none",
        around: "SHOP pub trait T { fn f(&self, n: u32) -> u32; } impl T for Shop { {} }",
        item: "fn f(&self, n: u32) -> u32 { self.0 + n }",
        arguments: 2,
        is: &[Method, WithoutAccessors, UnnamedKey],
    },
    Signature {
        name: "async_trait_method",
        options: "accessors = none",
        around: "SHOP pub trait T { fn f<'life0, 'async_trait>(&'life0 self, n: u32) -> Pin<Box<dyn Future<Output = u32> + Send + 'async_trait>>
            where 'life0: 'async_trait, Self: 'async_trait; }
            impl T for Shop { {} }",
        item: "fn f<'life0, 'async_trait>(#[key(skip)] &'life0 self, n: u32) -> Pin<Box<dyn Future<Output = u32> + Send + 'async_trait>>
            where 'life0: 'async_trait, Self: 'async_trait { Box::pin(async move { self.0 + n }) }",
        arguments: 2,
        is: &[Method, WithoutAccessors, Async, KeyPart],
    },
    Signature {
        name: "method_in_block",
        options: "",
        around: "SHOP #[functools::memoize] impl Shop { {} }",
        item: "pub fn f(code: Code, text: &str) -> Result<u32, String> { Ok(code.0 + text.len() as u32) }",
        arguments: 2,
        is: &[Method, InBlock, Fallible],
    },
    Signature {
        name: "trait_method_in_block",
        options: "",
        around: "SHOP pub trait T { type Out; fn f(&self, n: u32) -> Self::Out; } #[functools::memoize] impl T for Shop { type Out = u32; {} }",
        item: "fn f(&self, n: u32) -> Self::Out { let out: Self::Out = self.0 + n; out }",
        arguments: 2,
        is: &[Method, InBlock, UnnamedKey],
    },
    Signature {
        name: "async_trait_method_in_block",
        options: "",
        around: "SHOP pub trait T { fn f<'life0, 'async_trait>(&'life0 self, n: u32) -> Pin<Box<dyn Future<Output = u32> + Send + 'async_trait>>
            where 'life0: 'async_trait, Self: 'async_trait; }
            #[functools::memoize] impl T for Shop { {} }",
        item: "fn f<'life0, 'async_trait>(#[key(skip)] &'life0 self, n: u32) -> Pin<Box<dyn Future<Output = u32> + Send + 'async_trait>>
            where 'life0: 'async_trait, Self: 'async_trait { Box::pin(async move { self.0 + n }) }",
        arguments: 2,
        is: &[Method, InBlock, Async, KeyPart],
    },
    Signature {
        name: "trait_method_in_generic_block",
        options: "",
        around: "SHOP pub trait T<V> { async fn f(&self, value: V) -> u32; }
            #[functools::memoize] impl<V: Hash + Eq + Clone + Serialize + Send + Sync + 'static> T<V> for Shop { {} }",
        item: "async fn f(&self, value: V) -> u32 { drop(value); self.0 }",
        arguments: 2,
        is: &[Method, InBlock, UnnamedKey, Async],
    },
    Signature {
        name: "foreign_type_in_block",
        options: "",
        around: "pub trait T { fn f(&self, text: &str) -> Result<u32, String>; }
            #[functools::memoize(pub, accessors = OfVec)] impl T for Vec<u8> { {} }",
        item: "fn f(&self, text: &str) -> Result<u32, String> { Ok(self.len() as u32 + text.len() as u32) }",
        arguments: 2,
        is: &[Method, InBlock, UnnamedKey, Fallible],
    },
    Signature {
        name: "in_field",
        options: "cache = self.memo",
        around: "pub struct S<'a> { memo: LruCache<u32, &'a str>, all: &'a [String] } impl<'a> S<'a> { {} }",
        item: "pub fn f(&self, n: u32) -> &'a str { &self.all[n as usize] }",
        arguments: 1,
        is: &[Method, InObject],
    },
    Signature {
        name: "in_parameter",
        options: "cache = memo",
        around: "{}",
        item: "pub async fn f(n: u32, memo: Arc<LruCache<u32, u32>>) -> Result<u32, String> { drop(memo); Ok(n) }",
        arguments: 1,
        is: &[InObject, Async, Fallible],
    },
];

/// A value of each option. `ARGUMENTS` stands for as many `_` as the function is given arguments.
fn sample(option: &str) -> Option<&'static str> {
    Some(match option {
        "maxsize" => "maxsize = 16",
        "policy" => "policy = sieve",
        "choice" => "policy = rr, choice = |keys| keys.len() - 1",
        "seed" => "policy = rr, seed = 42",
        "weight" => "weight = |ARGUMENTS _| 1",
        "min_weight" => "weight = |ARGUMENTS _| 1, min_weight = 0",
        "on_evict" => "on_evict = |_, _, _| ()",
        "ttl" => "ttl = 60",
        "tti" => "tti = 60",
        "ttu" => "ttu = |ARGUMENTS _, now| now + 1, timer = || 0_u64",
        "jitter" => "ttl = 60, jitter = 0.1",
        "error_ttl" => "cache_errors = true, error_ttl = 5",
        "swr" => "ttl = 60, swr = true",
        "stale_if_error" => "ttl = 60, stale_if_error = 60",
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
        "cache_errors" => "cache_errors = true",
        "cache_none" => "cache_none = false",
        "accessors" => "accessors = none",
        "handle" => "handle = of_f",
        "crate" => "crate = ::functools",
        _ => return None,
    })
}

/// A fragment of the message by which the attribute refuses the option on such a function.
fn refusal(option: &str, signature: &Signature) -> Option<&'static str> {
    let is = |one: Is| signature.is.contains(&one);
    let stale = ["swr", "refresh_threads", "spawn"];
    match option {
        "cache" if is(InObject) => Some("duplicate option `cache`"),
        "typed" if is(Typed) => Some("duplicate option `typed`"),
        "accessors" if signature.options == "typed = false" => {
            Some("`typed = false` cannot be used with `accessors = none`")
        }
        "accessors" if is(WithoutAccessors) => Some("duplicate option `accessors`"),
        "maxsize" | "policy" | "choice" | "seed" | "weight" | "min_weight" | "on_evict" | "timer"
            if is(InObject) =>
        {
            Some("the object given by `cache` has its own")
        }
        "ttu" if is(InObject) => Some("the object given by `cache` has its own clock"),
        "scope" | "shards" | "lock_free" if is(InObject) => Some("has no effect with `cache`"),
        "scope" if is(Async) => Some("cannot be used on an `async fn`"),
        "choice" | "on_evict" if is(UnnamedKey) => Some("the type of this function's key cannot be named"),
        "spawn" if !is(Async) => Some("has no effect on a function that is not `async`"),
        "detach" if !is(Async) => Some("a function that is not `async` always ends"),
        option if stale.contains(&option) && is(WithoutAccessors) => {
            Some("cannot be used with `accessors = none`")
        }
        option if stale.contains(&option) && is(Unit) => Some("a function that returns nothing"),
        option if stale.contains(&option) && is(InObject) => Some("a refresh may outlive it"),
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
        "detach" => is(BorrowedError),
        // One object cannot have the keys and values of all these functions; two signatures have objects of their own.
        "cache" => true,
        "stale_if_error" => !is(Fallible),
        // A backend reads results into owned types.
        option if backend.contains(&option) => is(BorrowedError) || (is(InObject) && !is(Fallible)),
        _ => false,
    }
}

fn attribute_of(option: &str, signature: &Signature) -> String {
    let arguments = "_, ".repeat(signature.arguments);
    let sample = sample(option).unwrap_or_else(|| panic!("`{option}` needs a sample in {}", file!()));
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
        memoize_impl(TokenStream::new(), &tokens(&block))
    } else {
        memoize_function(Attribute::LruCache, tokens(options), &tokens(item))
    };
    let text = out.to_string();
    text.split("compile_error !").skip(1).map(|rest| rest.chars().take(300).collect()).collect()
}

#[test]
fn each_option_on_each_signature() {
    let (mut accepted, mut wrong) = (String::new(), Vec::new());
    for signature in SIGNATURES {
        for option in option_names() {
            let options = attribute_of(option, signature);
            let messages = messages(&options, signature);
            let expected = refusal(option, signature);
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
            if messages.is_empty() && !is_refused_by_types(option, signature) {
                let function = format!("#[lru_cache({options})] {}", signature.item);
                let item = signature.around.replace("{}", &function).replace("SHOP", SHOP);
                writeln!(
                    accepted,
                    "mod {}_with_{option} {{ use crate::prelude::*; {item} }}",
                    signature.name
                )
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
    #[derive(Clone)] pub struct Db;
    #[derive(Clone, Copy, Serialize)] pub struct Id(pub u32);
    #[derive(Clone, PartialEq, Eq, Hash, Serialize)] pub struct Code(pub u32);
}
";

/// The type of methods.
const SHOP: &str = "#[derive(Clone, PartialEq, Eq, Hash, Serialize)] pub struct Shop(pub u32);";

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
