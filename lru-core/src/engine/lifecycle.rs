//! What a cache is told beside its entries: what time it is, on what terms an entry comes in, and
//! who wants to know what left.
//!
//! The engine asks; where it is that the answers come from, settings of an object or options of a
//! function, it does not know.

use core::fmt;
use core::hash::BuildHasher;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
use core::time::Duration;
use std::sync::LazyLock;

use crate::expiry::clock::Clock;
use crate::expiry::entry_info::{EntryInfo, Freshness, StaleWindow};
use crate::function::options::Between;
use crate::key::hash::{SEED, STEP, mixed};
use crate::store::removed::RemovalCause;
use crate::store::types::{CacheTypes, TimeOf};

/// Answers to what the engine asks about entries on terms `T`.
pub trait Lifecycle<C: CacheTypes> {
    /// What time it is; `None` where nothing expires, and no clock need be read.
    fn now(&self) -> Option<TimeOf<C>>;

    /// The terms for an entry that comes in now.
    fn term(&self, key: &C::Key, value: &C::Value) -> C::Meta;

    /// The terms for what the function returned as an error, where that is kept.
    fn term_of_error(&self, key: &C::Key, value: &C::Value) -> C::Meta {
        self.term(key, value)
    }

    /// The same terms for what was found elsewhere, and is good for so long yet.
    fn shortened(&self, term: C::Meta, _left: Option<Duration>) -> C::Meta {
        term
    }

    /// Whether an entry on these terms is live now: whether it answers calls.
    fn is_live(&self, term: &C::Meta) -> bool;

    /// Whether an entry on these terms has not expired, however stale it is.
    fn is_kept(&self, term: &C::Meta) -> bool {
        self.is_live(term)
    }

    /// What a clock shows, read before the lock is taken.
    type Reading;

    /// Reads it.
    fn read(&self) -> Self::Reading;

    /// Whether an entry on these terms is live by that reading; if so, it is used.
    fn is_live_and_used(&self, term: &C::Meta, reading: &Self::Reading) -> bool;

    /// Whether entries may be stale.
    fn has_grace(&self) -> bool {
        false
    }

    /// How fresh an entry is that has not expired.
    fn freshness(&self, _term: &C::Meta, _reading: &Self::Reading) -> Freshness {
        Freshness::Fresh
    }

    /// Whether stale entries are good where the function fails.
    fn spares(&self) -> bool {
        false
    }

    /// A refresh of an entry failed: the next one is not to begin at once.
    fn failed(&self, _term: &C::Meta) {}

    /// Whether the victim is chosen by the user, where the policy asks.
    fn chooses(&self) -> bool {
        false
    }

    /// The number of the key whose entry is to be evicted. Runs while the cache is read.
    fn choose(&self, _keys: &Keys<'_, C::Key>) -> Option<usize> {
        None
    }

    /// Whether anybody wants to know what left.
    fn listens(&self) -> bool {
        false
    }

    /// Tells of an entry that left. The lock is free.
    fn left(&self, _key: &C::Key, _value: &C::Value, _cause: RemovalCause) {}

    /// Whether somebody wants to know what left whom this plan does not know: it waits for the next call.
    fn leaves_telling(&self) -> bool {
        false
    }
}

/// The keys among which a victim is chosen: in the order in which they came, except that the last
/// one takes the place of one that leaves.
#[derive(Clone, Copy)]
pub struct Keys<'k, K>(pub(crate) &'k dyn KeyList<K>);

/// Keys by their numbers.
pub(crate) trait KeyList<K> {
    fn len(&self) -> usize;
    fn get(&self, number: usize) -> Option<&K>;
}

impl<'k, K> Keys<'k, K> {
    /// How many there are: one at least.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "it never is")]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The key of this number.
    #[must_use]
    pub fn get(&self, number: usize) -> Option<&'k K> {
        self.0.get(number)
    }

    /// All keys, in their order.
    pub fn iter(&self) -> impl Iterator<Item = &'k K> + use<'k, K> {
        let keys = self.0;
        (0..keys.len()).filter_map(move |number| keys.get(number))
    }
}

