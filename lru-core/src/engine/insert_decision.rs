//! The decision about an insert: whether a value is stored, and whether the stored entry of its key stays.

use crate::engine::insert_kind::InsertKind;

/// What an insert finds in the cache.
#[derive(Clone, Copy, Debug)]
pub(super) struct Findings {
    /// Whether a later change to the key supersedes the value.
    pub(super) is_superseded: bool,
    /// The entry that is stored for the key, unless it is hidden.
    pub(super) stored: Option<StoredEntry>,
    /// Whether the last of two results for one key is kept. As in Python, the unbounded mode assigns to a
    /// dictionary, and the bounded mode first checks whether the key was inserted meanwhile.
    pub(super) keeps_last: bool,
    /// Why the value cannot be stored, if so.
    pub(super) obstacle: Option<Obstacle>,
}

/// The stored entry of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StoredEntry {
    Fresh,
    /// No longer fresh: stale, error-only or expired.
    Stale,
}

/// Why a value cannot be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Obstacle {
    /// It has expired already.
    Expired,
    /// The call is nested in a read of the store.
    Nested,
    /// It weighs more than the capacity.
    TooHeavy,
}

/// What an insert does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// Stores the value; its key is not stored.
    Insert,
    /// Stores the value in place of the stored one.
    Replace,
    /// Rejects the value and removes the entry that it was to replace.
    RejectAndRemove,
    /// Rejects the value and leaves the cache as it is.
    Reject,
}

impl Decision {
    pub(super) fn stores(self) -> bool {
        matches!(self, Self::Insert | Self::Replace)
    }
}

/// Decides about a value of this kind.
pub(super) fn decide(kind: InsertKind, findings: Findings) -> Decision {
    let Findings { is_superseded, stored, keeps_last, obstacle } = findings;
    let is_stale = stored == Some(StoredEntry::Stale);
    let replaces = match kind {
        InsertKind::Computed(_) => keeps_last || is_stale,
        InsertKind::Revalidated(_) => is_stale,
        InsertKind::Refreshed(_) | InsertKind::Put | InsertKind::Inserted => true,
    };
    if is_superseded || (stored.is_some() && !replaces) {
        return Decision::Reject;
    }
    match (obstacle, stored) {
        (None, None) => Decision::Insert,
        (None, Some(_)) => Decision::Replace,
        (Some(obstacle), Some(_)) if removes_stored(kind, obstacle) => Decision::RejectAndRemove,
        (Some(_), _) => Decision::Reject,
    }
}

/// Returns whether a value that cannot be stored removes the entry that it would replace.
fn removes_stored(kind: InsertKind, obstacle: Obstacle) -> bool {
    match obstacle {
        Obstacle::Expired => true,
        Obstacle::Nested => kind.is_requested(),
        // A value that is too heavy for a map leaves the map as it is.
        Obstacle::TooHeavy => !matches!(kind, InsertKind::Computed(_) | InsertKind::Inserted),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Epoch;

    const COMPUTED: InsertKind = InsertKind::Computed(Epoch::FIRST);
    const REFRESHED: InsertKind = InsertKind::Refreshed(Epoch::FIRST);
    const REVALIDATED: InsertKind = InsertKind::Revalidated(Epoch::FIRST);
    const ALL: [InsertKind; 5] = [COMPUTED, REFRESHED, REVALIDATED, InsertKind::Put, InsertKind::Inserted];

    /// The findings in a bounded cache about a key that is not stored.
    const MISSING: Findings =
        Findings { is_superseded: false, stored: None, keeps_last: false, obstacle: None };

    fn stored(entry: StoredEntry) -> Findings {
        Findings { stored: Some(entry), ..MISSING }
    }

    fn hindered(obstacle: Obstacle, stored: Option<StoredEntry>) -> Findings {
        Findings { obstacle: Some(obstacle), stored, ..MISSING }
    }

    #[test]
    fn a_missing_key_is_inserted() {
        for kind in ALL {
            assert_eq!(decide(kind, MISSING), Decision::Insert, "{kind:?}");
        }
    }

    #[test]
    fn a_superseded_value_changes_nothing() {
        for kind in ALL {
            for stored in [None, Some(StoredEntry::Fresh), Some(StoredEntry::Stale)] {
                for obstacle in [None, Some(Obstacle::Expired), Some(Obstacle::TooHeavy)] {
                    let findings = Findings { is_superseded: true, stored, obstacle, keeps_last: true };
                    assert_eq!(decide(kind, findings), Decision::Reject, "{kind:?}, {findings:?}");
                }
            }
        }
    }

    #[test]
    fn only_a_requested_value_replaces_a_fresh_entry_of_a_bounded_cache() {
        for kind in ALL {
            let expected = if kind.is_requested() { Decision::Replace } else { Decision::Reject };
            assert_eq!(decide(kind, stored(StoredEntry::Fresh)), expected, "{kind:?}");
            assert_eq!(decide(kind, stored(StoredEntry::Stale)), Decision::Replace, "{kind:?}");
        }
    }

    #[test]
    fn an_unbounded_cache_keeps_the_last_computed_result() {
        let findings = Findings { keeps_last: true, ..stored(StoredEntry::Fresh) };
        assert_eq!(decide(COMPUTED, findings), Decision::Replace);
        assert_eq!(decide(REVALIDATED, findings), Decision::Reject, "another result is fresh already");
    }

    #[test]
    fn a_value_that_cannot_be_stored_is_rejected() {
        for kind in ALL {
            for obstacle in [Obstacle::Expired, Obstacle::Nested, Obstacle::TooHeavy] {
                assert_eq!(
                    decide(kind, hindered(obstacle, None)),
                    Decision::Reject,
                    "{kind:?}, {obstacle:?}"
                );
            }
        }
    }

    #[test]
    fn an_expired_value_removes_the_entry_that_it_would_replace() {
        for kind in ALL {
            let stale = hindered(Obstacle::Expired, Some(StoredEntry::Stale));
            assert_eq!(decide(kind, stale), Decision::RejectAndRemove, "{kind:?}");
            let fresh = hindered(Obstacle::Expired, Some(StoredEntry::Fresh));
            let expected = if kind.is_requested() { Decision::RejectAndRemove } else { Decision::Reject };
            assert_eq!(decide(kind, fresh), expected, "{kind:?}");
        }
    }

    #[test]
    fn a_nested_call_removes_the_old_entry_if_the_caller_requested_the_new_value() {
        for kind in ALL {
            let expected = if kind.is_requested() { Decision::RejectAndRemove } else { Decision::Reject };
            assert_eq!(
                decide(kind, hindered(Obstacle::Nested, Some(StoredEntry::Stale))),
                expected,
                "{kind:?}"
            );
        }
    }

    #[test]
    fn a_value_that_is_too_heavy_removes_the_old_one_unless_a_map_or_a_miss_inserts_it() {
        let stale = hindered(Obstacle::TooHeavy, Some(StoredEntry::Stale));
        for kind in [REFRESHED, REVALIDATED, InsertKind::Put] {
            assert_eq!(decide(kind, stale), Decision::RejectAndRemove, "{kind:?}");
        }
        for kind in [COMPUTED, InsertKind::Inserted] {
            assert_eq!(decide(kind, stale), Decision::Reject, "{kind:?}");
        }
    }
}
