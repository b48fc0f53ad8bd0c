use super::*;
use crate::level::Level;
use crate::record::by_hand::{ByHand, any_value};
use crate::text::is_harmful;
use crate::time::Timestamp;
use proptest::prelude::*;
use serde_json::{Map, Value as Json, json};
use std::net::IpAddr;
use std::time::Duration;

const SCHEMAS: [JsonSchema; 7] = [
    JsonSchema::Default,
    JsonSchema::Ecs,
    JsonSchema::OpenTelemetry,
    JsonSchema::Gcp,
    JsonSchema::Datadog,
    JsonSchema::Gelf,
    JsonSchema::Logstash,
];

fn text(formatter: &mut FemtoJsonFormatter, record: ByHand<'_>) -> String {
    let mut out = b"{".to_vec();
    record.with(|record| formatter.format(record, &mut out));
    String::from_utf8(out).unwrap()[1..].to_owned()
}

fn schema(schema: JsonSchema) -> FemtoJsonFormatter {
    FemtoJsonFormatter { host: "web1".to_owned(), ..FemtoJsonFormatter::new() }.schema(schema)
}

/// A formatter of keys and values alone.
fn key_values() -> FemtoJsonFormatter {
    FemtoJsonFormatter::new().fields([(JsonField::KeyValues, ">")])
}

#[test]
fn a_line_of_every_schema() {
    let record = ByHand {
        key_values: &[("user.id", Value::U64(7)), ("ok", Value::Bool(true)), ("level", Value::Str("x"))],
        ..ByHand::default()
    };
    let process = std::process::id();
    let rows = [
        (
            JsonSchema::Default,
            r#"{"timestamp":"2023-03-05T20:35:20.123456Z","level":"WARN","message":"retry 3 of five","logger":"app.db","thread":"main","thread_id":140,"file":"/src/app/db.rs","line":42,"fields":{"user.id":7,"ok":true,"level":"x"}}"#,
        ),
        (
            JsonSchema::Ecs,
            r#"{"@timestamp":"2023-03-05T20:35:20.123456Z","log.level":"WARN","message":"retry 3 of five","ecs.version":"8.11.0","log.logger":"app.db","process.pid":PID,"process.thread.name":"main","process.thread.id":140,"log.origin.file.name":"/src/app/db.rs","log.origin.file.line":42,"labels":{"user_id":7,"ok":true,"level":"x"}}"#,
        ),
        (
            JsonSchema::OpenTelemetry,
            r#"{"Timestamp":1678048520123456000,"SeverityText":"WARN","SeverityNumber":13,"Body":"retry 3 of five","InstrumentationScope":{"Name":"app.db"},"Resource":{"process.pid":PID},"Attributes":{"thread.name":"main","thread.id":140,"code.file.path":"/src/app/db.rs","code.line.number":42,"user.id":"7","ok":true,"level":"x"}}"#,
        ),
        (
            JsonSchema::Gcp,
            r#"{"time":"2023-03-05T20:35:20.123456000Z","severity":"WARNING","message":"retry 3 of five","logger":"app.db","thread":"main","thread_id":140,"logging.googleapis.com/sourceLocation":{"file":"/src/app/db.rs","line":"42"},"user.id":7,"ok":true,"level":"x"}"#,
        ),
        (
            JsonSchema::Datadog,
            r#"{"timestamp":"2023-03-05T20:35:20.123Z","status":"warning","message":"retry 3 of five","logger.name":"app.db","logger.thread_name":"main","user.id":7,"ok":true,"level":"x"}"#,
        ),
        (
            JsonSchema::Gelf,
            r#"{"timestamp":1678048520.123,"_level_name":"WARN","level":4,"short_message":"retry 3 of five","version":"1.1","host":"web1","_logger":"app.db","_process_id":PID,"_thread":"main","_thread_id":140,"_file":"/src/app/db.rs","_line":42,"_user.id":7,"_ok":"true","_level":"x"}"#,
        ),
        (
            JsonSchema::Logstash,
            r#"{"@timestamp":"2023-03-05T20:35:20.123Z","level":"WARN","level_value":30000,"message":"retry 3 of five","@version":"1","logger_name":"app.db","thread_name":"main","thread_id":140,"caller_file_name":"/src/app/db.rs","caller_line_number":42,"user.id":7,"ok":true,"level_":"x"}"#,
        ),
    ];
    for (name, expected) in rows {
        assert_eq!(text(&mut schema(name), record), expected.replace("PID", &process.to_string()), "{name:?}");
    }
}

