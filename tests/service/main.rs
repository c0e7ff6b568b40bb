//! A service with memoized functions and the debug page, over HTTP: `examples/price_service` and
//! `functools::debug_page`.

use std::time::Duration;

use functools::{debug_page, lru_cache, registry};
use serde_json::{Value, json};
use served::{Served, serve, until};

mod browser;
mod page;
mod served;
#[path = "../../examples/price_service/src/service.rs"]
mod service;

/// The path of the example's function in this crate.
const PRICE: &str = "service::service::price";

/// The time that the origin of the example takes.
const ORIGIN: Duration = Duration::from_millis(200);

/// The time to live of a price.
const TTL: Duration = Duration::from_secs(10);

trait Named {
    fn name(&self, n: u32) -> String;
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Shelf<'a>(&'a str);

impl Named for Shelf<'static> {
    /// Has angle brackets in its path, which must be escaped in HTML.
    #[lru_cache(maxsize = None, accessors = none)]
    fn name(&self, n: u32) -> String {
        format!("{} {n}", self.0)
    }
}

/// A function that the program never calls.
#[lru_cache(maxsize = 7)]
#[expect(dead_code, reason = "the function must not be called")]
fn idle(n: u64) -> u64 {
    n
}

/// Returns the price of a new symbol: waits for the call to reach the slow origin, and advances the time.
fn first_price(served: &Served, symbol: &str) -> u64 {
    let misses = served.reported(PRICE)["misses"].as_u64().unwrap();
    let first = served.in_background(&format!("/price/{symbol}"));
    until("the origin is called", || served.reported(PRICE)["misses"] == misses + 1);
    served.advance(ORIGIN);
    let answer = first.join().unwrap().json();
    assert_eq!(answer["symbol"], symbol);
    assert_eq!(answer["elapsed_sec"], 0.2, "the first call waits for the origin");
    answer["price"].as_u64().unwrap()
}

/// Returns the cached price of a symbol, for which no time passes.
fn price_at_once(served: &Served, symbol: &str) -> u64 {
    let answer = served.get(&format!("/price/{symbol}")).json();
    assert_eq!(answer["elapsed_sec"], 0.0, "a cached price is returned at once");
    answer["price"].as_u64().unwrap()
}

#[test]
fn a_hundred_first_calls_reach_the_origin_once() {
    serve(service::app(), |served| {
        let before = first_price(served, "BEFOR");
        let arrived = served.arrived();
        let calls: Vec<_> = (0..100).map(|_| served.in_background("/price/ACME")).collect();
        until("all have arrived", || served.arrived() == arrived + 100);
        served.advance(ORIGIN);
        for call in calls {
            let expected = json!({ "symbol": "ACME", "price": before + 1, "elapsed_sec": 0.2 });
            assert_eq!(call.join().unwrap().json(), expected);
        }
        let function = served.reported(PRICE);
        let counts = ["hits", "misses", "coalesced", "currsize"].map(|name| function[name].as_u64().unwrap());
        assert_eq!(counts, [99, 2, 99, 2]);
        // The price rises with each computation.
        assert_eq!(first_price(served, "AFTER"), before + 2);
    });
}

#[test]
fn the_second_call_is_answered_without_the_origin() {
    serve(service::app(), |served| {
        let first = first_price(served, "ACME");
        assert_eq!(price_at_once(served, "ACME"), first);
        assert_eq!(price_at_once(served, "acme"), first);
        assert_eq!(first_price(served, "OTHER"), first + 1);
    });
}

#[test]
fn what_is_stale_is_served_while_it_is_refreshed() {
    serve(service::app(), |served| {
        let old = first_price(served, "ACME");
        served.advance(TTL.saturating_sub(ORIGIN));
        assert_eq!(
            price_at_once(served, "ACME"),
            old,
            "still fresh: its age counts from the end of its computation"
        );
        assert_eq!(served.reported(PRICE)["stale_hits"], 0);

        served.advance(ORIGIN);
        assert_eq!(price_at_once(served, "ACME"), old);
        assert_eq!(price_at_once(served, "ACME"), old);
        let function = served.reported(PRICE);
        let counts = ["stale_hits", "refreshes", "misses"].map(|name| function[name].as_u64().unwrap());
        assert_eq!(counts, [2, 0, 1]);

        until("the price is refreshed", || {
            served.advance(ORIGIN);
            served.reported(PRICE)["refreshes"] == 1
        });
        assert_eq!(price_at_once(served, "ACME"), old + 1);
        let function = served.reported(PRICE);
        assert_eq!((&function["stale_hits"], &function["misses"]), (&json!(2), &json!(1)));
    });
}

