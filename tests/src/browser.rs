//! A browser without a screen that a test drives: headless Chromium, by the Chrome DevTools Protocol over two pipes
//! (messages are JSON and end with a zero byte).

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::PATIENCE;
use crate::online::program;

/// A browser with one page.
pub struct Browser {
    child: Child,
    requests: File,
    answers: BufReader<File>,
    session: Option<String>,
    next: u64,
}

impl Browser {
    /// Starts a browser that keeps its files in `folder`, with a window of this size, and opens a page.
    pub fn open(folder: &Path, url: &str, (width, height): (u32, u32)) -> Self {
        let chromium = program("chromium", "chromium", "the browser Chromium");
        let [requests, answers] = ["requests", "answers"].map(|name| folder.join(name));
        let made = Command::new("mkfifo").args([&requests, &answers]).status().expect("mkfifo starts");
        assert!(made.success(), "pipes can be made");
        // The browser takes its protocol's two ends as the files 3 and 4, which only a shell can hand over. It opens them in this
        // order, as is done below.
        let script = "exec \"$@\" 3<\"$REQUESTS\" 4>\"$ANSWERS\"";
        let mut command = Command::new("sh");
        command.args(["-c", script, "sh"]).arg(chromium).env("REQUESTS", &requests).env("ANSWERS", &answers);
        command.args([
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
        ]);
        command.args(["--disable-background-networking", "--remote-debugging-pipe"]);
        command.arg(format!("--window-size={width},{height}"));
        command.arg(format!("--user-data-dir={}", folder.join("profile").display()));
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let child = child.expect("a shell starts");
        let requests = OpenOptions::new().write(true).open(&requests).expect("the browser reads it");
        let answers = File::open(&answers).expect("the browser writes it");
        let mut browser = Self { child, requests, answers: BufReader::new(answers), session: None, next: 1 };
        let target = browser.call("Target.createTarget", json!({ "url": url }));
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let attached = browser.call("Target.attachToTarget", attach);
        browser.session = attached["sessionId"].as_str().map(str::to_string);
        browser
    }

    /// A call of the protocol; its result.
    fn call(&mut self, method: &str, parameters: Value) -> Value {
        let id = self.next;
        self.next += 1;
        let mut request = json!({ "id": id, "method": method, "params": parameters });
        if let Some(session) = &self.session {
            request["sessionId"] = json!(session);
        }
        let mut bytes = request.to_string().into_bytes();
        bytes.push(0);
        self.requests.write_all(&bytes).expect("the browser runs");
        loop {
            let mut bytes = Vec::new();
            self.answers.read_until(0, &mut bytes).expect("the browser runs");
            assert!(!bytes.is_empty(), "the browser has ended during {method}");
            bytes.pop();
            let mut message: Value = serde_json::from_slice(&bytes).expect("the browser sends JSON");
            // Others are events that nobody asked for.
            if message["id"] == json!(id) {
                assert!(message["error"].is_null(), "{method}: {}", message["error"]);
                return message["result"].take();
            }
        }
    }

    /// The value of an expression of JavaScript on the page.
    pub fn evaluate(&mut self, expression: &str) -> Value {
        let parameters = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let mut result = self.call("Runtime.evaluate", parameters);
        assert!(result["exceptionDetails"].is_null(), "{expression}: {}", result["exceptionDetails"]);
        result["result"]["value"].take()
    }

    /// Waits until an expression is true; `what` says in words what is expected.
    pub fn wait_until(&mut self, what: &str, expression: &str) {
        let end = Instant::now() + PATIENCE;
        while self.evaluate(expression) != json!(true) {
            if Instant::now() > end {
                let text = self.evaluate("document.body.innerText");
                panic!("{what} is expected, but the page is:\n{}", text.as_str().unwrap_or_default());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It fails only if it has ended already. Its helpers end when it does.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
