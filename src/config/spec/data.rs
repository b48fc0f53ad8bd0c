//! [`Spec`]: a configuration as plain data.
//!
//! A `Spec` may be decoded or not. Code makes one that is not; the loader returns one that is. Both can be put over one
//! another ([`overlay`](Spec::overlay)), written and built: decoding a decoded configuration changes nothing.
//!
//! ```text
//! Spec::new().handler("file", PartSpec::new("file").with("path", "app.log"))
//!
//! Spec::to_string(Format::Toml):      [handlers.file]
//!                                     type = "file"
//!                                     path = "app.log"
//! ```

use std::collections::BTreeMap;

use super::format::Format;
use super::part::PartSpec;
use super::print;
use super::setting::{Content, Mapping, Setting, SettingName};
use super::table::SettingInfo;
use super::tables::Tables;
use super::types::Section;
use crate::error::Problem;

/// A configuration as plain data: read from a file, made in code, compared, changed and written.
///
/// [`Config::from_spec`](crate::Config::from_spec) makes a system of it. The reference page of the guide lists every
/// type of handlers, formatters and filters with its settings.
///
/// | field | what it is |
/// |---|---|
/// | [`formatters`](Self::formatters) | formatters by name |
/// | [`filters`](Self::filters) | filters by name |
/// | [`handlers`](Self::handlers) | handlers by name, including those inside other handlers |
/// | [`loggers`](Self::loggers) | loggers by name |
/// | [`root`](Self::root) | the root logger |
/// | [`system`](Self::system) | everything else: directives, memory, limits |
///
/// Two configurations are equal if they say the same, in whatever units and formats.
///
/// # Examples
///
/// ```
/// use femtologging::config::{Format, Spec};
///
/// let text = r#"
/// [formatters.plain]
/// type = "pattern"
/// pattern = "%(asctime)s %(levelname)s %(message)s"
///
/// [handlers.console]
/// type = "stream"
/// formatter = "plain"
/// overflow = "drop_newest"
///
/// [loggers."my_app::db"]
/// level = "debug"
/// "#;
/// let spec = Spec::from_str(text, Format::Toml)?;
/// assert_eq!(spec.handlers["console"].kind(), "stream");
/// assert_eq!(spec.loggers["my_app::db"].get("level"), Some(&"debug".into()));
/// assert_eq!(Spec::from_str(&spec.to_string(Format::Toml), Format::Toml)?, spec);
///
/// let error = Spec::from_str("[handlers.console]\ntype = \"stream\"\nlevl = \"info\"", Format::Toml).unwrap_err();
/// assert_eq!(error.to_string(), "<text>:3:1: handlers.console.levl: no such setting; did you mean \"level\"?");
/// # Ok::<(), femtologging::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Spec {
    /// The formatters.
    pub formatters: BTreeMap<String, PartSpec>,
    /// The filters.
    pub filters: BTreeMap<String, PartSpec>,
    /// The handlers.
    pub handlers: BTreeMap<String, PartSpec>,
    /// The loggers; their parts have no type.
    pub loggers: BTreeMap<String, PartSpec>,
    /// The root logger.
    pub root: PartSpec,
    /// The settings of the system.
    pub system: PartSpec,
    /// What was wrong and is ignored.
    pub(super) warnings: Vec<Problem>,
    /// Parts that could not be read.
    pub(super) refused: Vec<(Section, String)>,
}

impl PartialEq for Spec {
    fn eq(&self, other: &Self) -> bool {
        (&self.formatters, &self.filters, &self.handlers) == (&other.formatters, &other.filters, &other.handlers)
            && (&self.loggers, &self.root, &self.system) == (&other.loggers, &other.root, &other.system)
    }
}

impl Spec {
    /// Makes an empty configuration.
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes a document that reads the same, with references to the environment as they were given.
    ///
    /// A secret that was given as text is written as text.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::config::{Format, PartSpec, Spec};
    ///
    /// let spec = Spec::new().handler("file", PartSpec::new("file").with("path", "app.log").with("idle.spin", "5 us"));
    /// let text = spec.to_string(Format::Toml);
    /// assert_eq!(
    ///     text,
    ///     "[handlers.file]\ntype = \"file\"\npath = \"app.log\"\n\n[handlers.file.idle]\nspin = \"5 us\"\n",
    /// );
    /// assert_eq!(Spec::from_str(&text, Format::Toml)?.to_string(Format::Toml), text);
    /// # Ok::<(), femtologging::Error>(())
    /// ```
    pub fn to_string(&self, format: Format) -> String {
        print::document(&self.document(), format)
    }

    /// Adds a formatter.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::config::{PartSpec, Spec};
    ///
    /// let spec = Spec::new()
    ///     .formatter("machine", PartSpec::new("json"))
    ///     .handler("file", PartSpec::new("file").with("path", "app.json").with("formatter", "machine"));
    /// assert_eq!(spec.handlers["file"].get("formatter"), Some(&"machine".into()));
    /// ```
    #[must_use]
    pub fn formatter(mut self, name: impl Into<String>, part: PartSpec) -> Self {
        self.formatters.insert(name.into(), part);
        self
    }

    /// Adds a filter.
    #[must_use]
    pub fn filter(mut self, name: impl Into<String>, part: PartSpec) -> Self {
        self.filters.insert(name.into(), part);
        self
    }

