//! The mutants that cargo-mutants lists, with their names, which the ledger uses.

use serde_json::Value;

/// One mutant: `replacement` in place of what stands from `start` on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mutant {
    /// As cargo-mutants says it: `file:line:column: change in function`.
    pub(crate) name: String,
    pub(crate) package: String,
    /// From the root of the workspace.
    pub(crate) file: String,
    /// `FnValue`, `BinaryOperator` and so on.
    pub(crate) genre: String,
    /// Line and column, both from 1, columns in characters.
    pub(crate) start: (usize, usize),
    pub(crate) replacement: String,
}

/// What `cargo mutants --list --json` says.
pub(crate) fn read(text: &str) -> Result<Vec<Mutant>, String> {
    let list: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let list = list.as_array().ok_or("the list of mutants is no array")?;
    list.iter().map(|item| mutant(item).ok_or_else(|| format!("not a mutant: {item}"))).collect()
}

fn mutant(item: &Value) -> Option<Mutant> {
    let text = |field: &str| item[field].as_str().map(str::to_owned);
    let number = |field: &str| item["span"]["start"][field].as_u64().and_then(|number| usize::try_from(number).ok());
    Some(Mutant {
        name: text("name")?,
        package: text("package")?,
        file: text("file")?,
        genre: text("genre")?,
        start: (number("line")?, number("column")?),
        replacement: text("replacement")?,
    })
}
