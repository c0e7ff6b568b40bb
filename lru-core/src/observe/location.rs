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
    /// Made at the first use.
    path: OnceLock<Box<str>>,
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
        Self { module, name, within, here, file, line, path: OnceLock::new() }
    }

    /// Returns the path of the function, such as `shop::Shop::price`.
    pub fn path(&self) -> &str {
        self.path.get_or_init(|| {
            let Self { module, name, within, here, .. } = self;
            let parent = parent((here)(), within).unwrap_or(module);
            format!("{parent}::{name}").into()
        })
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
    fn where_the_compiler_names_things_in_another_way_there_is_the_module() {
        assert_eq!(path("price", || "{closure#1} of shop"), "shop::price");
    }
}
