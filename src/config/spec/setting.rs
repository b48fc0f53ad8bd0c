//! Settings as data: a value, where it was given, and whether it may be shown.
//!
//! A [`Setting`] is a node of a document's tree. Besides its value it carries what a message about it needs:
//!
//! | field | set by | read by |
//! |---|---|---|
//! | `position` | the readers of documents; a variable's name | messages, [`effective`](super::Spec::effective) |
//! | `is_raw` | the readers | interpolation: code and variables may contain `${` |
//! | `template` | interpolation | [`to_string`](super::Spec::to_string), which writes `${env:DIR}`, not its value |
//! | `is_coerced` | interpolation, variables | [`decode`](super::types::SettingType::decode): `"5"` may be a number |
//! | `is_secret` | `${file:…}`, secret types | messages, `Debug`: `***` |
//! | `is_unknown` | interpolation, if missing variables are ignored | the check, which then skips the value |
//!
//! None of these takes part in equality.

use std::fmt;
use std::time::Duration;

use super::units;
use crate::error::Position;

/// A value of a configuration: text, a number, a boolean, a list or a table.
///
/// Two settings are equal if their values are; where they were given does not matter. A duration is text with a unit,
/// such as `5 s`.
///
/// `Debug` shows secrets as `***`.
///
/// # Examples
///
/// ```
/// use femtologging::config::Setting;
/// use std::time::Duration;
///
/// assert_eq!(Setting::from(Duration::from_millis(1500)), Setting::from("1500 ms"));
/// assert_eq!(format!("{:?}", Setting::from(vec!["a", "b"])), r#"["a", "b"]"#);
/// ```
#[derive(Clone)]
pub struct Setting {
    pub(super) content: Content,
    pub(super) position: Option<Position>,
    /// The text as it was written, where interpolation changed it.
    pub(super) template: Option<String>,
    /// Whether text is searched for `${…}`: only what a file says is.
    pub(super) is_raw: bool,
    /// Whether it is text whatever its type: a variable's value, what interpolation made, a boolean of YAML 1.1.
    pub(super) is_coerced: bool,
    /// Whether the value must not be shown.
    pub(super) is_secret: bool,
    /// Whether a part of the value is unknown, because a check ignores missing variables.
    pub(super) is_unknown: bool,
}

/// The value of a [`Setting`].
#[derive(Clone, PartialEq)]
pub(super) enum Content {
    Null,
    Bool(bool),
    Integer(i128),
    Float(f64),
    Text(String),
    List(Vec<Setting>),
    Table(Mapping),
}

/// Names and their settings, in the order of the document.
#[derive(Clone, Default, PartialEq)]
pub(super) struct Mapping(pub(super) Vec<(SettingName, Setting)>);

/// A name in a document. Its position does not matter for equality.
#[derive(Clone, Debug)]
pub(super) struct SettingName {
    pub(super) text: String,
    pub(super) position: Option<Position>,
}

impl PartialEq for Setting {
    fn eq(&self, other: &Self) -> bool {
        self.content == other.content
    }
}

impl PartialEq for SettingName {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl SettingName {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), position: None }
    }
}

impl Setting {
    /// Makes a setting that no document says.
    pub(super) fn new(content: Content) -> Self {
        let (is_raw, is_coerced, is_secret, is_unknown) = Default::default();
        Self { content, position: None, template: None, is_raw, is_coerced, is_secret, is_unknown }
    }

    /// Makes a setting of a document.
    pub(super) fn at(content: Content, position: Position) -> Self {
        Self { position: Some(position), is_raw: true, ..Self::new(content) }
    }

    /// Makes a setting of a variable's value.
    pub(super) fn of_variable(value: String, position: Position) -> Self {
        Self { position: Some(position), is_coerced: true, ..Self::new(Content::Text(value)) }
    }

