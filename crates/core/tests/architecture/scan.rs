//! A small reader of Rust source: tokens without comments, code without its tests, and every path spelled out.
//!
//! It knows just enough of the language for the rules of `architecture.rs`; it expands no macros and resolves no names.

use std::fs;
use std::path::{Path, PathBuf};

/// One token; the contents of comments are gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) text: String,
    pub(crate) line: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An identifier, a keyword or a number.
    Word,
    /// One character of punctuation.
    Mark,
    /// The contents of a string literal.
    Text,
}

impl Token {
    fn is(&self, text: &str) -> bool {
        self.kind != Kind::Text && self.text == text
    }
}

/// One file as the rules see it.
pub(crate) struct Source {
    /// As messages name it.
    pub(crate) name: String,
    /// The module it holds: `["oci", "reference"]`; the crate's root is empty.
    pub(crate) module: Vec<String>,
    /// Its tokens outside `#[cfg(test)]`.
    pub(crate) tokens: Vec<Token>,
    /// How many lines lie outside `#[cfg(test)]`.
    pub(crate) code_lines: usize,
    /// Modules declared as `#[cfg(test)] mod name;`: their files hold no product code.
    test_modules: Vec<String>,
}

impl Source {
    pub(crate) fn new(name: &str, module: &[&str], text: &str) -> Self {
        let all = tokens(text);
        let (tokens, test_lines, test_modules) = without_tests(&all);
        let code_lines = text.lines().count().saturating_sub(test_lines);
        let module = module.iter().map(|part| (*part).to_string()).collect();
        Self { name: name.to_string(), module, tokens, code_lines, test_modules }
    }

    /// Where the word `word` stands, by line.
    pub(crate) fn lines_with(&self, word: &str) -> impl Iterator<Item = usize> {
        self.tokens.iter().filter(move |token| token.kind == Kind::Word && token.text == word).map(|token| token.line)
    }

    /// Where the macro `name!` is called: its line, and its first argument where that is a string.
    pub(crate) fn macro_calls(&self, name: &str) -> impl Iterator<Item = (usize, Option<&str>)> {
        self.tokens.iter().enumerate().filter_map(move |(at, token)| {
            let called = token.kind == Kind::Word && token.text == name && self.mark(at + 1, "!");
            let argument = self.tokens.get(at + 3).filter(|token| token.kind == Kind::Text).map(|token| token.text.as_str());
            called.then_some((token.line, argument))
        })
    }

    /// Every `static` item that is more than a constant table: `static mut`, or a type that can change behind `&`.
    pub(crate) fn mutable_statics(&self) -> Vec<usize> {
        const CELLS: &[&str] =
            &["mut", "OnceLock", "OnceCell", "LazyLock", "LazyCell", "Lazy", "Mutex", "RwLock", "Cell", "RefCell", "UnsafeCell"];
        let mut found = Vec::new();
        for (at, token) in self.tokens.iter().enumerate() {
            if !token.is("static") {
                continue;
            }
            let declaration = self.tokens.iter().skip(at + 1).take_while(|token| !token.is("=") && !token.is(";"));
            if declaration.into_iter().any(|token| CELLS.contains(&token.text.as_str()) || token.text.starts_with("Atomic")) {
                found.push(token.line);
            }
        }
        found
    }

    /// Every path that starts at `crate`, `self`, `super`, `std`, `core` or `alloc`, absolute and with `{…}` spelled out.
    /// Paths of the crate start with `crate`.
    pub(crate) fn paths(&self) -> Vec<(usize, Vec<String>)> {
        let mut found = Vec::new();
        let mut inline: Vec<(String, usize)> = Vec::new();
        let mut depth = 0_usize;
        let mut at = 0;
        while let Some(token) = self.tokens.get(at) {
            match token.text.as_str() {
                _ if token.kind == Kind::Text => {}
                "{" => depth += 1,
                "}" => {
                    depth = depth.saturating_sub(1);
                    if inline.last().is_some_and(|(_, opened)| *opened == depth) {
                        inline.pop();
                    }
                }
                "mod" if self.mark(at + 2, "{") => inline.push((self.tokens[at + 1].text.clone(), depth)),
                "crate" | "self" | "super" | "std" | "core" | "alloc" => {
                    let imported = at.checked_sub(1).is_some_and(|before| self.tokens[before].is("use"));
                    if imported || (self.mark(at + 1, ":") && self.mark(at + 2, ":")) {
                        let mut spelled = Vec::new();
                        let end = self.tree(at, &mut Vec::new(), &mut spelled);
                        let here: Vec<String> =
                            self.module.iter().cloned().chain(inline.iter().map(|(name, _)| name.clone())).collect();
                        found.extend(spelled.into_iter().map(|path| (token.line, absolute(&here, path))));
                        at = end;
                        continue;
                    }
                }
                _ => {}
            }
            at += 1;
        }
        found
    }

