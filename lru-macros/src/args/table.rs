//! The table of options: one entry each.
//!
//! An entry gives the field of the value, the value's type and parser, the help text, the option's names
//! where they are not the field's, and the attributes that do not take it. The structs, the list of names,
//! suggestions, the detection of duplicates and the parsing of values are all made of the entries.
//!
//! An option touches three places. Of `jitter`, for example, these are:
//!
//! 1. This table. The entry in `Expiry` says what is parsed, and how mistakes in the value are reported:
//!
//!    ```text
//!    /// Up to which fraction each `ttl` is shortened, at random.
//!    jitter: Expr = fraction, "a fraction of `ttl`, above 0 and up to 1, such as `jitter = 0.1`";
//!    ```
//!
//! 2. Its rule: `jitter_has_a_ttl` in `check/expiry.rs` reads `args.expiry.jitter.name()`, to underline it.
//! 3. Its use: `Lifecycle` in `model/lifecycle.rs` has the group as a whole, and reads `expiry.jitter.get()`.

use proc_macro2::{Ident, Span};
use syn::parse::ParseStream;
use syn::{Expr, LitStr, Path, Token};

use super::attribute::Attribute;
use super::values::{
    Accessors, Format, MaxSize, OnLost, Policy, Scope, SingleFlight, Swr, count, duration, expression,
    fraction, function, maxsize, name, namespace, number, path, shards, stale, time_to_live, word,
};