const ALL_WELL_KNOWN: [(&str, Value<'_>); 10] = [
    ("request_id", Value::Str("r-\"1\"")),
    ("user_id", Value::U64(7)),
    ("session_id", Value::Str("s")),
    ("client_address", Value::Ip(IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 7)))),
    ("service_name", Value::Str("shop")),
    ("service_version", Value::Str("1.2")),
    ("environment", Value::Str("test")),
    ("trace_id", Value::Str("4bf92f3577b34da6a3ce929d0e0e4736")),
    ("span_id", Value::Str("00f067aa0ba902b7")),
    ("trace_flags", Value::Str("01")),
];

#[test]
fn well_known_keys_and_spans_in_every_schema() {
    let list = ByHand::list([Value::U64(1), Value::Str("\"")]);
    let record = ByHand {
        context: &ALL_WELL_KNOWN,
        spans: &[("request", 3), ("lo\"ad", 4)],
        key_values: &[("list", list.get())],
        ..ByHand::default()
    };
    let process = std::process::id();
    let rows = [
        (
            JsonSchema::Default,
            r#"{"timestamp":"2023-03-05T20:35:20.123456Z","level":"WARN","message":"retry 3 of five","logger":"app.db","thread":"main","thread_id":140,"file":"/src/app/db.rs","line":42,"spans":[{"name":"request","id":3},{"name":"lo\"ad","id":4}],"fields":{"request_id":"r-\"1\"","user_id":7,"session_id":"s","client_address":"10.0.0.7","service_name":"shop","service_version":"1.2","environment":"test","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","span_id":"00f067aa0ba902b7","trace_flags":"01","list":[1,"\""]}}"#,
        ),
        (
            JsonSchema::Ecs,
            r#"{"@timestamp":"2023-03-05T20:35:20.123456Z","log.level":"WARN","message":"retry 3 of five","ecs.version":"8.11.0","log.logger":"app.db","process.pid":PID,"service.name":"shop","service.version":"1.2","service.environment":"test","trace.id":"4bf92f3577b34da6a3ce929d0e0e4736","span.id":"00f067aa0ba902b7","process.thread.name":"main","process.thread.id":140,"log.origin.file.name":"/src/app/db.rs","log.origin.file.line":42,"http.request.id":"r-\"1\"","user.id":"7","client.address":"10.0.0.7","labels":{"span":"request:lo\"ad","session_id":"s","trace_flags":"01","list":"[1,\"\\\"\"]"}}"#,
        ),
        (
            JsonSchema::OpenTelemetry,
            r#"{"Timestamp":1678048520123456000,"SeverityText":"WARN","SeverityNumber":13,"Body":"retry 3 of five","InstrumentationScope":{"Name":"app.db"},"Resource":{"process.pid":PID,"service.name":"shop","service.version":"1.2","deployment.environment.name":"test"},"TraceId":"4bf92f3577b34da6a3ce929d0e0e4736","SpanId":"00f067aa0ba902b7","TraceFlags":"01","Attributes":{"thread.name":"main","thread.id":140,"code.file.path":"/src/app/db.rs","code.line.number":42,"user.id":"7","session.id":"s","client.address":"10.0.0.7","spans":[{"name":"request","id":3},{"name":"lo\"ad","id":4}],"request_id":"r-\"1\"","list":[1,"\""]}}"#,
        ),
        (
            JsonSchema::Gcp,
            r#"{"time":"2023-03-05T20:35:20.123456000Z","severity":"WARNING","message":"retry 3 of five","logger":"app.db","serviceContext":{"service":"shop","version":"1.2"},"logging.googleapis.com/trace":"4bf92f3577b34da6a3ce929d0e0e4736","logging.googleapis.com/spanId":"00f067aa0ba902b7","thread":"main","thread_id":140,"logging.googleapis.com/sourceLocation":{"file":"/src/app/db.rs","line":"42"},"spans":[{"name":"request","id":3},{"name":"lo\"ad","id":4}],"request_id":"r-\"1\"","user_id":7,"session_id":"s","client_address":"10.0.0.7","environment":"test","trace_flags":"01","list":[1,"\""]}"#,
        ),
        (
            JsonSchema::Datadog,
            r#"{"timestamp":"2023-03-05T20:35:20.123Z","status":"warning","message":"retry 3 of five","logger.name":"app.db","service":"shop","version":"1.2","env":"test","dd.trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","dd.span_id":"00f067aa0ba902b7","logger.thread_name":"main","http.request_id":"r-\"1\"","usr.id":"7","network.client.ip":"10.0.0.7","spans":[{"name":"request","id":3},{"name":"lo\"ad","id":4}],"session_id":"s","trace_flags":"01","list":[1,"\""]}"#,
        ),
        (
            JsonSchema::Gelf,
            r#"{"timestamp":1678048520.123,"_level_name":"WARN","level":4,"short_message":"retry 3 of five","version":"1.1","host":"web1","_logger":"app.db","_process_id":PID,"_thread":"main","_thread_id":140,"_file":"/src/app/db.rs","_line":42,"_span":"request:lo\"ad","_request_id":"r-\"1\"","_user_id":7,"_session_id":"s","_client_address":"10.0.0.7","_service_name":"shop","_service_version":"1.2","_environment":"test","_trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","_span_id":"00f067aa0ba902b7","_trace_flags":"01","_list":"[1,\"\\\"\"]"}"#,
        ),
        (
            JsonSchema::Logstash,
            r#"{"@timestamp":"2023-03-05T20:35:20.123Z","level":"WARN","level_value":30000,"message":"retry 3 of five","@version":"1","logger_name":"app.db","thread_name":"main","thread_id":140,"caller_file_name":"/src/app/db.rs","caller_line_number":42,"spans":[{"name":"request","id":3},{"name":"lo\"ad","id":4}],"request_id":"r-\"1\"","user_id":7,"session_id":"s","client_address":"10.0.0.7","service_name":"shop","service_version":"1.2","environment":"test","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","span_id":"00f067aa0ba902b7","trace_flags":"01","list":[1,"\""]}"#,
        ),
    ];
    for (name, expected) in rows {
        let line = text(&mut schema(name), record);
        assert_eq!(line, expected.replace("PID", &process.to_string()), "{name:?}");
        check(name, &line);
    }
}

