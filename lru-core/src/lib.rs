//! The engine of `functools`: remembers values under keys, exactly as Python's
//! `functools.lru_cache` does, and knows nothing of macros.
//!
//! [`LruCache`] is the engine as a plain object, shared by `&`. A function annotated with
//! `#[lru_cache]` has the same cache in a `static`, [`Memo`], or in an object; either is asked
//! through [`Calls`], by arguments where they lie.
//!
//! The way of a call is always the same and always forward:
//!
//! ```text
//! key (hash, in place) → cache (lock; find; clone; touch; unlock) → hit: return
//!                                                                 → miss: compute, no lock held
//!                                                                   → cache (lock; insert; evict; unlock; drop)
//! ```

#![forbid(unsafe_code)]

mod arena;
pub mod backend;
pub mod background;
mod boarding;
mod calls;
mod cause;
mod clock;
mod contained;
mod deadlines;
mod deferred;
mod engine;
mod engines;
mod entry;
mod events;
pub mod fit;
mod flight;
mod history;
mod index;
mod info;
#[cfg(feature = "testing")]
mod isolation;
pub mod key;
mod lock;
mod maxsize;
mod memo;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod model;
mod nested;
mod object;
mod open;
pub mod options;
pub mod outcome;
mod own;
mod plan;
pub mod policy;
#[doc(hidden)]
pub mod quiet;
mod random;
mod readers;
#[cfg(feature = "registry")]
pub mod registry;
mod shards;
pub mod site;
mod stats;
mod store;
mod term;
mod thread;

#[cfg(feature = "tokio")]
pub use background::Tokio;
pub use background::{Spawn, Task};
pub use boarding::{Boarded, Boarding, Claim, Flight};
pub use calls::{Calls, Miss};
pub use cause::Cause;
pub use clock::{Clock, ManualClock, Read, Reading, SystemClock, Timer};
#[doc(hidden)]
pub use engine::{Engine, Lender, State};
#[doc(hidden)]
pub use engines::{Change, EngineOf, Engines};
#[cfg(feature = "testing")]
pub use flight::pass;
pub use info::{CacheInfo, CacheParameters};
#[cfg(feature = "registry")]
#[doc(hidden)]
pub use inventory;
#[cfg(feature = "testing")]
#[doc(hidden)]
pub use isolation::Isolated;
#[cfg(feature = "testing")]
pub use isolation::isolated;
pub use key::{Argument, Tagged};
#[doc(hidden)]
pub use lock::{Lock, LockOf, Locking, QuietLock, Quietly, RLock, Unlocked};
pub use maxsize::{Integer, MaxSize, bound, integer};
pub use memo::{Empty, Memo, UNBOUNDED};
pub use object::{Builder, Cache, FifoCache, Iter, LfuCache, LruCache, RrCache, TlruCache, TtlCache, cache};
#[doc(hidden)]
pub use open::{Lending, Open, OpenLock, OpenMemo, Unbounding};
pub use plan::{Keys, NoPlan, Plan, Times};
#[doc(hidden)]
pub use readers::Readers;
#[doc(hidden)]
pub use shards::{HeldShard, ShardLock, ShardedMemo, Shards, shards};
pub use stats::CacheStats;
#[doc(hidden)]
pub use store::Table;
pub use term::{Freshness, Grace, Lease, Term};
#[doc(hidden)]
pub use thread::{OfThread, PerThread, ThreadMemo};
