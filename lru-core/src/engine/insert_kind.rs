//! The origin of an inserted value, which decides what it may replace.

use crate::store::Epoch;

/// The origin of an inserted value.
#[derive(Clone, Copy, Debug)]
pub(crate) enum InsertKind {
    /// The result of a miss, whose computation began at this epoch.
    Computed(Epoch),
    /// The result of an explicit refresh. Replaces any entry of its key.
    Refreshed(Epoch),
    /// The result of a background refresh, or of a leader that timed out and was taken over. Replaces a stale
    /// entry only.
    Revalidated(Epoch),
    /// A value that the caller puts in place of the result of a function.
    Put,
    /// A value that the caller inserts into a map. A value that is too heavy leaves the old entry in place.
    Inserted,
}

impl InsertKind {
    /// Returns whether a caller requested this value, as opposed to a miss or a background refresh.
    pub(crate) fn is_requested(self) -> bool {
        matches!(self, Self::Refreshed(_) | Self::Put | Self::Inserted)
    }

    /// Returns whether the value is to replace a stored one that is older.
    pub(crate) fn is_refresh(self) -> bool {
        matches!(self, Self::Refreshed(_) | Self::Revalidated(_))
    }

    /// Returns the epoch at which the computation of the value began, if it was computed.
    pub(crate) fn began(self) -> Option<Epoch> {
        match self {
            Self::Computed(began) | Self::Refreshed(began) | Self::Revalidated(began) => Some(began),
            Self::Put | Self::Inserted => None,
        }
    }
}
