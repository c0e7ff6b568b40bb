//! The argument that holds the cache object.

use core::slice;

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{GenericParam, Generics, Type};

use super::Model;
use super::option_functions::is_reference;
use super::params::Param;
use crate::type_tokens;

impl Model {
    /// The parameter that holds the cache, if one does. Accessors without arguments take it alone.
    pub(crate) fn object(&self) -> Option<TokenStream> {
        let holder = self.holder.as_ref()?;
        if let Some(receiver) = self.receiver.as_ref().filter(|_| holder == "self") {
            let this = &receiver.self_token;
            return Some(quote! { &#this });
        }
        self.params.iter().find(|param| self.holds_the_cache(param)).map(Param::input)
    }

    /// The generic parameters that are part of the holder's type.
    pub(crate) fn object_generics(&self) -> Option<Generics> {
        let holder = self.params.iter().find(|param| self.holds_the_cache(param))?;
        Some(self.generics_where(|param| is_mentioned(param, &holder.ty)))
    }

    /// The generic parameters that `cache_retain` may need: those of the holder's type, and the lifetimes of a
    /// result in it.
    pub(crate) fn generics_of_retain(&self) -> Generics {
        let holder = self.params.iter().find(|param| self.holds_the_cache(param));
        self.generics_where(|param| {
            matches!(param, GenericParam::Lifetime(_))
                || holder.is_some_and(|holder| is_mentioned(param, &holder.ty))
        })
    }

    fn generics_where(&self, is_one: impl Fn(&GenericParam) -> bool) -> Generics {
        let params = self.generics.params.iter().filter(|param| is_one(param)).cloned().collect();
        Generics { params, where_clause: None, ..self.generics.clone() }
    }

    /// The arguments, `self` included, as a call passes them to the body. What holds the cache stays with the
    /// call: a body that takes it by value gets another one.
    pub(crate) fn passed(&self) -> Vec<TokenStream> {
        let pass = |(ty, name): (Type, TokenStream)| {
            if self.is_moved_holder(&ty, &name) { self.of_holder("another", &ty, &name) } else { name }
        };
        self.typed_arguments().into_iter().map(pass).collect()
    }

    /// The name of the argument that holds the cache, and the expression of another one for a body in place.
    /// For `self` it asks whether the method can take its own: no other variable can be the body's `self`.
    pub(crate) fn moved_holder(&self) -> Option<(TokenStream, TokenStream)> {
        let mut arguments = self.typed_arguments().into_iter();
        let (ty, name) = arguments.find(|(ty, name)| self.is_moved_holder(ty, name))?;
        let function = if name.to_string() == "self" { "copied" } else { "another" };
        let another = self.of_holder(function, &ty, &name);
        Some((name, another))
    }

    /// Whether the argument holds the cache, and its type is visibly no reference.
    fn is_moved_holder(&self, ty: &Type, name: &TokenStream) -> bool {
        let is_holder = self.holder.as_ref().is_some_and(|holder| *holder == name.to_string());
        is_holder && !is_reference(ty) && type_tokens::pinned(ty).is_none()
    }

    /// The call of a function of the library, underlined at the type.
    fn of_holder(&self, function: &str, ty: &Type, name: &TokenStream) -> TokenStream {
        let span = type_tokens::first_span(ty);
        let (krate, function) = (self.krate.at(span), Ident::new(function, span));
        let name = type_tokens::located_at(name.clone(), span);
        quote_spanned! { span=> #krate::__private::#function(&#name) }
    }
}

/// Whether a parameter is part of a type.
fn is_mentioned(param: &GenericParam, ty: &Type) -> bool {
    let name = match param {
        GenericParam::Type(param) => &param.ident,
        GenericParam::Const(param) => &param.ident,
        GenericParam::Lifetime(param) => &param.lifetime.ident,
    };
    type_tokens::mentions(ty.to_token_stream(), slice::from_ref(name))
}
