//! Statistics of memoized functions: `cache_stats()`, and the facades `metrics` and `tracing` with the
//! features of these names.

#![allow(clippy::unused_async, reason = "the functions must be async, not their bodies")]

use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// Runs a future that is ready at its first poll.
fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("the future is not ready at its first poll"),
    }
}

mod stats {
    use std::cell::Cell;
    use std::time::Duration;

    use functools::{CacheStats, lru_cache};

    use super::block_on;

    thread_local! {
        static NOW: Cell<u64> = const { Cell::new(0) };
    }

    fn now() -> u64 {
        NOW.get()
    }

    const NOTHING: fn() -> CacheStats = CacheStats::default;

    struct Shop;

    impl Shop {
        #[lru_cache(maxsize = 2)]
        fn price(#[key(skip)] &self, id: u32) -> Result<u32, String> {
            id.checked_sub(1).ok_or_else(|| String::from("no such thing"))
        }
    }

    #[test]
    fn evictions_are_counted_one_by_one() {
        #[lru_cache(maxsize = 2)]
        fn square(n: u64) -> u64 {
            n * n
        }
        _ = (square(1), square(2), square(1));
        assert_eq!(square::cache_stats(), NOTHING());
        (3..=12).for_each(|n| _ = square(n));
        assert_eq!(square::cache_stats().evictions, 10);
        square::cache_put(13, 169);
        assert_eq!(square::cache_stats().evictions, 11);
        _ = (square::cache_invalidate(13), square::cache_refresh(14));
        assert_eq!(square::cache_stats().evictions, 11);
        square::cache_clear();
        assert_eq!(square::cache_stats(), NOTHING());
    }

    #[test]
    fn every_policy_counts_evictions() {
        #[lru_cache(maxsize = 2, policy = lfu)]
        fn lfu(n: u64) -> u64 {
            n
        }
        #[lru_cache(maxsize = 2, policy = sieve)]
        fn sieve(n: u64) -> u64 {
            n
        }
        #[lru_cache(maxsize = 2, policy = rr)]
        fn rr(n: u64) -> u64 {
            n
        }
        (0..5).for_each(|n| _ = (lfu(n), sieve(n), rr(n)));
        for stats in [lfu::cache_stats(), sieve::cache_stats(), rr::cache_stats()] {
            assert_eq!(stats.evictions, 3);
        }
    }

    #[test]
    fn what_makes_room_by_its_weight_is_evicted() {
        #[lru_cache(maxsize = 10, weight = |_, text| text.len())]
        fn repeated(n: usize) -> String {
            "x".repeat(n)
        }
        _ = (repeated(2), repeated(3), repeated(4), repeated(9));
        assert_eq!((repeated::cache_stats().evictions, repeated::cache_info().currsize), (3, 9));
    }

    #[test]
    fn expiries_are_counted_when_they_are_found() {
        #[lru_cache(ttl = 10, timer = now)]
        fn timed(n: u64) -> u64 {
            n
        }
        _ = (timed(1), timed(2));
        NOW.set(NOW.get() + 10);
        assert_eq!(timed::cache_info().currsize, 0);
        assert_eq!((timed::cache_stats().expiries, timed::cache_stats().evictions), (2, 0));
        _ = timed(1);
        NOW.set(NOW.get() + 10);
        _ = timed(1);
        assert_eq!(timed::cache_stats().expiries, 3);
    }

    #[test]
    fn methods_count_errors_and_evictions() {
        _ = (Shop.price(0), Shop.price(0), Shop.price(1), Shop.price(2), Shop.price(3));
        let stats = Shop::price_cache_stats();
        assert_eq!((stats.errors, stats.evictions, stats.computing), (2, 1, None));
        assert_eq!(Shop::price_cache_info().misses, 5);
    }

