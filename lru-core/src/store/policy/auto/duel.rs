//! The duel: shadows of all contestants see the same calls, and their scores decide which policy leads.
//!
//! Only calls count in which the shadows differ. A contestant takes the lead when its shadow had significantly more of these
//! hits than that of the leader. Such a test needs no scale: it is the same for a hundred entries and a hundred thousand. A
//! fixed margin is too slow for some workloads or too hasty for others.

use super::shadow::Shadow;
use crate::key::KeyHash;
use crate::observe::leading_policy::LeadingPolicy;
use crate::store::policy::lru::Lru;
use crate::store::policy::s3_fifo::S3Fifo;
use crate::store::policy::w_tinylfu::WTinyLfu;

const CONTESTANTS: [LeadingPolicy; 3] = [LeadingPolicy::S3Fifo, LeadingPolicy::WTinyLfu, LeadingPolicy::Lru];

/// How many standard deviations the lead of a challenger is to exceed, and how many hits beside.
const DEVIATIONS: u64 = 4;
const HITS: u64 = 8;

/// After how many calls scores are halved, by entry of a shadow, and the least number.
const WINDOW: usize = 4;
const LEAST_WINDOW: usize = 1024;

/// The shadows of all contestants, and their scores.
pub(super) struct Duel {
    s3_fifo: Shadow<S3Fifo>,
    w_tinylfu: Shadow<WTinyLfu>,
    lru: Shadow<Lru>,
    leader: LeadingPolicy,
    /// How often the shadow of the first of two contestants had a hit, and that of the second had none.
    ahead: [[u32; CONTESTANTS.len()]; CONTESTANTS.len()],
    /// After how many calls the scores are halved, and the number of calls since.
    window: usize,
    calls: usize,
}

impl Duel {
    /// Creates shadows of so many entries.
    pub(super) fn new(entries: usize, leader: LeadingPolicy) -> Self {
        Self {
            s3_fifo: Shadow::new(entries),
            w_tinylfu: Shadow::new(entries),
            lru: Shadow::new(entries),
            leader,
            ahead: [[0; CONTESTANTS.len()]; CONTESTANTS.len()],
            window: entries.saturating_mul(WINDOW).max(LEAST_WINDOW),
            calls: 0,
        }
    }

    /// Passes a call to all shadows. Returns the new leader if the call counts and another contestant takes the lead.
    pub(super) fn call(&mut self, hash: KeyHash, counts: bool) -> Option<LeadingPolicy> {
        let hits = [self.s3_fifo.call(hash), self.w_tinylfu.call(hash), self.lru.call(hash)];
        if counts { self.score(hits) } else { None }
    }

    /// Counts a call by the shadows that had a hit.
    fn score(&mut self, hits: [bool; CONTESTANTS.len()]) -> Option<LeadingPolicy> {
        self.calls += 1;
        if self.calls >= self.window {
            self.calls = 0;
            self.ahead.as_flattened_mut().iter_mut().for_each(|count| *count /= 2);
        }
        if hits == [hits[0]; CONTESTANTS.len()] {
            return None;
        }
        for (one, ahead) in hits.into_iter().zip(&mut self.ahead) {
            for (other, count) in hits.into_iter().zip(ahead) {
                *count = count.saturating_add(u32::from(one && !other));
            }
        }
        let challengers = CONTESTANTS.into_iter().filter(|&contestant| contestant != self.leader);
        let leads = challengers.map(|challenger| (self.lead(challenger), challenger));
        let (lead, challenger) = leads.max_by_key(|&(lead, _)| lead)?;
        if lead == 0 {
            return None;
        }
        self.leader = challenger;
        Some(challenger)
    }

    /// Returns by how many hits a contestant is ahead of the leader; zero if that is not significant.
    fn lead(&self, contestant: LeadingPolicy) -> u64 {
        let (one, leader) = (number(contestant), number(self.leader));
        let (more, less) = (u64::from(self.ahead[one][leader]), u64::from(self.ahead[leader][one]));
        let lead = more.saturating_sub(less);
        // The variance of the difference is the sum, if both are as likely to be ahead.
        let is_significant = lead.saturating_sub(HITS).pow(2) > DEVIATIONS.pow(2) * (more + less);
        if is_significant { lead } else { 0 }
    }

    #[cfg(any(test, fuzzing))]
    pub(super) fn validate(&self) {
        self.s3_fifo.validate();
        self.w_tinylfu.validate();
        self.lru.validate();
    }
}

fn number(contestant: LeadingPolicy) -> usize {
    match contestant {
        LeadingPolicy::S3Fifo => 0,
        LeadingPolicy::WTinyLfu => 1,
        LeadingPolicy::Lru => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contestants_have_the_numbers_of_their_shadows() {
        assert_eq!(CONTESTANTS.map(number), [0, 1, 2]);
    }

    #[test]
    fn a_significant_lead_changes_the_leader() {
        let mut duel = Duel::new(100, LeadingPolicy::WTinyLfu);
        // 8 + 4 × √29 > 29, and 8 + 4 × √30 < 30.
        let only_lru = [false, false, true];
        let changes: Vec<_> = (1..=40).filter(|_| duel.score(only_lru).is_some()).collect();
        assert_eq!(changes, [30], "once");
        assert_eq!(duel.leader, LeadingPolicy::Lru);
    }

    #[test]
    fn chance_changes_no_leader() {
        let mut duel = Duel::new(1000, LeadingPolicy::S3Fifo);
        for call in 0_u32..100_000 {
            // Each of them is ahead as often as the others.
            let hits = [call % 3 == 0, call % 3 == 1, call % 3 == 2];
            assert_eq!(duel.score(hits), None);
        }
    }

    #[test]
    fn old_scores_are_forgotten() {
        let mut duel = Duel::new(256, LeadingPolicy::S3Fifo);
        (0..20).for_each(|_| assert_eq!(duel.score([false, true, false]), None));
        (0..5 * LEAST_WINDOW).for_each(|_| assert_eq!(duel.score([true; 3]), None));
        assert_eq!(duel.ahead, [[0; 3]; 3]);
    }
}
