//! What all events of API Gateway have in common, whoever they are for.

use serde::Deserialize;
use serde_json::error::Category;

use crate::lines::Text;

/// `requestContext.identity`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Peer<'a> {
    #[serde(borrow)]
    pub source_ip: Option<Text<'a>>,
}

/// `requestContext.http`, which only format 2.0 has.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Http<'a> {
    #[serde(borrow)]
    pub method: Option<Text<'a>>,
    pub source_ip: Option<Text<'a>>,
}

/// What is wrong with an event and where, without a word of what it says.
pub fn complaint(error: &serde_json::Error) -> String {
    let what = match error.classify() {
        Category::Io | Category::Eof => "ends too soon",
        Category::Syntax => "is not JSON",
        Category::Data => "has a field of another type than documented, or one twice",
    };
    format!("the event {what}, at line {} column {}", error.line(), error.column())
}
