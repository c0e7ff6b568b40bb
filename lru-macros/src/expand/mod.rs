//! Model to tokens. What is quoted here names what `lru-core` does, and does nothing itself.
//!
//! ```text
//! In:   #[lru_cache(maxsize = 32)] fn area(w: u32, h: u32) -> u32 { w * h }
//!
//! Out:  fn area(w: u32, h: u32) -> u32 {                              (paths shortened)
//!           let __looked = area::__memo().look((&w, &h));
//!           match __looked {
//!               Ok(__hit) => __hit,
//!               Err(__miss) => __miss.keep(area::wrapped(w, h)),
//!           }
//!       }
//!       enum area {}
//!       impl area {
//!           fn __memo() -> &'static Memo<(u32, u32), Plain<u32>> { static MEMO: .. = ..; &MEMO }
//!           fn wrapped(w: u32, h: u32) -> u32 { w * h }
//!           fn cache_info() -> CacheInfo; fn cache_clear(); ..
//!       }
//! ```
//!
//! Every name that is not the user's is seen where the attribute stands (so that lints leave it
//! alone), starts with `__` where it is a variable, and is reached by an absolute path.

mod call;
mod companion;

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

use crate::args::Args;
use crate::check;
use crate::func::Func;
use crate::model::{self, Key, Model};
use crate::types;

/// The function, and its companion.
pub(crate) fn expand(model: &Model) -> TokenStream {
    let function = call::function(model);
    let companion = companion::companion(model);
    quote! { #function #companion }
}

/// The function as it was, and the questions about its types that can be asked all the same.
pub(crate) fn unchanged(args: &Args, func: &Func, item: TokenStream) -> TokenStream {
    let is_free = func.sig.receiver().is_none() && types::self_in(func.sig.clone().into_token_stream()).is_none();
    if !is_free || func.generic_params().next().is_some() {
        return item;
    }
    let krate = model::krate(args);
    let askable = func.params().zip(model::names(func)).filter(|(param, _)| {
        check::changed(&param.ty).is_none() && check::unnamed(&param.ty).is_none() && param.attrs.is_empty()
    });
    let (params, keys): (Vec<_>, Vec<_>) = askable
        .map(|(param, name)| {
            let ty = &param.ty;
            (quote!(#name: #ty), Key::new(ty).borrow(&quote!(#name), &krate))
        })
        .unzip();
    let result = func.result().filter(|ty| {
        check::borrowed(ty).is_none() && check::unnamed(ty).is_none() && !matches!(ty, syn::Type::Never(_))
    });
    let result = result.map(|ty| remembered(ty, &krate));
    let (generics, _, where_clause) = func.sig.generics.split_for_impl();
    let cfg = func.attrs.iter().filter(|attr| attr.path().is_ident("cfg"));
    quote! {
        #item
        #(#cfg)*
        const _: () = {
            fn __probe #generics (#(#params),*) #where_clause {
                use #krate::__private::choices::*;
                #( let _ = #keys; )*
                #result
            }
        };
    }
}

/// Asks of a result's type what remembering it takes.
fn remembered(ty: &syn::Type, krate: &TokenStream) -> TokenStream {
    let span = types::first_token(ty);
    let ty = types::with_static(ty);
    let kept = quote_spanned! { span=> #krate::__private::kept!(#ty) };
    quote_spanned! { span=> #krate::__private::remembered::<#kept>(); }
}

use quote::ToTokens;