    fn mark(&self, at: usize, text: &str) -> bool {
        self.tokens.get(at).is_some_and(|token| token.kind == Kind::Mark && token.text == text)
    }

    /// Reads a path or a use tree from `at`; answers where it ends.
    fn tree(&self, mut at: usize, prefix: &mut Vec<String>, found: &mut Vec<Vec<String>>) -> usize {
        loop {
            match self.tokens.get(at) {
                Some(token) if token.kind == Kind::Word => {
                    prefix.push(token.text.clone());
                    at += 1;
                    if self.mark(at, ":") && self.mark(at + 1, ":") {
                        at += 2;
                    } else {
                        found.push(prefix.clone());
                        return at;
                    }
                }
                Some(token) if token.is("{") => {
                    at += 1;
                    while self.tokens.get(at).is_some_and(|token| !token.is("}")) {
                        at = match self.tokens[at].kind {
                            Kind::Word if !self.tokens[at].is("as") => self.tree(at, &mut prefix.clone(), found),
                            Kind::Word => at + 2,
                            _ if self.mark(at, "*") || self.mark(at, "{") => self.tree(at, &mut prefix.clone(), found),
                            _ => at + 1,
                        };
                    }
                    return at + 1;
                }
                Some(token) if token.is("*") => {
                    found.push(prefix.iter().cloned().chain(["*".to_string()]).collect());
                    return at + 1;
                }
                _ => {
                    found.push(prefix.clone());
                    return at;
                }
            }
        }
    }
}

/// Resolves `self` and `super` against the module the path stands in.
fn absolute(here: &[String], path: Vec<String>) -> Vec<String> {
    match path.first().map(String::as_str) {
        Some("self" | "super") => {}
        _ => return path,
    }
    let mut base = here.to_vec();
    let mut rest = path.as_slice();
    while let Some((first, after)) = rest.split_first() {
        match first.as_str() {
            "self" => {}
            "super" => {
                base.pop();
            }
            _ => break,
        }
        rest = after;
    }
    ["crate".to_string()].into_iter().chain(base).chain(rest.iter().cloned()).collect()
}

