//! Import rules of the crates that are divided into layers of modules (rooms): which module may import which.
//!
//! A room is a module at the top of a crate. A file may import from its own room and from the rooms before it
//! ([`CRATES`]), no two files may import each other, directly or around a circle, and no file is longer than
//! [`MOST_LINES`]. Tests, and modules that only tests have, are free.
//!
//! The check reads tokens, not types: `crate::…`, `super::…`, `self::…` and paths that begin with a child
//! module, in `use` and elsewhere. It follows re-exports to the file that defines an item.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::{MAIN_SEPARATOR, Path};

use self::imports::{Import, ModulePath, headers, imports, lines_without_tests, without_tests};
use self::tokens::tokens;
use crate::step::{Outcome, Result, fail, root};

mod imports;
mod tokens;

/// How many lines a file may have, those of its tests aside.
const MOST_LINES: usize = 400;

/// How many generic parameters the header of an `impl` in lru-core may have.
const MOST_PARAMETERS: usize = 4;

/// A crate, and its rooms.
struct Rules {
    sources: &'static str,
    /// From left to right. Modules of one group don't import each other; all import from the groups before.
    rooms: &'static [&'static [&'static str]],
    /// The order of the files of one room.
    inner: Option<(&'static str, &'static [&'static [&'static str]])>,
    /// Free of the rules: only tests have it.
    free: &'static [&'static str],
    most_parameters: usize,
}

const CRATES: &[Rules] = &[
    Rules {
        sources: "lru-core/src",
        rooms: &[
            &["heap_size", "insight"],
            &["key", "observe", "once", "panics", "property", "region", "time"],
            &["budget"],
            &["store", "tags"],
            &["expiry", "flight"],
            &["engine"],
            &["backend"],
            &["function"],
            &["object"],
        ],
        inner: None,
        free: &["model", "interleavings", "thread_orders"],
        most_parameters: MOST_PARAMETERS,
    },
    Rules {
        sources: "lru-macros/src",
        rooms: &[
            &["errors", "pattern", "type_tokens", "attributes", "body", "reader"],
            &["lifetimes", "future_type", "batch_type", "previous"],
            &["args", "surroundings"],
            &["signature"],
            &["impl_block"],
            &["check"],
            &["model"],
            &["expand"],
            &["derive"],
            &["property", "invalidates"],
        ],
        inner: Some((
            "expand",
            &[
                &["bound", "function_ttl"],
                &["cache"],
                &["call"],
                &["backend", "apart", "elements"],
                &["backend_accessors"],
                &["batch_lookup"],
                &["batch_backend", "batch_refresh"],
                &["batch"],
                &["coalesced", "gathered"],
                &["function"],
                &["items"],
                &["entries"],
                &["accessor_bodies"],
                &["accessor_list"],
                &["accessors"],
                &["unchanged"],
                &["impl_block"],
            ],
        )),
        free: &["tests", "snapshots"],
        most_parameters: usize::MAX,
    },
];

/// Checks all crates, and names each import, circle, file and header that breaks a rule.
pub(crate) fn layers() -> Result {
    let mut broken = String::new();
    for rules in CRATES {
        let sources = Sources::read(rules)?;
        let problems = sources.problems(rules);
        println!("{}: {} files, {} problems", rules.sources, sources.files.len(), problems.len());
        for problem in problems {
            _ = writeln!(broken, "  {}/{problem}", rules.sources);
        }
    }
    if broken.is_empty() { Ok(Outcome::Done) } else { fail(format!("import rules are broken:\n{broken}")) }
}

/// A file, as far as it counts.
struct File {
    /// Below the sources.
    name: String,
    module: ModulePath,
    lines: usize,
    imports: Vec<Import>,
    /// The lines of `impl` headers with how many generic parameters they have.
    headers: Vec<(usize, usize)>,
}

/// Where an import leads: a file, by its number, and whether a re-export in another one led there.
struct Target {
    file: usize,
    by_way_of: Option<usize>,
}

struct Sources {
    files: Vec<File>,
    /// Modules, and those in braces, to the number of their file.
    modules: BTreeMap<ModulePath, usize>,
}

impl Sources {
    /// Reads all files of a crate that the rules apply to.
    fn read(rules: &Rules) -> Result<Self> {
        let top = root().join(rules.sources);
        let mut texts = Vec::new();
        list(&top, &top, &mut texts)?;
        Ok(Self::of(&texts, rules))
    }

    /// Files by their names, and their texts.
    fn of(texts: &[(String, String)], rules: &Rules) -> Self {
        let mut sources = Self { files: Vec::new(), modules: BTreeMap::new() };
        let is_free = |name: &String| name == "tests" || rules.free.contains(&name.as_str());
        let mut counted = Vec::new();
        for (name, text) in texts {
            let parts = name.trim_end_matches(".rs").split('/').map(str::to_owned);
            let mut module: ModulePath = parts.filter(|part| part != "mod").collect();
            if module == ["lib"] {
                module.clear();
            }
            if !module.iter().any(is_free) {
                sources.modules.insert(module.clone(), sources.files.len());
                let (imports, headers) = (Vec::new(), Vec::new());
                let lines = lines_without_tests(text);
                sources.files.push(File { name: name.clone(), module, lines, imports, headers });
                counted.push(text);
            }
        }
        let modules: BTreeSet<ModulePath> = sources.modules.keys().cloned().collect();
        for (file, text) in sources.files.iter_mut().zip(counted) {
            let tokens = without_tests(&tokens(text));
            file.headers = headers(&tokens);
            file.imports = imports(&tokens, &file.module, &modules);
        }
        sources
    }

