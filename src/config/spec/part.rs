//! A part of a configuration: a handler, formatter, filter or logger with its settings.
//!
//! [`PartSpec::decode`] turns the settings of a document into those of a table:
//!
//! ```text
//! document    overflow = "block_for", idle = { spin = "1000 ns" }, colour = true
//! flattened   overflow.type = "block_for", idle.spin = "1000 ns"     `colour` is no row: reported, or kept for the
//!                                                                    program's own types
//! decoded     overflow.type = "block_for", idle.spin = "1 us"        canonical
//! ```
//!
//! Flattening comes first, so that a name with a dot, a group, and the short form of a group are the same thing from
//! there on. Decoding keeps each value's position and template, so a later message, or a document that is written,
//! still refers to the text as it was given.

use std::collections::BTreeMap;
use std::fmt;

use super::environment::Environment;
use super::setting::{Content, Mapping, Setting, SettingName};
use super::similar::hint;
use super::table::{Preset, SettingInfo};
use super::types::Section;
use crate::error::{Position, Problem};

/// A handler, formatter, filter or logger as data: the name of its type, and its settings.
///
/// Loggers have no type. Two parts are equal if they have the same type and the same settings, wherever these were
/// given.
///
/// # Examples
///
/// ```
/// use femtologging::config::{PartSpec, Registry, Spec};
/// use femtologging::Config;
///
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("app.log");
/// # let path = path.to_str().unwrap();
/// let file = PartSpec::new("rotating_file")
///     .with("path", path)
///     .with("max_bytes", "10 MiB")
///     .with("backup_count", 5);
/// assert_eq!(file.kind(), "rotating_file");
/// assert_eq!(file.get("backup_count"), Some(&5.into()));
///
/// let spec = Spec::new().handler("file", file);
/// let logging = Config::from_spec(&spec, &Registry::new())?.build()?;
/// # drop(logging);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct PartSpec {
    pub(super) kind: String,
    pub(super) settings: BTreeMap<String, Setting>,
    /// Where the names of settings stand, and the part's own name.
    pub(super) names: BTreeMap<String, Position>,
    pub(super) position: Option<Position>,
    pub(super) kind_position: Option<Position>,
}

impl PartialEq for PartSpec {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind && self.settings == other.settings
    }
}

impl PartSpec {
    /// Makes a part of this type without settings.
    pub fn new(kind: impl Into<String>) -> Self {
        Self { kind: kind.into(), ..Self::default() }
    }

    /// Sets a setting. `backoff.first` is the setting `first` of the group `backoff`.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::config::PartSpec;
    ///
    /// let part = PartSpec::new("stream").with("overflow", "drop_newest").with("idle.spin", "5 us");
    /// assert_eq!(part.get("idle"), Some(&[("spin", "5 us")].into()));
    /// ```
    pub fn with(mut self, name: &str, value: impl Into<Setting>) -> Self {
        self.set(&name.split('.').collect::<Vec<_>>(), value.into());
        self
    }

    /// Returns the name of the type; empty for a logger.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Returns a setting.
    pub fn get(&self, name: &str) -> Option<&Setting> {
        self.settings.get(name)
    }

    /// Iterates over the settings by name.
    pub fn settings(&self) -> impl Iterator<Item = (&str, &Setting)> {
        self.settings.iter().map(|(name, setting)| (name.as_str(), setting))
    }

    /// Makes a part of a table of a document.
    pub(super) fn of(kind: &str, table: Mapping, position: Option<Position>) -> Self {
        let mut part = Self { kind: kind.to_owned(), position, ..Self::default() };
        for (name, setting) in table.0 {
            part.names.extend(name.position.map(|position| (name.text.clone(), position)));
            part.settings.insert(name.text, setting);
        }
        part
    }

    pub(super) fn set(&mut self, path: &[&str], value: Setting) {
        let mut table = self.take_table();
        table.set(path, value);
        self.put_table(table);
    }

    /// Puts the settings of a part over these. A part of another type takes the place of this one.
    pub(super) fn overlay(&mut self, mut other: Self) {
        if !other.kind.is_empty() && other.kind != self.kind {
            *self = other;
            return;
        }
        let mut table = self.take_table();
        table.overlay(other.take_table());
        self.put_table(table);
        self.position = other.position.or(self.position.take());
    }

