//! Both encodings, byte for byte, and what answers mean.

use super::*;
use crate::record::by_hand::ByHand;
use std::time::Duration;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

fn body(encoder: &mut dyn Encoder, records: &[ByHand<'_>]) -> Vec<u8> {
    let mut texts = Vec::new();
    for record in records {
        let mut out = Vec::new();
        record.with(|record| encoder.record(record, &mut out));
        texts.push(out);
    }
    let mut out = Vec::new();
    encoder.body(&texts.iter().map(Vec::as_slice).collect::<Vec<_>>(), &mut out);
    out
}

fn resource() -> Vec<(String, String)> {
    vec![("service.name".into(), "shop".into()), ("service.version".into(), "1.2".into())]
}

/// Every level has a number, every type of value its own, and loggers stand once.
#[test]
fn json() {
    let values = [
        ("null", Value::Null),
        ("yes", Value::Bool(true)),
        ("int", Value::I64(-5)),
        ("most", Value::U64(i64::MAX as u64)),
        ("more", Value::U64(u64::MAX)),
        ("huge", Value::I128(i128::MIN)),
        ("half", Value::F64(0.5)),
        ("single", Value::F32(0.25)),
        ("nan", Value::F64(f64::NAN)),
        ("less", Value::F64(f64::NEG_INFINITY)),
        ("text", Value::Str("a \"b\"")),
        ("char", Value::Char('\n')),
        ("debug", Value::Debug("Some(1)")),
        ("secret", Value::Secret),
        ("time", Value::Duration(Duration::from_millis(1500))),
        ("ip", Value::Ip([127, 0, 0, 1].into())),
        ("text", Value::Str("last")),
    ];
    let records = [
        ByHand { key_values: &values, ..ByHand::default() },
        ByHand { level: Level::Critical, logger: "app.web", message: "\"no\"\n", ..ByHand::default() },
        ByHand {
            level: Level::Trace,
            key_values: &[
                ("trace_id", Value::Str(TRACE)),
                ("span_id", Value::Str("00F067AA0BA902B7")),
                ("trace_flags", Value::Str("81")),
            ],
            ..ByHand::default()
        },
    ];
    let found = String::from_utf8(body(&mut json::Json::new(&resource()), &records)).unwrap();
    let own = "{\"key\":\"code.file.path\",\"value\":{\"stringValue\":\"/src/app/db.rs\"}},\
               {\"key\":\"code.line.number\",\"value\":{\"intValue\":\"42\"}},\
               {\"key\":\"thread.name\",\"value\":{\"stringValue\":\"main\"}},\
               {\"key\":\"thread.id\",\"value\":{\"intValue\":\"140\"}}]";
    let head = |number, level, body| {
        format!(
            "{{\"timeUnixNano\":\"1678048520123456000\",\"severityNumber\":{number},\"severityText\":\"{level}\",\
             \"body\":{{\"stringValue\":\"{body}\"}},\"attributes\":["
        )
    };
    let tail = ",\"observedTimeUnixNano\":\"1678048520123456000\"}";
    let key_values = [
        ("yes", "{\"boolValue\":true}"),
        ("int", "{\"intValue\":\"-5\"}"),
        ("most", "{\"intValue\":\"9223372036854775807\"}"),
        ("more", "{\"stringValue\":\"18446744073709551615\"}"),
        ("huge", "{\"stringValue\":\"-170141183460469231731687303715884105728\"}"),
        ("half", "{\"doubleValue\":0.5}"),
        ("single", "{\"doubleValue\":0.25}"),
        ("nan", "{\"stringValue\":\"NaN\"}"),
        ("less", "{\"stringValue\":\"-inf\"}"),
        ("char", "{\"stringValue\":\"\\n\"}"),
        ("debug", "{\"stringValue\":\"Some(1)\"}"),
        ("secret", "{\"stringValue\":\"***\"}"),
        ("time", "{\"doubleValue\":1.5}"),
        ("ip", "{\"stringValue\":\"127.0.0.1\"}"),
        ("text", "{\"stringValue\":\"last\"}"),
    ];
    let key_values = key_values.map(|(key, value)| format!("{{\"key\":\"{key}\",\"value\":{value}}},")).concat();
    let expected = [
        "{\"resourceLogs\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":\"shop\"}},\
         {\"key\":\"service.version\",\"value\":{\"stringValue\":\"1.2\"}}]},\"scopeLogs\":[\
         {\"scope\":{\"name\":\"app.db\"},\"logRecords\":[",
        &(head(13, "WARN", "retry 3 of five") + "{\"key\":\"null\"}," + &key_values + own + tail),
        ",",
        &(head(1, "TRACE", "retry 3 of five") + own),
        ",\"traceId\":\"0af7651916cd43dd8448eb211c80319c\",\"spanId\":\"00f067aa0ba902b7\",\"flags\":129",
        tail,
        "]},{\"scope\":{\"name\":\"app.web\"},\"logRecords\":[",
        &(head(21, "CRITICAL", "\\\"no\\\"\\n") + own + tail),
        "]}]}]}",
    ];
    assert_eq!(found, expected.concat());
    assert!(serde_json::from_str::<serde_json::Value>(&found).is_ok());
}

#[test]
fn protobuf() {
    let mut encoder = proto::Protobuf::new(&resource()[..1]);
    let record = ByHand {
        message: "hi",
        logger: "l",
        key_values: &[
            ("n", Value::I64(-1)),
            ("b", Value::Bool(true)),
            ("x", Value::F64(0.5)),
            ("z", Value::Null),
            ("trace_id", Value::Str(TRACE)),
            ("span_id", Value::Str("00f067aa0ba902b7")),
            ("trace_flags", Value::Str("81")),
        ],
        ..ByHand::default()
    };
    let time = 1_678_048_520_123_456_000_u64.to_le_bytes();
    let parts: [&[u8]; 26] = [
        // LogRecord.time_unix_nano, severity_number, severity_text, body
        b"\x09",
        &time,
        b"\x10\x0d",
        b"\x1a\x04WARN",
        b"\x2a\x04\x0a\x02hi",
        // attributes
        b"\x32\x10\x0a\x01n\x12\x0b\x18",
        b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        b"\x32\x07\x0a\x01b\x12\x02\x10\x01",
        b"\x32\x0e\x0a\x01x\x12\x09\x21",
        &0.5_f64.to_le_bytes(),
        b"\x32\x05\x0a\x01z\x12\x00",
        b"\x32\x22\x0a\x0ecode.file.path",
        b"\x12\x10\x0a\x0e/src/app/db.rs",
        b"\x32\x16\x0a\x10code.line.number",
        b"\x12\x02\x18\x2a",
        b"\x32\x15\x0a\x0bthread.name",
        b"\x12\x06\x0a\x04main",
        b"\x32\x10\x0a\x09thread.id",
        b"\x12\x03\x18\x8c\x01",
        // flags, trace_id, span_id, observed_time_unix_nano
        b"\x45\x81\0\0\0",
        b"\x4a\x10",
        &0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c_u128.to_be_bytes(),
        b"\x52\x08",
        &0x00f0_67aa_0ba9_02b7_u64.to_be_bytes(),
        b"\x59",
        &time,
    ];
    let log_record = parts.concat();
    let framed = |tag: &[u8], inner: &[u8]| {
        let length: &[u8] = &match inner.len() {
            length @ 0..128 => vec![length as u8],
            length => vec![length as u8 | 0x80, (length >> 7) as u8],
        };
        [tag, length, inner].concat()
    };
    let scope = b"\x0a\x03\x0a\x01l";
    let resource = b"\x0a\x18\x0a\x16\x0a\x0cservice.name\x12\x06\x0a\x04shop";
    let scope_logs = framed(b"\x12", &[&scope[..], &framed(b"\x12", &log_record)].concat());
    let expected = framed(b"\x0a", &[&resource[..], &scope_logs].concat());
    assert_eq!(body(&mut encoder, &[record]), expected);
}

#[test]
fn a_key_that_is_no_identifier_is_an_attribute() {
    let zeros = "0".repeat(32);
    let key_values = [
        ("trace_id", Value::Str("none")),
        ("span_id", Value::U64(7)),
        ("trace_flags", Value::Str("1")),
        ("trace_id", Value::Str(&zeros)),
    ];
    let mut keys = Vec::new();
    let record = ByHand { key_values: &key_values, ..ByHand::default() };
    let ids = record.with(|record| attributes(record, |key, value| keys.push(format!("{key}={value}"))));
    assert!(ids.trace.is_none() && ids.span.is_none() && ids.flags.is_none());
    assert_eq!(keys[..3], ["span_id=7".to_owned(), "trace_flags=1".to_owned(), format!("trace_id={zeros}")]);
}

#[test]
fn every_attribute_stands_once() {
    let key_values = [("thread.name", Value::Str("io")), ("code.line.number", Value::U64(7)), ("a", Value::Null)];
    let mut keys = Vec::new();
    let record = ByHand { key_values: &key_values, ..ByHand::default() };
    record.with(|record| attributes(record, |key, value| keys.push(format!("{key}={value}"))));
    let expected = ["thread.name=io", "code.line.number=7", "a=null", "code.file.path=/src/app/db.rs", "thread.id=140"];
    assert_eq!(keys, expected);
}

#[test]
fn spans_and_the_function_are_attributes() {
    let spans = [("request", 3), ("load", 4)];
    let record = ByHand { spans: &spans, function: Some("app::db::connect"), ..ByHand::default() };
    let mut keys = Vec::new();
    record.with(|record| attributes(record, |key, value| keys.push(format!("{key}={value}"))));
    assert_eq!(
        keys[4..],
        ["code.function.name=app::db::connect", r#"spans=[{"name":"request","id":3},{"name":"load","id":4}]"#]
    );
    let found = String::from_utf8(body(&mut json::Json::new(&resource()), &[record])).unwrap();
    let map = |name, id| {
        format!(
            r#"{{"kvlistValue":{{"values":[{{"key":"name","value":{{"stringValue":"{name}"}}}},{{"key":"id","value":{{"intValue":"{id}"}}}}]}}}}"#
        )
    };
    let list = format!(
        r#"{{"key":"spans","value":{{"arrayValue":{{"values":[{},{}]}}}}}}"#,
        map("request", 3),
        map("load", 4)
    );
    assert!(found.contains(&list), "{found}");
    let key_values = [("spans", Value::Str("none")), ("code.function.name", Value::Str("f"))];
    keys.clear();
    ByHand { key_values: &key_values, ..record }.with(|record| attributes(record, |key, _| keys.push(key.to_owned())));
    assert_eq!(keys.iter().filter(|key| *key == "spans" || *key == "code.function.name").count(), 2, "{keys:?}");
}

#[test]
fn a_partial_success_is_understood() {
    let some = |failed, why: &str| partly(failed, 5, why.into());
    let json = json::Json::new(&[]);
    let rows = [
        ("{}", some(0, "")),
        ("", some(0, "")),
        ("<html>", some(0, "")),
        (r#"{"partialSuccess":{}}"#, some(0, "")),
        (r#"{"partialSuccess":{"rejectedLogRecords":"2","errorMessage":"too\nold"}}"#, some(2, "too\\nold")),
        (r#"{"partialSuccess":{"rejectedLogRecords":3}}"#, some(3, "")),
        (r#"{"partialSuccess":{"errorMessage":"slow down"}}"#, some(0, "slow down")),
        (r#"{"partialSuccess":{"rejectedLogRecords":"-1"}}"#, some(0, "")),
    ];
    for (answer, expected) in rows {
        assert_eq!(json.accepted(answer.as_bytes(), 5), expected, "{answer}");
    }
    let protobuf = proto::Protobuf::new(&[]);
    let rows: [(&[u8], Verdict); 8] = [
        (b"", some(0, "")),
        (b"\x0a\x00", some(0, "")),
        (b"\x0a\x09\x08\x02\x12\x05a few", some(2, "a few")),
        (b"\x0a\x07\x12\x05a few", some(0, "a few")),
        (b"\x0a\x03\x08\xac\x02", some(300, "")),
        // Fields that a later version may add, of all widths.
        (b"\x10\x01\x19........\x25....\x0a\x02\x08\x01", some(1, "")),
        (b"\x0a\x09\x08", some(0, "")),
        (b"<html>", some(0, "")),
    ];
    for (answer, expected) in rows {
        assert_eq!(protobuf.accepted(answer, 5), expected, "{answer:?}");
    }
}

#[test]
fn a_refusal_has_a_reason() {
    let rows: [(&[u8], &str); 3] =
        [(b"\x08\x03\x12\x07bad log", "bad log"), (b"no route", "no route"), (b"", "(no text)")];
    for (answer, expected) in rows {
        assert_eq!(proto::Protobuf::new(&[]).reason(answer), expected);
    }
    assert_eq!(json::Json::new(&[]).reason(br#"{"code":3,"message":"bad log"}"#), "bad log");
    assert_eq!(json::Json::new(&[]).reason(b"no route"), "no route");
}

#[test]
fn four_statuses_are_retried() {
    let statuses = (100..600).filter(|status| is_retryable(*status)).collect::<Vec<_>>();
    assert_eq!(statuses, [429, 502, 503, 504]);
}

#[test]
fn no_more_fail_than_there_are() {
    let outcomes = |failed| match partly(failed, 3, String::new()) {
        Verdict::Each(outcomes, _) => outcomes,
        verdict => panic!("{verdict:?}"),
    };
    use Outcome::{Failed, Written};
    assert_eq!(outcomes(0), [Written, Written, Written]);
    assert_eq!(outcomes(2), [Failed, Failed, Written]);
    assert_eq!(outcomes(300), [Failed, Failed, Failed]);
}