    #[test]
    fn errors_count_whether_they_are_remembered_or_not() {
        #[lru_cache(cache_errors = true)]
        fn cached(text: &str) -> Result<u8, std::num::ParseIntError> {
            text.parse()
        }
        #[lru_cache(maxsize = 0)]
        fn uncached(text: &str) -> Result<u8, std::num::ParseIntError> {
            text.parse()
        }
        for text in ["seven", "seven", "7"] {
            _ = (cached(text), uncached(text));
        }
        assert_eq!((cached::cache_stats().errors, uncached::cache_stats().errors), (1, 2));
        _ = cached::cache_refresh("eight");
        assert_eq!(cached::cache_stats().errors, 2);
    }

    #[test]
    fn functions_of_all_types_count_together() {
        #[lru_cache(maxsize = 1, typed = true)]
        fn text<T: ToString + functools::Argument>(it: T) -> String {
            it.to_string()
        }
        _ = (text(1_u8), text(1_u16), text(1_u32));
        assert_eq!(text::cache_stats().evictions, 2);
    }

    #[test]
    fn computing_takes_time_where_calls_may_wait_for_each_other() {
        #[lru_cache]
        async fn measured(n: u64) -> u64 {
            n
        }
        #[lru_cache(single_flight = false)]
        async fn unmeasured(n: u64) -> u64 {
            n
        }
        assert_eq!((block_on(measured(1)), block_on(unmeasured(1))), (1, 1));
        assert!(measured::cache_stats().computing > Some(Duration::ZERO));
        assert_eq!(unmeasured::cache_stats(), NOTHING());
    }

    #[test]
    fn stale_hits_and_refreshes_count() {
        #[lru_cache(ttl = 10, swr = true, stale_if_error = 100, timer = now, single_flight = false)]
        async fn fragile(fails: u64) -> Result<u64, u64> {
            if now() < fails { Ok(now()) } else { Err(now()) }
        }
        let start = now();
        assert_eq!(block_on(fragile(start + 20)), Ok(start));
        NOW.set(start + 10);
        // Without an executor the call itself runs the refresh, and returns the fresh result.
        assert_eq!(block_on(fragile(start + 20)), Ok(start + 10));
        let stats = fragile::cache_stats();
        assert_eq!((stats.stale_hits, stats.refreshes, stats.errors), (1, 1, 0));
    }
}

mod published {
    // A function is defined in the test that uses it.
    #![allow(clippy::items_after_statements)]

    use std::collections::{BTreeMap, BTreeSet};
    use std::fs;
    use std::path::Path;
    use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
    use std::thread;

    use functools::lru_cache;
    use functools::registry::{self, publish_metrics};
    use metrics::{
        Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder,
        SharedString, Unit,
    };

    type Values = BTreeMap<(String, String), f64>;

    /// Records metrics by name and function. A histogram has its sum and the number of its values, under names as in Prometheus.
    #[derive(Clone, Default)]
    struct Debugging {
        values: Arc<Mutex<Values>>,
        counters: Arc<Mutex<BTreeSet<String>>>,
        gauges: Arc<Mutex<BTreeSet<String>>>,
        histograms: Arc<Mutex<BTreeSet<String>>>,
    }

    struct Value {
        key: (String, String),
        values: Arc<Mutex<Values>>,
    }

    impl Debugging {
        fn value(&self, key: &Key) -> Arc<Value> {
            let labels: Vec<_> = key.labels().map(|label| (label.key(), label.value())).collect();
            let [("function", path)] = labels[..] else { panic!("labels: {labels:?}") };
            let key = (key.name().to_owned(), path.to_owned());
            Arc::new(Value { key, values: Arc::clone(&self.values) })
        }

