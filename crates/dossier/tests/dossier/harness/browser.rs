//! A page in a headless browser, driven over its DevTools protocol
//! (<https://chromedevtools.github.io/devtools-protocol/>).

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

/// What the browser is called, first choice first: on Debian, Arch and Alpine, on Fedora, and as
/// Google packs it; the last two are where applications are on a Mac.
const PROGRAMS: [&str; 6] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/// Nothing is asked of anybody but the pages under test. The sandbox needs rights that containers do
/// not give.
const OPTIONS: [&str; 11] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
    "--password-store=basic",
    "--remote-debugging-pipe",
];

/// The browser reads commands from file 3 and writes answers to file 4.
const WITH_PIPES: &str = "exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >/dev/null";

/// How long an answer, or a change of the page, may take.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A page that is open, and the browser that shows it, which ends when this is dropped.
pub struct Page {
    browser: Child,
    commands: ChildStdin,
    messages: Receiver<Value>,
    sent: u64,
    session: Option<String>,
    /// Errors that the page's scripts did not catch, and what the browser refused or could not do.
    pub errors: Vec<String>,
    /// The addresses of all that the page loaded, in order.
    pub loaded: Vec<String>,
    _profile: TempDir,
}

impl Page {
    /// Opens a page in a browser of its own.
    pub fn open(url: &str) -> Self {
        let started = PROGRAMS.into_iter().find_map(Self::start);
        let mut page = started
            .unwrap_or_else(|| panic!("a browser that runs is needed: {}", PROGRAMS.join(", ")));
        let target = page.call("Target.createTarget", json!({ "url": "about:blank" }));
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let session = page.call("Target.attachToTarget", attach);
        page.session = Some(session["sessionId"].as_str().unwrap().to_owned());
        for events in ["Runtime", "Log", "Network"] {
            page.call(&format!("{events}.enable"), json!({}));
        }
        page.call("Page.navigate", json!({ "url": url }));
        page
    }

    /// Starts a browser; none if there is no such program, or if it does not run here.
    fn start(program: &str) -> Option<Self> {
        let profile = tempfile::tempdir().unwrap();
        let mut browser = Command::new("sh")
            .args(["-c", WITH_PIPES, program])
            .args(OPTIONS)
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let commands = browser.stdin.take().unwrap();
        let messages = messages(browser.stdout.take().unwrap());
        let mut page = Self {
            browser,
            commands,
            messages,
            sent: 0,
            session: None,
            errors: Vec::new(),
            loaded: Vec::new(),
            _profile: profile,
        };
        let version = page.try_call("Browser.getVersion", json!({}));
        version.is_ok().then_some(page)
    }

    /// What a script gives in the page.
    pub fn evaluate(&mut self, script: &str) -> Value {
        let evaluated = self.try_evaluate(script);
        evaluated.unwrap_or_else(|error| panic!("`{script}`: {error}"))
    }

    /// What a script gives as soon as this holds of it. It may fail before, as when the page is not
    /// yet there.
    pub fn until(&mut self, script: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let started = Instant::now();
        loop {
            let last = self.try_evaluate(script);
            match last {
                Ok(value) if holds(&value) => return value,
                _ => {}
            }
            assert!(
                started.elapsed() < PATIENCE,
                "`{script}` went on giving {last:?}; errors: {:?}",
                self.errors
            );
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// Waits until this holds of the addresses of all that the page loaded.
    pub fn until_loaded(&mut self, holds: impl Fn(&[String]) -> bool) {
        let started = Instant::now();
        while !holds(&self.loaded) {
            assert!(started.elapsed() < PATIENCE, "{:?}", self.loaded);
            // What happened meanwhile is told before the answer.
            self.evaluate("0");
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// Clicks at what a script gives, as soon as it is there.
    pub fn click(&mut self, element: &str) {
        self.until(&format!("{element}.click() ?? true"), |_| true);
    }

    /// Types a text into what a script gives, as soon as it is there.
    pub fn type_into(&mut self, element: &str, text: &str) {
        self.until(&format!("{element}.focus() ?? true"), |_| true);
        self.call("Input.insertText", json!({ "text": text }));
    }

    fn try_evaluate(&mut self, script: &str) -> Result<Value, String> {
        let options = json!({ "expression": script, "returnByValue": true });
        let mut evaluated = self.call("Runtime.evaluate", options);
        match evaluated.get("exceptionDetails") {
            None => Ok(evaluated["result"]["value"].take()),
            Some(thrown) => Err(thrown["exception"]["description"].to_string()),
        }
    }

    /// Calls a method of the protocol and answers its result.
    fn call(&mut self, method: &str, parameters: Value) -> Value {
        let called = self.try_call(method, parameters);
        called.unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    fn try_call(&mut self, method: &str, parameters: Value) -> Result<Value, String> {
        self.sent += 1;
        let mut command = json!({ "id": self.sent, "method": method, "params": parameters });
        if let Some(session) = &self.session {
            command["sessionId"] = json!(session);
        }
        let written = self.commands.write_all(format!("{command}\0").as_bytes());
        written.map_err(|error| error.to_string())?;
        loop {
            let message = self.messages.recv_timeout(PATIENCE);
            let mut message = message.map_err(|error| error.to_string())?;
            if message["id"] != self.sent {
                self.note(&message);
            } else if message.get("error").is_some() {
                return Err(message.to_string());
            } else {
                return Ok(message["result"].take());
            }
        }
    }

    fn note(&mut self, event: &Value) {
        let told = &event["params"];
        match event["method"].as_str() {
            Some("Runtime.exceptionThrown") => self.errors.push(told.to_string()),
            Some("Log.entryAdded") if told["entry"]["level"] == "error" => {
                self.errors.push(told["entry"].to_string());
            }
            Some("Network.requestWillBeSent") => {
                let url = told["request"]["url"].as_str().unwrap();
                self.loaded.push(url.to_owned());
            }
            _ => {}
        }
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        // Ended in order, it leaves no process behind that writes to its profile; it may have ended
        // already.
        let _ = self
            .commands
            .write_all(b"{\"id\":0,\"method\":\"Browser.close\"}\0");
        let started = Instant::now();
        while let Ok(None) = self.browser.try_wait() {
            if started.elapsed() > Duration::from_secs(10) {
                let _ = self.browser.kill();
                let _ = self.browser.wait();
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// What the browser says, read as it comes: messages end with a zero byte.
fn messages(answers: ChildStdout) -> Receiver<Value> {
    let (send, messages) = mpsc::channel();
    std::thread::spawn(move || {
        for message in BufReader::new(answers).split(0) {
            let Ok(message) = message else { return };
            if send
                .send(serde_json::from_slice(&message).unwrap())
                .is_err()
            {
                return;
            }
        }
    });
    messages
}
