//! Model to tokens. What is quoted here names what `lru-core` does, and does nothing itself.
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
//! Every name that is not the user's is seen where the attribute stands (so that lints leave it
//! alone), starts with `__` where it is a variable, and is reached by an absolute path.

mod accessors;
mod backend;
mod cache;
mod call;
mod coalesced;
mod function;
mod items;
mod unchanged;

use proc_macro2::TokenStream;
use quote::quote;

use crate::model::{Accessors, Model};

pub(crate) use unchanged::unchanged;

/// The function, and its accessors.
pub(crate) fn expand(model: &Model) -> TokenStream {
    let in_body = match model.accessors {
        Accessors::None => items::in_body(model),
        _ => None,
    };
    let function = function::function(model, in_body.as_ref());
    let accessors = accessors::accessors(model);
    quote! { #function #accessors }
}

/// What is `expanded` where the library has backends, and otherwise the `plain` function, with one error
/// that says so. Which it is, only a macro of the library knows.
pub(crate) fn where_there_are_backends(
    model: &Model,
    plain: &TokenStream,
    expanded: &TokenStream,
) -> TokenStream {
    let krate = &model.krate;
    quote! { #krate::__private::where_there_are_backends! { { #plain } #expanded } }
}
