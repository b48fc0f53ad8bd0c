//! The settings of formatters.
//!
//! A formatter of the library stays what it is until a handler takes it ([`MadeFormatter`]): see there why it is not
//! boxed. Settings that the constructor needs, such as a pattern and its style, are read by the function that starts
//! the builder; their rows have no call.

use super::super::setting::{Content, Mapping, Setting, SettingName};
use super::super::similar::hint;
use super::super::table::{MadeFormatter, PartType, settings, with_formatter};
use super::super::types::{FormatterName, Mismatch, Pattern, SettingType, TextPairs, Whole, choices};
#[cfg(not(feature = "local-time"))]
use crate::error::{Error, Problem};
use crate::formatter::{
    FemtoConsoleFormatter, FemtoJsonFormatter, FemtoLogfmtFormatter, FemtoPatternFormatter, FemtoPickleFormatter,
    FemtoSyslogFormatter, FemtoTextFormatter, JsonField, JsonSchema, JsonTime, Multiline, SyslogFacility,
};
use crate::level::Level;

/// When a console formatter has colours: `stderr` and `stdout` ask whether that stream is a terminal, and obey
/// `NO_COLOR`.
#[derive(Clone, Copy)]
enum Color {
    Stderr,
    Stdout,
    Always,
    Never,
}

/// The styles of patterns.
#[derive(Clone, Copy)]
enum PatternStyle {
    Percent,
    Brace,
    Dollar,
}

/// The formats of syslog.
#[derive(Clone, Copy)]
enum SyslogFormat {
    Rfc5424,
    Rfc3164,
    Python,
}

choices! {
    /// When a console formatter has colours.
    ColorName: Color {
        "stderr" => Color::Stderr,
        "stdout" => Color::Stdout,
        "always" => Color::Always,
        "never" => Color::Never,
    }
    /// A pattern's style, by its own name or CPython's.
    StyleName: PatternStyle {
        "percent" => PatternStyle::Percent,
        "brace" => PatternStyle::Brace,
        "dollar" => PatternStyle::Dollar,
        "%" => PatternStyle::Percent,
        "{" => PatternStyle::Brace,
        "$" => PatternStyle::Dollar,
    }
    /// A format of syslog.
    SyslogFormatName: SyslogFormat {
        "rfc5424" => SyslogFormat::Rfc5424,
        "rfc3164" => SyslogFormat::Rfc3164,
        "python" => SyslogFormat::Python,
    }
    /// A layout of JSON.
    SchemaName: JsonSchema {
        "default" => JsonSchema::Default,
        "ecs" => JsonSchema::Ecs,
        "opentelemetry" => JsonSchema::OpenTelemetry,
        "gcp" => JsonSchema::Gcp,
        "datadog" => JsonSchema::Datadog,
        "gelf" => JsonSchema::Gelf,
        "logstash" => JsonSchema::Logstash,
    }
    /// What becomes of line feeds.
    MultilineName: Multiline {
        "escape" => Multiline::Escape,
        "indent" => Multiline::Indent,
    }
    /// How JSON says the time.
    TimeName: JsonTime {
        "rfc3339" => JsonTime::Rfc3339,
        "seconds" => JsonTime::Seconds,
        "millis" => JsonTime::Millis,
        "micros" => JsonTime::Micros,
        "nanos" => JsonTime::Nanos,
    }
}

/// The names of JSON's fields.
///
/// A document has them under `fields`, as a table from the field to its name: `fields = { timestamp = "ts", message =
/// "msg" }` writes these two, in this order.
const FIELDS: [(&str, JsonField); 28] = [
    ("timestamp", JsonField::Timestamp),
    ("level", JsonField::Level),
    ("level_number", JsonField::LevelNumber),
    ("logger", JsonField::Logger),
    ("target", JsonField::Target),
    ("message", JsonField::Message),
    ("template", JsonField::Template),
    ("module_path", JsonField::ModulePath),
    ("file", JsonField::File),
    ("line", JsonField::Line),
    ("thread_id", JsonField::ThreadId),
    ("thread_name", JsonField::ThreadName),
    ("process_id", JsonField::ProcessId),
    ("host", JsonField::Host),
    ("version", JsonField::Version),
    ("spans", JsonField::Spans),
    ("span_path", JsonField::SpanPath),
    ("request_id", JsonField::RequestId),
    ("user_id", JsonField::UserId),
    ("session_id", JsonField::SessionId),
    ("client_address", JsonField::ClientAddress),
    ("service_name", JsonField::ServiceName),
    ("service_version", JsonField::ServiceVersion),
    ("environment", JsonField::Environment),
    ("trace_id", JsonField::TraceId),
    ("span_id", JsonField::SpanId),
    ("trace_flags", JsonField::TraceFlags),
    ("key_values", JsonField::KeyValues),
];

