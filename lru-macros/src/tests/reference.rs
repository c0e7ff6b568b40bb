//! The reference of options and accessors in README, guide and rustdoc.
//!
//! It is made of the table of options and of what the attributes generate, and compared with what is committed.
//! `UPDATE_SNAPSHOTS=1 cargo test -p functools-macros` writes it anew.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{FnArg, ImplItem, Item};

use super::companion_in_plain;
use crate::args::{Args, Attribute, Described, MaxSize, Policy, REFERENCE, option_names};
use crate::errors::Errors;
use crate::memoize_function;
use crate::reader::Reader;

/// The sections of the documentation of `lru_cache` that options refer to, and the pages of the guide on the same subjects.
const PAGES: &[(&str, &str)] = &[
    ("maxsize", "eviction-and-sizing.md"),
    ("policy", "eviction-and-sizing.md"),
    ("insight", "choosing-maxsize-and-policy.md"),
    ("weight", "eviction-and-sizing.md"),
    ("on_evict", "eviction-and-sizing.md"),
    ("expiry", "expiry-and-staleness.md"),
    ("per-entry-expiry", "expiry-and-staleness.md"),
    ("stale-results", "expiry-and-staleness.md"),
    ("timer", "expiry-and-staleness.md"),
    ("cached-results", "results-and-errors.md"),
    ("cache-key", "keys.md"),
    ("batches", "batches.md"),
    ("typed", "methods-generics-traits.md"),
    ("placement-of-accessors", "methods-generics-traits.md"),
    ("names", "methods-generics-traits.md"),
    ("scope", "concurrency-and-single-flight.md"),
    ("shards", "concurrency-and-single-flight.md"),
    ("lock_free", "concurrency-and-single-flight.md"),
    ("request-coalescing", "concurrency-and-single-flight.md"),
    ("detached-computations", "async.md"),
    ("cache-objects", "objects.md"),
    ("tags-and-dependencies", "invalidation.md"),
    ("backends", "backends.md"),
];

/// The options that README shows, each with an example.
const MOST_USED: &[(&str, &str)] = &[
    ("maxsize", "maxsize = 1000"),
    ("ttl", "ttl = 60"),
    ("swr", "ttl = 60, swr = true"),
    ("stale_if_error", "ttl = 60, stale_if_error = 300"),
    ("single_flight", "single_flight = true"),
    ("key", "key = |user, _| user.id"),
    ("cache", "cache = self.prices"),
    ("weight", "weight = |_, text| text.len()"),
    ("typed", "typed = true"),
    ("backend", "backend = redis(URL)"),
];

fn options() -> impl Iterator<Item = &'static Described> {
    REFERENCE.iter().flat_map(|section| section.options)
}

fn option(name: &str) -> &'static Described {
    options().find(|option| option.names.contains(&name)).unwrap_or_else(|| panic!("no option `{name}`"))
}

impl Described {
    /// The meaning as a cell of a table.
    fn cell(&self) -> String {
        let feature = self.feature.map(|feature| format!(" (feature `{feature}`)")).unwrap_or_default();
        cell(&format!("{}{feature}", self.meaning.trim().trim_end_matches('.')))
    }

    fn page(&self) -> &'static str {
        let page = PAGES.iter().find(|(section, _)| *section == self.see);
        page.unwrap_or_else(|| panic!("no page of the guide for the section `{}`", self.see)).1
    }

    /// Link targets of the names.
    fn targets(&self, target: &str) -> String {
        self.names.iter().fold(String::new(), |all, name| all + &format!("[`{name}`]: {target}\n"))
    }
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// All options, a table for each group.
fn tables(heading: impl Fn(&str, &str) -> String) -> String {
    let mut page = String::new();
    for section in REFERENCE {
        page += &heading(section.heading, section.about.trim());
        page += "\n\n| option | meaning | takes | default |\n|---|---|---|---|\n";
        for option in section.options {
            let names: Vec<_> = option.names.iter().map(|name| format!("[`{name}`]")).collect();
            let (names, meaning, takes) = (names.join(", "), option.cell(), cell(option.takes));
            writeln!(page, "| {names} | {meaning} | {takes} | {} |", option.default)
                .expect("a string takes all");
        }
        page += "\n";
    }
    page
}

