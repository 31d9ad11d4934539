//! The site as its clients see it: the page, the documents, and who may restart drivers.

mod model;
mod support;

use model::Model;
use support::{Reply, answers};
use webapi::api::Hidden;
use webapi::http::{Connection, Output, PIECE};
use webapi::site::{Site, Token};

const TOKEN: &str = "42424242424242424242424242424242";

struct Client {
    site: Site<Model>,
    largest: usize,
}

impl Client {
    fn new(model: Model) -> Self {
        Self::with(model, Hidden::default())
    }

    fn with(model: Model, hidden: Hidden) -> Self {
        Self { site: Site::new(model, Some(Token::new([0x42; 16])), hidden), largest: 0 }
    }

    fn ask(&mut self, request: &str) -> Reply {
        let (mut connection, mut out, mut bytes) = (Connection::new(), Output::default(), Vec::new());
        connection.received(request.as_bytes(), &mut self.site, &mut out);
        while !out.bytes.is_empty() {
            self.largest = self.largest.max(out.bytes.len());
            bytes.append(&mut out.bytes);
            connection.proceed(&mut self.site, &mut out);
        }
        answers(&bytes).remove(0)
    }

    fn get(&mut self, path: &str) -> Reply {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: localhost:8080\r\n\r\n"))
    }

    fn json(&mut self, path: &str) -> serde_json::Value {
        let reply = self.get(path);
        assert_eq!((reply.status, reply.field("content-type")), (200, Some("application/json")), "{path}");
        serde_json::from_slice(&reply.content).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    fn restart(&mut self, fields: &str, body: &str) -> u16 {
        let length = body.len();
        let request = format!(
            "POST /api/restart HTTP/1.1\r\nHost: localhost:8080\r\n{fields}Content-Length: {length}\r\n\r\n{body}"
        );
        self.ask(&request).status
    }
}

fn with_log(log: &[u8]) -> Model {
    Model { now: 5_000_000_000, log: log.to_vec(), ..Model::default() }
}

#[test]
fn the_page_loads_nothing_from_elsewhere() {
    let mut client = Client::new(Model::default());
    let page = client.get("/");
    assert_eq!(page.field("content-type"), Some("text/html; charset=utf-8"));
    let policy = page.field("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'; script-src 'self'; "), "{policy}");
    let html = String::from_utf8(page.content).unwrap();
    let mut links = 0;
    for link in html.split("src=\"").chain(html.split("href=\"")).filter(|part| part.starts_with('/')) {
        let link = link.split_once('"').unwrap().0;
        assert_eq!(client.get(link).status, 200, "{link}");
        links += 1;
    }
    assert!(links >= 5 && !html.contains("//") && !html.contains("<style"), "{links} links");
    for file in ["/style.css", "/script.js", "/icon.svg"] {
        let text = String::from_utf8(client.get(file).content).unwrap();
        let foreign = text.matches("http").count() - text.matches("http://www.w3.org/2000/svg").count();
        assert_eq!(foreign, text.matches("http-").count(), "{file}");
    }
}

#[test]
fn the_live_document_has_all_that_the_page_shows() {
    let mut client = Client::new(with_log(b"hello\n"));
    let live = client.json("/api/live");
    assert_eq!(live["system"]["uptime"], 5_000_000_000_u64);
    let tasks = live["tasks"].as_array().unwrap();
    assert_eq!(tasks.len(), 10);
    assert_eq!((&tasks[6]["id"], &tasks[6]["name"]), (&"6.2".into(), &"virtio_net".into()));
    assert_eq!((&tasks[8]["state"], &tasks[8]["waits_for"]), (&"calling".into(), &"4".into()));
    assert_eq!((&tasks[0]["pager"], &tasks[1]["pager"]), (&serde_json::Value::Null, &"0".into()));
    let messages = live["messages"].as_array().unwrap();
    assert!(messages.iter().any(|pair| pair[0] == 5 && pair[1] == 4 && pair[2].as_u64() > Some(1000)));
    assert_eq!(live["memory"]["vm"], 1_228_800);
    let net0 = &live["devices"][2];
    assert_eq!(
        (&net0["name"], &net0["place"], &net0["driver"]),
        (&"net0".into(), &"00:02.0".into(), &"virtio_net".into())
    );
    assert_eq!(
        (&net0["vendor"], &net0["state"], &net0["task"]),
        (&"1af4".into(), &"running".into(), &"6.2".into())
    );
    let address = &live["interfaces"][1]["addresses"][0];
    assert_eq!(
        (&address["address"], &address["prefix"], &address["gateway"]),
        (&"10.0.2.15".into(), &24.into(), &"10.0.2.2".into())
    );
    assert_eq!(live["interfaces"][1]["hardware"], "52:54:00:12:34:56");
    assert_eq!(live["network"]["time_wait"], 42);
    assert_eq!((&live["log"]["text"], &live["log"]["next"]), (&"hello\n".into(), &6.into()));
}

