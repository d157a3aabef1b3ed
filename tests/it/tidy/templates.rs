//! Every authorizer of every template: nothing is cached where an edge proves itself, and the
//! gateway may call the function.

use super::yaml::{Entry, Template};
use super::{assert_none, files_in};

const REST: &str = "AWS::ApiGateway::Authorizer";
const HTTP_OR_WEBSOCKET: &str = "AWS::ApiGatewayV2::Authorizer";

/// A cached answer is given without looking at the request: any proof on it would go unread.
#[test]
fn nothing_is_cached_where_the_edge_proves_itself() {
    let ours = ["template.yaml", "tests/stack/attachments.yaml"];
    let templates = ours.into_iter().chain(files_in("infra/", ".yaml")).map(Template::read);
    let mut wrong = Vec::new();
    for template in templates {
        let authorizers: Vec<_> = template.of_type(&[REST, HTTP_OR_WEBSOCKET]).collect();
        assert!(
            !authorizers.is_empty() || !ours.contains(&template.file.as_str()),
            "{}: no authorizers",
            template.file
        );
        for authorizer in authorizers.into_iter().filter(|authorizer| requires_edge(&template, *authorizer)) {
            let ttl = authorizer.scalar("AuthorizerResultTtlInSeconds");
            if ttl != Some("0") && !(ttl.is_none() && is_for_websocket(authorizer)) {
                wrong.push(format!("{}: {}: AuthorizerResultTtlInSeconds is {ttl:?}", template.file, authorizer.name));
            }
        }
    }
    assert_none("these authorizers need AuthorizerResultTtlInSeconds: 0", &wrong);
}

/// Whether the function behind an authorizer may ask for an edge's proof: always, unless it says
/// that it does not. One from elsewhere says nothing.
fn requires_edge(template: &Template, authorizer: Entry<'_>) -> bool {
    let function = function_of(authorizer).and_then(|name| template.resource(name));
    function.and_then(|function| function.scalar("REQUIRE")) != Some("caller")
}

/// The resource or parameter that names the function.
fn function_of(authorizer: Entry<'_>) -> Option<&str> {
    let (named, _) = authorizer.body.split_once("functions/${")?.1.split_once('}')?;
    Some(named.strip_suffix(".Arn").unwrap_or(named))
}

/// WebSocket APIs cache no answers and have no such property; HTTP APIs must name a payload format.
fn is_for_websocket(authorizer: Entry<'_>) -> bool {
    authorizer.scalar("Type") == Some(HTTP_OR_WEBSOCKET)
        && authorizer.scalar("AuthorizerPayloadFormatVersion").is_none()
}

/// In what people deploy; the emulator of the test bench asks for no such permission.
#[test]
fn the_gateway_may_call_every_authorizer() {
    let mut wrong = Vec::new();
    for template in ["template.yaml"].into_iter().chain(files_in("infra/", ".yaml")).map(Template::read) {
        let permissions: Vec<_> = template.of_type(&["AWS::Lambda::Permission"]).collect();
        let authorizers = template.of_type(&[REST, HTTP_OR_WEBSOCKET]);
        let shut =
            authorizers.filter(|authorizer| !permissions.iter().any(|permission| opens(*permission, *authorizer)));
        wrong.extend(shut.map(|authorizer| format!("{}: {}", template.file, authorizer.name)));
    }
    assert_none("these authorizers have no AWS::Lambda::Permission", &wrong);
}

fn opens(permission: Entry<'_>, authorizer: Entry<'_>) -> bool {
    let function = function_of(authorizer).map(|function| format!("!Ref {function}"));
    permission.scalar("FunctionName") == function.as_deref()
        && permission.scalar("Action") == Some("lambda:InvokeFunction")
        && permission.scalar("Principal") == Some("apigateway.amazonaws.com")
        && permission.scalar("Condition") == authorizer.scalar("Condition")
        && permission.says(&format!("/authorizers/${{{}}}", authorizer.name))
}
