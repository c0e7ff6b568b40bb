//! The page as text: `page.html` with a row for each function.
//!
//! The script in the page updates the columns from `cache_info`.

use core::fmt::{self, Display, Write};
use std::path::MAIN_SEPARATOR;

use lru_core::registry::Function;

/// The placeholder of the rows.
const ROWS: &str = "<!-- rows -->";

/// Renders the page for these functions.
pub(crate) fn of(functions: impl Iterator<Item = &'static Function>) -> String {
    let mut rows = String::new();
    for function in functions {
        let written = write_row(&mut rows, function);
        debug_assert!(written.is_ok(), "writing to a `String` cannot fail");
    }
    include_str!("page.html").replacen(ROWS, &rows, 1)
}

fn write_row(page: &mut String, function: &Function) -> fmt::Result {
    let (info, stats) = (function.info(), function.stats());
    let (path, file) = (Escaped(function.path()), function.file());
    let short = file.rsplit(MAIN_SEPARATOR).next().unwrap_or(file);
    let (file, short, line) = (Escaped(file), Escaped(short), function.line());
    write!(page, r#"<tr data-path="{path}"><th scope="row">{path}"#)?;
    write!(page, r#"<small title="{file}:{line}">{short}:{line}</small></th>"#)?;
    column(page, "hits", info.hits)?;
    column(page, "misses", info.misses)?;
    match info.hits + info.misses {
        0 => column(page, "hit_ratio", '–')?,
        _ => column(page, "hit_ratio", format_args!("{:.1} %", 100.0 * info.hit_ratio()))?,
    }
    page.push_str(r#"<td><svg class="recent" viewBox="0 0 120 24" aria-hidden="true"><path/></svg></td>"#);
    match info.maxsize {
        None => column(page, "size", format_args!("{} / ∞", info.currsize))?,
        Some(maxsize) => column(page, "size", format_args!("{} / {maxsize}", info.currsize))?,
    }
    column(page, "evictions", stats.evictions)?;
    column(page, "expiries", stats.expiries)?;
    column(page, "coalesced", stats.coalesced)?;
    column(page, "stale_hits", stats.stale_hits)?;
    column(page, "refreshes", stats.refreshes)?;
    column(page, "errors", stats.errors)?;
    match stats.computing {
        Some(took) => column(page, "computing_sec", format_args!("{:.3} s", took.as_secs_f64()))?,
        None => column(page, "computing_sec", '–')?,
    }
    match stats.backend_time {
        Some(took) => {
            let requests = u32::try_from(stats.backend_requests).unwrap_or(u32::MAX).max(1);
            column(page, "backend_sec", format_args!("{:.1} ms", (took / requests).as_secs_f64() * 1e3))?;
        }
        None => column(page, "backend_sec", '–')?,
    }
    let (read, sent) = (Size(stats.backend_bytes_read), Size(stats.backend_bytes_written));
    match stats.backend_requests {
        0 => column(page, "backend_bytes", '–')?,
        _ => column(page, "backend_bytes", format_args!("{read} / {sent}"))?,
    }
    match stats.backend_state {
        Some(circuit) => column(page, "backend_state", circuit)?,
        None => column(page, "backend_state", '–')?,
    }
    writeln!(page, r#"<td><button type="button" aria-label="Clear {path}">Clear</button></td></tr>"#)
}

fn column(page: &mut String, name: &str, value: impl Display) -> fmt::Result {
    write!(page, r#"<td data-column="{name}">{value}</td>"#)
}

/// A number of bytes, in the largest unit of which there is at least one.
struct Size(u64);

impl Display for Size {
    #[expect(clippy::cast_precision_loss, reason = "one decimal is shown")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut size, mut units) = (self.0 as f64, ["kB", "MB", "GB"].into_iter());
        if size < 1e3 {
            return write!(f, "{} B", self.0);
        }
        let mut unit = "";
        while size >= 1e3 {
            let Some(next) = units.next() else { break };
            (size, unit) = (size / 1e3, next);
        }
        write!(f, "{size:.1} {unit}")
    }
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
    use super::*;

    #[test]
    fn what_has_a_meaning_in_html_is_escaped() {
        let path = r#"<Shop<'a> as Prices>::price & "co""#;
        let escaped = "&lt;Shop&lt;&#39;a&gt; as Prices&gt;::price &amp; &quot;co&quot;";
        assert_eq!(Escaped(path).to_string(), escaped);
    }

    #[test]
    fn sizes_have_a_unit() {
        let sizes = [0, 999, 1_000, 25_600, 999_900, 3_500_000, 12_000_000_000, 2_000_000_000_000];
        let shown = ["0 B", "999 B", "1.0 kB", "25.6 kB", "999.9 kB", "3.5 MB", "12.0 GB", "2000.0 GB"];
        assert_eq!(sizes.map(|size| Size(size).to_string()), shown);
    }

    #[test]
    fn a_page_without_functions_is_a_page() {
        let page = of([].into_iter());
        assert!(page.ends_with("</html>\n") && !page.contains(ROWS) && !page.contains("<tr data-path"));
    }
}
