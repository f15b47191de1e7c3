//! The part of JSON Schema that docs/report.schema.json uses: enough to hold a document against it, no more. A keyword
//! that is not known here is an error, so that no rule of the schema can be passed over.

use serde_json::Value;
use std::collections::BTreeSet;

pub(crate) struct Schema(Value);

impl Schema {
    pub(crate) fn new(document: Value) -> Self {
        Self(document)
    }

    pub(crate) fn validate(&self, value: &Value) -> Result<(), String> {
        self.check(&self.0, value, "$")
    }

    fn check(&self, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
        for (keyword, rule) in schema.as_object().unwrap() {
            let holds = match keyword.as_str() {
                "$schema" | "$id" | "$defs" | "title" | "description" | "format" | "properties" => true,
                "$ref" => {
                    let name = rule.as_str().unwrap().strip_prefix("#/$defs/").unwrap();
                    return self.check(&self.0["$defs"][name], value, at);
                }
                "type" => match rule.as_str().unwrap() {
                    "object" => value.is_object(),
                    "array" => value.is_array(),
                    "string" => value.is_string(),
                    "boolean" => value.is_boolean(),
                    "integer" => value.is_u64() || value.is_i64(),
                    other => return Err(format!("unknown type {other}")),
                },
                "minimum" => value.as_i64().is_none_or(|number| number >= rule.as_i64().unwrap()),
                "const" => value == rule,
                "enum" => rule.as_array().unwrap().contains(value),
                "required" => rule.as_array().unwrap().iter().all(|name| value.get(name.as_str().unwrap()).is_some()),
                "items" => {
                    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                        self.check(rule, item, &format!("{at}[{index}]"))?;
                    }
                    true
                }
                "oneOf" => rule.as_array().unwrap().iter().filter(|one| self.check(one, value, at).is_ok()).count() == 1,
                "additionalProperties" => {
                    for (name, item) in value.as_object().into_iter().flatten() {
                        let at = format!("{at}.{name}");
                        match (schema["properties"].get(name), rule) {
                            (Some(known), _) => self.check(known, item, &at)?,
                            (None, Value::Bool(true)) => {}
                            (None, Value::Bool(false)) => return Err(format!("{at}: not in the schema")),
                            (None, other) => self.check(other, item, &at)?,
                        }
                    }
                    true
                }
                other => return Err(format!("unknown keyword {other}")),
            };
            if !holds {
                return Err(format!("{at}: {keyword} {rule} does not hold of {value}"));
            }
        }
        Ok(())
    }
}

/// Every name of a field in a document.
pub(crate) fn fields(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => map.iter().for_each(|(name, value)| {
            names.insert(name.clone());
            fields(value, names);
        }),
        Value::Array(list) => list.iter().for_each(|value| fields(value, names)),
        _ => {}
    }
}

/// Every name of a field that the schema promises.
pub(crate) fn promised(schema: &Value) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    collect(schema, &mut names);
    names
}

fn collect(schema: &Value, names: &mut BTreeSet<String>) {
    match schema {
        Value::Object(map) => map.iter().for_each(|(keyword, value)| {
            if keyword == "properties" {
                names.extend(value.as_object().unwrap().keys().cloned());
            }
            collect(value, names);
        }),
        Value::Array(list) => list.iter().for_each(|value| collect(value, names)),
        _ => {}
    }
}
