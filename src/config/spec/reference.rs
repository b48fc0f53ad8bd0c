//! The reference page of all settings, made from the tables: `docs/guide/configuration-reference.md`.
//!
//! A test compares the file with what this build writes, so the page cannot be out of date.

use std::fmt::Write;

use super::data::Spec;
use super::table::{Preset, SettingInfo};
use super::tables::{Tables, TypeInfo};
use super::types::Section;

impl Spec {
    /// Returns a page in Markdown with every setting of every type, from the tables that the loader reads by.
    ///
    /// It has the types and settings of the Cargo features of this build.
    pub fn reference() -> String {
        let tables = Tables::get();
        let mut out = String::from(
            "# Configuration reference\n\nEvery setting of a configuration file. The page is made from the tables that the \
             loader reads by: do not\nedit it. The guide [configuration][configuration.md] explains how files, variables and \
             code go together.\n",
        );
        let _ = writeln!(out, "\n## System\n\nSettings at the top of the document.\n");
        rows(&tables.system, &mut out);
        let _ = writeln!(out, "\n## Loggers\n\n`root` is the root logger:\n");
        rows(&tables.root, &mut out);
        let _ = writeln!(out, "\n`loggers.<name>` is a logger; parts of its name are separated by `::` or `.`:\n");
        rows(&tables.logger, &mut out);
        let _ = writeln!(out, "\n## Handlers\n\n`handlers.<name>` is a handler. All handlers have these settings:\n");
        let common = super::tables::handlers::common_infos();
        rows(common, &mut out);
        types(Section::Handlers, &tables.of(Section::Handlers), common, &mut out);
        let _ = writeln!(
            out,
            "\n## Formatters\n\n`formatters.<name>` is a formatter. The name of a type stands for one with its defaults."
        );
        types(Section::Formatters, &tables.of(Section::Formatters), &[], &mut out);
        let _ = writeln!(
            out,
            "\n## Filters\n\n`filters.<name>` is a filter. Each handler and logger that names it has its own, with a state of its own."
        );
        types(Section::Filters, &tables.of(Section::Filters), &[], &mut out);
        out.push_str("\n[configuration.md]: configuration.md\n");
        out
    }
}

fn types(section: Section, types: &[TypeInfo<'_>], common: &[SettingInfo], out: &mut String) {
    for kind in types {
        let _ = writeln!(out, "\n### `{}`\n", kind.name);
        let lead = match section {
            Section::Handlers => "Writes to ",
            Section::Formatters => "Writes ",
            Section::Filters => "Lets pass ",
        };
        let _ = write!(out, "{lead}{}.", kind.about);
        if !kind.classes.is_empty() {
            let classes = kind.classes.iter().map(|class| format!("`{class}`")).collect::<Vec<_>>().join(", ");
            let _ = write!(out, "\nCPython: {classes}.");
        }
        out.push('\n');
        let own: Vec<_> =
            kind.infos.iter().filter(|info| !common.iter().any(|known| known.name == info.name)).collect();
        if !own.is_empty() {
            out.push('\n');
            rows(own, out);
        }
    }
}

fn rows<'i>(infos: impl IntoIterator<Item = &'i SettingInfo>, out: &mut String) {
    let _ = writeln!(out, "| setting | type | default | meaning |\n|---|---|---|---|");
    for info in infos {
        let default = match info.default {
            Preset::Required => "required".to_owned(),
            Preset::Nothing => "—".to_owned(),
            Preset::Value("") => "empty".to_owned(),
            Preset::Value("\n") => "a line feed".to_owned(),
            Preset::Value(text) => format!("`{text}`"),
        };
        let python = match info.python {
            Some(name) if name != info.name => format!("; CPython's `{name}`"),
            _ => String::new(),
        };
        let row = [format!("`{}`", info.name), (info.kind.name)(), default, format!("{}{python}", info.about)];
        let _ = writeln!(out, "| {} |", row.map(|cell| cell.replace('|', "\\|")).join(" | "));
    }
}
