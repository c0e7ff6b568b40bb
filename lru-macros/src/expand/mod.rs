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
mod call;
mod memo;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

use crate::args::Args;
use crate::check;
use crate::func::Func;
use crate::model::{Key, Model, Scope};
use crate::types;

/// The function, and its accessors.
pub(crate) fn expand(model: &Model) -> TokenStream {
    let function = call::function(model);
    let accessors = accessors::accessors(model);
    quote! { #function #accessors }
}

/// For a function that can't be cached: itself, as it was.
///
/// With it what keeps further errors away that would only repeat the first: the accessors, with no
/// cache behind them. And what brings up further mistakes: the questions about those of its types
/// that can be asked.
pub(crate) fn unchanged(args: &Args, func: Func) -> TokenStream {
    let item = func.without_options();
    let is_method = func.is_method();
    let is_asked = |ty: &syn::Type| check::changed(ty).is_none() && check::unnamed(ty).is_none();
    let has_value = func.result().is_none_or(|ty| check::unnamed(ty).is_none() && !types::is_never(ty));
    let keeps = func.result().is_some_and(|ty| has_value && check::borrowed(ty).is_none());
    let model = Model::new(args.clone(), func);
    let stubs =
        (!types::is_primitive_name(&model.name) || is_method).then(|| accessors::stubs(&model, has_value));
    if is_method || matches!(model.accessors, crate::model::Accessors::Siblings) {
        return quote! { #item #stubs };
    }
    let scope = Scope::Function(Vec::new());
    let (params, keys): (Vec<_>, Vec<_>) = model
        .params
        .iter()
        .filter(|param| is_asked(&param.ty) && !param.written.attrs.iter().any(crate::func::is_key))
        .map(|param| {
            let key = Key::new(&param.ty, &scope).borrow(&param.name.to_token_stream(), &model.krate);
            (param.input(), key)
        })
        .unzip();
    let result = keeps.then(|| call::outcome(&model)).into_iter();
    let Model { attrs, generics, krate, .. } = &model;
    let (cfg, where_clause) = (&attrs.cfg, &generics.where_clause);
    quote! {
        #item
        #stubs
        #(#cfg)*
        const _: () = {
            fn __probe #generics (#(#params),*) #where_clause {
                use #krate::__private::choices::*;
                #( let _ = #keys; )*
                #( let _ = #result; )*
            }
        };
    }
}
