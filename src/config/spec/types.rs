//! The types of settings: how a value of each is read, how it is written, and its JSON Schema.
//!
//! | type | a document has | canonical form |
//! |---|---|---|
//! | `bool` | `true`; from text of a variable also `1`, `yes`, `on` | `true` |
//! | `String`, [`Pattern`] | text | the same |
//! | `PathBuf` | text that is not empty | the same |
//! | [`Whole`] | an integer of a range | the integer |
//! | `f64` | a number from 0 | the number |
//! | [`Size`] | `4096`, `"10 MiB"`, `"10240KiB"` | `"10 MiB"`: the largest binary unit without a fraction |
//! | `Duration` | `"90 s"`, `"1.5 min"` | `"90 s"`: the largest unit without a fraction |
//! | `Level`, `LevelFilter`, [`OptionalLevel`] | `"info"`, `"INFO"`, `20` | `"info"` |
//! | [`Endpoint`] | `"tcp://host:514"`, `"unix:/dev/log"` | the same |
//! | [`When`] | `"midnight"`, `"sunday"`, CPython's `"W6"` | `"sunday"` |
//! | [`Permissions`] | `"640"`, `0o640` | `"640"` |
//! | `Vec` of a type | a list; from a variable, words with commas between them | a list of canonical values |
//! | [`TextPairs`] | a table of text, numbers and booleans | a table of text |
//! | [`FormatterName`] and the like | the name of a part | the name |
//!
//! # Canonical forms
//!
//! `encode(decode(x))` is the canonical form of `x`. Decoding it gives the same value again, so a canonical document
//! can be read back. Forms are chosen for readers: a size of 10,485,760 bytes is printed as `10 MiB`.
//!
//! # Coerced text
//!
//! TOML and JSON have types, so `max_bytes = "5"` is accepted as a size only because sizes are text, and
//! `backup_count = "5"` is an error that helps. A variable has no types: its text, and text that interpolation made, is
//! *coerced*, and each type may parse it.

use std::path::PathBuf;
use std::time::Duration;

use super::setting::{Content, Mapping, Setting};
use super::units;
use crate::error::Position;
use crate::handler::{Endpoint, Weekday, When};
use crate::level::{Level, LevelFilter};

/// A type of settings.
///
/// A type is implemented for the value that a builder's method takes (`bool`, `Duration`, `LevelFilter`), or for a
/// wrapper where that type means several things: a `u64` may be a [`Size`] or a [`Whole`].
pub(super) trait SettingType: Sized {
    /// The type's name in the reference.
    fn name() -> String;

    /// The type's part of the JSON Schema, without the text that interpolation makes a value of.
    fn schema() -> String;

    /// Reads a value.
    fn decode(setting: &Setting) -> Result<Self, Mismatch>;

    /// Writes a value in the form in which values that mean the same are equal.
    fn encode(&self) -> Content;

    /// Whether values of the type must not be shown.
    const IS_SECRET: bool = false;

    /// Whether `${` and `$` may mean something else than a reference to the environment, as in a pattern of the style
    /// `$`.
    ///
    /// Interpolation then replaces `${env:…}` and `${file:…}` only, and leaves `${message}` and `$$` as they are.
    const IS_PATTERN: bool = false;

    /// Collects the names that a value refers to.
    fn references(_setting: &Setting, _found: &mut Vec<Reference>) {}
}

/// A value that is not of the type that it should have.
///
/// For example, `filters = ["a", 5]` is decoded as a list of names, and its second element is a mismatch:
///
/// ```text
/// value      5
/// position   log.toml:3:17
/// expected   expected the name of a filter
/// inside     [1]                         the message then begins with `handlers.file.filters[1]`
/// ```
#[derive(Debug)]
pub(super) struct Mismatch {
    /// The value, as it may be shown.
    pub(super) value: String,
    pub(super) position: Option<Position>,
    pub(super) expected: String,
    /// Where it is inside the setting, such as `.job` or `[2]`.
    pub(super) inside: String,
}

/// A name that a setting refers to.
pub(super) struct Reference {
    pub(super) section: Section,
    pub(super) name: String,
    pub(super) position: Option<Position>,
}

/// A section whose parts other parts refer to by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    Formatters,
    Filters,
    Handlers,
}

