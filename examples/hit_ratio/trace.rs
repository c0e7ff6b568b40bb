//! A trace: the keys that were asked for, in their order.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use crate::Failure;

/// What every gz file begins with.
const GZ: [u8; 2] = [0x1f, 0x8b];

pub(crate) struct Trace {
    pub(crate) name: String,
    pub(crate) keys: Vec<u64>,
}

impl Trace {
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let failure = |why: String| Failure(format!("{}: {why}", path.display()));
        let file = File::open(path).map_err(|error| failure(error.to_string()))?;
        let mut file = BufReader::new(file);
        let is_gz = file.fill_buf().map_err(|error| failure(error.to_string()))?.starts_with(&GZ);
        let text: Box<dyn Read> = if is_gz { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };

        let mut keys = Vec::new();
        for (number, line) in (1..).zip(BufReader::new(text).lines()) {
            let line = line.map_err(|error| failure(format!("line {number}: {error}")))?;
            let key = line.trim().parse();
            keys.push(key.map_err(|_| {
                failure(format!("line {number}: {line:?} is no key; expected a decimal number below 2^64"))
            })?);
        }
        if keys.is_empty() {
            return Err(failure("there is no key in it".to_owned()));
        }
        Ok(Self { name: name(path), keys })
    }

    pub(crate) fn unique(&self) -> usize {
        self.keys.iter().collect::<HashSet<_>>().len()
    }

    /// The part of all requests that so many hits are.
    #[expect(clippy::cast_precision_loss, reason = "nobody counts that far")]
    pub(crate) fn ratio(&self, hits: usize) -> f64 {
        hits as f64 / self.keys.len() as f64
    }
}

/// What a trace is called: its file's name up to the first dot.
pub(crate) fn name(path: &Path) -> String {
    let file = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    file.split('.').find(|part| !part.is_empty()).unwrap_or("trace").to_owned()
}