/// Keys of which a part is shown.
struct Shown<'k, K, A> {
    keys: Keys<'k, K>,
    part: fn(&K) -> &A,
}

impl<K, A> KeyList<A> for Shown<'_, K, A> {
    fn len(&self) -> usize {
        self.keys.len()
    }

    fn get(&self, number: usize) -> Option<&A> {
        self.keys.get(number).map(self.part)
    }
}

impl<K> Keys<'_, K> {
    /// The same keys, of which a part is shown.
    pub(crate) fn shown<A, R>(&self, part: fn(&K) -> &A, see: impl FnOnce(&Keys<'_, A>) -> R) -> R {
        see(&Keys(&Shown { keys: Keys(self.0), part }))
    }
}

impl<K: fmt::Debug> fmt::Debug for Keys<'_, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// For entries without terms: nothing is asked.
#[derive(Clone, Copy, Debug)]
pub struct NoLifecycle;

impl<C: CacheTypes<Meta = ()>> Lifecycle<C> for NoLifecycle {
    #[inline]
    fn now(&self) -> Option<()> {
        None
    }

    #[inline]
    fn term(&self, _: &C::Key, _: &C::Value) {}

    #[inline]
    fn is_live(&self, (): &()) -> bool {
        true
    }

    type Reading = ();

    #[inline]
    fn read(&self) {}

    #[inline]
    fn is_live_and_used(&self, (): &(), (): &()) -> bool {
        true
    }
}

/// How long entries are live, by which clock.
#[derive(Clone)]
pub struct Times<C: Clock> {
    pub(crate) clock: C,
    pub(crate) ttl: Option<C::Span>,
    pub(crate) tti: Option<C::Span>,
    /// The part of `ttl` by which some entries' is shorter than that of others.
    pub(crate) jitter: f64,
}

impl<C: Clock> Times<C> {
    /// For ever.
    pub const fn new(clock: C) -> Self {
        Self { clock, ttl: None, tti: None, jitter: 0.0 }
    }

    /// Some are shorter than others.
    fn scattered(&self, ttl: &C::Span) -> C::Span {
        if self.jitter > 0.0 { self.clock.part(ttl, 1.0 - self.jitter * scatter()) } else { ttl.clone() }
    }

    /// The time until which an entry is live that comes in now, were it never used.
    pub(crate) fn expires(&self) -> Option<C::Time> {
        self.expires_after(self.ttl.as_ref())
    }

    /// The same, live for another time than all.
    fn expires_after(&self, ttl: Option<&C::Span>) -> Option<C::Time> {
        self.clock.ahead(&self.scattered(ttl?))
    }

    /// The time until which it is, were it used now and no more.
    pub(crate) fn idle(&self) -> Option<C::Time> {
        self.tti.as_ref().and_then(|tti| self.clock.ahead(tti))
    }

    /// The terms for an entry of this weight that comes in now, to live for `ttl`. `until` is the time of
    /// its own that an entry may have.
    pub(crate) fn term_for<G: Default>(
        &self,
        weight: usize,
        until: Option<C::Time>,
        ttl: Option<&C::Span>,
    ) -> EntryInfo<C::Time, G> {
        EntryInfo::with_grace(weight, until.or_else(|| self.expires_after(ttl)), self.idle(), G::default())
    }

