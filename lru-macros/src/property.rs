//! `#[cached_property(self.area)]`: a method whose value is kept in a lazy field of the object.
//!
//! ```text
//! In:   #[cached_property(self.area)] fn area(&self) -> &f64 { self.width * self.height }
//!
//! Out:  fn area(&self) -> &f64 {                                          (paths shortened)
//!           property(&self.area, || { self.width * self.height })
//!       }
//! ```
//!
//! What is kept is told by the return type as written: the value behind a reference, the `Ok` of a `Result`, and
//! otherwise the whole, of which a call returns a clone. The type of the field has the last word.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Expr, ExprLit, FnArg, Lit, Path, PathSegment, ReceiverKind, Token, Type, parse_quote};

use crate::args::ungrouped;
use crate::body;
use crate::errors::Errors;
use crate::lifetimes;
use crate::model::Krate;
use crate::signature::Func;
use crate::type_tokens::{arguments, bare, first_span, impl_trait};

/// The name of the attribute.
const NAME: &str = "cached_property";

/// Returns the method.
pub(crate) fn property(args: TokenStream, item: &TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let func = match Func::parse(NAME, item.clone()) {
        Ok(func) => func,
        Err(error) => {
            errors.add(error);
            return errors.with(item);
        }
    };
    let options = Options::parse(args, &func, &mut errors);
    check(&func, &mut errors);
    match options {
        Some(options) if errors.count() == 0 => expand(&options, &func),
        _ => errors.with(&without_body(func)),
    }
}

/// What the attribute is given.
struct Options {
    /// The place of the field.
    field: Expr,
    krate: Krate,
}

impl Options {
    fn parse(tokens: TokenStream, func: &Func, errors: &mut Errors) -> Option<Self> {
        let name = func.sig.ident.unraw();
        let (mut field, mut path) = (None::<Expr>, None::<Path>);
        let parser = |input: ParseStream| {
            while !input.is_empty() {
                if input.peek(Token![crate]) && input.peek2(Token![=]) {
                    input.parse::<Token![crate]>()?;
                    input.parse::<Token![=]>()?;
                    path = Some(input.parse()?);
                } else if input.peek(Ident::peek_any) && input.peek2(Token![=]) && !input.peek2(Token![==]) {
                    return Err(no_option(&input.call(Ident::parse_any)?));
                } else if field.is_some() {
                    return Err(input.error("a cached property is kept in one field; remove this"));
                } else {
                    field = Some(input.parse()?);
                }
                if !input.is_empty() {
                    input.parse::<Token![,]>()?;
                }
            }
            Ok(())
        };
        if let Err(error) = parser.parse2(ungrouped(tokens)) {
            errors.add(error);
            return None;
        }
        if let Some(Expr::Reference(reference)) = &field {
            errors.at(reference.and_token, "a cached property takes the field itself; remove `&`");
            return None;
        }
        let Some(field) = field else {
            let message = format!(
                "`#[{NAME}]` takes the field that keeps the value, a `OnceLock`; write `#[{NAME}(self.{name})]`"
            );
            errors.add(syn::Error::new(Span::call_site(), message));
            return None;
        };
        if !mentions_self(field.to_token_stream()) {
            let spelled = field.to_token_stream();
            let instead = match &field {
                Expr::Path(path) if path.path.get_ident().is_some() => format!("write `self.{spelled}`"),
                Expr::Lit(ExprLit { lit: Lit::Str(name), .. }) if name.parse::<Ident>().is_ok() => {
                    format!("write `self.{}`", name.value())
                }
                _ => format!("write a field, such as `self.{name}`"),
            };
            errors.at(&field, format!("the value of a cached property is kept in the object; {instead}"));
            return None;
        }
        Some(Self { field, krate: Krate::new(path) })
    }
}

fn no_option(name: &Ident) -> syn::Error {
    if ["field", "cell", "cache", "name"].iter().any(|field| name == field) {
        let message = format!("`#[{NAME}]` takes the field alone; remove `{name} =`");
        return syn::Error::new(name.span(), message);
    }
    let message = format!(
        "`#[{NAME}]` has no option `{name}`: the field keeps the value until it is taken; for options write `#[lru_cache(cache = self.field, …)]`"
    );
    syn::Error::new(name.span(), message)
}

fn mentions_self(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == "self",
        TokenTree::Group(group) => mentions_self(group.stream()),
        _ => false,
    })
}

