//! The lease of two layers: that of the far backend, and that over the copy in the near one.

use lru_core::backend::{Lease, Permission};

/// What a lease of two layers compares.
pub(super) struct Token {
    pub(super) far: Lease,
    /// `None` if the near backend gave no lease: then nothing is copied.
    pub(super) near: Option<Lease>,
}

impl Token {
    /// Returns the permission to replace an entry, from those of both backends.
    pub(super) fn permission(far: Permission, near: Option<Lease>) -> Permission {
        match far {
            Permission::Leased(far) => Permission::Leased(Self { far, near }.lease()),
            other => other,
        }
    }

    /// Writes the length of the far token, the far token, and the near one after a byte.
    pub(super) fn lease(&self) -> Lease {
        let far = self.far.token();
        let mut token = [&(far.len() as u64).to_le_bytes()[..], far].concat();
        if let Some(near) = &self.near {
            token.push(1);
            token.extend(near.token());
        }
        Lease::new(token).new_here(self.far.is_new())
    }

    pub(super) fn read(lease: &Lease) -> Option<Self> {
        let (length, rest) = lease.token().split_first_chunk()?;
        let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
        let (far, near) = rest.split_at_checked(length)?;
        let near = near.split_first().map(|(_, near)| Lease::new(near));
        Some(Self { far: Lease::new(far).new_here(lease.is_new()), near })
    }
}
