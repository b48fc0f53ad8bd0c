//! Translates documents of CPython's `logging.config.dictConfig`.
//!
//! The format is described under [Configuration dictionary schema][schema] in the documentation of Python 3. A part
//! with a `class`, and a formatter or filter without a `type`, is one of CPython's. The arguments of its class become
//! settings of the type that stands for the class: `"class": "logging.handlers.RotatingFileHandler", "maxBytes": 1000`
//! becomes `type = "rotating_file", max_bytes = 1000`.
//!
//! Most arguments differ by their names only; the column `python` of the tables has those. The others are translated by
//! hand:
//!
//! | argument | becomes |
//! |---|---|
//! | `stream: ext://sys.stdout` | `stream = "stdout"` |
//! | `mode: w` of a file | `truncate = true` |
//! | `encoding: utf-8` | nothing, as files are written in UTF-8; another encoding is an error |
//! | `host`, `port` of a socket | `endpoint = "tcp://host:port"`, and `unix:host` without a port |
//! | `address`, `socktype`, `facility` of `SysLogHandler` | `endpoint`, and a formatter of the type `syslog` |
//! | `host`, `url`, `secure`, `credentials` of `HTTPHandler` | `url`, `basic_auth`, `body = "form"`, `method = "GET"` |
//! | `utc` of `TimedRotatingFileHandler` | `time_zone`, which is `local` unless `utc` is true |
//!
//! What CPython does by default, and this library does not, is set explicitly: names of levels such as `WARNING`, local
//! times, and pickled records on sockets.
//!
//! Objects of Python have no counterpart. A factory (`()`), attributes (`.`) and `ext://` are errors that say what to
//! write instead, except for `ext://sys.stdout`, `ext://sys.stderr` and the types of sockets.
//!
//! [schema]: https://docs.python.org/3/library/logging.config.html#configuration-dictionary-schema

use std::collections::BTreeSet;

use super::part::{Decoding, PartSpec};
use super::setting::{Content, Mapping, Setting, SettingName};
use super::similar::hint;
use super::table::SettingInfo;
use super::tables::Tables;
use super::types::Section;
use crate::error::Position;

/// A part, and the formatter that it needs besides, if any.
pub(super) struct Translated {
    pub(super) part: PartSpec,
    pub(super) formatter: Option<(String, PartSpec)>,
}

/// Classes without a counterpart, and what to do.
const NO_COUNTERPART: [(&str, &str); 8] = [
    ("logging.handlers.QueueHandler", QUEUE),
    ("logging.handlers.QueueListener", QUEUE),
    (
        "logging.handlers.SMTPHandler",
        "there is no handler for mail: send records to a program that does it, by `socket` or `http`",
    ),
    ("logging.handlers.NTEventLogHandler", "there is no handler for the event log of Windows"),
    ("logging.handlers.BufferingHandler", "this class is a base of others; use `logging.handlers.MemoryHandler`"),
    (
        "logging.handlers.BaseRotatingHandler",
        "this class is a base of others; use `logging.handlers.RotatingFileHandler`",
    ),
    ("logging.Handler", "this class is a base of others"),
    ("logging.BufferingFormatter", "records are formatted one by one"),
];

const QUEUE: &str =
    "every handler here has a queue and a thread of its own: name the handlers behind the queue instead";

/// Makes a part of a table without a `type`: one of CPython's, or a mistake.
pub(super) fn part(
    section: Section,
    name: &str,
    position: Option<Position>,
    table: Mapping,
    decoding: &mut Decoding<'_>,
) -> Option<Translated> {
    let path = format!("{}.{name}", section.names().0);
    let mut translation = Translation { path, table, given: Mapping::default(), decoding };
    if let Some((key, factory)) = translation.table.remove("()") {
        let what = "a factory of Python cannot be called here: give a `type`, which a registry may add";
        translation.complain("()", key.position, &factory, what);
        return None;
    }
    if let Some((key, attributes)) = translation.table.remove(".") {
        translation.complain(
            "\".\"",
            key.position,
            &attributes,
            "attributes of an object of Python have no counterpart",
        );
    }
    let (kind, kind_position, formatter) = match section {
        Section::Formatters => ("pattern", translation.formatter()?, None),
        Section::Filters => ("name", translation.filter(position.clone())?, None),
        Section::Handlers if translation.is_change() => ("", None, None),
        Section::Handlers => {
            let (class, class_position) = translation.class(position.clone())?;
            let (kind, infos) = translation.type_of(&class, class_position.clone())?;
            let formatter = translation.handler(name, kind, &class, infos);
            (kind, class_position, formatter)
        }
    };
    translation.rest(section, kind);
    let mut part = PartSpec::of(kind, translation.given, position);
    part.kind_position = kind_position;
    Some(Translated { part, formatter })
}

