//! The properties of one source file: the paths that it imports, its length, and its `impl` headers.

use std::collections::BTreeSet;
use std::fmt;

use super::tokens::{Kind, Token};

/// The path of a module or an item in its crate: `engine::lookup`.
pub(crate) type ModulePath = Vec<String>;

/// A path in a file, and where it leads.
pub(crate) struct Import {
    pub(crate) line: usize,
    pub(crate) path: ModulePath,
    /// The name by which a `pub use` hands it on.
    pub(crate) exported: Option<String>,
}

impl fmt::Display for Import {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: `crate::{}`", self.line, self.path.join("::"))
    }
}

/// All paths in a file of this module that lead to modules of its crate.
pub(crate) fn imports(tokens: &[Token], module: &ModulePath, modules: &BTreeSet<ModulePath>) -> Vec<Import> {
    let mut reader = Reader { tokens, modules, imports: Vec::new() };
    reader.read(module, 0, tokens.len());
    reader.imports
}

/// Reads the paths of a file.
struct Reader<'a> {
    tokens: &'a [Token],
    modules: &'a BTreeSet<ModulePath>,
    imports: Vec<Import>,
}

impl Reader<'_> {
    fn is(&self, at: usize, text: &str) -> bool {
        self.tokens.get(at).is_some_and(|token| token.text == text)
    }

    /// Reads from one token to another, in this module.
    fn read(&mut self, module: &ModulePath, from: usize, to: usize) {
        let mut at = from;
        while at < to {
            let token = &self.tokens[at];
            if token.text == "mod" && self.is(at + 2, "{") {
                let end = close(self.tokens, at + 2);
                let inner = joined(module, &self.tokens[at + 1].text);
                self.read(&inner, at + 3, end);
                at = end;
            } else if token.text == "use" {
                let end = (at..to).find(|&end| self.is(end, ";")).unwrap_or(to);
                let is_exported = at > 0 && (self.is(at - 1, "pub") || self.is(at - 1, ")"));
                self.path(module, at + 1, is_exported, true);
                at = end;
            } else if token.kind == Kind::Word && self.is(at + 1, "::") {
                let follows = at > 0 && (self.is(at - 1, "::") || self.is(at - 1, "$"));
                if !follows {
                    self.path(module, at, false, false);
                }
                // Past the path: its later words begin none.
                while self.is(at + 1, "::")
                    && self.tokens.get(at + 2).is_some_and(|next| next.kind == Kind::Word)
                {
                    at += 2;
                }
            }
            at += 1;
        }
    }

    /// Reads a path that begins here. Elsewhere than in a `use` it ends with the first word of no module.
    fn path(&mut self, module: &ModulePath, at: usize, is_exported: bool, is_use: bool) {
        let mut at = at;
        if self.is(at, "::") {
            return;
        }
        let first = &self.tokens[at].text;
        let mut path = match first.as_str() {
            "crate" => Vec::new(),
            "self" => module.clone(),
            "super" => parent(module),
            child if self.modules.contains(&joined(module, child)) => joined(module, child),
            _ => return,
        };
        while first == "super" && self.is(at + 1, "::") && self.is(at + 2, "super") {
            path = parent(&path);
            at += 2;
        }
        self.tree(path, at + 1, is_exported, is_use);
    }

    /// Reads what follows a path: `::word`, `::{…}`, `::*` or the end.
    fn tree(&mut self, mut path: ModulePath, at: usize, is_exported: bool, is_use: bool) {
        let line = self.tokens[at.min(self.tokens.len()) - 1].line;
        if !self.is(at, "::") {
            let is_renamed = self.is(at, "as");
            let alias = self.tokens.get(at + 1).filter(|_| is_renamed).map(|token| token.text.clone());
            let exported = alias.or_else(|| path.last().cloned()).filter(|_| is_exported);
            self.imports.push(Import { line, path, exported });
        } else if self.is(at + 1, "{") && is_use {
            let end = close(self.tokens, at + 1);
            let mut begin = at + 2;
            while begin < end {
                if self.is(begin, "self") {
                    self.tree(path.clone(), begin + 1, is_exported, is_use);
                } else if self.tokens[begin].kind == Kind::Word {
                    let inner = joined(&path, &self.tokens[begin].text);
                    self.tree(inner, begin + 1, is_exported, is_use);
                }
                begin = self.next_in_list(begin, end);
            }
        } else if let Some(next) = self.tokens.get(at + 1).filter(|next| next.kind == Kind::Word) {
            path.push(next.text.clone());
            self.tree(path, at + 2, is_exported, is_use);
        } else {
            self.imports.push(Import { line, path, exported: None });
        }
    }

    /// Where the next member of a list begins.
    fn next_in_list(&self, from: usize, end: usize) -> usize {
        let mut at = from;
        while at < end && !self.is(at, ",") {
            at = if self.is(at, "{") { close(self.tokens, at) + 1 } else { at + 1 };
        }
        at + 1
    }
}

