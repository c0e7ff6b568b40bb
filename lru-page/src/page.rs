//! The page as text: `page.html` with a heading for each column and a row for each function.
//!
//! The script in the page updates the columns from `cache_info`.

use core::fmt::{self, Display, Write};
use std::path::MAIN_SEPARATOR;

use serde_json::Value;

/// Whether the page has buttons that change something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Full,
    ReadOnly,
}

/// The placeholder of the headings.
const HEADINGS: &str = "<!-- headings -->";

/// The placeholder of the rows.
const ROWS: &str = "<!-- rows -->";

/// The placeholder of the class of the table.
const BACKEND: &str = "<!-- backend -->";

/// What is between these two is left out of a page that changes nothing.
const CHANGES: [&str; 2] = ["<!-- changes -->", "<!-- /changes -->"];

/// A column: its name, its heading and what the heading means.
struct Column {
    name: &'static str,
    heading: &'static str,
    meaning: &'static str,
    content: Content,
}

/// The content of the cells of a column.
#[derive(Clone, Copy)]
enum Content {
    /// A number, by which the rows can be sorted.
    Number(fn(&Value) -> String),
    /// A drawing by the script.
    Drawing,
}

use Content::{Drawing, Number};

const COLUMNS: [Column; 14] = [
    Column {
        name: "calls_per_sec",
        heading: "Calls/s",
        meaning: "Calls per second, hits and misses",
        content: Number(|it| rate(&all(it)["calls_per_sec"])),
    },
    Column {
        name: "hit_ratio",
        heading: "Hit ratio",
        meaning: "The share of calls that were answered without running the function",
        content: Number(|it| percent(&all(it)["hit_ratio"])),
    },
    Column {
        name: "recent",
        heading: "Last hour",
        meaning: "The hit ratio in the last hour, from 0 to 100 %",
        content: Drawing,
    },
    Column {
        name: "mean",
        heading: "Mean time",
        meaning: "How long the function ran on average. It is measured with single_flight (in every async fn), swr, \
                  stale_if_error and backend only",
        content: Number(|it| time(&all(it)["computing"]["mean_sec"])),
    },
    Column {
        name: "p99",
        heading: "p99",
        meaning: "99 % of the computations took no longer than this",
        content: Number(|it| time(&all(it)["computing"]["p99_sec"])),
    },
    Column {
        name: "times",
        heading: "Times",
        meaning: "How many computations took how long: a bar for each power of two from 1 µs at the left to 1 min at the right",
        content: Drawing,
    },
    Column {
        name: "errors",
        heading: "Errors",
        meaning: "Computations that returned an Err",
        content: Number(|it| text(&all(it)["errors"])),
    },
    Column {
        name: "stale_hits",
        heading: "Stale hits",
        meaning: "Calls that were answered by a stale result, with swr or stale_if_error",
        content: Number(|it| text(&all(it)["stale_hits"])),
    },
    Column {
        name: "evictions",
        heading: "Evictions",
        meaning: "Entries that the eviction policy removed because the cache was full",
        content: Number(|it| text(&all(it)["evictions"])),
    },
    Column {
        name: "size",
        heading: "Size / max",
        meaning: "The number of entries now, or their weight, and the capacity",
        content: Number(|it| {
            let maxsize = if it["maxsize"].is_null() { "∞".into() } else { text(&it["maxsize"]) };
            format!("{} / {maxsize}", it["currsize"])
        }),
    },
    Column {
        name: "backend_hits",
        heading: "Backend hits",
        meaning: "Calls that were answered by the backend",
        content: Number(|it| text(&all(it)["backend_hits"])),
    },
    Column {
        name: "backend_errors",
        heading: "Backend errors",
        meaning: "Operations of the backend that failed",
        content: Number(|it| text(&all(it)["backend_errors"])),
    },
    Column {
        name: "backend_mean",
        heading: "Backend mean",
        meaning: "How long a request to the backend took on average",
        content: Number(|it| time(&all(it)["backend"]["mean_sec"])),
    },
    Column {
        name: "backend_p99",
        heading: "Backend p99",
        meaning: "99 % of the requests to the backend took no longer than this",
        content: Number(|it| time(&all(it)["backend"]["p99_sec"])),
    },
];

/// Renders the page for the functions in this report.
pub(crate) fn of(report: &Value, mode: Mode) -> String {
    let (mut headings, mut rows) = (String::new(), String::new());
    let functions = || report["functions"].as_array().into_iter().flatten();
    let written = write_headings(&mut headings)
        .and_then(|()| functions().try_for_each(|function| write_row(&mut rows, function, mode)));
    debug_assert!(written.is_ok(), "writing to a `String` cannot fail");
    let has_backend = functions().any(|it| it["backend_requests"] != 0 || !it["backend_state"].is_null());
    let page = of_mode(include_str!("page.html"), mode);
    let page = page.replacen(BACKEND, if has_backend { "" } else { "no-backend" }, 1);
    page.replacen(HEADINGS, &headings, 1).replacen(ROWS, &rows, 1)
}

/// Leaves out what a page of this mode does not have.
fn of_mode(page: &str, mode: Mode) -> String {
    let [begin, end] = CHANGES;
    match mode {
        Mode::Full => page.replace(begin, "").replace(end, ""),
        Mode::ReadOnly => {
            let mut parts = page.split(begin);
            let first = parts.next();
            first.into_iter().chain(parts.filter_map(|part| Some(part.split_once(end)?.1))).collect()
        }
    }
}

