//! Tables of settings: what a row is, and the macro that writes rows.
//!
//! A table has a row for each setting of a type of handlers, formatters or filters: its name, type, default and
//! description, and the call that gives its value to the builder. Everything that knows settings reads these rows:
//! decoding, the overrides of the environment, the JSON Schema, the reference page, and what is printed.
//!
//! ```text
//! "max_bytes": Size = "0 B", "the length that the file stays below", python "maxBytes" => (b, v) b.max_bytes(v.0);
//!  name        type   default  description                           CPython's name       the builder's method
//! ```
//!
//! | part of a row | may be | meaning |
//! |---|---|---|
//! | type | a [`SettingType`] | decodes and encodes the value |
//! | default | `required`, `none`, or a text | a text is the value as a document would have it |
//! | `python "…"` | left out | the name of the argument of CPython's class |
//! | `=> (b, v) …` | left out | how the value `v` is given to the builder `b`; may also return a `Result` |
//! | `=> (b, v, maker) …` | | as above, and `maker` builds the parts that `v` names |
//!
//! # Groups
//!
//! A name with a dot is a setting in a group: `backoff.first` is `first` in the table `backoff`. If several settings of
//! a group are one argument of the builder, their rows have no call, and a row `group "backoff" (b, s) …` follows,
//! which is called once if any of them was given. A group with a setting `type` or `enabled` has a short form:
//! `overflow = "drop_newest"` means `overflow.type = "drop_newest"`.
//!
//! # Type erasure
//!
//! A row is generic over its setting's type, and a table holds rows of many types. [`ErasedType`] therefore keeps the
//! functions of the type as function pointers, and a row's call decodes the value itself. Values are decoded a second
//! time by that call; the first time was the check, so it cannot fail, and a configuration is read once per start or
//! reload.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::setting::{Content, Setting};
use super::types::{Mismatch, Reference, SettingType};
use crate::error::{Error, Problem};
use crate::filter::FemtoFilter;
use crate::formatter::{
    FemtoFormatter, FemtoJsonFormatter, FemtoLogfmtFormatter, FemtoPatternFormatter, FemtoSyslogFormatter,
    FemtoTextFormatter,
};
use crate::handler::HandlerSpec;

/// What is known of a setting apart from its builder.
#[derive(Clone)]
pub(super) struct SettingInfo {
    pub(super) name: &'static str,
    pub(super) kind: ErasedType,
    pub(super) default: Preset,
    pub(super) about: &'static str,
    /// CPython's name of the argument.
    pub(super) python: Option<&'static str>,
}

/// What holds where a setting is not given.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Preset {
    /// The setting must be given.
    Required,
    /// There is no such value: what that means, the description says.
    Nothing,
    /// This value, as it would be written in a document.
    Value(&'static str),
}

/// The functions of a [`SettingType`].
#[derive(Clone, Copy)]
pub(super) struct ErasedType {
    pub(super) name: fn() -> String,
    pub(super) schema: fn() -> String,
    /// Reads a value and writes it in its canonical form.
    pub(super) canonical: fn(&Setting) -> Result<Content, Mismatch>,
    pub(super) references: fn(&Setting, &mut Vec<Reference>),
    pub(super) is_secret: bool,
    pub(super) is_pattern: bool,
}

impl ErasedType {
    pub(super) fn of<T: SettingType>() -> Self {
        Self {
            name: T::name,
            schema: T::schema,
            canonical: |setting| T::decode(setting).map(|value| value.encode()),
            references: T::references,
            is_secret: T::IS_SECRET,
            is_pattern: T::IS_PATTERN,
        }
    }
}

/// Gives the settings that were given to a builder.
pub(super) type Apply<B> = fn(B, &Decoded<'_>, &mut dyn Maker) -> Result<B, Error>;

/// A row of a table: a setting, or a group of settings.
pub(super) enum Row<B> {
    Setting(SettingInfo, Option<Apply<B>>),
    Group(&'static str, Apply<B>),
}

/// The decoded settings of a part.
#[derive(Clone, Copy)]
pub(super) struct Decoded<'a> {
    pub(super) settings: &'a BTreeMap<String, Setting>,
    pub(super) infos: &'a [SettingInfo],
}

impl Decoded<'_> {
    /// Returns a setting that was given.
    pub(super) fn get<T: SettingType>(&self, name: &str) -> Option<T> {
        self.settings.get(name).and_then(|setting| T::decode(setting).ok())
    }

    /// Returns a setting, or the default of its row.
    pub(super) fn or_default<T: SettingType>(&self, name: &str) -> Result<T, Error> {
        // A default is written as a document would have it, so it is decoded like one.
        let default = || match self.infos.iter().find(|info| info.name == name).map(|info| info.default) {
            Some(Preset::Value(text)) => T::decode(&preset(text)).ok(),
            _ => None,
        };
        let missing = || Error::config(vec![Problem::new(name, "", "this setting is required here")]);
        self.get(name).or_else(default).ok_or_else(missing)
    }

    /// Whether a setting of this group was given.
    fn has_group(&self, group: &str) -> bool {
        self.settings.keys().any(|name| name.strip_prefix(group).is_some_and(|rest| rest.starts_with('.')))
    }
}