    /// Adds a handler.
    #[must_use]
    pub fn handler(mut self, name: impl Into<String>, part: PartSpec) -> Self {
        self.handlers.insert(name.into(), part);
        self
    }

    /// Adds a logger, a part without a type: `PartSpec::default().with("level", "debug")`.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::config::{Format, PartSpec, Spec};
    ///
    /// let spec = Spec::new().logger("shop::db", PartSpec::default().with("level", "debug").with("propagate", false));
    /// assert_eq!(spec.to_string(Format::Toml), "[loggers.\"shop::db\"]\nlevel = \"debug\"\npropagate = false\n");
    /// ```
    #[must_use]
    pub fn logger(mut self, name: impl Into<String>, part: PartSpec) -> Self {
        self.loggers.insert(name.into(), part);
        self
    }

    /// Returns what was wrong with the document, and is ignored because it has `strict = false`.
    ///
    /// [`Config::from_spec`](crate::Config::from_spec) also reports them to the [error hook](crate::set_error_hook).
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::config::{Format, Spec};
    ///
    /// let spec = Spec::from_str("strict = false\ncolour = true", Format::Toml)?;
    /// assert_eq!(spec.warnings()[0].field, "colour");
    /// # Ok::<(), femtologging::Error>(())
    /// ```
    pub fn warnings(&self) -> &[Problem] {
        &self.warnings
    }

    /// Puts another configuration over this one, setting by setting. A part of another type replaces the whole part.
    pub(super) fn overlay(&mut self, other: Self) {
        let parts = |under: &mut BTreeMap<String, PartSpec>, over: BTreeMap<String, PartSpec>| {
            for (name, part) in over {
                match under.get_mut(&name) {
                    Some(known) => known.overlay(part),
                    None => {
                        under.insert(name, part);
                    }
                }
            }
        };
        parts(&mut self.formatters, other.formatters);
        parts(&mut self.filters, other.filters);
        parts(&mut self.handlers, other.handlers);
        parts(&mut self.loggers, other.loggers);
        self.root.overlay(other.root);
        self.system.overlay(other.system);
        self.warnings.extend(other.warnings);
        self.refused.extend(other.refused);
    }

    pub(super) fn section(&self, section: Section) -> &BTreeMap<String, PartSpec> {
        match section {
            Section::Formatters => &self.formatters,
            Section::Filters => &self.filters,
            Section::Handlers => &self.handlers,
        }
    }

    pub(super) fn section_mut(&mut self, section: Section) -> &mut BTreeMap<String, PartSpec> {
        match section {
            Section::Formatters => &mut self.formatters,
            Section::Filters => &mut self.filters,
            Section::Handlers => &mut self.handlers,
        }
    }

    /// The whole as one table, for writing.
    fn document(&self) -> Mapping {
        let tables = Tables::get();
        let mut document = table_of(&self.system, &tables.system);
        for section in [Section::Formatters, Section::Filters, Section::Handlers] {
            let types = tables.of(section);
            let parts = self.section(section).iter().map(|(name, part)| {
                let infos = types.iter().find(|kind| kind.name == part.kind).map_or(&[][..], |kind| kind.infos);
                (name, table_of(part, infos))
            });
            push(&mut document, section.names().0, parts.collect());
        }
        let loggers = self.loggers.iter().map(|(name, part)| (name, table_of(part, &tables.logger)));
        push(&mut document, "loggers", loggers.collect());
        let root = table_of(&self.root, &tables.root);
        if !root.0.is_empty() {
            document.0.push((SettingName::new("root"), Setting::new(Content::Table(root))));
        }
        document
    }
}

fn push(document: &mut Mapping, section: &str, parts: Vec<(&String, Mapping)>) {
    if !parts.is_empty() {
        let parts =
            parts.into_iter().map(|(name, table)| (SettingName::new(name), Setting::new(Content::Table(table))));
        document.0.push((SettingName::new(section), Setting::new(Content::Table(Mapping(parts.collect())))));
    }
}

/// A part as a table, with groups as tables in it.
fn table_of(part: &PartSpec, infos: &[SettingInfo]) -> Mapping {
    let mut table = Mapping::default();
    if !part.kind.is_empty() {
        table.0.push((SettingName::new("type"), Setting::from(part.kind.as_str())));
    }
    for (name, setting) in &part.settings {
        let info = infos.iter().find(|info| info.name == name);
        let setting = as_written(setting, info.is_some_and(|info| info.kind.is_pattern));
        match info {
            Some(_) => table.set(&name.split('.').collect::<Vec<_>>(), setting),
            None => table.set(&[name], setting),
        }
    }
    table
}

/// A setting with the text that reads as its value.
fn as_written(setting: &Setting, is_pattern: bool) -> Setting {
    let content = match (&setting.content, &setting.template) {
        (_, Some(template)) => Content::Text(template.clone()),
        (Content::Text(text), None) if !is_pattern => Content::Text(text.replace('$', "$$")),
        (Content::List(values), None) => {
            Content::List(values.iter().map(|value| as_written(value, is_pattern)).collect())
        }
        (Content::Table(table), None) => {
            let entries = table.0.iter().map(|(name, value)| (name.clone(), as_written(value, is_pattern)));
            Content::Table(Mapping(entries.collect()))
        }
        (content, None) => content.clone(),
    };
    Setting::new(content)
}
