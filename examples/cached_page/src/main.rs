//! A page from a server, cached for five seconds of a manual clock.
//!
//! Run it with `cargo run --package cached_page`. The server is on this machine and in this program.

use std::io::{self, BufRead, BufReader, Write};
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use functools::{ManualClock, TtlCache, lru_cache};

/// Requests a page, unless it is cached. An `Err` is not cached.
#[lru_cache(cache = pages)]
fn page(url: &str, pages: &TtlCache<String, String, ManualClock>) -> Result<String, minreq::Error> {
    let response = minreq::get(url).with_timeout(5).send()?;
    Ok(response.as_str()?.to_owned())
}

/// Answers each request with the number of requests so far.
fn serve(listener: &TcpListener) -> io::Result<()> {
    for (number, connection) in (1..).zip(listener.incoming()) {
        let mut connection = connection?;
        let lines = BufReader::new(&connection).lines().map_while(Result::ok);
        let head: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
        println!("    the server is asked: {}", head[0]);
        let body = format!("page {number}");
        write!(connection, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())?;
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listener = TcpListener::bind("127.0.0.1:0")?; // any free port
    let url = format!("http://{}/news", listener.local_addr()?);
    thread::spawn(move || serve(&listener));

    let clock = ManualClock::new();
    let five = Duration::from_secs(5);
    let pages = TtlCache::with_clock(clock.clone(), Some(100), five);
    for seconds in [0, 3, 5, 9, 10] {
        clock.set(Duration::from_secs(seconds));
        println!("{seconds:>2} s: {}", page(&url, &pages)?);
    }
    println!("{}", pages.info());
    Ok(())
}
