//! More of everything than any gateway sends, and names that none would pass on.

use countersign_tests::events::{Kind, WireRequest};

use super::{Allowed, Target};

const MEGABYTE: usize = 1 << 20;

/// Sends a good request, changed in one way, as each of these kinds reports it.
async fn send_changed(kinds: &[Kind], allowed: Allowed, change: impl Fn(&mut WireRequest)) {
    let target = Target::new().await;
    for &kind in kinds {
        let mut request = target.deployment.signed("GET", "/items?page=1", "owner-key-0001-imported");
        change(&mut request);
        let event = target.deployment.api.event(kind, &request);
        target.send(kind, event.to_string(), allowed, "changed").await;
    }
    target.assert_alive().await;
}

/// The kinds that show a path and a method.
const WITH_PATH: &[Kind] = &[Kind::RestRequest, Kind::Http1, Kind::Http2];

fn add(request: &mut WireRequest, count: usize, name: impl Fn(usize) -> String, value: &str) {
    request.headers.extend((0..count).map(|n| (name(n), value.to_owned())));
}

#[tokio::test]
async fn ten_thousand_headers() {
    send_changed(&Kind::SIGNABLE, Allowed::Never, |request| add(request, 10_000, |n| format!("X-{n}"), "x")).await;
}

#[tokio::test]
async fn ten_thousand_lines_of_one_header() {
    send_changed(&Kind::SIGNABLE, Allowed::Perhaps, |request| add(request, 10_000, |_| "Cookie".into(), "x")).await;
}

#[tokio::test]
async fn ten_thousand_signatures() {
    send_changed(&Kind::SIGNABLE, Allowed::Never, |request| {
        add(request, 10_000, |_| "Signature".into(), "edge=:AA==:")
    })
    .await;
    let inputs = (0..10_000).map(|n| format!("sig{n}=();tag=\"other\"")).collect::<Vec<_>>().join(", ");
    send_changed(&Kind::SIGNABLE, Allowed::Never, |request| add(request, 1, |_| "Signature-Input".into(), &inputs))
        .await;
}

#[tokio::test]
async fn a_megabyte_of_a_header_that_counts() {
    for name in
        ["Signature-Input", "Signature", "Edge-Target", "Edge-Key", "Edge-Anything", "Authorization", "X-Api-Key"]
    {
        let value = "x".repeat(MEGABYTE);
        send_changed(&Kind::SIGNABLE, Allowed::Never, |request| add(request, 1, |_| name.into(), &value)).await;
        send_changed(&Kind::SIGNABLE, Allowed::Never, |request| {
            request.headers.retain(|(sent, _)| !sent.eq_ignore_ascii_case(name));
            add(request, 1, |_| name.into(), &format!("Bearer {value}"));
        })
        .await;
    }
}

#[tokio::test]
async fn a_megabyte_of_anything_else() {
    let long = "x".repeat(MEGABYTE);
    send_changed(&Kind::SIGNABLE, Allowed::Perhaps, |request| add(request, 1, |_| "X-Large".into(), &long)).await;
    send_changed(&Kind::SIGNABLE, Allowed::Perhaps, |request| add(request, 1, |_| long.clone(), "x")).await;
    send_changed(&Kind::SIGNABLE, Allowed::Never, |request| request.authority.clone_from(&long)).await;
    send_changed(&Kind::SIGNABLE, Allowed::Never, |request| request.target += &format!("&x={long}")).await;
    send_changed(WITH_PATH, Allowed::Never, |request| request.target = format!("/prod/{long}?page=1")).await;
    send_changed(WITH_PATH, Allowed::Never, |request| request.method.clone_from(&long)).await;
}

#[tokio::test]
async fn a_hundred_thousand_parameters() {
    send_changed(&Kind::SIGNABLE, Allowed::Never, |request| request.target += &"&x=1".repeat(100_000)).await;
    let distinct: String = (0..20_000).map(|n| format!("&x{n}=1")).collect();
    send_changed(&Kind::SIGNABLE, Allowed::Never, |request| request.target += &distinct).await;
}

#[tokio::test]
async fn names_that_no_header_has() {
    for name in ["Ünïcødé-日本", "X-\u{0}\n", "", " ", "edge-\u{212a}ey", "Edge-\u{e4}", "\u{feff}edge-key", "X:Y"]
    {
        let counts = name.to_ascii_lowercase().starts_with("edge-");
        let allowed = if counts { Allowed::Never } else { Allowed::Perhaps };
        send_changed(&Kind::SIGNABLE, allowed, |request| add(request, 1, |_| name.into(), "a\r\nb\u{0}")).await;
    }
}