/// JsonFields of JSON with the names that they get.
struct JsonFields(Vec<(JsonField, String)>);

impl SettingType for JsonFields {
    fn name() -> String {
        "table of fields and their names".to_owned()
    }

    fn schema() -> String {
        let names = FIELDS.map(|(name, _)| format!(r#""{name}": {{"type": "string"}}"#)).join(", ");
        format!(r#"{{"type": "object", "properties": {{{names}}}, "additionalProperties": false}}"#)
    }

    fn decode(setting: &Setting) -> Result<Self, Mismatch> {
        let pairs = TextPairs::decode(setting)?.0.into_iter().map(|(name, text)| {
            let field = FIELDS.iter().find(|(known, _)| *known == name).map(|(_, field)| *field);
            field.map(|field| (field, text)).ok_or_else(|| {
                let expected = format!("no such field{}", hint(&name, FIELDS.map(|(name, _)| name)));
                Mismatch { inside: format!(".{name}"), value: String::new(), ..setting.mismatch(expected) }
            })
        });
        pairs.collect::<Result<_, _>>().map(Self)
    }

    fn encode(&self) -> Content {
        let name = |field: &JsonField| FIELDS.iter().find(|(_, known)| known == field).map_or("", |(name, _)| name);
        let entries = self.0.iter().map(|(field, text)| (SettingName::new(name(field)), Setting::from(text.as_str())));
        Content::Table(Mapping(entries.collect()))
    }
}

/// A name for each level.
struct LevelNames([String; 6]);

impl SettingType for LevelNames {
    fn name() -> String {
        "list of six texts".to_owned()
    }

    fn schema() -> String {
        r#"{"type": "array", "items": {"type": "string"}, "minItems": 6, "maxItems": 6}"#.to_owned()
    }

    fn decode(setting: &Setting) -> Result<Self, Mismatch> {
        let names = Vec::<String>::decode(setting)?;
        let names = <[String; 6]>::try_from(names);
        names.map(Self).map_err(|_| setting.mismatch("expected six names, from that of trace to that of critical"))
    }

    fn encode(&self) -> Content {
        self.0.to_vec().encode()
    }
}

/// Severities of syslog by level.
struct Severities(Vec<(Level, u8)>);

impl SettingType for Severities {
    fn name() -> String {
        "table of levels and severities, 0 to 7".to_owned()
    }

    fn schema() -> String {
        let names = Level::ALL.map(|level| level.as_str().to_ascii_lowercase());
        let names =
            names.map(|name| format!(r#""{name}": {{"type": "integer", "minimum": 0, "maximum": 7}}"#)).join(", ");
        format!(r#"{{"type": "object", "properties": {{{names}}}, "additionalProperties": false}}"#)
    }

    fn decode(setting: &Setting) -> Result<Self, Mismatch> {
        let Content::Table(table) = &setting.content else {
            return Err(setting.mismatch("expected a table of levels and severities"));
        };
        let severities = table.0.iter().map(|(name, value)| {
            let inside = |mismatch: Mismatch| Mismatch { inside: format!(".{}", name.text), ..mismatch };
            let level = Level::ALL.into_iter().find(|level| level.as_str().to_ascii_lowercase() == name.text);
            let level = level.ok_or_else(|| inside(value.mismatch("expected the name of a level, in lower case")))?;
            Ok((level, Whole::<0, 7>::decode(value).map_err(inside)?.0 as u8))
        });
        severities.collect::<Result<_, _>>().map(Self)
    }

    fn encode(&self) -> Content {
        let entry = |(level, severity): &(Level, u8)| {
            (SettingName::new(level.as_str().to_ascii_lowercase()), Setting::from(u32::from(*severity)))
        };
        Content::Table(Mapping(self.0.iter().map(entry).collect()))
    }
}

impl SettingType for SyslogFacility {
    fn name() -> String {
        "facility of syslog".to_owned()
    }

    fn schema() -> String {
        let names = Self::ALL.map(|facility| format!("\"{facility}\"")).join(", ");
        format!(r#"{{"anyOf": [{{"enum": [{names}]}}, {{"type": "integer", "minimum": 0, "maximum": 23}}]}}"#)
    }

    fn decode(setting: &Setting) -> Result<Self, Mismatch> {
        let number = |number: i128| Self::ALL.into_iter().find(|facility| i128::from(facility.number()) == number);
        match &setting.content {
            Content::Text(text) => text.parse().ok(),
            Content::Integer(code) => number(*code),
            _ => None,
        }
        .ok_or_else(|| setting.mismatch(format!("expected one of {}", Self::ALL.map(Self::as_str).join(", "))))
    }

    fn encode(&self) -> Content {
        Content::Text(self.as_str().to_owned())
    }
}

/// Sets a formatter's zone: `UTC`, `local`, or a name of the IANA database.
macro_rules! zone {
    ($formatter:expr, $name:expr) => {{
        let (formatter, name): (_, String) = ($formatter, $name);
        match name.as_str() {
            "UTC" => Ok(formatter),
            #[cfg(feature = "local-time")]
            "local" => Ok(formatter.local_time()),
            #[cfg(feature = "local-time")]
            name => formatter.time_zone(name),
            #[cfg(not(feature = "local-time"))]
            name => Err(no_zone(name)),
        }
    }};
}

pub(super) use zone;

#[cfg(not(feature = "local-time"))]
pub(super) fn no_zone(name: &str) -> Error {
    let remedy = "zones other than UTC need the Cargo feature `local-time`";
    Error::config(vec![Problem::new("time_zone", format_args!("{name:?}"), remedy)])
}

/// All types of formatters.
pub(in super::super) fn types() -> Vec<PartType<MadeFormatter>> {
    vec![
        PartType::new(
            "text",
            "one line of text: `2026-03-12T08:30:00.123456Z INFO app::db [main] message key=value`",
            settings! { for FemtoTextFormatter;
                "digits": Digits = "6", "the fractional digits of the time" => (f, v) f.digits(v.0 as u8);
                "escape": bool = "true", "whether control characters are escaped" => (f, v) f.escape(v);
                "multiline": MultilineName = "escape", "what becomes of line feeds" => (f, v) f.multiline(v.value);
                "time_zone": String = "UTC", "`UTC`, `local`, or a name of the IANA database (feature `local-time`)"
                    => (f, v) zone!(f, v);
            },
            |_, _| Ok(FemtoTextFormatter::new()),
            |formatter| Ok(MadeFormatter::Text(formatter)),
        ),
        PartType::new(
            "pattern",
            "a layout in one of the three styles of CPython's `logging`",
            settings! { for FemtoPatternFormatter;
                "pattern": Pattern = "%(message)s", "the pattern", python "format";
                "style": StyleName = "percent", "the style of the pattern", python "style";
                "datefmt": Pattern = "", "how `asctime` is written, as a pattern of `strftime`; empty for CPython's default",
                    python "datefmt" => (f, v) f.datefmt(&v.0);
                "defaults": TextPairs = none, "what stands for keys that a record does not have; by default `-`",
                    python "defaults" => (f, v) f.defaults(v.0);
                "escape": bool = "true", "whether control characters of records are escaped" => (f, v) f.escape(v);
                "multiline": MultilineName = "escape", "what becomes of line feeds in fields" => (f, v) f.multiline(v.value);
                "color": ColorName = "never", "whether the fields for colours write them" => (f, v) match v.value {
                    Color::Stderr => f.color_for_stderr(),
                    Color::Stdout => f.color_for_stdout(),
                    Color::Always => f.color(true),
                    Color::Never => f.color(false),
                };
                "python_level_names": bool = "false", "whether `Warn` is written as `WARNING`"
                    => (f, v) f.python_level_names(v);
                "process_name": String = none, "what `processName` is; by default the program's file name"
                    => (f, v) f.process_name(v);
                "time_zone": String = "UTC", "`UTC`, `local`, or a name of the IANA database (feature `local-time`)"
                    => (f, v) zone!(f, v);
            },
            |s, _| {
                let pattern = s.or_default::<Pattern>("pattern")?.0;
                match s.or_default::<StyleName>("style")?.value {
                    PatternStyle::Percent => FemtoPatternFormatter::percent(&pattern),
                    PatternStyle::Brace => FemtoPatternFormatter::brace(&pattern),
                    PatternStyle::Dollar => FemtoPatternFormatter::dollar(&pattern),
                }
            },
            |formatter| Ok(MadeFormatter::Pattern(formatter)),
        )
        .classes(&["logging.Formatter"]),
        PartType::new(
            "json",
            "an object of JSON, in one of seven layouts",
            settings! { for FemtoJsonFormatter;
                "schema": SchemaName = "default", "the layout: names, order and style of the fields" => (f, v) f.schema(v.value);
                "fields": JsonFields = none, "which fields are written, in which order, and by which names; by default those of the schema"
                    => (f, v) f.fields(v.0);
                "flatten": bool = "false", "whether keys and values are put beside the other fields"
                    => (f, v) if v { f.flatten() } else { f };
                "nest": String = none, "the name of the object that keys and values are put into" => (f, v) f.nest(v);
                "time": TimeName = none, "how times are written; by default as the schema says" => (f, v) f.time(v.value);
                "constants": TextPairs = none, "fields that are the same in every record"
                    => (f, v) v.0.into_iter().fold(f, |f, (name, value)| f.constant(name, value));
                "digits": Digits = none, "the fractional digits of the time; by default as the schema says" => (f, v) f.digits(v.0 as u8);
                "time_zone": String = "UTC", "`UTC`, `local`, or a name of the IANA database (feature `local-time`)"
                    => (f, v) zone!(f, v);
            },
            |_, _| Ok(FemtoJsonFormatter::new()),
            |formatter| Ok(MadeFormatter::Json(formatter)),
        ),
        PartType::new(
            "logfmt",
            "pairs of `key=value` alone",
            settings! { for FemtoLogfmtFormatter;
                "digits": Digits = "6", "the fractional digits of the time" => (f, v) f.digits(v.0 as u8);
                "time_zone": String = "UTC", "`UTC`, `local`, or a name of the IANA database (feature `local-time`)"
                    => (f, v) zone!(f, v);
            },
            |_, _| Ok(FemtoLogfmtFormatter::new()),
            |formatter| Ok(MadeFormatter::Logfmt(formatter)),
        ),
        PartType::new(
            "console",
            "lines for a person at a terminal, in colours",
            settings! { for FemtoConsoleFormatter;
                "color": ColorName = "stderr", "`stderr` and `stdout`: where this stream is a terminal, or as `NO_COLOR` and its like say";
                "digits": Digits = "3", "the fractional digits of the time" => (f, v) f.digits(v.0 as u8);
                "datefmt": Pattern = none, "how the time is written, as a pattern of `strftime`; by default `%H:%M:%S.%3f`"
                    => (f, v) f.datefmt(&v.0);
                "time": bool = "true", "whether a line begins with the time" => (f, v) f.time(v);
                "level_names": LevelNames = none, "the names of levels from `Trace` to `Critical`; empty ones leave the level out"
                    => (f, v) f.level_names(v.0);
                "logger": bool = "true", "whether lines have the logger's name" => (f, v) f.logger(v);
                "thread": bool = "false", "whether lines have the thread's name" => (f, v) f.thread(v);
                "location": bool = "false", "whether lines have the source file and line" => (f, v) f.location(v);
                "multiline": MultilineName = none, "what becomes of line feeds; by default `indent` on a terminal"
                    => (f, v) f.multiline(v.value);
                "time_zone": String = "UTC", "`UTC`, `local`, or a name of the IANA database (feature `local-time`)"
                    => (f, v) zone!(f, v);
            },
            |s, _| {
                Ok(match s.or_default::<ColorName>("color")?.value {
                    Color::Stderr => FemtoConsoleFormatter::for_stderr(),
                    Color::Stdout => FemtoConsoleFormatter::for_stdout(),
                    Color::Always => FemtoConsoleFormatter::new().color(true),
                    Color::Never => FemtoConsoleFormatter::new(),
                })
            },
            |formatter| Ok(MadeFormatter::Other(Box::new(formatter))),
        ),
        PartType::new(
            "syslog",
            "messages of syslog",
            settings! { for FemtoSyslogFormatter;
                "format": SyslogFormatName = "rfc5424", "the format: RFC 5424, RFC 3164, or that of CPython's handler";
                "facility": SyslogFacility = "user", "the kind of program" => (f, v) f.facility(v);
                "severities": Severities = none, "the severity of levels, from 0 (emergency) to 7 (debug)"
                    => (f, v) v.0.into_iter().fold(f, |f, (level, severity)| f.severity(level, severity));
                "ident": String = none, "the name of the program; by default its file name" => (f, v) f.ident(v);
                "hostname": String = none, "the name of the machine; by default the system's" => (f, v) f.hostname(v);
                "procid": String = none, "what stands for the process; by default its id" => (f, v) f.procid(v);
                "msgid": String = none, "the kind of all messages; by default the logger's name" => (f, v) f.msgid(v);
                "sd_id": String = "fields@32473", "the name of the structured data" => (f, v) f.sd_id(v);
                "bom": bool = "true", "whether messages of RFC 5424 that are not ASCII begin with a byte order mark" => (f, v) f.bom(v);
                "append_nul": bool = "true", "whether messages of CPython's format end in a zero byte" => (f, v) f.append_nul(v);
                "message": FormatterName = none, "the formatter of the message itself"
                    => (f, v, maker) with_formatter!(maker.formatter(&v.0)?, m => f.message(m));
                "escape": bool = "true", "whether control characters are escaped" => (f, v) f.escape(v);
                "digits": Whole<0, 6> = "6", "the fractional digits of the time" => (f, v) f.digits(v.0 as u8);
                "time_zone": String = "UTC", "`UTC`, `local`, or a name of the IANA database (feature `local-time`)"
                    => (f, v) zone!(f, v);
            },
            |s, _| {
                Ok(match s.or_default::<SyslogFormatName>("format")?.value {
                    SyslogFormat::Rfc5424 => FemtoSyslogFormatter::rfc5424(),
                    SyslogFormat::Rfc3164 => FemtoSyslogFormatter::rfc3164(),
                    SyslogFormat::Python => FemtoSyslogFormatter::python(),
                })
            },
            |formatter| Ok(MadeFormatter::Syslog(Box::new(formatter))),
        ),
        PartType::new(
            "pickle",
            "pickles for CPython's `logging.makeLogRecord`",
            settings! { for FemtoPickleFormatter;
                "process_name": String = none, "what `processName` is; by default the program's file name"
                    => (f, v) f.process_name(v);
            },
            |_, _| Ok(FemtoPickleFormatter::new()),
            |formatter| Ok(MadeFormatter::Other(Box::new(formatter))),
        ),
        #[cfg(feature = "msgpack")]
        PartType::new(
            "msgpack",
            "MessagePack",
            settings! { for crate::formatter::FemtoMsgpackFormatter;},
            |_, _| Ok(crate::formatter::FemtoMsgpackFormatter::new()),
            |formatter| Ok(MadeFormatter::Other(Box::new(formatter))),
        ),
        #[cfg(feature = "cbor")]
        PartType::new(
            "cbor",
            "CBOR, RFC 8949",
            settings! { for crate::formatter::FemtoCborFormatter;},
            |_, _| Ok(crate::formatter::FemtoCborFormatter::new()),
            |formatter| Ok(MadeFormatter::Other(Box::new(formatter))),
        ),
    ]
}

/// A number of fractional digits.
type Digits = Whole<0, 9>;
