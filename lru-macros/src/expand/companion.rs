//! The companion type: an uninhabited type of the function's name, with everything that can be
//! asked of the cache.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;

use super::call::{key, run};
use super::remembered;
use crate::args::MaxSize;
use crate::attrs::Attrs;
use crate::model::{Model, Outcome, Param, nested};
use crate::types;

pub(super) fn companion(model: &Model) -> TokenStream {
    let Model { attrs, companion_vis: vis, name, handle, .. } = model;
    let Attrs { cfg, hidden, .. } = attrs;
    let doc = format!(" What can be asked of the cache of the function `{name}`.");
    let memo = memo(model);
    let wrapped = wrapped(model);
    let accessors = accessors(model);
    quote! {
        #(#cfg)*
        #[doc = #doc]
        #(#hidden)*
        #vis enum #handle {}
        #(#cfg)*
        impl #handle {
            #memo
            #wrapped
            #accessors
        }
    }
}

/// The companion of a function that can't be cached, for those who ask it.
pub(super) fn stubs(model: &Model, has_value: bool) -> TokenStream {
    let Model { attrs, companion_vis: vis, safety, handle, generics, params, result, krate, .. } = model;
    let (cfg, where_clause) = (&attrs.cfg, &generics.where_clause);
    let inputs: Vec<_> = params.iter().map(Param::input).collect();
    let of_values = has_value.then(|| {
        quote! {
            #vis #safety fn wrapped #generics (#(#inputs),*) -> #result #where_clause { loop {} }
            #vis #safety fn cache_refresh #generics (#(#inputs),*) -> #result #where_clause { loop {} }
            #vis fn cache_peek #generics (#(#inputs),*) -> ::core::option::Option<#result> #where_clause { loop {} }
            #vis fn cache_put #generics (#(#inputs,)* __value: #result) #where_clause {}
        }
    });
    quote! {
        #(#cfg)*
        #[doc(hidden)]
        #vis enum #handle {}
        #(#cfg)*
        #[doc(hidden)]
        impl #handle {
            #vis fn cache_info() -> #krate::CacheInfo { loop {} }
            #vis fn cache_clear() {}
            #vis fn cache_parameters() -> #krate::CacheParameters { loop {} }
            #vis fn cache_contains #generics (#(#inputs),*) -> ::core::primitive::bool #where_clause { loop {} }
            #vis fn cache_invalidate #generics (#(#inputs),*) -> ::core::primitive::bool #where_clause { loop {} }
            #of_values
        }
    }
}

