//! The schemas: their names for each field, in one table, and their formats.

use super::{JsonField, JsonTime};
use crate::level::Level;

/// A known layout of JSON records.
///
/// | schema | time | keys and values |
/// |---|---|---|
/// | [`Default`](Self::Default) | `timestamp`, RFC 3339 | in `fields` |
/// | [`Ecs`](Self::Ecs) | `@timestamp`, RFC 3339 | in `labels`, where `.`, `*` and `\` of keys are `_` |
/// | [`OpenTelemetry`](Self::OpenTelemetry) | `Timestamp`, epoch nanoseconds | in `Attributes` |
/// | [`Gcp`](Self::Gcp) | `time`, RFC 3339 | next to the other fields |
/// | [`Datadog`](Self::Datadog) | `timestamp`, RFC 3339 | next to the other fields |
/// | [`Gelf`](Self::Gelf) | `timestamp`, epoch seconds | next to the other fields, with `_` before keys |
/// | [`Logstash`](Self::Logstash) | `@timestamp`, RFC 3339 | next to the other fields |
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum JsonSchema {
    /// The library's own.
    ///
    /// ```json
    /// {"timestamp":"2026-03-12T08:30:00.123456Z","level":"WARN","message":"retry 3 of five","logger":"app.db",
    ///  "thread":"main","thread_id":1,"file":"src/db.rs","line":42,"function":"app::db::load","fields":{"ok":true}}
    /// ```
    #[default]
    Default,
    /// [Elastic Common Schema](https://www.elastic.co/docs/reference/ecs), as its logging libraries write it.
    ///
    /// ```json
    /// {"@timestamp":"2026-03-12T08:30:00.123456Z","log.level":"WARN","message":"retry 3 of five",
    ///  "ecs.version":"8.11.0","log.logger":"app.db","process.pid":4711,"process.thread.name":"main",
    ///  "process.thread.id":1,"log.origin.file.name":"src/db.rs","log.origin.file.line":42,
    ///  "log.origin.function":"app::db::load","labels":{"ok":true}}
    /// ```
    Ecs,
    /// The [log data model](https://opentelemetry.io/docs/specs/otel/logs/data-model/) of OpenTelemetry, with its names
    /// of the top-level fields. Times are nanoseconds.
    ///
    /// ```json
    /// {"Timestamp":1773304200123456000,"SeverityText":"WARN","SeverityNumber":13,"Body":"retry 3 of five",
    ///  "InstrumentationScope":{"Name":"app.db"},"Resource":{"process.pid":4711},
    ///  "Attributes":{"thread.name":"main","thread.id":1,"code.file.path":"src/db.rs","code.line.number":42,
    ///  "code.function.name":"app::db::load","ok":true}}
    /// ```
    OpenTelemetry,
    /// Google Cloud's [structured logging](https://cloud.google.com/logging/docs/structured-logging).
    ///
    /// ```json
    /// {"time":"2026-03-12T08:30:00.123456000Z","severity":"WARNING","message":"retry 3 of five","logger":"app.db",
    ///  "thread":"main","thread_id":1,
    ///  "logging.googleapis.com/sourceLocation":{"file":"src/db.rs","line":"42","function":"app::db::load"},"ok":true}
    /// ```
    Gcp,
    /// Datadog's [reserved and standard attributes](https://docs.datadoghq.com/standard-attributes/).
    ///
    /// ```json
    /// {"timestamp":"2026-03-12T08:30:00.123Z","status":"warning","message":"retry 3 of five",
    ///  "logger.name":"app.db","logger.thread_name":"main","logger.method_name":"app::db::load","ok":true}
    /// ```
    Datadog,
    /// [Graylog Extended Log Format](https://go2docs.graylog.org/current/getting_in_log_data/gelf.html) 1.1. It allows
    /// text and numbers only. Times are seconds.
    ///
    /// ```json
    /// {"timestamp":1773304200.123,"_level_name":"WARN","level":4,"short_message":"retry 3 of five","version":"1.1",
    ///  "host":"web1","_logger":"app.db","_process_id":4711,"_thread":"main","_thread_id":1,"_file":"src/db.rs",
    ///  "_line":42,"_function":"app::db::load","_ok":"true"}
    /// ```
    Gelf,
    /// Logstash's event version 1, with the names of
    /// [logback's encoder](https://github.com/logfellow/logstash-logback-encoder#standard-fields).
    ///
    /// ```json
    /// {"@timestamp":"2026-03-12T08:30:00.123Z","level":"WARN","level_value":30000,"message":"retry 3 of five",
    ///  "@version":"1","logger_name":"app.db","thread_name":"main","thread_id":1,"caller_file_name":"src/db.rs",
    ///  "caller_line_number":42,"caller_method_name":"app::db::load","ok":true}
    /// ```
    Logstash,
}

