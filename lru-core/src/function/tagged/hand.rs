//! [`Hand`]: which entry an insert looks at next.

use crate::tags::domain::Generation;

/// The hand goes round the slots of a store, and rests after a round until something is invalidated.
///
/// So a cache does not fill up with invalid entries, and an entry that no call reads is known to be valid at a recent
/// generation: the table of invalidated tags may forget those before.
pub(crate) struct Hand {
    /// The slot that is looked at next.
    next: usize,
    /// The generation at which the round began.
    began: Generation,
    /// Whether the round has ended.
    rests: bool,
    /// Whether entries may have taken over deadlines, for which the hand never rests.
    pub(crate) has_deadlines: bool,
}

impl Hand {
    /// A hand that rests.
    pub(crate) const NEW: Self =
        Self { next: 0, began: Generation::NEVER, rests: true, has_deadlines: false };

    /// Begins the round anew, if there is one: entries have moved to other slots.
    pub(crate) fn restart(&mut self) {
        self.next = 0;
    }

    /// Returns the next of so many slots; `None` if there is no reason to look at one. What is invalidated at `now` was
    /// invalidated before the slot is looked at.
    pub(crate) fn advance(&mut self, slots: usize, now: Generation) -> Option<usize> {
        if self.next >= slots {
            (self.next, self.rests) = (0, true);
        }
        if self.rests {
            if self.began.covers(now) && !self.has_deadlines {
                return None;
            }
            (self.began, self.rests) = (now, false);
        }
        let slot = Some(self.next).filter(|slot| *slot < slots)?;
        self.next += 1;
        Some(slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tags::current::DomainHandle;
    use crate::tags::tag::tag;

    #[test]
    fn a_round_looks_at_each_slot_once_after_an_invalidation() {
        let domain = DomainHandle::isolated();
        let mut hand = Hand::NEW;
        let mut round = |slots| -> Vec<_> {
            core::iter::from_fn(|| hand.advance(slots, domain.now())).take(100).collect()
        };
        assert!(round(0).is_empty());
        assert_eq!(round(3), [0, 1, 2]);
        assert!(round(3).is_empty() && round(5).is_empty());
        domain.invalidate(&[tag("hand", 1).into()]);
        assert_eq!(round(5), [0, 1, 2, 3, 4]);
        assert!(round(5).is_empty());
    }

    #[test]
    fn what_is_invalidated_during_a_round_leads_to_another_one() {
        let domain = DomainHandle::isolated();
        let mut hand = Hand::NEW;
        assert_eq!(hand.advance(3, domain.now()), Some(0));
        domain.invalidate(&[tag("hand", 1).into()]);
        let more: Vec<_> = core::iter::from_fn(|| hand.advance(3, domain.now())).take(100).collect();
        assert_eq!(more, [1, 2, 0, 1, 2]);
        hand.has_deadlines = true;
        assert_eq!([(); 4].map(|()| hand.advance(3, domain.now())), [Some(0), Some(1), Some(2), Some(0)]);
    }
}
