//! JSON documents and the places in them, for mutations that go everywhere.

use serde_json::Value;

/// JSON pointers of everything in the document, itself excepted.
pub(crate) fn pointers(document: &Value) -> Vec<String> {
    let mut found = Vec::new();
    walk(document, String::new(), &mut found);
    found.retain(|pointer| !pointer.is_empty());
    found
}

/// JSON pointers of every object, the document itself included.
pub(crate) fn objects(document: &Value) -> Vec<String> {
    let mut found = Vec::new();
    walk(document, String::new(), &mut found);
    found.retain(|pointer| document.pointer(pointer).unwrap().is_object());
    found
}

fn walk(value: &Value, pointer: String, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, member)| walk(member, format!("{pointer}/{}", escape(name)), found))
        }
        Value::Array(items) => items.iter().enumerate().for_each(|(at, item)| walk(item, format!("{pointer}/{at}"), found)),
        _ => {}
    }
    found.push(pointer);
}

/// RFC 6901 §3.
fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// The document with one value replaced, or left out.
pub(crate) fn replaced(document: &Value, pointer: &str, with: Option<Value>) -> Value {
    let mut document = document.clone();
    match with {
        Some(value) => *document.pointer_mut(pointer).unwrap() = value,
        None => {
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            match document.pointer_mut(parent).unwrap() {
                Value::Object(members) => drop(members.remove(&name.replace("~1", "/").replace("~0", "~")).unwrap()),
                Value::Array(items) => drop(items.remove(name.parse().unwrap())),
                _ => panic!("{pointer} is in no container"),
            }
        }
    }
    document
}

/// The text of the document with more text at the beginning of one object: what a JSON value cannot hold, such as a
/// doubled member. Ends in a comma where the object has members.
pub(crate) fn text_with(document: &Value, object: &str, extra: &str) -> String {
    const MARK: &str = "\u{1}mark";
    let mut marked = document.clone();
    let place = marked.pointer_mut(object).unwrap();
    let members = std::mem::take(place.as_object_mut().unwrap());
    let comma = if members.is_empty() { "" } else { "," };
    let inside = Value::Object(members).to_string();
    *place = Value::String(MARK.to_owned());
    let inside = format!("{{{extra}{comma}{}", &inside[1..]);
    marked.to_string().replace(&Value::String(MARK.to_owned()).to_string(), &inside)
}

/// For every object of the document: its pointer, and the text with its first member doubled.
pub(crate) fn doubled(document: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for object in objects(document) {
        if let Some((name, value)) = document.pointer(&object).unwrap().as_object().unwrap().iter().next() {
            let member = format!("{}:{value}", Value::String(name.clone()));
            found.push((object.clone(), text_with(document, &object, &member)));
        }
    }
    found
}

/// For every member of every object: its pointer, and the document with its name in another case.
pub(crate) fn recased(document: &Value) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for object in objects(document) {
        for name in document.pointer(&object).unwrap().as_object().unwrap().keys() {
            let mut changed = document.clone();
            let members = changed.pointer_mut(&object).unwrap().as_object_mut().unwrap();
            let value = members.remove(name).unwrap();
            let mut other = name.clone();
            let first = other.remove(0);
            let flipped = if first.is_lowercase() { first.to_ascii_uppercase() } else { first.to_ascii_lowercase() };
            members.insert(format!("{flipped}{other}"), value);
            found.push((format!("{object}/{name}"), changed));
        }
    }
    found
}
