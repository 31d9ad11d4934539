//! HTTP as its clients see it: what is answered to which bytes, however they arrive.

#[path = "support/mod.rs"]
mod support;

use proptest::prelude::*;
use support::{Client, answers, sent_at_once};
use webapi::http::{BODY_MAX, HEAD_MAX, REQUESTS_MAX, Stage};

/// The status of the only reply.
fn status(request: &str) -> u16 {
    let replies = answers(&sent_at_once(request.as_bytes()));
    assert_eq!(replies.len(), 1, "{request}");
    replies[0].status
}

#[test]
fn a_file_is_sent_whole_and_the_connection_stays() {
    let mut client = Client::new();
    client.send(b"GET /static HTTP/1.1\r\nHost: here\r\n\r\n");
    let replies = answers(&client.received);
    assert_eq!((replies[0].status, replies[0].content.as_slice()), (200, support::STATIC));
    assert_eq!(replies[0].field("connection"), Some("keep-alive"));
    assert_eq!(replies[0].field("x-content-type-options"), Some("nosniff"));
    assert_eq!(client.stage(), Stage::Idle);
}

#[test]
fn old_clients_keep_the_connection_only_if_they_ask() {
    let mut client = Client::new();
    client.send(b"GET /small HTTP/1.0\r\n\r\n");
    assert_eq!(answers(&client.received)[0].field("connection"), Some("close"));
    assert_eq!(client.stage(), Stage::Over, "nothing was left unread: it can be closed at once");

    let mut client = Client::new();
    client.send(b"GET /small HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n");
    let replies = answers(&client.received);
    assert_eq!(replies[0].field("connection"), Some("keep-alive"));
    assert_eq!(replies[0].field("content-length"), Some("5"), "ab needs it");
    assert_eq!(client.stage(), Stage::Idle);
}

