//! `sync#lease#<name>`: who may write now. A lease is held until it is released or runs out.
//!
//! The clock is the caller's, as everywhere. Two clocks differ, so a lease alone stops nobody at its
//! last moment: whoever holds one renews it before each write, and what it writes to stands a late one.

use std::time::Duration;

use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use countersign_decision::time::Timestamp;
use serde::Deserialize;

use crate::table::{number, put_if, text};
use crate::{KeyTable, Unavailable};

/// A lease as it stands in the table, run out or not.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Lease {
    pub owner: String,
    pub until: Timestamp,
}

impl KeyTable {
    /// `false`: another owner holds it. An owner is one run, never a function: whoever already owns the
    /// lease takes it again, which is what a retry after a lost answer does.
    pub async fn take_lease(
        &self,
        name: &str,
        owner: &str,
        now: Timestamp,
        span: Duration,
    ) -> Result<bool, Unavailable> {
        let put = self
            .lease_item(name, owner, now.plus(span))
            .condition_expression("attribute_not_exists(pk) OR #until < :now OR #owner = :owner")
            .expression_attribute_names("#until", "until")
            .expression_attribute_values(":now", number(now.as_millis()));
        Ok(put_if(put).await?.is_none())
    }

    /// `false`: it is lost. One that ran out, but that nobody took meanwhile, is still ours.
    pub async fn renew_lease(
        &self,
        name: &str,
        owner: &str,
        now: Timestamp,
        span: Duration,
    ) -> Result<bool, Unavailable> {
        let put = self.lease_item(name, owner, now.plus(span)).condition_expression("#owner = :owner");
        Ok(put_if(put).await?.is_none())
    }

    /// Succeeds where it is not ours any more, and leaves that one alone.
    pub async fn release_lease(&self, name: &str, owner: &str) -> Result<(), Unavailable> {
        let delete = self
            .delete_item(pk(name))
            .condition_expression("#owner = :owner")
            .expression_attribute_names("#owner", "owner")
            .expression_attribute_values(":owner", text(owner));
        match delete.send().await {
            Ok(_) => Ok(()),
            Err(error) => match error.as_service_error() {
                Some(DeleteItemError::ConditionalCheckFailedException(_)) => Ok(()),
                _ => Err(Unavailable::of("DeleteItem", &error)),
            },
        }
    }

    /// Who has it, for a report; nothing may be decided by it.
    pub async fn lease(&self, name: &str) -> Result<Option<Lease>, Unavailable> {
        #[derive(Deserialize)]
        struct Item {
            owner: String,
            until: u64,
        }
        let pk = pk(name);
        let item = self.read::<Item>(pk.clone()).await?.transpose();
        let item = item.map_err(|wrong| Unavailable::answer(&pk, wrong))?;
        Ok(item.map(|item| Lease { owner: item.owner, until: Timestamp::from_millis(item.until) }))
    }

    fn lease_item(&self, name: &str, owner: &str, until: Timestamp) -> PutItemFluentBuilder {
        self.put_item(pk(name))
            .item("owner", text(owner))
            .item("until", number(until.as_millis()))
            .expression_attribute_names("#owner", "owner")
            .expression_attribute_values(":owner", text(owner))
    }
}

fn pk(name: &str) -> String {
    format!("sync#lease#{name}")
}
