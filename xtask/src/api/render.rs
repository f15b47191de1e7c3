//! Signatures and types of rustdoc's JSON as text: near enough to Rust to be read, and the same for the same code.

use serde_json::Value;

/// What an item is, and its own part.
pub(super) fn kind(item: &Value) -> (&str, &Value) {
    let inner = item["inner"].as_object().and_then(|inner| inner.iter().next());
    inner.map_or(("nothing", &Value::Null), |(kind, inner)| (kind.as_str(), inner))
}

pub(super) fn non_exhaustive(item: &Value) -> &'static str {
    let marked = item["attrs"].as_array().into_iter().flatten().any(|attribute| attribute.to_string().contains("non_exhaustive"));
    if marked { "#[non_exhaustive] " } else { "" }
}

pub(super) fn function(inner: &Value, path: &str) -> String {
    let header = &inner["header"];
    let mut words = String::new();
    for (flag, word) in [("is_const", "const "), ("is_async", "async "), ("is_unsafe", "unsafe ")] {
        if header[flag] == true {
            words.push_str(word);
        }
    }
    let input = |input: &Value| {
        let (name, kind) = (input[0].as_str().unwrap_or("_"), ty(&input[1]));
        match (name, kind.as_str()) {
            ("self", "Self") => "self".to_string(),
            ("self", "&Self") => "&self".to_string(),
            ("self", "&mut Self") => "&mut self".to_string(),
            _ => format!("{name}: {kind}"),
        }
    };
    let inputs: Vec<_> = array(&inner["sig"]["inputs"]).iter().map(input).collect();
    let output = if inner["sig"]["output"].is_null() { String::new() } else { format!(" -> {}", ty(&inner["sig"]["output"])) };
    let (generics, conditions) = (generics(&inner["generics"]), conditions(&inner["generics"]));
    format!("{words}fn {path}{generics}({}){output}{conditions}", inputs.join(", "))
}

/// `<'a, T: Bound>`, without what `impl Trait` in an argument stands for.
pub(super) fn generics(generics: &Value) -> String {
    let parameter = |parameter: &Value| {
        let name = parameter["name"].as_str().unwrap_or_default();
        let (kind, inner) = match parameter["kind"].as_object().and_then(|kind| kind.iter().next()) {
            Some((kind, inner)) => (kind.as_str(), inner),
            None => return Some(name.to_string()),
        };
        match kind {
            "type" if inner["is_synthetic"] == true => None,
            "const" => Some(format!("const {name}: {}", ty(&inner["type"]))),
            "type" => Some(with(name, &bounds(&inner["bounds"]))),
            _ => Some(name.to_string()),
        }
    };
    let parameters: Vec<_> = array(&generics["params"]).iter().filter_map(parameter).collect();
    if parameters.is_empty() { String::new() } else { format!("<{}>", parameters.join(", ")) }
}

/// The `where` clause.
pub(super) fn conditions(generics: &Value) -> String {
    let condition = |condition: &Value| {
        let bound = &condition["bound_predicate"];
        if bound.is_null() { condition.to_string() } else { with(&ty(&bound["type"]), &bounds(&bound["bounds"])) }
    };
    let conditions: Vec<_> = array(&generics["where_predicates"]).iter().map(condition).collect();
    if conditions.is_empty() { String::new() } else { format!(" where {}", conditions.join(", ")) }
}

pub(super) fn bounds(bounds: &Value) -> String {
    let bound = |bound: &Value| {
        if let Some(lifetime) = bound["outlives"].as_str() {
            return lifetime.to_string();
        }
        let maybe = if bound["trait_bound"]["modifier"] == "maybe" { "?" } else { "" };
        let named = &bound["trait_bound"]["trait"];
        if named.is_null() { bound.to_string() } else { format!("{maybe}{}", path(named)) }
    };
    array(bounds).iter().map(bound).collect::<Vec<_>>().join(" + ")
}

/// A path with its arguments.
pub(super) fn path(named: &Value) -> String {
    format!("{}{}", named["path"].as_str().unwrap_or_default(), list(&named["args"]))
}