#[test]
fn long_content_comes_in_chunks_or_until_the_end_of_the_connection() {
    let chunked = answers(&sent_at_once(b"GET /long HTTP/1.1\r\nHost: here\r\n\r\n"));
    assert_eq!(chunked[0].field("transfer-encoding"), Some("chunked"));
    assert_eq!(chunked[0].content, support::long());

    let mut client = Client::new();
    client.send(b"GET /long HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    let until_close = &answers(&client.received)[0];
    assert_eq!(
        (until_close.field("transfer-encoding"), until_close.field("connection")),
        (None, Some("close"))
    );
    assert_eq!(until_close.content, support::long());
    assert_eq!(client.stage(), Stage::Over);
}

#[test]
fn head_is_get_without_the_content() {
    for path in ["/static", "/small", "/long"] {
        let both =
            |method: &str| sent_at_once(format!("{method} {path} HTTP/1.1\r\nHost: here\r\n\r\n").as_bytes());
        let (get, head) = (both("GET"), both("HEAD"));
        assert!(get.len() > head.len() && get.starts_with(&head), "{path}");
        assert!(head.ends_with(b"\r\n\r\n"), "{path}");
    }
    let replies =
        sent_at_once(b"HEAD /long HTTP/1.1\r\nHost: a\r\n\r\nHEAD /none HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(String::from_utf8(replies).unwrap().matches("HTTP/1.1 ").count(), 2, "the next is understood");
}

#[test]
fn what_is_wrong_is_said_with_its_status() {
    for (request, expected) in [
        ("GET /none HTTP/1.1\r\nHost: a\r\n\r\n", 404),
        ("DELETE /small HTTP/1.1\r\nHost: a\r\n\r\n", 405),
        ("GET /echo HTTP/1.1\r\nHost: a\r\n\r\n", 405),
        ("CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 404),
        ("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 404),
        ("BREW /small HTTP/1.1\r\nHost: a\r\n\r\n", 501),
        ("GET /small HTTP/2.0\r\nHost: a\r\n\r\n", 505),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
        ("GET /small\r\n\r\n", 400),
        ("GET /small HTTQ/1.1\r\n\r\n", 400),
        ("GET /small HTTP/1.1\r\n\r\n", 400),
        ("GET /small HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
        ("GET /small HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", 400),
        ("GET small HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("\x16\x03\x01", 400),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx", 400),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        ("POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 16385\r\n\r\n", 413),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999999\r\n\r\n", 413),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4001\r\n", 413),
        (
            "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffffffff\r\n",
            413,
        ),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\r\n", 400),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n", 400),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nExpect: wonders\r\n\r\n", 417),
        // These are all right.
        ("GET http://here/small?a=b HTTP/1.1\r\nHost: a\r\n\r\n", 200),
        ("\r\n\r\nGET /small HTTP/1.1\nHost: a\n\n", 200),
        ("GET /small HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nxyz", 200),
    ] {
        assert_eq!(status(request), expected, "{request}");
    }
    let refused = answers(&sent_at_once(b"DELETE /small HTTP/1.1\r\nHost: a\r\n\r\n"));
    assert_eq!(refused[0].field("allow"), Some("GET, HEAD"));
    assert!(refused[0].content.starts_with(b"{\"error\":\""));
}

#[test]
fn heads_have_a_limit() {
    let head = |length: usize| {
        let start = "GET /small HTTP/1.1\r\nHost: a\r\nX: ";
        format!("{start}{}\r\n\r\n", "x".repeat(length - start.len() - 4))
    };
    assert_eq!(status(&head(HEAD_MAX)), 200);
    assert_eq!(status(&head(HEAD_MAX + 1)), 431);
    assert_eq!(status(&format!("GET /{} HTTP/1.1\r\n", "x".repeat(HEAD_MAX))), 414);
    let fields =
        |count: usize| format!("GET /small HTTP/1.1\r\nHost: a\r\n{}\r\n", "A: b\r\n".repeat(count - 1));
    assert_eq!(status(&fields(64)), 200);
    assert_eq!(status(&fields(65)), 431);
}

#[test]
fn bodies_arrive_in_both_framings() {
    let body = "x".repeat(BODY_MAX);
    let by_length = format!("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: {BODY_MAX}\r\n\r\n{body}");
    assert_eq!(answers(&sent_at_once(by_length.as_bytes()))[0].content, body.as_bytes());

    let head = "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let chunked = format!("{head}5;why=not\r\nhello\r\n00A\r\n, 10 bytes\r\n0\r\nTrailer: x\r\n\r\n");
    assert_eq!(answers(&sent_at_once(chunked.as_bytes()))[0].content, b"hello, 10 bytes");
    let endless = format!("{head}{}", "0".repeat(5000));
    assert_eq!(status(&endless), 413, "zeros before a size come to an end");
    let endless = format!("{head}0\r\n{}", "X: y\r\n".repeat(2000));
    assert_eq!(status(&endless), 413, "so do trailers");
}

#[test]
fn whoever_waits_to_send_a_body_is_told_to_go_on() {
    let mut client = Client::new();
    client.send(b"POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    assert_eq!(client.received, b"HTTP/1.1 100 Continue\r\n\r\n");
    client.received.clear();
    client.send(b"hi");
    assert_eq!(answers(&client.received)[0].content, b"hi");

    let mut client = Client::new();
    client.send(b"POST /none HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    assert_eq!(answers(&client.received)[0].status, 404, "the body is not wanted");
    assert_eq!(client.stage(), Stage::Lingering, "it may come nevertheless");
    client.send(b"hi");
    client.end();
    assert_eq!(client.stage(), Stage::Over);
}

#[test]
fn a_refused_body_does_not_reset_the_connection() {
    let mut client = Client::new();
    client.send(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n");
    assert_eq!(answers(&client.received)[0].status, 413);
    let mut taken = 0;
    while client.stage() == Stage::Lingering {
        client.send(&[0; 1000]);
        taken += 1000;
    }
    assert!((100_000..1_000_000).contains(&taken), "it is read for a while, not for ever: {taken}");
}

#[test]
fn the_last_request_of_a_connection_is_told() {
    let mut client = Client::new();
    for _ in 1..REQUESTS_MAX {
        client.send(b"GET /small HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    assert_eq!(client.stage(), Stage::Idle);
    client.received.clear();
    client.send(b"GET /small HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(answers(&client.received)[0].field("connection"), Some("close"));
    assert_eq!(client.stage(), Stage::Over);
}

#[test]
fn who_ends_his_half_still_gets_the_replies() {
    let mut client = Client::new();
    client.limit = 100;
    client.send(&b"GET /long HTTP/1.1\r\nHost: a\r\n\r\n".repeat(3));
    client.end();
    let replies = answers(&client.received);
    assert_eq!(replies.len(), 3);
    assert!(replies.iter().all(|reply| reply.content == support::long()));
    assert_eq!(client.stage(), Stage::Over);
}

#[test]
fn time_is_up_for_half_a_request() {
    for (part, expected) in [
        (&b""[..], None),
        (b"GET /sma", Some(408)),
        (b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhi", Some(408)),
    ] {
        let mut client = Client::new();
        client.send(part);
        client.time_out();
        let replies = answers(&client.received);
        assert_eq!(replies.first().map(|reply| reply.status), expected, "{part:?}");
        let stage = if expected.is_some() { Stage::Lingering } else { Stage::Over };
        assert_eq!(client.stage(), stage);
        client.time_out();
        assert_eq!(client.stage(), Stage::Over, "nobody lingers for ever");
    }
}

#[test]
fn a_client_that_does_not_read_is_not_read_from() {
    let mut client = Client::new();
    client.limit = 0;
    client.send(&b"GET /long HTTP/1.1\r\nHost: a\r\n\r\n".repeat(100));
    assert_eq!(client.room(), 0);
    assert!(client.kept() < 3 * HEAD_MAX + 2000, "{} bytes", client.kept());
    assert_eq!(client.stage(), Stage::Sending);
    client.time_out();
    assert_eq!((client.stage(), client.received.len()), (Stage::Over, 0));
}

/// Requests that make sense, those for heads alone only if asked for; and bytes that do not.
fn stream(heads: bool) -> impl Strategy<Value = Vec<u8>> {
    let mut requests: Vec<&'static [u8]> = vec![
        b"GET /small HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /long HTTP/1.1\r\nHost: a\r\n\r\n",
        b"\r\nGET /static?x HTTP/1.1\r\nHost: a\r\nConnection: x, keep-alive\r\n\r\n",
        b"GET /small HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
        b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n2\r\nde\r\n0\r\nT: x\r\n\r\n",
        b"POST /none HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
        b"POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi",
        b"GET /none HTTP/1.1\nHost: a\n\n",
        b"GET /small HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        b"BREW / HTTP/1.1\r\n\r\n",
    ];
    if heads {
        requests.push(b"HEAD /long HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    let part = prop_oneof![
        8 => proptest::sample::select(requests).prop_map(<[u8]>::to_vec),
        1 => proptest::collection::vec(any::<u8>(), 0..40),
        1 => (b'a'..=b'z').prop_map(|byte| vec![byte; 3000]),
    ];
    proptest::collection::vec(part, 0..12).prop_map(|parts| parts.concat())
}

proptest! {
    /// The replies are the same whatever parts the bytes arrive in, and whatever parts of the replies can be sent.
    #[test]
    fn parts_make_no_difference(
        bytes in stream(true),
        cuts in proptest::collection::vec(1_usize..200, 0..60),
        limit in 1_usize..5000,
    ) {
        let expected = sent_at_once(&bytes);
        let mut client = Client::new();
        client.limit = limit;
        let mut rest = bytes.as_slice();
        for cut in cuts {
            let (part, after) = rest.split_at(cut.min(rest.len()));
            client.send(part);
            rest = after;
        }
        client.send(rest);
        client.end();
        prop_assert_eq!(String::from_utf8_lossy(&client.received), String::from_utf8_lossy(&expected));
        prop_assert_eq!(client.stage(), Stage::Over);
    }

    /// What is sent is HTTP, whatever comes, and little is kept.
    #[test]
    fn any_bytes_are_answered_in_order(bytes in stream(false), limit in 0_usize..5000) {
        let mut client = Client::new();
        client.limit = limit;
        client.send(&bytes);
        prop_assert!(client.kept() <= 2 * HEAD_MAX + BODY_MAX + HEAD_MAX);
        client.limit = usize::MAX;
        client.end();
        prop_assert!(answers(&client.received).iter().all(|reply| (200..=505).contains(&reply.status)));
        prop_assert_eq!(client.stage(), Stage::Over);
    }
}
