//! A trace: the keys of recorded calls, in order.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use crate::Failure;

/// The first bytes of a gzip file.
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

    /// The hit ratio for a number of hits.
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
    pub(crate) fn ratio(&self, hits: usize) -> f64 {
        hits as f64 / self.keys.len() as f64
    }
}

/// The name of a trace: its file name up to the first dot.
pub(crate) fn name(path: &Path) -> String {
    let file = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    file.split('.').find(|part| !part.is_empty()).unwrap_or("trace").to_owned()
}