    /// The terms for an entry of this weight that comes in now, is fresh for `ttl`, and then stale.
    pub(crate) fn term_with_grace(
        &self,
        weight: usize,
        ttl: Option<&C::Span>,
        stale: &Stale<C::Span>,
    ) -> EntryInfo<C::Time, StaleWindow<C::Time>> {
        let Some(ttl) = ttl.map(|ttl| self.scattered(ttl)) else {
            return EntryInfo::with_grace(weight, None, self.idle(), StaleWindow::new(None, None));
        };
        let fresh = self.clock.ahead(&ttl);
        let after = |span: &C::Span| self.clock.ahead_by_both(&ttl, span);
        let served = match &stale.revalidated {
            Revalidated::Never => fresh.clone(),
            Revalidated::For(span) => after(span),
            Revalidated::Always => None,
        };
        let spare = stale.if_error.as_ref().map_or_else(|| fresh.clone(), after);
        // For ever is `None`, in either.
        let kept = match (served.clone(), spare) {
            (Some(served), Some(spare)) => Some(if spare < served { served } else { spare }),
            _ => None,
        };
        EntryInfo::with_grace(weight, kept, self.idle(), StaleWindow::new(fresh, served))
    }

    #[inline]
    pub(crate) fn is_live<G>(&self, term: &EntryInfo<C::Time, G>) -> bool {
        term.is_live(|time| self.clock.is_ahead(time))
    }

    /// When what is good for so long yet is good no more.
    pub(crate) fn end(&self, left: Option<Duration>) -> Option<C::Time> {
        self.clock.ahead(&self.clock.span_of(left?)?)
    }

    /// When to ask again what has failed so many times.
    pub(crate) fn after_failures(&self, failures: u32) -> Option<C::Time> {
        let ttl = self.ttl.as_ref()?;
        self.clock.ahead(&self.clock.backoff(ttl, failures))
    }

    /// How fresh an entry is that has not expired.
    pub(crate) fn freshness<G: Between<C>>(&self, term: &EntryInfo<C::Time, G>) -> Freshness {
        term.grace.freshness(|time| self.clock.is_ahead(time))
    }

    /// An entry that is live was used.
    #[inline]
    pub(crate) fn used<G>(&self, term: &EntryInfo<C::Time, G>) {
        if self.tti.is_some() {
            term.used(self.idle());
        }
    }
}

/// How long what is stale is good, after `ttl`.
#[derive(Clone, Debug)]
pub struct Stale<S> {
    /// For all calls, while it is refreshed.
    pub(crate) revalidated: Revalidated<S>,
    /// For calls that would otherwise return an error.
    pub(crate) if_error: Option<S>,
}

/// How long what is stale is served while it is refreshed.
#[derive(Clone, Debug)]
pub(crate) enum Revalidated<S> {
    Never,
    For(S),
    Always,
}

impl<S> Stale<S> {
    /// Not at all.
    pub(crate) const NOT: Self = Self { revalidated: Revalidated::Never, if_error: None };

    pub(crate) fn is_not(&self) -> bool {
        matches!(self.revalidated, Revalidated::Never) && self.if_error.is_none()
    }
}

impl<C: Clock<Span: fmt::Debug> + fmt::Debug> fmt::Debug for Times<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Times");
        debug.field("clock", &self.clock).field("ttl", &self.ttl).field("tti", &self.tti);
        debug.field("jitter", &self.jitter).finish()
    }
}

/// A number from 0 to 1, another each time.
#[expect(clippy::cast_precision_loss, reason = "fewer bits are plenty")]
fn scatter() -> f64 {
    static STATE: LazyLock<AtomicU64> = LazyLock::new(|| AtomicU64::new(SEED.hash_one(0)));
    // A hash alone would not do: those of numbers in a row may lie in a row too.
    mixed(STATE.fetch_add(STEP, Relaxed)) as f64 / u64::MAX as f64
}

#[cfg(test)]
mod tests {
    use std::iter;

    use super::*;

    #[test]
    fn numbers_in_a_row_are_scattered_evenly() {
        for step in 0..20 {
            let mut tenths = [0; 10];
            for _ in 0..1000 {
                let number = iter::repeat_with(scatter).nth(step).unwrap_or_default();
                let tenth = (0..9).take_while(|tenth| f64::from(tenth + 1) / 10.0 < number).count();
                tenths[tenth] += 1;
            }
            assert!(tenths.iter().all(|count| (30..170).contains(count)), "{step}: {tenths:?}");
        }
    }
}