fn write_headings(page: &mut String) -> fmt::Result {
    for Column { name, heading, meaning, content } in &COLUMNS {
        write!(page, r#"<th scope="col" role="columnheader" data-column="{name}">"#)?;
        match content {
            Number(_) => write!(
                page,
                r#"<button type="button" data-sort="{name}" data-tip="{meaning}">{heading}</button></th>"#
            )?,
            Drawing => write!(page, r#"<span tabindex="0" data-tip="{meaning}">{heading}</span></th>"#)?,
        }
    }
    Ok(())
}

fn write_row(page: &mut String, function: &Value, mode: Mode) -> fmt::Result {
    let (path, file) = (function["path"].as_str(), function["file"].as_str());
    let (path, file) = (path.unwrap_or_default(), file.unwrap_or_default());
    let short = file.rsplit(MAIN_SEPARATOR).next().unwrap_or(file);
    let (name, path) = (Escaped(path).to_string().replace("::", "::<wbr>"), Escaped(path));
    let (file, short, line) = (Escaped(file), Escaped(short), &function["line"]);
    write!(
        page,
        r#"<tbody role="rowgroup"><tr role="row" data-path="{path}"><th scope="row" role="rowheader">"#
    )?;
    write!(page, r#"<button type="button" class="more" aria-expanded="false">{name}</button>"#)?;
    write!(page, r#"<small title="{file}:{line}">{short}:{line}</small></th>"#)?;
    for Column { name, heading, content, .. } in &COLUMNS {
        write!(page, r#"<td role="cell" data-column="{name}" data-label="{heading}">"#)?;
        match content {
            Number(number) => write!(page, "{}</td>", number(function))?,
            Drawing => write!(page, r#"<svg viewBox="0 0 84 24" role="img"><path/></svg></td>"#)?,
        }
    }
    if mode == Mode::Full {
        write!(page, r#"<td role="cell" class="changes">"#)?;
        write!(page, r#"<button type="button" data-do="clear" aria-label="Clear {path}">Clear</button>"#)?;
        write!(
            page,
            r#"<button type="button" data-do="reset" aria-label="Reset {path}">Reset</button></td>"#
        )?;
    }
    write!(page, r#"</tr><tr role="row" hidden><td role="cell" colspan="16">"#)?;
    write!(
        page,
        r#"<figure hidden><figcaption></figcaption><svg viewBox="0 0 600 90" preserveAspectRatio="none" "#
    )?;
    write!(page, r#"role="img"><line y1="0" y2="90"/><path/></svg><small><span></span></small></figure>"#)?;
    writeln!(page, "<dl></dl></td></tr></tbody>")
}

/// Returns the numbers of all time.
fn all(function: &Value) -> &Value {
    &function["windows"]["all"]
}

/// What is not known.
const NONE: &str = "–";

fn text(value: &Value) -> String {
    if value.is_null() { NONE.into() } else { value.to_string() }
}

fn percent(ratio: &Value) -> String {
    ratio.as_f64().map_or_else(|| NONE.into(), |ratio| format!("{:.1} %", 100.0 * ratio))
}

fn rate(rate: &Value) -> String {
    rate.as_f64().map_or_else(|| NONE.into(), three_digits)
}

/// Returns a time in seconds with a unit.
fn time(seconds: &Value) -> String {
    match seconds.as_f64() {
        None => NONE.into(),
        Some(seconds) if seconds < 1e-3 => format!("{} µs", three_digits(1e6 * seconds)),
        Some(seconds) if seconds < 1.0 => format!("{} ms", three_digits(1e3 * seconds)),
        Some(seconds) => format!("{} s", three_digits(seconds)),
    }
}

/// Returns a number with three digits, or more in front of the point.
fn three_digits(number: f64) -> String {
    let places = if number >= 100.0 {
        0
    } else if number >= 10.0 {
        1
    } else {
        2
    };
    format!("{number:.places$}")
}

/// Text escaped for HTML, between tags and in double quotes.
struct Escaped<'a>(&'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|letter| match letter {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            '\'' => f.write_str("&#39;"),
            letter => f.write_char(letter),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_has_a_meaning_in_html_is_escaped() {
        let path = r#"<Shop<'a> as Prices>::price & "co""#;
        let escaped = "&lt;Shop&lt;&#39;a&gt; as Prices&gt;::price &amp; &quot;co&quot;";
        assert_eq!(Escaped(path).to_string(), escaped);
    }

    #[test]
    fn times_have_a_unit() {
        let times = [json!(null), json!(0.000_001_5), json!(0.001), json!(0.0125), json!(0.2), json!(75.0)];
        assert_eq!(times.each_ref().map(time), ["–", "1.50 µs", "1.00 ms", "12.5 ms", "200 ms", "75.0 s"]);
    }

    #[test]
    fn a_page_without_functions_is_a_page() {
        let page = of(&json!({ "functions": [] }), Mode::Full);
        assert!(page.ends_with("</html>\n") && !page.contains("<tr data-path"));
        assert!(!page.contains(ROWS) && !page.contains(HEADINGS));
        assert_eq!(page.matches("data-tip=").count(), COLUMNS.len() + 1);
    }

    #[test]
    fn a_page_that_changes_nothing_has_no_buttons_for_it() {
        let report = json!({ "functions": [{ "path": "f", "file": "f.rs", "line": 1 }] });
        let (full, read_only) = (of(&report, Mode::Full), of(&report, Mode::ReadOnly));
        for word in ["Clear", "Reset", "clear_cache", "reset_counters"] {
            assert!(full.contains(word) && !read_only.contains(word), "{word}");
        }
        assert!(read_only.ends_with("</html>\n") && read_only.contains("<tr role=\"row\" data-path=\"f\">"));
    }
}
