//! Expansions as formatted text: a snapshot for each kind of function.
//!
//! `UPDATE_SNAPSHOTS=1 cargo test -p functools-macros` writes them anew: read them before committing them.

mod matrix;
mod reference;

use std::path::Path;
use std::{env, fs};

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::quote;
use syn::parse::{ParseStream, Parser};
use syn::{Item, Visibility, bracketed};

use super::{Attribute, Reader, memoize_function, memoize_impl};

fn expand(attribute: Attribute, args: &str, item: &str) -> String {
    expand_for(Reader::Compiler, attribute, args, item)
}

fn expand_for(reader: Reader, attribute: Attribute, args: &str, item: &str) -> String {
    let parse = |text: &str| text.parse::<TokenStream>().expect("tokens");
    formatted(memoize_function(attribute, parse(args), &parse(item), reader))
}

fn formatted(out: TokenStream) -> String {
    let mut file: syn::File = syn::parse2(out).expect("items come out");
    file.items = file.items.into_iter().flat_map(companion_in_plain).collect();
    prettyplease::unparse(&file)
}

/// The expansion of `in_an_impl_write_accessors_siblings_and_where_the_name_is_taken_handle!`.
fn companion_in_plain(item: Item) -> Vec<Item> {
    let is_companion = |mac: &syn::Macro| {
        mac.path.segments.last().is_some_and(|name| {
            name.ident == "in_an_impl_write_accessors_siblings_and_where_the_name_is_taken_handle"
        })
    };
    let item = match item {
        Item::Macro(item) if is_companion(&item.mac) => item,
        other => return vec![other],
    };
    let parser = |input: ParseStream| {
        let cfg;
        bracketed!(cfg in input);
        let cfg: TokenStream = cfg.parse()?;
        let attrs = input.call(syn::Attribute::parse_outer)?;
        let (vis, name): (Visibility, Ident) = (input.parse()?, input.parse()?);
        let accessors: TokenTree = input.parse()?;
        let plain = quote! { #cfg #(#attrs)* #vis enum #name {} #cfg impl #name #accessors };
        Ok(syn::parse2::<syn::File>(plain)?.items)
    };
    parser.parse2(item.mac.tokens).expect("a companion")
}

fn assert_snapshot(name: &str, expanded: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/snapshots").join(name);
    if env::var_os("UPDATE_SNAPSHOTS").is_some() {
        fs::write(&path, expanded).expect("the snapshot can be written");
    }
    let kept = fs::read_to_string(&path).expect("there is a snapshot");
    assert_eq!(expanded, kept, "the expansion is not that of {name}");
}

#[test]
fn fibonacci_fits_on_one_screen() {
    let fibonacci =
        "fn fibonacci(n: u64) -> u64 { if n < 2 { n } else { fibonacci(n - 1) + fibonacci(n - 2) } }";
    let expanded = expand(Attribute::LruCache, "maxsize = None", fibonacci);
    assert_snapshot("fibonacci.rs", &expanded);
    assert!(expanded.lines().count() <= 110, "{} lines", expanded.lines().count());
}

#[test]
fn every_kind_of_parameter() {
    let item = "
        pub(crate) unsafe fn search<'a>(text: &'a str, (at, mut limit): (f64, Query), _: &&Query, words: &[&str])
            -> io::Result<Found> where 'a: 'static { body() }";
    assert_snapshot("parameters.rs", &expand(Attribute::LruCache, "1 << LIMIT, handle = find", item));
}

