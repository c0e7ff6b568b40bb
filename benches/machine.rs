//! The machine and the compiler that measurements were made with; used by the benches and `xtask`.

use std::process::Command;
use std::time::{Duration, UNIX_EPOCH};
use std::{env, fs, thread};

/// Returns the date, processor, system and compiler of this run.
pub fn machine() -> String {
    let read = |path: &str, key: &str| {
        let text = fs::read_to_string(path).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix(key))?;
        Some(line.trim_start_matches([' ', '\t', ':', '=']).trim_matches('"').to_owned())
    };
    let processor = read("/proc/cpuinfo", "model name").unwrap_or_else(|| env::consts::ARCH.into());
    let system = read("/etc/os-release", "PRETTY_NAME").unwrap_or_else(|| env::consts::OS.into());
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let rustc = Command::new("rustc").arg("--version").output().map_or_else(
        |_| "rustc of unknown version".into(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    );
    format!(
        "{}, {processor} ({cores} cores), {system}, {rustc}",
        date(UNIX_EPOCH.elapsed().unwrap_or_default())
    )
}

/// Returns the UTC date at this time after the beginning of 1970.
fn date(since: Duration) -> String {
    let is_leap = |year| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let (mut year, mut month, mut day) = (1970, 1, since.as_secs() / 86_400);
    loop {
        let days = match month {
            2 => 28 + u64::from(is_leap(year)),
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        if day < days {
            return format!("{year}-{month:02}-{:02}", day + 1);
        }
        day -= days;
        (year, month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    }
}
