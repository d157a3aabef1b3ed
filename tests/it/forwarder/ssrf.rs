//! Requests to where none should go: a back end is what the deploy-time list says, whatever a request, a
//! record or a name server says.

use countersign_tests::backend::{Backend, Behaviour};
use countersign_tests::binary;
use countersign_tests::events::proxy::{Form, Passed};
use countersign_tests::forwarder::{Forwarding, caller, with};
use serde_json::json;

#[tokio::test]
async fn no_path_names_a_host() {
    let forwarding = Forwarding::with_a_route().await;
    let function = forwarding.forwarder(&[]).await;
    let elsewhere = Backend::start("elsewhere").await;
    let place = format!("127.0.0.1:{}", elsewhere.port());
    for path in [
        format!("http://{place}/x"),
        format!("//{place}/x"),
        format!("///{place}/x"),
        format!("/\\{place}/x"),
        format!("\\\\{place}\\x"),
        format!("@{place}/x"),
        format!(":{}/x", elsewhere.port()),
        format!("/%2F{place}/x"),
        format!("/%2f%2f{place}/x"),
        format!("/%5c{place}/x"),
        format!("/x/..//{place}/x"),
        format!("/x/%2e%2e/%2f{place}"),
        format!("/http://{place}/x"),
        format!("/@{place}/x"),
        format!("/x@{place}/x"),
        format!("/.@{place}/"),
        "http:/items".to_owned(),
        "*".to_owned(),
        String::new(),
    ] {
        for form in Form::ALL {
            let request = forwarding.request("GET", "/items");
            let mut event = forwarding.api.integration_event(form, &request, (b"", Passed::Text), &caller());
            let field = if form == Form::Http2 { "rawPath" } else { "path" };
            event[field] = json!(path);
            let decided = function.decide(event.to_string()).await;
            for received in forwarding.blue.take() {
                assert_eq!(received.header("host"), Some(forwarding.blue.url().trim_start_matches("http://")));
                assert!(received.target.starts_with('/') && !received.target.starts_with("//"), "{path}");
            }
            assert_eq!(elsewhere.connections(), 0, "{form:?} {path}: {:?}", decided.audit);
        }
    }
}

