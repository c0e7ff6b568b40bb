//! Model to tokens. What is quoted here names what `lru-core` does, and does nothing itself.
//!
//! ```text
//! In:   #[lru_cache(maxsize = 32)] fn area(w: u32, h: u32) -> u32 { w * h }
//!
//! Out:  fn area(w: u32, h: u32) -> u32 {                              (paths shortened)
//!           let __looked = area::__memo().calls().look((&w, &h), Plain);
//!           match __looked {
//!               Ok(__hit) => __hit,
//!               Err(__miss) => __miss.keep(area::wrapped(w, h)),
//!           }
//!       }
//!       enum area {}
//!       impl area {
//!           fn __memo() -> &'static Memo<(u32, u32), u32, 32> { static __MEMO: .. = ..; &__MEMO }
//!           fn wrapped(w: u32, h: u32) -> u32 { w * h }
//!           fn cache_info() -> CacheInfo; fn cache_clear(); ..
//!       }
//! ```
//!
//! Every name that is not the user's is seen where the attribute stands (so that lints leave it
//! alone), starts with `__` where it is a variable, and is reached by an absolute path.

mod accessors;
mod backend;
mod cache;
mod call;
mod coalesced;
mod function;
mod items;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::{Attribute, Receiver, ReceiverKind, Type, parse_quote};

use crate::args::{self, Args};
use crate::model::{Accessors, Key, Model, Param, Scope};
use crate::signature::{self, Func};
use crate::{check, type_tokens};

/// The function, and its accessors.
pub(crate) fn expand(model: &Model) -> TokenStream {
    let in_body = match model.accessors {
        Accessors::None => items::in_body(model),
        _ => None,
    };
    let function = function::function(model, in_body.as_ref());
    let accessors = accessors::accessors(model);
    quote! { #function #accessors }
}

/// What is `expanded` where the library has backends, and otherwise the `plain` function, with one error
/// that says so. Which it is, only a macro of the library knows.
pub(crate) fn where_there_are_backends(
    model: &Model,
    plain: &TokenStream,
    expanded: &TokenStream,
) -> TokenStream {
    let krate = &model.krate;
    quote! { #krate::__private::where_there_are_backends! { { #plain } #expanded } }
}

/// For a function that can't be cached: itself, as it was.
///
/// With it what keeps further errors away that would only repeat the first: the accessors, with no
/// cache behind them. And what brings up further mistakes: the questions about those of its types
/// that can be asked, in the body of an accessor.
pub(crate) fn unchanged(args: &Args, func: Func) -> TokenStream {
    let item = func.without_options();
    let is_method = func.is_method();
    let has_value = func.result().is_none_or(|ty| check::unnamed(ty).is_none() && !type_tokens::is_never(ty));
    let is_kept = func.result().is_some_and(|ty| has_value && check::borrowed(ty).is_none());
    let is_given = |option| args.name(option).is_some();
    let asks_keys = !is_given("key") && !is_given("cache");
    let asks_result = is_kept && !is_given("cache");
    let mut args = args.clone();
    if is_method && !matches!(&args.accessors, Some(at) if at.value == args::Accessors::None) {
        args.accessors = None;
    }
    let mut model = Model::new(args, func);
    if matches!(&model.accessors, Accessors::Companion(name) if type_tokens::is_primitive_name(name)) {
        return item;
    }
    // What the accessors have no use for is no mistake of the user's.
    model.params.iter_mut().for_each(|param| param.name.set_span(Span::mixed_site()));
    let keys = if asks_keys { questions(&model) } else { Vec::new() };
    let result = asks_result.then(|| call::outcome(&model)).into_iter();
    let choices = &model.krate;
    let questions = quote! {
        use #choices::__private::choices::*;
        #( let _ = #keys; )*
        #( let _ = #result; )*
    };
    let stubs = accessors::stubs(&model, has_value, &questions);
    quote! { #item #stubs }
}

/// What the arguments are asked, `self` among them: whether they can be keys.
fn questions(model: &Model) -> Vec<TokenStream> {
    let scope = Scope::Own { params: Vec::new(), is_method: false, is_per_thread: false };
    let is_asked = |ty: &Type, attrs: &[Attribute]| {
        let is_named = check::unnamed(ty).is_none_or(|ty| matches!(ty, Type::ImplTrait(_)));
        is_named && check::changed(ty).is_none() && !attrs.iter().any(signature::is_key)
    };
    let receiver = model.receiver.iter().filter_map(|receiver| {
        let (this, ty) = (&receiver.self_token, receiver_type(receiver));
        is_asked(&ty, &receiver.attrs).then(|| (this.to_token_stream(), ty))
    });
    let params = model.params.iter().filter_map(|param| {
        let Param { name, ty, written } = param;
        is_asked(ty, &written.attrs).then(|| (name.to_token_stream(), ty.clone()))
    });
    let all = receiver.chain(params);
    all.map(|(place, ty)| Key::new(&ty, &scope).borrow(&place, &model.krate)).collect()
}

/// The type of `self`, its `mut` included.
fn receiver_type(receiver: &Receiver) -> Type {
    let this = Ident::new("Self", receiver.self_token.span);
    match &receiver.kind {
        ReceiverKind::Reference(_, _, mutability) => parse_quote!(& #mutability #this),
        ReceiverKind::Typed(_, ty) => (**ty).clone(),
        _ => parse_quote!(#this),
    }
}
