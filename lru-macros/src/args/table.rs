//! The table of options: one entry each.
//!
//! An entry gives the option's meaning, the field of the value, the value's type and parser, what it takes, its
//! default, the section of the documentation about it, the feature that it needs, its names where they are not
//! the field's, and the attributes that do not take it. The structs, the list of names, suggestions, the
//! detection of duplicates, the parsing of values and the reference in the documentation are all made of the
//! entries.
//!
//! An option touches three places. Of `jitter`, for example, these are:
//!
//! 1. This table. The entry in `Expiry` says what is parsed, and how mistakes in the value are reported:
//!
//!    ```text
//!    /// Shortens each `ttl` by a random fraction up to this, so that entries do not expire together.
//!    jitter: Expr = fraction, "a fraction of `ttl`, above 0 and up to 1, such as `jitter = 0.1`",
//!        default "`0`", see "expiry";
//!    ```
//!
//! 2. Its rule: `jitter_has_a_ttl` in `check/expiry.rs` reads `args.expiry.jitter.name()`, to underline it.
//! 3. Its use: `Lifecycle` in `model/lifecycle.rs` has the group as a whole, and reads `expiry.jitter.get()`.
//!
//! `UPDATE_SNAPSHOTS=1 cargo test -p functools-macros` then writes it into the documentation.

use proc_macro2::Ident;
use syn::parse::ParseStream;
use syn::{Expr, LitStr, Path, Token};

use super::attribute::Attribute;
use super::given::Given;
use super::maxsize::{MaxSize, maxsize};
use super::values::{
    Accessors, Format, OnLost, Policy, Scope, SingleFlight, Swr, Weight, count, duration, expression,
    fraction, function, name, namespace, number, path, shards, stale, tags, time_to_live, weight, word,
};

