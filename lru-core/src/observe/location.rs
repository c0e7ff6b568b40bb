//! Where a memoized function stands in the program: for generated code.
//!
//! An attribute knows the function's name and its module, and not the type of an `impl` around it nor the
//! function around that. The compiler does: the name of a closure's type begins with its path.

use core::any::type_name;
use core::fmt;
use std::boxed::Box;
use std::format;
use std::sync::OnceLock;

/// Where a memoized function stands.
pub struct FunctionLocation {
    module: &'static str,
    name: &'static str,
    /// Below the function's own parent: the path from there to what encloses `here`.
    within: &'static str,
    here: fn() -> &'static str,
    file: &'static str,
    line: u32,
    /// Made when somebody first asks.
    path: OnceLock<Box<str>>,
}

impl FunctionLocation {
    /// Of a function of this name; the path of `here` is that of its parent, `within`, and whatever.
    #[must_use]
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

    /// The path of the function: `shop::Shop::price`.
    pub fn path(&self) -> &str {
        self.path.get_or_init(|| {
            let Self { module, name, within, here, .. } = self;
            let parent = parent((here)(), within).unwrap_or(module);
            format!("{parent}::{name}").into()
        })
    }

    /// The file in which it stands, as the compiler was told of it.
    pub fn file(&self) -> &'static str {
        self.file
    }

    /// The line of its attribute.
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

/// Tells the path of the closure it is given, when it is called.
#[must_use]
pub const fn path_of<F>(_: &F) -> fn() -> &'static str {
    type_name::<F>
}

/// What stands before `within` in a path.
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
