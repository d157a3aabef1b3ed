//! Against `sfv`, another reader of the same grammar: both take the same fields, and find the same in them.

use proptest::prelude::*;
use sfv::{BareItem as Theirs, Dictionary, ListEntry, Parser, Version};

use super::*;

/// Every member as text, in order, of two equal names the last as `sfv` keeps it; `None`: malformed.
fn ours(field: &str) -> Option<Vec<String>> {
    let mut members: Vec<(&str, String)> = Vec::new();
    let read = dictionary(field, |name, member| {
        let text = match member {
            Member::Item(item) => item_text(&item),
            Member::InnerList(list) => {
                let items: Vec<_> = list.items.iter().map(item_text).collect();
                format!("({}){}", items.join(" "), parameters_text(&list.parameters))
            }
        };
        match members.iter_mut().find(|(sent, _)| *sent == name) {
            Some(sent) => sent.1 = text,
            None => members.push((name, text)),
        }
        Ok::<_, Malformed>(())
    });
    read.ok().map(|()| members.into_iter().map(|(name, text)| format!("{name}={text}")).collect())
}

fn item_text(item: &Item<'_>) -> String {
    let mut text = String::new();
    item.bare.write(&mut text);
    text + &parameters_text(&item.parameters)
}

/// As `sfv` keeps them: of two equal names the last, in the place of the first.
fn parameters_text(parameters: &Parameters<'_>) -> String {
    let mut kept: Vec<(&str, String)> = Vec::new();
    for (name, value) in parameters.iter() {
        let mut text = String::new();
        value.write(&mut text);
        match kept.iter_mut().find(|(sent, _)| *sent == name) {
            Some(sent) => sent.1 = text,
            None => kept.push((name, text)),
        }
    }
    kept.into_iter().map(|(name, text)| format!(";{name}={text}")).collect()
}

fn theirs(field: &str) -> Option<Vec<String>> {
    let dictionary: Dictionary = Parser::new(field).with_version(Version::Rfc8941).parse().ok()?;
    let parameters = |parameters: &sfv::Parameters| -> String {
        parameters.iter().map(|(name, value)| format!(";{}={}", name.as_str(), bare_text(value))).collect()
    };
    let item = |item: &sfv::Item| bare_text(&item.bare_item) + &parameters(&item.params);
    let text = |entry: &ListEntry| match entry {
        ListEntry::Item(entry) => item(entry),
        ListEntry::InnerList(list) => {
            format!("({}){}", list.items.iter().map(item).collect::<Vec<_>>().join(" "), parameters(&list.params))
        }
    };
    Some(dictionary.iter().map(|(name, entry)| format!("{}={}", name.as_str(), text(entry))).collect())
}

fn bare_text(value: &Theirs) -> String {
    sfv::ItemSerializer::new().bare_item(value).finish()
}

#[test]
fn strings_are_read_with_and_without_escapes() {
    for (field, text, plain) in [
        (r#"a="""#, "", Some("")),
        (r#"a="b c""#, "b c", Some("b c")),
        (r#"a="\"\\""#, r#""\"#, None),
        (r#"a="b\\c\"d""#, r#"b\c"d"#, None),
    ] {
        dictionary(field, |_, member| {
            let Member::Item(Item { bare: BareItem::String(string), .. }) = member else { return Err(Malformed) };
            assert_eq!((string.unescaped().as_ref(), string.plain()), (text, plain), "{field}");
            Ok(())
        })
        .unwrap();
    }
}

#[test]
fn edges_of_the_grammar_are_where_sfv_has_them() {
    for field in [
        "",
        " ",
        "  a  ",
        "\ta",
        "a\t",
        "a=1,b",
        "a=1 ,\t b",
        "a=1,",
        "a=1,,b",
        ",a",
        "a=",
        "a==1",
        "a;b",
        "a; b=1;c",
        "a ;b",
        "a;b =1",
        "a;",
        "*=1",
        "A=1",
        "1=1",
        "a.b-c_d*=1",
        "a=-",
        "a=-0",
        "a=-1.0",
        "a=00012",
        "a=123456789012345",
        "a=1234567890123456",
        "a=123456789012.123",
        "a=1234567890123.1",
        "a=1.1234",
        "a=1.",
        "a=.1",
        "a=1.50",
        "a=-0.0",
        "a=1.05",
        "a=+1",
        "a=1e3",
        "a=?1",
        "a=?2",
        "a=?",
        "a=tok",
        "a=*t!#$%&'*+-.^_`|~:/9",
        "a=t\"",
        "a=\"",
        "a=\"\\",
        "a=\"\\a\"",
        "a=\"\u{7f}\"",
        "a=\"\u{1f}\"",
        "a=\"é\"",
        "a=é",
        "é=1",
        "a=::",
        "a=:AQI=:",
        "a=:AQI:",
        "a=:AQJ=:",
        "a=:AQI==:",
        "a=:AQ=:",
        "a=:AQ===:",
        "a=:A:",
        "a=:=:",
        "a=:AQ I=:",
        "a=:é:",
        "a=:AQI=",
        "a=@1",
        "a=%\"x\"",
        "a=()",
        "a=( )",
        "a=(1 2)",
        "a=(1  2 )",
        "a=(1\t2)",
        "a=(1,2)",
        "a=(1)2",
        "a=(1;b 2;c=?0);d",
        "a=((1))",
        "a=(1",
        "a=(",
        "a=(\"x\"\"y\")",
        "a=(1) ;b",
        "a=1;b=2;b=3",
        "a=1,b=2,a=3",
        "a=1\u{a0}",
        "a=1\r\n",
        "a=1;=2",
        "a=1;B",
        "a=;b",
        "a=1 b=2",
    ] {
        assert_eq!(ours(field), theirs(field), "{field:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_text_means_to_both_the_same(field in "[ab*=();,:?01.\\-AQ/+ \"\\\\\té]{0,24}|\\PC{0,12}") {
        prop_assert_eq!(ours(&field), theirs(&field));
    }

    #[test]
    fn any_dictionary_means_to_both_the_same(
        field in "([ab]{1,2}(=(-?[0-9]{1,4}(\\.[0-9]{1,3})?|\"([a-z ]|\\\\\"|\\\\\\\\){0,4}\"|\\?[01]|:[AQIgw/+]{0,5}={0,2}:|[a-z*][a-z:/]{0,3}|\\( {0,1}(\"[a-z@-]{0,4}\"(;[ab](=[0-9])?){0,2} {1,2}){0,3}\\)))?(; {0,1}[abc](=(-?[0-9]{1,3}|\"[a-z]{0,3}\"|t))?){0,3} ?(, ?|)){0,3}"
    ) {
        prop_assert_eq!(ours(&field), theirs(&field));
    }
}