/// Reads all `.rs` files under `root`, in the order of their names, without the files of test modules.
pub(crate) fn read(root: &Path) -> Vec<Source> {
    let mut files = Vec::new();
    list(root, &mut files);
    files.sort();
    let sources: Vec<Source> = files
        .iter()
        .map(|file| {
            let inside = file.strip_prefix(root).unwrap().with_extension("");
            let mut module: Vec<&str> = inside.iter().map(|part| part.to_str().unwrap()).collect();
            if module.last().is_some_and(|last| matches!(*last, "mod" | "lib" | "main")) {
                module.pop();
            }
            Source::new(&file.strip_prefix(root).unwrap().display().to_string(), &module, &fs::read_to_string(file).unwrap())
        })
        .collect();
    let tests: Vec<Vec<String>> = sources
        .iter()
        .flat_map(|source| source.test_modules.iter().map(|name| [source.module.as_slice(), std::slice::from_ref(name)].concat()))
        .collect();
    sources.into_iter().filter(|source| !tests.iter().any(|test| source.module.starts_with(test))).collect()
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            list(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let at = |index: usize| chars.get(index).copied().unwrap_or('\0');
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let mut found = Vec::new();
    let (mut index, mut line) = (0, 1);
    while index < chars.len() {
        let (start, first) = (index, line);
        let c = at(index);
        if c == '/' && at(index + 1) == '/' {
            while index < chars.len() && at(index) != '\n' {
                index += 1;
            }
        } else if c == '/' && at(index + 1) == '*' {
            let mut depth = 0;
            loop {
                match (at(index), at(index + 1)) {
                    ('/', '*') => (depth, index) = (depth + 1, index + 2),
                    ('*', '/') => (depth, index) = (depth - 1, index + 2),
                    _ => index += 1,
                }
                if depth == 0 || index >= chars.len() {
                    break;
                }
            }
        } else if let Some(open) = string_start(&chars, index) {
            let hashes = chars[index..open].iter().filter(|c| **c == '#').count();
            let raw = chars[index..open].contains(&'r');
            index = open + 1;
            while index < chars.len() {
                if at(index) == '\\' && !raw {
                    index += 2;
                } else if at(index) == '"' && (1..=hashes).all(|more| at(index + more) == '#') {
                    break;
                } else {
                    index += 1;
                }
            }
            let body: String = chars[open + 1..index.min(chars.len())].iter().collect();
            index += 1 + hashes;
            found.push(Token { kind: Kind::Text, text: body, line });
        } else if c == '\'' && at(index + 1) == '\\' {
            index += 3;
            while index < chars.len() && at(index) != '\'' {
                index += 1;
            }
            index += 1;
        } else if c == '\'' && at(index + 2) == '\'' {
            index += 3;
        } else if c == '\'' {
            index += 1;
            while word(at(index)) {
                index += 1;
            }
        } else if word(c) {
            if c == 'r' && at(index + 1) == '#' {
                index += 2;
            }
            let begin = index;
            while word(at(index)) {
                index += 1;
            }
            found.push(Token { kind: Kind::Word, text: chars[begin..index].iter().collect(), line });
        } else {
            index += 1;
            if !c.is_whitespace() {
                found.push(Token { kind: Kind::Mark, text: c.to_string(), line });
            }
        }
        line = first + chars[start..index.min(chars.len())].iter().filter(|c| **c == '\n').count();
    }
    found
}

/// The index of the quote that opens a string literal beginning at `index` (`"`, `b"`, `r#"`, `br"`, `c"`).
fn string_start(chars: &[char], index: usize) -> Option<usize> {
    let mut at = index;
    let mut raw = false;
    while let Some(c) = chars.get(at) {
        match c {
            '"' => return Some(at),
            'b' | 'c' if at == index => {}
            'r' if !raw && at <= index + 1 => raw = true,
            '#' if raw => {}
            _ => return None,
        }
        at += 1;
    }
    None
}

/// Takes out what stands under `#[cfg(test)]`; answers the rest, how many lines went, and the test modules in files.
fn without_tests(all: &[Token]) -> (Vec<Token>, usize, Vec<String>) {
    let starts =
        |at: usize, marks: &[&str]| marks.iter().enumerate().all(|(n, mark)| all.get(at + n).is_some_and(|t| t.is(mark)));
    let (mut kept, mut lines, mut modules) = (Vec::new(), 0, Vec::new());
    let mut at = 0;
    while at < all.len() {
        if starts(at, &["#", "!", "[", "cfg", "(", "test", ")", "]"]) {
            return (Vec::new(), all.last().map_or(0, |last| last.line), modules);
        }
        if starts(at, &["#", "[", "cfg", "(", "test", ")", "]"]) {
            let mut item = at + 7;
            while starts(item, &["#", "["]) {
                item = close(all, item + 1);
            }
            if let (Some(name), true) = (all.get(item + 1), starts(item, &["mod"]) && starts(item + 2, &[";"])) {
                modules.push(name.text.clone());
            }
            let end = item_end(all, item);
            lines += all[end.min(all.len()) - 1].line - all[at].line + 1;
            at = end;
            continue;
        }
        kept.push(all[at].clone());
        at += 1;
    }
    (kept, lines, modules)
}

/// The index behind the bracket that closes the one at `open`.
fn close(all: &[Token], open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, token) in all.iter().enumerate().skip(open) {
        if token.kind == Kind::Mark && "([{".contains(&token.text) {
            depth += 1;
        } else if token.kind == Kind::Mark && ")]}".contains(&token.text) {
            depth = depth.saturating_sub(1);
            if depth == 0 {
                return at + 1;
            }
        }
    }
    all.len()
}

fn item_end(all: &[Token], start: usize) -> usize {
    let ends_with_semicolon = all
        .iter()
        .skip(start)
        .take_while(|token| !token.is("{") && !token.is(";"))
        .any(|token| ["use", "static", "type", "let", "const"].contains(&token.text.as_str()))
        && !all.iter().skip(start).take_while(|token| !token.is("{") && !token.is(";")).any(|token| token.is("fn"));
    let mut at = start;
    while let Some(token) = all.get(at) {
        if token.is(";") {
            return at + 1;
        }
        if token.kind == Kind::Mark && "([{".contains(&token.text) {
            let brace = token.is("{");
            at = close(all, at);
            if brace && !ends_with_semicolon {
                return at;
            }
        } else {
            at += 1;
        }
    }
    all.len()
}