#[test]
fn what_the_origin_does_not_know_is_asked_again() {
    serve(service::app(), |served| {
        for times in 1..=2 {
            let call = served.in_background("/price/TOO-LONG");
            until("the origin is called", || served.reported(PRICE)["misses"] == times);
            served.advance(ORIGIN);
            assert_eq!(call.join().unwrap().status, 404);
            assert_eq!(served.reported(PRICE)["errors"], times);
        }
        assert_eq!(served.reported(PRICE)["currsize"], 0);
    });
}

#[test]
fn cache_info_tells_all_of_each_function() {
    serve(service::app(), |served| {
        let shelf = Shelf("top");
        _ = (shelf.name(1), shelf.name(1), shelf.name(1), shelf.name(2));
        first_price(served, "ACME");

        let response = served.get("/debug/cache_info");
        assert_eq!(response.status, 200);
        assert_eq!(response.header("content-type"), "application/json");
        assert_eq!(response.header("cache-control"), "no-store");
        let report = response.json();
        let functions = report["functions"].as_array().unwrap();
        let paths: Vec<_> = functions.iter().map(|one| one["path"].as_str().unwrap()).collect();
        let expected: Vec<_> = registry::functions().map(registry::Function::path).collect();
        assert_eq!(paths, expected);

        let mut price = served.reported(PRICE);
        let windows = price.as_object_mut().unwrap().remove("windows").unwrap();
        let names: Vec<_> = windows.as_object().unwrap().keys().collect();
        assert_eq!(names, ["1m", "5m", "all"]);
        assert!(price["file"].as_str().unwrap().ends_with("service.rs"));
        assert!(price["line"].as_u64().unwrap() > 1);
        assert_eq!(price["computing_sec"].as_f64().map(f64::is_sign_positive), Some(true));
        for taken in ["file", "line", "computing_sec"] {
            price[taken].take();
        }
        let expected = json!({
            "path": PRICE, "file": null, "line": null, "hits": 0, "misses": 1, "hit_ratio": 0.0, "maxsize": 256,
            "currsize": 1, "budget_share": null, "evictions": 0, "superseded": 0, "expiries": 0, "invalidated": 0,
            "invalidated_dependents": 0, "not_kept": 0, "coalesced": 0, "stale_hits": 0,
            "refreshes": 0, "errors": 0, "backend_hits": 0, "backend_errors": 0, "backend_requests": 0,
            "backend_bytes_read": 0, "backend_bytes_written": 0, "backend_state": null, "backend_sec": null, "computing_sec": null,
            "insight": null, "leading_policy": null,
        });
        assert_eq!(price, expected);

        let idle = served.reported("service::idle");
        assert_eq!((&idle["hit_ratio"], &idle["maxsize"]), (&Value::Null, &json!(7)));
        let shelf = served.reported(&path_with_brackets());
        let counts = ["hits", "misses", "hit_ratio", "maxsize"].map(|name| &shelf[name]);
        assert_eq!(counts, [&json!(2), &json!(2), &json!(0.5), &Value::Null]);
    });
}

/// Resets the counters of all functions, and what the page has counted of other tests.
fn reset(served: &Served) {
    assert_eq!(served.post("/debug/reset_counters", &[]).status, 200);
}

