//! A service with memoized functions and the debug page, over HTTP: `examples/price_service` and
//! `functools::debug_page`.

use std::time::Duration;

use functools::{lru_cache, registry};
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
        assert!(price["file"].as_str().unwrap().ends_with("service.rs"));
        assert!(price["line"].as_u64().unwrap() > 1);
        assert_eq!(price["computing_sec"].as_f64().map(f64::is_sign_positive), Some(true));
        for taken in ["file", "line", "computing_sec"] {
            price[taken].take();
        }
        let expected = json!({
            "path": PRICE, "file": null, "line": null, "hits": 0, "misses": 1, "hit_ratio": 0.0, "maxsize": 256,
            "currsize": 1, "evictions": 0, "superseded": 0, "expiries": 0, "coalesced": 0, "stale_hits": 0,
            "refreshes": 0, "errors": 0, "backend_hits": 0, "backend_errors": 0, "backend_requests": 0,
            "backend_bytes_read": 0, "backend_bytes_written": 0, "backend_state": null, "backend_sec": null, "computing_sec": null,
        });
        assert_eq!(price, expected);

        let idle = served.reported("service::idle");
        assert_eq!((&idle["hit_ratio"], &idle["maxsize"]), (&Value::Null, &json!(7)));
        let shelf = served.reported(&path_with_brackets());
        let counts = ["hits", "misses", "hit_ratio", "maxsize"].map(|name| &shelf[name]);
        assert_eq!(counts, [&json!(2), &json!(2), &json!(0.5), &Value::Null]);
    });
}

#[test]
fn clearing_all_leaves_nothing() {
    serve(service::app(), |served| {
        let old = first_price(served, "ACME");
        _ = Shelf("top").name(1);
        let response = served.post("/debug/clear_cache", &[]);
        assert_eq!((response.status, response.json()), (200, json!({ "cleared": 3 })));
        for function in registry::functions() {
            let counts =
                ["hits", "misses", "currsize"].map(|name| served.reported(function.path())[name].clone());
            assert_eq!(counts, [0, 0, 0].map(Value::from));
        }
        assert_eq!(first_price(served, "ACME"), old + 1);
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
            (403, "cross-site request refused: only this page can clear caches from a browser".into());
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
