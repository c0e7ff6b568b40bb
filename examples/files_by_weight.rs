//! A bound on memory instead of entries: the weight of a loaded file is its length.
//!
//! Run it with `cargo run --example files_by_weight`.

use std::path::Path;
use std::{env, fs, io, process};

use functools::{RemovalCause, lru_cache};

/// The bound on the total length of all cached files.
const BYTES: usize = 1000;

#[lru_cache(maxsize = BYTES, weight = |_, text| text.len(), on_evict = log)]
fn load(path: &Path) -> io::Result<String> {
    println!("  reading {}", name(path));
    fs::read_to_string(path)
}

fn log(path: &Path, text: &str, cause: RemovalCause) {
    println!("  {cause:?}: {}, {} bytes", name(path), text.len());
}

fn name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or("?")
}

fn main() -> io::Result<()> {
    let folder = env::temp_dir().join(format!("files_by_weight-{}", process::id()));
    fs::create_dir_all(&folder)?;
    for (file, bytes) in [("small", 100), ("middle", 400), ("large", 700), ("huge", 1001)] {
        fs::write(folder.join(file), "x".repeat(bytes))?;
    }
    for file in ["small", "middle", "small", "large", "middle", "huge", "huge"] {
        println!("{file}: {} bytes", load(&folder.join(file))?.len());
        println!("  {}", load::cache_info());
    }
    println!("\nA file heavier than the bound is returned and not cached.");
    fs::remove_dir_all(&folder)
}
