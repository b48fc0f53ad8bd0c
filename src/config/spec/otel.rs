//! Translates OpenTelemetry's [declarative configuration][schema], version 1: the part `logger_provider`.
//!
//! A document with `file_format` is one of OpenTelemetry's. Each processor becomes a handler, and the root logger has
//! all of them:
//!
//! | document | becomes |
//! |---|---|
//! | `batch` or `simple` with `otlp_http` | a handler of the type `otlp` |
//! | … `endpoint`, which ends with `/v1/logs` | `url`, without that path |
//! | … `headers`, `headers_list`, `compression`, `timeout`, `encoding`, `tls` | `headers`, `gzip`, the same |
//! | … `schedule_delay`, `max_export_batch_size` | `batch_age`, `batch_records` |
//! | … `max_queue_size` | `retry_buffer.records` |
//! | `batch` or `simple` with `console` | a handler of the type `stream`, to standard output, in JSON |
//! | `resource.attributes`, `resource.attributes_list` | `resource` |
//! | `disabled: true` | no handler but `null` |
//! | everything outside of `logger_provider` | nothing: it is for other signals |
//!
//! The format knows no levels. The root logger gets `info`; directives of the environment change it.
//!
//! ```yaml
//! file_format: "1.1"
//! resource: { attributes: [{ name: service.name, value: shop }] }
//! logger_provider:
//!   processors:
//!     - batch: { exporter: { otlp_http: { endpoint: "${OTLP:-http://localhost:4318}/v1/logs" } } }
//! ```
//!
//! [schema]: https://opentelemetry.io/docs/specs/otel/configuration/

use super::part::{Decoding, join};
use super::setting::{Content, Mapping, Setting, SettingName};
use crate::error::Position;

/// Returns whether a document is one of OpenTelemetry's.
pub(super) fn is_one(document: &Setting) -> bool {
    matches!(&document.content, Content::Table(table) if table.get("file_format").is_some())
}

/// Translates a document into one of this library's.
pub(super) fn translate(document: Setting, decoding: &mut Decoding<'_>) -> Setting {
    let position = document.position.clone();
    let Content::Table(mut table) = renamed(document).content else { return Setting::new(Content::Null) };
    if let Some((_, version)) = table.remove("file_format") {
        let text = match &version.content {
            Content::Float(number) => format!("{number:?}"),
            _ => version.as_text().unwrap_or_default().to_owned(),
        };
        if !text.starts_with("1.") {
            complain(decoding, "file_format", &version, "expected a version 1, such as \"1.1\"");
        }
    }
    let mut made = Mapping::default();
    let is_disabled = table.remove("disabled").is_some_and(|(_, value)| value.content == Content::Bool(true));
    let mut handlers = Vec::new();
    if is_disabled {
        made.set(&["handlers", "null", "type"], Setting::from("null"));
    } else {
        let resource = table.remove("resource").map(|(_, value)| value);
        let attributes = resource.map_or_else(Mapping::default, |resource| attributes(resource, decoding));
        let provider = table.remove("logger_provider").map(|(_, value)| value);
        for (at, processor) in processors(provider, decoding).into_iter().enumerate() {
            let path = format!("logger_provider.processors[{at}]");
            if let Some((name, handler)) = handler(&path, processor, &attributes, decoding) {
                let name = if handlers.iter().any(|(known, _)| *known == name) { format!("{name}_{at}") } else { name };
                handlers.push((name, handler));
            }
        }
    }
    for (name, handler) in handlers {
        if handler.get("formatter").is_some() {
            made.set(&["formatters", "open_telemetry", "type"], Setting::from("json"));
            made.set(&["formatters", "open_telemetry", "schema"], Setting::from("opentelemetry"));
        }
        made.set(&["handlers", &name], Setting::new(Content::Table(of_document(handler))));
    }
    made.set(&["root", "level"], Setting::from("info"));
    Setting { position, ..Setting::new(Content::Table(made)) }
}

/// Says of tables that were made here that references in them are to be replaced.
fn of_document(mut handler: Mapping) -> Mapping {
    let tables = handler.0.iter_mut().filter(|(_, setting)| matches!(setting.content, Content::Table(_)));
    tables.for_each(|(_, setting)| setting.is_raw = true);
    handler
}

fn complain(decoding: &mut Decoding<'_>, path: &str, value: &Setting, what: &str) {
    decoding.problem(value.position.clone(), path.to_owned(), &value.shown(), what);
}

