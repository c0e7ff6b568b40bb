//! The settings of a cache object: its clock, its expiry settings, its weigher and its hooks.

use core::sync::atomic::{AtomicBool, Ordering::Relaxed};
use core::time::Duration;
use std::boxed::Box;

use crate::engine::{Expiry, Hooks, Lifecycle};
use crate::expiry::clock::seldom;
use crate::expiry::duration::Span;
use crate::expiry::{Clock, EntryOptions, ExpirySettings, Freshness, Ticks, Timestamp};
use crate::function::call::pending_call::FlightOptions;
use crate::function::tagged::info::{Taggable, Tags};
use crate::key::KeyHash;
pub(crate) use crate::object::tagged::ObjectInfo;
use crate::object::tagged::{CacheNumber, checked, is_surely_valid, set_tags};
use crate::store::types::Types;
use crate::store::{CacheTypes, Candidates, EntryMeta, RemovalCause};
use crate::tags::validity::Validity;

/// The types of a cache object.
pub(crate) type ObjectTypes<K, V, P> = Types<K, V, P, ObjectInfo>;

/// The victim chooser: returns the index of the key whose entry is evicted.
type Choice<K> = Box<dyn Fn(&Candidates<'_, K>) -> usize + Send + Sync>;
/// The weigher: returns the weight of an entry.
type Weigher<K, V> = Box<dyn Fn(&K, &V) -> usize + Send + Sync>;
/// The `ttu` function: returns the deadline of an entry that is stored at the given time.
type Ttu<K, V, T> = Box<dyn Fn(&K, &V, T) -> T + Send + Sync>;
/// The eviction listener: called for each removed entry.
type Listener<K, V> = Box<dyn Fn(&K, &V, RemovalCause) + Send + Sync>;

/// The settings of a cache object.
pub struct Settings<K, V, C: Clock> {
    pub(super) clock: C,
    pub(super) expiry: ExpirySettings<C::Time>,
    /// Whether entries may expire: by these settings, or by those of a function that stored them.
    pub(super) is_timed: AtomicBool,
    pub(super) ttu: Option<Ttu<K, V, C::Time>>,
    pub(super) weigher: Option<Weigher<K, V>>,
    /// Whether the weigher returns bytes.
    pub(super) weighs_bytes: bool,
    pub(super) listener: Option<Listener<K, V>>,
    pub(super) choice: Option<Choice<K>>,
    /// How async calls share computations, and other calls as well if the keys can be cloned for them.
    pub(super) flight: FlightOptions,
    /// Clones a key for a flight; `None` if only async calls share computations.
    pub(super) flight_key: Option<fn(&K) -> K>,
    /// The number of the object, for the tags of its entries.
    pub(super) number: CacheNumber,
}

impl<K, V, C: Clock> Settings<K, V, C> {
    pub(super) const fn new(clock: C, expiry: ExpirySettings<C::Time>, is_timed: bool) -> Self {
        let is_timed = AtomicBool::new(is_timed);
        let flight = FlightOptions::SINGLE;
        Self {
            clock,
            expiry,
            is_timed,
            ttu: None,
            weigher: None,
            weighs_bytes: false,
            listener: None,
            choice: None,
            flight,
            flight_key: None,
            number: CacheNumber::none(),
        }
    }

    /// Returns the time since an entry was stored, if the clock measures seconds.
    pub(super) fn age(&self, info: &ObjectInfo) -> Option<Duration> {
        C::Time::between(info.stored, self.clock.now().now()).duration()
    }

    /// Returns when the time to live of an entry ends, by the monotonic clock of the system, if it has one: by `expiry`, or by
    /// these settings.
    pub(super) fn own_deadline(
        &self,
        info: &ObjectInfo,
        options: &EntryOptions,
        expiry: &ExpirySettings<C::Time>,
    ) -> Option<Ticks> {
        let fresh_until = info.fresh_until();
        let has_ttl = expiry.has_ttl(options.is_error) || self.expiry.has_ttl(options.is_error);
        let has_own = fresh_until != Ticks::NEVER || options.has_deadline() || has_ttl;
        has_own.then_some(if C::IS_SYSTEM { fresh_until } else { Ticks::NEVER })
    }

    /// Like [`own_deadline`](Self::own_deadline), of a result for which no entry is made. That of a `ttu` function is unknown.
    pub(super) fn deadline_without_entry(
        &self,
        options: &EntryOptions,
        expiry: &ExpirySettings<C::Time>,
    ) -> Option<Ticks> {
        let has_own = options.has_deadline() || expiry.has_ttl(options.is_error);
        if !has_own && self.ttu.is_some() {
            return None;
        }
        let expiry = if has_own { expiry } else { &self.expiry };
        let info = expiry.info(self.clock.now().now(), *options);
        self.own_deadline(&info, options, expiry)
    }

    /// Gives the entry of a value that is put its own tag, if the object has tags. The value counts as computed now.
    #[inline]
    pub(super) fn tag_put(&self, info: &mut ObjectInfo, hash: KeyHash) {
        if let Some(number) = self.number.known() {
            let deadline = self.own_deadline(info, &EntryOptions::NONE, &self.expiry);
            let tags = Tags::new(Validity::node_of_put(hash, number), deadline);
            if self.weighs_bytes {
                info.add_weight(ObjectInfo::TAG_BYTES + tags.owned_bytes());
            }
            set_tags(info, tags);
        }
    }

    /// Returns the metadata of an entry that is stored now, by these settings or by those of a function that
    /// sets a time to live.
    pub(super) fn info(
        &self,
        function: Option<&ExpirySettings<C::Time>>,
        key: &K,
        value: &V,
        options: EntryOptions,
    ) -> ObjectInfo {
        // Run the weigher before the clock is read: the time to live begins when the entry is complete.
        let weight = self.weigher.as_ref().map_or(1, |weigher| weigher(key, value));
        let now = self.clock.now();
        let (expiry, until) = match function {
            Some(function) if options.has_deadline() || function.has_ttl(options.is_error) => {
                (function.with_weights_of(&self.expiry), options.until)
            }
            _ => {
                let expiry = function.map_or(self.expiry, |function| self.expiry.with_tti_of(function));
                (expiry, self.ttu.as_ref().map(|ttu| ttu(key, value, now).ticks()))
            }
        };
        if function.is_some() || options.max_age.is_some() {
            self.is_timed.store(true, Relaxed);
        }
        let mut info: ObjectInfo = expiry.info(now.now(), EntryOptions { weight, until, ..options });
        if self.weighs_bytes {
            info.add_weight(info.owned_bytes());
        }
        info
    }
}

impl<K, V, C: Clock> Expiry<ObjectInfo> for &Settings<K, V, C> {
    #[inline]
    fn now(&self) -> Ticks {
        if self.is_timed.load(Relaxed) { self.clock.now().now() } else { Ticks::START }
    }

    #[inline]
    fn about_now(&self) -> Ticks {
        if self.is_timed.load(Relaxed) { self.clock.about_now() } else { Ticks::START }
    }

    #[inline]
    fn is_surely_fresh(&self, info: &ObjectInfo, about: Ticks) -> bool {
        info.is_fresh_about(about) && is_surely_valid(info)
    }

    #[inline]
    fn exact(&self, about: Ticks) -> Ticks {
        if C::IS_COARSE_CHEAPER { seldom(|| Expiry::<ObjectInfo>::now(self)) } else { about }
    }

    /// Reports a stale entry of a function as fresh: the object cannot refresh it. One that the object's own methods
    /// refresh is served by these only.
    #[inline]
    fn check(&self, info: &ObjectInfo, now: Ticks) -> Freshness {
        checked(info, || match info.freshness(now) {
            Freshness::Stale { .. } if self.expiry.serves_stale() => Freshness::ErrorOnly,
            freshness if freshness.is_live() => Freshness::Fresh,
            freshness => freshness,
        })
    }

    #[inline]
    fn touch(&self, info: &ObjectInfo, now: Ticks) {
        self.expiry.touch(info, now);
    }

    fn own_deadline(&self, info: &ObjectInfo, options: &EntryOptions) -> Option<Ticks> {
        Settings::own_deadline(self, info, options, &self.expiry)
    }

    fn deadline_without_entry(&self, options: &EntryOptions) -> Option<Ticks> {
        Settings::deadline_without_entry(self, options, &self.expiry)
    }

    fn age(&self, info: &ObjectInfo) -> Option<Duration> {
        Settings::age(self, info)
    }

    fn serves_on_error(&self) -> bool {
        self.expiry.serves_on_error()
    }
}

impl<K, V, C: Clock> Hooks<K, V> for Settings<K, V, C> {
    fn chooses(&self) -> bool {
        self.choice.is_some()
    }

    fn choose(&self, keys: &Candidates<'_, K>) -> Option<usize> {
        self.choice.as_ref().map(|choice| choice(keys))
    }

    fn weighs_bytes(&self) -> bool {
        self.weighs_bytes
    }

    fn listens(&self) -> bool {
        self.listener.is_some()
    }

    fn notify(&self, key: &K, value: &V, cause: RemovalCause) {
        if let Some(listener) = &self.listener {
            listener(key, value, cause);
        }
    }
}

impl<X, C> Lifecycle<X> for &Settings<X::Key, X::Value, C>
where
    X: CacheTypes<Meta = ObjectInfo>,
    C: Clock,
{
    type Hooks = Settings<X::Key, X::Value, C>;

    #[inline]
    fn hooks(&self) -> &Self::Hooks {
        self
    }

    fn meta(&self, key: &X::Key, value: &X::Value, options: EntryOptions) -> ObjectInfo {
        self.info(None, key, value, options)
    }

    fn number(&self) -> Option<u64> {
        Some(self.number.get())
    }

    #[inline]
    fn number_in_use(&self) -> Option<u64> {
        self.number.known()
    }
}