#[test]
fn a_well_known_key_has_one_place() {
    // By either name, the last one wins; nothing is the same as no key.
    let mut datadog = schema(JsonSchema::Datadog).fields([(JsonField::UserId, "usr.id"), (JsonField::KeyValues, ">")]);
    let rows: [(&[(&str, Value<'_>)], &str); 6] = [
        (&[("user_id", Value::U64(1)), ("usr.id", Value::U64(2))], r#"{"usr.id":"2"}"#),
        (&[("usr.id", Value::U64(2)), ("user_id", Value::U64(1))], r#"{"usr.id":"1"}"#),
        (&[("user_id", Value::U64(1)), ("user_id", Value::Null), ("a", Value::Null)], r#"{"a":null}"#),
        (&[("usr.id_", Value::U64(1)), ("user_id_", Value::U64(2))], r#"{"usr.id__":1,"user_id_":2}"#),
        (&[("user_id", Value::Bytes(&[0, 255]))], r#"{"usr.id":"00ff"}"#),
        (&[("session_id", Value::U64(1))], r#"{"session_id":1}"#),
    ];
    for (key_values, expected) in rows {
        assert_eq!(text(&mut datadog, ByHand { key_values, ..ByHand::default() }), expected);
    }
    // In an object that the keys do not stand in, the schema's name is nobody else's.
    let mut own = schema(JsonSchema::Default).fields([(JsonField::UserId, "user>id"), (JsonField::KeyValues, "kv>")]);
    let record = ByHand { key_values: &[("id", Value::U64(1)), ("user_id", Value::U64(2))], ..ByHand::default() };
    assert_eq!(text(&mut own, record), r#"{"user":{"id":"2"},"kv":{"id":1}}"#);
    assert_eq!(text(&mut own, ByHand::default()), "{}");
}

#[test]
fn constants_stand_where_records_have_no_such_key() {
    let fields = [(JsonField::ServiceName, "Resource>service.name"), (JsonField::KeyValues, ">")];
    let formatter = FemtoJsonFormatter::new().constant("Resource>service.name", "first").fields(fields);
    let mut formatter = formatter.constant("Resource>service.name", "shop").constant("zone", "eu");
    assert_eq!(text(&mut formatter, ByHand::default()), r#"{"Resource":{"service.name":"shop"},"zone":"eu"}"#);
    let record = ByHand { key_values: &[("service_name", Value::Str("till"))], ..ByHand::default() };
    assert_eq!(text(&mut formatter, record), r#"{"Resource":{"service.name":"till"},"zone":"eu"}"#);
    let mut ecs = schema(JsonSchema::Ecs).constant("service.name", "shop");
    let line = text(&mut ecs, ByHand::default());
    assert_eq!(line.matches(r#""service.name":"shop""#).count(), 1, "{line}");
    check(JsonSchema::Ecs, &line);
}

/// What a schema publishes of a field: its name, where `a>b` is `b` in `a`, its type, and whether it must be there.
type Published = (&'static str, fn(&Json) -> bool, bool);

fn is_time(value: &Json) -> bool {
    // As the RFC has it; the other tests hold that it is the right time.
    let text = value.as_str().unwrap_or_default();
    text.len() >= 20 && text.is_ascii() && text.ends_with('Z') && &text[10..11] == "T" && &text[19..20] == "."
}

fn is_number(value: &Json) -> bool {
    value.is_number()
}

fn is_whole(value: &Json) -> bool {
    value.is_i64() || value.is_u64()
}

fn is_text(value: &Json) -> bool {
    value.is_string()
}

fn is_filled(value: &Json) -> bool {
    value.as_str().is_some_and(|text| !text.is_empty())
}

fn is_spans(value: &Json) -> bool {
    let is_span = |span: &Json| is_text(&span["name"]) && is_whole(&span["id"]);
    value.as_array().is_some_and(|spans| !spans.is_empty() && spans.iter().all(is_span))
}

fn is_object(value: &Json) -> bool {
    value.is_object()
}

/// The fields that a schema publishes, and whether it lets another field of this name stand at the top.
fn published(schema: JsonSchema) -> (&'static [Published], fn(&str) -> bool) {
    match schema {
        // The table in docs/guide/formatters.md.
        JsonSchema::Default => (
            &[
                ("timestamp", is_time, true),
                (
                    "level",
                    |value| ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "CRITICAL"].map(Json::from).contains(value),
                    true,
                ),
                ("message", is_text, true),
                ("logger", is_text, true),
                ("thread", is_text, true),
                ("file", is_text, true),
                ("line", is_whole, true),
                ("spans", is_spans, false),
                ("fields", is_object, false),
                ("thread_id", is_whole, true),
                ("function", is_text, false),
            ],
            |_| false,
        ),
        // https://github.com/elastic/ecs-logging/blob/main/spec/spec.json for what must be there, and
        // https://www.elastic.co/docs/reference/ecs/ecs-field-reference for the rest (log.*, process.*, service.*,
        // trace.id, span.id, http.request.id, user.id, client.address, labels).
        JsonSchema::Ecs => (
            &[
                ("@timestamp", is_time, true),
                ("log.level", is_text, true),
                ("message", is_text, true),
                ("ecs.version", is_text, true),
                ("log.logger", is_text, false),
                ("log.origin.file.name", is_text, false),
                ("log.origin.file.line", is_whole, false),
                ("log.origin.function", is_text, false),
                ("process.pid", is_whole, false),
                ("process.thread.id", is_whole, false),
                ("process.thread.name", is_text, false),
                ("service.name", is_text, false),
                ("service.version", is_text, false),
                ("service.environment", is_text, false),
                ("trace.id", is_text, false),
                ("span.id", is_text, false),
                ("http.request.id", is_text, false),
                ("user.id", is_text, false),
                ("client.address", is_text, false),
                (
                    "labels",
                    |value| {
                        let is_label = |(key, value): (&String, &Json)| {
                            !key.contains(['.', '*', '\\']) && !value.is_object() && !value.is_array()
                        };
                        value.as_object().is_some_and(|labels| labels.iter().all(is_label))
                    },
                    false,
                ),
            ],
            |_| false,
        ),
        // https://opentelemetry.io/docs/specs/otel/logs/data-model/#log-and-event-record-definition: all are optional
        // there. The names in Attributes and Resource are those of the semantic conventions for threads, code,
        // processes, services, deployments, users, sessions and clients.
        JsonSchema::OpenTelemetry => (
            &[
                ("Timestamp", is_whole, true),
                ("SeverityText", is_text, true),
                ("SeverityNumber", |value| value.as_u64().is_some_and(|n| (1..=24).contains(&n)), true),
                ("Body", is_text, true),
                ("InstrumentationScope", is_object, false),
                ("InstrumentationScope>Name", is_text, true),
                ("Resource", is_object, false),
                ("Resource>process.pid", is_whole, true),
                ("Resource>service.name", is_text, false),
                ("Resource>service.version", is_text, false),
                ("Resource>deployment.environment.name", is_text, false),
                ("TraceId", is_text, false),
                ("SpanId", is_text, false),
                ("TraceFlags", is_text, false),
                ("Attributes", is_object, false),
                ("Attributes>thread.id", is_whole, true),
                ("Attributes>thread.name", is_text, true),
                ("Attributes>code.file.path", is_text, true),
                ("Attributes>code.line.number", is_whole, true),
                ("Attributes>code.function.name", is_text, false),
                ("Attributes>user.id", is_text, false),
                ("Attributes>session.id", is_text, false),
                ("Attributes>client.address", is_text, false),
            ],
            |_| false,
        ),
        // https://cloud.google.com/logging/docs/structured-logging#structured_logging_special_fields, LogSeverity and
        // LogEntrySourceLocation of https://cloud.google.com/logging/docs/reference/v2/rest/v2/LogEntry. What is not
        // special becomes part of jsonPayload, by any name.
        JsonSchema::Gcp => (
            &[
                ("time", is_time, true),
                (
                    "severity",
                    |value| ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"].map(Json::from).contains(value),
                    true,
                ),
                ("message", is_text, true),
                ("logging.googleapis.com/sourceLocation", is_object, true),
                ("logging.googleapis.com/sourceLocation>file", is_text, true),
                // An int64 of Protobuf, which is text in JSON.
                (
                    "logging.googleapis.com/sourceLocation>line",
                    |value| value.as_str().is_some_and(|line| line.parse::<u32>().is_ok()),
                    true,
                ),
                ("logging.googleapis.com/sourceLocation>function", is_text, false),
                ("logging.googleapis.com/trace", is_text, false),
                ("logging.googleapis.com/spanId", is_text, false),
                // ServiceContext of https://cloud.google.com/error-reporting/docs/formatting-error-messages.
                ("serviceContext", is_object, false),
                ("serviceContext>service", is_text, false),
                ("serviceContext>version", is_text, false),
            ],
            |_| true,
        ),
        // https://docs.datadoghq.com/logs/log_configuration/attributes_naming_convention/ and the statuses of
        // https://docs.datadoghq.com/logs/log_configuration/processors/#log-status-remapper.
        JsonSchema::Datadog => (
            &[
                ("timestamp", is_time, true),
                (
                    "status",
                    |value| ["debug", "info", "warning", "error", "critical"].map(Json::from).contains(value),
                    true,
                ),
                ("message", is_text, true),
                ("logger.name", is_text, true),
                ("logger.thread_name", is_text, true),
                ("logger.method_name", is_text, false),
                ("service", is_text, false),
                ("version", is_text, false),
                ("env", is_text, false),
                ("dd.trace_id", is_text, false),
                ("dd.span_id", is_text, false),
                ("http.request_id", is_text, false),
                ("usr.id", is_text, false),
                ("network.client.ip", is_text, false),
            ],
            |_| true,
        ),
        // https://go2docs.graylog.org/current/getting_in_log_data/gelf.html#GELFPayloadSpecification: additional fields
        // begin with an underscore, match ^[\w\.\-]*$, are text or numbers, and none is `_id`.
        JsonSchema::Gelf => (
            &[
                ("version", |value| *value == "1.1", true),
                ("host", is_filled, true),
                ("short_message", is_filled, true),
                ("timestamp", is_number, true),
                ("level", |value| value.as_u64().is_some_and(|level| level <= 7), true),
            ],
            |name| {
                let is_word = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
                name.starts_with('_') && name.chars().all(is_word) && name != "_id"
            },
        ),
        // The standard fields of https://github.com/logfellow/logstash-logback-encoder#standard-fields and its caller
        // data.
        JsonSchema::Logstash => (
            &[
                ("@timestamp", is_time, true),
                ("@version", |value| *value == "1", true),
                ("message", is_text, true),
                ("logger_name", is_text, true),
                ("thread_name", is_text, true),
                ("level", is_text, true),
                ("level_value", is_whole, true),
                ("caller_file_name", is_text, true),
                ("caller_line_number", is_whole, true),
            ],
            |_| true,
        ),
    }
}

fn check(schema: JsonSchema, line: &str) {
    let parsed: Map<String, Json> = serde_json::from_str(line).unwrap();
    let (fields, lets) = published(schema);
    for (name, is_right, required) in fields {
        let found = match name.split_once('>') {
            Some((outer, inner)) => parsed.get(outer).and_then(|object| object.get(inner)),
            None => parsed.get(*name),
        };
        match found {
            Some(value) => assert!(is_right(value), "{schema:?} {name}: {line}"),
            None => assert!(!required, "{schema:?} {name}: {line}"),
        }
    }
    for (name, value) in &parsed {
        let known = fields.iter().any(|(known, ..)| known == name);
        assert!(known || lets(name), "{schema:?} {name}: {line}");
        assert!(known || schema != JsonSchema::Gelf || value.is_string() || value.is_number(), "{name}: {line}");
    }
    assert_eq!(keys_once(line), Ok(()), "{line}");
}

/// Finds a key that comes twice in one object, which parsers pass over.
fn keys_once(line: &str) -> Result<(), String> {
    let mut objects = Vec::new();
    let mut rest = line;
    while let Some(at) = rest.find(['"', '{', '}']) {
        let (mark, behind) = (&rest[at..=at], &rest[at + 1..]);
        rest = behind;
        match mark {
            "{" => objects.push(Vec::new()),
            "}" => drop(objects.pop()),
            _ => {
                let mut escaped = false;
                let ends = |byte: &u8| {
                    let end = *byte == b'"' && !escaped;
                    escaped = *byte == b'\\' && !escaped;
                    end
                };
                let end = behind.as_bytes().iter().position(ends).unwrap();
                let key: String = serde_json::from_str(&format!("\"{}\"", &behind[..end])).unwrap();
                rest = &behind[end + 1..];
                if let (true, Some(object)) = (rest.starts_with(':'), objects.last_mut()) {
                    if object.contains(&key) {
                        return Err(key);
                    }
                    object.push(key);
                }
            }
        }
    }
    Ok(())
}

#[test]
fn the_search_for_doubled_keys_finds_them() {
    assert_eq!(keys_once(r#"{"a":{"a":"\"a\":"},"b":1}"#), Ok(()));
    assert_eq!(keys_once(r#"{"a":1,"b":{"c":"\\"},"a":2}"#), Err("a".to_owned()));
}

#[test]
fn every_schema_at_every_level() {
    for name in SCHEMAS {
        for level in Level::ALL {
            for message in ["", "text"] {
                check(name, &text(&mut schema(name), ByHand { level, message, ..ByHand::default() }));
            }
        }
    }
    let levels = |name| Level::ALL.map(|level| name_and_number(name, level));
    let otel = [1, 5, 9, 13, 17, 21];
    assert_eq!(levels(JsonSchema::OpenTelemetry).map(|(_, number)| number), otel);
    assert_eq!(levels(JsonSchema::Gelf).map(|(_, number)| number), [7, 7, 6, 4, 3, 2]);
    assert_eq!(
        levels(JsonSchema::Gcp).map(|(name, _)| name),
        ["DEBUG", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
    );
}

fn name_and_number(schema: JsonSchema, level: Level) -> (&'static str, u32) {
    schema.style().level(level)
}

#[test]
fn values_of_every_type() {
    let rows = [
        (Value::Null, "null", "\"null\""),
        (Value::Bool(false), "false", "\"false\""),
        (Value::I64(i64::MIN), "-9223372036854775808", "-9223372036854775808"),
        (Value::U64(u64::MAX), "18446744073709551615", "18446744073709551615"),
        (
            Value::I128(i128::MIN),
            "-170141183460469231731687303715884105728",
            "-170141183460469231731687303715884105728",
        ),
        (Value::U128(u128::MAX), "340282366920938463463374607431768211455", "340282366920938463463374607431768211455"),
        (Value::F32(0.1), "0.1", "0.1"),
        (Value::F64(3.0), "3.0", "3.0"),
        (Value::F64(-0.0), "-0.0", "-0.0"),
        (Value::F64(1e300), "1e300", "1e300"),
        (Value::F64(f64::NAN), "null", "\"NaN\""),
        (Value::F64(f64::INFINITY), "null", "\"inf\""),
        (Value::F32(f32::NEG_INFINITY), "null", "\"-inf\""),
        (Value::Char('"'), r#""\"""#, r#""\"""#),
        (
            Value::Str("a\\b\n\u{1b}\u{2028}\u{2029}\u{7f}\u{85}é"),
            r#""a\\b\n\u001b\u2028\u2029\u007f\u0085é""#,
            r#""a\\b\n\u001b\u2028\u2029\u007f\u0085é""#,
        ),
        (Value::Display("d"), r#""d""#, r#""d""#),
        (Value::Debug("Some(\"d\")"), r#""Some(\"d\")""#, r#""Some(\"d\")""#),
        (Value::Duration(Duration::from_millis(1500)), "1.5", "1.5"),
        (Value::Duration(Duration::new(0, 1)), "0.000000001", "0.000000001"),
        (Value::Duration(Duration::from_secs(60)), "60", "60"),
        (Value::Ip(IpAddr::from([127, 0, 0, 1])), r#""127.0.0.1""#, r#""127.0.0.1""#),
        (Value::Bytes(&[0, 0x1b, 0xff]), r#""001bff""#, r#""001bff""#),
        (Value::Secret, r#""***""#, r#""***""#),
        (Value::Socket(([0, 0, 0, 0, 0, 0, 0, 1], 80).into()), r#""[::1]:80""#, r#""[::1]:80""#),
    ];
    for (value, expected, in_gelf) in rows {
        let record = ByHand { key_values: &[("k", value)], ..ByHand::default() };
        assert_eq!(text(&mut key_values(), record), format!("{{\"k\":{expected}}}"));
        let mut gelf = schema(JsonSchema::Gelf).fields([(JsonField::KeyValues, ">")]);
        assert_eq!(text(&mut gelf, record), format!("{{\"_k\":{in_gelf}}}"));
    }
}

#[test]
fn lists_and_maps() {
    let inner = ByHand::list([Value::F64(f64::NAN), Value::Str("a\"\\\n\u{2028}"), Value::Bytes(&[7])]);
    let empty = (ByHand::list([]), ByHand::map([]));
    let map = ByHand::map([
        ("k", Value::U64(1)),
        ("list", inner.get()),
        ("k", Value::Duration(Duration::from_millis(1500))),
        ("", empty.0.get()),
        ("\"\u{1b}", empty.1.get()),
    ]);
    let value = ByHand::list([Value::Null, map.get(), Value::Bool(true)]);
    let expected = r#"[null,{"list":[null,"a\"\\\n\u2028","07"],"k":1.5,"":[],"\"\u001b":{}},true]"#;
    let record = ByHand { key_values: &[("v", value.get())], ..ByHand::default() };
    assert_eq!(text(&mut key_values(), record), format!("{{\"v\":{expected}}}"));
    for name in [JsonSchema::Ecs, JsonSchema::Gelf] {
        let mut scalar = schema(name).fields([(JsonField::Spans, "_spans"), (JsonField::KeyValues, ">")]);
        let line: Json = serde_json::from_str(&text(&mut scalar, ByHand { spans: &[("s", 1)], ..record })).unwrap();
        assert_eq!(line[if name == JsonSchema::Gelf { "_v" } else { "v" }], expected);
        let spans = r#"[{"name":"s","id":1}]"#;
        assert_eq!(
            line["_spans"],
            if name == JsonSchema::Gelf { json!(spans) } else { serde_json::from_str(spans).unwrap() }
        );
    }
}

#[test]
fn the_last_of_equal_keys_wins_and_none_takes_a_fields_name() {
    let record = ByHand {
        key_values: &[
            ("a", Value::U64(1)),
            ("level", Value::U64(2)),
            ("a", Value::U64(3)),
            ("level_", Value::U64(4)),
            ("level", Value::U64(5)),
            ("levels", Value::U64(6)),
            ("", Value::U64(7)),
        ],
        ..ByHand::default()
    };
    let formatter = FemtoJsonFormatter::new().fields([(JsonField::Level, "level"), (JsonField::KeyValues, ">")]);
    let expected = r#"{"level":"WARN","a":3,"level__":4,"level_":5,"levels":6,"":7}"#;
    assert_eq!(text(&mut formatter.clone(), record), expected);
    let expected = r#"{"level":"WARN","kv":{"a":3,"level_":4,"level":5,"levels":6,"":7}}"#;
    assert_eq!(text(&mut formatter.nest("kv"), record), expected);

    let pairs = [
        ("id", Value::U64(1)),
        ("a b", Value::U64(2)),
        ("a_b", Value::U64(3)),
        ("ä", Value::U64(4)),
        ("id_", Value::U64(5)),
    ];
    let record = ByHand { key_values: &pairs, ..ByHand::default() };
    let mut gelf = schema(JsonSchema::Gelf).fields([(JsonField::KeyValues, ">")]);
    assert_eq!(text(&mut gelf, record), r#"{"_id_":1,"_a_b":3,"__":4,"_id__":5}"#);
}

#[test]
fn names_of_one_family_leave_room_for_keys() {
    let names = ["b_", "a", "a__", "b", "c"].map(str::to_owned).to_vec();
    assert_eq!(families(names), [("b".to_owned(), 2), ("a".to_owned(), 3), ("c".to_owned(), 1)]);
}

#[test]
fn fields_are_chosen_named_and_nested() {
    let mut formatter = FemtoJsonFormatter::new().fields([
        (JsonField::Message, "m"),
        (JsonField::Level, "m"),
        (JsonField::LevelNumber, "at>n"),
        (JsonField::Target, "at>t"),
        (JsonField::Template, "template"),
        (JsonField::ModulePath, "at>module \"path\""),
        (JsonField::KeyValues, "kv>"),
    ]);
    let expected = r#"{"m":"retry 3 of five","m_":"WARN","at":{"n":30,"t":"app.db"},"template":"retry {} of five","at_":{"module \"path\"":"app::db"}}"#;
    assert_eq!(text(&mut formatter, ByHand::default()), expected);
    let mut formatter = formatter.fields::<&str>([]).constant("service", "a\"b").constant("service", "c");
    assert_eq!(text(&mut formatter, ByHand::default()), r#"{"service":"a\"b","service_":"c"}"#);
    let record = ByHand { key_values: &[("service", Value::Null)], ..ByHand::default() };
    assert_eq!(text(&mut formatter.flatten(), record), r#"{"service__":null,"service":"a\"b","service_":"c"}"#);
    let mut gelf = schema(JsonSchema::Gelf).constant("host", "db1").constant("_zone", "eu");
    let line: Json = serde_json::from_str(&text(&mut gelf, ByHand::default())).unwrap();
    assert_eq!((&line["host"], &line["_zone"]), (&json!("db1"), &json!("eu")));
}

#[test]
fn times_in_every_unit() {
    let rows = [
        (JsonTime::Rfc3339, 0, r#""2023-03-05T20:35:20Z""#, r#""1969-12-31T23:59:59Z""#),
        (JsonTime::Rfc3339, 9, r#""2023-03-05T20:35:20.123456000Z""#, r#""1969-12-31T23:59:59.999999999Z""#),
        (JsonTime::Seconds, 0, "1678048520", "-0"),
        (JsonTime::Seconds, 9, "1678048520.123456000", "-0.000000001"),
        (JsonTime::Millis, 6, "1678048520123", "-1"),
        (JsonTime::Micros, 6, "1678048520123456", "-1"),
        (JsonTime::Nanos, 6, "1678048520123456000", "-1"),
    ];
    for (time, digits, expected, before_epoch) in rows {
        let formatter = FemtoJsonFormatter::new().fields([(JsonField::Timestamp, "t")]);
        let mut formatter = formatter.time(time).digits(digits);
        assert_eq!(text(&mut formatter, ByHand::default()), format!("{{\"t\":{expected}}}"));
        let record = ByHand { timestamp: Timestamp::from_nanos(-1), ..ByHand::default() };
        assert_eq!(text(&mut formatter, record), format!("{{\"t\":{before_epoch}}}"));
    }
}

/// What JSON makes of a value.
fn json(value: Value<'_>) -> Json {
    let number = |text: String| serde_json::from_str(&text).unwrap();
    match value {
        Value::Null => Json::Null,
        Value::Bool(b) => b.into(),
        Value::I64(n) => n.into(),
        Value::U64(n) => n.into(),
        Value::I128(n) => number(n.to_string()),
        // Of two shortest texts that both read as this number, std and ryu may take a different one.
        Value::F32(x) if x.is_finite() => number(ryu::Buffer::new().format_finite(x).to_owned()),
        Value::F32(_) => Json::Null,
        Value::F64(x) => x.into(),
        Value::Duration(span) if span.subsec_nanos() == 0 => span.as_secs().into(),
        Value::Duration(span) => number(format!("{}.{:09}", span.as_secs(), span.subsec_nanos())),
        Value::List(list) => list.iter().map(json).collect(),
        Value::Map(map) => map.iter().map(|(key, value)| (key.to_owned(), json(value))).collect(),
        text => text.to_string().into(),
    }
}

proptest! {
    #[test]
    fn anything_comes_back(
        message: String, logger: String, thread: String, nanos: i64,
        pairs in prop::collection::vec((prop_oneof!["[a-c]{0,2}", "level_{0,3}", "(user|trace)[_.]id_?", any::<String>()], any_value()), 0..12),
        in_context in 0..12_usize, spans in prop::collection::vec((any::<String>(), any::<u64>()), 0..3),
    ) {
        let all: Vec<_> = pairs.iter().map(|(key, value)| (key.as_str(), value.get())).collect();
        let (context, key_values) = all.split_at(in_context.min(all.len()));
        let spans: Vec<_> = spans.iter().map(|(name, id)| (name.as_str(), *id)).collect();
        let record = ByHand {
            message: &message, logger: &logger, thread: &thread, context, spans: &spans, key_values,
            timestamp: Timestamp::from_nanos(nanos), ..ByHand::default()
        };
        let line = text(&mut schema(JsonSchema::Default), record);
        prop_assert!(!line.contains(is_harmful), "{line:?}");
        prop_assert_eq!(keys_once(&line), Ok(()));
        let parsed: Json = serde_json::from_str(&line).unwrap();
        prop_assert_eq!(&parsed["message"], &Json::from(message.clone()));
        prop_assert_eq!(&parsed["logger"], &Json::from(logger.clone()));
        prop_assert_eq!(&parsed["thread"], &Json::from(thread.clone()));
        let found: Vec<_> = parsed["spans"].as_array().into_iter().flatten()
            .map(|span| (span["name"].as_str().unwrap(), span["id"].as_u64().unwrap())).collect();
        prop_assert_eq!(&found, &spans);
        let expected: Map<_, _> = pairs.iter().map(|(key, value)| (key.clone(), json(value.get()))).collect();
        let found = parsed.get("fields").map_or(Map::new(), |fields| fields.as_object().unwrap().clone());
        prop_assert_eq!(&found, &expected);

        // Beside other fields, keys with a field's name are as many as before.
        let flat: Map<String, Json> = serde_json::from_str(&text(&mut schema(JsonSchema::Default).flatten(), record)).unwrap();
        prop_assert_eq!(flat.len(), 8 + usize::from(!spans.is_empty()) + expected.len());
        for name in SCHEMAS {
            check(name, &text(&mut schema(name), record));
        }
    }
}