/// Writes references to variables as this library has them: `${X}` is `${env:X}` in its documents.
fn renamed(mut setting: Setting) -> Setting {
    match &mut setting.content {
        Content::Text(text) => *text = references(text),
        Content::List(values) => {
            for value in values {
                *value = renamed(std::mem::replace(value, Setting::new(Content::Null)));
            }
        }
        Content::Table(table) => {
            for (_, value) in &mut table.0 {
                *value = renamed(std::mem::replace(value, Setting::new(Content::Null)));
            }
        }
        _ => {}
    }
    setting
}

fn references(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let (reference, after) = match from.strip_prefix("${") {
            Some(name) if name.starts_with("env:") => ("${", name),
            Some(name) => ("${env:", name),
            None if from.starts_with("$$") => ("$$", from.get(2..).unwrap_or_default()),
            // A dollar sign alone is one; here it must be doubled.
            None => ("$$", from.get(1..).unwrap_or_default()),
        };
        out.push_str(reference);
        rest = after;
    }
    out + rest
}

/// Returns the attributes of the resource by name.
fn attributes(resource: Setting, decoding: &mut Decoding<'_>) -> Mapping {
    let mut found = Mapping::default();
    let Content::Table(mut table) = resource.content else { return found };
    if let Some((_, list)) = table.remove("attributes_list") {
        for (name, value) in pairs("resource.attributes_list", &list, decoding) {
            found.set(&[&name], value);
        }
    }
    if let Some((_, list)) = table.remove("attributes") {
        for (name, value) in named_values("resource.attributes", list, decoding) {
            found.set(&[&name], value);
        }
    }
    found
}

/// Reads `key=value,key=value`.
fn pairs(path: &str, list: &Setting, decoding: &mut Decoding<'_>) -> Vec<(String, Setting)> {
    let text = list.as_text().unwrap_or_default();
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=')?;
        let content = Content::Text(value.trim().to_owned());
        Some((name.trim().to_owned(), Setting { content, ..list.clone() }))
    };
    let found: Option<Vec<_>> = text.split(',').filter(|pair| !pair.trim().is_empty()).map(pair).collect();
    found.unwrap_or_else(|| {
        let hidden = Setting { is_secret: true, ..list.clone() };
        complain(decoding, path, &hidden, "give pairs such as key1=value1,key2=value2");
        Vec::new()
    })
}

/// Reads a list of tables with `name` and `value`.
fn named_values(path: &str, list: Setting, decoding: &mut Decoding<'_>) -> Vec<(String, Setting)> {
    let Content::List(entries) = list.content else {
        complain(
            decoding,
            path,
            &Setting { is_secret: true, ..list },
            "expected a list of tables with `name` and `value`",
        );
        return Vec::new();
    };
    let mut found = Vec::new();
    for (at, entry) in entries.into_iter().enumerate() {
        let position = entry.position.clone();
        let pair = match entry.content {
            Content::Table(mut table) => (table.remove("name"), table.remove("value")),
            _ => (None, None),
        };
        match pair {
            (Some((_, Setting { content: Content::Text(name), .. })), Some((_, value))) => {
                found.push((name, text_of(value)))
            }
            _ => {
                let hidden = Setting { position, is_secret: true, ..Setting::new(Content::Null) };
                complain(decoding, &format!("{path}[{at}]"), &hidden, "expected a table with `name` and `value`");
            }
        }
    }
    found
}

/// Attributes and header fields are text here.
fn text_of(value: Setting) -> Setting {
    let text = match &value.content {
        Content::Text(text) => text.clone(),
        _ => format!("{value:?}"),
    };
    Setting { content: Content::Text(text), ..value }
}

fn processors(provider: Option<Setting>, decoding: &mut Decoding<'_>) -> Vec<Setting> {
    let Some(Setting { content: Content::Table(mut provider), .. }) = provider else { return Vec::new() };
    match provider.remove("processors") {
        Some((_, Setting { content: Content::List(processors), .. })) => processors,
        Some((_, other)) => {
            complain(decoding, "logger_provider.processors", &other, "expected a list");
            Vec::new()
        }
        None => Vec::new(),
    }
}

/// Takes the only entry of a table, such as `batch` of `{ batch: … }`.
fn only(setting: Setting) -> Option<(SettingName, Setting)> {
    match setting.content {
        Content::Table(Mapping(mut entries)) if entries.len() == 1 => entries.pop(),
        _ => None,
    }
}