/// The translation of one part: arguments leave `table` for `given`.
///
/// What is left in `table` at the end has either the name of a setting in this library, such as `overflow`, or no
/// meaning. [`rest`](Self::rest) moves it to `given`, and decoding reports the latter like any other unknown setting,
/// with a suggestion. So a document of CPython's can also use the settings of this library.
struct Translation<'a, 'd> {
    path: String,
    table: Mapping,
    given: Mapping,
    decoding: &'a mut Decoding<'d>,
}

impl Translation<'_, '_> {
    fn complain(&mut self, key: &str, position: Option<Position>, value: &Setting, what: impl std::fmt::Display) {
        let position = position.or_else(|| value.position.clone());
        self.decoding.problem(position, format!("{}.{key}", self.path), &value.shown(), what);
    }

    /// Whether this changes a handler that runs, and therefore needs no class.
    fn is_change(&self) -> bool {
        self.decoding.is_incremental && self.table.get("class").is_none()
    }

    /// Sets a setting, at the position of the argument that it comes from.
    fn give(&mut self, name: &str, value: Setting) {
        let name = SettingName { text: name.to_owned(), position: value.position.clone() };
        self.given.0.push((name, value));
    }

    /// Takes an argument; CPython's `None` is the default.
    fn take(&mut self, key: &str) -> Option<Setting> {
        self.table.remove(key).map(|(_, value)| value).filter(|value| value.content != Content::Null)
    }

    fn formatter(&mut self) -> Option<Option<Position>> {
        let class = self.take("class");
        let position = class.as_ref().and_then(|class| class.position.clone());
        match class.as_ref().map(Setting::as_text) {
            None | Some(Some("logging.Formatter")) => {}
            Some(text) => {
                let remedy = NO_COUNTERPART.iter().find(|(name, _)| Some(*name) == text).map(|(_, remedy)| *remedy);
                // A formatter class of the program's own cannot be translated; a registry may have its counterpart.
                let remedy = remedy.unwrap_or("a class of Python: give a `type`, which a registry may add");
                self.complain("class", position, &class?, remedy);
                return None;
            }
        }
        // It has the settings of this library, and so its own defaults.
        if self.table.get("pattern").is_some() {
            return Some(position);
        }
        // What CPython writes by default: its names of levels, and local times.
        self.give("python_level_names", Setting::from(true));
        if cfg!(feature = "local-time") {
            self.give("time_zone", Setting::from("local"));
        }
        // Patterns are always validated.
        self.take("validate");
        Some(position)
    }

    fn filter(&mut self, position: Option<Position>) -> Option<Option<Position>> {
        if self.table.0.iter().all(|(key, _)| key.text == "name") {
            return Some(None);
        }
        self.decoding.problem(position, format!("{}.type", self.path), "", "missing: the type of the filter");
        None
    }

    /// Returns the name of the handler's class.
    fn class(&mut self, position: Option<Position>) -> Option<(String, Option<Position>)> {
        match self.table.remove("class") {
            Some((_, Setting { content: Content::Text(class), position, .. })) => Some((class, position)),
            Some((key, class)) => {
                self.complain("class", key.position, &class, "expected the name of a class");
                None
            }
            None => {
                self.decoding.problem(position, format!("{}.type", self.path), "", "missing: the type of the handler");
                None
            }
        }
    }

    fn type_of(&mut self, class: &str, position: Option<Position>) -> Option<(&'static str, &'static [SettingInfo])> {
        let handlers = &Tables::get().handlers;
        if let Some(kind) = handlers.iter().find(|kind| kind.classes.contains(&class)) {
            return Some((kind.name, &kind.infos));
        }
        let remedy = match NO_COUNTERPART.iter().find(|(name, _)| *name == class) {
            Some((_, remedy)) => (*remedy).to_owned(),
            // The type exists, but not in this build.
            None if class == "logging.handlers.HTTPHandler" => "this class needs the Cargo feature `http`".to_owned(),
            None => {
                let hint = hint(class, handlers.iter().flat_map(|kind| kind.classes).copied());
                format!("a class of Python: give a `type`, which a registry may add{hint}")
            }
        };
        self.decoding.problem(position, format!("{}.class", self.path), &format!("{class:?}"), remedy);
        None
    }

