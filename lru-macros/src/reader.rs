//! What reads the expansion of an attribute.

use std::env;
use std::path::Path;

/// What reads an expansion.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reader {
    /// It compiles it.
    Compiler,
    /// It shows it, and completes names from it: rust-analyzer, which hides `#[doc(hidden)]` functions of other
    /// crates only.
    Editor,
}

impl Reader {
    /// Returns the reader of this process.
    pub(crate) fn current() -> Self {
        env::current_exe().map_or(Self::Compiler, |program| Self::of(&program))
    }

    /// Returns the reader that a program expands attributes for. rust-analyzer does so in a process of its own,
    /// `rust-analyzer-proc-macro-srv`, or in one of `rust-analyzer` itself.
    fn of(program: &Path) -> Self {
        let name = program.file_stem().and_then(|name| name.to_str());
        if name.is_some_and(|name| name.starts_with("rust-analyzer")) { Self::Editor } else { Self::Compiler }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rust_analyzer_is_an_editor() {
        assert_eq!(Reader::of(Path::new("/toolchain/libexec/rust-analyzer-proc-macro-srv")), Reader::Editor);
        assert_eq!(Reader::of(Path::new("/usr/bin/rust-analyzer")), Reader::Editor);
        assert_eq!(Reader::of(Path::new("rust-analyzer-proc-macro-srv.exe")), Reader::Editor);
    }

    #[test]
    fn all_else_compiles() {
        assert_eq!(Reader::of(Path::new("/toolchain/bin/rustc")), Reader::Compiler);
        assert_eq!(Reader::of(Path::new("/target/debug/deps/lru_macros-0123")), Reader::Compiler);
        assert_eq!(Reader::of(Path::new("/")), Reader::Compiler);
        assert_eq!(Reader::current(), Reader::Compiler);
    }
}
