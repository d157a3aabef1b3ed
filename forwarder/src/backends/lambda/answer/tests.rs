#![allow(clippy::unwrap_used)]

use countersign_decision::limits;

use super::*;

fn answer(payload: &str, format: Format) -> Result<(u16, Vec<String>, String), String> {
    let answer = parse(payload.as_bytes(), format)?;
    let lines = answer.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    Ok((answer.status, lines, String::from_utf8(answer.body.to_vec()).unwrap()))
}

#[test]
fn headers_of_either_format() {
    let payload = r#"{"statusCode":201,"headers":{"X-One":1,"X-Yes":true,"x-many":"one","Content-Length":"3"},
        "multiValueHeaders":{"X-Many":["a","b",7]},"cookies":["c=1","d=\u0032"],"body":"abc"}"#;
    for (format, lines) in [
        (Format::V1, &["x-one: 1", "x-yes: true", "x-many: a", "x-many: b", "x-many: 7"][..]),
        (Format::V2, &["x-one: 1", "x-yes: true", "x-many: one", "set-cookie: c=1", "set-cookie: d=2"]),
    ] {
        let lines = lines.iter().map(|line| (*line).to_owned()).collect();
        assert_eq!(answer(payload, format), Ok((201, lines, "abc".to_owned())));
    }
    // What the format does not have is not read.
    let foreign = r#"{"statusCode":200,"cookies":7}"#;
    assert_eq!(answer(foreign, Format::V1), Ok((200, Vec::new(), String::new())));
    assert!(answer(foreign, Format::V2).is_err());
    let foreign = r#"{"statusCode":200,"multiValueHeaders":7}"#;
    assert_eq!(answer(foreign, Format::V2), Ok((200, Vec::new(), String::new())));
}

#[test]
fn what_is_null_is_absent() {
    let payload = r#"{"statusCode":200,"headers":{"a":null,"b":"1","c":"2"},"multiValueHeaders":{"b":null,
        "c":[null,"3"]},"cookies":null,"body":null,"isBase64Encoded":null}"#;
    let lines = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
    assert_eq!(answer(payload, Format::V1), Ok((200, lines(&["b: 1", "c: 3"]), String::new())));
    assert_eq!(answer(payload, Format::V2), Ok((200, lines(&["b: 1", "c: 2"]), String::new())));
    let payload = r#"{"statusCode":200,"headers":null,"multiValueHeaders":null}"#;
    assert_eq!(answer(payload, Format::V1), Ok((200, Vec::new(), String::new())));
}

#[test]
fn a_status_is_a_whole_number_or_three_digits() {
    for (written, status) in
        [("200", 200), ("\"200\"", 200), ("200.0", 200), ("2e2", 200), ("599", 599), ("\"404\"", 404)]
    {
        let payload = format!(r#"{{"statusCode":{written}}}"#);
        for format in [Format::V1, Format::V2] {
            assert_eq!(answer(&payload, format).map(|answer| answer.0), Ok(status), "{written}");
        }
    }
    for written in [
        "101",
        "199",
        "600",
        "-1",
        "-200",
        "200.5",
        "2e200",
        "70000",
        "65736",
        "null",
        "true",
        "[200]",
        "\"\"",
        "\"20\"",
        "\"0200\"",
        "\" 200\"",
        "\"+20\"",
        "\"2e2\"",
        "\"600\"",
        "\"101\"",
        "\"canary\"",
        "{}",
    ] {
        let payload = format!(r#"{{"statusCode":{written}}}"#);
        let what = answer(&payload, Format::V2).unwrap_err();
        assert!(!what.contains("canary"), "{what}");
    }
}

#[test]
fn no_more_lines_than_are_taken() {
    let names = |count: usize| (0..count).map(|n| format!(r#""x{n}":"1""#)).collect::<Vec<_>>().join(",");
    let values = |count: usize| vec![r#""1""#; count].join(",");
    for (count, taken) in [(limits::HEADERS, true), (limits::HEADERS + 1, false), (20_000, false)] {
        for (format, payload) in [
            (Format::V1, format!(r#"{{"statusCode":200,"headers":{{{}}}}}"#, names(count))),
            (Format::V2, format!(r#"{{"statusCode":200,"headers":{{{}}}}}"#, names(count))),
            (Format::V1, format!(r#"{{"statusCode":200,"multiValueHeaders":{{"x":[{}]}}}}"#, values(count))),
            (Format::V2, format!(r#"{{"statusCode":200,"cookies":[{}]}}"#, values(count))),
            (
                Format::V1,
                format!(r#"{{"statusCode":200,"headers":{{{}}},"multiValueHeaders":{{"y":["1"]}}}}"#, names(count - 1)),
            ),
        ] {
            let lines = answer(&payload, format).map(|(_, lines, _)| lines.len());
            let expected = if taken { Ok(count) } else { Err("more than 512 header lines".to_owned()) };
            assert_eq!(lines, expected, "{format:?}");
        }
    }
}

#[test]
fn a_body_may_be_base64_or_absent() {
    let base64 = r#"{"statusCode":200,"body":"aGk=","isBase64Encoded":true}"#;
    assert_eq!(answer(base64, Format::V1), Ok((200, Vec::new(), "hi".to_owned())));
    assert_eq!(answer(r#"{"statusCode":204,"body":null}"#, Format::V1), Ok((204, Vec::new(), String::new())));
}

#[test]
fn format_2_takes_any_json_for_a_body() {
    let json = vec!["content-type: application/json".to_owned()];
    assert_eq!(answer(r#""hello""#, Format::V2), Ok((200, json.clone(), "hello".to_owned())));
    assert_eq!(answer(r#"{"a": 1}"#, Format::V2), Ok((200, json, r#"{"a": 1}"#.to_owned())));
    assert!(answer(r#"{"a": 1}"#, Format::V1).is_err());
}

/// Such names make no line, but are compared all the same.
#[test]
fn no_more_names_than_are_taken() {
    for values in ["[]", "[null]"] {
        let names = |count: usize| (0..count).map(|n| format!(r#""x{n}":{values}"#)).collect::<Vec<_>>().join(",");
        let of = |count| format!(r#"{{"statusCode":200,"multiValueHeaders":{{{}}}}}"#, names(count));
        assert_eq!(answer(&of(limits::HEADERS), Format::V1), Ok((200, Vec::new(), String::new())));
        assert!(answer(&of(limits::HEADERS + 1), Format::V1).is_err());
    }
}

#[test]
fn what_is_no_answer() {
    for payload in [
        "",
        "null",
        "<html>",
        "{}",
        r#"{"statusCode":200,"statusCode":500}"#,
        r#"{"statusCode":200,"body":{"canary":1}}"#,
        r#"{"statusCode":200,"headers":{"a":["canary"]}}"#,
        r#"{"statusCode":200,"headers":"canary"}"#,
        r#"{"statusCode":200,"multiValueHeaders":{"a":"canary"}}"#,
        r#"{"statusCode":200,"body":"canary!","isBase64Encoded":true}"#,
        r#"{"statusCode":200,"body":"aGk","isBase64Encoded":true}"#,
    ] {
        let what = answer(payload, Format::V1).unwrap_err();
        assert!(!what.contains("canary"), "{payload}: {what}");
    }
}

#[test]
fn no_header_ends_a_line() {
    let payload = r#"{"statusCode":200,"headers":{"a":"1\r\nset-cookie: x","b c":"1","d":"2"}}"#;
    assert_eq!(answer(payload, Format::V1), Ok((200, vec!["d: 2".to_owned()], String::new())));
}