    /// Translates the arguments that differ by more than their names.
    fn handler(&mut self, name: &str, kind: &str, class: &str, infos: &[SettingInfo]) -> Option<(String, PartSpec)> {
        if infos.iter().any(|info| info.python == Some("filename")) {
            self.file();
        }
        match kind {
            "stream" => self.stream(),
            // Every class takes one; these format nothing.
            "memory" | "null" => _ = self.take("formatter"),
            "timed_rotating_file" => match self.take("utc") {
                Some(Setting { content: Content::Bool(true), .. }) => {}
                _ if cfg!(feature = "local-time") => self.give("time_zone", Setting::from("local")),
                _ => {}
            },
            "socket" => {
                // The schemes for a host with a port, and for the path of a socket.
                let scheme = if class.ends_with("DatagramHandler") { ["udp", "unixgram"] } else { ["tcp", "unix"] };
                self.address_of_host(scheme);
                // What CPython's receivers read; the class ignores its formatter.
                self.take("formatter");
                self.give("formatter", Setting::from("pickle"));
                self.give("framing", Setting::from("length_prefix"));
            }
            "syslog" => return self.syslog(name),
            "http" => self.http(),
            _ => {}
        }
        None
    }

    fn stream(&mut self) {
        let Some(stream) = self.take("stream") else { return };
        let name = match stream.as_text() {
            Some("ext://sys.stderr") => "stderr",
            Some("ext://sys.stdout") => "stdout",
            _ => {
                return self.complain("stream", None, &stream, "expected ext://sys.stderr or ext://sys.stdout");
            }
        };
        self.give("stream", Setting { content: Content::Text(name.to_owned()), ..stream });
    }

    fn file(&mut self) {
        if let Some(mode) = self.take("mode") {
            match mode.as_text() {
                Some("a" | "at") => {}
                Some("w" | "wt") => self.give("truncate", Setting { content: Content::Bool(true), ..mode }),
                _ => self.complain("mode", None, &mode, "expected \"a\" or \"w\""),
            }
        }
        if let Some(encoding) = self.take("encoding") {
            let is_utf8 = encoding.as_text().is_some_and(|name| {
                ["utf-8", "utf8", "utf_8", "ascii", "locale"].contains(&name.to_ascii_lowercase().as_str())
            });
            if !is_utf8 {
                self.complain("encoding", None, &encoding, "files are written in UTF-8");
            }
        }
        if let Some(errors) = self.take("errors") {
            self.complain("errors", None, &errors, "UTF-8 can write every text: leave it out");
        }
    }

    /// Makes an endpoint of `host` and `port`; without a port, the host is the path of a Unix socket.
    fn address_of_host(&mut self, [internet, unix]: [&str; 2]) {
        let (Some(host), port) = (self.take("host"), self.take("port")) else { return };
        let text = host.as_text().unwrap_or_default();
        let endpoint = match &port {
            None => format!("{unix}:{text}"),
            Some(port) => format!("{internet}://{}:{}", bracketed(text), plain(port)),
        };
        self.give("endpoint", Setting { content: Content::Text(endpoint), ..host });
    }

    /// `SysLogHandler` sends CPython's own format, to UDP port 514 of this machine by default.
    fn syslog(&mut self, name: &str) -> Option<(String, PartSpec)> {
        let socket_type = self.take("socktype");
        let stream = match socket_type.as_ref().map(Setting::as_text) {
            Some(Some("ext://socket.SOCK_STREAM")) => true,
            None | Some(Some("ext://socket.SOCK_DGRAM")) => false,
            Some(_) => {
                let value = socket_type?;
                self.complain("socktype", None, &value, "expected ext://socket.SOCK_DGRAM or ext://socket.SOCK_STREAM");
                false
            }
        };
        let address = self
            .take("address")
            .unwrap_or_else(|| Setting::new(Content::List(vec![Setting::from("localhost"), Setting::from(514)])));
        let (internet, unix) = if stream { ("tcp", "unix") } else { ("udp", "unixgram") };
        let endpoint = match &address.content {
            Content::Text(path) => format!("{unix}:{path}"),
            Content::List(parts) => match parts.as_slice() {
                [host, port] => {
                    format!("{internet}://{}:{}", bracketed(host.as_text().unwrap_or_default()), plain(port))
                }
                _ => String::new(),
            },
            _ => String::new(),
        };
        if endpoint.is_empty() {
            self.complain("address", None, &address, "expected a path, or a list of a host and a port");
        } else {
            self.give("endpoint", Setting { content: Content::Text(endpoint), ..address });
        }
        // `SysLogHandler` wraps what its formatter writes in a head; here the formatter writes both.
        let mut formatter = PartSpec::new("syslog").with("format", "python");
        for (argument, setting) in [("facility", "facility"), ("formatter", "message")] {
            if let Some(value) = self.take(argument) {
                formatter = formatter.with(setting, value);
            }
        }
        let formatter_name = format!("{name}-syslog");
        self.give("formatter", Setting::from(formatter_name.as_str()));
        Some((formatter_name, formatter))
    }

