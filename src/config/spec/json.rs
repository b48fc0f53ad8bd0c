//! Documents in JSON (RFC 8259), by the crate `jsonc-parser`.
//!
//! That parser gives each value its position, which `serde_json` does not. Its extensions, such as comments and
//! trailing commas, are off ([`STRICT`]): another program that reads the same file would reject them. A name that
//! occurs twice in an object is an error here, where RFC 8259 leaves the result open.

use std::collections::HashMap;
use std::sync::Arc;

use jsonc_parser::ast::Value;
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use super::setting::{Content, Mapping, Setting, SettingName};
use super::text::{LineStarts, MOST_DEPTH};
use crate::error::Problem;

/// JSON as RFC 8259 has it, and nothing more.
const STRICT: ParseOptions = ParseOptions {
    allow_comments: false,
    allow_loose_object_property_names: false,
    allow_trailing_commas: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

/// Reads a document, or returns what is wrong with its syntax.
pub(super) fn parse(text: &str, source: &Arc<str>) -> Result<Setting, Vec<Problem>> {
    let mut reader = JsonReader { lines: LineStarts::new(text, source), problems: Vec::new() };
    let parsed = match parse_to_ast(text, &CollectOptions::default(), &STRICT) {
        Ok(parsed) => parsed,
        Err(error) => {
            // The parser's own text ends in the position, which is said before.
            let what = error.kind().to_string();
            return Err(vec![reader.lines.problem(error.range().start, lower_first(&what))]);
        }
    };
    let Some(value) = &parsed.value else {
        return Err(vec![reader.lines.problem(0, "the document is empty")]);
    };
    let document = reader.value(value, 0);
    if reader.problems.is_empty() { Ok(document) } else { Err(reader.problems) }
}

fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(letters).collect()
}

struct JsonReader<'t> {
    lines: LineStarts<'t>,
    problems: Vec<Problem>,
}

impl JsonReader<'_> {
    fn value(&mut self, value: &Value<'_>, depth: usize) -> Setting {
        let start = value.range().start;
        let content = match value {
            _ if depth > MOST_DEPTH => {
                self.problems.push(self.lines.problem(start, "the document is nested too deep"));
                Content::Null
            }
            Value::StringLit(text) => Content::Text(text.value.clone().into_owned()),
            Value::BooleanLit(value) => Content::Bool(value.value),
            Value::NullKeyword(_) => Content::Null,
            Value::NumberLit(number) => self.number(number.value, start),
            Value::Array(values) => {
                Content::List(values.elements.iter().map(|value| self.value(value, depth + 1)).collect())
            }
            Value::Object(object) => {
                let mut seen = HashMap::new();
                let mut entries = Vec::new();
                for property in &object.properties {
                    let at = property.range.start;
                    let name = property.name.as_str();
                    if let Some(first) = seen.insert(name.to_owned(), at) {
                        let line = self.lines.position(first).line().unwrap_or_default();
                        self.problems.push(self.lines.problem(at, format_args!("{name:?} is also on line {line}")));
                    }
                    let name = SettingName { text: name.to_owned(), position: Some(self.lines.position(at)) };
                    entries.push((name, self.value(&property.value, depth + 1)));
                }
                Content::Table(Mapping(entries))
            }
        };
        Setting::at(content, self.lines.position(start))
    }

    fn number(&mut self, text: &str, start: usize) -> Content {
        if let Ok(number) = text.parse::<i128>() {
            return Content::Integer(number);
        }
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Content::Float(number),
            _ => {
                self.problems.push(self.lines.problem(start, "this number is too large"));
                Content::Null
            }
        }
    }
}
