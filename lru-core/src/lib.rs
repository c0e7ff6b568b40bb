//! The engine of `functools`: caches with the semantics of Python's `functools.lru_cache`, independent of the
//! macros.
//!
//! [`LruCache`] is the engine as an object, thread-safe and shared by `&`. A function with the attribute
//! `#[lru_cache]` has such a cache in a `static`, or uses a cache object; generated code calls it through a
//! handle, with borrowed arguments.
//!
//! Every call takes one path:
//!
//! ```text
//! key (hash, borrowed) → cache (lock; find; clone; touch; unlock) → hit: return
//!                                                                 → miss: compute, no lock held
//!                                                                   → cache (lock; insert; evict; unlock; drop)
//! ```

#![forbid(unsafe_code)]
// docs.rs marks each item with the feature that it needs.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![allow(
    clippy::inline_always,
    reason = "each memoized function has its own copy of the hit path, in one place, so inlining it costs nothing"
)]

pub mod backend;
mod budget;
#[allow(missing_debug_implementations, reason = "only generated code names its types")]
mod engine;
mod expiry;
mod flight;
#[allow(missing_debug_implementations, reason = "only generated code names its types")]
mod function;
mod heap_size;
mod insight;
#[allow(missing_debug_implementations, reason = "only generated code names its types, except `Tagged`")]
mod key;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod model;
mod object;
mod observe;
mod once;
mod panics;
mod property;
#[allow(missing_debug_implementations, reason = "only `isolated` and `bypassed` name its types")]
mod region;
#[allow(missing_debug_implementations, reason = "only generated code names its types")]
mod store;
mod tags;
#[cfg(all(test, loom))]
mod thread_orders;
mod time;

pub use budget::program::{budget, budget_report};
pub use budget::report::{BudgetReport, BudgetShare, ShareReason};
#[cfg(feature = "testing")]
pub use engine::placement::isolation::isolated;
pub use expiry::clock::{Clock, ManualClock, SystemClock};
pub use expiry::ticks::Timestamp;
pub use expiry::timer::Timer;
pub use function::batch::wrong_length::WrongLength;
pub use function::bypass::bypassed;
pub use function::tagged::invalidated::Invalidated;
pub use function::tagged::invalidation::invalidate;
pub use heap_size::{GIB, HeapSize, KIB, MIB};
pub use insight::Insight;
pub use insight::curve::CurvePoint;
pub use key::{Argument, Tagged};
pub use object::Cache;
pub use object::aliases::{FifoCache, LfuCache, LruCache, RrCache};
pub use object::builder::CacheBuilder;
pub use object::compute::Compute;
pub use object::iter::CacheIter;
pub use object::ttl_cache::TtlCache;
pub use object::wrap::WrappedCall;
pub use observe::cache_entry::CacheEntry;
pub use observe::cached::{Cached, Source};
pub use observe::info::{CacheInfo, CacheParameters};
pub use observe::leading_policy::LeadingPolicy;
#[cfg(feature = "registry")]
pub use observe::recording::{RecordOptions, Recorded, Recording, record};
#[cfg(feature = "registry")]
pub use observe::registry;
pub use observe::stats::CacheStats;
pub use store::policy;
pub use store::removal_cause::RemovalCause;
pub use tags::domain::set_tag_capacity;
pub use tags::frame::depends_on;
pub use tags::tag::{Tag, tag};

/// Background refresh of stale results (stale-while-revalidate, RFC 5861): the executor of async functions.
pub mod refresh {
    #[cfg(feature = "tokio")]
    pub use crate::flight::executor::Tokio;
    pub use crate::flight::executor::{Spawn, Task};
}

/// Helpers for tests of memoized functions (feature `testing`).
#[cfg(feature = "testing")]
pub mod testing {
    pub use crate::engine::placement::isolation::{IsolatedFuture, isolated};
    pub use crate::flight::timeout::advance;
}