        fn values(&self) -> MutexGuard<'_, Values> {
            self.values.lock().unwrap()
        }
    }

    fn describe(described: &Mutex<BTreeSet<String>>, key: &KeyName) {
        described.lock().unwrap().insert(key.as_str().to_owned());
    }

    impl Recorder for Debugging {
        fn describe_counter(&self, key: KeyName, _: Option<Unit>, _: SharedString) {
            describe(&self.counters, &key);
        }

        fn describe_gauge(&self, key: KeyName, _: Option<Unit>, _: SharedString) {
            describe(&self.gauges, &key);
        }

        fn describe_histogram(&self, key: KeyName, unit: Option<Unit>, _: SharedString) {
            assert_eq!(unit, Some(Unit::Seconds));
            describe(&self.histograms, &key);
        }

        fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
            Counter::from_arc(self.value(key))
        }

        fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
            Gauge::from_arc(self.value(key))
        }

        fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
            Histogram::from_arc(self.value(key))
        }
    }

    impl Value {
        fn add(&self, suffix: &str, more: f64) {
            let (name, path) = &self.key;
            *self.values.lock().unwrap().entry((format!("{name}{suffix}"), path.clone())).or_default() +=
                more;
        }
    }

    impl HistogramFn for Value {
        fn record(&self, value: f64) {
            self.add("_count", 1.0);
            self.add("_sum", value);
        }
    }

    impl CounterFn for Value {
        fn increment(&self, _: u64) {
            panic!("counters are set to absolute totals");
        }

        /// Like other recorders: a counter never decreases. Of several that publish at once, one may come with an older
        /// total, which the facade demands that a recorder copes with.
        fn absolute(&self, total: u64) {
            let mut values = self.values.lock().unwrap();
            let value = values.entry(self.key.clone()).or_default();
            #[expect(clippy::cast_precision_loss, reason = "a few calls")]
            let total = total as f64;
            *value = value.max(total);
        }
    }

    impl GaugeFn for Value {
        fn increment(&self, _: f64) {
            panic!("gauges are set to absolute values");
        }

        fn decrement(&self, _: f64) {
            panic!("gauges are set to absolute values");
        }

        fn set(&self, value: f64) {
            self.values.lock().unwrap().insert(self.key.clone(), value);
        }
    }

    /// Held by each test that publishes: what a histogram has recorded since the last publication goes to one recorder.
    static PUBLISHING: Mutex<()> = Mutex::new(());

    fn alone() -> MutexGuard<'static, ()> {
        PUBLISHING.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[lru_cache(maxsize = 2, single_flight = true)]
    fn length(text: &str) -> Result<usize, ()> {
        if text.is_empty() { Err(()) } else { Ok(text.len()) }
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "counts are whole numbers")]
    fn every_function_is_published_and_totals_never_go_back() {
        let _alone = alone();
        let debugging = Debugging::default();
        let publish = || metrics::with_local_recorder(&debugging, publish_metrics);
        let of_length = |name: &str| {
            let key = (format!("functools_{name}"), String::from("telemetry::published::length"));
            debugging.values().get(&key).copied()
        };
        let counted = || {
            ["hits_total", "misses_total", "evictions_total", "errors_total", "currsize"]
                .map(|name| of_length(name).unwrap())
        };
        publish();
        assert_eq!(counted(), [0.0; 5]);
        assert_eq!(of_length("computing_duration_seconds_count"), None);
        _ = (length("a"), length("a"), length("bb"), length("ccc"), length(""));
        publish();
        publish();
        assert_eq!(counted(), [1.0, 4.0, 1.0, 1.0, 2.0]);
        assert_eq!(of_length("maxsize"), Some(2.0));
        let computing = || of_length("computing_duration_seconds_sum").unwrap();
        let before = computing();
        assert!(before > 0.0);
        assert_eq!(of_length("computing_duration_seconds_count"), Some(4.0));
        // In whole seconds.
        assert_eq!(of_length("computing_seconds_total"), Some(0.0));
        for name in ["expiries", "refreshes", "stale_hits", "coalesced", "backend_hits", "backend_errors"] {
            assert_eq!(of_length(&format!("{name}_total")), Some(0.0), "{name}");
        }
        length::cache_clear();
        publish();
        _ = (length("a"), length("a"));
        publish();
        assert_eq!(counted(), [2.0, 5.0, 1.0, 1.0, 1.0]);
        assert!(computing() > before);
        assert_eq!(of_length("computing_duration_seconds_count"), Some(5.0));

        let paths: BTreeSet<_> = debugging.values().keys().map(|(_, path)| path.clone()).collect();
        assert_eq!(paths, registry::functions().map(|function| function.namespace().to_owned()).collect());
        // What is described is published, but for what only functions with a backend have: other tests may have called one.
        let mut described = &*debugging.counters.lock().unwrap() | &*debugging.gauges.lock().unwrap();
        let histograms = debugging.histograms.lock().unwrap();
        described.extend(
            histograms.iter().flat_map(|name| ["_count", "_sum"].map(|part| format!("{name}{part}"))),
        );
        let names: BTreeSet<_> = debugging.values().keys().map(|(name, _)| name.clone()).collect();
        let of_backends =
            |name: &&String| name.contains("_backend_state") || name.contains("_backend_duration_seconds");
        assert!(names.is_subset(&described), "{names:?} {described:?}");
        assert!(described.difference(&names).all(|name| of_backends(&name)), "{names:?} {described:?}");
    }

    #[test]
    fn threads_that_publish_at_once_count_nothing_twice() {
        let _alone = alone();
        #[lru_cache]
        fn square(n: u64) -> u64 {
            n * n
        }
        const CALLS: u64 = 1000;
        let debugging = Debugging::default();
        let publish = || metrics::with_local_recorder(&debugging, publish_metrics);
        publish();
        thread::scope(|scope| {
            scope.spawn(|| (0..CALLS).for_each(|n| _ = square(n)));
            scope.spawn(|| (0..20).for_each(|_| publish()));
            scope.spawn(|| (0..20).for_each(|_| publish()));
        });
        publish();
        let of_square = |name: &str| {
            let values = debugging.values();
            let is_meant = |(of, path): &(String, String)| of == name && path.contains("count_nothing_twice");
            values.iter().find(|(key, _)| is_meant(key)).map(|(_, value)| *value)
        };
        assert_eq!(of_square("functools_misses_total"), Some(1000.0));
    }

    #[cfg(feature = "backend")]
    #[test]
    fn a_miss_that_becomes_a_hit_of_the_backend_is_counted_once() {
        let _alone = alone();
        use std::time::Duration;

        use functools::backend::{Backend, BackendError, Stored};

        /// Has one result, and publishes while it looks for it.
        struct Publishing;
        static PUBLISHED: Mutex<Option<Debugging>> = Mutex::new(None);
        static RESULT: Mutex<Option<Vec<u8>>> = Mutex::new(None);

        impl Backend for Publishing {
            fn get(&self, _: &str, _: &[u8]) -> Result<Option<Stored>, BackendError> {
                if let Some(debugging) = &*PUBLISHED.lock().unwrap() {
                    metrics::with_local_recorder(debugging, publish_metrics);
                }
                Ok(RESULT.lock().unwrap().clone().map(Stored::new))
            }
            fn set(&self, _: &str, _: &[u8], value: &[u8], _: Option<Duration>) -> Result<(), BackendError> {
                *RESULT.lock().unwrap() = Some(value.to_vec());
                Ok(())
            }
            fn delete(&self, _: &str, _: &[u8]) -> Result<bool, BackendError> {
                Ok(false)
            }
            fn clear(&self, _: &str) -> Result<(), BackendError> {
                Ok(())
            }
        }
        #[lru_cache(maxsize = 0, backend = Publishing)]
        fn found(n: u64) -> u64 {
            n
        }
        assert_eq!(found(1), 1);
        *PUBLISHED.lock().unwrap() = Some(Debugging::default());
        (0..10).for_each(|_| assert_eq!(found(1), 1));
        assert_eq!((found::cache_info().hits, found::cache_info().misses), (10, 1));
        let debugging = PUBLISHED.lock().unwrap().take().unwrap();
        metrics::with_local_recorder(&debugging, publish_metrics);
        let values = debugging.values();
        let of_found = |name: &str| {
            let is_meant = |(of, path): &(String, String)| of == name && path.contains("::found");
            values.iter().find(|(key, _)| is_meant(key)).map(|(_, value)| *value)
        };
        assert_eq!(
            (of_found("functools_hits_total"), of_found("functools_backend_hits_total")),
            (Some(10.0), Some(10.0))
        );
        // One call at a time is a miss until the backend has answered it.
        assert_eq!(of_found("functools_misses_total"), Some(2.0));
        assert_eq!(of_found("functools_backend_duration_seconds_count"), Some(12.0));
    }

    /// Returns a file of the folder `docs`.
    fn document(name: &str) -> String {
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name)).unwrap()
    }

    /// Returns the names of metrics in a text: words that begin with `functools_`. Names with a colon are those of recording rules.
    fn metrics_in(text: &str) -> BTreeSet<&str> {
        let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == ':';
        text.split(|letter| !is_part(letter)).filter(|word| word.starts_with("functools_")).collect()
    }

    #[test]
    fn dashboard_and_rules_name_metrics_that_are_published() {
        let _alone = alone();
        let debugging = Debugging::default();
        metrics::with_local_recorder(&debugging, publish_metrics);
        let [counters, gauges, histograms] = [&debugging.counters, &debugging.gauges, &debugging.histograms]
            .map(|names| names.lock().unwrap().clone());
        let mut published = &counters | &gauges;
        for histogram in &histograms {
            published.extend(["bucket", "count", "sum"].map(|part| format!("{histogram}_{part}")));
        }
        for file in ["grafana.json", "prometheus-rules.yml"] {
            let text = document(file);
            let named = metrics_in(&text);
            assert!(named.len() > 10, "{file}: {named:?}");
            let unknown: Vec<_> = named.iter().filter(|name| !published.contains(**name)).collect();
            assert!(unknown.is_empty(), "{file} names metrics that are not published: {unknown:?}");
        }
        // The dashboard shows all that is published.
        let dashboard = document("grafana.json");
        let shown = metrics_in(&dashboard);
        let missing: Vec<_> =
            (&counters | &gauges).into_iter().filter(|name| !shown.contains(&**name)).collect();
        assert!(missing.is_empty(), "{missing:?}");
        let rules = document("prometheus-rules.yml");
        let recorded: BTreeSet<_> =
            rules.lines().filter_map(|line| line.trim().strip_prefix("- record: ")).collect();
        let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == ':';
        let used = rules.split(|letter| !is_part(letter)).filter(|word| word.starts_with("function:"));
        let unknown: Vec<_> = used.filter(|name| !recorded.contains(name)).collect();
        assert!(unknown.is_empty(), "no rule records {unknown:?}");
    }

    #[test]
    fn the_dashboard_is_a_model_of_grafana() {
        let dashboard: serde_json::Value = serde_json::from_str(&document("grafana.json")).unwrap();
        assert!(dashboard["schemaVersion"].as_u64() >= Some(36));
        assert!(dashboard["title"].is_string() && dashboard["uid"].is_string());
        let variables = dashboard["templating"]["list"].as_array().unwrap();
        let variables: BTreeSet<_> = variables.iter().map(|one| one["name"].as_str().unwrap()).collect();
        let panels = dashboard["panels"].as_array().unwrap();
        let (mut ids, mut taken) = (BTreeSet::new(), BTreeSet::new());
        for panel in panels {
            assert!(ids.insert(panel["id"].as_u64().unwrap()), "{panel}");
            assert!(panel["title"].is_string() && panel["type"].is_string());
            let [x, y, w, h] = ["x", "y", "w", "h"].map(|side| panel["gridPos"][side].as_u64().unwrap());
            assert!(x + w <= 24, "{panel}");
            let cells = (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y)));
            assert!(cells.into_iter().all(|cell| taken.insert(cell)), "panels overlap: {panel}");
            assert_eq!(panel["datasource"]["uid"], "${datasource}");
            for target in panel["targets"].as_array().unwrap() {
                let expr = target["expr"].as_str().unwrap();
                let closed = |open, close| expr.matches(open).count() == expr.matches(close).count();
                assert!(closed('(', ')') && closed('{', '}') && closed('[', ']'), "{expr}");
                let uses = expr.split('$').skip(1).map(|rest| rest.trim_start_matches('{'));
                for name in uses.filter(|name| !name.starts_with("__")) {
                    assert!(variables.iter().any(|variable| name.starts_with(variable)), "{expr}");
                }
            }
        }
        assert!(panels.len() > 10);
    }
}

