//! Rules for functions of many elements (`each`).

use proc_macro2::Ident;
use syn::{FnArg, PatType, Receiver, ReceiverKind, Type};

use crate::args::{Accessors, Args};
use crate::batch_type::{BatchResult, BatchType, ResultShape, is_unordered};
use crate::errors::Errors;
use crate::pattern;
use crate::signature::{self, Func};
use crate::type_tokens;

pub(super) fn check(args: &Args, func: &Func, errors: &mut Errors) {
    let Some(each) = args.key.each.get() else { return };
    options_go_with_elements(args, errors);
    options_go_with_elements_in_a_backend(args, errors);
    stale_elements_are_not_forced(args, errors);
    function_is_plain(args, func, errors);
    let Some(param) = parameter(each, func) else {
        names_a_parameter(each, func, errors);
        return;
    };
    parameter_is_in_the_key(param, args, errors);
    let batch = BatchType::of(&param.ty);
    if batch.is_none() {
        parameter_is_a_collection(&param.ty, errors);
    }
    result_has_each(param, batch.as_ref(), args, func, errors);
}

/// The parameter that `each` names.
fn parameter<'f>(each: &Ident, func: &'f Func) -> Option<&'f PatType> {
    let mut params = func.params();
    params.find(|param| pattern::bindings(&param.pat).iter().any(|name| name == each))
}

fn names_a_parameter(each: &Ident, func: &Func, errors: &mut Errors) {
    let names: Vec<_> = func
        .params()
        .filter(|param| BatchType::of(&param.ty).is_some())
        .flat_map(|param| pattern::bindings(&param.pat))
        .map(|name| format!("`{name}`"))
        .collect();
    let instead = if names.is_empty() {
        "take the elements as a slice or a `Vec`".to_owned()
    } else {
        format!("write {}", names.join(" or "))
    };
    errors.at(each, format!("`each` names no parameter with elements; {instead}"));
}

fn parameter_is_in_the_key(param: &PatType, args: &Args, errors: &mut Errors) {
    if let Some(attr) = param.attrs.iter().find(|attr| signature::is_key(attr)) {
        let message = "`#[key(…)]` cannot be used on the parameter that `each` names: each element is a part of its key; remove `#[key(…)]`";
        errors.at(attr, message);
    }
    if let Some(name) = args.key.key.name() {
        let message = format!(
            "`{name}` cannot be used with `each`: the elements are parts of the keys; remove one of them"
        );
        errors.at(name, message);
    }
}

fn parameter_is_a_collection(ty: &Type, errors: &mut Errors) {
    let message = format!(
        "`{}` has no elements that the function could be called with fewer of; take a slice, a `Vec` or a set, such as `&[u32]`",
        type_tokens::spelled(ty)
    );
    errors.at(ty, message);
}

fn result_has_each(
    param: &PatType,
    batch: Option<&BatchType>,
    args: &Args,
    func: &Func,
    errors: &mut Errors,
) {
    let Some(result) = func.result() else {
        errors.at(&func.sig.ident, "with `each`, a function returns a result for each element; return a map from the elements, or a `Vec` in their order");
        return;
    };
    let Some(BatchResult { shape, .. }) = BatchResult::of(result) else {
        let message = format!(
            "`{}` has no result for each element; return a map from the elements, such as `HashMap<K, V>`, a `Vec` in their order, or a `Result` of one of them",
            type_tokens::spelled(result)
        );
        errors.at(result, message);
        return;
    };
    match &shape {
        ResultShape::Sequence(_) if is_unordered(&param.ty) => {
            let message = format!(
                "the results cannot come in the order of a `{}`, which has none, or none that is known here; return a map, or take a slice, a `Vec` or a `BTreeSet`",
                type_tokens::spelled(&param.ty)
            );
            errors.at(result, message);
        }
        ResultShape::Sequence(_) => {}
        ResultShape::Map(map) => {
            let [key, value] = &**map;
            keys_are_elements(key, batch, errors);
            errors_are_no_values(value, args, errors);
        }
    }
}

/// Of other types, rustc reports it.
fn keys_are_elements(key: &Type, batch: Option<&BatchType>, errors: &mut Errors) {
    let Some(BatchType { element, .. }) = batch else { return };
    let primitives = (type_tokens::primitive(key), type_tokens::primitive(element));
    if let (Some(key_name), Some(element_name)) = primitives {
        if key_name != element_name {
            let message = format!(
                "the keys of the map are `{key_name}`, and the elements `{element_name}`; return a map from `{element_name}`"
            );
            errors.at(key, message);
        }
    }
}

