//! What a registry gets: packages, links in their READMEs, the numbers of crates in docs/features.md, the index of examples.

use std::fs;

use crate::step::{Outcome, Result, cargo, fail, output_of, root, run_through};

/// The packages that are published, and their folders.
const PUBLISHED: &[(&str, &str)] = &[
    ("functools", ""),
    ("functools-core", "lru-core/"),
    ("functools-macros", "lru-macros/"),
    ("functools-backends", "lru-backends/"),
    ("functools-page", "lru-page/"),
];

/// What README may link to although it is not packaged: cargo leaves out folders that are packages of their own. On the page of
/// a registry such links lead to `repository`.
const IN_REPOSITORY: &[&str] = &["benches/", "examples/"];

/// The page with a table of features and of how many crates each adds.
const FEATURES_PAGE: &str = "docs/features.md";

/// Packages what is published, and checks the links of its READMEs, the table of features and the index of examples.
pub(crate) fn package() -> Result {
    let names: Vec<_> = PUBLISHED.iter().map(|(name, _)| *name).collect();
    let all = names.join(" --package ");
    run_through(&mut cargo(&format!("package --no-verify --allow-dirty --offline --quiet --package {all}")))?;
    let mut wrong = Vec::new();
    for (name, folder) in PUBLISHED {
        let packaged = output_of(&mut cargo(&format!(
            "package --list --allow-dirty --offline --quiet --package {name}"
        )))?;
        for needed in ["README.md", "LICENSE-APACHE", "LICENSE-MIT"] {
            if !packaged.lines().any(|file| file == needed) {
                wrong.push(format!("{name} is packaged without {needed}"));
            }
        }
        let readme = text(&format!("{folder}README.md"))?;
        for link in relative_links(&readme) {
            let file = link.split('#').next().unwrap_or_default().trim_end_matches('/');
            let is_packaged = packaged.lines().any(|packaged| {
                packaged.strip_prefix(file).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            });
            let is_in_repository = folder.is_empty()
                && IN_REPOSITORY.iter().any(|prefix| file.starts_with(prefix))
                && root().join(file).exists();
            if !is_packaged && !is_in_repository {
                wrong.push(format!("{folder}README.md links to {link}, which is not in the package"));
            }
        }
    }
    wrong.extend(wrong_counts()?);
    wrong.extend(unlisted_examples()?);
    if wrong.is_empty() { Ok(Outcome::Done) } else { fail(wrong.join("\n")) }
}

/// Returns the links of a Markdown text that are relative to its file.
fn relative_links(markdown: &str) -> impl Iterator<Item = &str> {
    // What stands in fences is code.
    let prose = markdown.split("```").step_by(2);
    let starts = prose.flat_map(|text| {
        ["](", "src=\"", "href=\""].into_iter().flat_map(move |mark| text.split(mark).skip(1))
    });
    let links = starts.filter_map(|rest| rest.split([')', '"', ' ']).next());
    links.filter(|link| !link.is_empty() && !link.contains(':') && !link.starts_with('#'))
}

/// Returns what differs between the table of features and the crates that each feature adds on Linux.
fn wrong_counts() -> Result<Vec<String>> {
    let page = text(FEATURES_PAGE)?;
    let default = crates("")?;
    let mut wrong = Vec::new();
    for feature in features()? {
        let with_feature = crates(&format!("--features {feature}"))?;
        let added = with_feature.iter().filter(|name| !default.contains(name)).count();
        // | `feature` | what it adds | number of crates | …
        let row = page.lines().find(|line| line.starts_with(&format!("| `{feature}` |")));
        let stated = row.and_then(|row| row.split('|').nth(3)).map(str::trim);
        if stated != Some(&added.to_string()) {
            let stated = stated.unwrap_or("nothing");
            wrong.push(format!(
                "{FEATURES_PAGE}: `{feature}` adds {added} crates, and the page states {stated}"
            ));
        }
    }
    let stated = format!("**{} crates**", default.len());
    if !page.contains(&stated) {
        wrong.push(format!("{FEATURES_PAGE} does not say that the library compiles {stated}"));
    }
    Ok(wrong)
}

/// Returns the features of the library, in the order of its manifest.
fn features() -> Result<Vec<String>> {
    let manifest = text("Cargo.toml")?;
    let section = manifest.split("\n[features]\n").nth(1).unwrap_or_default();
    let lines = section.lines().take_while(|line| !line.starts_with('['));
    let names = lines.filter_map(|line| line.split_once(" = [")).map(|(name, _)| name.to_owned());
    Ok(names.collect())
}

/// Returns the third-party crates that the library makes a user compile on Linux, with their versions.
fn crates(features: &str) -> Result<Vec<String>> {
    let tree = output_of(&mut cargo(&format!(
        "tree --offline --package functools --edges normal,build --target x86_64-unknown-linux-gnu \
         --prefix none --format {{p}} {features}"
    )))?;
    // Cargo prints the folder of packages in this repository.
    let theirs = tree.lines().filter(|package| !package.contains(std::path::MAIN_SEPARATOR));
    let mut crates: Vec<String> =
        theirs.map(|package| package.split_whitespace().take(2).collect::<Vec<_>>().join(" ")).collect();
    crates.sort_unstable();
    crates.dedup();
    Ok(crates)
}

/// Returns the examples that are not in their index.
fn unlisted_examples() -> Result<Vec<String>> {
    let index = text("examples/README.md")?;
    let files = fs::read_dir(root().join("examples")).or_else(|error| fail(format!("examples: {error}")))?;
    let names = files.filter_map(|file| file.ok()?.file_name().into_string().ok());
    let unlisted = names.filter(|name| name != "README.md" && !index.contains(&format!("| `{name}` |")));
    Ok(unlisted.map(|name| format!("examples/README.md does not list `{name}`")).collect())
}

fn text(file: &str) -> Result<String> {
    fs::read_to_string(root().join(file)).or_else(|error| fail(format!("{file}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::relative_links;

    #[test]
    fn links_of_prose_are_found() {
        let text = "[a](docs/a.md#b) [b](#b) [c](https://c) <img src=\"d.svg\"/> [e](e.md \"title\")\n```text\n[f](f)\n```\n[g](g)";
        let found: Vec<_> = relative_links(text).collect();
        assert_eq!(found, ["docs/a.md#b", "e.md", "d.svg", "g"]);
    }
}
