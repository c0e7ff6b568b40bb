//! A typical attribute macro of a user: it records the function's name each time the function runs.

use proc_macro::{Delimiter, Group, TokenStream, TokenTree};

/// Calls `noted("name")`, as resolved in the scope of the function, each time the function runs.
///
/// # Panics
///
/// Panics if the annotated item is not a function with a body.
#[proc_macro_attribute]
pub fn note(_: TokenStream, function: TokenStream) -> TokenStream {
    let mut tokens: Vec<_> = function.into_iter().collect();
    let name = tokens.windows(2).find(|pair| pair[0].to_string() == "fn").map(|pair| pair[1].to_string());
    let name = name.expect("the annotated item is a function");
    let Some(TokenTree::Group(body)) = tokens.pop() else { panic!("a function ends with its body") };
    let mut decorated: TokenStream = format!("noted({name:?});").parse().expect("the call is valid Rust");
    decorated.extend(body.stream());
    tokens.push(Group::new(Delimiter::Brace, decorated).into());
    tokens.into_iter().collect()
}
