//! `cache_retain` and `cache_entries`, which show the entries of a function by their types.

use core::slice;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::{Attribute, GenericParam, Generics, Index, Type, parse_quote};

use super::cache;
use crate::model::{Identity, Key, Krate, Model, Named, Place, nested};
use crate::{lifetimes, signature, type_tokens};

/// The name of the parameter of `cache_retain`.
const TEST: &str = "keep_if";

/// Returns `cache_retain`, where the types in an entry can be named.
pub(super) fn retain(model: &Model) -> Option<TokenStream> {
    let shown = Shown::new(model)?;
    let (predicate, body) = (shown.predicate(), shown.retain(model));
    let (name, vis, cfg) =
        (model.defined_accessor("cache_retain"), &model.accessor_vis, model.cfg_of_siblings());
    let lints = shown.lints(model);
    // A test that is called must be `mut`; on one that is passed on, `mut` is unused.
    let mutable = shown.calls_test(model).then(|| quote!(mut));
    let object = model.object().map(|object| quote! { #object, });
    let mut generics = shown.generics(model, &quote! { #object #predicate });
    let bounds = signature::with_bounds(&mut generics, shown.cast.clone());
    // A lint reports an `impl Trait` in public parameters.
    let (test, test_type) = (model.added_parameter(TEST), shown.free_name("KeepIf"));
    generics.params.push(parse_quote! { #test_type: #predicate });
    Some(quote! {
        #(#cfg)*
        #(#lints)*
        /// Removes the entries for which the test of arguments and result returns `false`.
        #vis fn #name #generics (#object #mutable #test: #test_type) #bounds { #body }
    })
}

/// Returns `cache_entries`, where the types in an entry can be named. The types in an object are its own.
pub(super) fn entries(model: &Model) -> Option<TokenStream> {
    let krate = &model.krate;
    let shown = Shown::new(model).filter(|_| matches!(model.place, Place::Static(_)))?;
    let Shown { arguments: Part { owned, cloned, .. }, value, .. } = &shown;
    let returns = quote! { ::std::vec::Vec<#krate::CacheEntry<#owned, #value>> };
    // In a result, unlike in a parameter, lifetimes must be written: except in the type of a function.
    let returned = |ty: TokenStream| {
        if model.may_leave_lifetimes_out() {
            let ty = type_tokens::unlinted(ty);
            quote! { <fn(&'static ()) -> #ty as #krate::__private::Returned>::Type }
        } else {
            ty
        }
    };
    let returns = returned(returns);
    let body = shown.entries(model);
    let (name, vis, cfg) =
        (model.defined_accessor("cache_entries"), &model.accessor_vis, model.cfg_of_siblings());
    let (lints, mut generics) = (shown.lints(model), shown.generics(model, &TokenStream::new()));
    // Primitives are `Clone`.
    let cloned = cloned.iter().chain([value]).filter(|_| model.has_choices()).cloned();
    let cloned = cloned.map(|ty| (returned(ty), quote! { ::core::clone::Clone }));
    let bounds = signature::with_bounds(&mut generics, shown.cast.iter().cloned().chain(cloned));
    Some(quote! {
        #(#cfg)*
        #(#lints)*
        /// Returns copies of all entries: arguments, result and age. Counts nothing.
        #vis fn #name #generics () -> #returns #bounds { #body }
    })
}

/// The entries as these accessors show them: by the types of the cache and, where the cache erases a type, by the type
/// that the function has for it. Entries of other types are not shown.
struct Shown {
    /// Type parameters for types that have no name.
    unnamed: Vec<Ident>,
    /// The types of erased parts, and of an erased result, with their bounds.
    cast: Vec<(TokenStream, TokenStream)>,
    /// The variables, places in the entry and types of the erased parts.
    views: Vec<View>,
    arguments: Part,
    /// The type of the stored result.
    value: TokenStream,
    is_value_erased: bool,
    /// The names in the signature.
    taken: TokenStream,
}

struct View {
    variable: Ident,
    place: TokenStream,
    ty: TokenStream,
}

/// An argument, or all arguments, as they are shown.
struct Part {
    /// The type in its owned form.
    owned: TokenStream,
    /// The type as a test takes it.
    tested: TokenStream,
    /// What a test is passed.
    passed: TokenStream,
    /// A copy.
    copied: TokenStream,
    /// The types that a copy clones.
    cloned: Vec<TokenStream>,
}

impl Part {
    /// A part that the cache itself names.
    fn named(owned: TokenStream, passed: TokenStream) -> Self {
        let copied = quote! { ::core::clone::Clone::clone(#passed) };
        Self { tested: quote! { &#owned }, passed, copied, cloned: vec![owned.clone()], owned }
    }

    fn tuple(parts: &[Self]) -> Self {
        let all = |each: fn(&Self) -> &TokenStream| {
            nested(&parts.iter().map(|part| each(part).clone()).collect::<Vec<_>>())
        };
        Self {
            owned: all(|part| &part.owned),
            tested: all(|part| &part.tested),
            passed: all(|part| &part.passed),
            copied: all(|part| &part.copied),
            cloned: parts.iter().flat_map(|part| part.cloned.clone()).collect(),
        }
    }
}

impl Shown {
    fn new(model: &Model) -> Option<Self> {
        const MOST: usize = 20;
        let Named { arguments, result_policy } = model.named.as_ref()?;
        let (identity, krate) = (&model.key.identity, &model.krate);
        let owned = cache::arguments_type(&arguments.iter().collect::<Vec<_>>(), krate);
        let mut shown = Self {
            unnamed: Vec::new(),
            cast: Vec::new(),
            views: Vec::new(),
            arguments: Part::named(owned, cache::arguments_in_key(model)),
            value: result_policy.stored(krate),
            is_value_erased: result_policy.is_unnamed(),
            taken: model.signature_names(),
        };
        if arguments.iter().any(Key::is_erased) {
            let in_key = match identity {
                Identity::None => quote!(__key),
                Identity::Of { .. } | Identity::Body => quote!(__key.1),
            };
            shown.arguments = match &arguments[..] {
                [one] if !matches!(identity, Identity::None) => shown.part(one, &in_key, krate),
                [one] => shown.part(one, &quote!(#in_key.0), krate),
                several => shown.parts(several, &in_key, krate),
            };
        }
        if shown.is_value_erased {
            let written = Some(&model.result).filter(|ty| is_parameter(ty, model));
            shown.value = shown.type_of(written, "Output");
        }
        // The types of an `impl Trait` argument have no name, by which the instance could be told from others.
        let has_name = match identity {
            Identity::None => true,
            Identity::Of { arguments, .. } => arguments.is_empty(),
            Identity::Body => false,
        };
        (!shown.casts() || (arguments.len() <= MOST && has_name)).then_some(shown)
    }

    /// Whether a type in the entry is erased.
    fn casts(&self) -> bool {
        self.is_value_erased || !self.views.is_empty()
    }

    /// The lints of the user's on the function, whose parameters an accessor has.
    fn lints<'m>(&self, model: &'m Model) -> impl Iterator<Item = &'m Attribute> {
        model.attrs.lints.iter().filter(move |_| self.casts())
    }

    fn parts(&mut self, keys: &[Key], place: &TokenStream, krate: &Krate) -> Part {
        let part = |(number, key)| {
            let index = Index::from(number);
            self.part(key, &quote!(#place.#index), krate)
        };
        let parts: Vec<_> = keys.iter().enumerate().map(part).collect();
        Part::tuple(&parts)
    }

    fn part(&mut self, key: &Key, place: &TokenStream, krate: &Krate) -> Part {
        match key {
            Key::Tuple(keys) => self.parts(keys, place, krate),
            Key::Reference(key) | Key::Pinned(key) => self.part(key, place, krate),
            Key::Erased(_, _, ty) => {
                let ty = self.type_of(ty.as_ref().filter(|ty| is_owned(ty)), "Key");
                let variable = format_ident!("__view{}", self.views.len(), span = Span::mixed_site());
                self.views.push(View { variable: variable.clone(), place: place.clone(), ty: ty.clone() });
                Part::named(ty, quote! { &*#variable })
            }
            Key::Plain(_) | Key::ByType(..) | Key::Made(_) => {
                Part::named(key.stored(krate), quote! { &#place })
            }
        }
    }

    /// The type of what is erased: the one that is written, or a parameter of the accessor.
    fn type_of(&mut self, written: Option<&Type>, name: &str) -> TokenStream {
        let ty = written.map_or_else(
            || {
                let number = self.unnamed.len() + 1;
                let name = self.free_name(&format!("{name}{number}"));
                self.unnamed.push(name.clone());
                name.into_token_stream()
            },
            |written| type_tokens::unlinted(written.to_token_stream()),
        );
        self.cast.push((ty.clone(), quote! { ::core::marker::Sized + 'static }));
        ty
    }

    /// A name of a type parameter that no type in the entry has, nor a parameter of the function.
    fn free_name(&self, name: &str) -> Ident {
        let Self { arguments: Part { owned, .. }, value, taken, .. } = self;
        let name = Ident::new(name, Span::call_site());
        let is_taken = type_tokens::mentions(quote! { #owned #value #taken }, slice::from_ref(&name));
        if is_taken { format_ident!("__{name}") } else { name }
    }

    /// The bound of a test of arguments and result.
    fn predicate(&self) -> TokenStream {
        let Self { arguments: Part { tested, .. }, value, .. } = self;
        quote! { ::core::ops::FnMut(#tested, &#value) -> ::core::primitive::bool }
    }

    /// The parameters of an accessor, of which this is the rest of the signature.
    fn generics(&self, model: &Model, signature: &TokenStream) -> Generics {
        let mut generics = if self.casts() { model.generics.clone() } else { model.generics_of_retain() };
        let Self { arguments: Part { owned, .. }, value, .. } = self;
        let signature = quote! { #signature #owned #value };
        generics = lifetimes::without_unused(&generics, &signature);
        let unnamed = self.unnamed.iter().map(|name| -> GenericParam { parse_quote!(#name) });
        generics.params.extend(unnamed);
        generics
    }

    /// The variables of the views, and the views, each of which is `None` in an entry of other types.
    fn views(&self, krate: &Krate) -> (Vec<&Ident>, Vec<TokenStream>) {
        let views = self.views.iter().map(|View { variable, place, ty }| {
            (variable, quote! { #krate::__private::Erased::view::<#ty>(&#place) })
        });
        views.unzip()
    }

    /// The body of `cache_retain`.
    fn retain(&self, model: &Model) -> TokenStream {
        let Self { arguments: Part { owned, passed, .. }, value, .. } = self;
        let krate = &model.krate;
        let (handle, test) = (cache::handle(model, &quote!(Self)), model.added_parameter(TEST));
        match &model.place {
            Place::Object(object) => {
                let (plain, function) = (cache::handle_of(object, krate), cache::function_in_object(model));
                let apart = model.taken_apart(None);
                quote! {
                    use #krate::__private::choices::*;
                    #(#apart)*
                    #handle.retain_tested(
                        #krate::__private::tested::<#owned, #value, _, _, _>(|| #plain, #function, #test)
                            .__fit(),
                    );
                }
            }
            Place::Static(_) if !self.calls_test(model) => quote! { #handle.retain(#test); },
            Place::Static(_) if !self.casts() => {
                quote! { #handle.retain(|__key, __value| #test(#passed, __value)); }
            }
            Place::Static(_) => {
                let is_of_instance = is_of_instance(model, &quote!(true));
                let ((variables, views), result) = (self.views(krate), self.result(krate));
                quote! {
                    #handle.retain(|__key, __value| {
                        #is_of_instance
                        #(let ::core::option::Option::Some(#variables) = #views else { return true };)*
                        let ::core::option::Option::Some(__view) = #result else { return true };
                        #test(#passed, &*__view)
                    });
                }
            }
        }
    }

    /// The result in an entry, if it has the type that is shown.
    fn result(&self, krate: &Krate) -> TokenStream {
        let value = &self.value;
        if self.is_value_erased {
            quote! { #krate::__private::ErasedResult::view::<#value>(__value) }
        } else {
            quote! { ::core::option::Option::Some(#krate::__private::Viewed::Stored(__value)) }
        }
    }

    /// Whether the body of `cache_retain` calls the test, rather than passing it on.
    fn calls_test(&self, model: &Model) -> bool {
        matches!(model.place, Place::Static(_)) && (self.casts() || !arguments_are_key(model))
    }

    /// The body of `cache_entries`.
    fn entries(&self, model: &Model) -> TokenStream {
        let Part { passed, copied, .. } = &self.arguments;
        let krate = &model.krate;
        let handle = cache::handle(model, &quote!(Self));
        if !self.casts() {
            return quote! { #handle.entries(|__key| #passed) };
        }
        let is_of_instance = is_of_instance(model, &quote!(::core::option::Option::None));
        let ((variables, views), result) = (self.views(krate), self.result(krate));
        quote! {
            #handle.entries_viewed(
                |__key| {
                    #is_of_instance
                    #(let #variables = #views?;)*
                    ::core::option::Option::Some(#copied)
                },
                |__value| #result,
            )
        }
    }
}

/// A statement by which an entry of another instance leaves with `otherwise`.
fn is_of_instance(model: &Model, otherwise: &TokenStream) -> Option<TokenStream> {
    let function = model.accessor("__identity");
    let identity = model.key.identity.expression(&quote!(Self::#function), &model.krate)?;
    Some(quote! {
        if __key.0 != *#identity {
            return #otherwise;
        }
    })
}

/// Whether a type is its own owned form, as far as its spelling tells: it contains no reference, lifetime, `str`,
/// slice or `impl Trait`.
fn is_owned(ty: &Type) -> bool {
    let mut borrows = |ty: &Type| {
        matches!(ty, Type::Reference(_) | Type::Slice(_) | Type::ImplTrait(_) | Type::TraitObject(_))
            || type_tokens::primitive(ty) == Some("str")
    };
    type_tokens::find(ty, &mut borrows).is_none() && !lifetimes::has_lifetimes(ty)
}

/// Whether a type is a type parameter, or `Self`: as a result, that is a plain value.
fn is_parameter(ty: &Type, model: &Model) -> bool {
    let Type::Path(path) = type_tokens::bare(ty) else { return false };
    let names = model.generics.type_params().map(|param| &param.ident);
    path.path.is_ident("Self") || names.into_iter().any(|name| path.path.is_ident(name))
}

/// Whether the arguments, as a test takes them, are the key itself.
fn arguments_are_key(model: &Model) -> bool {
    matches!(model.key.identity, Identity::None) && model.key.parts.len() != 1
}
