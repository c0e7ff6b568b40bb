//! The debug page, as text and in a browser.

use axum::Router;
use functools::{debug_page, registry};

use crate::browser::Browser;
use crate::served::serve;
use crate::{PRICE, first_price, path_with_brackets, price_at_once, service};

#[test]
fn the_page_has_a_row_for_each_function() {
    serve(service::app(), |served| {
        let response = served.get("/debug");
        assert_eq!(response.status, 200);
        assert_eq!(response.header("content-type"), "text/html; charset=utf-8");
        assert_eq!(response.header("cache-control"), "no-store");
        assert_eq!(response.header("x-content-type-options"), "nosniff");
        assert!(response.header("content-security-policy").starts_with("default-src 'none'; "));
        let escaped = path_with_brackets().replace('<', "&lt;").replace('>', "&gt;").replace('\'', "&#39;");
        let paths = [PRICE, "service::idle", &escaped];
        for path in paths {
            let row = format!(r#"<tr data-path="{path}"><th scope="row">{path}<small title=""#);
            assert!(response.body.contains(&row), "no {row} in\n{}", response.body);
        }
        assert_eq!(response.body.matches("<tr data-path=").count(), registry::functions().len());
        assert!(response.body.contains(r#"<td data-column="size">0 / 7</td>"#));
        assert!(response.body.contains(r#"<td data-column="size">0 / ∞</td>"#));
        assert!(!response.body.contains("NaN"));
        // The page loads nothing from other sites.
        assert!(!response.body.contains("http:") && !response.body.contains("https:"));
    });
}

/// JavaScript for the text of a cell.
fn shown(path: &str, column: &str) -> String {
    format!("document.querySelector('tr[data-path=\"{path}\"] [data-column={column}]').textContent")
}

#[test]
fn a_click_clears_the_cache_and_the_row_follows() {
    serve(service::app(), |served| {
        let old = first_price(served, "ACME");
        assert_eq!(price_at_once(served, "ACME"), old);
        let mut browser = Browser::open(&format!("http://{}/debug", served.address()));
        browser.until(&format!("{} === '1'", shown(PRICE, "misses")));
        assert_eq!(browser.evaluate(&shown(PRICE, "hit_ratio")), "50.0 %");

        // The page refreshes itself.
        assert_eq!(price_at_once(served, "ACME"), old);
        browser.until(&format!("{} === '2'", shown(PRICE, "hits")));
        assert_eq!(browser.evaluate(&shown(PRICE, "size")), "1 / 256");
        browser.until("document.querySelector('#plot path').getAttribute('d').startsWith('M')");
        assert_eq!(browser.evaluate("document.getElementById('now').textContent"), "100.0 %");

        browser.click(&format!(r#"tr[data-path="{PRICE}"] button"#));
        browser.until(&format!("{} === '0 / 256'", shown(PRICE, "size")));
        assert_eq!(browser.evaluate(&shown(PRICE, "hit_ratio")), "–");
        let function = served.reported(PRICE);
        let counts = ["hits", "misses", "currsize"].map(|name| function[name].as_u64().unwrap());
        assert_eq!(counts, [0, 0, 0]);
        assert_eq!(first_price(served, "ACME"), old + 1);

        let all = browser.evaluate("document.documentElement.outerHTML");
        assert!(!all.as_str().unwrap().contains("NaN"), "{all}");
        assert!(browser.complaints().is_empty(), "{:#?}", browser.complaints());
    });
}

#[test]
fn the_page_does_its_work_wherever_it_is_mounted() {
    for place in ["/", "/deep/down", "/with/slash/"] {
        let page = match place {
            "/" => debug_page::router(),
            place => Router::new().nest(place, debug_page::router()),
        };
        let app = service::app().merge(page);
        serve(app, move |served| {
            first_price(served, "ACME");
            let mut browser = Browser::open(&format!("http://{}{place}", served.address()));
            browser.until(&format!("{} === '1 / 256'", shown(PRICE, "size")));
            browser.click("#clear");
            browser.until(&format!("{} === '0 / 256'", shown(PRICE, "size")));
            assert_eq!(served.reported(PRICE)["currsize"], 0);
            assert!(browser.complaints().is_empty(), "{:#?}", browser.complaints());
        });
    }
}

#[test]
fn pages_of_other_sites_clear_nothing() {
    serve(service::app(), |served| {
        let price = first_price(served, "ACME");
        // Another name of the server, which is another site to the browser, without its content
        // security policy.
        let port = served.address().port();
        let mut elsewhere = Browser::open(&format!("http://localhost:{port}/debug/cache_info"));
        let clear =
            format!("'http://127.0.0.1:{port}/debug/clear_cache', {{ method: 'POST', mode: 'no-cors' }}");
        let is_answered = elsewhere.evaluate(&format!("fetch({clear}).then(() => true)"));
        assert_eq!(is_answered, true, "the browser sends the request");
        assert_eq!(price_at_once(served, "ACME"), price);
    });
}
