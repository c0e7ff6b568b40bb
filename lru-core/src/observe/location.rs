//! [`FunctionLocation`]: path, file and line of a memoized function. Used by generated code.
//!
//! An attribute macro sees the name of the function and `module_path!()`, but neither the type of an enclosing
//! `impl` nor an enclosing function. `type_name` of a closure in the function contains them.

use core::any::type_name;
use core::fmt;
use std::boxed::Box;
use std::format;
use std::sync::OnceLock;

/// The location of a memoized function in the source code.
pub struct FunctionLocation {
    module: &'static str,
    name: &'static str,
    /// The path from the parent of the function to the item that contains `here`.
    within: &'static str,
    here: fn() -> &'static str,
    file: &'static str,
    line: u32,
    column: u32,
    /// The namespace that the user has given.
    given: Option<&'static str>,
    /// Made at the first use.
    path: OnceLock<Box<str>>,
    /// Made at the first use.
    namespace: OnceLock<Box<str>>,
}

impl FunctionLocation {
    /// Creates the location of the function `name`. `here` returns a path that begins with the path of the
    /// parent of the function, followed by `within`.
    pub const fn new(
        module: &'static str,
        name: &'static str,
        within: &'static str,
        here: fn() -> &'static str,
        file: &'static str,
        line: u32,
    ) -> Self {
        let path = OnceLock::new();
        let namespace = OnceLock::new();
        Self { module, name, within, here, file, line, column: 0, given: None, path, namespace }
    }

    /// Sets the column of the attribute.
    #[must_use]
    pub const fn column(mut self, column: u32) -> Self {
        self.column = column;
        self
    }

    /// Sets the namespace, instead of one that is made of the path.
    #[must_use]
    pub const fn in_namespace(mut self, namespace: &'static str) -> Self {
        self.given = Some(namespace);
        self
    }

    /// Returns the path of the function, such as `shop::Shop::price`.
    pub fn path(&self) -> &str {
        self.path.get_or_init(|| {
            let Self { module, name, within, here, .. } = self;
            let parent = parent((here)(), within).unwrap_or(module);
            format!("{}::{name}", parent.replace(BESIDE_TRAIT_IMPL, "::<impl ")).into()
        })
    }

    /// Returns the namespace of the function: the given one, or its path.
    ///
    /// Paths are unique for functions that are directly in a module or in an `impl`. Blocks, and `const _`, are no part of a path:
    /// the namespace of any other function ends with the line and column of its attribute, such as
    /// `shop::main::price@12:5`. So it is the same in all processes of one build.
    pub fn namespace(&self) -> &str {
        self.namespace.get_or_init(|| {
            let Self { module, within, here, line, column, .. } = self;
            if let Some(given) = self.given {
                return given.into();
            }
            let path = self.path();
            let is_unique = parent((here)(), within).is_some_and(|parent| {
                is_in_module(&parent.replace(BESIDE_TRAIT_IMPL, "::<impl "), module, within)
            });
            if is_unique { path.into() } else { format!("{path}@{line}:{column}").into() }
        })
    }

    /// Returns whether both were given a namespace and have one name: then they are meant to share results, like one
    /// function that is written in several blocks.
    #[cfg(feature = "backend")]
    pub(crate) fn shares_namespace_with(&self, other: &Self) -> bool {
        self.given.is_some() && self.given == other.given && self.name == other.name
    }

    /// Returns the path of the source file, as it was given to the compiler.
    pub fn file(&self) -> &'static str {
        self.file
    }

    /// Returns the line of the attribute.
    pub fn line(&self) -> u32 {
        self.line
    }
}

impl fmt::Debug for FunctionLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, .. } = self;
        f.debug_struct("FunctionLocation")
            .field("path", &self.path())
            .field("file", file)
            .field("line", line)
            .finish()
    }
}

/// `#[memoize]` has the accessors of a trait's methods in an `impl` of the type, inside a `const _`, which is no part of the path.
const BESIDE_TRAIT_IMPL: &str = "::_::<impl ";

/// Returns a function that returns the path of a closure.
pub const fn path_of<F>(_: &F) -> fn() -> &'static str {
    type_name::<F>
}

