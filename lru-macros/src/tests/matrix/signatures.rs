//! The signatures that the options are crossed with.

/// What an option does with a function depends on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Is {
    /// An `async fn`, or one that returns a future.
    Async,
    /// Its results are in a cache object that an argument holds.
    InObject,
    /// The options include `accessors = none`.
    WithoutAccessors,
    /// A method, which has no companion.
    Method,
    /// It returns nothing.
    Unit,
    /// It returns a `Result`.
    Fallible,
    /// The error borrows.
    BorrowedError,
    /// It has a `&mut` that is not in the key.
    Changing,
    /// A parameter has a `#[key(…)]`.
    KeyPart,
    /// It has no arguments.
    NoArguments,
    /// The types in the key cannot be named.
    UnnamedKey,
    /// An argument contains a borrow, and so has no owned copy.
    NotCopied,
    /// A part of the options is `typed`.
    Typed,
    /// Its `impl` has `#[memoize]`.
    InBlock,
    /// It has `each`.
    Elements,
}

use Is::{
    Async, BorrowedError, Changing, Elements, Fallible, InBlock, InObject, KeyPart, Method, NoArguments,
    NotCopied, Typed, Unit, UnnamedKey, WithoutAccessors,
};

/// A kind of function.
pub(super) struct Signature {
    pub(super) name: &'static str,
    /// The options that it always has.
    pub(super) options: &'static str,
    /// What is around it: `{}` stands for the function.
    pub(super) around: &'static str,
    pub(super) item: &'static str,
    /// How many arguments the functions of options are given.
    pub(super) arguments: usize,
    pub(super) is: &'static [Is],
}

