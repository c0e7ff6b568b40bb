//! The plan of a memoized function, made of its options: for generated code.

use core::fmt;
use core::time::Duration;
use std::boxed::Box;
use std::time::Instant;

use crate::engine::lifecycle::{Keys, Lifecycle, Revalidated, Stale, Times};
use crate::expiry::clock::{Clock, Now, Read, Reading, SystemClock};
use crate::expiry::entry_info::{EntryInfo, Freshness, StaleWindow};
use crate::store::removed::RemovalCause;
use crate::store::types::CacheTypes;

/// How long entries are fresh, live or good at all, as options say it: for a plan that has `times`,
/// `error_ttl` and `stale`, and is `timed` by them.
macro_rules! spans {
    ($span:ty) => {
        /// Entries are live for so long.
        #[must_use]
        pub fn ttl(self, ttl: impl IntoSpan<$span>) -> Self {
            self.ttl_as_written(ttl.into_span())
        }

        /// The same, in the clock's own terms.
        #[must_use]
        pub fn ttl_as_written(mut self, ttl: $span) -> Self {
            self.times.ttl = Some(ttl);
            self.timed()
        }

        /// Entries are live for so long after their last use.
        #[must_use]
        pub fn tti(self, tti: impl IntoSpan<$span>) -> Self {
            self.tti_as_written(tti.into_span())
        }

        /// The same, in the clock's own terms.
        #[must_use]
        pub fn tti_as_written(mut self, tti: $span) -> Self {
            self.times.tti = Some(tti);
            self.timed()
        }

        /// Errors, where they are kept, are live for so long.
        #[must_use]
        pub fn error_ttl(self, ttl: impl IntoSpan<$span>) -> Self {
            self.error_ttl_as_written(ttl.into_span())
        }

        /// The same, in the clock's own terms.
        #[must_use]
        pub fn error_ttl_as_written(mut self, ttl: $span) -> Self {
            self.error_ttl = Some(ttl);
            self.timed()
        }

        /// After `ttl`, entries are served for so long while they are refreshed.
        #[must_use]
        pub fn swr(self, span: impl IntoSpan<$span>) -> Self {
            self.swr_as_written(span.into_span())
        }

        /// The same, in the clock's own terms.
        #[must_use]
        pub fn swr_as_written(mut self, span: $span) -> Self {
            self.stale.revalidated = Revalidated::For(span);
            self
        }

        /// After `ttl`, entries are served until they are refreshed.
        #[must_use]
        pub fn swr_always(mut self) -> Self {
            self.stale.revalidated = Revalidated::Always;
            self
        }

        /// After `ttl`, entries are good for so long where the function fails.
        #[must_use]
        pub fn stale_if_error(self, span: impl IntoSpan<$span>) -> Self {
            self.stale_if_error_as_written(span.into_span())
        }

        /// The same, in the clock's own terms.
        #[must_use]
        pub fn stale_if_error_as_written(mut self, span: $span) -> Self {
            self.stale.if_error = Some(span);
            self
        }

        /// The part of `ttl` by which that of some entries is shorter.
        #[must_use]
        pub fn jitter(mut self, jitter: f64) -> Self {
            self.times.jitter = jitter;
            self
        }
    };
}
pub(crate) use spans;

/// What a function's options say of its entries' terms: by which clock and for how long they are
/// live, who is told what left, and who chooses what is to leave.
pub struct Options<C: Clock, L = Nobody, H = Nobody> {
    times: Times<C>,
    /// Where errors are kept, how long.
    error_ttl: Option<C::Span>,
    stale: Stale<C::Span>,
    /// Whether entries may expire.
    timed: bool,
    listener: L,
    chooser: H,
}

impl<C: Clock> Options<C> {
    /// For ever, by this clock.
    pub const fn new(clock: C) -> Self {
        let times = Times::new(clock);
        let (error_ttl, stale) = (None, Stale::NOT);
        Self { times, error_ttl, stale, timed: false, listener: Nobody, chooser: Nobody }
    }
}

