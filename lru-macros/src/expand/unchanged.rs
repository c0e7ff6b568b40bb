//! The accessors of a function that cannot be cached.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::{Attribute, Expr, Type};

use super::{accessors, call};
use crate::args::{self, Args};
use crate::model::{Accessors, Checks, Key, Model, Param, Scope};
use crate::signature::{self, Func, ItemScope, receiver_type};
use crate::{check, type_tokens};

/// Returns the accessors of a function that stays as it was, so that its callers compile.
///
/// Accessors without a cache keep away errors that would only follow from the first one. In the body of one
/// of them, the types are asked whether they can be cached, so that further mistakes are reported too.
pub(super) fn stubs(mut args: Args, func: Func) -> TokenStream {
    let is_method = func.is_method();
    let has_value = func.result().is_none_or(|ty| check::unnamed(ty).is_none() && !type_tokens::is_never(ty));
    let is_cloned = check::error_without_clone(&args, &func).is_none();
    let is_kept = func.result().is_some_and(|ty| has_value && is_cloned && check::borrowed(ty).is_none());
    let (key, cache) = (args.key.key.name().is_some(), args.placement.cache.name().is_some());
    let asks_keys = !key && !cache;
    let asks_result = is_kept && !cache;
    if is_method && args.items.accessors.get() != Some(&args::Accessors::None) {
        args.items.accessors.remove();
    }
    let mentions_self = |expr: &Expr| type_tokens::self_type_in(expr.to_token_stream()).is_some();
    if !is_method && args.constants().any(|(_, value)| mentions_self(value)) {
        args.items.accessors.set(args::Accessors::Siblings);
    }
    let mut model = Model::new(args, func);
    if matches!(&model.accessors, Accessors::Companion(name) if type_tokens::is_primitive_name(name)) {
        return TokenStream::new();
    }
    // An unused parameter of an accessor is no mistake of the user's.
    for param in &mut model.params {
        param.name = type_tokens::respanned(&param.name, Span::mixed_site());
    }
    let keys = if asks_keys { questions(&model) } else { Vec::new() };
    let result = asks_result.then(|| call::result_policy(&model, Checks::Reported)).into_iter();
    let choices = &model.krate;
    let questions = quote! {
        use #choices::__private::choices::*;
        #( let _ = #keys; )*
        #( let _ = #result; )*
    };
    accessors::stubs(&model, has_value, &questions)
}

/// Returns expressions that compile if the arguments, `self` included, can be keys.
fn questions(model: &Model) -> Vec<TokenStream> {
    let scope = Scope::Own { items: ItemScope::all(), is_per_thread: false };
    let is_asked = |ty: &Type, attrs: &[Attribute]| {
        let is_named = check::unnamed(ty).is_none_or(|ty| matches!(ty, Type::ImplTrait(_)));
        is_named && type_tokens::mut_reference(ty).is_none() && !attrs.iter().any(signature::is_key)
    };
    let receiver = model.receiver.iter().filter_map(|receiver| {
        let (this, ty) = (&receiver.self_token, receiver_type(receiver));
        is_asked(&ty, &receiver.attrs).then(|| (this.to_token_stream(), ty))
    });
    let params = model.params.iter().filter_map(|param| {
        let Param { name, ty, written, .. } = param;
        is_asked(ty, &written.attrs).then(|| (name.to_token_stream(), ty.clone()))
    });
    let all = receiver.chain(params);
    all.map(|(place, ty)| Key::new(&ty, &scope).borrow(&place, Checks::Reported, &model.krate)).collect()
}