impl Section {
    /// The name of the section, and that of one of its parts.
    pub(super) fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Formatters => ("formatters", "formatter"),
            Self::Filters => ("filters", "filter"),
            Self::Handlers => ("handlers", "handler"),
        }
    }
}

impl Setting {
    /// Says that the value is not what was expected, which reads like "expected a size such as `10 MiB`".
    pub(super) fn mismatch(&self, expected: impl Into<String>) -> Mismatch {
        let (value, position) = (self.shown(), self.position.clone());
        Mismatch { value, position, expected: expected.into(), inside: String::new() }
    }

    /// The value as text, where it is text only because of its source.
    fn coerced(&self) -> Option<&str> {
        self.as_text().filter(|_| self.is_coerced).map(str::trim)
    }
}

impl SettingType for bool {
    fn name() -> String {
        "boolean".to_owned()
    }

    fn schema() -> String {
        r#"{"type": "boolean"}"#.to_owned()
    }

    fn decode(setting: &Setting) -> Result<Self, Mismatch> {
        match (&setting.content, setting.coerced()) {
            (Content::Bool(value), _) => Ok(*value),
            // Words of YAML 1.1 and of shells, for values that had no type.
            (_, Some("true" | "1" | "yes" | "Yes" | "YES" | "on" | "On" | "ON")) => Ok(true),
            (_, Some("false" | "0" | "no" | "No" | "NO" | "off" | "Off" | "OFF")) => Ok(false),
            _ => Err(setting.mismatch("expected true or false")),
        }
    }

    fn encode(&self) -> Content {
        Content::Bool(*self)
    }
}

impl SettingType for String {
    fn name() -> String {
        "text".to_owned()
    }

    fn schema() -> String {
        r#"{"type": "string"}"#.to_owned()
    }

    fn decode(setting: &Setting) -> Result<Self, Mismatch> {
        setting.as_text().map(str::to_owned).ok_or_else(|| setting.mismatch("expected text"))
    }

    fn encode(&self) -> Content {
        Content::Text(self.clone())
    }
}

