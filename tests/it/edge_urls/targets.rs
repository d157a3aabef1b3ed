//! Request targets that are odd, or worse, and how the URL standard writes them.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// Pieces of a path that nobody takes for another one, however they are put together.
const PATH: &[&[u8]] = &[
    b"a",
    b"items",
    b"B7",
    b"-",
    b"_",
    b"~",
    b"/",
    b"//",
    b"/a/",
    b"%20",
    b"+",
    b"%2B",
    b";",
    b";x=1",
    b"|",
    b"^",
    b"\"",
    b"<",
    b">",
    b"`",
    b"{",
    b"}",
    b"[",
    b"]",
    b"'",
    b"(",
    b")",
    b"!",
    b"@",
    b":",
    b",",
    b"=",
    b"&",
    b"%25",
    b"%41",
    b"%2a",
    b"%24",
    b"%7E",
    "\u{e9}".as_bytes(),
    b"%C3%A9",
    b"%c3%a9",
    "\u{20ac}".as_bytes(),
    b"%E2%82%AC",
    "\u{65e5}\u{672c}".as_bytes(),
    "e\u{301}".as_bytes(),
    "\u{1f511}".as_bytes(),
];

/// Pieces of a query, likewise.
const QUERY: &[&[u8]] = &[
    b"x",
    b"x=1",
    b"x=2",
    b"X=1",
    b"=",
    b"&",
    b"&&",
    b"?",
    b"/",
    b"+",
    b"%2B",
    b"%20",
    b"%26",
    b"%3D",
    b"%25",
    b"%2F",
    b"%23",
    b"..",
    b"%2e%2e",
    b";",
    b"|",
    b"^",
    b"\"",
    b"<",
    b">",
    b"`",
    b"{",
    b"}",
    b"[",
    b"]",
    b"'",
    b"\\",
    b"*",
    b"$",
    b"%5C",
    "\u{e9}".as_bytes(),
    b"%C3%A9",
    "\u{20ac}=\u{e9}".as_bytes(),
    "\u{1f511}".as_bytes(),
    b"a%00b",
    b"%0A",
    b"%0d",
];

/// Pieces of either that somebody may take for something else.
const HOSTILE: &[&[u8]] = &[
    b"/.",
    b"/..",
    b"/../",
    b"/./",
    b".",
    b"..",
    b"...",
    b"%2e",
    b"/%2E%2e/",
    b"/%2e./",
    b"%252e%252e",
    b"..;",
    b"/..;x/",
    b"%2F",
    b"%2f",
    b"%252F",
    b"%5C",
    b"\\",
    b"\\..\\",
    b"*",
    b"$",
    b"%",
    b"%z",
    b"%4",
    b"%zz",
    b"%00",
    b"%0d%0a",
    b"%01",
    b"%7f",
    b"\x01",
    b"\x7f",
    b"\t",
    b"#",
    b"%23",
    b"%3F",
    b"\xff",
    b"\xe9",
    b"%FF",
    b"%C3",
    b"\xc3",
    b"\xed\xa0\x80",
    b"%ED%A0%80",
    b"/.countersign",
    b"/%2ecountersign/probe",
    b"/.COUNTERSIGN/keys/1",
    b"/%252ecountersign",
    "\u{ff0e}\u{ff0e}/".as_bytes(),
    "\u{feff}".as_bytes(),
    "\u{2215}".as_bytes(),
    "\u{fffd}".as_bytes(),
];

/// Targets that are only odd.
pub fn odd() -> impl Strategy<Value = Vec<u8>> {
    (vec(select(PATH), 0..12), prop::option::of(vec(select(QUERY), 0..16)))
        .prop_map(|(path, query)| joined(&path, query))
}

/// Targets with anything in them.
pub fn any() -> impl Strategy<Value = Vec<u8>> {
    let long = (1..5_000_usize).prop_map(|length| vec![b'x'; length]);
    let piece = |of: &'static [&'static [u8]]| {
        let long = long.clone();
        prop_oneof![
            24 => select(of).prop_map(<[u8]>::to_vec),
            6 => select(HOSTILE).prop_map(<[u8]>::to_vec),
            1 => long,
        ]
    };
    (vec(piece(PATH), 0..8), prop::option::of(vec(piece(QUERY), 0..8))).prop_map(|(path, query)| {
        let path: Vec<_> = path.iter().map(Vec::as_slice).collect();
        joined(&path, query.as_ref().map(|query| query.iter().map(Vec::as_slice).collect()))
    })
}

fn joined(path: &[&[u8]], query: Option<Vec<&[u8]>>) -> Vec<u8> {
    let query = query.map(|query| [b"?", query.concat().as_slice()].concat()).unwrap_or_default();
    [b"/", path.concat().as_slice(), &query].concat()
}

/// A target as the URL standard writes it: dot segments resolved, an empty query left out, and escapes for what may
/// not stand in a URL as it is.
pub fn written(asked: &[u8]) -> String {
    let (path, query) = match asked.iter().position(|byte| *byte == b'?') {
        Some(at) => (&asked[..at], &asked[at + 1..]),
        None => (asked, &[][..]),
    };
    let path = escaped(&resolved(path), b" \"<>^`{}");
    let query = escaped(query, b" \"'<>");
    if query.is_empty() { path } else { format!("{path}?{query}") }
}

/// RFC 3986 §5.2.4.
fn resolved(path: &[u8]) -> Vec<u8> {
    let mut names: Vec<&[u8]> = Vec::new();
    let mut segments = path[1..].split(|byte| *byte == b'/').peekable();
    while let Some(name) = segments.next() {
        let is_last = segments.peek().is_none();
        match name {
            b"." | b".." => {
                if name == b".." {
                    names.pop();
                }
                if is_last {
                    names.push(b"");
                }
            }
            name => names.push(name),
        }
    }
    [b"/", names.join(&b'/').as_slice()].concat()
}

fn escaped(text: &[u8], unsafe_here: &[u8]) -> String {
    let escape = |byte: u8| match byte {
        0x21..=0x7e if !unsafe_here.contains(&byte) => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.iter().copied().map(escape).collect()
}

/// Another path, one segment further.
pub fn elsewhere(target: &str) -> String {
    let (path, query) = target.split_at(target.find('?').unwrap_or(target.len()));
    format!("{path}/elsewhere{query}")
}