#[tokio::test]
async fn no_header_and_no_context_names_a_host() {
    let forwarding = Forwarding::with_a_route().await;
    let function = forwarding.forwarder(&[]).await;
    let elsewhere = Backend::start("elsewhere").await;
    let place = format!("127.0.0.1:{}", elsewhere.port());
    for form in Form::ALL {
        let names =
            ["X-Forwarded-Host", "X-Host", "Forwarded", "X-Original-Host", "X-Original-URL", "Edge-Target", "Referer"];
        let url = format!("http://{place}/x");
        let request = forwarding.request("GET", "/items?url=http://169.254.169.254/latest/meta-data");
        let request = names.iter().fold(request, |request, name| request.with_header(name, &url));
        let context = with(&caller(), "client_host", &place);
        let mut event = forwarding.api.integration_event(form, &request, (b"", Passed::Text), &context);
        for headers in ["headers", "multiValueHeaders"] {
            if let Some(headers) = event[headers].as_object_mut() {
                headers.retain(|name, _| !name.eq_ignore_ascii_case("host"));
            }
        }
        event["headers"]["host"] = json!(place);
        if form != Form::Http2 {
            event["multiValueHeaders"]["host"] = json!([place]);
        }
        event["requestContext"]["domainName"] = json!(place);
        function.decide(event.to_string()).await;
        let [received] = &forwarding.blue.take()[..] else { panic!("{form:?}: not one request") };
        assert_eq!(received.header("host"), Some(forwarding.blue.url().trim_start_matches("http://")), "{form:?}");
        assert!(received.target.contains("/items?"), "{form:?}: {}", received.target);
    }
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn no_record_names_a_place() {
    let elsewhere = Backend::start("elsewhere").await;
    for backend in [elsewhere.url(), format!("127.0.0.1:{}", elsewhere.port()), "nobody".to_owned()] {
        let forwarding = Forwarding::new().await;
        forwarding.put_route("all", &json!({ "backend": backend }));
        let function = forwarding.forwarder(&[("DEFAULT_BACKEND", "green")]).await;
        let request = forwarding.request("GET", "/items");
        let forwarded = forwarding.send(&function, Form::Rest, &request, &caller()).await;
        assert_eq!(forwarded.status, 500, "{backend}");
        assert!(["record_malformed", "backend_unlisted"].contains(&forwarded.code()), "{}", forwarded.code());
        assert_eq!((forwarding.green.connections(), elsewhere.connections()), (0, 0), "{backend}");
    }
}

#[tokio::test]
async fn a_name_that_resolves_to_a_private_address_is_refused_unless_listed() {
    let inside = Backend::start("inside").await;
    let port = inside.port();
    // The last two are other ways to write 127.0.0.1, which some resolvers take apart.
    for (host, why) in
        [("localhost", "has no public address"), ("2130706433", "invalid dns name"), ("0x7f.1", "invalid dns name")]
    {
        let forwarding = Forwarding::new().await;
        let backends = format!("inside=https://{host}:{port}");
        let more = [("BACKENDS", backends.as_str()), ("DEFAULT_BACKEND", "inside")];
        let request = forwarding.request("GET", "/items");

        let function = forwarding.forwarder(&more).await;
        let forwarded = forwarding.send(&function, Form::Rest, &request, &caller()).await;
        assert_eq!((forwarded.status, forwarded.code()), (502, "backend_unreachable"), "{host}");
        let causes = forwarded.decided.audit["causes"].to_string();
        assert!(causes.contains(why), "{host}: {causes}");
        assert_eq!(inside.connections(), 0, "{host}");
    }

    let forwarding = Forwarding::new().await;
    let backends = format!("inside=https://localhost:{port}");
    let more = [("BACKENDS", backends.as_str()), ("DEFAULT_BACKEND", "inside"), ("PRIVATE_BACKENDS", "inside")];
    let function = forwarding.forwarder(&more).await;
    let request = forwarding.request("POST", "/items");
    let forwarded = forwarding.send(&function, Form::Rest, &request, &caller()).await;
    // It speaks no TLS; but it was asked.
    assert_eq!((forwarded.code(), inside.connections()), ("backend_unreachable", 1));
}

/// Not even TLS says then who answers; so this takes more than a URL.
#[tokio::test]
async fn a_name_without_tls_has_to_be_listed_as_private() {
    let inside = Backend::start("inside").await;
    let forwarding = Forwarding::new().await;
    let backends = format!("inside=http://localhost:{}", inside.port());
    let more = [("BACKENDS", backends.as_str()), ("DEFAULT_BACKEND", "inside")];
    let failed = forwarding.try_forwarder(binary::forwarder(), &more, &[]).await.err().expect("it starts");
    assert!(failed.message.contains("\nBACKENDS has \"inside\", a plain http:// URL"), "{}", failed.message);
    assert!(failed.message.contains("list \"inside\" in PRIVATE_BACKENDS"), "{}", failed.message);

    let listed = [&more[..], &[("PRIVATE_BACKENDS", "inside")]].concat();
    let function = forwarding.forwarder(&listed).await;
    let request = forwarding.request("GET", "/items");
    let forwarded = forwarding.send(&function, Form::Rest, &request, &caller()).await;
    assert_eq!((forwarded.status, inside.take().len()), (200, 1));
}

#[tokio::test]
async fn no_redirect_and_no_proxy_of_the_environment_leads_elsewhere() {
    let forwarding = Forwarding::with_a_route().await;
    let elsewhere = Backend::start("elsewhere").await;
    let url = elsewhere.url();
    let proxies = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    // The SDK does as the environment says; this keeps it from the proxy, and back ends' addresses not.
    let table = forwarding.table.service.url().replace("127.0.0.1", "localhost");
    let own = [("NO_PROXY", "localhost"), ("AWS_ENDPOINT_URL_DYNAMODB", table.as_str())];
    let more: Vec<_> = proxies.into_iter().map(|name| (name, url.as_str())).chain(own).collect();
    let function = forwarding.forwarder(&more).await;
    let headers = vec![("Location", format!("{url}/latest/meta-data"))];
    forwarding.blue.always(Behaviour::Reply { status: 307, headers, body: "".into() });
    for method in ["GET", "POST"] {
        let request = forwarding.request(method, "/items");
        let forwarded = forwarding.send(&function, Form::Rest, &request, &caller()).await;
        assert_eq!(forwarded.status, 307);
    }
    assert_eq!((forwarding.blue.take().len(), elsewhere.connections()), (2, 0));
}
