//! Why a signed target is not the event's, for the operator who has to find out whether the request
//! was moved or the configuration is wrong. Shows paths, never the values of a query.

use super::{Target, query};
use crate::limits;
use crate::path_map::PathMap;
use crate::request::{Arn, QueryView, Request};

/// The signed target is not the request that API Gateway reports.
#[derive(Debug)]
pub struct Mismatch {
    /// Both sides and, where an entry of `PATH_MAP` would make them agree, that entry.
    pub detail: String,
}

impl Mismatch {
    pub(super) fn of_paths(target: Target<'_>, request: &Request<'_>, map: &PathMap, authority: &str) -> Self {
        let arn = &request.arn;
        let mapped = match map.event_path(authority, arn, target.path) {
            Some(mapped) if mapped == target.path => String::new(),
            Some(mapped) => format!(", by PATH_MAP {}", quoted(&mapped)),
            None => ", which no PATH_MAP entry of this host, API and stage covers".to_owned(),
        };
        let hint = match path_map_entry(target, request, authority) {
            Some(entry) => format!("if this domain maps the one to the other, add to PATH_MAP: {entry} -- "),
            None => String::new(),
        };
        let detail = format!(
            "{hint}signed path {}{mapped}; event path {}, route {} of {}/{}",
            quoted(target.path),
            quoted(request.path.text()),
            quoted(&arn.path),
            arn.api_id,
            arn.stage,
        );
        Self { detail }
    }

    pub(super) fn of_queries(target: Target<'_>, request: &Request<'_>) -> Self {
        let in_event = match &request.query {
            QueryView::Raw(query) => query::count(query),
            QueryView::Decoded(pairs) => pairs.len(),
            QueryView::Lossy => {
                return Self { detail: "the event loses repeated query values: use payload format 2.0".to_owned() };
            }
            QueryView::Hidden => return Self { detail: "this kind of event shows no query".to_owned() },
        };
        let signed = query::count(target.query);
        let detail = format!("signed query and event's differ: {signed} parameters signed, {in_event} in the event");
        Self { detail }
    }
}

/// The entry that would make the paths agree, if the end of the signed path is the whole route.
fn path_map_entry(target: Target<'_>, request: &Request<'_>, authority: &str) -> Option<String> {
    let Arn { api_id, stage, path: route, .. } = &request.arn;
    let is_default_endpoint =
        authority.strip_prefix(api_id.as_ref()).is_some_and(|domain| domain.starts_with(".execute-api."));
    if is_default_endpoint {
        return None;
    }
    let base = match route.matches('/').count().checked_sub(1) {
        Some(later_segments) => target.path.get(..target.path.rmatch_indices('/').nth(later_segments)?.0)?,
        None => target.path.trim_end_matches('/'),
    };
    let wire = if base.is_empty() { "/" } else { base };
    let event = if stage == "$default" { "" } else { stage };
    let entry = format!("{authority}/{api_id}/{stage}: {wire} => /{event}");
    let map = PathMap::parse(&entry).ok().filter(|_| entry.len() <= limits::QUOTED)?;
    target.path_agrees(request, &map, authority).then_some(entry)
}

fn quoted(text: &str) -> String {
    let end = text.char_indices().nth(limits::QUOTED).map_or(text.len(), |(at, _)| at);
    format!("{:?}", text.get(..end).unwrap_or_default())
}