/// Returns the part of `path` before `within`.
fn parent(path: &'static str, within: &str) -> Option<&'static str> {
    let mut ends = path.match_indices("::").map(|(at, _)| at);
    ends.find_map(|at| {
        let below = path.get(at..)?.strip_prefix("::")?.strip_prefix(within)?;
        (below.is_empty() || below.starts_with("::")).then(|| path.get(..at)).flatten()
    })
}

/// Returns whether a parent is the module, or the type of an `impl` in it, and no function or block.
fn is_in_module(parent: &str, module: &str, within: &str) -> bool {
    // A companion is not in an `impl`.
    if parent == module || within.contains("::") {
        return parent == module;
    }
    let is_sibling = within.starts_with("__");
    if !is_sibling && !parent.starts_with('<') {
        return false;
    }
    let is_part_of_path = |c: char| c.is_alphanumeric() || matches!(c, '_' | ':' | '#' | '{' | '}');
    parent.split(|c| !is_part_of_path(c)).all(|path| {
        let below = path.strip_prefix(module).and_then(|below| below.strip_prefix("::"));
        !path.starts_with("::") && !below.is_some_and(|below| below.contains("::"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(within: &'static str, here: fn() -> &'static str) -> String {
        FunctionLocation::new("shop", "price", within, here, "shop.rs", 1).path().to_owned()
    }

    #[test]
    fn the_parent_of_a_function_stands_in_the_path_of_what_is_in_it() {
        assert_eq!(path("price::__memo", || "shop::price::__memo::_::{{closure}}"), "shop::price");
        assert_eq!(
            path("__price_memo", || "shop::Shop<T>::__price_memo::S::{{closure}}"),
            "shop::Shop<T>::price"
        );
        assert_eq!(
            path("price", || "<shop::Shop as shop::Prices>::price"),
            "<shop::Shop as shop::Prices>::price"
        );
        assert_eq!(path("price", || "shop::prices::price::{{closure}}"), "shop::prices::price");
    }

    #[test]
    fn a_namespace_is_the_path_where_that_is_unique() {
        let namespace = |within, here| {
            let location = FunctionLocation::new("shop", "price", within, here, "shop.rs", 12).column(5);
            location.namespace().to_owned()
        };
        let unique: [(_, fn() -> &'static str, _); 6] = [
            ("price::__memo", || "shop::price::__memo::_::{{closure}}", "shop::price"),
            ("__price_memo", || "shop::Shop<T>::__price_memo::{{closure}}", "shop::Shop<T>::price"),
            ("__price_memo", || "shop::<impl net::Shop>::__price_memo", "shop::<impl net::Shop>::price"),
            (
                "__price_memo",
                || "shop::_::<impl shop::Shop>::__price_memo::{{closure}}",
                "shop::<impl shop::Shop>::price",
            ),
            ("price", || "<shop::Shop as shop::Prices>::price", "<shop::Shop as shop::Prices>::price"),
            ("price", || "<u32 as shop::Prices>::price", "<u32 as shop::Prices>::price"),
        ];
        for (within, here, path) in unique {
            assert_eq!(namespace(within, here), path);
        }
        let nested: [(_, fn() -> &'static str, _); 6] = [
            ("price::__memo", || "shop::main::price::__memo", "shop::main::price@12:5"),
            ("price::__memo", || "shop::_::price::__memo", "shop::_::price@12:5"),
            ("__price_memo", || "shop::main::Shop::__price_memo", "shop::main::Shop::price@12:5"),
            (
                "__price_memo",
                || "shop::Shop<T>::new::Own::__price_memo",
                "shop::Shop<T>::new::Own::price@12:5",
            ),
            ("price", || "<shop::main::Shop as shop::P>::price", "<shop::main::Shop as shop::P>::price@12:5"),
            ("price", || "{closure#1} of shop", "shop::price@12:5"),
        ];
        for (within, here, path) in nested {
            assert_eq!(namespace(within, here), path);
        }
        let given =
            FunctionLocation::new("shop", "price", "price", || "", "shop.rs", 1).in_namespace("shop.price");
        assert_eq!(given.namespace(), "shop.price");
    }

    #[test]
    fn where_the_compiler_names_things_in_another_way_there_is_the_module() {
        assert_eq!(path("price", || "{closure#1} of shop"), "shop::price");
    }
}