fn joined(module: &ModulePath, name: &str) -> ModulePath {
    module.iter().cloned().chain([name.to_owned()]).collect()
}

fn parent(module: &ModulePath) -> ModulePath {
    module[..module.len().saturating_sub(1)].to_vec()
}

/// The token that closes what this one opens.
fn close(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    tokens.len().saturating_sub(1)
}

/// The tokens without items that only tests have.
pub(crate) fn without_tests(all: &[Token]) -> Vec<Token> {
    let mut kept = Vec::new();
    let mut at = 0;
    while at < all.len() {
        let is_attribute = all[at].text == "#" && all.get(at + 1).is_some_and(|next| next.text == "[");
        if !is_attribute {
            kept.push(all[at].clone());
            at += 1;
            continue;
        }
        let end = close(all, at + 1);
        let words: Vec<_> = all[at + 2..end].iter().map(|token| token.text.as_str()).collect();
        if !matches!(
            words[..],
            ["cfg", "(", "test", ")"] | ["cfg", "(", "any", "(", "test", ",", "fuzzing", ..]
        ) {
            kept.extend_from_slice(&all[at..=end]);
            at = end + 1;
            continue;
        }
        // The item ends with `;`, or with its braces.
        at = end + 1;
        while at < all.len() {
            match all[at].text.as_str() {
                ";" | "," => break,
                "{" => {
                    at = close(all, at);
                    break;
                }
                "(" | "[" => at = close(all, at),
                _ => {}
            }
            at += 1;
        }
        at += 1;
    }
    kept
}

/// The lines of a file, those of a `#[cfg(test)] mod tests { … }` aside.
pub(crate) fn lines_without_tests(text: &str) -> usize {
    let lines: Vec<_> = text.lines().collect();
    let begins = |at: &usize| {
        lines[*at] == "#[cfg(test)]"
            && lines.get(at + 1).is_some_and(|next| next.contains("mod ") && next.ends_with('{'))
    };
    (0..lines.len()).find(begins).unwrap_or(lines.len())
}

/// The lines of all headers `impl<…>`, with how many generic parameters they have.
pub(crate) fn headers(tokens: &[Token]) -> Vec<(usize, usize)> {
    let is = |at: usize, text: &str| tokens.get(at).is_some_and(|token| token.text == text);
    let starts =
        (0..tokens.len()).filter(|&at| is(at, "impl") && is(at + 1, "<") && (at == 0 || !is(at - 1, ":")));
    let counted = |start: usize| {
        let (mut at, mut depth, mut parameters, mut is_open) = (start + 2, 1_usize, 0, true);
        while at < tokens.len() && depth > 0 {
            match tokens[at].text.as_str() {
                "<" => depth += 1,
                ">" => depth -= 1,
                "(" | "[" | "{" => at = close(tokens, at),
                "," if depth == 1 => is_open = true,
                _ if is_open => {
                    parameters += 1;
                    is_open = false;
                }
                _ => {}
            }
            at += 1;
        }
        (tokens[start].line, parameters)
    };
    starts.map(counted).collect()
}
