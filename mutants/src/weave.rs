//! [`weave`]: one source file with all of its mutants in it, each behind its switch.
//!
//! The text is changed, not a tree of it: what is mutated is what stands there, and everything else keeps its bytes.
//!
//! ```text
//! a + 1 < b     (match crate::switch::at(&[7, 8]) { 7 => (a - 1 < b), 8 => (a + 1 > b), _ => (a + 1 < b) })
//! ```
//!
//! The arms of the mutants hold the original text; what is nested is woven in the last arm alone, so that the size stays in
//! proportion. A chain of operators is taken as a whole, since another operator may bind otherwise: `a && b || c` with `||` for
//! `&&` is what a text editor would make of it, as with cargo-mutants.

use crate::listed::Mutant;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::ops::Range;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

/// A source file with mutants in it.
pub(crate) struct Woven {
    pub(crate) text: String,
    /// Those that no compiler takes.
    pub(crate) unviable: Vec<u32>,
    pub(crate) placed: Vec<Placed>,
}

/// Where a mutant stands in the woven text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Placed {
    pub(crate) mutant: u32,
    /// Its own arm.
    pub(crate) arm: Range<usize>,
    /// Everything that was woven for it and for those of the same place.
    pub(crate) place: Range<usize>,
}

/// Weaves the numbered mutants into the source of their file. Those for which there is no place are not among what is placed.
/// Functions of these names must stay constant, which leaves no place in them; others need not.
pub(crate) fn weave(source: &str, mutants: &[(u32, &Mutant)], constant: &BTreeSet<String>) -> Result<Woven, String> {
    let file = syn::parse_file(source).map_err(|error| error.to_string())?;
    let mut wanted: BTreeMap<_, Arms> = BTreeMap::new();
    for (number, mutant) in mutants {
        wanted.entry((mutant.genre.as_str(), mutant.start)).or_default().push((*number, mutant.replacement.clone()));
    }
    let mut collector = Collector { source, constant, wanted, places: Vec::new(), unviable: Vec::new() };
    collector.visit_file(&file);
    let Collector { mut places, unviable, .. } = collector;
    // What encloses comes before what it encloses, and what is put before a statement encloses nothing.
    places.sort_by_key(|place| (place.range.start, place.form, std::cmp::Reverse(place.range.end)));
    let mut writer = Writer { source, places: places.into_iter().peekable(), text: String::new(), placed: Vec::new() };
    writer.until(0, source.len());
    Ok(Woven { text: writer.text, unviable, placed: writer.placed })
}

/// The names of what is called where the compiler must know the value. A name says too much rather than too little.
pub(crate) fn called_in_constants(source: &str) -> Result<BTreeSet<String>, String> {
    let file = syn::parse_file(source).map_err(|error| error.to_string())?;
    let mut names = Constants::default();
    names.visit_file(&file);
    Ok(names.called)
}

#[derive(Default)]
struct Constants {
    inside: bool,
    called: BTreeSet<String>,
}

impl Constants {
    fn inside(&mut self, visit: impl FnOnce(&mut Self)) {
        let before = std::mem::replace(&mut self.inside, true);
        visit(self);
        self.inside = before;
    }
}

impl<'ast> Visit<'ast> for Constants {
    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        self.inside(|names| visit::visit_item_const(names, item));
    }

    fn visit_impl_item_const(&mut self, item: &'ast syn::ImplItemConst) {
        self.inside(|names| visit::visit_impl_item_const(names, item));
    }

    fn visit_trait_item_const(&mut self, item: &'ast syn::TraitItemConst) {
        self.inside(|names| visit::visit_trait_item_const(names, item));
    }

    fn visit_item_static(&mut self, item: &'ast syn::ItemStatic) {
        self.inside(|names| visit::visit_item_static(names, item));
    }

    /// What stays constant may call only what does.
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        match item.sig.constness {
            Some(_) => self.inside(|names| names.visit_block(&item.block)),
            None => visit::visit_item_fn(self, item),
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        match item.sig.constness {
            Some(_) => self.inside(|names| names.visit_block(&item.block)),
            None => visit::visit_impl_item_fn(self, item),
        }
    }

    fn visit_expr_const(&mut self, expression: &'ast syn::ExprConst) {
        self.inside(|names| visit::visit_expr_const(names, expression));
    }

    fn visit_path_segment(&mut self, segment: &'ast syn::PathSegment) {
        if self.inside {
            self.called.insert(segment.ident.to_string());
        }
        visit::visit_path_segment(self, segment);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        if self.inside {
            self.called.insert(call.method.to_string());
        }
        visit::visit_expr_method_call(self, call);
    }
}

/// What is written at a place.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Form {
    /// A function returns before its first statement.
    Return,
    /// The expression in its range gives way to a choice.
    Choice,
    /// The same for a field that is given by its name alone.
    Named,
    /// An arm of a `match` is left out.
    LeftOut,
    /// What stands there is not written.
    Gone,
}