    fn http(&mut self) {
        let (host, url, secure) = (self.take("host"), self.take("url"), self.take("secure"));
        let scheme = match secure.map(|secure| secure.content) {
            Some(Content::Bool(true)) => "https",
            _ => "http",
        };
        if let Some(host) = host {
            let path = url.as_ref().and_then(Setting::as_text).unwrap_or_default();
            let text = format!("{scheme}://{}{path}", host.as_text().unwrap_or_default());
            self.give("url", Setting { content: Content::Text(text), ..host });
        }
        if let Some(credentials) = self.take("credentials") {
            let pair = match &credentials.content {
                Content::List(values) => <&[Setting; 2]>::try_from(values.as_slice()).ok().cloned(),
                _ => None,
            };
            match pair {
                Some([user, password]) => {
                    let entries = [("user", user), ("password", password)];
                    let entries = entries.map(|(name, value)| (SettingName::new(name), value));
                    let content = Content::Table(Mapping(entries.into()));
                    self.give("basic_auth", Setting { content, ..credentials });
                }
                None => {
                    let hidden = Setting { is_secret: true, ..credentials };
                    self.complain("credentials", None, &hidden, "expected a list of a user and a password");
                }
            }
        }
        if let Some(context) = self.take("context") {
            self.complain("context", None, &context, "an object of Python: use the settings of `tls`");
        }
        // The class ignores its formatter, and its default method is GET.
        self.take("formatter");
        self.give("body", Setting::from("form"));
        if self.table.get("method").is_none() {
            self.give("method", Setting::from("GET"));
        }
    }

    /// Renames the arguments that are left, and complains of those that are no object of here.
    fn rest(&mut self, section: Section, kind: &str) {
        let types = Tables::get().of(section);
        let infos = types.iter().find(|known| known.name == kind).map_or(&[][..], |known| known.infos);
        for (mut key, value) in std::mem::take(&mut self.table.0) {
            if value.as_text().is_some_and(|text| text.starts_with("ext://")) {
                self.complain(&key.text, None, &value, "`ext://` names an object of Python");
                continue;
            }
            if let Some(info) = infos.iter().find(|info| info.python == Some(key.text.as_str())) {
                key.text = info.name.to_owned();
            }
            self.given.0.push((key, value));
        }
    }
}

/// A host as it stands in an endpoint.
fn bracketed(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}

/// A number or a text.
fn plain(setting: &Setting) -> String {
    setting.as_text().map_or_else(|| setting.shown(), str::to_owned)
}

/// Replaces every text `cfg://path` by what stands at this path of the document: by the name of a part where it is one.
/// Returns the names at the top of the document that paths begin with: some documents have sections of their own for
/// what they refer to.
pub(super) fn resolve(document: &mut Setting, decoding: &mut Decoding<'_>) -> BTreeSet<String> {
    // A reference may lead to any part of the document, also to one that was replaced already.
    let whole = document.clone();
    let mut tops = BTreeSet::new();
    resolve_in(document, &whole, "", decoding, &mut tops);
    tops
}

fn resolve_in(
    setting: &mut Setting,
    whole: &Setting,
    path: &str,
    decoding: &mut Decoding<'_>,
    tops: &mut BTreeSet<String>,
) {
    match &mut setting.content {
        Content::Text(text) => {
            let Some(target) = text.strip_prefix("cfg://") else { return };
            match look_up(whole, target) {
                Some(content) => {
                    tops.insert(target.split(['.', '[']).next().unwrap_or_default().to_owned());
                    setting.content = content;
                }
                None => {
                    let value = setting.shown();
                    let what = "nothing stands at this path of the document";
                    decoding.problem(setting.position.clone(), path.to_owned(), &value, what);
                    setting.is_unknown = true;
                }
            }
        }
        Content::List(values) => {
            for (index, value) in values.iter_mut().enumerate() {
                resolve_in(value, whole, &format!("{path}[{index}]"), decoding, tops);
            }
        }
        Content::Table(table) => {
            for (name, value) in &mut table.0 {
                resolve_in(value, whole, &super::part::join(path, &name.text), decoding, tops);
            }
        }
        _ => {}
    }
}

/// Follows a path such as `handlers.email.toaddrs[0]`.
///
/// A part is looked up as its name, since settings refer to parts by name here: in CPython's documentation,
/// `"target": "cfg://handlers.file"` of a `MemoryHandler` gives it the handler itself.
fn look_up(whole: &Setting, path: &str) -> Option<Content> {
    let steps: Vec<&str> = path.split(['.', '[']).map(|step| step.strip_suffix(']').unwrap_or(step)).collect();
    let mut found = whole;
    for step in &steps {
        found = match &found.content {
            Content::Table(table) => table.get(step)?,
            Content::List(values) => values.get(step.parse::<usize>().ok()?)?,
            _ => return None,
        };
    }
    match (steps.as_slice(), &found.content) {
        (["handlers" | "formatters" | "filters", name], Content::Table(_)) => Some(Content::Text((*name).to_owned())),
        (_, content) => Some(content.clone()),
    }
}
