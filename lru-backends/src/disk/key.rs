//! Keys of the file: namespace and key in one.

/// The key of an entry in the file. No namespace is a prefix of another.
pub(super) struct FileKey {
    bytes: Vec<u8>,
    prefix: usize,
}

impl FileKey {
    pub(super) fn new(namespace: &str, key: &[u8]) -> Self {
        let mut bytes = prefix(namespace);
        let prefix = bytes.len();
        bytes.extend_from_slice(key);
        Self { bytes, prefix }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns what all keys of the namespace begin with.
    pub(super) fn prefix(&self) -> &[u8] {
        &self.bytes[..self.prefix]
    }
}

/// Returns what all keys of a namespace begin with.
pub(super) fn prefix(namespace: &str) -> Vec<u8> {
    [format!("{}:", namespace.len()).as_bytes(), namespace.as_bytes(), b":"].concat()
}
