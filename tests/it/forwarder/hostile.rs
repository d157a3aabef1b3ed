//! Events that no gateway should send. Each ends in an answer or an error; the process lives on, nothing
//! panics, nobody without an authorizer's word gets to a back end, and the next honest request is served.

use countersign_tests::events::proxy::{Form, Passed};
use countersign_tests::forwarder::{Forwarding, caller, streamed};
use countersign_tests::function::Function;
use countersign_tests::runtime_api::{End, Reply};
use serde_json::{Value, json};

use crate::hostile::pointers;

struct Target {
    forwarding: Forwarding,
    function: Function,
}

impl Target {
    async fn new() -> Self {
        Self::answering("buffered").await
    }

    async fn answering(mode: &str) -> Self {
        let forwarding = Forwarding::with_a_route().await;
        let function = forwarding.forwarder(&[("RESPONSE", mode)]).await;
        Self { forwarding, function }
    }

    fn good(&self, form: Form) -> Value {
        let request = self.forwarding.request("POST", "/items?page=1").with_header("Cookie", "a=1");
        self.forwarding.api.integration_event(form, &request, (b"{}", Passed::Base64), &caller())
    }

    /// Sends an event; whatever came of it was an answer or an error.
    async fn send(&self, event: impl Into<Vec<u8>>, what: &str) -> Option<Value> {
        match self.function.invoke(event).await {
            Reply::Answer(bytes) => {
                let answer: Value = serde_json::from_slice(&bytes).expect("an answer is JSON");
                assert!(answer["statusCode"].is_u64(), "{what}: {answer}");
                Some(answer)
            }
            Reply::Streamed { bytes, end } => {
                assert_eq!(end, End::Whole, "{what}");
                Some(json!({ "statusCode": streamed(&bytes).0 }))
            }
            Reply::Error { error_message, .. } => {
                assert!(!error_message.contains("panick"), "{what}: {error_message}");
                None
            }
        }
    }

    /// Nothing broke on the way here, and everything that arrived at a back end was a request.
    async fn assert_alive(&self) {
        self.forwarding.blue.take();
        for form in Form::ALL {
            let answer = self.send(self.good(form).to_string(), "honest").await.expect("an answer");
            assert_eq!(answer["statusCode"], 200, "{form:?}: {answer}");
        }
        assert!(self.function.is_alive());
        assert_eq!(self.forwarding.blue.take().len(), 3);
        assert_eq!(self.function.output().into_iter().find(|line| line.contains("panicked")), None);
    }

    fn assert_nothing_was_forwarded(&self, what: &str) {
        assert_eq!(self.forwarding.blue.take().len(), 0, "{what}");
    }
}

#[tokio::test]
async fn payloads_that_are_no_event() {
    assert_no_event(Target::new().await).await;
}

#[tokio::test]
async fn payloads_that_are_no_event_where_answers_are_streamed() {
    assert_no_event(Target::answering("stream").await).await;
}

async fn assert_no_event(target: Target) {
    let deep = |open: &str, close: &str| open.repeat(100_000) + &close.repeat(100_000);
    let nested = format!(
        r#"{{"httpMethod":"GET","path":"/","requestContext":{{"authorizer":{}1{}}}}}"#,
        "{\"principal\":".repeat(100_000),
        "}".repeat(100_000)
    );
    let payloads = [
        "",
        " ",
        "null",
        "true",
        "42",
        "-0",
        "1e400",
        "\"GET\"",
        "[]",
        "{}",
        "[{}]",
        "{",
        "}",
        "{\"path\":",
        "{]",
        "\u{feff}{}",
        "{\"version\":\"2.0\"}",
        "{\"version\":2.0}",
        "{\"version\":\"1.0\"}",
        "{\"version\":\"\"}",
        "{\"httpMethod\":\"GET\"}",
        "{\"httpMethod\":\"GET\",\"path\":\"/\"}",
        "{\"requestContext\":null}",
        "{\"requestContext\":[]}",
        "{\"Records\":[{\"eventSource\":\"aws:s3\"}]}",
        "{\"path\":\"\\ud800\"}",
        "{'path':'/'}",
        "{\"path\":\"/\"}{}",
    ];
    let payloads = payloads
        .iter()
        .map(|text| text.as_bytes().to_vec())
        .chain([deep("[", "]").into_bytes(), deep("{\"a\":", "").into_bytes(), nested.into_bytes()])
        .chain([vec![0xff, 0xfe, 0x00], vec![0; 1000], b"{\"path\":\"/\xff\"}".to_vec(), vec![b'x'; 1 << 20]]);
    for payload in payloads {
        let what = String::from_utf8_lossy(&payload[..payload.len().min(60)]).into_owned();
        let answer = target.send(payload, &what).await;
        assert!(answer.is_none_or(|answer| answer["statusCode"] == 500), "{what}");
    }
    target.assert_nothing_was_forwarded("payloads that are no event");
    target.assert_alive().await;
}

