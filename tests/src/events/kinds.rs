//! The five events, field by field.

use serde_json::{Value, json};

use super::views::{all, decoded, headers_as_sent, headers_lower_case, joined, last, query_pairs};
use super::{Api, WireRequest};

const SOURCE_IP: &str = "198.51.100.20";
const ACCOUNT: &str = "123456789012";
const REQUEST_ID: &str = "7c2af7db-31f3-42b5-8a6d-9ffc74e3b9e0";

/// One header, `Authorization`, and the ARN; nothing else.
pub fn rest_token(api: &Api, request: &WireRequest) -> Value {
    json!({
        "type": "TOKEN",
        "authorizationToken": request.header("authorization").unwrap_or_default(),
        "methodArn": rest_arn(api, request, &request.method),
    })
}

/// The path as sent, the query decoded. `X-HTTP-Method-Override` rewrites the method.
pub fn rest_request(api: &Api, request: &WireRequest) -> Value {
    let method = request.header("x-http-method-override").unwrap_or(&request.method);
    let headers = headers_as_sent(&request.authority, &request.headers);
    let query = query_pairs(request.query());
    let resource = api.resource(request);
    // On the default endpoint `path` lacks the stage; behind a custom domain it is what was sent.
    let path = if api.base_path.is_some() { request.path() } else { resource };
    json!({
        "type": "REQUEST",
        "methodArn": rest_arn(api, request, method),
        "resource": "/{proxy+}",
        "path": collapsed(path),
        "httpMethod": method,
        "headers": last(&headers),
        "multiValueHeaders": all(&headers),
        "queryStringParameters": last(&query),
        "multiValueQueryStringParameters": all(&query),
        "pathParameters": { "proxy": resource.trim_start_matches('/') },
        "stageVariables": {},
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": api.id,
            "domainName": api.domain,
            "domainPrefix": api.domain.split('.').next(),
            "extendedRequestId": "ATfSdF7nPHcErRA=",
            "httpMethod": method,
            "identity": { "sourceIp": SOURCE_IP, "userAgent": "edge" },
            "path": collapsed(request.path()),
            "protocol": "HTTP/1.1",
            "requestId": REQUEST_ID,
            "requestTime": "22/Nov/2026:10:00:00 +0000",
            "requestTimeEpoch": 1_795_341_600_000_u64,
            "resourceId": "al6gqb",
            "resourcePath": "/{proxy+}",
            "stage": api.stage,
        },
    })
}

/// REST-shaped, with a decoded path and names in lower case.
pub fn http1(api: &Api, request: &WireRequest) -> Value {
    let headers = headers_lower_case(&request.authority, &request.headers);
    let query = query_pairs(request.query());
    let resource = decoded(api.resource(request));
    let path = with_stage(api, &resource);
    let identity_source = request.header("signature-input").unwrap_or_default();
    let mut event = json!({
        "version": "1.0",
        "type": "REQUEST",
        "methodArn": api.arn(&format!("{}{resource}", request.method)),
        "identitySource": identity_source,
        "authorizationToken": identity_source,
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": request.method,
        "headers": last(&headers),
        "queryStringParameters": last(&query),
        "pathParameters": { "proxy": resource.trim_start_matches('/') },
        "stageVariables": {},
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": api.id,
            "domainName": api.domain,
            "domainPrefix": api.domain.split('.').next(),
            "extendedRequestId": "ATfSmjLgPHcESJw=",
            "httpMethod": request.method,
            "identity": { "sourceIp": SOURCE_IP, "userAgent": "edge" },
            "path": path,
            "protocol": "HTTP/1.1",
            "requestId": REQUEST_ID,
            "requestTime": "22/Nov/2026:10:00:00 +0000",
            "requestTimeEpoch": 1_795_341_600_000_u64,
            "resourceId": "ANY /{proxy+}",
            "resourcePath": "/{proxy+}",
            "stage": api.stage,
        },
    });
    if api.http1_multi_value {
        event["multiValueHeaders"] = all(&headers);
        event["multiValueQueryStringParameters"] = all(&query);
    }
    event
}

/// A decoded path, a query as sent, repeated headers joined.
pub fn http2(api: &Api, request: &WireRequest) -> Value {
    let headers = headers_lower_case(&request.authority, &request.headers);
    let resource = decoded(api.resource(request));
    let path = with_stage(api, &resource);
    let mut event = json!({
        "version": "2.0",
        "type": "REQUEST",
        "routeArn": api.arn(&format!("{}{resource}", request.method)),
        "identitySource": request.header("signature-input").map(|input| [input]),
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": request.query(),
        "headers": joined(&headers),
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": api.id,
            "domainName": api.domain,
            "domainPrefix": api.domain.split('.').next(),
            "http": {
                "method": request.method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": SOURCE_IP,
                "userAgent": "edge",
            },
            "requestId": REQUEST_ID,
            "routeKey": "$default",
            "stage": api.stage,
            "time": "22/Nov/2026:10:00:00 +0000",
            "timeEpoch": 1_795_341_600_000_u64,
        },
    });
    if !request.query().is_empty() {
        event["queryStringParameters"] = joined(&query_pairs(request.query()));
    }
    event
}

/// No method, no path: the upgrade to a connection, before it stands.
pub fn websocket(api: &Api, request: &WireRequest) -> Value {
    let headers = headers_as_sent(&request.authority, &request.headers);
    let query = query_pairs(request.query());
    json!({
        "type": "REQUEST",
        "methodArn": api.arn("$connect"),
        "headers": last(&headers),
        "multiValueHeaders": all(&headers),
        "queryStringParameters": last(&query),
        "multiValueQueryStringParameters": all(&query),
        "stageVariables": {},
        "requestContext": {
            "apiId": api.id,
            "connectedAt": 1_795_341_600_000_u64,
            "connectionId": "ATfSmfFGPHcCJhw=",
            "domainName": api.domain,
            "eventType": "CONNECT",
            "extendedRequestId": "ATfSmEpdvHcFuLg=",
            "identity": { "sourceIp": SOURCE_IP, "userAgent": "edge" },
            "messageDirection": "IN",
            "requestId": REQUEST_ID,
            "requestTime": "22/Nov/2026:10:00:00 +0000",
            "requestTimeEpoch": 1_795_341_600_001_u64,
            "routeKey": "$connect",
            "stage": api.stage,
        },
    })
}

fn rest_arn(api: &Api, request: &WireRequest, method: &str) -> String {
    api.arn(&format!("{method}{}", collapsed(api.resource(request))))
}

/// HTTP APIs put a named stage in front of the path, under custom domains too.
fn with_stage(api: &Api, resource: &str) -> String {
    if api.stage == "$default" { resource.to_owned() } else { format!("/{}{resource}", api.stage) }
}

/// REST merges slashes at the very beginning of a path, and only there.
fn collapsed(path: &str) -> String {
    format!("/{}", path.trim_start_matches('/'))
}
