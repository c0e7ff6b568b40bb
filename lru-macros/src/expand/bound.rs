//! `maxsize` as a const argument of a cache's type.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::Expr;

use crate::args::MaxSize;
use crate::model::Krate;
use crate::type_tokens;

/// The bound, as a const argument.
pub(super) fn bound(maxsize: Option<&MaxSize>, krate: &Krate) -> TokenStream {
    let literal = |number: i128| proc_macro2::Literal::i128_unsuffixed(number.max(0)).into_token_stream();
    match maxsize {
        // At run time, the bound is set before the first use.
        None | Some(MaxSize::AtRunTime(_) | MaxSize::Auto(_)) => literal(MaxSize::DEFAULT),
        Some(MaxSize::None) => quote! { { #krate::__private::UNBOUNDED } },
        Some(MaxSize::Literal(number)) => literal(*number),
        Some(MaxSize::Expression(expr)) => {
            let number = number(expr, krate);
            quote! { { #number } }
        }
    }
}

/// The `static` of a cache of this type whose bound is known at run time only, or the thread-local.
pub(super) fn item_at_run_time(
    maxsize: &MaxSize,
    function: &str,
    (memo, arguments): (&TokenStream, &TokenStream),
    is_per_thread: bool,
    krate: &Krate,
) -> TokenStream {
    let size = maxsize.expression().map(|expr| {
        let span = type_tokens::first_span(expr);
        let at = krate.at(span);
        let function = if matches!(maxsize, MaxSize::Auto(_)) { "run_time_bounds" } else { "run_time_size" };
        let function = Ident::new(function, span);
        quote_spanned! { span=> #at::__private::#function(#expr) }
    });
    if is_per_thread {
        return quote! {
            static __SIZE: #krate::__private::SizeAtRunTime =
                #krate::__private::SizeAtRunTime::new(#function, || #size);
            #krate::__private::thread_local! {
                static __MEMO: #memo<#arguments> = #memo::sized(__SIZE.get());
            }
        };
    }
    quote! {
        static __MEMO: #krate::__private::SizedAtRunTime<#memo<#arguments>> =
            #krate::__private::SizedAtRunTime::new(
                #krate::__private::StaticCache::new(),
                #function,
                || #size,
            );
    }
}

/// A reference to the cache in a `static`.
pub(super) fn reference(maxsize: Option<&MaxSize>) -> TokenStream {
    if maxsize.is_some_and(MaxSize::is_at_run_time) {
        quote! { &*__MEMO }
    } else {
        quote! { &__MEMO }
    }
}

/// The value of a constant of any integer type.
pub(super) fn number(expr: &Expr, krate: &Krate) -> TokenStream {
    let span = type_tokens::first_span(expr);
    let krate = krate.at(span);
    let integer = quote_spanned! { span=> #krate::__private::integer(#expr) };
    quote! {
        #krate::__private::bound(
            #integer as ::core::primitive::i128,
            #integer as ::core::primitive::f64,
        )
    }
}