/// Every value of every event, replaced by every type there is.
#[tokio::test]
async fn any_field_of_any_other_type() {
    let target = Target::new().await;
    for form in Form::ALL {
        let good = target.good(form);
        for pointer in pointers(&good) {
            for value in [
                json!(null),
                json!(0),
                json!(-1.5e300),
                json!(true),
                json!(""),
                json!("x"),
                json!("\u{0}\u{1f}\u{7f}\r\n\u{2028}é"),
                json!([]),
                json!([[]]),
                json!([null]),
                json!({}),
                json!({ "a": null }),
                json!({ "": [{}] }),
            ] {
                let mut event = good.clone();
                *event.pointer_mut(&pointer).unwrap() = value.clone();
                target.send(event.to_string(), &format!("{form:?} {pointer} = {value}")).await;
            }
            let mut event = good.clone();
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            if let Some(parent) = event.pointer_mut(parent).and_then(Value::as_object_mut) {
                parent.remove(name);
            }
            target.send(event.to_string(), &format!("{form:?} without {pointer}")).await;
        }
    }
    target.assert_alive().await;
}

/// Whoever the authorizer has not named reaches nobody, whatever else is on the event.
#[tokio::test]
async fn no_word_of_the_authorizers_can_be_missing() {
    let target = Target::new().await;
    for form in Form::ALL {
        let authorizer =
            if form == Form::Http2 { "/requestContext/authorizer/lambda" } else { "/requestContext/authorizer" };
        for pointer in ["/requestContext".to_owned(), authorizer.to_owned(), format!("{authorizer}/principal")] {
            for value in [json!(null), json!({}), json!([]), json!(7), json!(true), json!({ "principal": "a" })] {
                let mut event = target.good(form);
                *event.pointer_mut(&pointer).unwrap() = value.clone();
                if value.get("principal").is_some() && !pointer.ends_with("principal") && pointer != "/requestContext" {
                    continue; // that is a word
                }
                target.send(event.to_string(), "no word").await;
                target.assert_nothing_was_forwarded(&format!("{form:?} {pointer} = {value}"));
            }
        }
        // Beside the context, not in it.
        let mut event = target.good(form);
        *event.pointer_mut(authorizer).unwrap() = json!({});
        for place in ["principal", "lambda", "authorizer", "context"] {
            event[place] = json!({ "principal": "root" });
            event["requestContext"][place.to_uppercase()] = json!({ "principal": "root" });
        }
        event["headers"]["principal"] = json!("root");
        target.send(event.to_string(), "beside").await;
        target.assert_nothing_was_forwarded(&format!("{form:?}: a principal beside the context"));
    }
    target.assert_alive().await;
}

