//! The debug page, as text and in a browser.

use axum::Router;
use functools::{debug_page, registry};
use serde_json::json;

use crate::browser::Browser;
use crate::served::{Served, serve};
use crate::{Named, PRICE, Shelf, first_price, path_with_brackets, price_at_once, reset, service};

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
            let row = format!(r#"<tr role="row" data-path="{path}">"#);
            assert!(response.body.contains(&row), "no {row} in\n{}", response.body);
        }
        assert_eq!(response.body.matches("data-path=\"").count(), registry::functions().len());
        assert!(response.body.contains(r#"data-label="Size / max">0 / 7</td>"#));
        assert!(response.body.contains(r#"data-label="Size / max">0 / ∞</td>"#));
        assert!(!response.body.contains("NaN") && !response.body.contains("<!-- "));
        // The page loads nothing from other sites.
        assert!(!response.body.contains("http:") && !response.body.contains("https:"));
    });
}

/// JavaScript for the text of a cell.
fn shown(path: &str, column: &str) -> String {
    format!("document.querySelector('tr[data-path=\"{path}\"] [data-column={column}]').textContent")
}

/// JavaScript for the paths of the rows that are shown, from top to bottom.
const PATHS: &str = "rows.filter(row => row.row.checkVisibility())
    .sort((a, b) => a.row.getBoundingClientRect().top - b.row.getBoundingClientRect().top).map(row => row.path)";

/// Opens the page of the example, and waits until it shows numbers.
fn open(served: &Served) -> Browser {
    let mut browser = Browser::open(&format!("http://{}/debug", served.address()));
    browser.until("rows.every(row => row.numbers)");
    browser
}

/// Checks that the browser has not complained, and that the page shows no number that is none.
fn is_well(browser: &mut Browser) {
    let all = browser.evaluate("document.body.innerText");
    let all = all.as_str().unwrap();
    assert!(!["NaN", "undefined", "null", "Infinity"].iter().any(|word| all.contains(word)), "{all}");
    assert!(browser.complaints().is_empty(), "{:#?}", browser.complaints());
}

/// Replaces numbers in the answers of the service: `change` is JavaScript for what is done to the numbers of each
/// function, `it`.
fn pretend(browser: &mut Browser, change: &str) {
    pretend_of(browser, "cache_info", &format!("answer.functions.forEach(it => {{ {change} }});"));
}

/// Changes what the service answers at an address: `change` is JavaScript for what is done to it, `answer`.
fn pretend_of(browser: &mut Browser, address: &str, change: &str) {
    browser.evaluate(&format!(
        "(() => {{
            const truly = window.fetch;
            window.fetch = async (...request) => {{
                const response = await truly(...request);
                if (!String(request[0]).includes('/{address}')) return response;
                const answer = await response.json();
                {change}
                return {{ ok: true, json: async () => answer }};
            }};
        }})()"
    ));
}