impl<C: Clock, L, H> Options<C, L, H> {
    /// Is told what left. `arguments` are what of the key is theirs.
    pub fn on_evict<K, A, V, F>(self, arguments: fn(&K) -> &A, told: F) -> Options<C, ByArguments<K, A, F>, H>
    where
        F: Fn(&A, &V, RemovalCause),
    {
        let Self { times, error_ttl, stale, timed, chooser, .. } = self;
        Options { times, error_ttl, stale, timed, listener: ByArguments(arguments, told), chooser }
    }

    /// Those who are told what left, only calls know.
    pub fn told_by_calls(self) -> Options<C, ToldByCalls, H> {
        let Self { times, error_ttl, stale, timed, chooser, .. } = self;
        Options { times, error_ttl, stale, timed, listener: ToldByCalls, chooser }
    }

    /// Chooses what is to leave. `arguments` are what of the key is theirs.
    pub fn choice<K, A, F>(self, arguments: fn(&K) -> &A, choose: F) -> Options<C, L, ByArguments<K, A, F>>
    where
        F: Fn(&Keys<'_, A>) -> usize,
    {
        let Self { times, error_ttl, stale, timed, listener, .. } = self;
        Options { times, error_ttl, stale, timed, listener, chooser: ByArguments(arguments, choose) }
    }

    spans! { C::Span }

    /// Entries have times of their own.
    #[must_use]
    pub fn timed(mut self) -> Self {
        self.timed = true;
        self
    }
}

impl<C: Clock, L, H> fmt::Debug for Options<C, L, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").finish_non_exhaustive()
    }
}

/// What can be given for a length of time: a number of seconds, or a `Duration`. For a clock of the
/// user's own, what is added to its time.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no length of time",
    label = "expected a number of seconds, or a `Duration`"
)]
pub trait IntoSpan<S> {
    /// As the clock takes it.
    fn into_span(self) -> S;
}

/// As it is.
impl<S> IntoSpan<S> for S {
    #[inline]
    fn into_span(self) -> S {
        self
    }
}

macro_rules! seconds {
    ($($type:ty => $seconds:ident $duration:expr;)*) => { $(
        #[diagnostic::do_not_recommend]
        impl IntoSpan<Duration> for $type {
            #[inline]
            fn into_span(self) -> Duration {
                let $seconds = self;
                $duration
            }
        }
    )* };
}

/// What is negative or no number is no time; what is too long is for ever.
fn from_float(seconds: f64) -> Duration {
    if seconds > 0.0 { Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX) } else { Duration::ZERO }
}

seconds! {
    u8 => it Duration::from_secs(it.into());
    u16 => it Duration::from_secs(it.into());
    u32 => it Duration::from_secs(it.into());
    u64 => it Duration::from_secs(it);
    usize => it Duration::from_secs(u64::try_from(it).unwrap_or(u64::MAX));
    i8 => it Duration::from_secs(u64::try_from(it).unwrap_or(0));
    i16 => it Duration::from_secs(u64::try_from(it).unwrap_or(0));
    i32 => it Duration::from_secs(u64::try_from(it).unwrap_or(0));
    i64 => it Duration::from_secs(u64::try_from(it).unwrap_or(0));
    isize => it Duration::from_secs(u64::try_from(it).unwrap_or(0));
    f32 => it from_float(it.into());
    f64 => it from_float(it);
}

/// A function of the user's as a clock. What is added to its time stands in functions, so that it
/// is added as it is written.
pub struct FnClock<F>(F);

impl<F> FnClock<F> {
    /// The clock that `read` reads.
    pub const fn new<T>(read: F) -> Read<Self>
    where
        F: Fn() -> T,
    {
        Read(Self(read))
    }

    /// The same, whose times can be named.
    pub(crate) const fn of(read: F) -> Self {
        Self(read)
    }
}

impl<F, T> Clock for FnClock<F>
where
    F: Fn() -> T,
    T: Clone + PartialOrd,
{
    type Time = T;
    type Span = fn(Now<T>) -> Option<T>;

    #[inline]
    fn now(&self) -> T {
        (self.0)()
    }

    fn later(&self, time: &T, span: &Self::Span) -> Option<T> {
        span(Now(time.clone()))
    }
}

