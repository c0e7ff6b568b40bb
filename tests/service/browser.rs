//! Headless Chromium, controlled by the protocol of its developer tools.
//!
//! Messages are JSON through a pair of pipes, which needs neither a port nor a library. A shell passes the
//! pipes to the browser under the numbers that it expects.

use std::env;
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{self, Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::served::LIMIT;

/// Starts the program of the first argument with its ends of the pipes as file descriptors 3 and 4.
const WITH_PIPES: &str = r#"exec "$0" "$@" 3<&0 4>&1 </dev/null >/dev/null 2>&1"#;

/// The time that the browser has to close.
const FAREWELL: Duration = Duration::from_secs(10);

/// A browser with one page.
pub(crate) struct Browser {
    program: Child,
    commands: ChildStdin,
    messages: Receiver<Value>,
    /// The session of the page, once it is open.
    session: Option<Value>,
    last: u64,
    complaints: Vec<Value>,
    profile: PathBuf,
}

impl Browser {
    /// Opens a page and waits until it is loaded.
    ///
    /// # Panics
    ///
    /// Panics without Chromium: the program `chromium`, or the one named by the variable `CHROMIUM`.
    pub(crate) fn open(url: &str) -> Self {
        let chromium = env::var("CHROMIUM").unwrap_or_else(|_| "chromium".into());
        let version = Command::new(&chromium).arg("--version").stderr(Stdio::null()).output();
        assert!(
            version.as_ref().is_ok_and(|version| version.status.success()),
            "this test needs Chromium, and `{chromium} --version` fails: {version:?}; `cargo xtask test` installs Debian's \
             package `chromium`, or name another program by the variable CHROMIUM",
        );
        let profile = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("chromium-{}", process::id()));
        let mut command = Command::new("sh");
        command.args(["-c", WITH_PIPES, &chromium, "--headless", "--remote-debugging-pipe"]);
        // Root cannot set up the sandbox in a container; the browser opens only our page.
        command.args(["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]);
        command.args(["--disable-background-networking", "--disable-component-update", "--no-proxy-server"]);
        command.arg(format!("--user-data-dir={}", profile.display())).arg("about:blank");
        let mut program = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (commands, output) = (program.stdin.take().unwrap(), program.stdout.take().unwrap());
        let (sender, messages) = mpsc::channel();
        thread::spawn(move || {
            for message in BufReader::new(output).split(0).map_while(Result::ok) {
                if sender.send(serde_json::from_slice(&message).unwrap()).is_err() {
                    return;
                }
            }
        });

        let (session, last, complaints) = (None, 0, Vec::new());
        let mut this = Self { program, commands, messages, session, last, complaints, profile };
        let target = this.call("Target.createTarget", &json!({ "url": "about:blank" }))["targetId"].take();
        let attached = this.call("Target.attachToTarget", &json!({ "targetId": target, "flatten": true }));
        this.session = Some(attached["sessionId"].clone());
        for domain in ["Page", "Runtime", "Log"] {
            this.call(&format!("{domain}.enable"), &json!({}));
        }
        this.emulate(1280, "light");
        // As if the window had the focus.
        this.call("Emulation.setFocusEmulationEnabled", &json!({ "enabled": true }));
        this.go_to(url);
        this
    }

    /// Opens another page and waits until it is loaded.
    pub(crate) fn go_to(&mut self, url: &str) {
        let loaded = self.call("Page.navigate", &json!({ "url": url }));
        assert_eq!(loaded["errorText"], Value::Null, "{url}");
        self.until("document.readyState === 'complete'");
    }

    /// Waits for a condition in JavaScript, which is checked before each frame.
    pub(crate) fn until(&mut self, condition: &str) {
        let wait = format!(
            "new Promise(done => {{
                const look = () => ({condition}) ? done(true) : requestAnimationFrame(look);
                look();
            }})"
        );
        assert_eq!(self.evaluate(&wait), true);
    }

    /// Returns the value of a JavaScript expression.
    pub(crate) fn evaluate(&mut self, expression: &str) -> Value {
        let question = json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        let mut answer = self.call("Runtime.evaluate", &question);
        assert_eq!(answer["exceptionDetails"], Value::Null, "{expression}");
        answer["result"]["value"].take()
    }

    /// Clicks in the middle of the element that a selector finds.
    pub(crate) fn click(&mut self, selector: &str) {
        let middle = self.evaluate(&format!(
            "(() => {{
                const found = document.querySelector({});
                found.scrollIntoView({{ block: 'center', inline: 'center' }});
                const box = found.getBoundingClientRect();
                return {{ x: box.x + box.width / 2, y: box.y + box.height / 2 }};
            }})()",
            json!(selector),
        ));
        for (what, buttons) in [("mouseMoved", 0), ("mousePressed", 1), ("mouseReleased", 0)] {
            let (x, y) = (&middle["x"], &middle["y"]);
            let mouse = json!({ "type": what, "x": x, "y": y, "button": "left", "buttons": buttons, "clickCount": 1 });
            self.call("Input.dispatchMouseEvent", &mouse);
        }
    }

    /// Types text into the element that has the focus.
    pub(crate) fn type_text(&mut self, text: &str) {
        self.call("Input.insertText", &json!({ "text": text }));
    }

    /// Shows the page on a screen of this width, in pixels, in light or dark colours.
    pub(crate) fn emulate(&mut self, width: u32, scheme: &str) {
        let screen = json!({ "width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.call("Emulation.setDeviceMetricsOverride", &screen);
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.call("Emulation.setEmulatedMedia", &features);
        self.until(&format!("innerWidth === {width}"));
    }

    /// Returns the exceptions of the page, and the errors and warnings logged by the browser.
    pub(crate) fn complaints(&self) -> &[Value] {
        &self.complaints
    }

    /// Sends a command and waits for its result.
    fn call(&mut self, method: &str, parameters: &Value) -> Value {
        self.send(method, parameters).unwrap();
        let start = Instant::now();
        loop {
            let rest = LIMIT.saturating_sub(start.elapsed());
            let Ok(mut message) = self.messages.recv_timeout(rest) else {
                panic!("Chromium does not answer to {method} {parameters} within {LIMIT:?}")
            };
            if message["id"] == self.last {
                assert_eq!(message["error"], Value::Null, "{method} {parameters}");
                return message["result"].take();
            }
            if matches!(message["method"].as_str(), Some("Runtime.exceptionThrown" | "Log.entryAdded")) {
                self.complaints.push(message);
            }
        }
    }

    fn send(&mut self, method: &str, parameters: &Value) -> io::Result<()> {
        self.last += 1;
        let mut message = json!({ "id": self.last, "method": method, "params": parameters });
        if let Some(session) = &self.session {
            message["sessionId"] = session.clone();
        }
        self.commands.write_all(format!("{message}\0").as_bytes())
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Closing ends all processes of the browser, and with them its messages.
        let start = Instant::now();
        let is_sent = self.send("Browser.close", &json!({})).is_ok();
        while is_sent && self.messages.recv_timeout(FAREWELL.saturating_sub(start.elapsed())).is_ok() {}
        _ = self.program.kill();
        _ = self.program.wait();
        _ = fs::remove_dir_all(&self.profile);
    }
}