/// Makes a handler of a processor.
fn handler(
    path: &str,
    processor: Setting,
    resource: &Mapping,
    decoding: &mut Decoding<'_>,
) -> Option<(String, Mapping)> {
    let shown = processor.clone();
    let Some((kind, settings)) = only(processor).filter(|(kind, _)| matches!(kind.text.as_str(), "batch" | "simple"))
    else {
        complain(decoding, path, &Setting { is_secret: true, ..shown }, "expected a table with `batch` or `simple`");
        return None;
    };
    let path = join(path, &kind.text);
    let Content::Table(mut table) = settings.content else { return None };
    let exporter = table.remove("exporter").map(|(_, exporter)| exporter);
    let exporter_path = join(&path, "exporter");
    let position: Option<Position> = exporter.as_ref().and_then(|exporter| exporter.position.clone()).or(kind.position);
    let (name, settings) = match exporter.and_then(only) {
        Some((name, settings)) if matches!(name.text.as_str(), "otlp_http" | "console") => (name, settings),
        found => {
            let (value, remedy) = match found.as_ref().map(|(name, _)| name.text.as_str()) {
                Some("otlp_grpc") => (
                    "`otlp_grpc`".to_owned(),
                    "gRPC is not supported: use otlp_http, which collectors receive on port 4318",
                ),
                Some(other) => (format!("`{other}`"), "no such exporter: use otlp_http or console"),
                None => (String::new(), "missing: a table with `otlp_http` or `console`"),
            };
            decoding.problem(position, exporter_path, &value, remedy);
            return None;
        }
    };
    let mut made = Mapping::default();
    if name.text == "console" {
        made.set(&["type"], Setting::from("stream"));
        made.set(&["stream"], Setting::from("stdout"));
        made.set(&["formatter"], Setting::from("open_telemetry"));
        return Some(("console".to_owned(), made));
    }
    made.set(&["type"], Setting::from("otlp"));
    if !resource.0.is_empty() {
        made.set(&["resource"], Setting::new(Content::Table(resource.clone())));
    }
    for (name, value) in table.0 {
        match name.text.as_str() {
            "schedule_delay" => made.set(&["batch_age"], millis(value)),
            "max_queue_size" => made.set(&["retry_buffer", "records"], value),
            "max_export_batch_size" => made.set(&["batch_records"], value),
            // An export is one request here, whose timeout the exporter has.
            "export_timeout" => {}
            other => unknown(&join(&path, other), name.position, decoding),
        }
    }
    exporter_settings(&join(&exporter_path, &name.text), settings, &mut made, decoding);
    Some(("otlp".to_owned(), made))
}

fn unknown(path: &str, position: Option<Position>, decoding: &mut Decoding<'_>) {
    decoding.problem(position, path.to_owned(), "", "this setting has no counterpart");
}

/// Makes a number of milliseconds a duration; a reference to a variable gets the unit after it.
fn millis(value: Setting) -> Setting {
    let text = format!("{} ms", text_of(value.clone()).as_text().unwrap_or_default());
    Setting { content: Content::Text(text), ..value }
}

/// Translates the settings of `otlp_http`.
fn exporter_settings(path: &str, settings: Setting, made: &mut Mapping, decoding: &mut Decoding<'_>) {
    let Content::Table(table) = settings.content else { return };
    for (name, value) in table.0 {
        let path = join(path, &name.text);
        match (name.text.as_str(), value.as_text()) {
            (_, None) if value.content == Content::Null => {}
            ("endpoint", Some(text)) => match text.strip_suffix("/v1/logs") {
                Some(url) => made.set(&["url"], Setting { content: Content::Text(url.to_owned()), ..value }),
                None => complain(decoding, &path, &value, "expected a URL that ends with /v1/logs"),
            },
            ("timeout", _) => made.set(&["timeout"], millis(value)),
            ("compression", Some("gzip")) => made.set(&["gzip"], Setting { content: Content::Bool(true), ..value }),
            ("compression", Some("none")) => {}
            ("compression", _) => complain(decoding, &path, &value, "expected gzip or none"),
            ("encoding", Some("protobuf" | "json")) => made.set(&["encoding"], value),
            ("encoding", _) => complain(decoding, &path, &value, "expected protobuf or json"),
            ("headers", _) => {
                for (name, value) in named_values(&path, value, decoding) {
                    made.set(&["headers", &name], value);
                }
            }
            ("headers_list", _) => {
                for (name, field) in pairs(&path, &value, decoding) {
                    made.set(&["headers", &name], field);
                }
            }
            ("tls", _) => tls(&path, value, made, decoding),
            (_, _) => unknown(&path, name.position, decoding),
        }
    }
}

fn tls(path: &str, settings: Setting, made: &mut Mapping, decoding: &mut Decoding<'_>) {
    let Content::Table(table) = settings.content else { return };
    for (name, value) in table.0 {
        match name.text.as_str() {
            "ca_file" => made.set(&["tls", "ca_file"], value),
            "cert_file" => made.set(&["tls", "client_certificate"], value),
            "key_file" => made.set(&["tls", "client_key"], value),
            other => unknown(&join(path, other), name.position, decoding),
        }
    }
}
