//! Reads the tree of a document into a [`Spec`]: its sections, and the types of parts.
//!
//! Five names at the top of a document are sections (`formatters`, `filters`, `handlers`, `loggers`, `root`); each
//! other one is a setting of the system. In a section, each entry is a part: a table whose `type` names its type. A
//! table without a `type` is handed to `python.rs`, as CPython's documents have a `class` there. A document of
//! OpenTelemetry's is handed to `otel.rs` first.
//!
//! Settings are not decoded here, so a document can be put over another one, and variables over both, before anything
//! is checked: `max_bytes = "${env:MAX}"` is still that text.

use std::collections::BTreeMap;

use super::data::Spec;
use super::otel;
use super::part::{Decoding, PartSpec};
use super::python;
use super::setting::{Content, Mapping, Setting, SettingName};
use super::similar::hint;
use super::tables::Tables;
use super::types::Section;

/// The sections of a document; every other name at its top is a setting of the system.
const SECTIONS: [&str; 5] = ["formatters", "filters", "handlers", "loggers", "root"];

/// Reads the sections of a document. Settings are not decoded yet.
pub(super) fn read(mut document: Setting, decoding: &mut Decoding<'_>) -> Spec {
    let mut spec = Spec::default();
    if otel::is_one(&document) {
        document = otel::translate(document, decoding);
    }
    let referred = python::resolve(&mut document, decoding);
    let position = document.position.clone();
    let table = match document.content {
        Content::Table(table) => table,
        // An empty document of YAML.
        Content::Null => Mapping::default(),
        _ => {
            let value = document.shown();
            decoding.problem(position, String::new(), &value, "expected a table with `handlers`, `loggers` and so on");
            return spec;
        }
    };
    let mut system = Mapping::default();
    let mut formatters = BTreeMap::new();
    for (name, setting) in table.0 {
        match name.text.as_str() {
            "formatters" => spec.formatters = parts(Section::Formatters, setting, decoding).0,
            "filters" => spec.filters = parts(Section::Filters, setting, decoding).0,
            "handlers" => {
                let (parts, more) = parts(Section::Handlers, setting, decoding);
                spec.handlers = parts;
                formatters.extend(more);
            }
            "loggers" => {
                let parts = named(&name.text, setting, decoding);
                let parts = parts.into_iter().filter_map(|(name, setting)| {
                    let table = table_of(&format!("loggers.{}", name.text), setting, decoding)?;
                    Some((name.text, PartSpec::of("", table, name.position)))
                });
                spec.loggers = parts.collect();
            }
            "root" => {
                if let Some(table) = table_of("root", setting, decoding) {
                    spec.root = PartSpec::of("", table, name.position);
                }
            }
            _ => system.0.push((name, setting)),
        }
    }
    for (name, part) in formatters {
        spec.formatters.entry(name).or_insert(part);
    }
    let infos = &Tables::get().system;
    let known = |name: &SettingName| {
        let is =
            |info: &&str| *info == name.text || info.strip_prefix(&name.text).is_some_and(|rest| rest.starts_with('.'));
        infos.iter().map(|info| info.name).any(|info| is(&info))
    };
    let (system, unknown): (Vec<_>, Vec<_>) = system.0.into_iter().partition(|(name, _)| known(name));
    for (name, setting) in unknown.into_iter().filter(|(name, _)| !referred.contains(&name.text)) {
        let names = infos.iter().map(|info| info.name.split('.').next().unwrap_or_default());
        let what = format!("no such setting{}", hint(&name.text, names.chain(SECTIONS)));
        decoding.unknown(name.position.or(setting.position), name.text, what);
    }
    spec.system = PartSpec::of("", Mapping(system), position);
    spec.refused = std::mem::take(&mut decoding.refused);
    spec
}

/// Returns a table, or reports that the setting is none.
fn table_of(path: &str, setting: Setting, decoding: &mut Decoding<'_>) -> Option<Mapping> {
    match setting.content {
        Content::Table(table) => Some(table),
        Content::Null => Some(Mapping::default()),
        _ => {
            let value = setting.shown();
            decoding.problem(setting.position, path.to_owned(), &value, "expected a table");
            None
        }
    }
}

/// The parts of a section by name.
fn named(section: &str, setting: Setting, decoding: &mut Decoding<'_>) -> Vec<(SettingName, Setting)> {
    table_of(section, setting, decoding).unwrap_or_default().0
}

/// Parts by name.
type Parts = BTreeMap<String, PartSpec>;

/// Reads the parts of a section, and the formatters that CPython's handlers have inside.
fn parts(section: Section, setting: Setting, decoding: &mut Decoding<'_>) -> (Parts, Parts) {
    let (mut parts, mut formatters) = (Parts::new(), Parts::new());
    for (name, setting) in named(section.names().0, setting, decoding) {
        let path = format!("{}.{}", section.names().0, name.text);
        let Some(mut table) = table_of(&path, setting, decoding) else {
            decoding.refused.push((section, name.text));
            continue;
        };
        let part = match table.remove("type") {
            Some((_, kind)) => match kind.as_text() {
                Some(text) => {
                    let mut part = PartSpec::of(text, table, name.position);
                    part.kind_position = kind.position;
                    Some(part)
                }
                None => {
                    let value = kind.shown();
                    decoding.problem(kind.position, format!("{path}.type"), &value, "expected the name of a type");
                    None
                }
            },
            None => python::part(section, &name.text, name.position, table, decoding).map(|translated| {
                formatters.extend(translated.formatter);
                translated.part
            }),
        };
        match part {
            Some(part) => drop(parts.insert(name.text, part)),
            None => decoding.refused.push((section, name.text)),
        }
    }
    (parts, formatters)
}