    fn take_table(&mut self) -> Mapping {
        let names = std::mem::take(&mut self.names);
        let entries = std::mem::take(&mut self.settings).into_iter().map(|(text, setting)| {
            let position = names.get(&text).cloned();
            (SettingName { text, position }, setting)
        });
        Mapping(entries.collect())
    }

    fn put_table(&mut self, table: Mapping) {
        let part = Self::of("", table, None);
        (self.settings, self.names) = (part.settings, part.names);
    }

    /// Returns where a setting was given; where it is missing, where its part was.
    pub(super) fn position_of(&self, name: &str) -> Option<Position> {
        let setting = self.settings.get(name).and_then(|setting| setting.position.clone());
        setting.or_else(|| self.names.get(name).cloned()).or_else(|| self.position.clone())
    }

    /// Replaces references to the environment in all settings, and by the canonical form of each value what it was
    /// given as; the settings then have the names of the rows. Finds everything that is wrong.
    pub(super) fn decode(&mut self, infos: &[SettingInfo], others: Others, path: &str, decoding: &mut Decoding<'_>) {
        let (kind, table) = (std::mem::take(&mut self.kind), self.take_table());
        let (position, kind_position) = (self.position.take(), self.kind_position.take());
        let mut flat = Self { kind, position, kind_position, ..Self::default() };
        // From here on, names are those of the rows: `overflow.type`, not a table `overflow`.
        flat.flatten("", table, infos, others, path, decoding);
        for (name, setting) in flat.settings.iter_mut().filter(|(name, _)| infos.iter().all(|info| info.name != *name))
        {
            decoding.environment.interpolate(setting, false, &join(path, name), decoding.problems);
            hide(setting);
        }
        for info in infos {
            let Some(setting) = flat.settings.get_mut(info.name) else {
                if info.default == Preset::Required {
                    let remedy = format!("missing: {}", info.about);
                    decoding.problem(flat.position.clone(), join(path, info.name), "", remedy);
                }
                continue;
            };
            let path = join(path, info.name);
            decoding.environment.interpolate(setting, info.kind.is_pattern, &path, decoding.problems);
            // Before the value can fail to decode, so that the message does not show it.
            setting.is_secret |= info.kind.is_secret;
            hide(setting);
            if is_unknown(setting) {
                continue;
            }
            match (info.kind.canonical)(setting) {
                Ok(content) => setting.content = keep_positions(content, setting),
                Err(mismatch) => {
                    let field = format!("{path}{}", mismatch.inside);
                    let position = mismatch.position.or_else(|| setting.position.clone());
                    let value = if setting.is_secret { "***".to_owned() } else { mismatch.value };
                    decoding.problem(position, field, &value, mismatch.expected);
                }
            }
        }
        *self = flat;
    }

    fn flatten(
        &mut self,
        prefix: &str,
        table: Mapping,
        infos: &[SettingInfo],
        others: Others,
        path: &str,
        decoding: &mut Decoding<'_>,
    ) {
        for (name, setting) in table.0 {
            let full = format!("{prefix}{}", name.text);
            let is_group = || {
                let inside =
                    |info: &&SettingInfo| info.name.strip_prefix(&full).is_some_and(|rest| rest.starts_with('.'));
                infos.iter().find(inside)
            };
            if infos.iter().any(|info| info.name == full) {
                // CPython's None is the default.
                if setting.content != Content::Null {
                    self.names.extend(name.position.map(|position| (full.clone(), position)));
                    self.settings.insert(full, setting);
                }
            } else if let Some(info) = is_group() {
                let short = [format!("{full}.type"), format!("{full}.enabled")];
                let short = short.into_iter().find(|short| infos.iter().any(|info| info.name == short));
                match (setting.content, short) {
                    (Content::Table(table), _) => {
                        self.flatten(&format!("{full}."), table, infos, Others::Refuse, path, decoding);
                    }
                    // A group without a value is as if it were not given.
                    (Content::Null, _) => {}
                    (content, Some(short)) => {
                        self.names.extend(name.position.map(|position| (short.clone(), position)));
                        self.settings.insert(short, Setting { content, ..setting });
                    }
                    (content, None) => {
                        let setting = Setting { content, ..setting };
                        let field = join(path, &full);
                        let expected = format!("expected a table with settings such as `{}`", last(info.name));
                        decoding.problem(setting.position.clone(), field, &setting.shown(), expected);
                    }
                }
            // A setting of a type that the program adds: only that type's function knows it.
            } else if others == Others::Keep {
                self.names.extend(name.position.map(|position| (full.clone(), position)));
                self.settings.insert(full, setting);
            } else {
                let names = infos.iter().filter_map(|info| info.name.strip_prefix(prefix));
                let names = names.map(|name| name.split('.').next().unwrap_or_default());
                let what = format!("no such setting{}", hint(&name.text, names));
                let position = name.position.or(setting.position);
                decoding.unknown(position, join(path, &full), what);
            }
        }
    }
}

