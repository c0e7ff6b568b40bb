//! The decision about an insert: whether a value is stored, and whether the stored entry of its key stays.

use crate::engine::insert_kind::InsertKind;
use crate::store::Superseded;

/// What an insert finds in the cache.
#[derive(Clone, Copy, Debug)]
pub(super) struct Findings {
    /// Whether a later change supersedes the value.
    pub(super) superseded: Superseded,
    /// Whether the value is an error.
    pub(super) is_error: bool,
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
pub(super) struct StoredEntry {
    /// Whether it is no longer fresh: stale, error-only or expired.
    pub(super) is_stale: bool,
    /// Whether its value is an error.
    pub(super) is_error: bool,
}

/// Why a value cannot be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Obstacle {
    /// It has expired already.
    Expired,
    /// It was invalidated while it was computed.
    Invalid,
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
    let Findings { superseded, is_error, stored, keeps_last, obstacle } = findings;
    match superseded {
        Superseded::No => {}
        // The stored entry may be the one that this value was to replace.
        Superseded::ByAny if kind.is_refresh() && stored.is_some() => return Decision::RejectAndRemove,
        // The stored entry, if any, is newer.
        Superseded::ByAny | Superseded::ByKey => return Decision::Reject,
    }
    let Some(stored) = stored else {
        return if obstacle.is_none() { Decision::Insert } else { Decision::Reject };
    };
    let replaces = match kind {
        _ if stored.is_stale => true,
        InsertKind::Refreshed(_) | InsertKind::Put | InsertKind::Inserted => true,
        // A computed error never replaces a good result, and a good result always replaces an error.
        InsertKind::Computed(_) | InsertKind::Revalidated(_) if stored.is_error != is_error => !is_error,
        InsertKind::Computed(_) => keeps_last,
        InsertKind::Revalidated(_) => false,
    };
    match obstacle {
        _ if !replaces => Decision::Reject,
        None => Decision::Replace,
        Some(obstacle) if removes_stored(kind, obstacle, stored) => Decision::RejectAndRemove,
        Some(_) => Decision::Reject,
    }
}