fn list(arguments: &Value) -> String {
    if !arguments["parenthesized"].is_null() {
        let called = &arguments["parenthesized"];
        let inputs: Vec<_> = array(&called["inputs"]).iter().map(ty).collect();
        let output = if called["output"].is_null() { String::new() } else { format!(" -> {}", ty(&called["output"])) };
        return format!("({}){output}", inputs.join(", "));
    }
    let given = &arguments["angle_bracketed"];
    let argument = |argument: &Value| match argument.as_object().and_then(|argument| argument.iter().next()) {
        Some((kind, inner)) if kind == "type" => ty(inner),
        Some((kind, inner)) if kind == "lifetime" => inner.as_str().unwrap_or("'_").to_string(),
        Some((kind, inner)) if kind == "const" => inner["expr"].as_str().unwrap_or_default().to_string(),
        _ => "_".to_string(),
    };
    let equal = |constraint: &Value| {
        let name = constraint["name"].as_str().unwrap_or_default();
        match &constraint["binding"]["equality"]["type"] {
            Value::Null => with(name, &bounds(&constraint["binding"]["constraint"])),
            kind => format!("{name} = {}", ty(kind)),
        }
    };
    let mut all: Vec<_> = array(&given["args"]).iter().map(argument).collect();
    all.extend(array(&given["constraints"]).iter().map(equal));
    if all.is_empty() { String::new() } else { format!("<{}>", all.join(", ")) }
}

pub(super) fn ty(of: &Value) -> String {
    let Some((kind, inner)) = of.as_object().and_then(|of| of.iter().next()) else {
        return of.as_str().unwrap_or("_").to_string();
    };
    match kind.as_str() {
        "resolved_path" => path(inner),
        "primitive" | "generic" => inner.as_str().unwrap_or_default().to_string(),
        "tuple" => format!("({})", array(inner).iter().map(ty).collect::<Vec<_>>().join(", ")),
        "slice" => format!("[{}]", ty(inner)),
        "array" => format!("[{}; {}]", ty(&inner["type"]), inner["len"].as_str().unwrap_or_default()),
        "borrowed_ref" => {
            let lifetime = inner["lifetime"].as_str().map(|lifetime| format!("{lifetime} ")).unwrap_or_default();
            let mutable = if inner["is_mutable"] == true { "mut " } else { "" };
            format!("&{lifetime}{mutable}{}", ty(&inner["type"]))
        }
        "impl_trait" => format!("impl {}", bounds(inner)),
        "dyn_trait" => {
            let mut names: Vec<_> = array(&inner["traits"]).iter().map(|one| path(&one["trait"])).collect();
            names.extend(inner["lifetime"].as_str().map(str::to_string));
            format!("dyn {}", names.join(" + "))
        }
        "qualified_path" => format!("{}::{}", ty(&inner["self_type"]), inner["name"].as_str().unwrap_or_default()),
        "function_pointer" => {
            let inputs: Vec<_> = array(&inner["sig"]["inputs"]).iter().map(|input| ty(&input[1])).collect();
            let output = &inner["sig"]["output"];
            let output = if output.is_null() { String::new() } else { format!(" -> {}", ty(output)) };
            format!("fn({}){output}", inputs.join(", "))
        }
        _ => of.to_string(),
    }
}

fn with(name: &str, bounds: &str) -> String {
    if bounds.is_empty() { name.to_string() } else { format!("{name}: {bounds}") }
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn named(name: &str, argument: Option<Value>) -> Value {
        let arguments = argument.map(|argument| json!({"angle_bracketed": {"args": [{"type": argument}], "constraints": []}}));
        json!({"resolved_path": {"path": name, "id": 1, "args": arguments}})
    }

    #[test]
    fn types_are_written_as_rust_writes_them() {
        let text = json!({"primitive": "str"});
        let borrowed = json!({"borrowed_ref": {"lifetime": "'a", "is_mutable": true, "type": text}});
        assert_eq!(ty(&borrowed), "&'a mut str");
        assert_eq!(ty(&named("Option", Some(named("Vec", Some(json!({"primitive": "u8"})))))), "Option<Vec<u8>>");
        assert_eq!(ty(&json!({"array": {"type": {"primitive": "u8"}, "len": "32"}})), "[u8; 32]");
        let object = json!({"dyn_trait": {"traits": [{"trait": {"path": "Fetch", "args": null}}], "lifetime": "'static"}});
        assert_eq!(ty(&object), "dyn Fetch + 'static");
        assert_eq!(ty(&json!("infer")), "infer");
    }

    #[test]
    fn a_function_says_its_receiver_its_generics_and_its_answer() {
        let receiver = json!(["self", {"borrowed_ref": {"lifetime": null, "is_mutable": false, "type": {"generic": "Self"}}}]);
        let bound = json!([{"trait_bound": {"trait": {"path": "Fetch", "args": null}, "modifier": "none"}}]);
        let inner = json!({
            "header": {"is_const": false, "is_async": true, "is_unsafe": false},
            "sig": {"inputs": [receiver, ["fetch", {"generic": "F"}]], "output": {"primitive": "bool"}},
            "generics": {"params": [{"name": "F", "kind": {"type": {"bounds": bound, "is_synthetic": false}}}], "where_predicates": []},
        });
        assert_eq!(function(&inner, "a::b"), "async fn a::b<F: Fetch>(&self, fetch: F) -> bool");
    }
}
