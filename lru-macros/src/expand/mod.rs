//! The last stage: the model becomes tokens, which name the behaviour of `lru-core`.
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
//! Names of ours have the span of the attribute, so that lints skip them; variables among them begin with
//! `__`, and paths are absolute. A file imports only those before it: `bound`, `function_ttl`, `cache` (expressions of the cache and
//! the key), `call` (fragments of a call), `backend`, `backend_accessors`, `apart`, `batch`, `coalesced`, `gathered`, `function`, `items`,
//! `entries`, `accessor_bodies`, `accessor_list`, `accessors`, `unchanged`, `impl_block`.

mod accessor_bodies;
mod accessor_list;
mod accessors;
mod apart;
mod backend;
mod backend_accessors;
mod batch;
mod batch_backend;
mod batch_lookup;
mod batch_refresh;
mod bound;
mod cache;
mod call;
mod coalesced;
mod elements;
mod entries;
mod function;
mod function_ttl;
mod gathered;
mod impl_block;
mod items;
mod unchanged;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};

use crate::args::Args;
use crate::model::{Accessors, Model};
use crate::reader::Reader;
use crate::signature::Func;

pub(crate) use impl_block::{impl_block, plain_impl_block};

/// What becomes of a function.
pub(crate) struct Expanded {
    pub(crate) function: TokenStream,
    pub(crate) accessors: TokenStream,
    /// The function as it was.
    pub(crate) plain: TokenStream,
    /// The features that it needs.
    pub(crate) needs: Option<Features>,
}

/// The features of the library that the options of a backend need.
pub(crate) struct Features {
    backend: Feature,
    json: Option<Feature>,
}

/// A feature that an option needs.
struct Feature {
    option: Span,
    krate: TokenStream,
    /// What is said without the feature.
    missing: String,
}

impl Features {
    /// Returns what two functions need.
    pub(crate) fn and(self, other: Option<Self>) -> Self {
        Self { json: self.json.or_else(|| other?.json), ..self }
    }

    /// Returns tokens that become `expanded` if the features are on, and otherwise what is `plain` and an
    /// error at the option. A macro of the library chooses: the attribute does not know the library's features.
    pub(crate) fn choose(&self, plain: &TokenStream, expanded: &TokenStream) -> TokenStream {
        let chosen = self.json.as_ref().map(|json| json.chooses("where_there_is_json", plain, expanded));
        self.backend.chooses("where_there_are_backends", plain, chosen.as_ref().unwrap_or(expanded))
    }
}

impl Feature {
    fn chooses(&self, by: &str, plain: &TokenStream, expanded: &TokenStream) -> TokenStream {
        let Self { option, krate, missing } = self;
        let by = Ident::new(by, *option);
        quote_spanned! { *option=> #krate::__private::#by! { { #missing #plain } #expanded } }
    }
}

impl Expanded {
    /// Returns what stands in the place of the function: the function and its accessors.
    pub(crate) fn in_place(&self) -> TokenStream {
        let Self { function, accessors, plain, needs } = self;
        let both = quote! { #function #accessors };
        needs.as_ref().map_or_else(|| both.clone(), |features| features.choose(plain, &both))
    }
}

/// Returns the function and its accessors. An editor is given the function as it was written and the signatures of
/// the accessors, so that completion after the function's name offers these and nothing else.
pub(crate) fn expand(args: Args, func: Func, reader: Reader) -> Expanded {
    let plain = func.without_options();
    let (backend, missing) = (args.backend.name().map(Ident::span), args.backend.missing_feature());
    let option = backend.filter(|_| args.backend.is_some());
    let json = args.backend.missing_json();
    let model = Model::new(args, func);
    if reader == Reader::Editor {
        let accessors = accessors::signatures(&model);
        return Expanded { function: plain.clone(), accessors, plain, needs: None };
    }
    let in_body = match model.accessors {
        Accessors::None => items::in_body(&model),
        _ => None,
    };
    let feature = |(option, missing)| Feature { option, krate: model.krate.at(option), missing };
    let needs =
        option.map(|option| Features { backend: feature((option, missing)), json: json.map(feature) });
    Expanded {
        function: function::function(&model, in_body.as_ref()),
        accessors: accessors::accessors(&model),
        plain,
        needs,
    }
}

/// Returns a function that cannot be cached as it was, and accessors without a cache.
pub(crate) fn unchanged(args: Args, func: Func) -> Expanded {
    let plain = func.without_options();
    let accessors = unchanged::stubs(args, func);
    Expanded { function: plain.clone(), accessors, plain, needs: None }
}
