//! The figures in README's comparison are those of RESULTS.md.

const README: &str = include_str!("../../README.md");
const RESULTS: &str = include_str!("../RESULTS.md");

/// Returns the cells of the table's row with this label.
fn row<'a>(table: &'a str, label: &str) -> Vec<&'a str> {
    let row = table.lines().map(cells).find(|row| row.first() == Some(&label));
    row.unwrap_or_else(|| panic!("there is no row `{label}`"))
}

fn cells(line: &str) -> Vec<&str> {
    line.trim().trim_matches('|').split(" | ").map(str::trim).collect()
}

/// Returns the part of RESULTS.md that begins with the table of this heading.
fn table(heading: &str) -> &'static str {
    let (_, table) = RESULTS.split_once(heading).unwrap_or_else(|| panic!("there is no table `{heading}`"));
    table.split_once("\n\n").map_or(table, |(table, _)| table)
}

/// Returns a multiple as README has it: without the allocations in brackets, and with its nanoseconds.
fn with_nanoseconds(multiple: &str, lock: f64) -> String {
    let multiple = multiple.split(' ').next().unwrap();
    let nanoseconds = multiple.parse::<f64>().unwrap() * lock;
    format!("{multiple} · {nanoseconds:.0} ns")
}

#[test]
fn readme_has_the_figures_of_the_results() {
    let (_, block) = README.split_once("<!-- From benches/RESULTS.md").expect("the comparison is marked");
    let (block, _) = block.split_once("<!-- end -->").expect("the comparison has an end");
    let lock = row(RESULTS, "ReentrantMutex, lock and unlock")[1].parse::<f64>().unwrap();
    let hits = table("| hit, bounded 128, all 128 in turn |");
    let misses = table("| miss with eviction, bounded 128 | `u64`");
    let threads = table("| hit, bounded 128 | one hot key: 1 thread |");

    let rows: Vec<_> = block.lines().map(cells).filter(|row| row[0].starts_with('`')).collect();
    assert!(rows.len() >= 6, "the comparison has too few rows");
    for shown in rows {
        let library = shown[0];
        let (hit, miss) = (row(hits, library), row(misses, library));
        let expected = [
            with_nanoseconds(hit[1], lock),
            with_nanoseconds(hit[3], lock),
            with_nanoseconds(miss[1], lock),
            row(threads, library)[6].to_string(), // two threads, Zipf
        ];
        assert_eq!(shown[1..], expected, "{library}");
    }
}