#[test]
fn windows_have_what_was_counted_in_them() {
    serve(service::app(), |served| {
        reset(served);
        let old = first_price(served, "ACME");
        (0..3).for_each(|_| _ = price_at_once(served, "ACME"));
        let failed = served.in_background("/price/TOO-LONG");
        until("the origin is called", || served.reported(PRICE)["misses"] == 2);
        served.advance(ORIGIN);
        assert_eq!(failed.join().unwrap().status, 404);

        let counted = || {
            let windows = served.reported(PRICE)["windows"].take();
            let [minute, five, all] = ["1m", "5m", "all"].map(|name| {
                let window = &windows[name];
                assert!(
                    window["sec"].as_f64().unwrap() > 0.0 && window["calls_per_sec"].as_f64().unwrap() > 0.0
                );
                let of = |name: &str| window[name].as_u64().unwrap();
                assert_eq!(
                    (of("stale_hits"), of("evictions"), of("backend_hits"), of("backend_errors")),
                    (0, 0, 0, 0)
                );
                let computing = &window["computing"];
                let buckets = computing["buckets"].as_array().unwrap();
                let count: u64 = buckets.iter().map(|bucket| bucket[1].as_u64().unwrap()).sum();
                assert_eq!(computing["count"], count);
                assert!(
                    computing["p99_sec"].as_f64().unwrap() >= computing["mean_sec"].as_f64().unwrap() / 2.0
                );
                assert_eq!(
                    window["backend"],
                    json!({ "count": 0, "mean_sec": null, "p99_sec": null, "buckets": [] })
                );
                (of("hits"), of("misses"), of("errors"), count, window["hit_ratio"].clone())
            });
            assert_eq!((&minute, &five), (&all, &all), "all of it was within the last minute");
            all
        };
        assert_eq!(counted(), (3, 2, 1, 2, json!(0.6)));
        // What the program clears itself stays in the windows.
        registry::functions().filter(|function| function.path() == PRICE).for_each(registry::Function::clear);
        assert_eq!(served.reported(PRICE)["misses"], 0);
        assert_eq!(counted(), (3, 2, 1, 2, json!(0.6)));
        assert_eq!(first_price(served, "ACME"), old + 1);
        assert_eq!(counted(), (3, 3, 1, 3, json!(0.5)));
    });
}

#[test]
fn a_reset_leaves_the_entries() {
    serve(service::app(), |served| {
        let price = first_price(served, "ACME");
        _ = (Shelf("top").name(1), Shelf("top").name(1));
        let shelf = path_with_brackets();
        let query = shelf.replace('<', "%3c").replace('>', "%3e").replace(' ', "+");
        let response = served.post(&format!("/debug/reset_counters?function={query}"), &[]);
        assert_eq!((response.status, response.json()), (200, json!({ "reset": 1 })));
        let of_shelf = served.reported(&shelf);
        let counts = ["hits", "misses", "currsize"].map(|name| of_shelf[name].as_u64().unwrap());
        assert_eq!(counts, [0, 0, 1]);
        assert_eq!(of_shelf["windows"]["all"]["hits"], 0);
        assert_eq!(served.reported(PRICE)["misses"], 1);

        reset(served);
        assert_eq!(
            (served.reported(PRICE)["misses"].clone(), price_at_once(served, "ACME")),
            (json!(0), price)
        );
        let refused = served.post("/debug/reset_counters", &[("Sec-Fetch-Site", "cross-site")]);
        assert_eq!(refused.status, 403);
        assert_eq!(served.reported(PRICE)["hits"], 1);
    });
}

#[test]
fn the_history_ends_with_a_sample_that_goes_on() {
    serve(service::app(), |served| {
        let of_price = |path: &str| {
            let report = served.get(path).json();
            let functions = report["functions"].as_array().unwrap();
            let price = functions.iter().find(|one| one["path"] == PRICE).unwrap();
            let count = |name: &str| {
                price[name].as_array().unwrap().iter().map(|count| count.as_u64().unwrap()).sum::<u64>()
            };
            (
                report["taken"].as_u64().unwrap(),
                report["ages_sec"].as_array().unwrap().len(),
                count("hits"),
                count("misses"),
            )
        };
        let (_, samples, hits, misses) = of_price("/debug/history");
        first_price(served, "ACME");
        _ = (price_at_once(served, "ACME"), price_at_once(served, "ACME"));
        // A sample may be taken in between.
        let (taken, more, now_hits, now_misses) = of_price("/debug/history");
        assert!(more == samples || more == samples + 1);
        assert_eq!((now_hits, now_misses), (hits + 2, misses + 1));
        let (_, newest, ..) = of_price(&format!("/debug/history?after={taken}"));
        assert!(newest == 1 || newest == 2, "{newest}");
        assert_eq!(
            of_price(&format!("/debug/history?after={}", taken + 100)).1,
            more,
            "another process has taken more"
        );

        let refused = |query: &str| {
            let response = served.get(&format!("/debug/history?{query}"));
            (response.status, response.body)
        };
        assert_eq!(refused("after=one"), (400, "`after` takes a number, not `one`".into()));
        assert_eq!(refused("since=1"), (400, "unknown parameter `since`; expected `after`".into()));
    });
}

