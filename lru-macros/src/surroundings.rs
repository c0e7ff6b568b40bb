//! The `impl` with `#[memoize]` around a function, as far as the function's expansion depends on it.

use core::slice;

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::punctuated::Punctuated;
use syn::{
    Expr, FnArg, GenericParam, Generics, Path, ReturnType, Signature, Token, Type, TypeParamBound,
    Visibility, WherePredicate, parse_quote,
};

use crate::lifetimes;
use crate::type_tokens;

/// The `impl` around a function.
pub(crate) struct Surroundings {
    pub(crate) self_type: Type,
    /// The trait that is implemented, where one is.
    pub(crate) trait_path: Option<Path>,
    /// The visibility of the accessors; `None` is that of the function.
    pub(crate) accessor_vis: Option<Visibility>,
    /// The parameters of an `impl` beside it that has the accessors: those that the type has.
    pub(crate) generics: Generics,
    /// The other parameters: each accessor has them itself.
    pub(crate) of_accessors: Generics,
    /// The types that the `impl` gives the trait; of one with parameters, the name alone.
    pub(crate) associated: Vec<(Ident, Option<Type>)>,
}

impl Surroundings {
    pub(crate) fn new(
        generics: Generics,
        trait_path: Option<Path>,
        self_type: Type,
        accessor_vis: Option<Visibility>,
        associated: Vec<(Ident, Option<Type>)>,
    ) -> Self {
        // The accessors of an inherent `impl` are in it.
        let (generics, of_accessors) = match trait_path {
            Some(_) => divided(generics, &self_type),
            None => (generics, Generics::default()),
        };
        Self { self_type, trait_path, accessor_vis, generics, of_accessors, associated }
    }

    /// The names that no item beside the function can use: `Self`, and the parameters of the `impl`.
    pub(crate) fn names(&self) -> Vec<Ident> {
        let params = self.generics.params.iter().chain(&self.of_accessors.params);
        let names = params.filter_map(|param| match param {
            GenericParam::Type(param) => Some(param.ident.clone()),
            GenericParam::Const(param) => Some(param.ident.clone()),
            GenericParam::Lifetime(_) => None,
        });
        names.chain([Ident::new("Self", Span::call_site())]).collect()
    }

    /// Whether the `impl` has type or const parameters: then it is one of many.
    pub(crate) fn is_generic(&self) -> bool {
        self.names().len() > 1
    }

    /// Whether the trait has no parameters but those of the type.
    pub(crate) fn trait_without_others(&self) -> bool {
        let others: Vec<_> = self.of_accessors.params.iter().map(|param| name_of(param).clone()).collect();
        !type_tokens::mentions(self.trait_path.to_token_stream(), &others)
    }

    /// Whether a type is a parameter of the `impl` itself.
    pub(crate) fn is_param(&self, ty: &Type) -> bool {
        let Type::Path(path) = type_tokens::bare(ty) else { return false };
        path.path.get_ident().is_some_and(|name| self.names().contains(name))
    }

    /// The expression as an item beside the function has it: with the type instead of `Self`.
    pub(crate) fn in_items(&self, expr: &Expr) -> Expr {
        if self.is_generic() {
            return expr.clone();
        }
        let ty = lifetimes::with_static(&self.self_type).into_token_stream();
        let instead = Instead { alone: Some(&ty), in_paths: Some(&ty), associated: &[] };
        syn::parse2(instead.written(expr.to_token_stream())).unwrap_or_else(|_| expr.clone())
    }

    /// Writes the types that `Self` and `Self::Item` stand for into a signature: an item can name these.
    pub(crate) fn resolve(&self, sig: &mut Signature) {
        let params = sig.inputs.iter_mut().filter_map(|input| match input {
            FnArg::Typed(param) => Some(&mut param.ty),
            FnArg::Receiver(_) => None,
        });
        let result = match &mut sig.output {
            ReturnType::Type(_, ty) => Some(ty),
            ReturnType::Default => None,
        };
        for ty in params.chain(result) {
            **ty = self.resolved(ty);
        }
    }

    fn resolved(&self, ty: &Type) -> Type {
        // An omitted lifetime would be another one in a signature.
        let omits_lifetime = lifetimes::omits_lifetime(&self.self_type);
        let this = (!omits_lifetime).then(|| self.self_type.to_token_stream());
        let mut tokens = ty.to_token_stream();
        // A type of the `impl` may name others.
        for _ in &self.associated {
            tokens = Instead { associated: &self.associated, ..Instead::default() }.written(tokens);
        }
        let instead = Instead { alone: this.as_ref(), ..Instead::default() };
        syn::parse2(instead.written(tokens)).unwrap_or_else(|_| ty.clone())
    }

    /// The parameters of a function's accessors: those of the `impl` that its type does not have, and its own.
    pub(crate) fn with_those_of(&self, own: &Generics) -> Generics {
        let params = self.of_accessors.params.iter().chain(&own.params).map(unlinted);
        let (lifetimes, others): (Vec<_>, Vec<_>) =
            params.partition(|param| matches!(param, GenericParam::Lifetime(_)));
        let predicates = [&self.of_accessors.where_clause, &own.where_clause];
        let predicates: Vec<_> =
            predicates.into_iter().flatten().flat_map(|clause| clause.predicates.iter().cloned()).collect();
        generics(lifetimes.into_iter().chain(others).collect(), predicates)
    }
}

