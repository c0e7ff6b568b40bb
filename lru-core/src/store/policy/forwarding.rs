//! What a policy that adds measurements to another one leaves to that.

/// The items of `Policy` by which `$p`, the policy in the field `policy`, chooses what is evicted. The items that measure, and what
/// becomes of a cleared cache, are not among them.
macro_rules! forward_to_policy {
    ($p:ident) => {
        const IS_WEIGHED: bool = $p::IS_WEIGHED;
        const SLOT_BYTES: usize = $p::SLOT_BYTES;
        const IS_LRU: bool = $p::IS_LRU;

        fn leading(&self) -> Option<$crate::observe::leading_policy::LeadingPolicy> {
            self.policy.leading()
        }

        #[inline]
        fn announce_maxsize(&mut self, maxsize: usize) {
            self.policy.announce_maxsize(maxsize);
        }

        #[inline]
        fn announce_cost(&mut self, nanoseconds: u64) {
            self.policy.announce_cost(nanoseconds);
        }

        #[inline]
        fn announce_weight(&mut self, weight: usize) {
            self.policy.announce_weight(weight);
        }

        #[inline]
        fn used<T>(&self, ring: &Arena<T>, slot: Slot) {
            self.policy.used(ring, slot);
        }

        fn resized<T>(&mut self, ring: &Arena<T>, maxsize: usize) {
            self.policy.resized(ring, maxsize);
        }

        #[inline]
        fn admitted<T>(&mut self, ring: &Arena<T>, slot: Slot, hash: KeyHash) {
            self.policy.admitted(ring, slot, hash);
        }

        fn replaced<T>(&mut self, ring: &Arena<T>, slot: Slot) {
            self.policy.replaced(ring, slot);
        }

        #[inline]
        fn victim<T>(&mut self, ring: &Arena<T>, newcomer: KeyHash) -> Option<Slot> {
            self.policy.victim(ring, newcomer)
        }

        fn candidates(&self) -> &[Slot] {
            self.policy.candidates()
        }

        fn choose(&mut self, slot: Slot) {
            self.policy.choose(slot);
        }

        #[inline]
        fn settle<T>(&self, ring: &Arena<T>) {
            self.policy.settle(ring);
        }

        #[inline]
        fn take_counts(&self) -> (u64, u64) {
            self.policy.take_counts()
        }

        #[inline]
        fn removed(&mut self, slot: Slot) {
            self.policy.removed(slot);
        }

        #[cfg(any(test, fuzzing))]
        fn validate<T>(&self, ring: &Arena<T>) {
            self.policy.validate(ring);
        }
    };
}

pub(super) use forward_to_policy;
