//! The parameter with `#[previous]`: the body takes it, and the callers do not give it.

use proc_macro2::{Group, Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Attribute, FnArg, GenericArgument, Meta, PatType, PathArguments, Signature, Type};

use crate::{body, type_tokens};

/// The parameter by which the body is given the value that it replaces.
pub(crate) struct Previous {
    /// Its place among the parameters, `self` included.
    place: usize,
    /// The parameter without its attribute.
    pub(crate) written: PatType,
    pub(crate) attr: Attribute,
}

impl Previous {
    /// Takes the first such parameter out of a signature.
    pub(crate) fn take(sig: &mut Signature) -> Option<Self> {
        let place = sig.inputs.iter().position(|input| match input {
            FnArg::Typed(param) => param.attrs.iter().any(is_previous),
            FnArg::Receiver(_) => false,
        })?;
        let (mut taken, mut rest) = (None, Vec::new());
        for (number, pair) in core::mem::take(&mut sig.inputs).into_pairs().enumerate() {
            match pair.into_value() {
                FnArg::Typed(param) if number == place => taken = Some(param),
                input => rest.push(input),
            }
        }
        sig.inputs.extend(rest);
        let mut written = taken?;
        let attr = written.attrs.iter().position(is_previous)?;
        let attr = written.attrs.remove(attr);
        Some(Self { place, written, attr })
    }

    /// The type behind the reference, if the parameter is visibly an `Option<&T>`.
    pub(crate) fn value(&self) -> Option<&Type> {
        let Type::Path(path) = type_tokens::bare(&self.written.ty) else { return None };
        let last = path.path.segments.last().filter(|last| last.ident == "Option")?;
        let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
        match arguments.args.first() {
            Some(GenericArgument::Type(ty)) if arguments.args.len() == 1 => match type_tokens::bare(ty) {
                Type::Reference(reference) if reference.mutability.is_none() => Some(&reference.elem),
                _ => None,
            },
            _ => None,
        }
    }

    /// Puts what stands for the parameter among those of the others.
    pub(crate) fn put(&self, others: &mut Vec<TokenStream>, what: TokenStream) {
        others.insert(self.place.min(others.len()), what);
    }

    /// The value that a call passes: of the variable that holds it. What has another type is reported at the
    /// parameter's.
    pub(crate) fn passed(&self) -> TokenStream {
        let at = Span::call_site().located_at(type_tokens::first_span(&self.written.ty));
        let variable = Ident::new(PREVIOUS, at);
        quote_spanned! { at=> ::core::option::Option::as_ref(&#variable) }
    }

    /// A body that binds the parameter itself, for a function that stays as it was.
    pub(crate) fn bound_in(&self, body: &Group) -> Group {
        let PatType { pat, ty, .. } = &self.written;
        let none = if self.value().is_some() {
            quote! { ::core::option::Option::None }
        } else {
            // A lint would report what follows a plain panic.
            quote! { (|| ::core::panic!())() }
        };
        let (_, rest) = body::inner_attributes(body.stream());
        let length = body.stream().into_iter().count() - rest.clone().into_iter().count();
        let inner: TokenStream = body.stream().into_iter().take(length).collect();
        let binding = quote! { let (#pat,): (#ty,) = (#none,); };
        let mut bound = Group::new(body.delimiter(), quote! { #inner #binding #rest });
        bound.set_span(body.span());
        bound
    }
}

/// The variable that holds the value.
pub(crate) const PREVIOUS: &str = "__previous";

/// Whether an attribute marks the parameter.
pub(crate) fn is_previous(attr: &Attribute) -> bool {
    attr.path().is_ident("previous")
}

/// Whether the attribute has no arguments.
pub(crate) fn is_plain(attr: &Attribute) -> bool {
    matches!(attr.meta, Meta::Path(_))
}