/// Divides the parameters of an `impl` into those that its type has and the others, each with its bounds.
fn divided(all: Generics, self_type: &Type) -> (Generics, Generics) {
    let (mut of_type, others): (Vec<_>, Vec<_>) = all.params.into_iter().partition(|param| {
        type_tokens::mentions(self_type.to_token_stream(), slice::from_ref(name_of(param)))
    });
    let names: Vec<_> = others.iter().map(|param| name_of(param).clone()).collect();
    let is_of_others = |tokens: TokenStream| type_tokens::mentions(tokens, &names);
    let mut predicates: Vec<WherePredicate> = Vec::new();
    // A bound that names one of the others is a predicate of theirs.
    for param in &mut of_type {
        match param {
            GenericParam::Type(param) => {
                let (away, stays): (Vec<TypeParamBound>, Vec<_>) = core::mem::take(&mut param.bounds)
                    .into_iter()
                    .partition(|bound| is_of_others(bound.to_token_stream()));
                param.bounds = stays.into_iter().collect();
                let name = &param.ident;
                predicates.extend(away.iter().map(|bound| parse_quote!(#name: #bound)));
            }
            GenericParam::Lifetime(param) => {
                let name = &param.lifetime;
                let (away, stays): (Vec<_>, Vec<_>) = core::mem::take(&mut param.bounds)
                    .into_iter()
                    .partition(|bound| is_of_others(bound.to_token_stream()));
                predicates.extend(away.iter().map(|bound| parse_quote!(#name: #bound)));
                param.bounds = stays.into_iter().collect();
            }
            GenericParam::Const(_) => {}
        }
    }
    let clauses = all.where_clause.into_iter().flat_map(|clause| clause.predicates);
    let (away, stays): (Vec<_>, Vec<_>) = clauses.partition(|clause| is_of_others(clause.to_token_stream()));
    predicates.extend(away);
    (generics(of_type, stays), generics(others, predicates))
}

fn generics(params: Vec<GenericParam>, predicates: Vec<WherePredicate>) -> Generics {
    let predicates: Punctuated<_, Token![,]> = predicates.into_iter().collect();
    let where_clause = (!predicates.is_empty()).then(|| parse_quote!(where #predicates));
    let bracket = |is: bool| is.then_some(());
    let some = bracket(!params.is_empty());
    Generics {
        lt_token: some.map(|()| Token![<](Span::call_site())),
        params: params.into_iter().collect(),
        gt_token: some.map(|()| Token![>](Span::call_site())),
        where_clause,
    }
}

/// The parameter, as the attribute writes it: lints count the uses of a lifetime.
fn unlinted(param: &GenericParam) -> GenericParam {
    match param {
        GenericParam::Lifetime(_) => {
            syn::parse2(type_tokens::unlinted(param.to_token_stream())).unwrap_or_else(|_| param.clone())
        }
        _ => param.clone(),
    }
}

/// The name of a parameter; that of a lifetime is without its apostrophe.
fn name_of(param: &GenericParam) -> &Ident {
    match param {
        GenericParam::Type(param) => &param.ident,
        GenericParam::Const(param) => &param.ident,
        GenericParam::Lifetime(param) => &param.lifetime.ident,
    }
}

/// What is written instead of `Self`.
#[derive(Clone, Copy, Default)]
struct Instead<'a> {
    /// Where it stands by itself.
    alone: Option<&'a TokenStream>,
    /// Where a path begins with it.
    in_paths: Option<&'a TokenStream>,
    /// For `Self::Item`.
    associated: &'a [(Ident, Option<Type>)],
}

impl Instead<'_> {
    fn written(self, tokens: TokenStream) -> TokenStream {
        let mut tokens = tokens.into_iter();
        let mut out = TokenStream::new();
        while let Some(token) = tokens.next() {
            match token {
                TokenTree::Ident(this) if this == "Self" => {
                    let name = type_tokens::after_colons(tokens.clone());
                    let item = self.associated.iter().find(|(item, _)| name.as_ref() == Some(item));
                    let ty = if let Some((_, Some(ty))) = item {
                        tokens.by_ref().take(3).for_each(drop);
                        Some(ty.to_token_stream())
                    } else if name.is_some() {
                        self.in_paths.map(|ty| quote!(<#ty>))
                    } else {
                        self.alone.cloned()
                    };
                    out.extend(match ty {
                        Some(ty) => type_tokens::written_at(ty, this.span()),
                        None => this.into_token_stream(),
                    });
                }
                TokenTree::Group(group) => {
                    let mut new = Group::new(group.delimiter(), self.written(group.stream()));
                    new.set_span(group.span());
                    out.extend([TokenTree::Group(new)]);
                }
                token => out.extend([token]),
            }
        }
        out
    }
}