/// The signatures.
pub(super) const SIGNATURES: &[Signature] = &[
    Signature {
        name: "elements",
        options: "each = ids",
        around: "{}",
        item: "pub fn f(by: &str, ids: &[u32]) -> std::collections::HashMap<u32, String> { ids.iter().map(|&id| (id, by.to_owned())).collect() }",
        arguments: 2,
        is: &[Elements],
    },
    Signature {
        name: "elements_async",
        options: "each = ids",
        around: "{}",
        item: "pub async fn f(ids: Vec<String>) -> Result<Vec<Option<u32>>, String> { Ok(ids.iter().map(|id| id.parse().ok()).collect()) }",
        arguments: 1,
        is: &[Async, Fallible, Elements],
    },
    Signature {
        name: "elements_method",
        options: "each = ids, typed = true",
        around: "#[derive(Clone, PartialEq, Eq, Hash, Serialize)] pub struct S; impl S { {} }",
        item: "pub fn f<K: Clone + Hash + Ord + Serialize + Send + Sync + 'static>(&self, ids: std::collections::BTreeSet<K>) -> std::collections::BTreeMap<K, u32> { ids.into_iter().map(|id| (id, 1)).collect() }",
        arguments: 2,
        is: &[Typed, Method, Elements, UnnamedKey],
    },
    Signature { name: "plain", options: "", around: "{}", item: "pub fn f(n: u32) -> u32 { n }", arguments: 1, is: &[] },
    Signature { name: "nothing", options: "", around: "{}", item: "pub fn f() -> u32 { 1 }", arguments: 0, is: &[NoArguments] },
    Signature { name: "unit", options: "", around: "{}", item: "pub fn f(n: u32) { drop(n) }", arguments: 1, is: &[Unit] },
    Signature {
        name: "borrows",
        options: "",
        around: "{}",
        item: "pub fn f<'x>(text: &'x str, all: &[f64], (a, b): (u8, &str)) -> String { format!(\"{text}{all:?}{a}{b}\") }",
        arguments: 3,
        is: &[NotCopied],
    },
    Signature {
        name: "fallible",
        options: "",
        around: "{}",
        item: "pub unsafe fn f(text: &str) -> Result<u32, String> { text.parse().map_err(|_| text.to_owned()) }",
        arguments: 1,
        is: &[Fallible],
    },
    Signature {
        name: "borrowed_error",
        options: "",
        around: "{}",
        item: "pub fn f<'x>(text: &'x str) -> Result<u32, &'x str> { text.parse().map_err(|_| text) }",
        arguments: 1,
        is: &[Fallible, BorrowedError],
    },
    Signature {
        name: "generic",
        options: "typed = true",
        around: "{}",
        item: "pub fn f<T: Hash + Eq + Clone + Serialize + Send + Sync + 'static>(value: T, n: &str) -> u32 { drop(value); n.len() as u32 }",
        arguments: 2,
        is: &[UnnamedKey, Typed],
    },
    Signature {
        name: "impl_trait",
        options: "typed = false",
        around: "{}",
        item: "pub fn f(value: impl Hash + Eq + Clone + Serialize + Send + Sync + 'static) -> u32 { drop(value); 1 }",
        arguments: 1,
        is: &[UnnamedKey, Typed],
    },
    Signature {
        name: "skipped",
        options: "",
        around: "{}",
        item: "pub fn f(#[key(skip)] db: Db, #[key(n / 2)] n: u32) -> u32 { drop(db); n / 2 }",
        arguments: 2,
        is: &[KeyPart, UnnamedKey],
    },
    Signature {
        name: "changing",
        options: "",
        around: "{}",
        item: "pub fn f(n: u32, #[key(skip)] log: &mut Vec<u32>) -> u32 { log.push(n); n }",
        arguments: 2,
        is: &[KeyPart, Changing],
    },
    Signature {
        name: "taken_apart",
        options: "",
        around: "{}",
        item: "pub fn f(#[key(id)] Id(id): Id) -> u32 { id }",
        arguments: 1,
        is: &[KeyPart, UnnamedKey],
    },
    Signature {
        name: "asynchronous",
        options: "",
        around: "{}",
        item: "pub async fn f(text: &str) -> u32 { text.len() as u32 }",
        arguments: 1,
        is: &[Async],
    },
    Signature {
        name: "async_borrowed_error",
        options: "",
        around: "{}",
        item: "pub async fn f(text: &str) -> Result<u32, &str> { text.parse().map_err(|_| text) }",
        arguments: 1,
        is: &[Async, Fallible, BorrowedError],
    },
    Signature {
        name: "boxed",
        options: "",
        around: "{}",
        item: "pub fn f<'a>(text: &'a str) -> Pin<Box<dyn Future<Output = Result<u32, String>> + Send + 'a>> {
            Box::pin(async move { Ok(text.len() as u32) }) }",
        arguments: 1,
        is: &[Async, Fallible],
    },
    Signature {
        name: "impl_future",
        options: "",
        around: "{}",
        item: "pub fn f(n: u32) -> impl Future<Output = u32> + Send { async move { n } }",
        arguments: 1,
        is: &[Async],
    },
    Signature {
        name: "method",
        options: "",
        around: "SHOP impl Shop { {} }",
        item: "pub fn f(&self, n: u32) -> u32 { self.0 + n }",
        arguments: 2,
        is: &[Method, UnnamedKey],
    },
    Signature {
        name: "async_method",
        options: "",
        around: "SHOP impl Shop { {} }",
        item: "pub async fn f(#[key(skip)] &self, n: u32) -> Result<u32, String> { Ok(self.0 + n) }",
        arguments: 2,
        is: &[Method, KeyPart, Async, Fallible],
    },
    Signature {
        name: "trait_method",
        options: "accessors = none",
        around: "SHOP pub trait T { fn f(&self, n: u32) -> u32; } impl T for Shop { {} }",
        item: "fn f(&self, n: u32) -> u32 { self.0 + n }",
        arguments: 2,
        is: &[Method, WithoutAccessors, UnnamedKey],
    },
    Signature {
        name: "async_trait_method",
        options: "accessors = none",
        around: "SHOP pub trait T { fn f<'life0, 'async_trait>(&'life0 self, n: u32) -> Pin<Box<dyn Future<Output = u32> + Send + 'async_trait>>
            where 'life0: 'async_trait, Self: 'async_trait; }
            impl T for Shop { {} }",
        item: "fn f<'life0, 'async_trait>(#[key(skip)] &'life0 self, n: u32) -> Pin<Box<dyn Future<Output = u32> + Send + 'async_trait>>
            where 'life0: 'async_trait, Self: 'async_trait { Box::pin(async move { self.0 + n }) }",
        arguments: 2,
        is: &[Method, WithoutAccessors, Async, KeyPart],
    },
    Signature {
        name: "method_in_block",
        options: "",
        around: "SHOP #[functools::memoize] impl Shop { {} }",
        item: "pub fn f(code: Code, text: &str) -> Result<u32, String> { Ok(code.0 + text.len() as u32) }",
        arguments: 2,
        is: &[Method, InBlock, Fallible],
    },
    Signature {
        name: "trait_method_in_block",
        options: "",
        around: "SHOP pub trait T { type Out; fn f(&self, n: u32) -> Self::Out; } #[functools::memoize] impl T for Shop { type Out = u32; {} }",
        item: "fn f(&self, n: u32) -> Self::Out { let out: Self::Out = self.0 + n; out }",
        arguments: 2,
        is: &[Method, InBlock, UnnamedKey],
    },
    Signature {
        name: "async_trait_method_in_block",
        options: "",
        around: "SHOP pub trait T { fn f<'life0, 'async_trait>(&'life0 self, n: u32) -> Pin<Box<dyn Future<Output = u32> + Send + 'async_trait>>
            where 'life0: 'async_trait, Self: 'async_trait; }
            #[functools::memoize] impl T for Shop { {} }",
        item: "fn f<'life0, 'async_trait>(#[key(skip)] &'life0 self, n: u32) -> Pin<Box<dyn Future<Output = u32> + Send + 'async_trait>>
            where 'life0: 'async_trait, Self: 'async_trait { Box::pin(async move { self.0 + n }) }",
        arguments: 2,
        is: &[Method, InBlock, Async, KeyPart],
    },
    Signature {
        name: "trait_method_in_generic_block",
        options: "",
        around: "SHOP pub trait T<V> { async fn f(&self, value: V) -> u32; }
            #[functools::memoize] impl<V: Hash + Eq + Clone + Serialize + Send + Sync + 'static> T<V> for Shop { {} }",
        item: "async fn f(&self, value: V) -> u32 { drop(value); self.0 }",
        arguments: 2,
        is: &[Method, InBlock, UnnamedKey, Async],
    },
    Signature {
        name: "foreign_type_in_block",
        options: "",
        around: "pub trait T { fn f(&self, text: &str) -> Result<u32, String>; }
            #[functools::memoize(pub, accessors = OfVec)] impl T for Vec<u8> { {} }",
        item: "fn f(&self, text: &str) -> Result<u32, String> { Ok(self.len() as u32 + text.len() as u32) }",
        arguments: 2,
        is: &[Method, InBlock, UnnamedKey, Fallible],
    },
    Signature {
        name: "in_field",
        options: "cache = self.memo",
        around: "pub struct S<'a> { memo: LruCache<u32, &'a str>, all: &'a [String] } impl<'a> S<'a> { {} }",
        item: "pub fn f(&self, n: u32) -> &'a str { &self.all[n as usize] }",
        arguments: 1,
        is: &[Method, InObject],
    },
    Signature {
        name: "in_parameter",
        options: "cache = memo",
        around: "{}",
        item: "pub async fn f(n: u32, memo: Arc<LruCache<u32, u32>>) -> Result<u32, String> { drop(memo); Ok(n) }",
        arguments: 1,
        is: &[InObject, Async, Fallible],
    },
];
