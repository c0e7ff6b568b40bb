//! `#[invalidates(…)]`: what a function invalidates by the change that it makes.
//!
//! ```text
//! In:   #[invalidates(user(id), tag("team", team))] fn rename(id: u32, team: u8) -> Result<(), Error> { body }
//!
//! Out:  fn rename(id: u32, team: u8) -> Result<(), Error> {                          (paths shortened)
//!           let __invalidation = Invalidation::new((
//!               invalidated(in_reach(user::__invalidation(id))), invalidated(in_reach(tag("team", team)))));
//!           let __result = call_once(move || -> Result<(), Error> { body });
//!           let __has_succeeded = (&ReturnedByChange(&__result)).__has_succeeded();
//!           __invalidation.settle(__has_succeeded);
//!           __result
//!       }
//!
//! Of an `async fn`, both are awaited. The accessor has another name, which rustc shows where there is none.
//! ```

use core::mem;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{
    Expr, ExprCall, ExprMethodCall, ExprPath, ItemFn, Path, PathArguments, ReturnType, Token, Type,
    TypeParamBound, parse_quote,
};

use crate::errors::Errors;
use crate::model::INVALIDATION;
use crate::type_tokens;

/// What is invalidated, and the path of the library.
struct Changes {
    krate: Path,
    changes: Punctuated<Expr, Token![,]>,
}

impl Parse for Changes {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        let mut krate = parse_quote!(::functools);
        if input.peek(Token![crate]) && input.peek2(Token![=]) {
            input.parse::<Token![crate]>()?;
            input.parse::<Token![=]>()?;
            krate = input.call(Path::parse_mod_style)?;
            input.parse::<Option<Token![,]>>()?;
        }
        Ok(Self { krate, changes: Punctuated::parse_terminated(input)? })
    }
}

/// Expands the attribute. A mistaken function stays as it is.
pub(crate) fn invalidates(args: TokenStream, item: &TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let expanded = if let Ok(function) = syn::parse2(item.clone()) {
        expanded(args, &function, &mut errors)
    } else {
        errors.at(item, "`#[invalidates(…)]` is written on a function with a body, which makes a change");
        None
    };
    errors.with(&expanded.unwrap_or_else(|| item.clone()))
}