    pub(super) fn as_text(&self) -> Option<&str> {
        match &self.content {
            Content::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the value for a message; `***` for a secret.
    pub(super) fn shown(&self) -> String {
        let text = format!("{self:?}");
        match text.char_indices().nth(MOST_SHOWN) {
            Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
            None => text,
        }
    }
}

/// The maximum number of characters of a value in a message.
const MOST_SHOWN: usize = 60;

impl Mapping {
    pub(super) fn get(&self, name: &str) -> Option<&Setting> {
        self.0.iter().find(|(known, _)| known.text == name).map(|(_, setting)| setting)
    }

    pub(super) fn remove(&mut self, name: &str) -> Option<(SettingName, Setting)> {
        let place = self.0.iter().position(|(known, _)| known.text == name)?;
        Some(self.0.remove(place))
    }

    /// Sets the value at a path of names. A value that is in the way and is no table becomes the `type` of one: so the
    /// short form `transport = "shared"` and a later `transport.capacity` add up.
    ///
    /// ```text
    /// transport = "shared"              set(["transport", "capacity"], 4096)
    /// transport = { type = "shared", capacity = 4096 }
    /// ```
    pub(super) fn set(&mut self, path: &[&str], value: Setting) {
        let [name, rest @ ..] = path else { return };
        let place = match self.0.iter().position(|(known, _)| known.text == *name) {
            Some(place) => place,
            None => {
                let name = SettingName { text: (*name).to_owned(), position: value.position.clone() };
                self.0.push((name, Setting::new(Content::Table(Mapping::default()))));
                self.0.len() - 1
            }
        };
        let Some((_, setting)) = self.0.get_mut(place) else { return };
        if rest.is_empty() {
            *setting = value;
            return;
        }
        if !matches!(setting.content, Content::Table(_)) {
            let short = std::mem::replace(setting, Setting::new(Content::Null));
            let position = short.position.clone();
            let table = Mapping(vec![(SettingName { text: "type".to_owned(), position: position.clone() }, short)]);
            *setting = Setting { position, ..Setting::new(Content::Table(table)) };
        }
        if let Content::Table(table) = &mut setting.content {
            table.set(rest, value);
        }
    }

    /// Puts other settings over these: tables are merged, everything else is replaced.
    ///
    /// ```text
    /// these    { path = "a", idle = { spin = "1 us", first_sleep = "9 us" }, filters = ["x"] }
    /// others   { path = "b", idle = { spin = "2 us" },                       filters = ["y"] }
    /// result   { path = "b", idle = { spin = "2 us", first_sleep = "9 us" }, filters = ["y"] }
    /// ```
    ///
    /// Lists are replaced and not joined, because a list without an element could not be expressed otherwise.
    pub(super) fn overlay(&mut self, other: Mapping) {
        for (name, value) in other.0 {
            match self.0.iter_mut().find(|(known, _)| *known == name) {
                Some((known, Setting { content: Content::Table(table), position, .. })) => match value {
                    Setting { content: Content::Table(over), position: new, .. } => {
                        table.overlay(over);
                        (known.position, *position) = (name.position, new);
                    }
                    value => self.set(&[&name.text], value),
                },
                Some((known, setting)) => {
                    known.position = name.position;
                    *setting = value;
                }
                None => self.0.push((name, value)),
            }
        }
    }
}

impl fmt::Debug for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_secret {
            return f.write_str("***");
        }
        match &self.content {
            Content::Null => f.write_str("null"),
            Content::Bool(value) => write!(f, "{value}"),
            Content::Integer(value) => write!(f, "{value}"),
            Content::Float(value) => write!(f, "{value:?}"),
            Content::Text(value) => write!(f, "{value:?}"),
            Content::List(values) => f.debug_list().entries(values).finish(),
            Content::Table(table) => table.fmt(f),
        }
    }
}

impl fmt::Debug for Mapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.0.iter().map(|(name, setting)| (&name.text, setting))).finish()
    }
}

/// Implements the conversion from a type of Rust.
macro_rules! from {
    ($($type:ty, $value:ident => $content:expr;)*) => {
        $(impl From<$type> for Setting {
            fn from($value: $type) -> Self {
                Self::new($content)
            }
        })*
    };
}

from! {
    bool, value => Content::Bool(value);
    i32, value => Content::Integer(value.into());
    u32, value => Content::Integer(value.into());
    i64, value => Content::Integer(value.into());
    u64, value => Content::Integer(value.into());
    usize, value => Content::Integer(value as i128);
    f64, value => Content::Float(value);
    &str, value => Content::Text(value.to_owned());
    String, value => Content::Text(value);
    Duration, value => Content::Text(units::duration_text(value));
}

impl<T: Into<Setting>> From<Vec<T>> for Setting {
    fn from(values: Vec<T>) -> Self {
        Self::new(Content::List(values.into_iter().map(Into::into).collect()))
    }
}

/// A table, such as the headers of an HTTP handler.
impl<N: Into<String>, T: Into<Setting>, const LEN: usize> From<[(N, T); LEN]> for Setting {
    fn from(entries: [(N, T); LEN]) -> Self {
        let entries = entries.into_iter().map(|(name, value)| (SettingName::new(name), value.into()));
        Self::new(Content::Table(Mapping(entries.collect())))
    }
}