#[test]
fn a_page_that_is_read_only_changes_nothing() {
    let app = service::app().nest("/public", debug_page::read_only());
    serve(app, |served| {
        let price = first_price(served, "ACME");
        for address in ["/public", "/public/cache_info", "/public/history"] {
            assert_eq!(served.get(address).status, 200, "{address}");
        }
        for address in ["/public/clear_cache", "/public/reset_counters", "/public"] {
            let refused = served.post(address, &[]).status;
            assert!(refused == 404 || refused == 405, "{address}: {refused}");
        }
        let page = served.get("/public").body;
        assert!(page.contains(PRICE) && !page.contains("Clear") && !page.contains("Reset"));
        assert_eq!(served.reported(PRICE)["misses"], 1);
        assert_eq!(price_at_once(served, "ACME"), price);
    });
}

#[test]
fn clearing_all_leaves_the_counters_only() {
    serve(service::app(), |served| {
        let old = first_price(served, "ACME");
        _ = Shelf("top").name(1);
        let response = served.post("/debug/clear_cache", &[]);
        assert_eq!((response.status, response.json()), (200, json!({ "cleared": 3 })));
        for function in registry::functions() {
            assert_eq!(served.reported(function.path())["currsize"], 0, "{function:?}");
        }
        assert_eq!(served.reported(PRICE)["misses"], 1);
        assert_eq!(first_price(served, "ACME"), old + 1);
        assert_eq!(served.reported(PRICE)["misses"], 2);
    });
}

#[test]
fn clearing_one_leaves_the_others() {
    serve(service::app(), |served| {
        let price = first_price(served, "ACME");
        _ = Shelf("top").name(1);
        let shelf = path_with_brackets();
        let query = shelf.replace('<', "%3c").replace('>', "%3e").replace(' ', "+");
        let response = served.post(&format!("/debug/clear_cache?function={query}"), &[]);
        assert_eq!((response.status, response.json()), (200, json!({ "cleared": 1 })));
        assert_eq!(served.reported(&shelf)["currsize"], 0);
        assert_eq!(price_at_once(served, "ACME"), price);
    });
}

#[test]
fn what_can_not_be_meant_clears_nothing() {
    serve(service::app(), |served| {
        let price = first_price(served, "ACME");
        let refused = |path: &str, headers: &[_]| {
            let response = served.post(&format!("/debug/clear_cache{path}"), headers);
            (response.status, response.body)
        };
        let unknown = (404, "no memoized function has the path `nowhere`".into());
        assert_eq!(refused("?function=nowhere", &[]), unknown);
        assert_eq!(refused(&format!("?function={PRICE}&function=nowhere"), &[]), unknown);
        let misspelt = (400, "unknown parameter `fuction`; expected `function`".into());
        assert_eq!(refused(&format!("?fuction={PRICE}"), &[]), misspelt);
        let elsewhere =
            (403, "cross-site request refused: from a browser, only this page can change caches".into());
        assert_eq!(refused("", &[("Sec-Fetch-Site", "cross-site")]), elsewhere);
        assert_eq!(refused("", &[("Origin", "http://example.org")]), elsewhere);
        assert_eq!(served.get("/debug/clear_cache").status, 405);
        assert_eq!(price_at_once(served, "ACME"), price);

        let own = format!("http://{}", served.address());
        assert_eq!(served.post("/debug/clear_cache", &[("Origin", &own)]).status, 200);
    });
}

/// Returns the path of a function in the `impl` of a trait, as the compiler prints it.
fn path_with_brackets() -> String {
    let mut paths = registry::functions().map(|function| function.path().to_owned());
    paths.find(|path| path.contains('<')).expect("the path of a trait's `impl` has angle brackets")
}