#[test]
fn a_click_clears_the_cache_when_it_is_confirmed_and_the_counters_go_on() {
    serve(service::app(), |served| {
        reset(served);
        let old = first_price(served, "ACME");
        assert_eq!(price_at_once(served, "ACME"), old);
        let mut browser = open(served);
        browser.until(&format!("{} === '50.0 %'", shown(PRICE, "hit_ratio")));

        // The page refreshes itself.
        _ = (price_at_once(served, "ACME"), price_at_once(served, "ACME"));
        browser.until(&format!("{} === '75.0 %'", shown(PRICE, "hit_ratio")));
        assert_eq!(browser.evaluate(&shown(PRICE, "size")), "1 / 256");
        assert_eq!(browser.evaluate("document.getElementById('now').textContent"), "75.0 %");

        let clear = format!(r#"tr[data-path="{PRICE}"] [data-do=clear]"#);
        browser.click(&clear);
        browser.until("document.getElementById('sure').open");
        let question = browser.evaluate("document.getElementById('question').textContent");
        assert!(question.as_str().unwrap().contains(PRICE), "{question}");
        assert_eq!(
            browser.evaluate("document.activeElement.id"),
            "no",
            "the button that changes nothing has the focus"
        );
        browser.click("#no");
        browser.until("!document.getElementById('sure').open");
        assert_eq!(price_at_once(served, "ACME"), old);

        browser.click(&clear);
        browser.until("document.getElementById('sure').open");
        browser.click("#yes");
        browser.until(&format!("{} === '0 / 256'", shown(PRICE, "size")));
        assert_eq!(browser.evaluate(&shown(PRICE, "hit_ratio")), "80.0 %");
        assert_eq!(first_price(served, "ACME"), old + 1);

        browser.click(&format!(r#"tr[data-path="{PRICE}"] [data-do=reset]"#));
        browser.until("document.getElementById('sure').open");
        browser.click("#yes");
        browser.until(&format!("{} === '–'", shown(PRICE, "hit_ratio")));
        assert_eq!(browser.evaluate(&shown(PRICE, "size")), "1 / 256");
        assert_eq!(served.reported(PRICE)["misses"], 0);
        is_well(&mut browser);
    });
}

#[test]
fn the_plot_is_there_when_the_page_is_opened() {
    serve(service::app(), |served| {
        first_price(served, "ACME");
        let mut browser = open(served);
        for plot in ["#plot".to_owned(), format!(r#"tr[data-path="{PRICE}"] [data-column=recent] svg"#)] {
            let line = browser.evaluate(&format!("document.querySelector('{plot} path').getAttribute('d')"));
            assert!(line.as_str().unwrap().starts_with('M'), "{line}");
        }
        let times = format!(r#"tr[data-path="{PRICE}"] [data-column=times] svg"#);
        let bars = browser.evaluate(&format!("document.querySelector('{times} path').getAttribute('d')"));
        assert!(bars.as_str().unwrap().starts_with('M'), "{bars}");
        let label =
            browser.evaluate(&format!("document.querySelector('{times}').getAttribute('aria-label')"));
        assert!(label.as_str().unwrap().contains(" on average, 99 % within "), "{label}");
        is_well(&mut browser);
    });
}

#[test]
fn the_plot_has_a_line_for_the_last_hour_with_gaps_where_nothing_was_called() {
    serve(service::app(), |served| {
        let mut browser = open(served);
        // Every ten seconds a hit and a miss, but for ten minutes in the middle.
        let hour = "const after = Number(request[0].split('=')[1]), all = Array.from({ length: 361 }, (_, n) => 3600 - 10 * n);
            answer.taken = 360;
            answer.ages_sec = all.slice(after > 360 ? 0 : after);
            const counts = answer.ages_sec.map(age => age > 1500 && age <= 2100 ? 0 : 1);
            answer.functions.forEach(it => Object.assign(it, { hits: counts, misses: counts }));";
        pretend_of(&mut browser, "history", hour);
        browser.evaluate("taken = 0, ends = [], rows.forEach(row => row.samples = [])");
        browser.until("ends.length >= 360");
        for plot in ["#plot".to_owned(), format!(r#"tr[data-path="{PRICE}"] [data-column=recent] svg"#)] {
            let line = browser.evaluate(&format!("document.querySelector('{plot} path').getAttribute('d')"));
            let line = line.as_str().unwrap().to_owned();
            let width = browser.evaluate(&format!("document.querySelector('{plot}').viewBox.baseVal.width"));
            let share = |point: &str| {
                let x: f64 = point.split(' ').next().unwrap().parse().unwrap();
                x / width.as_f64().unwrap()
            };
            let parts: Vec<_> = line.split('M').skip(1).collect();
            let [before, after] = parts[..] else { panic!("{line}") };
            let ends = [before, after].map(|part| (share(part), share(part.split('L').next_back().unwrap())));
            assert!(ends[0].0 < 0.05 && (0.4..0.45).contains(&ends[0].1), "{ends:?}");
            assert!((0.55..0.6).contains(&ends[1].0) && ends[1].1 > 0.95, "{ends:?}");
        }
        is_well(&mut browser);
    });
}

#[test]
fn the_page_shows_the_window_that_is_chosen() {
    serve(service::app(), |served| {
        let mut browser = open(served);
        let numbers = "['1m', '5m', 'all'].forEach((name, n) => Object.assign(it.windows[name], {
            errors: 5 + n, stale_hits: 10 + n, evictions: 20 + n, backend_hits: 30 + n, backend_errors: 40 + n, calls_per_sec: 50 + n,
            computing: { count: 1, mean_sec: .06 + n / 1e3, p99_sec: 7 + n, buckets: [[.1, 1]] },
            backend: { count: 1, mean_sec: (80 + n) / 1e6, p99_sec: (90 + n) / 1e3, buckets: [[.1, 1]] },
        })); it.backend_requests = 1";
        pretend(&mut browser, numbers);
        for (n, name) in ["1m", "5m", "all"].iter().enumerate() {
            browser.click(&format!("input[value='{name}']"));
            browser.until(&format!("{} === '{}'", shown(PRICE, "errors"), 5 + n));
            let texts = [
                ("stale_hits", format!("1{n}")),
                ("evictions", format!("2{n}")),
                ("backend_hits", format!("3{n}")),
                ("backend_errors", format!("4{n}")),
                ("calls_per_sec", format!("5{n}.0")),
                ("mean", format!("6{n}.0 ms")),
                ("p99", format!("{}.00 s", 7 + n)),
                ("backend_mean", format!("8{n}.0 µs")),
                ("backend_p99", format!("9{n}.0 ms")),
            ];
            for (column, text) in texts {
                assert_eq!(browser.evaluate(&shown(PRICE, column)), text, "{column} in {name}");
            }
            assert_eq!(browser.evaluate("new URLSearchParams(location.hash.slice(1)).get('window')"), *name);
        }
        is_well(&mut browser);
    });
}

#[test]
fn rows_are_sorted_by_a_click_on_a_heading_and_filtered_by_words() {
    serve(service::app(), |served| {
        reset(served);
        let (shelf, idle) = (path_with_brackets(), "service::idle");
        (0..9).for_each(|_| _ = Shelf("top").name(1));
        first_price(served, "ACME");
        let mut browser = open(served);
        assert_eq!(browser.evaluate(PATHS), json!([shelf, idle, PRICE]));

        browser.click("[data-sort=calls_per_sec]");
        assert_eq!(browser.evaluate(PATHS), json!([shelf, PRICE, idle]), "numbers descend at first");
        let sorted = "document.querySelector('th:has([data-sort=calls_per_sec])').getAttribute('aria-sort')";
        assert_eq!(browser.evaluate(sorted), "descending");
        browser.click("[data-sort=calls_per_sec]");
        assert_eq!(browser.evaluate(PATHS), json!([idle, PRICE, shelf]));
        assert_eq!(browser.evaluate(sorted), "ascending");
        // What has no number is last in both directions.
        browser.click("[data-sort=mean]");
        assert_eq!(browser.evaluate(PATHS)[0], PRICE);
        browser.click("[data-sort=mean]");
        assert_eq!(browser.evaluate(PATHS)[0], PRICE);
        browser.click("[data-sort=path]");
        assert_eq!(browser.evaluate(PATHS), json!([shelf, idle, PRICE]));

        browser.click("#filter");
        browser.type_text("SERVICE price");
        browser.until("document.querySelectorAll('tbody:not([hidden])').length === 1");
        assert_eq!(browser.evaluate(PATHS), json!([PRICE]));
        assert_eq!(browser.evaluate("document.getElementById('now').textContent"), "0.0 %");

        // What is shown is in the address: the page shows it again.
        let address = browser.evaluate("location.href");
        browser.go_to("about:blank");
        browser.go_to(address.as_str().unwrap());
        browser.until("rows.every(row => row.numbers)");
        assert_eq!(browser.evaluate(PATHS), json!([PRICE]));
        assert_eq!(browser.evaluate("document.getElementById('filter').value"), "SERVICE price");
        is_well(&mut browser);
    });
}

#[test]
fn headings_tell_what_they_mean_and_rows_have_more_numbers() {
    serve(service::app(), |served| {
        reset(served);
        first_price(served, "ACME");
        let mut browser = open(served);
        let untold = "[...document.querySelectorAll('thead th')].filter(th => !th.querySelector('[data-tip], [hidden]')).length";
        assert_eq!(browser.evaluate(untold), 0);
        // A tooltip is also there for a keyboard, and for a screen reader.
        browser.evaluate("document.querySelector('[data-sort=p99]').focus({ focusVisible: true })");
        let tip = browser
            .evaluate("getComputedStyle(document.querySelector('[data-sort=p99]'), '::after').content");
        assert_eq!(tip, "\"99 % of the computations took no longer than this\"");
        let described =
            browser.evaluate("document.querySelector('[data-sort=p99]').getAttribute('aria-description')");
        assert_eq!(described, "99 % of the computations took no longer than this");

        browser.click(&format!(r#"tr[data-path="{PRICE}"] button.more"#));
        let more = browser.evaluate(&format!("rows.find(row => row.path === '{PRICE}').more.innerText"));
        for text in ["Misses\n1\n", "Refreshes\n0\n", "Circuit breaker\n–\n", "Source\n"] {
            assert!(more.as_str().unwrap().contains(text), "{more}");
        }
        browser.click(&format!(r#"tr[data-path="{PRICE}"] button.more"#));
        browser.until(&format!("!rows.find(row => row.path === '{PRICE}').more.checkVisibility()"));
        is_well(&mut browser);
    });
}

/// Numbers as wide as they may be, and a function with a backend.
const WIDE: &str = "Object.values(it.windows).forEach(window => Object.assign(window, {
    calls_per_sec: 123456, hit_ratio: 1, errors: 1234567, stale_hits: 1234567, evictions: 12345678, backend_hits: 12345678,
    backend_errors: 1234567, computing: { count: 1, mean_sec: .999, p99_sec: .999, buckets: [[.1, 1]] },
    backend: { count: 1, mean_sec: .999, p99_sec: .999, buckets: [[.1, 1]] },
})); Object.assign(it, { backend_requests: 1, currsize: 100000, maxsize: 100000 })";

#[test]
fn the_page_fits_a_laptop_and_a_phone_in_light_and_dark() {
    serve(service::app(), |served| {
        let mut browser = open(served);
        pretend(&mut browser, WIDE);
        browser.until(&format!("{} === '1.23 M'", shown(PRICE, "errors")));
        for (width, scheme) in
            [(1280, "light"), (1280, "dark"), (1120, "light"), (900, "dark"), (375, "light"), (320, "dark")]
        {
            browser.emulate(width, scheme);
            let overflow = browser.evaluate("document.documentElement.scrollWidth - innerWidth");
            assert!(overflow.as_i64().unwrap() <= 0, "{overflow} pixels too wide for {width}");
            let outside = browser.evaluate(
                "[...document.querySelectorAll('header *, section *')].filter(part => part.checkVisibility()
                    && (part.getBoundingClientRect().right > innerWidth || part.getBoundingClientRect().left < 0)).map(part => part.outerHTML)",
            );
            assert_eq!(outside, json!([]), "at {width}");
            // Numbers are not hidden on any screen.
            let hidden = "Object.keys(columns).filter(name => !rows[0].cells[name].checkVisibility())";
            assert_eq!(browser.evaluate(hidden), json!([]), "at {width}");
            let contrasts = browser.evaluate(
                "(() => {
                    const style = getComputedStyle(document.documentElement);
                    const light = name => {
                        const hex = style.getPropertyValue(name).trim().slice(1);
                        const parts = [0, 2, 4].map(at => parseInt(hex.slice(at, at + 2), 16) / 255);
                        const [r, g, b] = parts.map(part => part <= .03928 ? part / 12.92 : ((part + .055) / 1.055) ** 2.4);
                        return .2126 * r + .7152 * g + .0722 * b;
                    };
                    return ['--ink', '--faint', '--bad', '--line'].flatMap(text => ['--paper', '--raised'].map(paper => {
                        const [a, b] = [light(text), light(paper)].sort((a, b) => b - a);
                        return (a + .05) / (b + .05);
                    }));
                })()",
            );
            let contrasts: Vec<_> =
                contrasts.as_array().unwrap().iter().map(|one| one.as_f64().unwrap()).collect();
            assert!(contrasts.iter().all(|contrast| *contrast >= 4.5), "{scheme}: {contrasts:?}");
        }
        // On a phone there are no headings to click on.
        browser.emulate(375, "light");
        browser.evaluate(
            "(() => {
                const sort = document.getElementById('sort');
                sort.value = 'path';
                sort.dispatchEvent(new Event('change'));
                shown.down = 'yes';
                sort.value = 'errors';
                sort.dispatchEvent(new Event('change'));
            })()",
        );
        assert_eq!(browser.evaluate("[shown.sort, shown.down]"), json!(["errors", "yes"]));
        assert_eq!(browser.evaluate("document.querySelector('.narrow').checkVisibility()"), true);
        is_well(&mut browser);
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
            browser.until("document.getElementById('sure').open");
            browser.click("#yes");
            browser.until(&format!("{} === '0 / 256'", shown(PRICE, "size")));
            assert_eq!(served.reported(PRICE)["currsize"], 0);
            assert!(browser.complaints().is_empty(), "{:#?}", browser.complaints());
        });
    }
}

