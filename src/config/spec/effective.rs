//! The configuration in force: every setting with its value and its origin.
//!
//! An operator asks "why is this level `debug`?" and the answer is a file and line, a variable, or a default. The rows
//! of the tables are written in their order, with the value that was given or the default of the row.

use std::fmt::Write;

use super::check;
use super::data::Spec;
use super::part::PartSpec;
use super::print;
use super::setting::{Content, Setting};
use super::table::{Preset, SettingInfo, preset};
use super::tables::Tables;
use super::types::Section;

impl Spec {
    /// Returns every setting with its value and where it comes from, as TOML with comments: a place in a file, an
    /// environment variable, `code`, or `default`. Secrets are `***`.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::config::{Environment, Format, Loader};
    ///
    /// let environment = Environment::of([("PASSWORD", "hunter2")]);
    /// let text = "handlers.console = { type = \"stream\", level = \"warn\" }";
    /// let spec = Loader::new().environment(environment).read(text, Format::Toml, "log.toml")?;
    /// let effective = spec.effective();
    /// assert!(effective.contains("\n[handlers.console]\ntype = \"stream\"  # log.toml:1:29\n"), "{effective}");
    /// assert!(effective.contains("\nlevel = \"warn\"  # log.toml:1:47\n"));
    /// assert!(effective.contains("\nformatter = \"text\"  # default\n"));
    /// # Ok::<(), femtologging::Error>(())
    /// ```
    pub fn effective(&self) -> String {
        let tables = Tables::get();
        let mut out = String::new();
        write_rows(&self.system, &tables.system, &mut out);
        for section in [Section::Formatters, Section::Filters, Section::Handlers] {
            for (name, part) in self.section(section) {
                header(&[section.names().0, name], &mut out);
                let origin = part.kind_position.as_ref().or(part.position.as_ref());
                let origin = origin.map_or_else(|| "code".to_owned(), ToString::to_string);
                let _ = writeln!(out, "type = {}  # {origin}", print::quoted(&part.kind));
                let infos = check::infos_of(section, part);
                write_rows(part, &infos, &mut out);
                for (name, setting) in &part.settings {
                    if infos.iter().all(|info| info.name != name) {
                        write_setting(name, setting, &mut out);
                    }
                }
            }
        }
        header(&["root"], &mut out);
        write_rows(&self.root, &tables.root, &mut out);
        if !self.root.settings.contains_key("handlers") {
            let handlers = check::root_handlers(self, &check::inner_handlers(self));
            let _ = writeln!(out, "handlers = {}  # default", print::toml(&Setting::from(handlers).content));
        }
        for (name, part) in &self.loggers {
            header(&["loggers", name], &mut out);
            write_rows(part, &tables.logger, &mut out);
        }
        out
    }
}

fn header(path: &[&str], out: &mut String) {
    let path = path.iter().map(|name| print::toml_key(name)).collect::<Vec<_>>().join(".");
    let _ = writeln!(out, "\n[{path}]");
}

fn write_rows(part: &PartSpec, infos: &[SettingInfo], out: &mut String) {
    for info in infos {
        match (part.settings.get(info.name), info.default) {
            (Some(setting), _) => write_setting(info.name, setting, out),
            (None, Preset::Value(text)) => {
                let default = preset(text);
                let content = (info.kind.canonical)(&default).unwrap_or(default.content);
                let _ = writeln!(out, "{} = {}  # default", info.name, print::toml(&content));
            }
            (None, _) => {}
        }
    }
}

fn write_setting(name: &str, setting: &Setting, out: &mut String) {
    let origin = setting.position.as_ref().map_or_else(|| "code".to_owned(), ToString::to_string);
    let _ = writeln!(out, "{name} = {}  # {origin}", print::toml(&shown(setting)));
}

/// The value, with `***` in place of secrets.
fn shown(setting: &Setting) -> Content {
    if setting.is_secret {
        return Content::Text("***".to_owned());
    }
    let inside = |setting: &Setting| Setting::new(shown(setting));
    match &setting.content {
        Content::List(values) => Content::List(values.iter().map(inside).collect()),
        Content::Table(table) => {
            let mut table = table.clone();
            table.0.iter_mut().for_each(|(_, value)| *value = inside(value));
            Content::Table(table)
        }
        content => content.clone(),
    }
}