/// The cache itself.
fn memo(model: &Model) -> TokenStream {
    let Model { params, result, outcome, krate, typed, .. } = model;
    let key: Vec<_> = params.iter().map(|param| param.key.stored(krate)).collect();
    let key = nested(&key);
    let (outcome, question) = match outcome {
        Outcome::Plain => (quote! { #krate::__private::Plain<#result> }, None),
        Outcome::ByType => {
            let ty = types::with_static(result);
            (quote! { #krate::__private::outcome!(#ty) }, Some(remembered(result, krate)))
        }
    };
    let maxsize = maxsize(model);
    let memo = quote! { #krate::__private::Memo<#key, #outcome, #maxsize> };
    // A lifetime for those that the user left out, as in `Cow<str>`: a return type has none by itself.
    let (lifetime, lint) = if model.may_leave_lifetimes_out() {
        (quote! { _: &'static () }, quote! { #[allow(unknown_lints, mismatched_lifetime_syntaxes)] })
    } else {
        (TokenStream::new(), TokenStream::new())
    };
    quote! {
        #lint
        fn __memo(#lifetime) -> &'static #memo {
            #question
            static __MEMO: #memo = #krate::__private::Memo::new(#typed);
            &__MEMO
        }
    }
}

/// The bound, as an argument of a type.
fn maxsize(model: &Model) -> TokenStream {
    let krate = &model.krate;
    match &model.maxsize {
        MaxSize::None => quote! { { #krate::__private::UNBOUNDED } },
        MaxSize::Literal(number) => {
            proc_macro2::Literal::i128_unsuffixed((*number).max(0)).into_token_stream()
        }
        MaxSize::Expression(expr) => {
            let span = types::first_span(expr);
            let krate = krate.at(span);
            let integer = quote_spanned! { span=> #krate::__private::integer(#expr) };
            quote! {
                { #krate::__private::bound(
                    #integer as ::core::primitive::i128,
                    #integer as ::core::primitive::f64,
                ) }
            }
        }
    }
}

/// The body. Where it has decorators they see it under the function's own name: an associated
/// function of that name hides nothing from the body.
fn wrapped(model: &Model) -> TokenStream {
    let Model { attrs, companion_vis: vis, safety, name, generics, params, result, body, .. } = model;
    let where_clause = &generics.where_clause;
    let Attrs { lints, body_lints, both, decorators, .. } = attrs;
    let written = params.iter().map(|param| &param.written);
    let doc = " Runs the function itself, past the cache: nothing is counted, nothing is stored.";
    let plain_name = name.unraw();
    let is_accessor = ACCESSORS.iter().any(|accessor| plain_name == accessor);
    if decorators.is_empty() || is_accessor {
        return quote! {
            #[doc = #doc]
            #(#both)* #(#lints)* #(#body_lints)* #(#decorators)*
            #vis #safety fn wrapped #generics (#(#written),*) -> #result #where_clause #body
        };
    }
    let inputs = params.iter().map(Param::input);
    let call = run(model, &quote!(Self::#name));
    quote! {
        #[doc = #doc]
        #(#both)* #(#lints)*
        #vis #safety fn wrapped #generics (#(#inputs),*) -> #result #where_clause { #call }
        #(#both)* #(#lints)* #(#body_lints)* #(#decorators)*
        #safety fn #name #generics (#(#written),*) -> #result #where_clause #body
    }
}

const ACCESSORS: [&str; 9] = [
    "wrapped",
    "cache_info",
    "cache_clear",
    "cache_parameters",
    "cache_contains",
    "cache_peek",
    "cache_put",
    "cache_invalidate",
    "cache_refresh",
];

fn accessors(model: &Model) -> TokenStream {
    let Model { attrs, companion_vis: vis, safety, generics, params, result, krate, .. } = model;
    let where_clause = &generics.where_clause;
    let (lints, both) = (&attrs.lints, &attrs.both);
    let inputs: Vec<_> = params.iter().map(Param::input).collect();
    let key = key(model);
    let memo = model.memo(&quote!(Self));
    let compute = run(model, &quote!(Self::wrapped));
    // One parameter more than the user chose to have.
    let one_more = (params.len() >= 7).then(|| quote! { #[allow(clippy::too_many_arguments)] });
    quote! {
        /// Hits, misses, bound and number of entries, read together.
        #vis fn cache_info() -> #krate::CacheInfo {
            #memo.info()
        }

        /// Empties the cache and sets the counters to zero.
        #vis fn cache_clear() {
            #memo.clear();
        }

        /// The options the function was memoized with.
        #vis fn cache_parameters() -> #krate::CacheParameters {
            #memo.parameters()
        }

        /// Whether a result is remembered for these arguments. Counts nothing, moves nothing.
        #(#lints)*
        #vis fn cache_contains #generics (#(#inputs),*) -> ::core::primitive::bool #where_clause {
            #memo.contains(#key)
        }

        /// The result remembered for these arguments. Counts nothing, moves nothing.
        #(#lints)*
        #vis fn cache_peek #generics (#(#inputs),*) -> ::core::option::Option<#result> #where_clause {
            #memo.peek(#key)
        }

        /// Stores a result for these arguments, as if it had been computed. Counts nothing.
        #(#lints)* #one_more
        #vis fn cache_put #generics (#(#inputs,)* __value: #result) #where_clause {
            #memo.put(#key, __value);
        }

        /// Removes the result for these arguments, and says whether there was one.
        #(#lints)*
        #vis fn cache_invalidate #generics (#(#inputs),*) -> ::core::primitive::bool #where_clause {
            #memo.invalidate(#key)
        }

        /// Computes the result anew, stores it in place of the old one, and returns it. Counts a miss.
        #(#both)* #(#lints)*
        #vis #safety fn cache_refresh #generics (#(#inputs),*) -> #result #where_clause {
            let __miss = #memo.refresh(#key);
            __miss.keep(#compute)
        }
    }
}