#[test]
fn a_page_that_is_read_only_shows_numbers_and_has_no_buttons() {
    let app = service::app().nest("/public", debug_page::read_only());
    serve(app, |served| {
        first_price(served, "ACME");
        let mut browser = Browser::open(&format!("http://{}/public", served.address()));
        browser.until(&format!("{} === '1 / 256'", shown(PRICE, "size")));
        assert_eq!(browser.evaluate("document.querySelectorAll('[data-do], dialog').length"), 0);
        browser.click("[data-sort=size]");
        assert_eq!(browser.evaluate(PATHS)[0], PRICE);
        is_well(&mut browser);
    });
}

#[test]
fn pages_of_other_sites_clear_nothing() {
    serve(service::app(), |served| {
        let price = first_price(served, "ACME");
        // Another name of the server, which is another site to the browser, without its content
        // security policy.
        let port = served.address().port();
        let mut elsewhere = Browser::open(&format!("http://localhost:{port}/debug/cache_info"));
        for deed in ["clear_cache", "reset_counters"] {
            let request =
                format!("'http://127.0.0.1:{port}/debug/{deed}', {{ method: 'POST', mode: 'no-cors' }}");
            let is_answered = elsewhere.evaluate(&format!("fetch({request}).then(() => true)"));
            assert_eq!(is_answered, true, "the browser sends the request");
        }
        assert_eq!(
            (price_at_once(served, "ACME"), served.reported(PRICE)["misses"].clone()),
            (price, json!(1))
        );
    });
}
