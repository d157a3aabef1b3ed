//! A whole record written on a condition: the one way in which Countersign itself changes what an
//! operator's records say.

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Map, Value};

use crate::table::{Item, as_number, number, put_if};
use crate::{KeyTable, Unavailable};

/// What must be there for a record to be written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Expect {
    Absent,
    Version(u64),
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Written {
    /// The record is as it was to be, written now or by an earlier attempt.
    Done,
    /// Something else was there; its version, if it is there and has one.
    Conflict(Option<u64>),
}

impl KeyTable {
    /// Replaces the record `pk` by `attributes`, which do not name `pk` themselves.
    pub async fn put_record(
        &self,
        pk: &str,
        attributes: Map<String, Value>,
        expect: Expect,
    ) -> Result<Written, Unavailable> {
        let mut item: Item = serde_dynamo::to_item(attributes).map_err(|wrong| Unavailable::answer(pk, wrong))?;
        item.insert("pk".to_owned(), AttributeValue::S(pk.to_owned()));
        let put = self.client.put_item().table_name(&self.name).set_item(Some(item.clone()));
        let put = match expect {
            Expect::Absent => put.condition_expression("attribute_not_exists(pk)"),
            Expect::Version(version) => put
                .condition_expression("#version = :version")
                .expression_attribute_names("#version", "version")
                .expression_attribute_values(":version", number(version)),
        };
        // The first attempt of a retried call meets what it wrote itself.
        Ok(match put_if(put).await? {
            None => Written::Done,
            Some(there) if there == item => Written::Done,
            Some(there) => Written::Conflict(as_number(there.get("version"))),
        })
    }
}