struct Place {
    form: Form,
    range: Range<usize>,
    arms: Arms,
}

/// Number and text of each mutant of a place.
type Arms = Vec<(u32, String)>;

struct Collector<'a> {
    source: &'a str,
    constant: &'a BTreeSet<String>,
    /// Those without a place, by genre and start.
    wanted: BTreeMap<(&'a str, (usize, usize)), Arms>,
    places: Vec<Place>,
    unviable: Vec<u32>,
}

impl Collector<'_> {
    fn take(&mut self, genre: &'static str, at: proc_macro2::Span) -> Arms {
        let start = at.start();
        // Columns are from 0 here and from 1 there.
        self.wanted.remove(&(genre, (start.line, start.column + 1))).unwrap_or_default()
    }

    fn place(&mut self, form: Form, range: Range<usize>, arms: Arms) {
        if !arms.is_empty() {
            self.places.push(Place { form, range, arms });
        }
    }

    fn function(&mut self, signature: &syn::Signature, block: &syn::Block) {
        // A switch is not constant, so neither can be a function that asks one.
        if let Some(word) = &signature.constness {
            if self.constant.contains(&signature.ident.to_string()) {
                return;
            }
            self.places.push(Place { form: Form::Gone, range: word.span.byte_range(), arms: Vec::new() });
        }
        // A second way out of a function must be of the very type of the first, and of `impl Trait` nobody can name it.
        if let Some(first) = block.stmts.first().filter(|_| !hidden(&signature.output)) {
            let at = first.span().byte_range().start;
            let arms = self.take("FnValue", first.span());
            self.place(Form::Return, at..at, arms);
        }
        self.visit_block(block);
    }
}

impl<'ast> Visit<'ast> for Collector<'_> {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.function(&item.sig, &item.block);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.function(&item.sig, &item.block);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.function(&item.sig, block);
        }
    }

    fn visit_expr_binary(&mut self, expression: &'ast syn::ExprBinary) {
        let mut chain = Chain::default();
        chain.take(expression);
        if chain.has_let {
            // `let` may stand beside `&&` alone, so each side is a place of its own.
            let unviable = self.take("BinaryOperator", expression.op.span());
            self.unviable.extend(unviable.into_iter().map(|(number, _)| number));
            return visit::visit_expr_binary(self, expression);
        }
        let range = expression.span().byte_range();
        let mut arms = Vec::new();
        for operator in chain.operators {
            let at = operator.span().byte_range();
            for (number, replacement) in self.take("BinaryOperator", operator.span()) {
                let (before, after) = (&self.source[range.start..at.start], &self.source[at.end..range.end]);
                arms.push((number, format!("({before}{replacement}{after})")));
            }
        }
        self.place(Form::Choice, range, arms);
        chain.operands.into_iter().for_each(|operand| self.visit_expr(operand));
    }

    fn visit_expr_unary(&mut self, expression: &'ast syn::ExprUnary) {
        let (whole, operator) = (expression.span().byte_range(), expression.op.span());
        let rest = self.source[operator.byte_range().end..whole.end].to_owned();
        let arms = self.take("UnaryOperator", operator);
        let arms = arms.into_iter().map(|(number, replacement)| (number, format!("({replacement}{rest})"))).collect();
        self.place(Form::Choice, whole, arms);
        visit::visit_expr_unary(self, expression);
    }

    fn visit_expr_match(&mut self, expression: &'ast syn::ExprMatch) {
        // An arm with a guard covers nothing in the compiler's eyes, so something else must cover everything.
        if expression.arms.iter().any(|arm| matches!(arm.pat, syn::Pat::Wild(_)) && arm.guard.is_none()) {
            for arm in &expression.arms {
                let end = arm.pat.span().byte_range().end;
                let arms = self.take("MatchArm", arm.span());
                self.place(Form::LeftOut, end..end, arms);
            }
        }
        visit::visit_expr_match(self, expression);
    }

    fn visit_expr_struct(&mut self, expression: &'ast syn::ExprStruct) {
        if let Some(base) = &expression.rest {
            let base = self.source[base.span().byte_range()].to_owned();
            for field in &expression.fields {
                let syn::Member::Named(name) = &field.member else { continue };
                let arms: Vec<_> = self.take("StructField", field.span());
                let arms = arms.into_iter().map(|(number, _)| (number, format!("({base}).{name}"))).collect();
                let form = if field.colon_token.is_some() { Form::Choice } else { Form::Named };
                self.place(form, field.expr.span().byte_range(), arms);
            }
        }
        visit::visit_expr_struct(self, expression);
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        if let Some((_, guard)) = &arm.guard {
            let arms = self.take("MatchArmGuard", guard.span());
            self.place(Form::Choice, guard.span().byte_range(), arms);
        }
        visit::visit_arm(self, arm);
    }
}