impl<F> fmt::Debug for FnClock<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FnClock").finish_non_exhaustive()
    }
}

/// A clock that can be read before its time is made what an entry keeps.
pub trait RawClock: Clock {
    /// What it shows.
    type Raw;

    /// What it shows now.
    fn raw(&self) -> Self::Raw;

    /// As an entry keeps it.
    fn kept(&self, raw: Self::Raw) -> Self::Time;

    /// Whether a time that an entry keeps is later than this.
    fn is_after(&self, kept: &Self::Time, raw: &Self::Raw) -> bool;
}

impl RawClock for SystemClock {
    type Raw = Instant;

    fn raw(&self) -> Instant {
        self.now()
    }

    fn kept(&self, raw: Instant) -> Instant {
        raw
    }

    #[inline]
    fn is_after(&self, kept: &Instant, raw: &Instant) -> bool {
        raw < kept
    }
}

impl<C: Clock<Time: Send + Sync + 'static>> RawClock for Read<C> {
    type Raw = C::Time;

    fn raw(&self) -> C::Time {
        self.0.now()
    }

    fn kept(&self, raw: C::Time) -> Reading {
        Reading::new(&raw)
    }

    fn is_after(&self, kept: &Reading, raw: &C::Time) -> bool {
        kept.is_after(raw)
    }
}

/// Who is told what left.
pub trait Listener<K, V> {
    /// Whether there is anybody.
    const LISTENS: bool;
    /// Whether there is, and only calls know whom.
    const IS_ELSEWHERE: bool = false;

    /// Tells them.
    fn left(&self, key: &K, value: &V, cause: RemovalCause);
}

/// Who chooses what is to leave.
pub trait Chooser<K> {
    /// Whether there is anybody.
    const CHOOSES: bool;

    /// The number of the key whose entry is to leave.
    fn choose(&self, keys: &Keys<'_, K>) -> Option<usize>;
}

/// Nobody listens, or chooses.
#[derive(Clone, Copy, Debug)]
pub struct Nobody;

impl<K, V> Listener<K, V> for Nobody {
    const LISTENS: bool = false;

    fn left(&self, _: &K, _: &V, _: RemovalCause) {}
}

/// Somebody listens whom only calls know.
#[derive(Clone, Copy, Debug)]
pub struct ToldByCalls;

impl<K, V> Listener<K, V> for ToldByCalls {
    const LISTENS: bool = false;
    const IS_ELSEWHERE: bool = true;

    fn left(&self, _: &K, _: &V, _: RemovalCause) {}
}

impl<K> Chooser<K> for Nobody {
    const CHOOSES: bool = false;

    fn choose(&self, _: &Keys<'_, K>) -> Option<usize> {
        None
    }
}

/// A function of the user's that is to be given the arguments that are in a key.
pub struct ByArguments<K, A, F>(fn(&K) -> &A, F);

impl<K, A, F> fmt::Debug for ByArguments<K, A, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByArguments").finish_non_exhaustive()
    }
}

impl<K, A, V, F: Fn(&A, &V, RemovalCause)> Listener<K, V> for ByArguments<K, A, F> {
    const LISTENS: bool = true;

    fn left(&self, key: &K, value: &V, cause: RemovalCause) {
        (self.1)((self.0)(key), value, cause);
    }
}

impl<K, A, F: Fn(&Keys<'_, A>) -> usize> Chooser<K> for ByArguments<K, A, F> {
    const CHOOSES: bool = true;

    fn choose(&self, keys: &Keys<'_, K>) -> Option<usize> {
        Some(keys.shown(self.0, &self.1))
    }
}

/// What is known of an entry between fresh and expired: nothing, `()`, or a [`StaleWindow`].
pub trait Between<C: Clock>: Sized {
    /// Whether there is anything to know.
    const IS_THERE: bool;

    /// The terms for an entry of this weight that comes in now: live for `ttl`, or until a time of its
    /// own.
    fn lease(
        times: &Times<C>,
        weight: usize,
        until: Option<C::Time>,
        ttl: Option<&C::Span>,
        stale: &Stale<C::Span>,
    ) -> EntryInfo<C::Time, Self>;

