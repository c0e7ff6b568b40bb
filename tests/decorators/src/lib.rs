//! An attribute macro as users write them: it notes each run of a function under its name.

use proc_macro::{Delimiter, Group, TokenStream, TokenTree};

/// Calls `noted("name")`, whatever that is where the function stands, each time the function runs.
///
/// # Panics
///
/// If it stands on anything but a function with a body.
#[proc_macro_attribute]
pub fn note(_: TokenStream, function: TokenStream) -> TokenStream {
    let mut tokens: Vec<_> = function.into_iter().collect();
    let name = tokens.windows(2).find(|pair| pair[0].to_string() == "fn").map(|pair| pair[1].to_string());
    let name = name.expect("it goes on a function");
    let Some(TokenTree::Group(body)) = tokens.pop() else { panic!("a function ends in its body") };
    let mut decorated: TokenStream = format!("noted({name:?});").parse().expect("these are tokens");
    decorated.extend(body.stream());
    tokens.push(Group::new(Delimiter::Brace, decorated).into());
    tokens.into_iter().collect()
}
