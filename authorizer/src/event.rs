//! What API Gateway asks: five kinds of event, read in one pass and borrowed from the payload.
//!
//! Tells the kinds apart and says for each which field shows what. Takes every event for what it
//! claims to be; whether it is believed is decided elsewhere, by what is signed.

mod json;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use countersign_decision::decision::Fault;
use countersign_decision::request::{Arn, EventKind, Headers, PathView, QueryView, Request};
use countersign_function::event::complaint;
use countersign_function::lines::Text;

use self::json::{Context, Event};

/// The event is none of the five kinds, or not of its kind's documented shape.
#[derive(Debug)]
pub struct Unreadable {
    pub fault: Fault,
    /// For the operator; quotes nothing of the event, which carries credentials.
    pub detail: String,
}

impl Unreadable {
    fn new(detail: impl Into<String>) -> Self {
        Self { fault: Fault::EventUnreadable, detail: detail.into() }
    }

    fn missing(field: &str) -> Self {
        Self::new(format!("the event has no {field}"))
    }
}

impl From<serde_json::Error> for Unreadable {
    fn from(error: serde_json::Error) -> Self {
        Self::new(complaint(&error))
    }
}

/// Reads an event of any kind.
///
/// # Errors
///
/// [`Unreadable`] for whatever API Gateway would not send. More header lines or query parameters
/// than a decision looks at are no error here: a few too many are kept, for it to see.
pub fn parse(payload: &str) -> Result<Request<'_>, Unreadable> {
    let event: Event<'_> = serde_json::from_str(payload)?;
    match event.kind.as_deref() {
        Some("TOKEN") => rest_token(event),
        Some("REQUEST") => match event.version.as_deref() {
            Some("2.0") => http_2(event),
            Some("1.0") => http_1(event),
            // WebSocket events have been seen with other versions, REST events with none.
            _ if event.route_arn.is_some() => http_2(event),
            _ if is_websocket(&event)? => websocket(event),
            _ => rest_request(event),
        },
        _ => Err(Unreadable::new("the event's type is neither TOKEN nor REQUEST")),
    }
}

/// By the ARN, the event type and the missing method, all three: no path can look like it.
fn is_websocket(event: &Event<'_>) -> Result<bool, Unreadable> {
    let connects = event.method_arn.as_deref().is_some_and(|arn| arn.ends_with("/$connect"));
    let event_type = event.request_context.as_ref().and_then(|context| context.event_type.as_deref());
    match (event_type, event.http_method.is_some()) {
        (Some("CONNECT"), false) if connects => Ok(true),
        (None, true) => Ok(false),
        _ => Err(Unreadable::new("the event is neither a REST request nor a WebSocket's $connect")),
    }
}

fn rest_token(event: Event<'_>) -> Result<Request<'_>, Unreadable> {
    let arn = arn(event.method_arn, "methodArn")?;
    let token = required(event.authorization_token, "authorizationToken")?;
    Ok(Request {
        kind: EventKind::RestToken,
        method: arn.method.clone(),
        arn,
        headers: Headers::default(),
        authorization_token: Some(token),
        path: PathView::Hidden,
        query: QueryView::Hidden,
        api_id: None,
        stage: None,
        domain_name: None,
        source_ip: None,
        request_id: None,
        route: None,
    })
}

fn rest_request(mut event: Event<'_>) -> Result<Request<'_>, Unreadable> {
    let (headers, query) = (event.headers()?, event.query()?);
    let mut context = event.request_context.unwrap_or_default();
    let path = match (event.raw_path.or(context.path.take()), event.path) {
        (Some(wire), _) => PathView::Wire(wire.0),
        (None, Some(path)) => PathView::WireWithoutStage(path.0),
        (None, None) => return Err(Unreadable::missing("path")),
    };
    let method = required(event.http_method, "httpMethod")?;
    Ok(request(EventKind::RestRequest, arn(event.method_arn, "methodArn")?, method, headers, path, query, context))
}

fn http_1(mut event: Event<'_>) -> Result<Request<'_>, Unreadable> {
    let (headers, query) = (event.headers()?, event.query()?);
    let path = PathView::Decoded(required(event.path, "path")?);
    let method = required(event.http_method, "httpMethod")?;
    let context = event.request_context.unwrap_or_default();
    Ok(request(EventKind::Http1, arn(event.method_arn, "methodArn")?, method, headers, path, query, context))
}

fn http_2(mut event: Event<'_>) -> Result<Request<'_>, Unreadable> {
    let headers = event.headers()?;
    let path = PathView::Decoded(required(event.raw_path, "rawPath")?);
    let query = QueryView::Raw(required(event.raw_query_string, "rawQueryString")?);
    let mut context = event.request_context.unwrap_or_default();
    let method = context.http.as_mut().and_then(|http| http.method.take());
    let method = required(method, "requestContext.http.method")?;
    Ok(request(EventKind::Http2, arn(event.route_arn, "routeArn")?, method, headers, path, query, context))
}

fn websocket(mut event: Event<'_>) -> Result<Request<'_>, Unreadable> {
    let (headers, query) = (event.headers()?, event.query()?);
    let context = event.request_context.unwrap_or_default();
    let arn = arn(event.method_arn, "methodArn")?;
    Ok(request(EventKind::WebSocket, arn, "GET".into(), headers, PathView::Hidden, query, context))
}

fn request<'a>(
    kind: EventKind,
    arn: Arn<'a>,
    method: Cow<'a, str>,
    headers: Headers<'a>,
    path: PathView<'a>,
    query: QueryView<'a>,
    context: Context<'a>,
) -> Request<'a> {
    let source_ip = match kind {
        EventKind::Http2 => context.http.and_then(|http| http.source_ip),
        _ => context.identity.and_then(|identity| identity.source_ip),
    };
    Request {
        kind,
        arn,
        method,
        headers,
        authorization_token: None,
        path,
        query,
        api_id: context.api_id.map(|text| text.0),
        stage: context.stage.map(|text| text.0),
        domain_name: context.domain_name.map(|text| text.0),
        source_ip: source_ip.map(|text| text.0),
        request_id: context.request_id.map(|text| text.0),
        route: context.route_key.or(context.resource_path).map(|text| text.0),
    }
}

fn arn<'a>(text: Option<Text<'a>>, field: &str) -> Result<Arn<'a>, Unreadable> {
    Arn::parse(required(text, field)?).ok_or_else(|| Unreadable::new(format!("{field} is not an execute-api ARN")))
}

fn required<'a>(text: Option<Text<'a>>, field: &str) -> Result<Cow<'a, str>, Unreadable> {
    text.map(|text| text.0).ok_or_else(|| Unreadable::missing(field))
}
