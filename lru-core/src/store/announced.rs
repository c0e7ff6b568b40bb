//! What a policy learns of an entry before it is inserted.

use crate::store::Store;
use crate::store::policy::Policy;
use crate::store::types::CacheTypes;

impl<C: CacheTypes> Store<C> {
    /// Tells a policy that asks for it how long the computation of the next entry took; zero if that is not known.
    #[inline]
    pub(crate) fn announce_cost(&mut self, nanoseconds: impl FnOnce() -> u64) {
        if let (true, Self::Bounded(bounded)) = (C::Policy::IS_WEIGHED, self) {
            bounded.announce_cost(nanoseconds());
        }
    }
}
