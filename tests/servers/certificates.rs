//! Certificates for servers and clients, made by `openssl`.

use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use crate::files::Folder;

/// The number of the next folder.
static NEXT: AtomicU32 = AtomicU32::new(0);

/// A certificate that is signed by itself, and its key: as files and as PEM text.
pub(crate) struct Certificate {
    pub(crate) file: String,
    pub(crate) key_file: String,
    pub(crate) pem: Vec<u8>,
    pub(crate) key_pem: Vec<u8>,
    folder: Option<Folder>,
}

impl Certificate {
    /// Makes a certificate for these names, such as `IP:127.0.0.1, DNS:localhost`.
    pub(crate) fn new(names: &str) -> Self {
        let folder = Folder::new(&format!("certificate-{}", NEXT.fetch_add(1, SeqCst)));
        let [request, key_file, file] =
            ["request.cnf", "key.pem", "certificate.pem"].map(|name| folder.path(name).display().to_string());
        let text = format!(
            "[req]\ndistinguished_name = name\nx509_extensions = uses\nprompt = no\n[name]\nCN = localhost\n\
             [uses]\nbasicConstraints = critical, CA:FALSE\nsubjectAltName = {names}\n"
        );
        std::fs::write(&request, text).unwrap();
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"])
            .args(["-days", "2", "-config", &request, "-keyout", &key_file, "-out", &file])
            .output()
            .expect("`openssl` is installed: `cargo xtask test` installs it");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let [pem, key_pem] = [&file, &key_file].map(|file| std::fs::read(file).unwrap());
        Self { file, key_file, pem, key_pem, folder: Some(folder) }
    }

    /// Removes the files. A server has read them when it starts; statics are never dropped.
    pub(crate) fn remove_files(&mut self) {
        self.folder = None;
    }
}
