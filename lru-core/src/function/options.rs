//! The lifecycle options of a memoized function, as a value: for generated code.

use core::time::Duration;

use crate::engine::{Expiry, Hooks, Lifecycle};
use crate::expiry::clock::seldom;
use crate::expiry::duration::Span;
use crate::expiry::entry_deadlines::EntryInfo;
use crate::expiry::queue::Queued;
use crate::expiry::stale_window::Staleness;
use crate::expiry::time_to_live::Deadlines;
use crate::expiry::{Clock, EntryOptions, ExpirySettings, Freshness, Ticks, Timestamp};
use crate::function::listener::{ByArguments, FunctionHooks, NotifiedByCalls, Unset, WeighsBytes};
use crate::store::{CacheTypes, Candidates, EntryMeta, RemovalCause, entry_bytes};

/// The clock, the expiry settings and the hooks `H` of a function.
#[must_use = "options take effect in a call"]
pub struct Options<C: Clock, H = FunctionHooks> {
    clock: C,
    expiry: ExpirySettings<C::Time>,
    /// Whether entries may expire.
    is_timed: bool,
    hooks: H,
}

impl<C: Clock> Options<C> {
    /// Creates options without expiry.
    pub const fn new(clock: C) -> Self {
        let hooks = FunctionHooks { listener: Unset, chooser: Unset };
        Self { clock, expiry: ExpirySettings::NONE, is_timed: false, hooks }
    }
}

impl<C: Clock, L, H> Options<C, FunctionHooks<L, H>> {
    /// Sets when entries expire.
    pub fn expiry(mut self, set: impl FnOnce(ExpirySettings<C::Time>) -> ExpirySettings<C::Time>) -> Self {
        self.expiry = set(self.expiry);
        self.is_timed |= self.expiry.is_timed();
        self
    }

    /// Enables expiry, for entries that have deadlines of their own.
    pub fn timed(mut self) -> Self {
        self.is_timed = true;
        self
    }

    /// Sets the eviction listener. `arguments` returns the arguments in a key, which the listener takes.
    pub fn on_evict<K, A, V, F>(
        self,
        arguments: fn(&K) -> &A,
        function: F,
    ) -> Options<C, FunctionHooks<ByArguments<K, A, F>, H>>
    where
        F: Fn(&A, &V, RemovalCause),
    {
        self.hooked(|hooks| FunctionHooks {
            listener: ByArguments { arguments, function },
            chooser: hooks.chooser,
        })
    }

    /// Defers the notification of the listener to the next call.
    pub fn notified_by_calls(self) -> Options<C, FunctionHooks<NotifiedByCalls, H>> {
        self.hooked(|hooks| FunctionHooks { listener: NotifiedByCalls, chooser: hooks.chooser })
    }

    /// Sets the victim chooser. `arguments` returns the arguments in a key, which the chooser takes.
    pub fn choice<K, A, F>(
        self,
        arguments: fn(&K) -> &A,
        function: F,
    ) -> Options<C, FunctionHooks<L, ByArguments<K, A, F>>>
    where
        F: Fn(&Candidates<'_, A>) -> usize,
    {
        self.hooked(|hooks| FunctionHooks {
            listener: hooks.listener,
            chooser: ByArguments { arguments, function },
        })
    }

    fn hooked<N>(self, change: impl FnOnce(FunctionHooks<L, H>) -> N) -> Options<C, N> {
        let Self { clock, expiry, is_timed, hooks } = self;
        Options { clock, expiry, is_timed, hooks: change(hooks) }
    }
}

impl<C: Clock, H> Options<C, H> {
    /// Makes the size in bytes of an entry its weight. `owned_bytes` returns those that a key and a value own.
    pub fn weigh_bytes<K, V>(self, owned_bytes: fn(&K, &V) -> usize) -> Options<C, WeighsBytes<H, K, V>> {
        let Self { clock, expiry, is_timed, hooks } = self;
        Options { clock, expiry, is_timed, hooks: WeighsBytes { hooks, owned_bytes } }
    }
}

/// The clock that the deadlines of the function's entries are computed from.
impl<C: Clock, H> Clock for Options<C, H> {
    type Time = C::Time;

    fn now(&self) -> C::Time {
        self.clock.now()
    }
}

impl<C: Clock, H> Deadlines for Options<C, H> {
    fn fresh_until(&self, ttl: <C::Time as Timestamp>::Span) -> Ticks {
        self.expiry.fresh_until(self.clock.now().now(), ttl)
    }
}

impl<C: Clock, H, W: Staleness> Expiry<EntryInfo<W>> for Options<C, H> {
    #[inline]
    fn now(&self) -> Ticks {
        if self.is_timed { self.clock.now().now() } else { Ticks::START }
    }

    #[inline]
    fn about_now(&self) -> Ticks {
        if self.is_timed { self.clock.about_now() } else { Ticks::START }
    }

    #[inline]
    fn is_surely_fresh(&self, info: &EntryInfo<W>, about: Ticks) -> bool {
        info.is_fresh_about(about)
    }

    #[inline]
    fn exact(&self, about: Ticks) -> Ticks {
        if C::IS_COARSE_CHEAPER { seldom(|| Expiry::<EntryInfo<W>>::now(self)) } else { about }
    }

    #[inline]
    fn check(&self, info: &EntryInfo<W>, now: Ticks) -> Freshness {
        info.freshness(now)
    }

    #[inline]
    fn touch(&self, info: &EntryInfo<W>, now: Ticks) {
        self.expiry.touch(info, now);
    }

    fn may_be_stale(&self) -> bool {
        W::MAY_BE_STALE
    }

    fn serves_on_error(&self) -> bool {
        self.expiry.serves_on_error()
    }

    fn own_deadline(&self, info: &EntryInfo<W>, options: &EntryOptions) -> Option<Ticks> {
        let fresh_until = info.fresh_until();
        let is_limited = fresh_until != Ticks::NEVER;
        let has_own = is_limited || options.has_deadline() || self.expiry.has_ttl(options.is_error);
        has_own.then_some(if C::IS_SYSTEM { fresh_until } else { Ticks::NEVER })
    }

    fn deadline_without_entry(&self, options: &EntryOptions) -> Option<Ticks> {
        let info: EntryInfo<W> = self.expiry.info(self.clock.now().now(), *options);
        Expiry::<EntryInfo<W>>::own_deadline(self, &info, options)
    }

    fn age(&self, info: &EntryInfo<W>) -> Option<Duration> {
        C::Time::between(info.stored, self.clock.now().now()).duration()
    }

    fn left(&self, deadline: Ticks) -> Option<Duration> {
        C::Time::between(self.clock.now().now(), deadline).duration()
    }

    fn refresh_failed(&self, info: &EntryInfo<W>) {
        self.expiry.refresh_failed(info, self.clock.now().now());
    }
}

impl<X, C, H, W> Lifecycle<X> for Options<C, H>
where
    X: CacheTypes<Meta = EntryInfo<W>>,
    C: Clock,
    H: Hooks<X::Key, X::Value>,
    W: Queued,
{
    type Hooks = H;

    #[inline]
    fn hooks(&self) -> &H {
        &self.hooks
    }

    fn meta(&self, key: &X::Key, value: &X::Value, options: EntryOptions) -> EntryInfo<W> {
        if !self.hooks.weighs_bytes() {
            return self.expiry.info(self.clock.now().now(), options);
        }
        let weight = entry_bytes::<X>().saturating_add(self.hooks.owned_bytes(key, value));
        let mut info = self.expiry.info(self.clock.now().now(), EntryOptions { weight, ..options });
        info.add_weight(info.owned_bytes());
        info
    }
}