/// Declares types that are text with a meaning of its own.
macro_rules! text_types {
    ($($(#[$doc:meta])* $name:ident $text:literal $(, $constant:ident)?;)*) => {
        $($(#[$doc])*
        pub(super) struct $name(pub(super) String);

        impl SettingType for $name {
            fn name() -> String {
                $text.to_owned()
            }

            fn schema() -> String {
                String::schema()
            }

            fn decode(setting: &Setting) -> Result<Self, Mismatch> {
                String::decode(setting).map(Self)
            }

            fn encode(&self) -> Content {
                self.0.encode()
            }

            $(const $constant: bool = true;)?
        })*
    };
}

#[cfg(feature = "http")]
text_types! {
    /// A password or a token.
    Secret "secret text", IS_SECRET;
}

text_types! {
    /// A pattern, in which `$` may have a meaning of its own.
    Pattern "pattern", IS_PATTERN;
}

impl SettingType for PathBuf {
    fn name() -> String {
        "path".to_owned()
    }

    fn schema() -> String {
        r#"{"type": "string", "minLength": 1}"#.to_owned()
    }

    fn decode(setting: &Setting) -> Result<Self, Mismatch> {
        let text = setting.as_text().filter(|text| !text.is_empty());
        text.map(Self::from).ok_or_else(|| setting.mismatch("expected a path"))
    }

    fn encode(&self) -> Content {
        Content::Text(self.to_string_lossy().into_owned())
    }
}

/// An integer of a range.
///
/// The range is a part of the type, so that it is in the JSON Schema and the reference page as well as in the message.
#[derive(Clone, Copy)]
pub(super) struct Whole<const MIN: u64, const MAX: u64>(pub(super) u64);

/// An integer from 0, of 32 bits.
pub(super) type Count = Whole<0, { u32::MAX as u64 }>;

impl<const MIN: u64, const MAX: u64> Whole<MIN, MAX> {
    pub(super) fn small(self) -> u32 {
        u32::try_from(self.0).unwrap_or(u32::MAX)
    }

    pub(super) fn size(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl<const MIN: u64, const MAX: u64> SettingType for Whole<MIN, MAX> {
    fn name() -> String {
        match (MIN, MAX >= u64::from(u32::MAX)) {
            _ if MIN == MAX => MIN.to_string(),
            (0, true) => "integer".to_owned(),
            (_, true) => format!("integer from {MIN}"),
            (_, false) => format!("integer, {MIN} to {MAX}"),
        }
    }

    fn schema() -> String {
        format!(r#"{{"type": "integer", "minimum": {MIN}, "maximum": {MAX}}}"#)
    }

    fn decode(setting: &Setting) -> Result<Self, Mismatch> {
        let number = match (&setting.content, setting.coerced()) {
            (Content::Integer(number), _) => u64::try_from(*number).ok(),
            (_, Some(text)) => text.replace('_', "").parse().ok(),
            _ => None,
        };
        let number = number.filter(|number| (MIN..=MAX).contains(number));
        let expected = || {
            if MIN == MAX { format!("expected {MIN}") } else { format!("expected an integer from {MIN} to {MAX}") }
        };
        number.map(Self).ok_or_else(|| setting.mismatch(expected()))
    }

    fn encode(&self) -> Content {
        Content::Integer(self.0.into())
    }
}

/// A share in percent, up to a maximum.
#[derive(Clone, Copy)]
pub(super) struct Percent<const MAX: u8 = 100>(pub(super) u8);

impl<const MAX: u8> SettingType for Percent<MAX> {
    fn name() -> String {
        format!("percent, 0 to {MAX}")
    }

    fn schema() -> String {
        format!(
            r#"{{"anyOf": [{{"type": "integer", "minimum": 0, "maximum": {MAX}}}, {{"type": "string", "pattern": "^[0-9]{{1,3}} ?%$"}}]}}"#
        )
    }

    fn decode(setting: &Setting) -> Result<Self, Mismatch> {
        fn number(text: &str) -> Option<u8> {
            text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()))
        }
        let with_sign = setting.as_text().and_then(|text| text.strip_suffix('%'));
        let percent = match (&setting.content, with_sign) {
            (Content::Integer(percent), _) => u8::try_from(*percent).ok(),
            (_, Some(text)) => number(text.strip_suffix(' ').unwrap_or(text)),
            _ => setting.coerced().and_then(number),
        };
        let percent = percent.filter(|percent| *percent <= MAX);
        percent.map(Self).ok_or_else(|| setting.mismatch(format!("expected \"0 %\" to \"{MAX} %\"")))
    }

    fn encode(&self) -> Content {
        Content::Text(format!("{} %", self.0))
    }
}

impl SettingType for f64 {
    fn name() -> String {
        "number".to_owned()
    }

    fn schema() -> String {
        r#"{"type": "number", "minimum": 0}"#.to_owned()
    }

    fn decode(setting: &Setting) -> Result<Self, Mismatch> {
        let number = match (&setting.content, setting.coerced()) {
            (Content::Float(number), _) => Some(*number),
            (Content::Integer(number), _) => Some(*number as f64),
            (_, Some(text)) => text.parse().ok(),
            _ => None,
        };
        // YAML has `.inf` and `.nan`.
        let number = number.filter(|number| number.is_finite() && *number >= 0.0);
        number.ok_or_else(|| setting.mismatch("expected a number that is not negative"))
    }

    fn encode(&self) -> Content {
        Content::Float(*self)
    }
}

/// A number of bytes, of a minimum.
#[derive(Clone, Copy)]
pub(super) struct Size<const MIN: u64 = 0>(pub(super) u64);

impl<const MIN: u64> Size<MIN> {
    pub(super) fn bytes(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl<const MIN: u64> SettingType for Size<MIN> {
    fn name() -> String {
        if MIN == 0 { "size".to_owned() } else { format!("size from {}", units::size_text(MIN)) }
    }

    fn schema() -> String {
        format!(r##"{{"anyOf": [{{"type": "integer", "minimum": {MIN}}}, {{"$ref": "#/$defs/size"}}]}}"##)
    }

    fn decode(setting: &Setting) -> Result<Self, Mismatch> {
        let bytes = match &setting.content {
            Content::Integer(number) => u64::try_from(*number).ok(),
            Content::Text(text) => units::parse_size(text),
            _ => None,
        };
        match bytes {
            // A size of the right form gets its own message, which says the minimum.
            Some(bytes) if bytes < MIN => Err(setting.mismatch(format!("expected {} at least", units::size_text(MIN)))),
            Some(bytes) => Ok(Self(bytes)),
            None => Err(setting.mismatch("expected a size in bytes, such as 4096 or \"10 MiB\"")),
        }
    }

    fn encode(&self) -> Content {
        Content::Text(units::size_text(self.0))
    }
}

impl SettingType for Duration {
    fn name() -> String {
        "duration".to_owned()
    }

    fn schema() -> String {
        r##"{"$ref": "#/$defs/duration"}"##.to_owned()
    }

    fn decode(setting: &Setting) -> Result<Self, Mismatch> {
        match &setting.content {
            Content::Text(text) => units::parse_duration(text),
            // 0 is the same in every unit; any other number needs one.
            Content::Integer(0) => Some(Duration::ZERO),
            _ => None,
        }
        .ok_or_else(|| setting.mismatch("expected a duration with its unit, such as \"5 s\" or \"100 ms\""))
    }

    fn encode(&self) -> Content {
        Content::Text(units::duration_text(*self))
    }
}

/// A level of a handler or a logger. CPython's `NOTSET` is none.
pub(super) struct OptionalLevel(pub(super) Option<LevelFilter>);

const LEVELS: &str = "expected a level: trace, debug, info, warn, error, critical, off, or one of CPython's numbers";

fn level_text(setting: &Setting) -> Option<String> {
    match &setting.content {
        Content::Text(text) => Some(text.trim().to_owned()),
        Content::Integer(number) => Some(number.to_string()),
        // YAML 1.1 and its users know `off` as a boolean; YAML 1.2 does not.
        _ => None,
    }
}

impl SettingType for LevelFilter {
    fn name() -> String {
        "level".to_owned()
    }

    fn schema() -> String {
        r##"{"$ref": "#/$defs/level"}"##.to_owned()
    }

    fn decode(setting: &Setting) -> Result<Self, Mismatch> {
        level_text(setting).and_then(|text| text.parse().ok()).ok_or_else(|| setting.mismatch(LEVELS))
    }

    fn encode(&self) -> Content {
        Content::Text(self.as_str().to_ascii_lowercase())
    }
}

impl SettingType for Level {
    fn name() -> String {
        "level but off".to_owned()
    }

    fn schema() -> String {
        LevelFilter::schema()
    }

    fn decode(setting: &Setting) -> Result<Self, Mismatch> {
        let level = LevelFilter::decode(setting)?;
        level.to_level().ok_or_else(|| setting.mismatch("expected a level that records can have"))
    }

    fn encode(&self) -> Content {
        LevelFilter::from(*self).encode()
    }
}

impl SettingType for OptionalLevel {
    fn name() -> String {
        LevelFilter::name()
    }

    fn schema() -> String {
        r##"{"$ref": "#/$defs/optional_level"}"##.to_owned()
    }

    fn decode(setting: &Setting) -> Result<Self, Mismatch> {
        match level_text(setting) {
            // CPython: the level of the next ancestor that has one.
            Some(text) if text == "0" || text.eq_ignore_ascii_case("notset") => Ok(Self(None)),
            _ => LevelFilter::decode(setting).map(|level| Self(Some(level))),
        }
    }

    fn encode(&self) -> Content {
        self.0.map_or_else(|| Content::Text("notset".to_owned()), |level| level.encode())
    }
}

impl SettingType for Endpoint {
    fn name() -> String {
        "endpoint".to_owned()
    }

    fn schema() -> String {
        r#"{"type": "string", "pattern": "^((tcp|udp)://.+:[0-9]+|unix:.+|unixgram:.+)$"}"#.to_owned()
    }

    fn decode(setting: &Setting) -> Result<Self, Mismatch> {
        let address = |text: &str| {
            let (host, port) = text.rsplit_once(':')?;
            Some((host.to_owned(), port.parse::<u16>().ok().filter(|port| *port > 0)?))
        };
        let endpoint = setting.as_text().and_then(|text| match text.split_once(':')? {
            // The host may be an IPv6 address in brackets, so the port is what follows the last colon.
            ("tcp", rest) => address(rest.strip_prefix("//")?).map(|(host, port)| Self::tcp(host, port)),
            ("udp", rest) => address(rest.strip_prefix("//")?).map(|(host, port)| Self::udp(host, port)),
            ("unix", path) => Some(Self::unix(path)),
            ("unixgram", path) => Some(Self::unix_datagram(path)),
            _ => None,
        });
        let expected = "expected tcp://host:port, udp://host:port, unix:/path for a stream socket, or unixgram:/path for datagrams";
        endpoint.ok_or_else(|| setting.mismatch(expected))
    }

    fn encode(&self) -> Content {
        Content::Text(self.to_string())
    }
}

/// The units of rollovers, by their own names.
const WHENS: [(&str, When); 12] = [
    ("seconds", When::Seconds),
    ("minutes", When::Minutes),
    ("hours", When::Hours),
    ("days", When::Days),
    ("midnight", When::Midnight),
    ("monday", When::Weekly(Weekday::Monday)),
    ("tuesday", When::Weekly(Weekday::Tuesday)),
    ("wednesday", When::Weekly(Weekday::Wednesday)),
    ("thursday", When::Weekly(Weekday::Thursday)),
    ("friday", When::Weekly(Weekday::Friday)),
    ("saturday", When::Weekly(Weekday::Saturday)),
    ("sunday", When::Weekly(Weekday::Sunday)),
];

impl SettingType for When {
    fn name() -> String {
        "`seconds`, `minutes`, `hours`, `days`, `midnight`, a day of the week, or CPython's `S` … `W6`".to_owned()
    }

    fn schema() -> String {
        let names = WHENS.map(|(name, _)| name).join("|");
        format!(r#"{{"type": "string", "pattern": "^({names}|[SMHDsmhd]|MIDNIGHT|[Ww][0-6])$"}}"#)
    }

    fn decode(setting: &Setting) -> Result<Self, Mismatch> {
        let own = |text: &str| WHENS.iter().find(|(name, _)| *name == text).map(|(_, when)| *when);
        let when = setting.as_text().and_then(|text| own(text).or_else(|| text.parse().ok()));
        when.ok_or_else(|| {
            setting
                .mismatch("expected seconds, minutes, hours, days, midnight, a day of the week, or CPython's S to W6")
        })
    }

    fn encode(&self) -> Content {
        let name = WHENS.iter().find(|(_, when)| when == self).map_or("", |(name, _)| name);
        Content::Text(name.to_owned())
    }
}

/// A time of the day: hour, minute, second.
pub(super) struct TimeOfDay(pub(super) u32, pub(super) u32, pub(super) u32);

impl SettingType for TimeOfDay {
    fn name() -> String {
        "time of day, `04:30` or `04:30:00`".to_owned()
    }

    fn schema() -> String {
        r#"{"type": "string", "pattern": "^([01]?[0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$"}"#.to_owned()
    }

    fn decode(setting: &Setting) -> Result<Self, Mismatch> {
        let two = |text: &str, limit| {
            // `parse` alone would accept `+4`.
            let digits = text.len() <= 2 && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse::<u32>().ok().filter(|number| digits && *number < limit)
        };
        let time = setting.as_text().and_then(|text| {
            let mut parts = text.split(':');
            let (hour, minute) = (two(parts.next()?, 24)?, two(parts.next()?, 60)?);
            let second = parts.next().map_or(Some(0), |second| two(second, 60))?;
            parts.next().is_none().then_some(Self(hour, minute, second))
        });
        time.ok_or_else(|| setting.mismatch("expected a time of the day, such as \"04:30\""))
    }

    fn encode(&self) -> Content {
        Content::Text(format!("{:02}:{:02}:{:02}", self.0, self.1, self.2))
    }
}

/// Permission bits of a file.
pub(super) struct Permissions(pub(super) u32);

impl SettingType for Permissions {
    fn name() -> String {
        "permission bits in octal digits, `\"640\"`".to_owned()
    }

    fn schema() -> String {
        r#"{"anyOf": [{"type": "integer", "minimum": 0, "maximum": 511}, {"type": "string", "pattern": "^(0o?)?[0-7]{1,3}$"}]}"#
            .to_owned()
    }

    fn decode(setting: &Setting) -> Result<Self, Mismatch> {
        let bits = match &setting.content {
            Content::Integer(bits) => u32::try_from(*bits).ok(),
            // Text is octal, as in `chmod 640`; a number is what the document's format makes of `0o640`.
            Content::Text(text) if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'o') => {
                u32::from_str_radix(text.strip_prefix("0o").unwrap_or(text), 8).ok()
            }
            _ => None,
        };
        let bits = bits.filter(|bits| *bits <= 0o777);
        bits.map(Self).ok_or_else(|| setting.mismatch("expected permission bits in octal digits, such as \"640\""))
    }

    fn encode(&self) -> Content {
        Content::Text(format!("{:03o}", self.0))
    }
}

impl<T: SettingType> SettingType for Vec<T> {
    fn name() -> String {
        format!("list of {}", T::name())
    }

    fn schema() -> String {
        format!(r#"{{"type": "array", "items": {}}}"#, T::schema())
    }

    fn decode(setting: &Setting) -> Result<Self, Mismatch> {
        let at = |index: usize| {
            move |mismatch: Mismatch| Mismatch { inside: format!("[{index}]{}", mismatch.inside), ..mismatch }
        };
        match (&setting.content, setting.coerced()) {
            (Content::List(values), _) => {
                values.iter().enumerate().map(|(index, value)| T::decode(value).map_err(at(index))).collect()
            }
            (_, Some(text)) => {
                // Only text of a variable: a document has lists.
                let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
                let values = words.map(|word| Setting { content: Content::Text(word.to_owned()), ..setting.clone() });
                values.enumerate().map(|(index, value)| T::decode(&value).map_err(at(index))).collect()
            }
            _ => Err(setting.mismatch("expected a list")),
        }
    }

    fn encode(&self) -> Content {
        Content::List(self.iter().map(|value| Setting::new(value.encode())).collect())
    }

    fn references(setting: &Setting, found: &mut Vec<Reference>) {
        if let Content::List(values) = &setting.content {
            values.iter().for_each(|value| T::references(value, found));
        }
    }
}

/// Names and texts, in order.
pub(super) struct TextPairs(pub(super) Vec<(String, String)>);

impl SettingType for TextPairs {
    fn name() -> String {
        "table of text".to_owned()
    }

    fn schema() -> String {
        r#"{"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}}"#.to_owned()
    }

    fn decode(setting: &Setting) -> Result<Self, Mismatch> {
        let Content::Table(table) = &setting.content else {
            return Err(setting.mismatch("expected a table of names and texts"));
        };
        let pairs = table.0.iter().map(|(name, value)| {
            let text = match &value.content {
                Content::Text(text) => Ok(text.clone()),
                Content::Bool(_) | Content::Integer(_) | Content::Float(_) => {
                    // As the document has it: `5`, `true`. The secret mark would turn it into `***`.
                    Ok(format!("{:?}", Setting { is_secret: false, ..value.clone() }))
                }
                _ => Err(Mismatch { inside: format!(".{}", name.text), ..value.mismatch("expected text") }),
            };
            text.map(|text| (name.text.clone(), text))
        });
        pairs.collect::<Result<_, _>>().map(Self)
    }

    fn encode(&self) -> Content {
        let entries =
            self.0.iter().map(|(name, text)| (super::setting::SettingName::new(name), Setting::from(text.as_str())));
        Content::Table(Mapping(entries.collect()))
    }
}

/// Names and secret texts, in order, such as the headers of a request.
#[cfg(feature = "http")]
pub(super) struct SecretPairs(pub(super) TextPairs);

#[cfg(feature = "http")]
impl SettingType for SecretPairs {
    fn name() -> String {
        "table of secret text".to_owned()
    }

    fn schema() -> String {
        TextPairs::schema()
    }

    fn decode(setting: &Setting) -> Result<Self, Mismatch> {
        TextPairs::decode(setting).map(Self)
    }

    fn encode(&self) -> Content {
        self.0.encode()
    }

    const IS_SECRET: bool = true;
}

/// Declares types whose values are names of parts in a section.
macro_rules! reference_types {
    ($($(#[$doc:meta])* $name:ident $section:ident;)*) => {
        $($(#[$doc])*
        pub(super) struct $name(pub(super) String);

        impl SettingType for $name {
            fn name() -> String {
                format!("{}'s name", Section::$section.names().1)
            }

            fn schema() -> String {
                r#"{"type": "string", "minLength": 1}"#.to_owned()
            }

            fn decode(setting: &Setting) -> Result<Self, Mismatch> {
                let name = setting.as_text().filter(|name| !name.is_empty());
                let expected = || setting.mismatch(format!("expected the name of a {}", Section::$section.names().1));
                name.map(|name| Self(name.to_owned())).ok_or_else(expected)
            }

            fn encode(&self) -> Content {
                self.0.encode()
            }

            fn references(setting: &Setting, found: &mut Vec<Reference>) {
                if let Some(name) = setting.as_text() {
                    let (name, position) = (name.to_owned(), setting.position.clone());
                    found.push(Reference { section: Section::$section, name, position });
                }
            }
        })*
    };
}

reference_types! {
    /// The name of a formatter.
    FormatterName Formatters;
    /// The name of a filter.
    FilterName Filters;
    /// The name of a handler.
    HandlerName Handlers;
}

/// The routes of a route handler: a filter, and the handler for what it lets through.
pub(super) struct Routes(pub(super) Vec<(String, String)>);

impl SettingType for Routes {
    fn name() -> String {
        "list of tables with `filter` and `handler`".to_owned()
    }

    fn schema() -> String {
        let name = FilterName::schema();
        format!(
            r#"{{"type": "array", "minItems": 1, "items": {{"type": "object", "properties": {{"filter": {name}, "handler": {name}}}, "required": ["filter", "handler"], "additionalProperties": false}}}}"#
        )
    }

    fn decode(setting: &Setting) -> Result<Self, Mismatch> {
        let Content::List(routes) = &setting.content else {
            return Err(setting.mismatch("expected a list of tables with `filter` and `handler`"));
        };
        let routes = routes.iter().enumerate().map(|(index, route)| {
            let wrong = |mismatch: Mismatch| Mismatch { inside: format!("[{index}]{}", mismatch.inside), ..mismatch };
            match &route.content {
                // A third setting would be a misspelt or unknown one.
                Content::Table(table) if table.0.len() == 2 => {
                    let (filter, handler) = (table.get("filter"), table.get("handler"));
                    match filter.zip(handler) {
                        Some((filter, handler)) => {
                            let filter = FilterName::decode(filter).map_err(wrong)?;
                            Ok((filter.0, HandlerName::decode(handler).map_err(wrong)?.0))
                        }
                        None => Err(wrong(route.mismatch("expected a table with `filter` and `handler`"))),
                    }
                }
                _ => Err(wrong(route.mismatch("expected a table with `filter` and `handler`"))),
            }
        });
        routes.collect::<Result<_, _>>().map(Self)
    }

    fn encode(&self) -> Content {
        let route = |(filter, handler): &(String, String)| {
            Setting::from([("filter", filter.as_str()), ("handler", handler.as_str())])
        };
        Content::List(self.0.iter().map(route).collect())
    }

    fn references(setting: &Setting, found: &mut Vec<Reference>) {
        let Content::List(routes) = &setting.content else { return };
        for route in routes {
            if let Content::Table(table) = &route.content {
                table.get("filter").into_iter().for_each(|filter| FilterName::references(filter, found));
                table.get("handler").into_iter().for_each(|handler| HandlerName::references(handler, found));
            }
        }
    }
}

/// Declares a type whose values are names.
macro_rules! choices {
    ($($(#[$doc:meta])* $vis:vis $name:ident: $type:ty { $($text:literal => $value:expr,)* })*) => {
        $($(#[$doc])*
        #[derive(Clone, Copy)]
        $vis struct $name {
            $vis value: $type,
            text: &'static str,
        }

        impl $crate::config::spec::types::SettingType for $name {
            fn name() -> String {
                [$(concat!("`", $text, "`")),*].join(", ")
            }

            fn schema() -> String {
                format!(r#"{{"enum": [{}]}}"#, [$(concat!("\"", $text, "\"")),*].join(", "))
            }

            fn decode(
                setting: &$crate::config::spec::setting::Setting,
            ) -> Result<Self, $crate::config::spec::types::Mismatch> {
                match setting.as_text() {
                    $(Some($text) => Ok(Self { value: $value, text: $text }),)*
                    text => {
                        let names = [$($text),*];
                        let hint = $crate::config::spec::similar::hint(text.unwrap_or_default(), names);
                        Err(setting.mismatch(format!("expected one of {}{hint}", names.join(", "))))
                    }
                }
            }

            fn encode(&self) -> $crate::config::spec::setting::Content {
                $crate::config::spec::setting::Content::Text(self.text.to_owned())
            }
        })*
    };
}

pub(super) use choices;