/// The other attributes, with the options that they set and those that they do not take.
fn attributes() -> String {
    let mut page = "| attribute | sets | does not take |\n|---|---|---|\n".to_owned();
    for attribute in Attribute::ALL {
        let taken: Vec<_> = option_names(attribute).collect();
        let refused = option_names(Attribute::LruCache).filter(|name| !taken.contains(name));
        let refused: Vec<_> = refused.map(|name| format!("`{name}`")).collect();
        writeln!(page, "| `#[{}]` | {} | {} |", attribute.name(), sets(attribute), refused.join(", "))
            .expect("a string takes all");
    }
    page
}

/// The options that an attribute sets by itself.
fn sets(attribute: Attribute) -> String {
    let defaults = Args::defaults(attribute);
    let maxsize = defaults.eviction.maxsize.get().map(|maxsize| match maxsize {
        MaxSize::None => "`maxsize = None`".to_owned(),
        MaxSize::Literal(size) => format!("`maxsize = {size}`"),
        MaxSize::Expression(_) | MaxSize::AtRunTime(_) | MaxSize::Auto(_) => {
            unreachable!("the size is a number")
        }
    });
    let policy = defaults.eviction.policy.get().map(|policy| match policy {
        Policy::Fifo => "`policy = fifo`".to_owned(),
        Policy::Lfu => "`policy = lfu`".to_owned(),
        Policy::Rr => "`policy = rr`".to_owned(),
        _ => unreachable!("no attribute has this policy"),
    });
    let ttl = defaults.expiry.ttl.get().map(|ttl| format!("`ttl = {}`", ttl.to_token_stream()));
    let all: Vec<_> = [maxsize, policy, ttl].into_iter().flatten().collect();
    all.join(", ")
}

/// The accessors that the attribute generates for `fn f(n: u64) -> u64`, and what each does.
fn accessors() -> Vec<(String, String)> {
    let out = memoize_function(
        Attribute::LruCache,
        TokenStream::new(),
        &quote! { fn f(n: u64) -> u64 { n } },
        Reader::Compiler,
    );
    let items: Vec<Item> = syn::parse2::<syn::File>(out).expect("items").items;
    let blocks = items.into_iter().flat_map(companion_in_plain);
    let functions =
        blocks.flat_map(|item| if let Item::Impl(block) = item { block.items } else { Vec::new() });
    let mut accessors = Vec::new();
    for item in functions {
        let ImplItem::Fn(function) = item else { continue };
        let doc = function.attrs.iter().find_map(|attr| match &attr.meta {
            syn::Meta::NameValue(meta) if meta.path.is_ident("doc") => match &meta.value {
                syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(doc), .. }) => Some(doc.value()),
                _ => None,
            },
            _ => None,
        });
        let name = function.sig.ident.to_string();
        if let Some(doc) = doc.filter(|_| !name.starts_with("__")) {
            let inputs = function.sig.inputs.iter().map(|input| match input {
                FnArg::Typed(input) => {
                    input.pat.to_token_stream().to_string().trim_start_matches("mut ").to_owned()
                }
                FnArg::Receiver(_) => "self".to_owned(),
            });
            let inputs: Vec<_> = inputs.collect();
            accessors.push((format!("f::{name}({})", inputs.join(", ")), doc.trim().to_owned()));
        }
    }
    accessors
}

fn place(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file)
}