/// The default that a table has as text.
pub(super) fn preset(text: &str) -> Setting {
    Setting { is_coerced: true, ..Setting::from(text) }
}

/// Makes the parts that a part refers to. An error without problems stands for one that was reported already.
///
/// This is how a row reaches other parts of the same configuration without knowing how they are built.
pub(super) trait Maker {
    fn handler(&mut self, name: &str) -> Result<HandlerSpec, Error>;
    fn formatter(&mut self, name: &str) -> Result<MadeFormatter, Error>;
    fn filter(&mut self, name: &str) -> Result<Arc<dyn FemtoFilter>, Error>;
}

/// A formatter. The library's own keep their types, by which handlers know that they only append.
///
/// A `Box<dyn FemtoFormatter>` would work for all of them. It would however hide from [`Line`](crate::handler::Line)
/// that the formatter only appends to its buffer, and each record would be formatted into a buffer of its own and then
/// copied.
pub(super) enum MadeFormatter {
    Text(FemtoTextFormatter),
    Json(FemtoJsonFormatter),
    Logfmt(FemtoLogfmtFormatter),
    Pattern(FemtoPatternFormatter),
    Syslog(Box<FemtoSyslogFormatter>),
    Other(Box<dyn FemtoFormatter>),
}

/// Calls a builder's method with a formatter, whatever its type.
macro_rules! with_formatter {
    ($made:expr, $formatter:ident => $call:expr) => {
        match $made {
            $crate::config::spec::table::MadeFormatter::Text($formatter) => $call,
            $crate::config::spec::table::MadeFormatter::Json($formatter) => $call,
            $crate::config::spec::table::MadeFormatter::Logfmt($formatter) => $call,
            $crate::config::spec::table::MadeFormatter::Pattern($formatter) => $call,
            $crate::config::spec::table::MadeFormatter::Syslog($formatter) => {
                let $formatter = *$formatter;
                $call
            }
            $crate::config::spec::table::MadeFormatter::Other($formatter) => $call,
        }
    };
}

/// A type of parts: its name and its table.
pub(super) struct PartType<T> {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    /// CPython's classes that it stands for.
    pub(super) classes: &'static [&'static str],
    pub(super) infos: Vec<SettingInfo>,
    make: MakePart<T>,
}

type MakePart<T> = Box<dyn Fn(&Decoded<'_>, &mut dyn Maker) -> Result<T, Error> + Send + Sync>;

impl<T: 'static> PartType<T> {
    /// Makes a type of a table of rows, of what starts a builder, and of what it builds.
    pub(super) fn new<B: 'static>(
        name: &'static str,
        about: &'static str,
        rows: Vec<Row<B>>,
        start: fn(&Decoded<'_>, &mut dyn Maker) -> Result<B, Error>,
        finish: fn(B) -> Result<T, Error>,
    ) -> Self {
        let infos = rows.iter().filter_map(|row| match row {
            Row::Setting(info, _) => Some(info.clone()),
            Row::Group(..) => None,
        });
        let infos = infos.collect();
        let make = move |decoded: &Decoded<'_>, maker: &mut dyn Maker| {
            let builder = start(decoded, maker)?;
            finish(apply_rows(&rows, builder, decoded, maker)?)
        };
        Self { name, about, classes: &[], infos, make: Box::new(make) }
    }

    /// Names CPython's classes that the type stands for.
    pub(super) fn classes(mut self, classes: &'static [&'static str]) -> Self {
        self.classes = classes;
        self
    }

    pub(super) fn make(&self, settings: &BTreeMap<String, Setting>, maker: &mut dyn Maker) -> Result<T, Error> {
        (self.make)(&Decoded { settings, infos: &self.infos }, maker)
    }
}