/// Turns the table into the structs of the groups, [`Args`], [`OPTIONS`] and [`REFERENCE`].
macro_rules! options {
    ($(
        $(#[doc = $about_group:literal])+
        $Group:ident: $group:ident, $heading:literal {$(
            $(#[doc = $about:literal])+
            $field:ident: $Type:ty = $parse:path, $takes:literal, default $default:literal, see $see:literal
                $(, needs $needs:literal)? $(, named $($name:literal)+)? $(, not in $($attribute:ident)+)?;
        )+}
    )+) => {
        $(
            $(#[doc = $about_group])+
            #[derive(Default)]
            #[allow(clippy::struct_field_names, reason = "fields have the names of the options")]
            pub(crate) struct $Group {
                $($(#[doc = $about])+ pub(crate) $field: Given<$Type>,)+
            }
        )+

        /// The options as they were written, by group.
        #[derive(Default)]
        pub(crate) struct Args {
            $(pub(crate) $group: $Group,)+
        }

        /// All options.
        const OPTIONS: &[Entry] = &[$($(
            Entry {
                names: options!(@names $field $($($name)+)?),
                takes: $takes,
                not_in: &[$($(Attribute::$attribute),+)?],
                name: |args| &mut args.$group.$field.name,
                parse: |args, input, takes| {
                    args.$group.$field.value = Some($parse(input, takes)?);
                    Ok(())
                },
            },
        )+)+];

        /// The table as the documentation shows it.
        #[cfg(test)]
        pub(crate) const REFERENCE: &[Section] = &[$(
            Section {
                heading: $heading,
                about: concat!($($about_group),+),
                options: &[$(
                    Described {
                        names: options!(@names $field $($($name)+)?),
                        meaning: concat!($($about),+),
                        takes: $takes,
                        default: $default,
                        see: $see,
                        feature: options!(@feature $($needs)?),
                    },
                )+],
            },
        )+];
    };
    (@names $field:ident) => { &[stringify!($field)] };
    (@names $field:ident $($name:literal)+) => { &[$($name),+] };
    (@feature) => { None };
    (@feature $needs:literal) => { Some($needs) };
}

options! {
    /// How many results are kept, which of them is evicted for another, and what is called then.
    Eviction: eviction, "Size and eviction" {
        /// Capacity in entries, or with `weight` their total weight; `None`: unbounded; `0`: caching off; `auto(…)`: what the cache finds right.
        maxsize: MaxSize = maxsize,
            "an integer, `None`, an expression such as `config().cache_size`, or `auto(64..=10_000)`",
            default "`128`", see "maxsize", not in Cache;
        /// Eviction policy: which entry makes room for another.
        policy: Policy = word, "one of `lru`, `lfu`, `fifo`, `rr`, `sieve`, `s3_fifo`, `w_tinylfu`, `gdsf` and `auto`",
            default "`lru`", see "policy", not in Cache FifoCache LfuCache RrCache;
        /// With `policy = rr`: picks the entry to evict.
        choice: Expr = function,
            "a function that returns the index of the key to evict, such as `choice = |keys| keys.len() - 1`",
            default "random", see "policy", not in Cache;
        /// With `policy = rr`: seed of the random generator.
        seed: Expr = number, "an integer, such as `seed = 42`",
            default "`0`", see "policy", not in Cache;
        /// Weigher: what an entry counts for; `maxsize` then bounds the total. With `bytes`, its size in bytes.
        weight: Weight = weight,
            "`bytes` or a function that returns the weight of a result, such as `weight = |name, text| text.len()`",
            default "`1`", see "weight", not in Cache;
        /// With `weight`: what an entry weighs at least; with `0` entries may be free, and their number is not bounded.
        min_weight: Expr = number, "an integer, such as `min_weight = 0`",
            default "`1`", see "weight", not in Cache;
        /// With `weight = bytes`: the bytes that the function has at least of the memory budget of the program.
        floor: Expr = number, "an integer, such as `floor = 8 * MIB`",
            default "a fiftieth of the budget", see "weight", not in Cache;
        /// Whether the keys of calls are sampled, so that `cache_insight()` tells the hit ratio with other capacities.
        insight: bool = word, "`true` or `false`",
            default "`false`", see "insight";
        /// Eviction listener: called with key, value and `RemovalCause` of each entry that is removed.
        on_evict: Expr = function, "a closure or a function, such as `on_evict = log_eviction`",
            default "none", see "on_evict";
    }

    /// When results expire, and what is served after that.
    Expiry: expiry, "Time" {
        /// Time to live: a result expires this many seconds, or this `Duration`, after it was stored; or a function that
        /// makes it of the arguments and the result.
        ttl: Expr = time_to_live,
            "a number of seconds above zero, a `Duration`, or a function of the arguments and the result that returns one, such as `ttl = 60`, `ttl = Duration::from_millis(50)` or `ttl = |id, user| user.max_age`",
            default "no expiry", see "expiry";
        /// Time to idle: a result expires this many seconds after its last use, a hit or an insert.
        tti: Expr = duration, "a number of seconds above zero or a `Duration`, such as `tti = 60`",
            default "no expiry", see "expiry";
        /// Expiry of each result by itself: returns when it expires, in place of `ttl`.
        ttu: Expr = function,
            "a function that returns the time at which a result expires, such as `ttu = |name, value, now| now + value.ttl`",
            default "none", see "per-entry-expiry";
        /// Shortens each `ttl` by a random fraction up to this, so that entries do not expire together.
        jitter: Expr = fraction, "a fraction of `ttl`, above 0 and up to 1, such as `jitter = 0.1`",
            default "`0`", see "expiry";
        /// With `cache_errors = true`: time to live of an `Err`.
        error_ttl: Expr = duration,
            "a number of seconds above zero or a `Duration`, such as `error_ttl = 5`",
            default "`ttl`", see "cached-results";
        /// Stale-while-revalidate: a call that finds an expired result returns it, and it is refreshed in the background.
        swr: Swr = stale,
            "`true`, `false`, or the number of seconds past its `ttl` for which a stale result is served, such as `swr = 30`",
            default "`false`", see "stale-results";
        /// Stale-if-error: for how long past its `ttl` an expired result is returned instead of an `Err`.
        stale_if_error: Expr = duration,
            "a number of seconds above zero or a `Duration`, such as `stale_if_error = 300`",
            default "off", see "stale-results";
        /// Stale-if-slow: how long a call waits for the computation before it returns the expired result, which is kept for
        /// another `ttl`; the computation continues.
        stale_if_slow: Expr = duration,
            "a number of seconds above zero or a `Duration`, such as `stale_if_slow = 0.1`",
            default "off", see "stale-results";
        /// Clock by which entries expire, for tests.
        timer: Expr = function, "a function that returns the time, such as `timer = my_clock::now`",
            default "the clock of the system", see "timer";
    }

    /// Where the results are.
    Placement: placement, "Place" {
        /// One cache for the process, or one for each thread, without a lock.
        scope: Scope = word, "`process` or `thread`",
            default "`process`", see "scope";
        /// Number of parts of the cache that are locked independently.
        shards: Expr = shards, "a power of two up to 65536, such as `shards = 16`",
            default "`1`", see "shards";
        /// Whether hits of small plain data take no lock.
        lock_free: bool = word, "`true` or `false`",
            default "`true` where it is possible", see "lock_free";
        /// Cache object (a field, a parameter, a static) that holds the results.
        cache: Expr = expression, "a cache object, such as `cache = self.prices`",
            default "a hidden `static`", see "cache-objects", not in Cache FifoCache LfuCache RrCache TtlCache AsyncLruCache;
    }

    /// How concurrent calls share a computation, and what runs refreshes.
    Flight: flight, "Concurrent calls" {
        /// Concurrent misses of a key compute once, against cache stampedes, as those of an `async fn` do by default; `global`: once for all processes.
        single_flight: SingleFlight = word, "`true`, `false` or `global`",
            default "`true` for an `async fn`, else `false`", see "request-coalescing";
        /// How long a call waits for the computation of another.
        flight_timeout: Expr = duration,
            "a number of seconds above zero or a `Duration`, such as `flight_timeout = 5`",
            default "30 seconds", see "request-coalescing";
        /// Executor of computations of an `async fn` in the background: refreshes, and detached ones.
        spawn: Expr = expression, "an executor, such as `spawn = functools::refresh::Tokio`",
            default "tokio, with the feature `tokio`", see "stale-results";
        /// Whether a computation of an `async fn` goes on when its caller is dropped.
        detach: bool = word, "`true` or `false`",
            default "`false`", see "detached-computations";
        /// With `each`: how long a call of an `async fn` waits for others, whose missing elements go to the body together.
        gather: Expr = duration,
            "a number of seconds above zero or a `Duration`, such as `gather = 0.002`",
            default "off", see "batches";
        /// With `gather`: for how many missing elements the body is called without waiting longer.
        gather_max: Expr = count, "an integer above zero, such as `gather_max = 50`",
            default "`100`", see "batches";
        /// With `swr` and `stale_if_slow`: how many results are computed in the background at a time.
        refresh_threads: Expr = count, "an integer above zero, such as `refresh_threads = 8`",
            default "4 threads; of an `async fn` 64 tasks", see "stale-results";
    }

    /// The store outside the process.
    Backend: backend, "Backend" {
        /// Second-level store (L2): Redis, Memcached, disk, your own.
        backend: Expr = expression, "an expression that opens a backend, such as `backend = my_store()`",
            default "none", see "backends", needs "backend";
        /// Keeps the results in a file between two runs of the program, in place of `backend`.
        snapshot: Expr = expression, "the path of a file, such as `snapshot = \"prices.bin\"`",
            default "none", see "backends", needs "backend";
        /// Time to live of the copy in this process.
        front_ttl: Expr = duration,
            "a number of seconds above zero or a `Duration`, such as `front_ttl = 5`",
            default "`ttl`", see "backends", needs "backend";
        /// Name of the function in backend, registry and metrics; stays when the function is moved or renamed.
        namespace: LitStr = namespace,
            "a name in quotation marks without `#` and `!`, such as `namespace = \"shop.price\"`",
            default "the path of the function", see "backends";
        /// Whether copies in this process are kept while the backend cannot report changes.
        on_lost: OnLost = word, "`keep` or `drop`",
            default "`keep`", see "backends", needs "backend";
        /// Part of the namespace: raise it when the meaning or the type of results changes.
        version: Expr = expression, "a value that implements `Display`, such as `version = 2`, or `body`",
            default "none", see "backends", needs "backend";
        /// Serialization format of entries: compact binary, or JSON, with the feature `json`.
        format: Format = word, "`compact` or `json`",
            default "`compact`", see "backends", needs "backend";
        /// Whether errors of the backend are returned to the caller; otherwise the call computes.
        strict: bool = word, "`true` or `false`",
            default "`false`", see "backends", needs "backend";
        /// Callback for errors of the backend.
        on_backend_error: Expr = function,
            "a closure or a function, such as `on_backend_error = log_error`",
            default "none", see "backends", needs "backend";
    }

    /// What distinguishes calls.
    Key: key, "Key" {
        /// Generic functions: `true` keeps an entry per type, `false` lets equal values of different types share one.
        typed: bool = word, "`true` or `false`",
            default "required for a generic function, `false` for others", see "typed";
        /// Cache key: what is compared, made of all arguments, which are passed by reference.
        key: Expr = function, "a function that returns the key, such as `key = |user, _| user.id`",
            default "all arguments", see "cache-key", named "key" "key_fn";
        /// The parameter with many elements, such as ids: each has an entry of its own, and the body is called with those
        /// that are missing.
        each: Ident = name, "the name of a parameter, such as `each = ids`",
            default "none", see "batches";
    }

    /// Which results are stored.
    Results: results, "Results" {
        /// Whether a result is stored: a function of the arguments and the result.
        keep: Expr = function,
            "a function of the arguments and the result that returns whether it is stored, such as `keep = |id, user| user.is_active`",
            default "all are", see "cached-results";
        /// Whether a call computes anew, and stores its result: a function of the arguments.
        force: Expr = function,
            "a function of the arguments that returns whether to compute anew, such as `force = |_, reload| *reload`",
            default "none does", see "cached-results";
        /// Whether an `Err` is cached.
        cache_errors: bool = word, "`true` or `false`",
            default "`false`", see "cached-results";
        /// Whether `None` and `Ok(None)` are cached.
        cache_none: bool = word, "`true` or `false`",
            default "`true`", see "cached-results";
    }

    /// What invalidates results beside their own key, with a backend for all processes.
    Validity: validity, "Invalidation" {
        /// Tags of a result: a function of the arguments, or of the arguments and the result; `invalidate(tag(…))`
        /// invalidates all results with a tag, in every function.
        tags: Expr = tags,
            "a closure that returns the tags of a result, such as `tags = |id, user| [tag(\"user\", id), tag(\"team\", user.team)]`",
            default "none", see "tags-and-dependencies";
        /// Whether a result is invalidated when one is that was read while it was computed.
        depends: bool = word, "`true` or `false`",
            default "`false`", see "tags-and-dependencies";
    }

    /// What is generated next to the function, and how it names this library.
    Items: items, "Names" {
        /// Where the accessors are: on a type beside the function, among the methods, or nowhere.
        accessors: Accessors = word, "`companion`, `siblings` or `none`",
            default "by signature and body", see "placement-of-accessors";
        /// Name of the type of the accessors, where the function's name is taken.
        handle: Ident = name, "a name, such as `handle = fib_cache`",
            default "the name of the function", see "names";
        /// Path of this crate, if it was renamed or re-exported.
        krate: Path = path, "a path, such as `crate = my_functools`",
            default "`::functools`", see "names", named "crate";
    }
}

/// A group of options, as the documentation shows it.
#[cfg(test)]
pub(crate) struct Section {
    pub(crate) heading: &'static str,
    pub(crate) about: &'static str,
    pub(crate) options: &'static [Described],
}

/// An option, as the documentation shows it.
#[cfg(test)]
pub(crate) struct Described {
    pub(crate) names: &'static [&'static str],
    pub(crate) meaning: &'static str,
    pub(crate) takes: &'static str,
    pub(crate) default: &'static str,
    /// The section of the documentation of `lru_cache`.
    pub(crate) see: &'static str,
    /// The feature without which the option is refused.
    pub(crate) feature: Option<&'static str>,
}

/// An entry of the table.
pub(super) struct Entry {
    names: &'static [&'static str],
    takes: &'static str,
    not_in: &'static [Attribute],
    /// The field of the name.
    name: fn(&mut Args) -> &mut Option<Ident>,
    /// Parses a value into its field.
    parse: fn(&mut Args, ParseStream, &str) -> syn::Result<()>,
}

impl Entry {
    /// The option of this name, where the attribute takes it.
    pub(super) fn find(attribute: Attribute, name: &str) -> Option<&'static Self> {
        Self::all(attribute).find(|entry| entry.names.contains(&name))
    }

    /// The names of the options that the attribute takes.
    pub(super) fn names(attribute: Attribute) -> impl Iterator<Item = &'static str> {
        Self::all(attribute).flat_map(|entry| entry.names).copied()
    }

    fn all(attribute: Attribute) -> impl Iterator<Item = &'static Self> {
        OPTIONS.iter().filter(move |entry| !entry.not_in.contains(&attribute))
    }

    /// What the option takes, as an instruction.
    pub(super) fn takes(&self, name: &str) -> String {
        format!("`{name}` takes {}", self.takes)
    }

    /// Stores the name as it was written. Returns whether the option is a duplicate.
    pub(super) fn note(&self, args: &mut Args, name: &Ident) -> bool {
        let noted = (self.name)(args);
        let is_duplicate = noted.is_some();
        noted.get_or_insert_with(|| name.clone());
        is_duplicate
    }

    /// Parses `= value` after the option's name.
    pub(super) fn parse(&self, args: &mut Args, name: &Ident, input: ParseStream) -> syn::Result<()> {
        let is_duplicate = self.note(args, name);
        let takes = self.takes(&name.to_string());
        input.parse::<Token![=]>()?;
        if input.is_empty() || input.peek(Token![,]) {
            return Err(syn::Error::new(name.span(), format!("`{name}` has no value; {takes}")));
        }
        (self.parse)(args, input, &takes)?;
        if is_duplicate {
            return Err(syn::Error::new(
                name.span(),
                format!("duplicate option `{name}`; remove one of them"),
            ));
        }
        Ok(())
    }
}