fn check(func: &Func, errors: &mut Errors) {
    let Func { sig, future, .. } = func;
    if let Some(token) = &sig.constness {
        errors.at(token, "a cached property cannot be a `const fn`; remove `const`");
    }
    match func.receiver() {
        None => {
            let message = format!(
                "`#[{NAME}]` can only be used on a method that takes `&self`: a field of the object keeps the value"
            );
            errors.at(&sig.ident, message);
        }
        Some(receiver) => {
            let is_shared = match &receiver.kind {
                ReceiverKind::Reference(_, _, mutability) => mutability.is_none(),
                ReceiverKind::Typed(_, ty) => {
                    !matches!(bare(ty), Type::Reference(reference) if reference.mutability.is_some())
                }
                _ => false,
            };
            if !is_shared {
                errors.at(receiver, "a cached property takes `&self`: the object keeps the value");
            }
        }
    }
    for param in sig.inputs.iter().filter(|input| matches!(input, FnArg::Typed(_))) {
        let message = "a cached property takes `&self` only: it has one value; for a value for each argument write `#[lru_cache(cache = self.field)]`";
        errors.at(param, message);
    }
    if let Some(future) = future {
        let message = "a cached property that computes asynchronously is an `async fn`: the field keeps the value, not a future";
        errors.at(&future.written, message);
        return;
    }
    match func.result() {
        None => errors.at(&sig.ident, "a cached property returns a value; add a return type"),
        Some(ty) => {
            if let Some(ty) = impl_trait(ty) {
                errors.at(
                    ty,
                    "a cached property cannot return an `impl Trait`; write the concrete type instead",
                );
            }
            if let Type::Reference(reference) = bare(ty) {
                if let Some(token) = &reference.mutability {
                    errors.at(token, "a cached property returns a shared reference; remove `mut`");
                }
            }
        }
    }
}

/// Returns the method with an empty body, so that its callers compile. The body computes what the field keeps, which
/// may have another type than the one returned.
fn without_body(mut func: Func) -> TokenStream {
    let is_empty = func.future.is_none() && func.result().is_some_and(|ty| impl_trait(ty).is_none());
    if is_empty {
        func.attrs.push(parse_quote!(#[allow(unused_variables)]));
        func.body = Group::new(Delimiter::Brace, quote! { loop {} });
    }
    func.without_options()
}

fn expand(options: &Options, func: &Func) -> TokenStream {
    let Options { field, krate } = options;
    let Func { attrs, vis, sig, body, .. } = func;
    let (inner, computation) = body::inner_attributes(body.stream());
    let mut block = Group::new(Delimiter::Brace, computation);
    block.set_span(body.span());
    let result: Type = func.result().cloned().unwrap_or_else(|| parse_quote!(()));
    let (is_fallible, is_async) = (last_segment(&result).is_some_and(is_result), sig.asyncness.is_some());
    let (name, typed) = match (is_fallible, is_async) {
        (false, false) => ("property", None),
        (true, false) => ("try_property", None),
        (false, true) => ("property_async", Some("none_for")),
        (true, true) => ("try_property_async", Some("no_result_for")),
    };
    // What is wrong with the field is reported at the field.
    let at_field = Span::call_site().located_at(first_span(field));
    let name = Ident::new(name, at_field);
    let private = krate.at(at_field);
    // The body of a closure is checked against the type of the field, that of an `async` block is not.
    let computation = typed.map_or_else(
        || quote! { || #block },
        |typed| {
            let typed = Ident::new(typed, at_field);
            let typed = quote_spanned! { at_field=> #private::__private::#typed(&#field) };
            quote! {
                async {
                    if let ::core::option::Option::Some(__value) = #typed {
                        return __value;
                    }
                    #block
                }
            }
        },
    );
    let awaited = is_async.then(|| quote_spanned! { at_field=> .await });
    let kept = quote_spanned! { at_field=> #private::__private::#name(&#field, #computation) #awaited };
    let returned = if is_fallible {
        let ok = last_segment(&result).and_then(|last| arguments(last).next());
        // `fmt::Result` has no argument: its value is `()`.
        let returned = ok.map_or_else(|| quote!(*__value), |ok| view(func, ok, krate, &quote!(__value)));
        quote! {
            match #kept {
                ::core::result::Result::Ok(__value) => ::core::result::Result::Ok(#returned),
                ::core::result::Result::Err(__error) => ::core::result::Result::Err(__error),
            }
        }
    } else {
        view(func, &result, krate, &kept)
    };
    let mut new_body = Group::new(Delimiter::Brace, returned);
    new_body.set_span(body.span());
    quote! { #(#attrs)* #inner #vis #sig #new_body }
}

fn is_result(last: &PathSegment) -> bool {
    last.ident == "Result"
}

fn last_segment(ty: &Type) -> Option<&PathSegment> {
    match bare(ty) {
        Type::Path(path) => path.path.segments.last(),
        _ => None,
    }
}

/// Returns what a call returns of the kept value, to which `value` is a reference.
fn view(func: &Func, ty: &Type, krate: &Krate, value: &TokenStream) -> TokenStream {
    if is_in_object(func, ty) {
        return value.clone();
    }
    let at = Span::call_site().located_at(first_span(ty));
    let option = last_segment(ty).filter(|last| last.ident == "Option");
    if option.and_then(|last| arguments(last).next()).is_some_and(|some| is_in_object(func, some)) {
        // A field that keeps no `Option` is reported at the return type.
        return quote_spanned! { at=>
            match #value {
                ::core::option::Option::Some(__some) => ::core::option::Option::Some(__some),
                ::core::option::Option::None => ::core::option::Option::None,
            }
        };
    }
    let krate = krate.at(at);
    quote_spanned! { at=> #krate::__private::by_value::<#ty>(#value) }
}

/// Whether this is a reference to what the object keeps: its lifetime is omitted, or that of `self`.
fn is_in_object(func: &Func, ty: &Type) -> bool {
    let Type::Reference(reference) = bare(ty) else { return false };
    reference.lifetime.as_ref().is_none_or(|lifetime| {
        lifetime.ident == "_" || lifetimes::has_lifetime(func.receiver().to_token_stream(), lifetime)
    })
}