/// Whether a return type has `impl` in it.
fn hidden(output: &syn::ReturnType) -> bool {
    struct Looker(bool);
    impl<'ast> Visit<'ast> for Looker {
        fn visit_type_impl_trait(&mut self, _: &'ast syn::TypeImplTrait) {
            self.0 = true;
        }
    }
    let mut looker = Looker(false);
    looker.visit_return_type(output);
    looker.0
}

/// Operators that no parentheses part, and what stands between them.
#[derive(Default)]
struct Chain<'a> {
    operators: Vec<&'a syn::BinOp>,
    operands: Vec<&'a syn::Expr>,
    has_let: bool,
}

impl<'a> Chain<'a> {
    fn take(&mut self, expression: &'a syn::ExprBinary) {
        self.operators.push(&expression.op);
        for side in [&*expression.left, &*expression.right] {
            match side {
                syn::Expr::Binary(inner) => self.take(inner),
                other => {
                    self.has_let |= matches!(other, syn::Expr::Let(_));
                    self.operands.push(other);
                }
            }
        }
    }
}

struct Writer<'a, P: Iterator<Item = Place>> {
    source: &'a str,
    places: std::iter::Peekable<P>,
    text: String,
    placed: Vec<Placed>,
}

impl<P: Iterator<Item = Place>> Writer<'_, P> {
    /// Writes what stands between two offsets of the source, with the places among it.
    fn until(&mut self, mut from: usize, to: usize) {
        while let Some(place) = self.places.next_if(|place| place.range.start < to) {
            self.text.push_str(&self.source[from..place.range.start]);
            from = place.range.end;
            self.place(place);
        }
        self.text.push_str(&self.source[from..to]);
    }

    fn place(&mut self, place: Place) {
        let begun = self.text.len();
        let numbers: Vec<_> = place.arms.iter().map(|(number, _)| number.to_string()).collect();
        let switch = format!("crate::switch::at(&[{}])", numbers.join(", "));
        let mut placed = Vec::new();
        match place.form {
            Form::Choice | Form::Named | Form::Return => {
                let word = if place.form == Form::Return { "return " } else { "" };
                match place.form {
                    Form::Choice => self.text.push('('),
                    Form::Named => self.text.push_str(&format!("{}: (", &self.source[place.range.clone()])),
                    Form::Return | Form::LeftOut | Form::Gone => {}
                }
                let _ = write!(self.text, "match {switch} {{ ");
                for (number, text) in &place.arms {
                    let arm = self.text.len();
                    let _ = write!(self.text, "{number} => {word}{text}, ");
                    placed.push((*number, arm..self.text.len()));
                }
                if place.form == Form::Return {
                    self.text.push_str("_ => {} }; ");
                } else {
                    self.text.push_str("_ => (");
                    self.until(place.range.start, place.range.end);
                    self.text.push_str(") })");
                }
            }
            Form::Gone => {}
            Form::LeftOut => {
                for (number, _) in &place.arms {
                    let _ = write!(self.text, " if {switch} != {number}");
                    placed.push((*number, begun..self.text.len()));
                }
            }
        }
        let whole = begun..self.text.len();
        self.placed.extend(placed.into_iter().map(|(mutant, arm)| Placed { mutant, arm, place: whole.clone() }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mutant(genre: &str, start: (usize, usize), replacement: &str) -> Mutant {
        Mutant {
            name: String::new(),
            package: String::new(),
            file: String::new(),
            genre: genre.to_owned(),
            start,
            replacement: replacement.to_owned(),
        }
    }

    fn woven(source: &str, mutants: &[Mutant]) -> String {
        let numbered: Vec<_> = (1..).zip(mutants).collect();
        let woven = weave(source, &numbered, &BTreeSet::new()).unwrap();
        assert_eq!(woven.placed.len(), mutants.len());
        for placed in &woven.placed {
            assert!(woven.text[placed.arm.clone()].contains(&placed.mutant.to_string()));
            assert!(placed.place.start <= placed.arm.start && placed.arm.end <= placed.place.end);
        }
        syn::parse_file(&woven.text).unwrap();
        woven.text
    }

    #[test]
    fn a_chain_of_operators_is_mutated_as_text() {
        let mutants = [mutant("BinaryOperator", (1, 40), "-"), mutant("BinaryOperator", (1, 44), ">")];
        assert_eq!(
            woven("fn f(a: u8, b: u8) -> bool { /* é */ a + 1 < b }", &mutants[..]),
            "fn f(a: u8, b: u8) -> bool { /* é */ (match crate::switch::at(&[2, 1]) { 2 => (a + 1 > b), 1 => (a - 1 < b), _ => (a + 1 < b) }) }"
        );
    }

    #[test]
    fn what_is_nested_is_woven_where_no_mutant_of_the_outer_is_on() {
        let mutants = [mutant("BinaryOperator", (1, 23), "||"), mutant("UnaryOperator", (1, 21), "")];
        assert_eq!(
            woven("fn f() -> bool {  ( !a && b) }", &[mutants[0].clone(), mutants[1].clone()][1..]),
            "fn f() -> bool {  ( (match crate::switch::at(&[1]) { 1 => (a), _ => (!a) }) && b) }"
        );
        assert_eq!(
            woven(
                "fn f() -> bool {  ( !a && b) }",
                &[mutant("BinaryOperator", (1, 24), "||"), mutant("UnaryOperator", (1, 21), "")]
            ),
            "fn f() -> bool {  ( (match crate::switch::at(&[1]) { 1 => (!a || b), _ => ((match crate::switch::at(&[2]) { 2 => (a), _ => (!a) }) && b) })) }"
        );
    }

    #[test]
    fn a_function_returns_an_arm_is_left_out_and_a_guard_is_fixed() {
        let source = "fn f(a: u8) -> u8 {\nmatch a {\n1 => 1,\nn if n > 2 => 2,\n_ => 3 } }";
        let mutants = [
            mutant("FnValue", (2, 1), "0"),
            mutant("FnValue", (2, 1), "1"),
            mutant("MatchArm", (3, 1), ""),
            mutant("MatchArmGuard", (4, 6), "true"),
            mutant("BinaryOperator", (4, 8), "<"),
        ];
        assert_eq!(
            woven(source, &mutants),
            "fn f(a: u8) -> u8 {\n\
             match crate::switch::at(&[1, 2]) { 1 => return 0, 2 => return 1, _ => {} }; match a {\n\
             1 if crate::switch::at(&[3]) != 3 => 1,\n\
             n if (match crate::switch::at(&[4]) { 4 => true, _ => ((match crate::switch::at(&[5]) { 5 => (n < 2), _ => (n > 2) })) }) => 2,\n\
             _ => 3 } }"
        );
    }

    #[test]
    fn a_function_returns_before_its_only_expression() {
        let mutants = [mutant("FnValue", (1, 25), "true"), mutant("UnaryOperator", (1, 25), "")];
        assert_eq!(
            woven("fn f(a: bool) -> bool { !a }", &mutants),
            "fn f(a: bool) -> bool { match crate::switch::at(&[1]) { 1 => return true, _ => {} }; (match crate::switch::at(&[2]) { 2 => (a), _ => (!a) }) }"
        );
    }

    #[test]
    fn a_field_is_taken_from_what_fills_the_others() {
        let mutants = [mutant("StructField", (1, 14), ""), mutant("StructField", (1, 20), "")];
        assert_eq!(
            woven("fn f() { S { a: 1, b, ..g() } }", &mutants),
            "fn f() { S { a: (match crate::switch::at(&[1]) { 1 => (g()).a, _ => (1) }), b: (match crate::switch::at(&[2]) { 2 => (g()).b, _ => (b) }), ..g() } }"
        );
    }

    #[test]
    fn beside_let_each_side_is_a_place_and_some_have_none() {
        assert_eq!(
            woven("fn f() { if let Some(a) = b && a == c {} }", &[mutant("BinaryOperator", (1, 34), "!=")]),
            "fn f() { if let Some(a) = b && (match crate::switch::at(&[1]) { 1 => (a != c), _ => (a == c) }) {} }"
        );
        let none = BTreeSet::new();
        let or = mutant("BinaryOperator", (1, 29), "||");
        assert_eq!(weave("fn f() { if let Some(a) = b && a == c {} }", &[(1, &or)], &none).unwrap().unviable, [1]);
        let constant = mutant("FnValue", (1, 24), "1");
        let named = called_in_constants("const A: u8 = B::f(); fn g() { h() }").unwrap();
        assert_eq!(named.iter().collect::<Vec<_>>(), ["B", "f", "u8"]);
        assert_eq!(weave("const fn f() -> u8 {   2 }", &[(1, &constant)], &named).unwrap().placed, []);
        let free = weave("const fn f() -> u8 {   2 }", &[(1, &constant)], &none).unwrap();
        assert_eq!(free.text, " fn f() -> u8 {   match crate::switch::at(&[1]) { 1 => return 1, _ => {} }; 2 }");
        assert_eq!(weave("fn f()->Option<impl Fn>{2 }", &[(1, &constant)], &none).unwrap().placed, []);
        let arm = mutant("MatchArm", (1, 18), "");
        assert_eq!(weave("fn f() { match a{1 => 2, _ if b => 3, c => 4} }", &[(1, &arm)], &none).unwrap().placed, []);
    }
}