    /// Follows a path to the file that defines what it names.
    fn resolve(&self, path: &[String], depth: usize) -> Option<Target> {
        let length = (0..=path.len()).rev().find(|&length| self.modules.contains_key(&path[..length]))?;
        let file = self.modules[&path[..length]];
        let exported = path.get(length).and_then(|name| {
            self.files[file].imports.iter().find(|import| import.exported.as_ref() == Some(name))
        });
        match exported {
            Some(import) if depth < 8 => {
                let file_beyond = self.resolve(&import.path, depth + 1)?.file;
                Some(Target { file: file_beyond, by_way_of: (file_beyond != file).then_some(file) })
            }
            _ => Some(Target { file, by_way_of: None }),
        }
    }

    fn problems(&self, rules: &Rules) -> Vec<String> {
        let mut problems = Vec::new();
        let mut edges: Vec<BTreeMap<usize, &Import>> = self.files.iter().map(|_| BTreeMap::new()).collect();
        for (number, file) in self.files.iter().enumerate() {
            if file.lines > MOST_LINES {
                problems
                    .push(format!("{}: {} lines without tests, at most {MOST_LINES}", file.name, file.lines));
            }
            for (line, parameters) in file.headers.iter().filter(|(_, count)| *count > rules.most_parameters)
            {
                problems.push(format!(
                    "{}: line {line}: an impl header with {parameters} generic parameters, at most {}",
                    file.name, rules.most_parameters
                ));
            }
            if file.module.is_empty() {
                continue;
            }
            for import in &file.imports {
                let Some(target) = self.resolve(&import.path, 0).filter(|target| target.file != number)
                else {
                    continue;
                };
                if let Some(why) = self.misplaced(rules, file, &target) {
                    problems.push(format!("{}: {import}: {why}", file.name));
                }
                if import.exported.is_none() {
                    edges[number].entry(target.file).or_insert(import);
                }
            }
        }
        problems.extend(self.circle(&edges));
        problems
    }

    /// Why a file may not import from another.
    fn misplaced(&self, rules: &Rules, file: &File, target: &Target) -> Option<String> {
        let other = &self.files[target.file];
        let room = |module: &ModulePath, depth: usize| module.get(depth).cloned().unwrap_or_default();
        if other.module.is_empty() {
            return Some("the root of the crate is for users; import from the module that defines it".into());
        }
        let (own, theirs) = (room(&file.module, 0), room(&other.module, 0));
        if let Some(why) = out_of_order(rules.rooms, &own, &theirs) {
            return Some(why);
        }
        if own != theirs {
            return None;
        }
        if let Some((_, order)) = rules.inner.filter(|(name, _)| *name == own) {
            // The room's own `mod.rs` has what all of its files share.
            let (own, theirs) = (room(&file.module, 1), room(&other.module, 1));
            if !own.is_empty() && !theirs.is_empty() {
                return out_of_order(order, &own, &theirs);
            }
        }
        let by = &self.files[target.by_way_of?];
        let is_parent = by.module.len() < file.module.len() && file.module.starts_with(&by.module);
        is_parent.then(|| format!("a re-export of {}; import it from {}", by.name, other.name))
    }

    /// One circle of files that import each other, if there is any.
    fn circle(&self, edges: &[BTreeMap<usize, &Import>]) -> Option<String> {
        let mut done = vec![false; edges.len()];
        for start in 0..edges.len() {
            let mut path = Vec::new();
            if let Some(circle) = walk(start, edges, &mut path, &mut done) {
                let mut text = String::from("files import each other in a circle:");
                for pair in circle.windows(2) {
                    let (from, to) = (pair[0], pair[1]);
                    _ = write!(text, "\n    {}: {}", self.files[from].name, edges[from][&to]);
                }
                return Some(text);
            }
        }
        None
    }
}

/// Reads all sources below a folder, with their names below `top`.
fn list(top: &Path, folder: &Path, texts: &mut Vec<(String, String)>) -> Result<()> {
    let of = |path: &Path| path.display().to_string();
    let entries = fs::read_dir(folder).or_else(|error| fail(format!("{}: {error}", of(folder))))?;
    let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort_unstable();
    for path in paths {
        if path.is_dir() {
            list(top, &path, texts)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).or_else(|error| fail(format!("{}: {error}", of(&path))))?;
            texts.push((of(path.strip_prefix(top).unwrap_or(&path)).replace(MAIN_SEPARATOR, "/"), text));
        }
    }
    Ok(())
}

