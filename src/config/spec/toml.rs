//! Documents in TOML, by the crate `toml`.
//!
//! Its tree has a span for each name and value, from which positions come, and it continues after a mistake of syntax,
//! so several are reported at once. It sorts the names of a table; they are put back into the order of the document,
//! which `pairs` and messages rely on.

use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::setting::{Content, Mapping, Setting, SettingName};
use super::text::{LineStarts, MOST_DEPTH};
use crate::error::Problem;

/// Reads a document, or returns everything that is wrong with its syntax.
pub(super) fn parse(text: &str, source: &Arc<str>) -> Result<Setting, Vec<Problem>> {
    let mut reader = TomlReader { lines: LineStarts::new(text, source), problems: Vec::new() };
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let at = error.span().unwrap_or_default().start;
        // The first line says what is wrong; more lines would show the text.
        let what = error.message().lines().collect::<Vec<_>>().join(", ");
        reader.problems.push(reader.lines.problem(at, what));
    }
    if !reader.problems.is_empty() {
        return Err(reader.problems);
    }
    let span = table.span();
    let document = reader.table(table.get_ref(), span, 0);
    if reader.problems.is_empty() { Ok(document) } else { Err(reader.problems) }
}

struct TomlReader<'t> {
    lines: LineStarts<'t>,
    problems: Vec<Problem>,
}

impl TomlReader<'_> {
    fn table(&mut self, table: &DeTable<'_>, span: Range<usize>, depth: usize) -> Setting {
        // The parser sorts names; the order of the document is that of their offsets.
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(name, _)| name.span().start);
        let entries = entries.into_iter().map(|(name, value)| {
            let position = Some(self.lines.position(name.span().start));
            let name = SettingName { text: name.get_ref().clone().into_owned(), position };
            (name, self.value(value, depth + 1))
        });
        let entries = entries.collect();
        self.setting(Content::Table(Mapping(entries)), span)
    }

    fn value(&mut self, value: &Spanned<DeValue<'_>>, depth: usize) -> Setting {
        let span = value.span();
        if depth > MOST_DEPTH {
            self.problems.push(self.lines.problem(span.start, "the document is nested too deep"));
            return self.setting(Content::Null, span);
        }
        let content = match value.get_ref() {
            DeValue::String(text) => Content::Text(text.clone().into_owned()),
            DeValue::Boolean(value) => Content::Bool(*value),
            DeValue::Integer(number) => match i128::from_str_radix(number.as_str(), number.radix()) {
                Ok(number) => Content::Integer(number),
                Err(_) => {
                    self.problems.push(self.lines.problem(span.start, "this number is too large"));
                    Content::Null
                }
            },
            DeValue::Float(number) => match number.as_str().parse::<f64>() {
                Ok(number) => Content::Float(number),
                Err(_) => {
                    self.problems.push(self.lines.problem(span.start, "this is not a number"));
                    Content::Null
                }
            },
            // No setting is a date; one of a user's type may read it as text.
            DeValue::Datetime(date) => Content::Text(date.to_string()),
            DeValue::Array(values) => Content::List(values.iter().map(|value| self.value(value, depth + 1)).collect()),
            DeValue::Table(table) => return self.table(table, span, depth),
        };
        self.setting(content, span)
    }

    fn setting(&self, content: Content, span: Range<usize>) -> Setting {
        Setting::at(content, self.lines.position(span.start))
    }
}
