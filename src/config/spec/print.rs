//! Settings as text, in TOML, YAML and JSON.
//!
//! | | sections | groups and lists | text |
//! |---|---|---|---|
//! | TOML | `[handlers.file]` headers | in one line | always quoted |
//! | YAML | block style, two spaces | in one line, as JSON | plain if it is a word in every version of YAML |
//! | JSON | objects, two spaces | in one line | quoted |
//!
//! What is written is read back as an equal `Spec`; a property test in `feature-tests/tests/config_random.rs` holds
//! that.

use std::fmt::Write;

use super::format::Format;
use super::setting::{Content, Mapping, Setting};

/// Writes a document.
pub(super) fn document(table: &Mapping, format: Format) -> String {
    let mut out = String::new();
    match format {
        Format::Toml => toml_table(table, "", &mut out),
        Format::Yaml if table.0.is_empty() => out.push_str("{}\n"),
        Format::Yaml => yaml_table(table, 0, &mut out),
        Format::Json => {
            json(&Content::Table(table.clone()), 0, &mut out);
            out.push('\n');
        }
    }
    out
}

/// Writes a value as TOML, in one line.
pub(super) fn toml(content: &Content) -> String {
    inline(content, Format::Toml)
}

/// Writes text in double quotes, with the escapes that JSON, YAML and TOML have in common.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() || matches!(c, '\u{feff}' | '\u{2028}' | '\u{2029}') => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn number(value: f64, format: Format) -> String {
    match format {
        _ if value.is_finite() => format!("{value:?}"),
        // JSON has no such numbers, and no setting is one.
        Format::Json => "null".to_owned(),
        Format::Yaml if value.is_nan() => ".nan".to_owned(),
        Format::Yaml => if value > 0.0 { ".inf" } else { "-.inf" }.to_owned(),
        Format::Toml => format!("{value}").to_ascii_lowercase(),
    }
}

/// Writes a value in one line: JSON, which YAML reads as well, or TOML.
fn inline(content: &Content, format: Format) -> String {
    let list = |values: &[Setting]| values.iter().map(|value| inline(&value.content, format)).collect::<Vec<_>>();
    match content {
        Content::Null if format == Format::Toml => "\"\"".to_owned(),
        Content::Null => "null".to_owned(),
        Content::Bool(value) => value.to_string(),
        Content::Integer(value) => value.to_string(),
        Content::Float(value) => number(*value, format),
        Content::Text(text) if format == Format::Yaml && is_plain(text) => text.clone(),
        Content::Text(text) => quoted(text),
        Content::List(values) => format!("[{}]", list(values).join(", ")),
        Content::Table(table) if table.0.is_empty() => "{}".to_owned(),
        Content::Table(table) => {
            let entries = table.0.iter().map(|(name, value)| match format {
                Format::Toml => format!("{} = {}", toml_key(&name.text), inline(&value.content, format)),
                _ => format!("{}: {}", quoted(&name.text), inline(&value.content, format)),
            });
            let entries = entries.collect::<Vec<_>>().join(", ");
            if format == Format::Json { format!("{{{entries}}}") } else { format!("{{ {entries} }}") }
        }
    }
}

pub(super) fn toml_key(name: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if !name.is_empty() && name.chars().all(is_bare) { name.to_owned() } else { quoted(name) }
}

/// Writes the values of a table, and then the tables in it under their headers.
fn toml_table(table: &Mapping, path: &str, out: &mut String) {
    let is_section = |value: &Setting| matches!(&value.content, Content::Table(inner) if !inner.0.is_empty());
    for (name, value) in table.0.iter().filter(|(_, value)| !is_section(value)) {
        if value.content != Content::Null {
            let _ = writeln!(out, "{} = {}", toml_key(&name.text), inline(&value.content, Format::Toml));
        }
    }
    for (name, value) in table.0.iter() {
        let Content::Table(inner) = &value.content else { continue };
        if inner.0.is_empty() {
            continue;
        }
        let path = if path.is_empty() { toml_key(&name.text) } else { format!("{path}.{}", toml_key(&name.text)) };
        if inner.0.iter().any(|(_, value)| !is_section(value)) {
            let blank = if out.is_empty() { "" } else { "\n" };
            let _ = writeln!(out, "{blank}[{path}]");
        }
        toml_table(inner, &path, out);
    }
}

/// Whether text needs no quotes in YAML, by any of its versions.
fn is_plain(text: &str) -> bool {
    const WORDS: [&str; 11] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan", "inf"];
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/'))
        && !WORDS.iter().any(|word| word.eq_ignore_ascii_case(text))
}

fn yaml_key(name: &str) -> String {
    if is_plain(name) { name.to_owned() } else { quoted(name) }
}

fn yaml_table(table: &Mapping, depth: usize, out: &mut String) {
    for (name, value) in &table.0 {
        let _ = write!(out, "{:width$}{}:", "", yaml_key(&name.text), width = depth * 2);
        match &value.content {
            Content::Table(inner) if !inner.0.is_empty() => {
                out.push('\n');
                yaml_table(inner, depth + 1, out);
            }
            content => {
                let _ = writeln!(out, " {}", inline(content, Format::Yaml));
            }
        }
    }
}

fn json(content: &Content, depth: usize, out: &mut String) {
    match content {
        Content::Table(table) if !table.0.is_empty() => {
            out.push_str("{\n");
            for (index, (name, value)) in table.0.iter().enumerate() {
                let _ = write!(out, "{:width$}{}: ", "", quoted(&name.text), width = depth * 2 + 2);
                json(&value.content, depth + 1, out);
                out.push_str(if index + 1 < table.0.len() { ",\n" } else { "\n" });
            }
            let _ = write!(out, "{:width$}}}", "", width = depth * 2);
        }
        content => out.push_str(&inline(content, Format::Json)),
    }
}