/// The well-known keys, for which schemas have fields.
pub(super) const WELL_KNOWN: [(JsonField, &str); 10] = [
    (JsonField::RequestId, "request_id"),
    (JsonField::UserId, "user_id"),
    (JsonField::SessionId, "session_id"),
    (JsonField::ClientAddress, "client_address"),
    (JsonField::ServiceName, "service_name"),
    (JsonField::ServiceVersion, "service_version"),
    (JsonField::Environment, "environment"),
    (JsonField::TraceId, "trace_id"),
    (JsonField::SpanId, "span_id"),
    (JsonField::TraceFlags, "trace_flags"),
];

/// The columns below.
const COLUMNS: usize = 7;

/// Each schema's name for each field, in the order in which they are written; empty if it has none. `a>b` is a field
/// `b` in an object `a`. For keys and values, `a>` is an object of their own, and `>` a place next to the other fields.
/// The fields of one object are together. A well-known key without a name stays among the keys and values.
#[rustfmt::skip]
const NAMES: [(JsonField, [&str; COLUMNS]); 26] = [
    // Default, ECS, OpenTelemetry, GCP, Datadog, GELF, Logstash
    (JsonField::Timestamp, ["timestamp", "@timestamp", "Timestamp", "time", "timestamp", "timestamp", "@timestamp"]),
    (JsonField::Level, ["level", "log.level", "SeverityText", "severity", "status", "_level_name", "level"]),
    (JsonField::LevelNumber, ["", "", "SeverityNumber", "", "", "level", "level_value"]),
    (JsonField::Message, ["message", "message", "Body", "message", "message", "short_message", "message"]),
    (JsonField::Version, ["", "ecs.version", "", "", "", "version", "@version"]),
    (JsonField::Host, ["", "", "", "", "", "host", ""]),
    (JsonField::Logger, ["logger", "log.logger", "InstrumentationScope>Name", "logger", "logger.name", "_logger", "logger_name"]),
    (JsonField::ProcessId, ["", "process.pid", "Resource>process.pid", "", "", "_process_id", ""]),
    (JsonField::ServiceName, ["", "service.name", "Resource>service.name", "serviceContext>service", "service", "", ""]),
    (JsonField::ServiceVersion, ["", "service.version", "Resource>service.version", "serviceContext>version", "version", "", ""]),
    (JsonField::Environment, ["", "service.environment", "Resource>deployment.environment.name", "", "env", "", ""]),
    (JsonField::TraceId, ["", "trace.id", "TraceId", "logging.googleapis.com/trace", "dd.trace_id", "", ""]),
    (JsonField::SpanId, ["", "span.id", "SpanId", "logging.googleapis.com/spanId", "dd.span_id", "", ""]),
    (JsonField::TraceFlags, ["", "", "TraceFlags", "", "", "", ""]),
    (JsonField::ThreadName, ["thread", "process.thread.name", "Attributes>thread.name", "thread", "logger.thread_name", "_thread", "thread_name"]),
    (JsonField::ThreadId, ["thread_id", "process.thread.id", "Attributes>thread.id", "thread_id", "", "_thread_id", "thread_id"]),
    (JsonField::File, ["file", "log.origin.file.name", "Attributes>code.file.path", "logging.googleapis.com/sourceLocation>file", "", "_file", "caller_file_name"]),
    (JsonField::Line, ["line", "log.origin.file.line", "Attributes>code.line.number", "logging.googleapis.com/sourceLocation>line", "", "_line", "caller_line_number"]),
    (JsonField::Function, ["function", "log.origin.function", "Attributes>code.function.name", "logging.googleapis.com/sourceLocation>function", "logger.method_name", "_function", "caller_method_name"]),
    (JsonField::RequestId, ["", "http.request.id", "", "", "http.request_id", "", ""]),
    (JsonField::UserId, ["", "user.id", "Attributes>user.id", "", "usr.id", "", ""]),
    (JsonField::SessionId, ["", "", "Attributes>session.id", "", "", "", ""]),
    (JsonField::ClientAddress, ["", "client.address", "Attributes>client.address", "", "network.client.ip", "", ""]),
    (JsonField::Spans, ["spans", "", "Attributes>spans", "spans", "spans", "", "spans"]),
    (JsonField::SpanPath, ["", "labels>span", "", "", "", "_span", ""]),
    (JsonField::KeyValues, ["fields>", "labels>", "Attributes>", ">", ">", ">", ">"]),
];