    /// How fresh an entry is that has not expired.
    fn freshness(&self, is_ahead: impl Fn(&C::Time) -> bool) -> Freshness;

    /// A refresh failed.
    fn failed(&self, times: &Times<C>);

    /// What ends first: the entry itself with `()`, else its being fresh.
    fn end(lease: EntryInfo<C::Time, Self>, end: C::Time) -> EntryInfo<C::Time, Self>;
}

impl<C: Clock> Between<C> for () {
    const IS_THERE: bool = false;

    #[inline]
    fn lease(
        times: &Times<C>,
        weight: usize,
        until: Option<C::Time>,
        ttl: Option<&C::Span>,
        _: &Stale<C::Span>,
    ) -> EntryInfo<C::Time> {
        times.term_for(weight, until, ttl)
    }

    #[inline]
    fn freshness(&self, _: impl Fn(&C::Time) -> bool) -> Freshness {
        Freshness::Fresh
    }

    fn failed(&self, _: &Times<C>) {}

    fn end(lease: EntryInfo<C::Time>, end: C::Time) -> EntryInfo<C::Time> {
        lease.ending(end)
    }
}

impl<C: Clock> Between<C> for StaleWindow<C::Time> {
    const IS_THERE: bool = true;

    fn lease(
        times: &Times<C>,
        weight: usize,
        _: Option<C::Time>,
        ttl: Option<&C::Span>,
        stale: &Stale<C::Span>,
    ) -> EntryInfo<C::Time, Self> {
        times.term_with_grace(weight, ttl, stale)
    }

    fn freshness(&self, is_ahead: impl Fn(&C::Time) -> bool) -> Freshness {
        self.freshness(is_ahead)
    }

    fn failed(&self, times: &Times<C>) {
        let failures = self.failed();
        self.wait_until(times.after_failures(failures));
    }

    fn end(lease: EntryInfo<C::Time, Self>, end: C::Time) -> EntryInfo<C::Time, Self> {
        lease.fresh_until(end)
    }
}

/// A grace that most entries have not: they pay a word for it.
impl<C: Clock> Between<C> for Option<Box<StaleWindow<C::Time>>> {
    const IS_THERE: bool = true;

    fn lease(
        times: &Times<C>,
        weight: usize,
        until: Option<C::Time>,
        ttl: Option<&C::Span>,
        stale: &Stale<C::Span>,
    ) -> EntryInfo<C::Time, Self> {
        if stale.is_not() || until.is_some() {
            return times.term_for(weight, until, ttl);
        }
        times.term_with_grace(weight, ttl, stale).boxed()
    }

    fn freshness(&self, is_ahead: impl Fn(&C::Time) -> bool) -> Freshness {
        self.as_ref().map_or(Freshness::Fresh, |grace| grace.freshness(is_ahead))
    }

    fn failed(&self, times: &Times<C>) {
        if let Some(grace) = self {
            Between::failed(&**grace, times);
        }
    }

    fn end(lease: EntryInfo<C::Time, Self>, end: C::Time) -> EntryInfo<C::Time, Self> {
        if lease.grace.is_some() { lease.boxed_fresh_until(end) } else { lease.ending(end) }
    }
}