mod traced {
    use std::fmt::{Debug, Write};
    use std::future::poll_fn;
    use std::pin::pin;
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
    use std::sync::{Mutex, Once};
    use std::task::{Context, Poll, Waker};
    use std::time::Duration;

    use functools::refresh::Task;
    use functools::{lru_cache, tag};
    use tracing::field::{Field, Visit};
    use tracing::span::{Attributes, Id, Record};
    use tracing::{Event, Metadata, Subscriber};

    use super::block_on;

    /// The events in order: the function, and the level with the other fields.
    static EVENTS: Mutex<Vec<(String, String)>> = Mutex::new(Vec::new());

    struct Capturing;

    /// The fields of an event, without values that differ between runs.
    #[derive(Default)]
    struct Fields {
        function: String,
        text: String,
    }

    impl Visit for Fields {
        fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
            match field.name() {
                "function" => format!("{value:?}").trim_matches('"').clone_into(&mut self.function),
                "took" => self.text += " took=_",
                "message" => _ = write!(self.text, " {value:?}"),
                name => _ = write!(self.text, " {name}={value:?}"),
            }
        }
    }

    impl Subscriber for Capturing {
        fn enabled(&self, metadata: &Metadata<'_>) -> bool {
            metadata.target() == "functools"
        }

        fn new_span(&self, _: &Attributes<'_>) -> Id {
            panic!("the library has no spans");
        }

        fn record(&self, _: &Id, _: &Record<'_>) {}

        fn record_follows_from(&self, _: &Id, _: &Id) {}

        fn event(&self, event: &Event<'_>) {
            let mut fields = Fields { text: event.metadata().level().to_string(), ..Fields::default() };
            event.record(&mut fields);
            EVENTS.lock().unwrap().push((fields.function, fields.text));
        }

        fn enter(&self, _: &Id) {}

        fn exit(&self, _: &Id) {}
    }

    fn listen() {
        static ONCE: Once = Once::new();
        ONCE.call_once(|| tracing::subscriber::set_global_default(Capturing).unwrap());
    }

    /// Removes and returns the events of a function.
    fn take_events(function: &str) -> Vec<String> {
        let path = format!("telemetry::traced::{function}");
        let mut events = EVENTS.lock().unwrap();
        let (of_function, others) = events.drain(..).partition(|(of, _)| *of == path);
        *events = others;
        let of_function: Vec<(String, String)> = of_function;
        of_function.into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn what_is_computed_is_told_and_a_hit_is_not() {
        #[lru_cache(single_flight = true)]
        fn checked(n: u64) -> Result<u64, ()> {
            if n == 0 { Err(()) } else { Ok(n) }
        }
        listen();
        let of = "what_is_computed_is_told_and_a_hit_is_not::checked";
        _ = (checked(1), checked(1));
        assert_eq!(take_events(of), ["DEBUG computed took=_ is_error=false"]);
        _ = (checked(1), checked(0));
        assert_eq!(take_events(of), ["DEBUG computed took=_ is_error=true"]);
    }

    #[test]
    fn invalidations_of_tags_are_told_by_name() {
        #[lru_cache(tags = |id| [tag("telemetry", id)])]
        fn user(id: u32) -> u32 {
            id
        }
        listen();
        user(1);
        functools::invalidate(tag("telemetry", 1));
        user::cache_invalidate_tag(tag("telemetry", 2));
        let mut events = EVENTS.lock().unwrap();
        let (told, others) = events.drain(..).partition(|(_, text)| text.contains("tag=\"telemetry\""));
        *events = others;
        let told: Vec<(String, String)> = told;
        let told: Vec<_> = told.into_iter().map(|(_, text)| text).collect();
        let event = |in_one| format!("DEBUG invalidated tag=\"telemetry\" tags=1 in_one_function={in_one}");
        assert_eq!(told, [event(false), event(true)]);
    }

    #[derive(Clone)]
    struct Shop;

    static TIME: AtomicU64 = AtomicU64::new(0);
    static FAILS: AtomicBool = AtomicBool::new(false);

    fn now() -> u64 {
        TIME.load(SeqCst)
    }

    impl Shop {
        #[lru_cache(ttl = 10, swr = true, stale_if_error = 1000, timer = now)]
        async fn price(#[key(skip)] self, id: u64) -> Result<u64, ()> {
            if FAILS.load(SeqCst) { Err(()) } else { Ok(id) }
        }
    }

    #[test]
    fn refreshes_are_told_and_louder_where_they_fail() {
        listen();
        let of = "Shop::price";
        assert_eq!(block_on(Shop.price(1)), Ok(1));
        assert_eq!(take_events(of), ["DEBUG computed took=_ is_error=false"]);
        TIME.fetch_add(10, SeqCst);
        assert_eq!(block_on(Shop.price(1)), Ok(1));
        assert_eq!(take_events(of), ["DEBUG refreshed took=_"]);
        TIME.fetch_add(10, SeqCst);
        FAILS.store(true, SeqCst);
        assert_eq!(block_on(Shop.price(1)), Ok(1));
        assert_eq!(take_events(of), ["WARN refresh failed took=_"]);
    }

    #[test]
    fn an_abandoned_refresh_is_reported() {
        #[lru_cache(ttl = 10, swr = true, timer = now, spawn = drop::<Task>)]
        async fn unlucky(n: u64) -> u64 {
            n
        }
        static TIME: AtomicU64 = AtomicU64::new(0);
        fn now() -> u64 {
            TIME.load(SeqCst)
        }
        listen();
        let of = "an_abandoned_refresh_is_reported::unlucky";
        assert_eq!(block_on(unlucky(1)), 1);
        TIME.store(10, SeqCst);
        assert_eq!(block_on(unlucky(1)), 1);
        assert_eq!(
            take_events(of),
            ["DEBUG computed took=_ is_error=false", "WARN refresh panicked or was dropped"]
        );
    }

    #[cfg(feature = "backend")]
    #[test]
    fn failed_backend_operations_are_reported() {
        use functools::backend::{Backend, BackendError, Stored};

        struct Down;
        impl Backend for Down {
            fn get(&self, _: &str, _: &[u8]) -> Result<Option<Stored>, BackendError> {
                Err("it is down".into())
            }
            fn set(&self, _: &str, _: &[u8], _: &[u8], _: Option<Duration>) -> Result<(), BackendError> {
                Ok(())
            }
            fn delete(&self, _: &str, _: &[u8]) -> Result<bool, BackendError> {
                Ok(false)
            }
            fn clear(&self, _: &str) -> Result<(), BackendError> {
                Ok(())
            }
        }
        #[lru_cache(backend = Down)]
        fn square(n: u64) -> u64 {
            n * n
        }
        listen();
        assert_eq!(square(3), 9);
        let of = "failed_backend_operations_are_reported::square";
        assert_eq!(
            take_events(of),
            ["WARN backend failed error=it is down", "DEBUG computed took=_ is_error=false"]
        );
    }

    #[test]
    #[cfg(feature = "backend")]
    fn an_outage_is_reported_when_it_begins_and_when_it_ends() {
        use functools::backend::{Backend, BackendError, CircuitBreaker, Stored};
        struct Broken;
        static IS_DOWN: AtomicBool = AtomicBool::new(true);
        impl Backend for Broken {
            fn get(&self, _: &str, _: &[u8]) -> Result<Option<Stored>, BackendError> {
                if IS_DOWN.load(SeqCst) { Err("it is down".into()) } else { Ok(None) }
            }

            fn set(&self, _: &str, _: &[u8], _: &[u8], _: Option<Duration>) -> Result<(), BackendError> {
                if IS_DOWN.load(SeqCst) { Err("it is down".into()) } else { Ok(()) }
            }

            fn delete(&self, _: &str, _: &[u8]) -> Result<bool, BackendError> {
                Ok(false)
            }

            fn clear(&self, _: &str) -> Result<(), BackendError> {
                Ok(())
            }
        }
        #[lru_cache(maxsize = 0, backend = CircuitBreaker::new(Broken).failures(1).pause(Duration::from_millis(500)))]
        fn square(n: u64) -> u64 {
            n * n
        }
        listen();
        let of = "an_outage_is_reported_when_it_begins_and_when_it_ends::square";
        let warnings = |events: Vec<String>| events.iter().filter(|event| event.starts_with("WARN")).count();
        assert_eq!(square(3), 9);
        assert_eq!(warnings(take_events(of)), 1, "the lookup fails, the store is skipped");
        IS_DOWN.store(false, SeqCst);
        let closed = "INFO circuit breaker closed backend=the backend";
        let begin = std::time::Instant::now();
        // The circuit breaker belongs to no function.
        let is_closed = || EVENTS.lock().unwrap().contains(&(String::new(), closed.to_owned()));
        while !is_closed() {
            assert_eq!(square(3), 9);
            assert!(begin.elapsed() < Duration::from_secs(60), "the circuit breaker does not close");
        }
        assert_eq!(warnings(take_events(of)), 0);
    }

    #[test]
    fn an_error_answered_by_a_stale_result_is_reported() {
        #[lru_cache(ttl = 10, stale_if_error = 1000, timer = now)]
        fn fallback(start: u64) -> Result<u64, ()> {
            if now() == start { Ok(start) } else { Err(()) }
        }
        static TIME: AtomicU64 = AtomicU64::new(0);
        fn now() -> u64 {
            TIME.load(SeqCst)
        }
        listen();
        assert_eq!(fallback(0), Ok(0));
        TIME.store(10, SeqCst);
        assert_eq!(fallback(0), Ok(0));
        let of = "an_error_answered_by_a_stale_result_is_reported::fallback";
        let fallback = "WARN computation failed; served stale result";
        assert_eq!(
            take_events(of),
            ["DEBUG computed took=_ is_error=false", "DEBUG computed took=_ is_error=true", fallback]
        );
    }

    /// Yields once.
    async fn pause() {
        let mut paused = false;
        poll_fn(|_| if std::mem::replace(&mut paused, true) { Poll::Ready(()) } else { Poll::Pending }).await;
    }

    #[test]
    fn who_takes_over_is_told_and_louder_where_the_leader_was_given_up() {
        #[lru_cache(flight_timeout = Duration::from_nanos(1))]
        async fn given_up(n: u64) -> u64 {
            pause().await;
            n
        }
        #[lru_cache]
        async fn dropped(n: u64) -> u64 {
            pause().await;
            n
        }
        listen();
        let of = "who_takes_over_is_told_and_louder_where_the_leader_was_given_up";
        let context = &mut Context::from_waker(Waker::noop());

        let (mut leader, mut follower) = (pin!(given_up(1)), pin!(given_up(1)));
        assert!(leader.as_mut().poll(context).is_pending());
        assert!(follower.as_mut().poll(context).is_pending());
        assert_eq!(
            take_events(&format!("{of}::given_up")),
            ["WARN single-flight leader exceeded `flight_timeout`; follower promoted"]
        );
        assert!(follower.as_mut().poll(context).is_ready());
        assert_eq!(take_events(&format!("{of}::given_up")), ["DEBUG computed took=_ is_error=false"]);

        let mut leader = Box::pin(dropped(1));
        let mut follower = pin!(dropped(1));
        assert!(leader.as_mut().poll(context).is_pending());
        assert!(follower.as_mut().poll(context).is_pending());
        drop(leader);
        assert!(follower.as_mut().poll(context).is_pending());
        assert_eq!(
            take_events(&format!("{of}::dropped")),
            ["DEBUG single-flight leader dropped; follower promoted"]
        );
    }
}