#[test]
fn each_part_has_a_document_of_its_own() {
    let mut client = Client::new(with_log(b"hello\n"));
    for part in
        ["system", "tasks", "messages", "memory", "devices", "interfaces", "network", "sockets", "log"]
    {
        let document = client.json(&format!("/api/{part}"));
        assert_eq!(document.as_object().unwrap().keys().collect::<Vec<_>>(), [part]);
    }
    let sockets = client.json("/api/sockets");
    assert_eq!(
        (&sockets["sockets"][0]["local"], &sockets["sockets"][0]["remote"]),
        (&"[::]:80".into(), &serde_json::Value::Null)
    );
    assert_eq!(client.get("/api").status, 404);
    assert_eq!(client.ask("DELETE /api/tasks HTTP/1.1\r\nHost: a\r\n\r\n").field("allow"), Some("GET, HEAD"));
}

#[test]
fn the_log_goes_on_where_the_last_reply_ended() {
    let log: Vec<u8> = (0..3000).flat_map(|number| format!("{number} grün\n").into_bytes()).collect();
    let mut client = Client::new(with_log(&log));
    let all = client.json("/api/log");
    let text = all["log"]["text"].as_str().unwrap();
    assert!(text.ends_with("2999 grün\n") && text.len() >= 16 * 1024, "{}", text.len());
    assert!(!text[4..].contains('\u{fffd}'), "no character is torn apart between two readings");
    assert_eq!(all["log"]["next"], log.len());
    let end = client.json(&format!("/api/log?from={}", log.len() - 3));
    assert_eq!((&end["log"]["text"], &end["log"]["next"]), (&"\u{fffd}n\n".into(), &log.len().into()));
    let nothing = client.json(&format!("/api/log?x=1&from={}", log.len()));
    assert_eq!((&nothing["log"]["text"], &nothing["log"]["next"]), (&"".into(), &log.len().into()));
    let lost = client.json("/api/log?from=99999999");
    assert_eq!(lost["log"]["text"], all["log"]["text"], "of another life of the system");
    for bad in ["from=", "from=-1", "from=x", "from=99999999999999999999999"] {
        assert_eq!(client.get(&format!("/api/log?{bad}")).status, 400, "{bad}");
    }
    assert!(client.largest < 3 * PIECE, "{} bytes at once", client.largest);
}

#[test]
fn what_is_hidden_is_not_shown_wherever_the_reader_begins() {
    for after in [&b""[..], b"after\n", &[b'x'; 600]] {
        let mut model = with_log(b"before gr\xc3");
        let start = model.log.len();
        let hidden = Hidden::printed(&mut model, |model| model.log.extend_from_slice(TOKEN.as_bytes()));
        let end = model.log.len();
        model.log.extend_from_slice(after);
        let length = model.log.len();
        let mut client = Client::with(model, hidden);
        for from in 0..length + 2 {
            let text =
                client.json(&format!("/api/log?from={from}"))["log"]["text"].as_str().unwrap().to_string();
            assert!(from >= start || text.starts_with(&"before gr"[from.min(9)..]), "from {from}: {text}");
            assert!(!text.contains('4'), "from {from}: {text}");
            assert!(text.ends_with(std::str::from_utf8(after).unwrap()) || from > end, "from {from}");
        }
    }
}

#[test]
fn restarting_needs_the_token_and_our_own_page() {
    let json = "Content-Type: application/json\r\n";
    let token = format!("Authorization: Bearer {TOKEN}\r\n");
    let (all, net0) = (format!("{json}{token}"), r#"{"device":"net0"}"#);
    let mut client = Client::new(Model::default());
    assert_eq!(client.restart(&all, net0), 200);
    assert_eq!(client.json("/api/devices")["devices"][2]["starts"], 3);
    assert_eq!(client.restart(&format!("{all}Origin: http://localhost:8080\r\n"), net0), 200);
    for (fields, body, expected) in [
        (json.to_string(), net0, 401),
        (format!("{json}Authorization: Bearer {}\r\n", TOKEN.replace("2", "3")), net0, 401),
        (format!("{json}Authorization: Bearer {}\r\n", &TOKEN[1..]), net0, 401),
        (format!("{json}Authorization: Bearer {TOKEN}4\r\n"), net0, 401),
        (format!("{json}Authorization: Basic {TOKEN}\r\n"), net0, 401),
        (format!("{all}Origin: http://evil.example\r\n"), net0, 403),
        (format!("{all}Origin: null\r\n"), net0, 403),
        (token.clone(), net0, 415),
        (format!("{token}Content-Type: text/plain\r\n"), net0, 415),
        (all.clone(), r#"{"device":"fly"}"#, 404),
        (all.clone(), "net0", 400),
        (all.clone(), "", 400),
    ] {
        assert_eq!(client.restart(&fields, body), expected, "{fields}{body}");
    }
    assert_eq!(
        client.json("/api/devices")["devices"][2]["starts"],
        4,
        "none of these has restarted anything"
    );
    assert_eq!(client.get("/api/restart").status, 405);
}

#[test]
fn without_a_token_nobody_restarts() {
    let mut site = Client::new(Model::default());
    site.site = Site::new(Model::default(), None, Hidden::default());
    for token in ["", TOKEN, "00000000000000000000000000000000"] {
        let fields = format!("Content-Type: application/json\r\nAuthorization: Bearer {token}\r\n");
        assert_eq!(site.restart(&fields, r#"{"device":"net0"}"#), 401);
    }
}
