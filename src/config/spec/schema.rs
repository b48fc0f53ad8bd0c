//! The JSON Schema of configurations, made from the tables.
//!
//! The document is written as text, a line for each setting, so that a change of a setting is one line in the
//! difference of `docs/femtologging.schema.json`. It uses draft 2020-12 and only keywords that editors know: `$ref`
//! into `$defs`, `anyOf`, `enum`, `pattern`, `additionalProperties`.
//!
//! A type of parts is a variant in an `anyOf` whose `type` is a constant. Each value may also be a text with a
//! reference to the environment, whatever the setting's type is, since interpolation comes before decoding.

use std::fmt::Write;

use super::data::Spec;
use super::print::quoted;
use super::setting::Content;
use super::table::{Preset, SettingInfo, preset};
use super::tables::{Tables, TypeInfo};
use super::types::Section;
use crate::level::Level;

impl Spec {
    /// Returns the JSON Schema (draft 2020-12) of configurations with the library's types, for editors and for checks
    /// in other languages.
    ///
    /// It says what each setting may be; what settings mean together, such as a handler's name that no handler has,
    /// only the loader finds. It has the types and settings of the Cargo features of this build.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::config::Spec;
    ///
    /// # let dir = tempfile::tempdir()?;
    /// let path = dir.path().join("femtologging.schema.json");
    /// std::fs::write(&path, Spec::schema())?; // a TOML document then begins with `#:schema femtologging.schema.json`
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn schema() -> String {
        let tables = Tables::get();
        let mut out = String::from("{\n  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n");
        let _ = writeln!(out, "  \"title\": \"femtologging\",");
        let _ = writeln!(out, "  \"type\": \"object\",");
        let _ = writeln!(out, "  \"properties\": {{");
        for section in [Section::Formatters, Section::Filters, Section::Handlers] {
            let (name, part) = section.names();
            let items = format!("{{\"$ref\": \"#/$defs/{part}\"}}");
            let _ = writeln!(
                out,
                "    \"{name}\": {{\"type\": [\"object\", \"null\"], \"additionalProperties\": {items}}},"
            );
        }
        let logger = "{\"$ref\": \"#/$defs/logger\"}";
        let _ =
            writeln!(out, "    \"loggers\": {{\"type\": [\"object\", \"null\"], \"additionalProperties\": {logger}}},");
        let _ = writeln!(out, "    \"root\": {{\"$ref\": \"#/$defs/root\"}},");
        properties(&tables.system, "", "    ", &mut out);
        let _ = writeln!(out, "  }},\n  \"additionalProperties\": false,\n  \"$defs\": {{");
        for (name, infos) in [("logger", &tables.logger), ("root", &tables.root)] {
            let _ = writeln!(out, "    \"{name}\": {{\"type\": [\"object\", \"null\"], \"properties\": {{");
            properties(infos, "", "      ", &mut out);
            let _ = writeln!(out, "    }}, \"additionalProperties\": false}},");
        }
        for section in [Section::Formatters, Section::Filters, Section::Handlers] {
            types(section, &tables.of(section), &mut out);
        }
        scalars(&mut out);
        out.push_str("  }\n}\n");
        out
    }
}