/// Gives a builder all settings that were given.
///
/// The rows are called in the order of the table, not in that of the document. A setting that was not given is not
/// passed on, so the builder's own default applies.
pub(super) fn apply_rows<B>(
    rows: &[Row<B>],
    mut builder: B,
    decoded: &Decoded<'_>,
    maker: &mut dyn Maker,
) -> Result<B, Error> {
    for row in rows {
        let (name, apply) = match row {
            Row::Setting(info, Some(apply)) if decoded.settings.contains_key(info.name) => (info.name, apply),
            Row::Group(name, apply) if decoded.has_group(name) => (*name, apply),
            _ => continue,
        };
        builder = apply(builder, decoded, maker).map_err(|error| about_setting(error, name))?;
    }
    Ok(builder)
}

/// Names the setting that an error is about, unless it does so itself.
fn about_setting(error: Error, name: &str) -> Error {
    // A builder reports several settings of a group at once, and has named each.
    if error.problems().iter().all(|problem| problem.field.is_empty()) { error.with_prefix(name) } else { error }
}

/// What an `apply` of a row may return.
///
/// It lets a row be written as `b.max_bytes(v.0)`, whose type is the builder, and as `overflow(s).map(…)`, whose type
/// is a result, without a word that says which.
pub(super) trait Applied<B> {
    fn applied(self) -> Result<B, Error>;
}

impl<B> Applied<B> for B {
    fn applied(self) -> Result<B, Error> {
        Ok(self)
    }
}

impl<B> Applied<B> for Result<B, Error> {
    fn applied(self) -> Result<B, Error> {
        self
    }
}

/// Makes the rows of a table for a type of builders; see the [module](self).
macro_rules! settings {
    (@rows $builder:ty, [$($done:tt)*]) => {{
        let rows: Vec<$crate::config::spec::table::Row<$builder>> = vec![$($done)*];
        rows
    }};
    (@rows $builder:ty, [$($done:tt)*] group $name:literal ($b:ident, $s:ident) $apply:expr; $($rest:tt)*) => {
        $crate::config::spec::table::settings!(@rows $builder, [
            $($done)*
            $crate::config::spec::table::Row::Group($name, |$b, $s, _| {
                $crate::config::spec::table::Applied::applied($apply)
            }),
        ] $($rest)*)
    };
    (@rows $builder:ty, [$($done:tt)*]
        $name:literal: $kind:ty = $default:tt, $about:literal $(, python $python:literal)?; $($rest:tt)*
    ) => {
        $crate::config::spec::table::settings!(@rows $builder, [
            $($done)*
            $crate::config::spec::table::Row::Setting(
                $crate::config::spec::table::settings!(@info $name, $kind, $default, $about, $($python)?),
                None,
            ),
        ] $($rest)*)
    };
    (@rows $builder:ty, [$($done:tt)*]
        $name:literal: $kind:ty = $default:tt, $about:literal $(, python $python:literal)?
        => ($b:ident, $v:ident $(, $m:ident)?) $apply:expr; $($rest:tt)*
    ) => {
        $crate::config::spec::table::settings!(@rows $builder, [
            $($done)*
            $crate::config::spec::table::Row::Setting(
                $crate::config::spec::table::settings!(@info $name, $kind, $default, $about, $($python)?),
                Some(|$b, decoded, _maker| match decoded.get::<$kind>($name) {
                    Some($v) => {
                        $(let $m = _maker;)?
                        $crate::config::spec::table::Applied::applied($apply)
                    }
                    None => Ok($b),
                }),
            ),
        ] $($rest)*)
    };
    (@info $name:literal, $kind:ty, $default:tt, $about:literal, $($python:literal)?) => {
        $crate::config::spec::table::SettingInfo {
            name: $name,
            kind: $crate::config::spec::table::ErasedType::of::<$kind>(),
            default: $crate::config::spec::table::settings!(@default $default),
            about: $about,
            python: $crate::config::spec::table::settings!(@python $($python)?),
        }
    };
    (@default required) => { $crate::config::spec::table::Preset::Required };
    (@default none) => { $crate::config::spec::table::Preset::Nothing };
    (@default $default:literal) => { $crate::config::spec::table::Preset::Value($default) };
    (@python) => { None };
    (@python $python:literal) => { Some($python) };
    (for $builder:ty; $($rows:tt)*) => { $crate::config::spec::table::settings!(@rows $builder, [] $($rows)*) };
}

pub(super) use {settings, with_formatter};