fn read(file: &str) -> String {
    fs::read_to_string(place(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// Checks that a file is this text.
fn assert_file(file: &str, text: &str) {
    if env::var_os("UPDATE_SNAPSHOTS").is_some() {
        fs::write(place(file), text).unwrap_or_else(|error| panic!("{file}: {error}"));
    }
    assert!(read(file) == text, "{file} is not what the table gives: see the head of {}", file!());
}

/// Checks that a file has this text between its marks of this name.
fn assert_block(file: &str, name: &str, text: &str) {
    let kept = read(file);
    let (mark, end) =
        (format!("<!-- {name}: written by lru-macros/src/tests/reference.rs -->\n"), "<!-- end -->");
    let (before, rest) = kept.split_once(&mark).unwrap_or_else(|| panic!("{file} has no mark `{mark}`"));
    let (_, after) = rest.split_once(end).unwrap_or_else(|| panic!("{file} has no end of `{name}`"));
    assert_file(file, &format!("{before}{mark}{}\n\n{end}{after}", text.trim()));
}

#[test]
fn the_documentation_has_all_options_and_accessors() {
    let in_rustdoc: String = options().map(|option| option.targets(&format!("#{}", option.see))).collect();
    let tables_by_names = tables(|heading, about| format!("**{heading}.** {about}"));
    assert_file("docs/options.md", &format!("{tables_by_names}{in_rustdoc}"));

    let in_guide: String = options().map(|option| option.targets(option.page())).collect();
    let sections = tables(|heading, about| format!("## {heading}\n\n{about}"));
    assert_block("docs/guide/src/reference.md", "Options", &format!("{sections}{in_guide}"));
    assert_block("docs/guide/src/reference.md", "Attributes", &attributes());
    let head = "| accessor | what it does |\n|---|---|\n";
    let rows = accessors()
        .into_iter()
        .map(|(call, does)| format!("| `{call}` | {} |\n", cell(does.trim_end_matches('.'))));
    assert_block(
        "docs/guide/src/reference.md",
        "Accessors",
        &rows.fold(head.to_owned(), |page, row| page + &row),
    );

    let in_modules =
        options().map(|option| option.targets(&format!("macro@crate::lru_cache#{}", option.see)));
    assert_block("docs/guide/links.md", "Options", &in_modules.collect::<String>());
}

#[test]
fn the_documentation_has_the_options_most_used() {
    let (mut for_readme, mut in_short) = (
        "| option | meaning | example |\n|---|---|---|\n".to_owned(),
        "| option | meaning |\n|---|---|\n".to_owned(),
    );
    for (name, example) in MOST_USED {
        let (meaning, shown) = (option(name).cell(), cell(example));
        writeln!(for_readme, "| `{name}` | {meaning} | `#[lru_cache({shown})]` |")
            .expect("a string takes all");
        writeln!(in_short, "| `{shown}` | {meaning} |").expect("a string takes all");
        let mut errors = Errors::default();
        Args::parse(Attribute::LruCache, example.parse().expect("tokens"), &mut errors);
        assert_eq!(errors.count(), 0, "`{example}`");
    }
    assert_block("README.md", "The options most used", &for_readme);
    assert_file("lru-macros/src/options.md", &in_short);
}

#[test]
fn each_option_is_explained_in_rustdoc_and_guide() {
    let rustdoc = read("src/lib.rs");
    let headings = rustdoc.lines().filter_map(|line| line.strip_prefix("/// ## "));
    let sections: Vec<_> =
        headings.map(|heading| heading.replace('`', "").to_lowercase().replace(' ', "-")).collect();
    for option in options() {
        let name = option.names[0];
        assert!(
            sections.iter().any(|section| section == option.see),
            "`{name}`: no section `{}`",
            option.see
        );
        let page = read(&format!("docs/guide/src/{}", option.page()));
        let is_there = [format!("`{name}`"), format!("{name} = "), format!("[`{name}`]")];
        assert!(is_there.iter().any(|text| page.contains(text)), "`{name}` is not in {}", option.page());
    }
}

#[test]
fn each_accessor_is_explained_in_rustdoc() {
    let rustdoc = read("src/lib.rs");
    for (call, _) in accessors() {
        let name = call.split('(').next().expect("a part");
        assert!(rustdoc.contains(&format!("/// | `{name}(")), "`{call}` is not in the table of src/lib.rs");
    }
}
