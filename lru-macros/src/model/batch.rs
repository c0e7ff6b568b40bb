//! Functions of many elements (`each`): what the function takes and returns as written.
//!
//! The rest of the model is that of a function of one element. Its cache, keys and accessors are those of the function
//! `fn(element) -> result of the element`.

use proc_macro2::Ident;
use syn::{FnArg, ReturnType, Type};

use super::key::{Key, Scope};
use crate::args::Args;
use crate::batch_type::{BatchKind, BatchResult, BatchType, ResultShape};
use crate::pattern;
use crate::signature::Func;

/// A function of many elements.
pub(crate) struct Batch {
    /// The number of the parameter with the elements.
    pub(crate) param: usize,
    pub(crate) kind: BatchKind,
    /// The type of the parameter as written.
    pub(crate) argument: Type,
    /// The type of an element.
    pub(crate) element: Type,
    /// The return type as written.
    pub(crate) returned: Type,
    pub(crate) result: BatchResult,
    /// The keys of a map, where one is returned.
    pub(crate) keys: Option<MapKeys>,
}

/// The parts of keys by which the keys of a map are recognized.
pub(crate) struct MapKeys {
    /// Of an element.
    pub(crate) element: Key,
    /// Of a key of the map.
    pub(crate) of_map: Key,
}

impl Batch {
    /// Takes the function of many elements out of a function, which becomes one of an element.
    pub(crate) fn take(args: &Args, func: &mut Func) -> Option<Self> {
        let each = args.key.each.get()?;
        let has_name = |param: &&mut syn::PatType| is_named(param, each);
        let returned = func.result()?.clone();
        let result = BatchResult::of(&returned)?;
        let mut params = func.sig.inputs.iter_mut().filter_map(|input| match input {
            FnArg::Typed(param) => Some(param),
            FnArg::Receiver(_) => None,
        });
        let (number, param) = params.by_ref().enumerate().find(|(_, param)| has_name(param))?;
        let argument = (*param.ty).clone();
        let BatchType { kind, element } = BatchType::of(&argument)?;
        *param.ty = element.clone();
        if let ReturnType::Type(_, ty) = &mut func.sig.output {
            **ty = result.shape.of_element();
        }
        let scope = Scope::own(args, func);
        let keys = match &result.shape {
            ResultShape::Sequence(_) => None,
            ResultShape::Map(map) => {
                let [key, _] = &**map;
                Some(MapKeys { element: Key::new(&element, &scope), of_map: Key::new(key, &scope) })
            }
        };
        Some(Self { param: number, kind, argument, element, returned, result, keys })
    }
}

fn is_named(param: &syn::PatType, name: &Ident) -> bool {
    pattern::bindings(&param.pat).iter().any(|bound| bound == name)
}