fn expanded(args: TokenStream, function: &ItemFn, errors: &mut Errors) -> Option<TokenStream> {
    let Changes { krate, changes } = match syn::parse2(args) {
        Ok(changes) => changes,
        Err(error) => {
            errors.add(error);
            return None;
        }
    };
    if changes.is_empty() {
        let message = "`#[invalidates(…)]` names what is invalidated; write `#[invalidates(user(id))]` or `#[invalidates(tag(\"user\", id))]`";
        errors.at(&function.sig.ident, message);
    }
    if let ReturnType::Type(_, ty) = &function.sig.output {
        if function.sig.asyncness.is_none() && type_tokens::impl_trait(ty).is_some_and(is_future) {
            let message = "the change is made when the future is awaited; write an `async fn`";
            errors.at(ty, message);
        }
    }
    let is_async = function.sig.asyncness.is_some();
    let mut made = Vec::new();
    for change in &changes {
        match invalidation(change) {
            Ok(invalidation) => {
                // What cannot be invalidated is reported at the change.
                let span = Span::call_site().located_at(type_tokens::first_span(change));
                let krate = type_tokens::located_at(krate.to_token_stream(), span);
                let in_reach = Ident::new(if is_async { "in_reach_awaited" } else { "in_reach" }, span);
                made.push(quote_spanned! { span=>
                    #krate::__private::invalidated(#krate::__private::#in_reach(#invalidation))
                });
            }
            Err(message) => errors.at(change, message),
        }
    }
    if errors.count() > 0 {
        return None;
    }
    let made = made.into_iter().rev().reduce(|all, one| quote! { (#one, #all) })?;
    let ItemFn { attrs, vis, sig, block, .. } = function;
    let result = match &sig.output {
        ReturnType::Default => quote! { () },
        ReturnType::Type(_, ty) => ty.to_token_stream(),
    };
    let is_named = !matches!(&sig.output, ReturnType::Type(_, ty) if type_tokens::impl_trait(ty).is_some());
    let body = if sig.asyncness.is_some() {
        let early = is_named.then(|| {
            quote! {
                if let ::core::option::Option::Some(__result) = ::core::option::Option::None::<#result> {
                    return __result;
                }
            }
        });
        quote! { async move { #early #block }.await }
    } else {
        let returns = is_named.then(|| quote! { -> #result });
        let body = if is_named {
            block.to_token_stream()
        } else {
            quote! { { #block } }
        };
        quote! { #krate::__private::call_once(move || #returns #body) }
    };
    let settle = if is_async {
        quote! { settle_awaited(__has_succeeded).await }
    } else {
        quote! { settle(__has_succeeded) }
    };
    Some(quote! {
        #(#attrs)* #vis #sig {
            let __invalidation = #krate::__private::Invalidation::new(#made);
            let __result = #body;
            let __has_succeeded = {
                use #krate::__private::choices::*;
                (&#krate::__private::ReturnedByChange(&__result)).__has_succeeded()
            };
            __invalidation.#settle;
            __result
        }
    })
}

/// Whether bounds are those of a future.
fn is_future(ty: &Type) -> bool {
    let Type::ImplTrait(ty) = ty else { return false };
    ty.bounds.iter().any(|bound| {
        matches!(bound, TypeParamBound::Trait(bound) if bound.path.segments.last().is_some_and(|last| last.ident == "Future"))
    })
}

/// Returns the owned invalidation of a call: of a memoized function or method, or of a tag.
fn invalidation(change: &Expr) -> Result<TokenStream, &'static str> {
    const WHAT: &str = "`invalidates` takes calls of memoized functions, and tags, such as `user(id)`, `self.price(id)` or `tag(\"user\", id)`";
    match change {
        Expr::Call(ExprCall { func, args, .. }) => {
            let Expr::Path(path) = &**func else { return Err(WHAT) };
            let Some(last) = path.path.segments.last() else { return Err(WHAT) };
            if last.ident == "tag" {
                return Ok(change.to_token_stream());
            }
            if is_accessor(&last.ident) {
                return Err(
                    "`invalidates` takes the call of the function itself; write `user(id)` instead of `user::cache_invalidate(id)`",
                );
            }
            let accessor = accessor(path, &last.ident);
            Ok(quote! { #accessor(#args) })
        }
        Expr::MethodCall(ExprMethodCall { receiver, method, args, .. }) if !is_accessor(method) => {
            let accessor = of_method(method);
            Ok(quote! { #receiver.#accessor(#args) })
        }
        _ => Err(WHAT),
    }
}

fn is_accessor(name: &Ident) -> bool {
    name.to_string().contains("cache_invalidate")
}

/// The accessor of a method.
fn of_method(method: &Ident) -> Ident {
    let name = INVALIDATION.trim_start_matches('_');
    format_ident!("__{method}_{name}", span = Span::call_site().located_at(method.span()))
}

/// The path of the accessor: beside a method, or on the companion of a function. A segment before the last one that begins
/// with a capital letter is a type.
fn accessor(path: &ExprPath, function: &Ident) -> TokenStream {
    let segments = &path.path.segments;
    let before = segments.iter().rev().nth(1).map(|segment| segment.ident.to_string());
    let is_method =
        path.qself.is_some() || before.is_some_and(|before| before.starts_with(char::is_uppercase));
    let mut path = path.clone();
    if is_method {
        if let Some(last) = path.path.segments.last_mut() {
            last.ident = of_method(function);
        }
        return path.to_token_stream();
    }
    // `half::<f64>(x)` is invalidated by `half::accessor::<f64>(x)`.
    let arguments =
        path.path.segments.last_mut().map(|last| mem::replace(&mut last.arguments, PathArguments::None));
    let name = Ident::new(INVALIDATION, Span::call_site().located_at(function.span()));
    quote! { #path::#name #arguments }
}
