//! Servers started by the tests, and timeouts for the tests.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::sync::mpsc::{self, Sender};
use std::time::{Duration, Instant};

/// A server shared by tests that do not stop or configure it.
pub(crate) static REDIS: LazyLock<Server> = LazyLock::new(|| Server::redis(&[]));
pub(crate) static MEMCACHED: LazyLock<Server> = LazyLock::new(|| Server::memcached(&[]));

/// A server process, which ends with this process, even if that is killed.
pub(crate) struct Server {
    program: &'static str,
    arguments: Vec<String>,
    pub(crate) port: u16,
    child: Option<Child>,
}

impl Server {
    pub(crate) fn redis(arguments: &[&str]) -> Self {
        Self::start("redis-server", arguments)
    }

    pub(crate) fn memcached(arguments: &[&str]) -> Self {
        Self::start("memcached", arguments)
    }

    fn start(program: &'static str, arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        let mut server = Self { program, arguments, port: 0, child: None };
        for _ in 0..3 {
            server.port = free_port();
            // Another process may have taken the port meanwhile.
            if server.is_up() {
                return server;
            }
        }
        panic!("{program} does not start");
    }

    /// Starts the server again, on the same port.
    pub(crate) fn restart(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !self.is_up() {
            assert!(Instant::now() < deadline, "{} does not start again", self.program);
        }
    }

    fn is_up(&mut self) -> bool {
        self.kill();
        let (port, arguments) = (self.port, self.arguments.join(" "));
        let command = match self.program {
            "memcached" => format!("memcached -l 127.0.0.1 -p {port} -U 0 -u root {arguments}"),
            // The configuration file of a sentinel is the first argument.
            _ if arguments.contains("--sentinel") => {
                format!("redis-server {arguments} --bind 127.0.0.1 --port {port}")
            }
            _ => format!(
                "redis-server --port {port} --bind 127.0.0.1 --save '' --appendonly no --dir /tmp {arguments}"
            ),
        };
        // The shell waits for the end of the pipe from this process, then kills the server.
        let script = format!("{command} >/dev/null 2>&1 & read _; kill -9 $! 2>/dev/null; wait");
        let which =
            Command::new("sh").args(["-c", &format!("command -v {}", self.program)]).output().unwrap();
        assert!(
            which.status.success(),
            "{0} is not installed: `cargo xtask test` installs it, or `apt-get install redis-server memcached`",
            self.program
        );
        let child =
            Command::new("sh").args(["-c", &script]).stdin(Stdio::piped()).stdout(Stdio::null()).spawn();
        self.child = Some(child.unwrap());
        let deadline = Instant::now() + Duration::from_secs(10);
        while Instant::now() < deadline {
            if self.answers().is_some() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        false
    }

    fn answers(&self) -> Option<()> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).ok()?;
        if self.arguments.iter().any(|argument| argument == "-Z") {
            // A server with TLS does not answer plain text.
            return Some(());
        }
        stream.set_read_timeout(Some(Duration::from_secs(1))).ok()?;
        stream.write_all(if self.program == "memcached" { b"mn\r\n" } else { b"PING\r\n" }).ok()?;
        let mut answer = [0; 2];
        stream.read_exact(&mut answer).ok()?;
        // A server with a password answers with an error.
        [b"MN", b"CL", b"+P", b"-N"].contains(&&answer).then_some(())
    }

    /// Kills the server, like `kill -9`.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            drop(child.stdin.take());
            child.wait().unwrap();
        }
    }

    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// Sends lines to the server and returns its answer up to `end`.
    pub(crate) fn says(&self, lines: &str, end: &str) -> String {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream.write_all(lines.as_bytes()).unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(end.as_bytes()) {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            answer.push(byte[0]);
        }
        String::from_utf8_lossy(&answer).into_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

/// Ends the process if a test takes too long.
pub(crate) struct Limit(#[expect(dead_code, reason = "the drop ends the timeout")] Sender<()>);

pub(crate) fn limit() -> Limit {
    limit_of(Duration::from_secs(120))
}

pub(crate) fn limit_of(most: Duration) -> Limit {
    let (done, wait) = mpsc::channel();
    let name = std::thread::current().name().unwrap_or("a test").to_owned();
    std::thread::spawn(move || {
        if wait.recv_timeout(most) == Err(mpsc::RecvTimeoutError::Timeout) {
            eprintln!("{name} takes too long");
            std::process::exit(101);
        }
    });
    Limit(done)
}

/// Polls a condition until it holds.
pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}: never");
        std::thread::sleep(Duration::from_millis(5));
    }
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}
