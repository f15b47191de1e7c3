//! JSON as logs sign it: RFC 8785 (JCS) for the values that occur here.

use serde_json::Value;

/// The canonical form: members sorted by name, no white space, integers in plain decimal. Floats do not occur.
#[must_use]
pub fn canonical(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    write(value, &mut out);
    out
}

fn write(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Object(members) => {
            // Sorted here, for the map's own order depends on a feature that another crate may turn on.
            let mut names: Vec<&String> = members.keys().collect();
            names.sort_by_key(|name| name.encode_utf16().collect::<Vec<u16>>());
            out.push(b'{');
            for (position, name) in names.into_iter().enumerate() {
                if position > 0 {
                    out.push(b',');
                }
                write(&Value::String(name.clone()), out);
                out.push(b':');
                write(&members[name], out);
            }
            out.push(b'}');
        }
        Value::Array(items) => {
            out.push(b'[');
            for (position, item) in items.iter().enumerate() {
                if position > 0 {
                    out.push(b',');
                }
                write(item, out);
            }
            out.push(b']');
        }
        scalar => out.extend(scalar.to_string().into_bytes()),
    }
}

/// An object from members of which those without a value are left out.
pub(crate) fn object<const N: usize>(members: [(&str, Option<Value>); N]) -> Value {
    Value::Object(members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_sorted_and_nothing_is_escaped_needlessly() {
        let value: Value =
            serde_json::from_str(r#"{"logIndex":1,"logID":"a+/=","b":[true,null,{"z":1,"a":"\u0001<"}]}"#).unwrap();
        assert_eq!(canonical(&value), br#"{"b":[true,null,{"a":"\u0001<","z":1}],"logID":"a+/=","logIndex":1}"#);
    }
}
