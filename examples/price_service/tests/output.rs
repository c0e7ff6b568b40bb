//! Starts the service and asks it for prices.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use run::{LIMIT, contains, fails};

#[path = "../../../tests/examples/run.rs"]
#[allow(dead_code, reason = "the tests of other examples use the rest")]
mod run;

fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_price_service"))
}

#[test]
fn price_service_serves_prices_and_a_page() {
    let mut service = Command::new(program()).arg("0").stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(service.stdout.take().unwrap()).lines().map_while(Result::ok);
    let addresses: Vec<_> =
        lines.take(2).filter_map(|line| Some(line.split_once("http://")?.1.to_owned())).collect();
    let [price, page] = &addresses[..] else { panic!("{addresses:?}") };
    let get = |address: &str| {
        minreq::get(format!("http://{address}")).with_timeout(LIMIT.as_secs()).send().unwrap()
    };
    let (first, second) = (get(price), get(price));
    contains(first.as_str().unwrap(), r#"{"symbol":"ACME","price":100,"elapsed_sec":"#);
    contains(second.as_str().unwrap(), r#"{"symbol":"ACME","price":100,"elapsed_sec":"#);
    contains(get(page).as_str().unwrap(), "price_service::service::price");
    contains(get(&format!("{page}/cache_info")).as_str().unwrap(), r#""hits":1,"#);

    let port = price.split(['/', ':']).nth(1).unwrap();
    contains(&fails(program(), &[&port]), &format!("port {port} is taken; give another one, or 0"));
    contains(&fails(program(), &[&"http"]), "`http` is no port; give a number up to 65535");
    service.kill().unwrap();
    service.wait().unwrap();
}