/// Returns whether a value that cannot be stored removes the entry that it would replace.
fn removes_stored(kind: InsertKind, obstacle: Obstacle, stored: StoredEntry) -> bool {
    match (obstacle, kind) {
        (Obstacle::Expired | Obstacle::Invalid, _) => true,
        // A value that is too heavy for a map does not change the map.
        (Obstacle::TooHeavy, InsertKind::Inserted) => false,
        (Obstacle::Nested | Obstacle::TooHeavy, kind) => {
            kind.is_requested() || stored.is_stale || stored.is_error
        }
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

    const FRESH: StoredEntry = StoredEntry { is_stale: false, is_error: false };
    const STALE: StoredEntry = StoredEntry { is_stale: true, ..FRESH };
    const ERROR: StoredEntry = StoredEntry { is_error: true, ..FRESH };

    /// The findings in a bounded cache about a key that is not stored.
    const MISSING: Findings = Findings {
        superseded: Superseded::No,
        is_error: false,
        stored: None,
        keeps_last: false,
        obstacle: None,
    };

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
    fn a_value_that_is_superseded_by_its_key_changes_nothing() {
        for kind in ALL {
            for stored in [None, Some(FRESH), Some(STALE), Some(ERROR)] {
                for obstacle in
                    [None, Some(Obstacle::Expired), Some(Obstacle::Invalid), Some(Obstacle::TooHeavy)]
                {
                    let superseded = Superseded::ByKey;
                    let findings = Findings { superseded, stored, obstacle, keeps_last: true, ..MISSING };
                    assert_eq!(decide(kind, findings), Decision::Reject, "{kind:?}, {findings:?}");
                }
            }
        }
    }

    #[test]
    fn a_refresh_that_is_superseded_by_any_change_removes_what_it_was_to_replace() {
        let superseded = |stored| Findings { superseded: Superseded::ByAny, stored, ..MISSING };
        for kind in [REFRESHED, REVALIDATED] {
            assert_eq!(decide(kind, superseded(Some(FRESH))), Decision::RejectAndRemove, "{kind:?}");
            assert_eq!(decide(kind, superseded(Some(STALE))), Decision::RejectAndRemove, "{kind:?}");
            assert_eq!(decide(kind, superseded(None)), Decision::Reject, "{kind:?}");
        }
        assert_eq!(decide(COMPUTED, superseded(Some(FRESH))), Decision::Reject);
    }

    #[test]
    fn a_computed_error_never_replaces_a_good_result() {
        for keeps_last in [false, true] {
            let findings = Findings { is_error: true, keeps_last, ..stored(FRESH) };
            assert_eq!(decide(COMPUTED, findings), Decision::Reject);
            assert_eq!(decide(REVALIDATED, findings), Decision::Reject);
            assert_eq!(decide(InsertKind::Put, findings), Decision::Replace, "the caller requests it");
        }
    }

    #[test]
    fn a_good_result_always_replaces_an_error() {
        for kind in ALL {
            assert_eq!(decide(kind, stored(ERROR)), Decision::Replace, "{kind:?}");
        }
        let other_error = Findings { is_error: true, ..stored(ERROR) };
        assert_eq!(decide(COMPUTED, other_error), Decision::Reject, "the first of two errors is kept");
        assert_eq!(decide(COMPUTED, Findings { keeps_last: true, ..other_error }), Decision::Replace);
    }

    #[test]
    fn only_a_requested_value_replaces_a_fresh_entry_of_a_bounded_cache() {
        for kind in ALL {
            let expected = if kind.is_requested() { Decision::Replace } else { Decision::Reject };
            assert_eq!(decide(kind, stored(FRESH)), expected, "{kind:?}");
            assert_eq!(decide(kind, stored(STALE)), Decision::Replace, "{kind:?}");
        }
    }

    #[test]
    fn an_unbounded_cache_keeps_the_last_computed_result() {
        let findings = Findings { keeps_last: true, ..stored(FRESH) };
        assert_eq!(decide(COMPUTED, findings), Decision::Replace);
        assert_eq!(decide(REVALIDATED, findings), Decision::Reject, "another result is fresh already");
    }

    #[test]
    fn a_value_that_cannot_be_stored_is_rejected() {
        for kind in ALL {
            for obstacle in [Obstacle::Expired, Obstacle::Invalid, Obstacle::Nested, Obstacle::TooHeavy] {
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
            let stale = hindered(Obstacle::Expired, Some(STALE));
            assert_eq!(decide(kind, stale), Decision::RejectAndRemove, "{kind:?}");
            let fresh = hindered(Obstacle::Expired, Some(FRESH));
            let expected = if kind.is_requested() { Decision::RejectAndRemove } else { Decision::Reject };
            assert_eq!(decide(kind, fresh), expected, "{kind:?}");
        }
    }

    #[test]
    fn what_a_nested_call_cannot_replace_is_removed() {
        for kind in ALL {
            let nested = |entry| Findings { keeps_last: true, ..hindered(Obstacle::Nested, Some(entry)) };
            assert_eq!(decide(kind, nested(STALE)), Decision::RejectAndRemove, "{kind:?}");
            let expected = if kind.is_requested() { Decision::RejectAndRemove } else { Decision::Reject };
            assert_eq!(decide(kind, nested(FRESH)), expected, "{kind:?}");
        }
    }

    #[test]
    fn a_value_that_is_too_heavy_removes_the_old_one_unless_a_map_inserts_it() {
        for kind in [COMPUTED, REFRESHED, REVALIDATED, InsertKind::Put] {
            let too_heavy = hindered(Obstacle::TooHeavy, Some(STALE));
            assert_eq!(decide(kind, too_heavy), Decision::RejectAndRemove, "{kind:?}");
        }
        for entry in [FRESH, STALE] {
            let too_heavy = hindered(Obstacle::TooHeavy, Some(entry));
            assert_eq!(decide(InsertKind::Inserted, too_heavy), Decision::Reject);
        }
    }
}
