use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use proptest::prelude::*;

use super::super::SignatureParams;
use super::super::input::{Malformed, signature, signature_input};
use crate::limits;

/// Each signature as `label canonical-params`.
fn inputs(field: &str) -> Result<Vec<String>, Malformed> {
    let written = |(label, params): (&str, SignatureParams<'_>)| {
        let mut text = format!("{label} ");
        params.write(&mut text);
        text
    };
    Ok(signature_input(field)?.into_iter().map(written).collect())
}

#[test]
fn signatures_come_in_order_and_in_canonical_form() {
    let cases = [
        ("", vec![]),
        ("a=()", vec!["a ()"]),
        (
            "b=( \"x\"   \"@query-param\";name=\"Pet\"  );n=\"q\\\"\\\\\";z;i=007;d=1.50;f=?0;t=a/b;y=:AAE=:,\t a=(\"y\");created=1",
            vec![
                r#"b ("x" "@query-param";name="Pet");n="q\"\\";z;i=7;d=1.5;f=?0;t=a/b;y=:AAE=:"#,
                r#"a ("y");created=1"#,
            ],
        ),
        ("a=(\"k\\\"\";p=\"\\\\\")", vec![r#"a ("k\"";p="\\")"#]),
    ];
    for (field, expected) in cases {
        assert_eq!(inputs(field).unwrap(), expected, "{field}");
    }
}

#[test]
fn anything_but_a_dictionary_of_inner_lists_of_strings_is_malformed() {
    for field in [
        "a",
        "a=1",
        "a=\"@method\"",
        "a=(@method)",
        "a=(1 2)",
        "a=(token)",
        "a=(\"x\"",
        "a=(\"x\"))",
        "a=(\"x\"\"y\")",
        "a=(\"x\",\"y\")",
        "a=(\"x\");",
        "a=(\"x\");created=",
        "a=(\"x\");created=1e3",
        "a=(\"x\");created=@1",
        "a=(\"x\");created=1234567890123456",
        "a=(\"x\");n=%\"x\"",
        "a=(\"x\") ;created=1",
        "a=(\"x\"),",
        "a=(\"x\");n=\"\u{0}\"",
        "a=(\"x\");n=\"ü\"",
        "ü=(\"x\")",
        "a=(\"x\")\u{a0}",
        "a=(\"x\")\r\n",
        "a=(\"x\");n=\"a\\b\"",
        "A=(\"x\")",
        "(\"x\")",
        "=(\"x\")",
        "a=(\"x\") b=(\"y\")",
        "a=(\"x\"), a=(\"y\")",
        "a=(\"x\"),b=(),a=(\"x\")",
    ] {
        assert_eq!(inputs(field), Err(Malformed), "{field:?}");
    }
}

#[test]
fn labels_and_bytes_are_limited() {
    let labels = |count: usize| (0..count).map(|n| format!("s{n}=()")).collect::<Vec<_>>().join(", ");
    assert_eq!(inputs(&labels(limits::SIGNATURES)).unwrap().len(), limits::SIGNATURES);
    assert_eq!(inputs(&labels(limits::SIGNATURES + 1)), Err(Malformed));

    let sized = |bytes: usize| format!("a=();n=\"{}\"", "x".repeat(bytes - "a=();n=\"\"".len()));
    assert!(inputs(&sized(limits::SIGNATURE_HEADER)).is_ok());
    assert_eq!(inputs(&sized(limits::SIGNATURE_HEADER + 1)), Err(Malformed));
}

#[test]
fn a_signature_is_found_by_its_label() {
    let field = "a=:AAE=:,  edge=:AQI=:;x=1 ,z=:AwQ=:";
    assert_eq!(signature(field, "edge"), Ok(Some(vec![1, 2])));
    assert_eq!(signature(field, "z"), Ok(Some(vec![3, 4])));
    assert_eq!(signature(field, "none"), Ok(None));
    assert_eq!(signature("", "edge"), Ok(None));
    assert_eq!(signature("edge=::", "edge"), Ok(Some(vec![])));
}

#[test]
fn anything_but_a_dictionary_of_byte_sequences_is_malformed() {
    for field in [
        "edge",
        "edge=1",
        "edge=\"AQI=\"",
        "edge=AQI",
        "edge=(:AQI=:)",
        "edge=:AQI=",
        "edge=:A*I=:",
        "edge=:AQI=:, x=1",
        "edge=:AQI=:, x=(:AQI=:)",
        "edge=:AQI=:, edge=:AQI=:",
        "edge=:AQI=:, x=:AQI=:, x=:AQI=:",
        "edge=:AQI=:,",
        "Edge=:AQI=:",
    ] {
        assert_eq!(signature(field, "edge"), Err(Malformed), "{field:?}");
    }
}

#[test]
fn a_signature_has_one_spelling() {
    for field in
        ["edge=:AQI:", "edge=:AQJ=:", "edge=:AQ I=:", "edge=:AQI==:", "edge=:AQI=AQI=:", "x=:AQI=:, edge=:AQJ=:"]
    {
        assert_eq!(signature(field, "edge"), Err(Malformed), "{field:?}");
    }
    // Other parties may spell theirs as structured fields allow.
    assert_eq!(signature("x=:AQJ:, edge=:AQI=:", "edge"), Ok(Some(vec![1, 2])));
}

#[test]
fn a_signature_has_at_most_64_bytes() {
    let field = |bytes: usize| format!("edge=:{}:", BASE64_STANDARD.encode(vec![0xff; bytes]));
    assert_eq!(signature(&field(64), "edge"), Ok(Some(vec![0xff; 64])));
    for bytes in [65, 66, 67, 2000] {
        assert_eq!(signature(&field(bytes), "edge"), Err(Malformed), "{bytes}");
    }
}

proptest! {
    #[test]
    fn any_text_is_parsed_or_refused(field in "\\PC{0,60}|[ab=();,:?01AQ \"\\\\]{0,40}") {
        let _ = signature_input(&field);
        let _ = signature(&field, "a");
    }

    /// What is signed and what is sent must not drift apart over another parse on the way.
    #[test]
    fn the_canonical_form_reads_back_as_itself(
        field in "[ab]=\\(( {1,2}\"[a-z@]{1,4}\"(;[a-c](=([0-9]{1,3}|[0-9]\\.[0-9]|\"([a-z ]|\\\\\"){0,3}\"|\\?[01]|:(AQI=|AAAA):|[a-z]{1,3}))?)?){0,3}\\)(; ?[a-d](=-?[0-9]{1,4})?){0,3}"
    ) {
        let written = inputs(&field).unwrap();
        let again = written[0].replacen(' ', "=", 1);
        prop_assert_eq!(inputs(&again).unwrap(), written);
    }
}