/// A map is stored by its values, and an error in it would be stored too.
fn errors_are_no_values(value: &Type, args: &Args, errors: &mut Errors) {
    let Type::Path(path) = type_tokens::bare(value) else { return };
    let is_result = path.path.segments.last().is_some_and(|last| last.ident == "Result");
    if is_result && args.results.cache_errors.get() != Some(&true) {
        let message = "the values of a map are stored as they are, and errors would be as well; return a `Vec` of them, or leave failed elements out of the map";
        errors.at(value, message);
    }
}

/// Options whose meaning is that of one computation for one key.
fn options_go_with_elements(args: &Args, errors: &mut Errors) {
    let Args { expiry, placement, flight, .. } = args;
    let names = [
        expiry.stale_if_slow.name(),
        placement.cache.name(),
        flight.detach.name().filter(|_| flight.is_detached()),
    ];
    for name in names.into_iter().flatten() {
        errors.at(name, format!("`{name}` cannot be used with `each` yet; remove one of them"));
    }
}

/// Options whose meaning a call of many elements does not have in a backend.
fn options_go_with_elements_in_a_backend(args: &Args, errors: &mut Errors) {
    let Args { expiry, results, validity, backend, .. } = args;
    let Some(backend) = backend.name() else { return };
    let names = [
        expiry.swr.name().filter(|_| expiry.has_refreshes()),
        expiry.stale_if_error.name(),
        results.force.name(),
        validity.tags.name(),
        validity.depends.name().filter(|_| validity.depends()),
    ];
    for name in names.into_iter().flatten() {
        let message = format!("`{name}` cannot be used with `each` and `{backend}` yet; remove one of them");
        errors.at(name, message);
    }
}

/// A refresh in the background does not begin with what the call computes anew.
fn stale_elements_are_not_forced(args: &Args, errors: &mut Errors) {
    if let (Some(force), true) = (args.results.force.name(), args.expiry.has_refreshes()) {
        errors.at(force, "`force` cannot be used with `each` and `swr` yet; remove one of them");
    }
}

fn function_is_plain(args: &Args, func: &Func, errors: &mut Errors) {
    if let Some(previous) = &func.previous {
        errors.at(&previous.attr, "`#[previous]` cannot be used with `each`: the body is called for several results; remove one of them");
    }
    if let (Some(each), true) = (args.key.each.name(), func.future.is_some()) {
        errors.at(each, "`each` needs an `async fn` for a function that returns a future; write `async fn`");
    }
    if let (Some(each), Some(Accessors::None)) = (args.key.each.name(), args.items.accessors.get()) {
        errors.at(each, "`each` cannot be used with `accessors = none`: the body is called with fewer elements, by another function; remove one of them");
    }
    let is_shared = args.flight.is_coalesced(func.sig.asyncness.is_some());
    let lent_once = "the body may be called again for elements that another call has not computed, and `&mut` is lent to it once; write `single_flight = false`, or take another type";
    let changed = func.params().find_map(|param| type_tokens::mut_reference(&param.ty));
    if let Some(ty) = changed.filter(|_| is_shared) {
        errors.at(ty, lent_once);
    }
    let receiver = func.sig.receiver().filter(|receiver| is_mutable(receiver));
    if let Some(receiver) = receiver.filter(|_| is_shared) {
        errors.at(receiver, lent_once);
    }
    let generic = func.sig.inputs.iter().find_map(|input| match input {
        FnArg::Typed(param) => type_tokens::impl_trait(&param.ty),
        FnArg::Receiver(_) => None,
    });
    if let Some(ty) = generic {
        errors.at(ty, "`each` needs parameters with names for their types; write a type parameter");
    }
}

/// Whether a method takes `&mut self`, perhaps as `self: &mut Self`.
fn is_mutable(receiver: &Receiver) -> bool {
    match &receiver.kind {
        ReceiverKind::Reference(_, _, mutability) => mutability.is_some(),
        ReceiverKind::Typed(_, ty) => type_tokens::mut_reference(ty).is_some(),
        _ => false,
    }
}