impl<X, C, L, H, G> Lifecycle<X> for Options<C, L, H>
where
    X: CacheTypes<Meta = EntryInfo<C::Time, G>>,
    C: RawClock,
    L: Listener<X::Key, X::Value>,
    H: Chooser<X::Key>,
    G: Between<C>,
{
    fn now(&self) -> Option<C::Time> {
        self.timed.then(|| self.times.clock.now())
    }

    fn term(&self, _: &X::Key, _: &X::Value) -> EntryInfo<C::Time, G> {
        G::lease(&self.times, 1, None, self.times.ttl.as_ref(), &self.stale)
    }

    fn term_of_error(&self, _: &X::Key, _: &X::Value) -> EntryInfo<C::Time, G> {
        self.lease_of_error(1)
    }

    fn shortened(&self, term: EntryInfo<C::Time, G>, left: Option<Duration>) -> EntryInfo<C::Time, G> {
        let Some(end) = self.times.end(left) else { return term };
        G::end(term, end)
    }

    #[inline]
    fn is_live(&self, term: &EntryInfo<C::Time, G>) -> bool {
        let is_ahead = |time: &C::Time| self.times.clock.is_ahead(time);
        term.is_live(is_ahead) && term.grace.freshness(is_ahead) != Freshness::ErrorOnly
    }

    fn is_kept(&self, term: &EntryInfo<C::Time, G>) -> bool {
        self.times.is_live(term)
    }

    type Reading = Option<C::Raw>;

    #[inline]
    fn read(&self) -> Option<C::Raw> {
        self.timed.then(|| self.times.clock.raw())
    }

    #[inline]
    fn is_live_and_used(&self, term: &EntryInfo<C::Time, G>, reading: &Option<C::Raw>) -> bool {
        let is_live = reading.as_ref().is_none_or(|now| {
            let is_ahead = |time: &C::Time| self.times.clock.is_after(time, now);
            term.is_live(is_ahead) && term.grace.freshness(is_ahead) != Freshness::ErrorOnly
        });
        if is_live {
            self.times.used(term);
        }
        is_live
    }

    fn has_grace(&self) -> bool {
        G::IS_THERE
    }

    fn freshness(&self, term: &EntryInfo<C::Time, G>, reading: &Option<C::Raw>) -> Freshness {
        reading
            .as_ref()
            .map_or(Freshness::Fresh, |now| term.grace.freshness(|time| self.times.clock.is_after(time, now)))
    }

    fn spares(&self) -> bool {
        self.stale.if_error.is_some()
    }

    fn failed(&self, term: &EntryInfo<C::Time, G>) {
        term.grace.failed(&self.times);
    }

    fn chooses(&self) -> bool {
        H::CHOOSES
    }

    fn choose(&self, keys: &Keys<'_, X::Key>) -> Option<usize> {
        self.chooser.choose(keys)
    }

    fn listens(&self) -> bool {
        L::LISTENS
    }

    fn left(&self, key: &X::Key, value: &X::Value, cause: RemovalCause) {
        self.listener.left(key, value, cause);
    }

    fn leaves_telling(&self) -> bool {
        L::IS_ELSEWHERE
    }
}

impl<C: Clock, L, H> Options<C, L, H> {
    /// The terms for an error of this weight that comes in now. When it has expired it is gone.
    fn lease_of_error<G: Between<C>>(&self, weight: usize) -> EntryInfo<C::Time, G> {
        let ttl = self.error_ttl.as_ref().or(self.times.ttl.as_ref());
        G::lease(&self.times, weight, None, ttl, &Stale::NOT)
    }
}

/// A plan by which an entry can have a time of its own.
pub trait Timed {
    /// What the clock shows.
    type Raw;

    /// What it shows now.
    fn raw(&self) -> Self::Raw;
}

/// A plan by which an entry can have a weight and a time of its own.
pub trait Terms<X: CacheTypes>: Timed {
    /// The terms for an entry of this weight that comes in now, live until then, or as long as errors
    /// are.
    fn own(
        &self,
        key: &X::Key,
        value: &X::Value,
        weight: usize,
        until: Option<Self::Raw>,
        is_error: bool,
    ) -> X::Meta;
}

impl<C: RawClock, L, H> Timed for Options<C, L, H> {
    type Raw = C::Raw;

    fn raw(&self) -> C::Raw {
        self.times.clock.raw()
    }
}

impl<X, C, L, H, G> Terms<X> for Options<C, L, H>
where
    X: CacheTypes<Meta = EntryInfo<C::Time, G>>,
    C: RawClock,
    G: Between<C>,
{
    fn own(
        &self,
        _: &X::Key,
        _: &X::Value,
        weight: usize,
        until: Option<C::Raw>,
        is_error: bool,
    ) -> EntryInfo<C::Time, G> {
        if is_error && self.error_ttl.is_some() {
            return self.lease_of_error(weight);
        }
        let until = until.map(|raw| self.times.clock.kept(raw));
        G::lease(&self.times, weight, until, self.times.ttl.as_ref(), &self.stale)
    }
}