/// What happens to settings that no row is about.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Others {
    /// They are errors.
    Refuse,
    /// They are for a type of the user's.
    Keep,
}

/// Puts a path and a name together.
pub(super) fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// The last part of a dotted name.
fn last(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or_default()
}

/// Marks everything inside a secret as one.
fn hide(setting: &mut Setting) {
    if !setting.is_secret {
        return;
    }
    match &mut setting.content {
        Content::List(values) => values.iter_mut().for_each(|value| {
            value.is_secret = true;
            hide(value);
        }),
        Content::Table(table) => table.0.iter_mut().for_each(|(_, value)| {
            value.is_secret = true;
            hide(value);
        }),
        _ => {}
    }
}

/// Whether a part of the value is not known.
pub(super) fn is_unknown(setting: &Setting) -> bool {
    setting.is_unknown
        || match &setting.content {
            Content::List(values) => values.iter().any(is_unknown),
            Content::Table(table) => table.0.iter().any(|(_, value)| is_unknown(value)),
            _ => false,
        }
}

/// Gives the elements of a canonical value the positions, secrets and templates of what they come from.
fn keep_positions(content: Content, from: &Setting) -> Content {
    let keep = |new: Setting, old: &Setting| {
        let content = keep_positions(new.content, old);
        Setting { content, ..old.clone() }
    };
    match (content, &from.content) {
        (Content::List(new), Content::List(old)) if new.len() == old.len() => {
            Content::List(new.into_iter().zip(old).map(|(new, old)| keep(new, old)).collect())
        }
        (Content::Table(new), Content::Table(old)) => {
            let entries = new.0.into_iter().map(|(name, new)| match old.get(&name.text) {
                Some(old) => (name, keep(new, old)),
                None => (name, new),
            });
            Content::Table(Mapping(entries.collect()))
        }
        (content, _) => content,
    }
}

/// What decoding needs and finds.
pub(super) struct Decoding<'a> {
    pub(super) environment: &'a Environment,
    pub(super) problems: &'a mut Vec<Problem>,
    pub(super) warnings: &'a mut Vec<Problem>,
    /// Whether unknown settings are problems, not warnings.
    pub(super) is_strict: bool,
    /// Whether the document changes a system that runs, so that handlers need no type.
    pub(super) is_incremental: bool,
    /// Parts that could not be read: nobody else complains that they are missing.
    pub(super) refused: Vec<(Section, String)>,
}

impl Decoding<'_> {
    pub(super) fn problem(
        &mut self,
        position: Option<Position>,
        field: String,
        value: &str,
        remedy: impl fmt::Display,
    ) {
        self.problems.push(Problem { position, ..Problem::new(field, value, remedy) });
    }

    /// What decoding needs of a document.
    pub(super) fn of_document<'a>(
        document: &Setting,
        environment: &'a Environment,
        problems: &'a mut Vec<Problem>,
        warnings: &'a mut Vec<Problem>,
    ) -> Decoding<'a> {
        let top = |name: &str| match &document.content {
            Content::Table(table) => table.get(name).map(|setting| setting.content.clone()),
            _ => None,
        };
        let is_strict = top("strict") != Some(Content::Bool(false));
        let is_incremental = top("incremental") == Some(Content::Bool(true));
        Decoding { environment, problems, warnings, is_strict, is_incremental, refused: Vec::new() }
    }

    /// Reports a setting that does not exist.
    pub(super) fn unknown(&mut self, position: Option<Position>, field: String, remedy: impl fmt::Display) {
        let problem = Problem { position, ..Problem::new(field, "", remedy) };
        if self.is_strict { self.problems.push(problem) } else { self.warnings.push(problem) }
    }
}

impl fmt::Debug for PartSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        if !self.kind.is_empty() {
            map.entry(&"type", &self.kind);
        }
        map.entries(&self.settings).finish()
    }
}
