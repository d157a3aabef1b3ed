//! As much of JSON Schema 2020-12 as `tests/schemas` uses. A keyword that is not understood fails, so
//! that no schema is believed to say more than is checked.

use serde_json::{Map, Value};

/// Keywords that say something to people.
const REMARKS: [&str; 5] = ["$schema", "$id", "$defs", "title", "description"];

/// Everything that is wrong with a value, with the path to it.
pub fn errors(schema: &Value, value: &Value) -> Vec<String> {
    let mut errors = Vec::new();
    Checker { root: schema, errors: &mut errors }.check(schema, value, "$");
    errors
}

struct Checker<'s> {
    root: &'s Value,
    errors: &'s mut Vec<String>,
}

impl Checker<'_> {
    fn check(&mut self, schema: &Value, value: &Value, at: &str) {
        let schema = schema.as_object().expect("a schema is an object");
        for (keyword, says) in schema {
            if !REMARKS.contains(&keyword.as_str()) && !self.holds(schema, keyword, says, value, at) {
                self.errors.push(format!("{at}: {value} is against {keyword} {says}"));
            }
        }
    }

    fn holds(&mut self, schema: &Map<String, Value>, keyword: &str, says: &Value, value: &Value, at: &str) -> bool {
        let number = says.as_i64();
        let length = value.as_str().map(|text| i64::try_from(text.chars().count()).unwrap());
        let items = value.as_array().map(|items| i64::try_from(items.len()).unwrap());
        let members = value.as_object().map(|members| i64::try_from(members.len()).unwrap());
        let at_least = |n: Option<i64>| n.is_none_or(|n| n >= number.unwrap());
        let at_most = |n: Option<i64>| n.is_none_or(|n| n <= number.unwrap());
        match keyword {
            "const" => value == says,
            "enum" => says.as_array().unwrap().contains(value),
            "type" => says.as_array().map_or_else(|| is(says, value), |types| types.iter().any(|one| is(one, value))),
            "minLength" => at_least(length),
            "maxLength" => at_most(length),
            "minItems" => at_least(items),
            "maxItems" => at_most(items),
            "minProperties" => at_least(members),
            "maxProperties" => at_most(members),
            "minimum" => at_least(value.as_i64()),
            "maximum" => at_most(value.as_i64()),
            "required" => says.as_array().unwrap().iter().all(|name| value.get(name.as_str().unwrap()).is_some()),
            "properties" | "additionalProperties" => self.members_hold(schema, keyword, value, at),
            "items" => {
                let items = value.as_array().into_iter().flatten().enumerate();
                items.for_each(|(n, item)| self.check(says, item, &format!("{at}[{n}]")));
                true
            }
            "$ref" => {
                let target = self.root.pointer(says.as_str().unwrap().strip_prefix('#').unwrap()).unwrap();
                self.check(target, value, at);
                true
            }
            "oneOf" => {
                let root = self.root;
                let hold = |one: &&Value| {
                    let mut errors = Vec::new();
                    Checker { root, errors: &mut errors }.check(one, value, at);
                    errors.is_empty()
                };
                says.as_array().unwrap().iter().filter(hold).count() == 1
            }
            other => panic!("the keyword {other} is not understood"),
        }
    }

    /// `properties` checks the members that it names, `additionalProperties` all others.
    fn members_hold(&mut self, schema: &Map<String, Value>, keyword: &str, value: &Value, at: &str) -> bool {
        let named = schema.get("properties");
        for (name, member) in value.as_object().into_iter().flatten() {
            let at = format!("{at}.{name}");
            match (keyword, named.and_then(|named| named.get(name)), &schema[keyword]) {
                ("properties", Some(schema), _) => self.check(schema, member, &at),
                ("additionalProperties", None, Value::Bool(false)) => self.errors.push(format!("{at} is not foreseen")),
                ("additionalProperties", None, schema) => self.check(schema, member, &at),
                _ => {}
            }
        }
        true
    }
}

fn is(one: &Value, value: &Value) -> bool {
    match one.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        other => panic!("the type {other} is not understood"),
    }
}
