//! The tables of settings: one for each type of handlers, formatters and filters, and those of loggers and of the
//! system.
//!
//! | file | tables |
//! |---|---|
//! | `handlers` | handlers; rows that all handlers, or a family such as files, have in common |
//! | `formatters` | formatters |
//! | `filters` | filters, also combinations of them |
//! | `general` | loggers, the root logger, the system |
//!
//! Two tests hold the tables together with the rest: `every_default_is_a_value_of_its_type` here, and a document that
//! gives every setting of every type, which `feature-tests/tests/config_files.rs` builds.
//!
//! The tables are made once, on first use, and live as long as the process: about 150 rows.

pub(super) mod filters;
pub(super) mod formatters;
pub(super) mod general;
pub(super) mod handlers;

use std::sync::{Arc, LazyLock};

use super::table::{MadeFormatter, PartType, SettingInfo};
use super::types::Section;
use crate::filter::FemtoFilter;
use crate::handler::HandlerSpec;

/// All tables.
pub(super) struct Tables {
    pub(super) formatters: Vec<PartType<MadeFormatter>>,
    pub(super) filters: Vec<PartType<Arc<dyn FemtoFilter>>>,
    pub(super) handlers: Vec<PartType<HandlerSpec>>,
    pub(super) logger: Vec<SettingInfo>,
    pub(super) root: Vec<SettingInfo>,
    pub(super) system: Vec<SettingInfo>,
}

/// A type, whatever it makes.
pub(super) struct TypeInfo<'t> {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) classes: &'static [&'static str],
    pub(super) infos: &'t [SettingInfo],
}

impl Tables {
    pub(super) fn get() -> &'static Self {
        static TABLES: LazyLock<Tables> = LazyLock::new(|| Tables {
            formatters: formatters::types(),
            filters: filters::types(),
            handlers: handlers::types(),
            logger: general::logger(),
            root: general::root(),
            system: general::system(),
        });
        &TABLES
    }

    /// Returns the types of a section.
    pub(super) fn of(&self, section: Section) -> Vec<TypeInfo<'_>> {
        fn infos<T>(types: &[PartType<T>]) -> Vec<TypeInfo<'_>> {
            let info = |kind: &'_ PartType<T>| (kind.name, kind.about, kind.classes);
            types
                .iter()
                .map(|kind| {
                    let (name, about, classes) = info(kind);
                    TypeInfo { name, about, classes, infos: &kind.infos }
                })
                .collect()
        }
        match section {
            Section::Formatters => infos(&self.formatters),
            Section::Filters => infos(&self.filters),
            Section::Handlers => infos(&self.handlers),
        }
    }
}

/// Types that need a Cargo feature which this build does not have, with the feature.
pub(super) const MISSING: &[(&str, &str)] = &[
    #[cfg(not(feature = "cbor"))]
    ("cbor", "cbor"),
    #[cfg(not(feature = "msgpack"))]
    ("msgpack", "msgpack"),
    #[cfg(not(feature = "regex"))]
    ("matches", "regex"),
    #[cfg(not(feature = "http"))]
    ("http", "http"),
    #[cfg(not(feature = "http"))]
    ("loki", "http"),
    #[cfg(not(feature = "http"))]
    ("elasticsearch", "http"),
    #[cfg(not(feature = "http"))]
    ("splunk", "http"),
    #[cfg(not(feature = "http"))]
    ("datadog", "http"),
    #[cfg(not(feature = "otlp"))]
    ("otlp", "otlp"),
    #[cfg(not(all(feature = "journald", target_os = "linux")))]
    ("journald", "journald"),
];

#[cfg(test)]
mod tests {
    use super::super::document;
    use super::super::environment::Environment;
    use super::super::format::Format;
    use super::super::part::Decoding;
    use super::*;

    /// `tests/config_files.rs` builds this document. Together they call what every row does to its builder.
    #[test]
    #[cfg(all(feature = "otlp", feature = "regex", feature = "msgpack", feature = "cbor", feature = "journald"))]
    fn a_test_gives_every_setting_of_every_type() {
        let text = include_str!("../../../../tests/data/config/everything.toml");
        let tree = Format::Toml.parse(text, &"everything.toml".into()).unwrap();
        let (mut problems, mut warnings) = (Vec::new(), Vec::new());
        let environment = Environment::of([("DIR", "/tmp"), ("PASSWORD", "x")]);
        let mut decoding = Decoding::of_document(&tree, &environment, &mut problems, &mut warnings);
        let mut spec = document::read(tree, &mut decoding);
        super::super::check::decode(&mut spec, None, &environment, &mut problems);
        assert_eq!(problems, []);
        let tables = Tables::get();
        let mut missing = Vec::new();
        let mut look = |what: &str, infos: &[SettingInfo], parts: &[&super::super::PartSpec]| {
            for info in infos {
                if !parts.iter().any(|part| part.settings.contains_key(info.name)) {
                    missing.push(format!("{what}.{}", info.name));
                }
            }
        };
        for section in [Section::Formatters, Section::Filters, Section::Handlers] {
            // Types share the rows of a family, such as files: one of them has to give each.
            let parts: Vec<_> = spec.section(section).values().collect();
            for kind in tables.of(section) {
                assert!(parts.iter().any(|part| part.kind == kind.name), "{}", kind.name);
                look(kind.name, kind.infos, &parts);
            }
        }
        look("root", &tables.root, &[&spec.root]);
        look("system", &tables.system, &[&spec.system]);
        look("loggers", &tables.logger, &spec.loggers.values().collect::<Vec<_>>());
        assert_eq!(missing, Vec::<String>::new());
    }

    /// A default that a table says is a value of the setting's type, in its canonical form.
    #[test]
    fn every_default_is_a_value_of_its_type() {
        let tables = Tables::get();
        let sections = [Section::Formatters, Section::Filters, Section::Handlers];
        let types = sections.into_iter().flat_map(|section| tables.of(section));
        let infos = types.flat_map(|kind| kind.infos).chain(&tables.logger).chain(&tables.root).chain(&tables.system);
        for info in infos {
            if let super::super::table::Preset::Value(text) = info.default {
                let default = super::super::table::preset(text);
                let content =
                    (info.kind.canonical)(&default).unwrap_or_else(|wrong| panic!("{}: {wrong:?}", info.name));
                let shown = match &content {
                    super::super::setting::Content::Text(shown) => shown.clone(),
                    super::super::setting::Content::List(values) if values.is_empty() => String::new(),
                    _ => super::super::print::toml(&content),
                };
                assert_eq!(shown, text, "{}", info.name);
            }
        }
    }
}