/// Turns the table into the structs of the groups, [`Args`] and [`OPTIONS`].
macro_rules! options {
    ($(
        $(#[$about_group:meta])*
        $Group:ident: $group:ident {$(
            $(#[$about:meta])*
            $field:ident: $Type:ty = $parse:path, $takes:literal
                $(, named $($name:literal)+)? $(, not in $($attribute:ident)+)?;
        )+}
    )+) => {
        $(
            $(#[$about_group])*
            #[derive(Default)]
            #[allow(clippy::struct_field_names, reason = "fields have the names of the options")]
            pub(crate) struct $Group {
                $($(#[$about])* pub(crate) $field: Given<$Type>,)+
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
    };
    (@names $field:ident) => { &[stringify!($field)] };
    (@names $field:ident $($name:literal)+) => { &[$($name),+] };
}

options! {
    /// How many results are kept, which one is evicted for another, and what is called then.
    Eviction: eviction {
        /// The bound: a number of entries, or of their weights together.
        maxsize: MaxSize = maxsize, "an integer or `None`", not in Cache;
        /// The eviction policy.
        policy: Policy = word,
            "one of `lru`, `lfu`, `fifo`, `rr`, `sieve`, `s3_fifo` and `w_tinylfu`",
            not in Cache FifoCache LfuCache RrCache;
        /// The victim chooser of `policy = rr`.
        choice: Expr = function,
            "a function that returns the index of the key to evict, such as `choice = |keys| keys.len() - 1`",
            not in Cache;
        /// The seed of the random generator of `policy = rr`.
        seed: Expr = number, "an integer, such as `seed = 42`", not in Cache;
        /// The weigher: what an entry counts against `maxsize`.
        weight: Expr = function,
            "a function that returns the weight of a result, such as `weight = |name, text| text.len()`",
            not in Cache;
        /// The least weight of an entry.
        min_weight: Expr = number, "an integer, such as `min_weight = 0`", not in Cache;
        /// The eviction listener.
        on_evict: Expr = function, "a closure or a function, such as `on_evict = log_eviction`";
    }

    /// When results expire, and what is served after that.
    Expiry: expiry {
        /// Time to live, or a function that makes it of the arguments and the result.
        ttl: Expr = time_to_live,
            "a number of seconds above zero, a `Duration`, or a function of the arguments and the result that returns one, such as `ttl = 60`, `ttl = Duration::from_millis(50)` or `ttl = |id, user| user.max_age`";
        /// Time to idle.
        tti: Expr = duration, "a number of seconds above zero or a `Duration`, such as `tti = 60`";
        /// The time at which a result expires, made of the arguments and the result.
        ttu: Expr = function,
            "a function that returns the time at which a result expires, such as `ttu = |name, value, now| now + value.ttl`";
        /// Up to which fraction each `ttl` is shortened, at random.
        jitter: Expr = fraction, "a fraction of `ttl`, above 0 and up to 1, such as `jitter = 0.1`";
        /// Time to live of an `Err`.
        error_ttl: Expr = duration, "a number of seconds above zero or a `Duration`, such as `error_ttl = 5`";
        /// Stale-while-revalidate: for how long a stale result is served while it is refreshed.
        swr: Swr = stale,
            "`true`, `false`, or the number of seconds past its `ttl` for which a stale result is served, such as `swr = 30`";
        /// Stale-if-error: for how long a stale result is served instead of an `Err`.
        stale_if_error: Expr = duration,
            "a number of seconds above zero or a `Duration`, such as `stale_if_error = 300`";
        /// The clock.
        timer: Expr = function, "a function that returns the time, such as `timer = my_clock::now`";
    }

    /// Where the results are.
    Placement: placement {
        /// Whether threads share a cache.
        scope: Scope = word, "`process` or `thread`";
        /// The number of independently locked parts.
        shards: Expr = shards, "a power of two up to 65536, such as `shards = 16`";
        /// Whether hits of plain data take no lock.
        lock_free: bool = word, "`true` or `false`";
        /// The object that holds the results.
        cache: Expr = expression, "a cache object, such as `cache = self.prices`",
            not in Cache FifoCache LfuCache RrCache TtlCache AsyncLruCache;
    }

    /// How concurrent calls share a computation, and what runs refreshes.
    Flight: flight {
        /// Whether concurrent calls with one key are coalesced.
        single_flight: SingleFlight = word, "`true`, `false` or `global`";
        /// How long a follower waits for its leader.
        flight_timeout: Expr = duration,
            "a number of seconds above zero or a `Duration`, such as `flight_timeout = 5`";
        /// The executor of background refreshes and detached computations.
        spawn: Expr = expression, "an executor, such as `spawn = functools::refresh::Tokio`";
        /// Whether a computation goes on when its caller is dropped.
        detach: bool = word, "`true` or `false`";
        /// How many background refreshes run at a time.
        refresh_threads: Expr = count, "an integer above zero, such as `refresh_threads = 8`";
    }

    /// The store outside the process.
    Backend: backend {
        /// The expression that opens it.
        backend: Expr = expression, "an expression that opens a backend, such as `backend = my_store()`";
        /// The file that keeps the results between two runs of the program.
        snapshot: Expr = expression, "the path of a file, such as `snapshot = \"prices.bin\"`";
        /// Time to live of the copy in this process.
        front_ttl: Expr = duration, "a number of seconds above zero or a `Duration`, such as `front_ttl = 5`";
        /// The name of the function, instead of its path.
        namespace: LitStr = namespace,
            "a name in quotation marks without `#` and `!`, such as `namespace = \"shop.price\"`";
        /// Whether copies in this process are kept while changes are not reported.
        on_lost: OnLost = word, "`keep` or `drop`";
        /// A part of the namespace of the function's entries.
        version: Expr = expression, "a value that implements `Display`, such as `version = 2`, or `body`";
        /// The serialization format.
        format: Format = word, "`compact` or `json`";
        /// Whether errors of the backend are returned to the caller.
        strict: bool = word, "`true` or `false`";
        /// The listener of the backend's errors.
        on_backend_error: Expr = function, "a closure or a function, such as `on_backend_error = log_error`";
    }

    /// What distinguishes calls.
    Key: key {
        /// Whether equal arguments of different types have separate entries.
        typed: bool = word, "`true` or `false`";
        /// The function that makes the key of the arguments.
        key: Expr = function, "a function that returns the key, such as `key = |user, _| user.id`",
            named "key" "key_fn";
    }

    /// Which results are stored.
    Results: results {
        /// Whether a result is stored: a function of the arguments and the result.
        keep: Expr = function,
            "a function of the arguments and the result that returns whether it is stored, such as `keep = |id, user| user.is_active`";
        /// Whether a call computes anew: a function of the arguments.
        force: Expr = function,
            "a function of the arguments that returns whether to compute anew, such as `force = |_, reload| *reload`";
        /// Whether an `Err` is stored.
        cache_errors: bool = word, "`true` or `false`";
        /// Whether `None` is stored.
        cache_none: bool = word, "`true` or `false`";
    }

    /// What is generated next to the function, and how it names this library.
    Items: items {
        /// Where the accessors are.
        accessors: Accessors = word, "`companion`, `siblings` or `none`";
        /// The name of the companion type.
        handle: Ident = name, "a name, such as `handle = fib_cache`";
        /// The path of `functools`.
        krate: Path = path, "a path, such as `crate = my_functools`", named "crate";
    }
}

/// An option: its value, and its name as it was written.
///
/// A mistaken option has a name and no value of its own, a default of the attribute a value and no name.
pub(crate) struct Given<T> {
    value: Option<T>,
    name: Option<Ident>,
}

impl Backend {
    /// The name of the option that gives the store, to be underlined.
    pub(crate) fn name(&self) -> Option<&Ident> {
        self.backend.name().or(self.snapshot.name())
    }

    /// The message where the library is built without backends.
    pub(crate) fn missing_feature(&self) -> String {
        let opened = match self.backend.get() {
            Some(Expr::Call(call)) => match &*call.func {
                Expr::Path(path) => path.path.segments.last().map(|last| last.ident.to_string()),
                _ => None,
            },
            _ => None,
        };
        let feature = match opened.as_deref() {
            Some(name @ ("redis" | "memcached" | "disk")) => name,
            _ if matches!(self.format.get(), Some(Format::Json)) => "json",
            _ => "backend",
        };
        let option = if self.backend.name().is_some() { "backend" } else { "snapshot" };
        format!("`{option}` needs the feature `{feature}`; run `cargo add functools --features {feature}`")
    }

    /// The option that needs the feature `json`, and the message where the library is built without it.
    pub(crate) fn missing_json(&self) -> Option<(Span, String)> {
        let name = self.format.name().filter(|_| matches!(self.format.get(), Some(Format::Json)))?;
        let message = "`format = json` needs the feature `json`; run `cargo add functools --features json`";
        Some((name.span(), message.to_owned()))
    }

    /// Whether there is a store.
    pub(crate) fn is_some(&self) -> bool {
        self.backend.is_some() || self.snapshot.is_some()
    }
}

impl<T> Default for Given<T> {
    fn default() -> Self {
        Self { value: None, name: None }
    }
}

impl<T> Given<T> {
    /// The value.
    pub(crate) fn get(&self) -> Option<&T> {
        self.value.as_ref()
    }

    /// The value, to be changed.
    pub(crate) fn get_mut(&mut self) -> Option<&mut T> {
        self.value.as_mut()
    }

    /// The value, without the name.
    pub(crate) fn into_value(self) -> Option<T> {
        self.value
    }

    /// Whether there is a value.
    pub(crate) fn is_some(&self) -> bool {
        self.value.is_some()
    }

    /// The name where the option was written, to be underlined.
    pub(crate) fn name(&self) -> Option<&Ident> {
        self.name.as_ref()
    }

    /// Sets a value that was not written after the option's name.
    pub(crate) fn set(&mut self, value: T) {
        self.value = Some(value);
    }

    /// Removes the option.
    pub(crate) fn remove(&mut self) {
        *self = Self::default();
    }
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