/// The formats of a schema.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    pub(super) time: JsonTime,
    pub(super) digits: u8,
    /// The level's name and number, in the order of [`Level::ALL`].
    pub(super) levels: &'static [(&'static str, u32); 6],
    /// The value of [`JsonField::Version`].
    pub(super) version: &'static str,
    pub(super) keys: Keys,
    /// Whether the schema's own 64-bit integers are text, as in Protobuf's JSON mapping.
    pub(super) line_is_text: bool,
}

/// How keys and their values are changed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Keys {
    AsTheyAre,
    /// Characters that a field's name in `labels` cannot have become `_`; lists and maps become text.
    Labels,
    /// A `_` is put first; characters other than ASCII letters and digits, `.` and `-` become `_`; values are text or
    /// numbers.
    Gelf,
}

type Levels = [(&'static str, u32); 6];
const OWN: Levels = [("TRACE", 5), ("DEBUG", 10), ("INFO", 20), ("WARN", 30), ("ERROR", 40), ("CRITICAL", 50)];
const LOGBACK: Levels =
    [("TRACE", 5000), ("DEBUG", 10_000), ("INFO", 20_000), ("WARN", 30_000), ("ERROR", 40_000), ("CRITICAL", 50_000)];
const OPEN_TELEMETRY: Levels = [("TRACE", 1), ("DEBUG", 5), ("INFO", 9), ("WARN", 13), ("ERROR", 17), ("CRITICAL", 21)];
/// `LogSeverity` of Google Cloud.
const GCP: Levels =
    [("DEBUG", 100), ("DEBUG", 100), ("INFO", 200), ("WARNING", 400), ("ERROR", 500), ("CRITICAL", 600)];
/// Datadog's statuses, with the numbers of syslog.
const DATADOG: Levels = [("debug", 7), ("debug", 7), ("info", 6), ("warning", 4), ("error", 3), ("critical", 2)];
/// The numbers of syslog.
const SYSLOG: Levels = [("TRACE", 7), ("DEBUG", 7), ("INFO", 6), ("WARN", 4), ("ERROR", 3), ("CRITICAL", 2)];

impl Style {
    const DEFAULT: Self = Self {
        time: JsonTime::Rfc3339,
        digits: 6,
        levels: &OWN,
        version: "",
        keys: Keys::AsTheyAre,
        line_is_text: false,
    };

    pub(super) fn level(&self, level: Level) -> (&'static str, u32) {
        self.levels[level.index() % self.levels.len()]
    }
}

impl JsonSchema {
    /// Returns the fields of the schema, in their order, with its names.
    pub(super) fn fields(self) -> impl Iterator<Item = (JsonField, &'static str)> {
        let column = self as usize % COLUMNS;
        NAMES.iter().map(move |(field, names)| (*field, names[column])).filter(|(_, name)| !name.is_empty())
    }

    pub(super) fn style(self) -> Style {
        let default = Style::DEFAULT;
        match self {
            Self::Default => default,
            Self::Ecs => Style { version: "8.11.0", keys: Keys::Labels, ..default },
            Self::OpenTelemetry => Style { time: JsonTime::Nanos, levels: &OPEN_TELEMETRY, ..default },
            Self::Gcp => Style { digits: 9, levels: &GCP, line_is_text: true, ..default },
            Self::Datadog => Style { digits: 3, levels: &DATADOG, ..default },
            Self::Gelf => {
                let keys = Keys::Gelf;
                Style { time: JsonTime::Seconds, digits: 3, levels: &SYSLOG, version: "1.1", keys, ..default }
            }
            Self::Logstash => Style { digits: 3, levels: &LOGBACK, version: "1", ..default },
        }
    }
}