#[test]
fn sums_that_begin_with_the_time_saturate() {
    let expanded =
        |ttu: &str| expand(Attribute::LruCache, &format!("ttu = {ttu}"), "fn f(n: u64) -> u64 { n }");
    let sums = |ttu: &str| expanded(ttu).matches("::functools::__private::Now").count();
    for ttu in [
        "|n, value, now| now + value",
        "|n, value, now| -> u64 { now + 2 * value }",
        "move |n, value, now| { let later = now + 1; if later < now + *value { later } else { (now + 2).max(3) } }",
        "|n, value, now| now + value - 1",
        "|n, value, now| now + value.of::<u64>()[0] / 2",
        "|n, value, now| { log(\"{value} is stored\"); now + value }",
    ] {
        assert_eq!(sums(ttu), sums("|n, value, now| now + value"), "{ttu}");
    }
    let of_two = sums("|n, value, now| now + value");
    assert_eq!(sums("|n, value, now| now + value / 2 + n + &[1][0] + 1"), 4 * of_two);
    assert!(of_two > 0 && expanded("|n, value, now| now + 1 < 2 && 3 + 4").contains("now + 1 < 2 && 3 + 4"));
    for ttu in [
        "until",
        "|n, value, now: u64| now + value",
        "|n, value, mut now| now + value",
        "|n, value, _| value",
        "|n, value, now| now",
        "|n, value, now| now.max(1)",
        "|n, value, now| { now += value; now + 1 }",
        "|n, value, now| 2 * now + value",
        "|n, value, now| value.now + 1",
        "|n, value, now| value + now",
        "|n, value, now| if n { now + value } else { now }",
        "|n, value, now| { log(\"{now:?}\"); now + value }",
    ] {
        assert_eq!(sums(ttu), 0, "{ttu}");
    }
}

#[test]
fn attributes_go_where_they_belong() {
    let item = "
        /// Documented.
        #[must_use]
        #[cfg(feature = \"prices\")]
        #[expect(clippy::float_cmp)]
        #[inline]
        #[cfg_attr(debug_assertions, tracing::instrument)]
        #[logtime(\"prices\")]
        pub fn price(id: u32) -> u32 { id }";
    assert_snapshot("attributes.rs", &expand(Attribute::Cache, "crate = memo::functools", item));
}

#[test]
fn mistakes_leave_the_function_as_it_was() {
    let item = "fn push(items: &mut Vec<u8>, name: &str) -> usize { items.len() }";
    let expanded = expand(Attribute::LruCache, "maxsise = 8", item);
    assert_snapshot("mistakes.rs", &expanded);
    assert_eq!(expanded.matches("compile_error!").count(), 2);
}

#[test]
fn accessors_of_a_trait_are_beside_its_impl() {
    let item = "
        #[async_trait]
        impl<'a, T: Hash, K: Into<T>> shop::Prices<'a, K> for Shop<T> where K: Debug {
            const LIMIT: usize = 8;
            type Out = u64;

            /// Documented.
            #[cfg(feature = \"prices\")]
            #[cache(maxsise = 1, accessors = none)]
            async fn price(&self, id: K) -> Self::Out { Self::Out::from(self.base + Self::LIMIT) }

            #[lru_cache(handle = other)]
            fn rate(#[key(skip)] &self, code: &'a str) -> Self::Out { self.rates.get::<Self::Out>(code) }
        }";
    let parse = |text: &str| text.parse::<TokenStream>().expect("tokens");
    let expanded = formatted(memoize_impl(parse("pub(super)"), &parse(item), Reader::Compiler));
    assert_snapshot("impl_block.rs", &expanded);
}

#[test]
fn an_editor_is_given_the_function_as_written_and_no_internals() {
    let item = "
        #[logtime(\"prices\")]
        pub async fn price(id: u32, code: &str) -> Result<u32, Error> { request(id, code).await }";
    let args = "ttl = 60, on_evict = evicted";
    let compiled = expand(Attribute::LruCache, args, item);
    let shown = expand_for(Reader::Editor, Attribute::LruCache, args, item);
    assert!(shown.contains("request(id, code).await") && !shown.contains("fn __"), "{shown}");
    let is_shown =
        |line: &&str| (line.contains("pub async fn") || line.contains("pub fn")) && !line.contains("fn __");
    for line in compiled.lines().filter(is_shown) {
        assert!(shown.contains(line.trim()), "an editor is not given {line}");
    }
    assert_snapshot("editor.rs", &shown);
}