/// Items that generated code and the facade `functools` name: an implementation detail of `functools` that
/// may change in any release.
#[doc(hidden)]
pub mod __private {
    #[cfg(feature = "backend")]
    pub use crate::backend::circuit::circuit_closed;
    pub use crate::backend::invalidation_sink::{LocalCopies, sink_of};
    #[cfg(feature = "backend")]
    pub use crate::backend::lease::FAILED;
    #[cfg(feature = "backend")]
    pub use crate::backend::{awaited::Awaited, blocking_as_async::Direct, state::BackendState};
    #[cfg(feature = "testing")]
    pub use crate::budget::clock::set_budget_clock;
    pub use crate::budget::member::Member;
    pub use crate::engine::Engine;
    pub use crate::engine::lifecycle::{Expiry, Hooks, Lifecycle, NoLifecycle};
    pub use crate::engine::lock::{Lock, LockOf, LockSelection, PlainLock, RLock, SelectLock, Unlocked};
    pub use crate::engine::placement::fronted::Fronted;
    #[cfg(feature = "testing")]
    pub use crate::engine::placement::isolation::Isolated;
    pub use crate::engine::placement::lock_free::{HeldMirrored, LockFree, Mirrored, MirroredLock, Stamped};
    pub use crate::engine::placement::per_thread::{OfThread, ThreadEngine};
    pub use crate::engine::placement::replicated::{HasReadStripes, Replicated, ReplicatedLock};
    pub use crate::engine::placement::shard_lock::{HeldShard, SelectShardLock, ShardLock};
    pub use crate::engine::placement::sharded::{Shards, shards};
    pub use crate::engine::placement::{Change, EngineOf, Placement};
    pub use crate::engine::state::State;
    pub use crate::expiry::duration::IntoSpan;
    pub use crate::expiry::entry_deadlines::EntryInfo;
    pub use crate::expiry::function_ttl::FunctionTtl;
    pub use crate::expiry::now::Now;
    pub use crate::expiry::settings::{EntryOptions, ExpirySettings};
    pub use crate::expiry::stale_window::{Freshness, StaleWindow};
    pub use crate::expiry::ticks::Ticks;
    pub use crate::expiry::time_to_live::{Deadlines, IntoTtl, KeptOutside, fresh_until};
    pub use crate::flight::executor::DefaultSpawn;
    #[cfg(feature = "backend")]
    pub use crate::function::batch::backend::{BackendBatch, keys::KeyEncoder, peek::BackendElements};
    pub use crate::function::batch::{
        argument::{
            Batch, by_reference as batch_by_reference, owned as owned_batch, slice as batch_of_slice,
        },
        gather::{Gather, GatherStep, Gathering, errors_of_group},
        groups::OpenGroups,
        map::MapKeys,
        map::{AskedElements, map_of_hits, part_hash},
        miss::{BatchMiss, no_element_options},
        refresh::BatchRefresh,
        shared::{BoxedCall, SharedBatch},
        stale::StaleBatch,
        wrong_length::BatchResult,
    };
    pub use crate::function::call::begin::CoalescedLookup;
    pub use crate::function::call::body::call_once;
    pub use crate::function::call::cache_holder::{another, copied};
    pub use crate::function::call::detached::{background_result, detached_result};
    pub use crate::function::call::entries::Returned;
    pub use crate::function::call::later::{Later, LaterHere, OutOfReach, OwnTag, OwnedKey};
    pub use crate::function::call::miss::no_options;
    pub use crate::function::call::observed::{Observed, computed};
    pub use crate::function::call::pending_call::{FlightOptions, PendingCall};
    pub use crate::function::call::refresh_arguments::{
        CloneForBackground, CloneForRefresh, CloneForTask, ToOwnedForBackground, ToOwnedForRefresh,
        ToOwnedForTask, as_borrowed,
    };
    pub use crate::function::call::remote::{NoRemote, block_on};
    pub use crate::function::call::stale_while_revalidate::RefreshClaim;
    pub use crate::function::call::{CacheHandle, Miss};
    #[cfg(feature = "backend")]
    pub use crate::function::call::{
        backend_accessors::{Put, Replaced},
        backend_call::BackendCall,
        backend_entry::BackendEntry,
        backend_errors::ErrorReporter,
        backend_handle::{BackendHandle, Peeked, named, named_of, opened},
        claim::{Claim, renewal, renewing},
        found_stale::FoundStale,
        later_in_backend::LaterInBackend,
        serializable::{ArgumentInBackend, RemoteKey, ResultInBackend, remote_result},
        strictness::{BackendErrorInResult, Lenient, Strict, StrictResult, Strictness},
    };
    pub use crate::function::in_budget::attend;
    pub use crate::function::options::Options;
    pub use crate::function::result_policy::{Cacheable, Cloneable};
    pub use crate::function::result_policy::{EraseResult, ErasedResult, Plain, Recompute, SelectPolicy};
    pub use crate::function::run_time_size::{SizeAtRunTime, SizedAtRunTime, run_time_bounds, run_time_size};
    pub use crate::function::statics::{
        Empty, LruMemo, LruPlacement, Memo, PerThread, SelectPlacement, ShardedMemo, StaticCache,
        ThreadCaches, ThreadMemo, UnboundedMemo, UnboundedPlacement,
    };
    pub use crate::function::tagged::invalidation::{
        BehindAwait, InArgument, InReach, Invalidate, Invalidation, Process, Returned as ReturnedByChange,
        WithoutAwait, in_reach, in_reach_awaited, invalidated,
    };
    pub use crate::function::tagged::{
        info::{TaggedInfo, TaggedQueue},
        lifecycle::TaggedLifecycle,
        reads::{IntoTags, Reads, RunningCall, TaskReads, out_of_line, tags_of},
    };
    pub use crate::function::{no_callbacks, result_policy};
    pub use crate::heap_size::{bytes_owned_by, owned_bytes};
    pub use crate::key::closures::*;
    pub use crate::key::refusal::{BorrowingArgument, SelfArgument, UnorderedArgument, UnsharedArgument};
    pub use crate::key::{
        Argument, Erase, Erased, LentShared, LentThread, Local, Part, SelectKey, Shared, Thread, Viewed,
        identity, stored_type,
    };
    pub use crate::object::function_calls::cache;
    pub use crate::object::type_check::{keyed, tested, valued};
    pub use crate::observe::location::{FunctionLocation, path_of};
    #[cfg(feature = "registry")]
    pub use crate::observe::overrides::TtlOverride;
    pub use crate::property::{by_value, no_result_for, none_for};
    pub use crate::property::{property, property_async, try_property, try_property_async};
    pub use crate::store::Table;
    pub use crate::store::entry_meta::EntryMeta;
    pub use crate::store::lock_free::{front::Front, mirror::Mirror, words::Words};
    pub use crate::store::maxsize::{Integer, MaxSize, UNBOUNDED, bound, integer};
    pub use crate::store::policy::Metered;
    pub use crate::store::read_stripes::ReadStripes;
    pub use crate::store::types::{CacheTypes, Types};
    pub use crate::tags::frame::{Computation, Computed, Computing, Frame, computing, record_unknown};
    pub use crate::tags::validity::Validity;
    pub use crate::{callback_free, placement, stored_argument, stored_result, unbounded_placement};
    #[cfg(feature = "registry")]
    pub use inventory;

    /// The traits that select how arguments and results are stored, to be imported without names.
    pub mod choices {
        pub use crate::function::batch::wrong_length::{ByConversion as _, ByPanic as _};
        #[cfg(feature = "backend")]
        pub use crate::function::call::{serializable::choices::*, strictness::choices::*};
        pub use crate::function::result_policy::choices::*;
        pub use crate::function::tagged::invalidation::choices::*;
        pub use crate::key::choices::*;
        pub use crate::object::type_check::choices::*;
    }
}
