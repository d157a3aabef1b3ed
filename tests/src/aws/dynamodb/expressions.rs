//! Condition and filter expressions: comparisons, `begins_with`, `attribute_exists`,
//! `attribute_not_exists`, AND, OR, NOT and parentheses over top-level attributes.
//!
//! An expression is judged as a whole even where its first half decides, so that a mistake anywhere
//! fails the call, as it does in DynamoDB: a placeholder that is missing or left over, a reserved word.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::super::ServiceError;
use super::items::Item;
use super::operations::validation;

/// Those of DynamoDB's reserved words that are also names of our attributes.
const RESERVED: &[&str] = &["keys", "name", "owner", "status", "ttl", "until"];

/// Whether the expression in `input[member]` holds for an item, or for none; true without expression.
pub fn holds(member: &str, input: &Value, item: Option<&Item>) -> Result<bool, ServiceError> {
    let Some(text) = input[member].as_str() else { return Ok(true) };
    let empty = Map::new();
    let mut parser = Parser {
        tokens: tokens(text),
        names: input["ExpressionAttributeNames"].as_object().unwrap_or(&empty),
        values: input["ExpressionAttributeValues"].as_object().unwrap_or(&empty),
        used: BTreeSet::new(),
        item: item.unwrap_or(&empty),
    };
    let held = parser.either().filter(|_| parser.tokens.is_empty());
    let held = held.ok_or_else(|| validation(format!("Invalid {member}: {text}")))?;
    let unused = parser.names.keys().chain(parser.values.keys()).find(|name| !parser.used.contains(name.as_str()));
    match unused {
        None => Ok(held),
        Some(name) => Err(validation(format!("Value provided unused in expressions: keys: {{{name}}}"))),
    }
}

/// Words, operators and punctuation, the next one last.
fn tokens(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let of_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '#' | ':');
        let length = match first {
            c if of_word(c) => rest.find(|c| !of_word(c)).unwrap_or(rest.len()),
            '<' | '>' if rest[1..].starts_with(['=', '>']) => 2,
            c => c.len_utf8(),
        };
        let (token, after) = rest.split_at(length);
        found.push(token);
        rest = after.trim_start();
    }
    found.reverse();
    found
}

struct Parser<'a> {
    tokens: Vec<&'a str>,
    names: &'a Map<String, Value>,
    values: &'a Map<String, Value>,
    used: BTreeSet<&'a str>,
    item: &'a Item,
}

/// Each answers `None` where the expression is not well-formed.
impl<'a> Parser<'a> {
    fn either(&mut self) -> Option<bool> {
        let mut held = self.both()?;
        while self.take("OR") {
            held |= self.both()?;
        }
        Some(held)
    }

    fn both(&mut self) -> Option<bool> {
        let mut held = self.one()?;
        while self.take("AND") {
            held &= self.one()?;
        }
        Some(held)
    }

    fn one(&mut self) -> Option<bool> {
        if self.take("NOT") {
            return self.one().map(|held| !held);
        }
        if self.take("(") {
            let held = self.either()?;
            return self.take(")").then_some(held);
        }
        match *self.tokens.last()? {
            function @ ("attribute_exists" | "attribute_not_exists" | "begins_with") => {
                self.tokens.pop();
                self.call(function)
            }
            _ => self.comparison(),
        }
    }

    fn call(&mut self, function: &str) -> Option<bool> {
        let opened = self.take("(");
        let attribute = self.operand()?;
        let held = match function {
            "attribute_exists" => attribute.is_some(),
            "attribute_not_exists" => attribute.is_none(),
            _ => {
                let separated = self.take(",");
                let prefix = self.operand()?.filter(|_| separated)?["S"].as_str()?;
                attribute.and_then(|value| value["S"].as_str()).is_some_and(|text| text.starts_with(prefix))
            }
        };
        (opened && self.take(")")).then_some(held)
    }

    fn comparison(&mut self) -> Option<bool> {
        let left = self.operand()?;
        let operator = self.tokens.pop()?;
        let order = compare(left, self.operand()?);
        match operator {
            "=" => Some(order == Some(Ordering::Equal)),
            "<>" => Some(order != Some(Ordering::Equal)),
            "<" => Some(order.is_some_and(Ordering::is_lt)),
            "<=" => Some(order.is_some_and(Ordering::is_le)),
            ">" => Some(order.is_some_and(Ordering::is_gt)),
            ">=" => Some(order.is_some_and(Ordering::is_ge)),
            _ => None,
        }
    }

    /// A value, or an attribute that may be absent.
    fn operand(&mut self) -> Option<Option<&'a Value>> {
        let word = self.tokens.pop()?;
        match word.as_bytes().first()? {
            b':' => {
                self.used.insert(word);
                self.values.get(word).map(Some)
            }
            b'#' => {
                self.used.insert(word);
                Some(self.item.get(self.names.get(word)?.as_str()?))
            }
            first if first.is_ascii_alphabetic() && !RESERVED.contains(&word) => Some(self.item.get(word)),
            _ => None,
        }
    }

    fn take(&mut self, token: &str) -> bool {
        let next = self.tokens.last() == Some(&token);
        if next {
            self.tokens.pop();
        }
        next
    }
}

/// `None`: one is absent, or they are of different types.
fn compare(left: Option<&Value>, right: Option<&Value>) -> Option<Ordering> {
    let (left, right) = (left?, right?);
    let number = |value: &Value| value["N"].as_str()?.parse::<i128>().ok();
    if let (Some(left), Some(right)) = (number(left), number(right)) {
        return Some(left.cmp(&right));
    }
    match (left["S"].as_str(), right["S"].as_str()) {
        (Some(left), Some(right)) => Some(left.cmp(right)),
        _ => (left == right).then_some(Ordering::Equal),
    }
}