/// The types of a section, of which `type` chooses one.
fn types(section: Section, types: &[TypeInfo<'_>], out: &mut String) {
    let part = section.names().1;
    let names = types.iter().map(|kind| quoted(kind.name)).collect::<Vec<_>>().join(", ");
    let classes: Vec<_> = types.iter().flat_map(|kind| kind.classes).map(|class| quoted(class)).collect();
    let _ = writeln!(out, "    \"{part}\": {{");
    // Without a `type` it is one of CPython's, whose arguments the schema does not know.
    let python = match section {
        Section::Handlers => {
            format!("\"properties\": {{\"class\": {{\"enum\": [{}]}}}}, \"required\": [\"class\"]", classes.join(", "))
        }
        _ => "\"properties\": {}".to_owned(),
    };
    let _ = writeln!(out, "      \"type\": \"object\",");
    let _ = writeln!(out, "      \"if\": {{\"required\": [\"type\"]}},");
    let _ = writeln!(out, "      \"then\": {{\"properties\": {{\"type\": {{\"enum\": [{names}]}}}}}},");
    let _ = writeln!(out, "      \"else\": {{{python}}},");
    let _ = writeln!(out, "      \"allOf\": [");
    for (index, kind) in types.iter().enumerate() {
        let name = quoted(kind.name);
        let condition = format!("{{\"required\": [\"type\"], \"properties\": {{\"type\": {{\"const\": {name}}}}}}}");
        let comma = if index + 1 < types.len() { "," } else { "" };
        let _ = writeln!(
            out,
            "        {{\"if\": {condition}, \"then\": {{\"$ref\": \"#/$defs/{part}_{}\"}}}}{comma}",
            kind.name
        );
    }
    let _ = writeln!(out, "      ]\n    }},");
    for kind in types {
        let _ = writeln!(out, "    \"{part}_{}\": {{", kind.name);
        let _ = writeln!(out, "      \"description\": {},", quoted(kind.about));
        let _ = writeln!(out, "      \"properties\": {{");
        let _ = writeln!(
            out,
            "        \"type\": {{\"const\": {}}}{}",
            quoted(kind.name),
            if kind.infos.is_empty() { "" } else { "," }
        );
        properties(kind.infos, "", "        ", out);
        let required = kind.infos.iter().filter(|info| info.default == Preset::Required).map(|info| quoted(info.name));
        let required: Vec<_> = required.collect();
        let _ = writeln!(out, "      }},");
        if !required.is_empty() {
            let _ = writeln!(out, "      \"required\": [{}],", required.join(", "));
        }
        let _ = writeln!(out, "      \"additionalProperties\": false\n    }},");
    }
}

/// The settings whose names begin with `prefix`, a line each.
fn properties(infos: &[SettingInfo], prefix: &str, indent: &str, out: &mut String) {
    let mut lines = Vec::new();
    let mut groups: Vec<&str> = Vec::new();
    for info in infos {
        let Some(name) = info.name.strip_prefix(prefix) else { continue };
        let Some((group, _)) = name.split_once('.') else {
            lines.push(format!("{indent}{}: {}", quoted(name), setting(info)));
            continue;
        };
        if groups.contains(&group) {
            continue;
        }
        groups.push(group);
        let mut inside = String::new();
        let inner = format!("{prefix}{group}.");
        properties(infos, &inner, &format!("{indent}  "), &mut inside);
        let table = format!(
            "\"type\": [\"object\", \"null\"], \"properties\": {{\n{inside}{indent}}}, \"additionalProperties\": false"
        );
        let short = infos.iter().find(|info| {
            info.name.strip_prefix(inner.as_str()).is_some_and(|name| name == "type" || name == "enabled")
        });
        let value = match short {
            Some(short) => format!("{{\"anyOf\": [{}, {{{table}}}]}}", setting(short)),
            None => format!("{{{table}}}"),
        };
        lines.push(format!("{indent}{}: {value}", quoted(group)));
    }
    if !lines.is_empty() {
        let _ = writeln!(out, "{}", lines.join(",\n"));
    }
}

/// The schema of one setting: a value of its type, text that refers to the environment, or nothing.
fn setting(info: &SettingInfo) -> String {
    let default = match info.default {
        Preset::Value(text) => match (info.kind.canonical)(&preset(text)) {
            Ok(Content::Bool(value)) => format!(", \"default\": {value}"),
            Ok(Content::Integer(value)) => format!(", \"default\": {value}"),
            Ok(Content::List(_)) => ", \"default\": []".to_owned(),
            _ => format!(", \"default\": {}", quoted(text)),
        },
        _ => String::new(),
    };
    let reference = "{\"$ref\": \"#/$defs/reference\"}";
    // CPython writes `null` for an argument that is not given.
    let none = if info.default == Preset::Required { "" } else { ", {\"type\": \"null\"}" };
    format!(
        "{{\"description\": {}{default}, \"anyOf\": [{}, {reference}{none}]}}",
        quoted(info.about),
        (info.kind.schema)()
    )
}

/// A pattern that matches a word in either letter case.
fn any_case(word: &str) -> String {
    word.chars().map(|c| format!("[{}{}]", c.to_ascii_uppercase(), c.to_ascii_lowercase())).collect()
}

/// The types of values that several settings share.
fn scalars(out: &mut String) {
    let words =
        ["trace", "debug", "info", "warn", "warning", "error", "critical", "fatal", "off"].map(any_case).join("|");
    let numbers = Level::ALL.map(|level| level.number().to_string());
    let level = |more: &str, zero: &str| {
        let texts = numbers.join("|");
        let numbers = numbers.join(", ");
        format!(
            "{{\"anyOf\": [{{\"type\": \"string\", \"pattern\": \"^({words}|{texts}{more})$\"}}, {{\"enum\": [{zero}{numbers}]}}]}}"
        )
    };
    let optional = format!("|{}|0", any_case("notset"));
    let size = "^[0-9][0-9_]*(\\\\.[0-9]+)? *([Bb]|[kKmMgGtT][iI]?[bB])?$";
    let duration = "^(0+|[0-9][0-9_]*(\\\\.[0-9]+)? *(ns|us|µs|μs|ms|s|min|h|d|w))$";
    let _ = writeln!(out, "    \"level\": {},", level("", ""));
    let _ = writeln!(out, "    \"optional_level\": {},", level(&optional, "0, "));
    let _ = writeln!(out, "    \"size\": {{\"type\": \"string\", \"pattern\": \"{size}\"}},");
    let _ = writeln!(
        out,
        "    \"duration\": {{\"anyOf\": [{{\"type\": \"string\", \"pattern\": \"{duration}\"}}, {{\"const\": 0}}]}},"
    );
    let _ = writeln!(out, "    \"reference\": {{\"type\": \"string\", \"pattern\": \"\\\\$\\\\{{(env|file):\"}}");
}