/// Looks for a circle from here, and returns it with its first file once more at the end.
fn walk(
    at: usize,
    edges: &[BTreeMap<usize, &Import>],
    path: &mut Vec<usize>,
    done: &mut [bool],
) -> Option<Vec<usize>> {
    if let Some(begin) = path.iter().position(|&file| file == at) {
        let mut circle = path[begin..].to_vec();
        circle.push(at);
        return Some(circle);
    }
    if done[at] {
        return None;
    }
    path.push(at);
    let found = edges[at].keys().find_map(|&next| walk(next, edges, path, done));
    path.pop();
    done[at] = true;
    found
}

/// Why a module may not import from another, by this order.
fn out_of_order(order: &[&[&str]], own: &str, theirs: &str) -> Option<String> {
    let place = |name: &str| order.iter().position(|group| group.contains(&name));
    if own == theirs {
        return None;
    }
    match (place(own), place(theirs)) {
        (Some(own_place), Some(place)) if place < own_place => None,
        (None, _) => Some(format!("`{own}` has no place in the order of modules")),
        (_, None) => Some(format!("`{theirs}` has no place in the order of modules")),
        _ => Some(format!("`{own}` must not import from `{theirs}`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: Rules = Rules {
        sources: "src",
        rooms: &[&["key", "observe"], &["store"], &["engine"]],
        inner: Some(("store", &[&["arena"], &["bounded"]])),
        free: &["model"],
        most_parameters: 2,
    };

    fn problems(files: &[(&str, &str)]) -> Vec<String> {
        let texts: Vec<_> =
            files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        Sources::of(&texts, &RULES).problems(&RULES)
    }

    #[test]
    fn what_is_in_order_is_no_problem() {
        let files = [
            ("lib.rs", "mod key; mod store; mod engine; pub use engine::Engine;"),
            ("key.rs", "pub struct Key; // use crate::engine::Engine"),
            ("store/mod.rs", "mod arena; mod bounded; pub use bounded::Bounded; use crate::key::Key;"),
            ("store/arena.rs", "const TEXT: &str = \"crate::engine\"; const LETTER: char = '\"';"),
            (
                "store/bounded.rs",
                "use super::arena::Arena; #[cfg(test)] mod tests { use crate::engine::Engine; }",
            ),
            (
                "engine.rs",
                "use crate::{key::Key, store::{Bounded, arena::Arena as Slots}}; impl<K, V> E<K, V> {}",
            ),
            ("engine/tests.rs", "use crate::model::Naive;"),
            ("model/mod.rs", "use crate::engine::Engine;"),
        ];
        assert_eq!(problems(&files), [""; 0]);
    }

    #[test]
    fn each_import_against_the_order_is_named() {
        let files = [
            ("key.rs", "fn f() { crate::store::arena::new() }"),
            ("store/mod.rs", "\nuse crate::{\n    key::Key,\n    engine::Engine,\n};"),
            ("store/arena.rs", "use super::bounded::Bounded;"),
            ("store/bounded.rs", ""),
            ("engine.rs", ""),
        ];
        let expected = [
            "key.rs: line 1: `crate::store::arena::new`: `key` must not import from `store`",
            "store/mod.rs: line 4: `crate::engine::Engine`: `store` must not import from `engine`",
            "store/arena.rs: line 1: `crate::store::bounded::Bounded`: `arena` must not import from `bounded`",
        ];
        assert_eq!(problems(&files), expected);
    }

    #[test]
    fn a_circle_is_shown_from_file_to_file() {
        let files = [
            ("engine/lookup.rs", "use super::Engine;"),
            ("engine/mod.rs", "mod lookup; use lookup::Found; pub struct Engine;"),
        ];
        let circle = "files import each other in a circle:\n    \
                      engine/lookup.rs: line 1: `crate::engine::Engine`\n    \
                      engine/mod.rs: line 1: `crate::engine::lookup::Found`";
        assert_eq!(problems(&files), [circle]);
    }

    #[test]
    fn a_siblings_item_is_imported_from_where_it_is_defined() {
        let files = [
            ("engine/mod.rs", "pub use lookup::Found;"),
            ("engine/lookup.rs", "pub struct Found;"),
            ("engine/insert.rs", "use super::Found;"),
        ];
        let expected = "engine/insert.rs: line 1: `crate::engine::Found`: a re-export of engine/mod.rs; \
                        import it from engine/lookup.rs";
        assert_eq!(problems(&files), [expected]);
    }

    #[test]
    fn long_files_and_headers_are_named() {
        let long = "//\n".repeat(MOST_LINES) + "#[cfg(test)]\nmod tests {\n}\n";
        assert_eq!(problems(&[("key.rs", &long)]), [""; 0]);
        let longer = "//\n".to_owned() + &long;
        assert_eq!(problems(&[("key.rs", &longer)]), ["key.rs: 401 lines without tests, at most 400"]);
        let header =
            "impl<'a, T: Into<Vec<(u8, u8)>>, const N: usize> X<T, N> for &'a Y where T: Fn() -> u8 {}";
        let expected = "key.rs: line 1: an impl header with 3 generic parameters, at most 2";
        assert_eq!(problems(&[("key.rs", header)]), [expected]);
    }
}
