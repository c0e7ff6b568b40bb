//! The last stage: the model becomes tokens, which name the behaviour of `lru-core`.
//!
//! ```text
//! In:   #[lru_cache(maxsize = 32)] fn area(w: u32, h: u32) -> u32 { w * h }
//!
//! Out:  fn area(w: u32, h: u32) -> u32 {                              (paths shortened)
//!           let __looked = area::__memo().calls().look((&w, &h), Plain);
//!           match __looked {
//!               Ok(__hit) => __hit,
//!               Err(__miss) => __miss.keep(area::wrapped(w, h)),
//!           }
//!       }
//!       enum area {}
//!       impl area {
//!           fn __memo() -> &'static Memo<(u32, u32), u32, 32> { static __MEMO: .. = ..; &__MEMO }
//!           fn wrapped(w: u32, h: u32) -> u32 { w * h }
//!           fn cache_info() -> CacheInfo; fn cache_clear(); ..
//!       }
//! ```
//!
//! Names of ours have the span of the attribute, so that lints skip them; variables among them begin with
//! `__`, and paths are absolute. A file imports only those before it: `cache` (expressions of the cache and
//! the key), `call` (fragments of a call), `backend`, `coalesced`, `function`, `items`, `accessors`,
//! `unchanged`.

mod accessors;
mod backend;
mod cache;
mod call;
mod coalesced;
mod function;
mod items;
mod unchanged;

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};

use crate::model::{Accessors, Model};

pub(crate) use unchanged::unchanged;

/// Returns the function and its accessors.
pub(crate) fn expand(model: &Model) -> TokenStream {
    let in_body = match model.accessors {
        Accessors::None => items::in_body(model),
        _ => None,
    };
    let function = function::function(model, in_body.as_ref());
    let accessors = accessors::accessors(model);
    quote! { #function #accessors }
}

/// Returns tokens that become `expanded` if the feature `backend` is on, and otherwise the `plain` function
/// and an error at the option. A macro of the library chooses: the attribute does not know the library's features.
pub(crate) fn where_there_are_backends(
    model: &Model,
    option: Span,
    missing: &str,
    plain: &TokenStream,
    expanded: &TokenStream,
) -> TokenStream {
    let krate = model.krate.at(option);
    quote_spanned! { option=> #krate::__private::where_there_are_backends! { { #missing #plain } #expanded } }
}
