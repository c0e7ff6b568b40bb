//! The lifecycle of a call of a function with tags or dependencies.

use core::time::Duration;

use crate::engine::lifecycle::{Expiry, Hooks, Lifecycle};
use crate::expiry::clock::Clock;
use crate::expiry::time_to_live::Deadlines;
use crate::expiry::{EntryOptions, Freshness, Ticks, Timestamp};
use crate::function::tagged::info::{Taggable, Tags};
use crate::store::types::{Types, UnlockedOf};
use crate::store::{CacheTypes, EntryMeta};
use crate::tags::frame::{is_recording, record_unknown};
use crate::tags::validity::Validity;

/// The lifecycle `S` of one call, by which an entry that was invalidated is not served. It begins with the call.
pub struct TaggedLifecycle<S> {
    inner: S,
    pub(super) validity: Validity,
}

impl<S> TaggedLifecycle<S> {
    /// Begins a call.
    #[inline]
    #[must_use]
    pub fn begin(inner: S) -> Self {
        Self { inner, validity: Validity::begin() }
    }
}

impl<S: Clock> Clock for TaggedLifecycle<S> {
    type Time = S::Time;

    fn now(&self) -> S::Time {
        self.inner.now()
    }
}

impl<S: Deadlines> Deadlines for TaggedLifecycle<S> {
    fn fresh_until(&self, ttl: <S::Time as Timestamp>::Span) -> Ticks {
        self.inner.fresh_until(ttl)
    }
}

impl<T: Taggable, S: Expiry<T::Inner>> Expiry<T> for TaggedLifecycle<S> {
    #[inline]
    fn now(&self) -> Ticks {
        self.inner.now()
    }

    #[inline]
    fn about_now(&self) -> Ticks {
        self.inner.about_now()
    }

    #[inline]
    fn is_surely_fresh(&self, info: &T, about: Ticks) -> bool {
        // What a body reads is recorded by `check`.
        info.tags().is_some_and(|tags| tags.is_known_valid(self.validity.seen()))
            && !is_recording()
            && self.inner.is_surely_fresh(info.inner(), about)
    }

    #[inline]
    fn exact(&self, about: Ticks) -> Ticks {
        self.inner.exact(about)
    }

    /// Records the entry as read, if it may be served at all. An entry recorded in vain is harmless.
    #[inline]
    fn check(&self, info: &T, now: Ticks) -> Freshness {
        let freshness = || self.inner.check(info.inner(), now);
        let Some(tags) = info.tags() else {
            let freshness = freshness();
            if !freshness.is_gone() {
                record_unknown();
            }
            return freshness;
        };
        tags.check(self.validity.seen(), freshness)
    }

    #[inline]
    fn touch(&self, info: &T, now: Ticks) {
        self.inner.touch(info.inner(), now);
    }

    fn may_be_stale(&self) -> bool {
        self.inner.may_be_stale()
    }

    fn serves_on_error(&self) -> bool {
        self.inner.serves_on_error()
    }

    fn own_deadline(&self, info: &T, options: &EntryOptions) -> Option<Ticks> {
        self.inner.own_deadline(info.inner(), options)
    }

    fn deadline_without_entry(&self, options: &EntryOptions) -> Option<Ticks> {
        self.inner.deadline_without_entry(options)
    }

    fn age(&self, info: &T) -> Option<Duration> {
        self.inner.age(info.inner())
    }

    fn left(&self, deadline: Ticks) -> Option<Duration> {
        self.inner.left(deadline)
    }

    fn refresh_failed(&self, info: &T) {
        self.inner.refresh_failed(info.inner());
    }
}

/// The types of a cache with the inner metadata.
type Untagged<X> = Types<
    <X as CacheTypes>::Key,
    <X as CacheTypes>::Value,
    <X as CacheTypes>::Policy,
    <<X as CacheTypes>::Meta as Taggable>::Inner,
>;

impl<X, S> Lifecycle<X> for TaggedLifecycle<S>
where
    X: CacheTypes<Meta: Taggable>,
    Untagged<X>: CacheTypes<Key = X::Key, Value = X::Value, Meta = <X::Meta as Taggable>::Inner>,
    S: Lifecycle<Untagged<X>>,
{
    type Hooks = S::Hooks;

    #[inline]
    fn hooks(&self) -> &S::Hooks {
        self.inner.hooks()
    }

    fn meta(&self, key: &X::Key, value: &X::Value, options: EntryOptions) -> X::Meta {
        let inner = self.inner.meta(key, value, options);
        let deadline = self.inner.own_deadline(&inner, &options);
        let tags = Tags::new(self.validity.node(), deadline);
        if !Hooks::<X::Key, X::Value>::weighs_bytes(self.inner.hooks()) {
            return X::Meta::tagged(inner, tags);
        }
        let bytes = X::Meta::TAG_BYTES + tags.owned_bytes();
        let mut info = X::Meta::tagged(inner, tags);
        info.add_weight(bytes);
        info
    }

    #[inline]
    fn serves_unlocked(&self, meta: UnlockedOf<X>) -> bool {
        // What a body reads is recorded under the lock, where a clock is read as well.
        !X::Meta::MAY_EXPIRE && X::Meta::valid_at(meta).covers(self.validity.seen()) && !is_recording()
    }

    #[inline]
    fn validity(&self) -> Option<&Validity> {
        Some(&self.validity)
    }

    fn number(&self) -> Option<u64> {
        self.inner.number()
    }

    #[inline]
    fn number_in_use(&self) -> Option<u64> {
        self.inner.number_in_use()
    }
}