/// JSON lets a name come twice. Whichever of the two a parser takes, nobody becomes someone else by it.
#[tokio::test]
async fn a_name_that_comes_twice() {
    let target = Target::new().await;
    for form in Form::ALL {
        let text = target.good(form).to_string();
        for (field, value) in [
            ("path", json!("/admin")),
            ("rawPath", json!("/prod/admin")),
            ("httpMethod", json!("DELETE")),
            ("method", json!("DELETE")),
            ("body", json!("e30=")),
            ("isBase64Encoded", json!(false)),
            ("requestContext", json!({})),
            ("authorizer", json!({ "principal": "root" })),
            ("lambda", json!({ "principal": "root" })),
            ("principal", json!("root")),
            ("client_ip", json!("192.0.2.1")),
            ("stage", json!("dev")),
            ("version", json!("1.0")),
        ] {
            let name = format!("{}:", json!(field));
            // A field that this form does not have, or that nobody reads in it.
            if !text.contains(&name) || (form, field) == (Form::Http2, "path") {
                continue;
            }
            let doubled = text.replacen(&name, &format!("{name}{value},{name}"), 1);
            target.send(doubled, field).await;
            target.assert_nothing_was_forwarded(&format!("{form:?} {field} twice"));
        }
    }
    target.assert_alive().await;
}

#[tokio::test]
async fn far_too_much_of_everything() {
    let target = Target::new().await;
    for form in Form::ALL {
        let single = form == Form::Http2;
        let map = if single { "headers" } else { "multiValueHeaders" };
        let value = |text: &str| if single { json!(text) } else { json!([text]) };
        let many = |prefix: &str, count: usize| -> serde_json::Map<String, Value> {
            (0..count).map(|n| (format!("{prefix}{n}"), value("x"))).collect()
        };
        let with = |pointer: &str, value: Value| {
            let mut event = target.good(form);
            *event.pointer_mut(pointer).unwrap() = value;
            event
        };
        for (event, what) in [
            (with(&format!("/{map}"), Value::Object(many("x-", 10_000))), "10,000 headers"),
            (with(&format!("/{map}"), Value::Object(many("é\u{0}\r\n: ", 100))), "names that are none"),
            (with(&format!("/{map}"), json!({ "x": value(&"y".repeat(1 << 20)) })), "a header of a megabyte"),
            (with(&format!("/{map}"), json!({ "x".repeat(1 << 20): value("y") })), "a name of a megabyte"),
            (with(&format!("/{map}"), json!({ "": value("y"), " ": value("z"), "a b": value("c") })), "empty names"),
            (with("/requestContext/requestId", json!("r".repeat(1 << 20))), "an id of a megabyte"),
            (with("/body", json!("AAAA".repeat(1 << 18))), "a body of a megabyte"),
            (with("/body", json!("!".repeat(1 << 20))), "a megabyte that is not base64"),
        ] {
            target.send(event.to_string(), what).await;
        }
        let mut event = target.good(form);
        event["cookies"] = json!(vec![""; 300_000]);
        event["pathParameters"] =
            json!((0..100_000).map(|n| (n.to_string(), json!("x"))).collect::<serde_json::Map<_, _>>());
        target.send(event.to_string(), "cookies and path parameters").await;
        if !single {
            let parameters = json!({ "x": vec!["y"; 100_000], "é&=#?": ["\u{0}\r\n"] });
            target.send(with("/multiValueQueryStringParameters", parameters).to_string(), "100,000 parameters").await;
            let lists = json!({ "x-list": vec!["y"; 100_000] });
            target.send(with("/multiValueHeaders", lists).to_string(), "100,000 values").await;
        } else {
            let query = with("/rawQueryString", json!("\r\nx-injected: 1 HTTP/1.1\r\n\r\nGET /admin"));
            target.send(query.to_string(), "a query of lines").await;
        }
        let authorizer = if single { "/requestContext/authorizer/lambda" } else { "/requestContext/authorizer" };
        let mut context = many("c", 10_000);
        context.insert("principal".to_owned(), json!("acme"));
        target.forwarding.blue.take();
        target.send(with(authorizer, Value::Object(context)).to_string(), "10,000 entries of a context").await;
        target.assert_nothing_was_forwarded("10,000 entries of a context");
    }
    assert!(target.function.resident_bytes() < 200 << 20, "{} bytes", target.function.resident_bytes());
    target.assert_alive().await;
}
