//! From rustdoc's JSON to the lines of a listing: each public item once, at its shortest public path.

use super::render;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The lines, sorted.
pub(super) fn lines(document: &Value) -> Vec<String> {
    let walker = Walker { document };
    let root = &document["root"];
    let name = walker.item(root).and_then(|item| item["name"].as_str()).unwrap_or_default().to_string();
    let mut paths: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut lines = BTreeSet::new();
    walker.collect(root, &name, &mut paths, &mut lines, &mut Vec::new());
    for (id, all) in &paths {
        let mut ordered: Vec<&String> = all.iter().collect();
        ordered.sort_by_key(|path| (path.matches("::").count(), path.len(), (*path).clone()));
        let Some((first, others)) = ordered.split_first() else { continue };
        if let Some(item) = walker.document["index"].get(id) {
            walker.define(item, first, &mut lines);
        }
        lines.extend(others.iter().map(|other| format!("pub use {other} = {first}")));
    }
    lines.into_iter().collect()
}

struct Walker<'d> {
    document: &'d Value,
}

impl<'d> Walker<'d> {
    fn item(&self, id: &Value) -> Option<&'d Value> {
        self.document["index"].get(id.to_string())
    }

    /// Finds every public path of every item below a module.
    fn collect(
        &self,
        module: &Value,
        path: &str,
        paths: &mut BTreeMap<String, BTreeSet<String>>,
        lines: &mut BTreeSet<String>,
        above: &mut Vec<String>,
    ) {
        // A module that contains itself by a re-export would never end.
        if above.contains(&module.to_string()) {
            return;
        }
        above.push(module.to_string());
        for id in self.item(module).and_then(|item| item["inner"]["module"]["items"].as_array()).into_iter().flatten() {
            let Some(item) = self.item(id) else { continue };
            if item["visibility"] != "public" {
                continue;
            }
            let (kind, inner) = render::kind(item);
            match kind {
                "use" => self.collect_use(inner, path, paths, lines, above),
                "module" => {
                    let below = format!("{path}::{}", item["name"].as_str().unwrap_or_default());
                    lines.insert(format!("pub mod {below}"));
                    self.collect(id, &below, paths, lines, above);
                }
                _ => {
                    let below = format!("{path}::{}", item["name"].as_str().unwrap_or_default());
                    paths.entry(id.to_string()).or_default().insert(below);
                }
            }
        }
        above.pop();
    }

    fn collect_use(
        &self,
        inner: &Value,
        path: &str,
        paths: &mut BTreeMap<String, BTreeSet<String>>,
        lines: &mut BTreeSet<String>,
        above: &mut Vec<String>,
    ) {
        let named = format!("{path}::{}", inner["name"].as_str().unwrap_or_default());
        match self.item(&inner["id"]) {
            Some(item) if item["inner"].get("module").is_some() && inner["is_glob"] == true => {
                self.collect(&inner["id"], path, paths, lines, above);
            }
            Some(item) if item["inner"].get("module").is_some() => {
                lines.insert(format!("pub mod {named}"));
                self.collect(&inner["id"], &named, paths, lines, above);
            }
            Some(_) => {
                paths.entry(inner["id"].to_string()).or_default().insert(named);
            }
            // Of another crate.
            None => {
                lines.insert(format!("pub use {named} = {}", inner["source"].as_str().unwrap_or_default()));
            }
        }
    }

    fn define(&self, item: &Value, path: &str, lines: &mut BTreeSet<String>) {
        let (kind, inner) = render::kind(item);
        let open = render::non_exhaustive(item);
        let generics = render::generics(&inner["generics"]);
        let bounds = render::conditions(&inner["generics"]);
        match kind {
            "function" => {
                lines.insert(format!("pub {}", render::function(inner, path)));
            }
            "struct" | "union" => {
                let shape = if inner["kind"] == "unit" { ";" } else { "" };
                lines.insert(format!("{open}pub {kind} {path}{generics}{bounds}{shape}"));
                let plain = inner["kind"]["plain"]["fields"].as_array().or(inner["fields"].as_array());
                for field in plain.or(inner["kind"]["tuple"].as_array()).into_iter().flatten() {
                    self.field(field, path, lines);
                }
                self.impls(inner, path, lines);
            }
            "enum" => {
                lines.insert(format!("{open}pub enum {path}{generics}{bounds}"));
                for variant in inner["variants"].as_array().into_iter().flatten().filter_map(|id| self.item(id)) {
                    let name = format!("{path}::{}", variant["name"].as_str().unwrap_or_default());
                    lines.insert(format!("{}{name}{}", render::non_exhaustive(variant), self.variant(variant)));
                }
                self.impls(inner, path, lines);
            }
            "trait" => {
                let above = render::bounds(&inner["bounds"]);
                let above = if above.is_empty() { above } else { format!(": {above}") };
                lines.insert(format!("pub trait {path}{generics}{above}{bounds}"));
                for member in inner["items"].as_array().into_iter().flatten().filter_map(|id| self.item(id)) {
                    self.member(member, path, "", lines);
                }
            }
            "constant" => {
                lines.insert(format!("pub const {path}: {}", render::ty(&inner["type"])));
            }
            "static" => {
                lines.insert(format!("pub static {path}: {}", render::ty(&inner["type"])));
            }
            "type_alias" => {
                lines.insert(format!("pub type {path}{generics} = {}", render::ty(&inner["type"])));
            }
            other => {
                lines.insert(format!("pub {other} {path}"));
            }
        }
    }

    fn field(&self, id: &Value, path: &str, lines: &mut BTreeSet<String>) {
        if let Some(field) = self.item(id).filter(|field| field["visibility"] == "public") {
            let name = field["name"].as_str().unwrap_or_default();
            lines.insert(format!("pub {path}.{name}: {}", render::ty(&field["inner"]["struct_field"])));
        }
    }

    fn variant(&self, variant: &Value) -> String {
        let field = |id: &Value| {
            self.item(id).map(|field| (field["name"].as_str().unwrap_or_default(), render::ty(&field["inner"]["struct_field"])))
        };
        let kind = &variant["inner"]["variant"]["kind"];
        if let Some(fields) = kind["tuple"].as_array() {
            let types: Vec<_> = fields.iter().filter_map(field).map(|(_, ty)| ty).collect();
            return format!("({})", types.join(", "));
        }
        if let Some(fields) = kind["struct"]["fields"].as_array() {
            let named: Vec<_> = fields.iter().filter_map(field).map(|(name, ty)| format!("{name}: {ty}")).collect();
            return format!(" {{ {} }}", named.join(", "));
        }
        String::new()
    }

    fn impls(&self, inner: &Value, path: &str, lines: &mut BTreeSet<String>) {
        let mut traits = BTreeSet::new();
        for block in inner["impls"].as_array().into_iter().flatten().filter_map(|id| self.item(id)) {
            let block = &block["inner"]["impl"];
            // What the compiler finds for itself, and what every type has, is no decision of this crate. Whether a type may go
            // to another thread is: a promise that is easily lost.
            let thread = ["Send", "Sync"].iter().any(|name| block["trait"]["path"] == *name);
            if !block["blanket_impl"].is_null() || (block["is_synthetic"] == true && !thread) {
                continue;
            }
            if block["trait"].is_null() {
                for member in block["items"].as_array().into_iter().flatten().filter_map(|id| self.item(id)) {
                    if member["visibility"] == "public" {
                        self.member(member, path, "pub ", lines);
                    }
                }
                continue;
            }
            let name = render::path(&block["trait"]);
            if name != "StructuralPartialEq" {
                let no = if block["is_negative"] == true { "!" } else { "" };
                traits.insert(format!("{no}{name}"));
            }
        }
        if !traits.is_empty() {
            lines.insert(format!("impl {path}: {}", traits.into_iter().collect::<Vec<_>>().join(" + ")));
        }
    }

    fn member(&self, member: &Value, path: &str, visible: &str, lines: &mut BTreeSet<String>) {
        let (kind, inner) = render::kind(member);
        let name = format!("{path}::{}", member["name"].as_str().unwrap_or_default());
        let line = match kind {
            "function" => {
                let given = if visible.is_empty() && inner["has_body"] == true { " { … }" } else { "" };
                format!("{}{given}", render::function(inner, &name))
            }
            "assoc_const" => format!("const {name}: {}", render::ty(&inner["type"])),
            "assoc_type" => format!("type {name}: {}", render::bounds(&inner["bounds"])),
            other => format!("{other} {name}"),
        };
        lines.insert(format!("{visible}{line}"));
    }
}
