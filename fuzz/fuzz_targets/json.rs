//! Every record becomes one line of valid JSON in every schema, and comes back from the default one.
#![no_main]

use femtologging::{ByHand, FemtoFormatter, FemtoJsonFormatter, JsonSchema, Value};
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value as Json};

fuzz_target!(|input: (&str, &str, Vec<(&str, &str, u64, u8)>)| {
    let (message, logger, pairs) = input;
    let key_values: Vec<_> = pairs.iter().map(|(key, text, bits, kind)| (*key, value(text, *bits, *kind).0)).collect();
    let record = ByHand { message, logger, key_values: &key_values, ..ByHand::default() };
    let schemas = [
        JsonSchema::Default,
        JsonSchema::Ecs,
        JsonSchema::OpenTelemetry,
        JsonSchema::Gcp,
        JsonSchema::Datadog,
        JsonSchema::Gelf,
        JsonSchema::Logstash,
    ];
    for schema in schemas {
        let mut out = Vec::new();
        record.with(|record| FemtoJsonFormatter::new().schema(schema).format(record, &mut out));
        let line = String::from_utf8(out).unwrap();
        assert!(!line.contains(|c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')), "{line:?}");
        let parsed: Json = serde_json::from_str(&line).unwrap();
        if schema == JsonSchema::Default {
            let expected: Map<_, _> =
                pairs.iter().map(|(key, text, bits, kind)| ((*key).to_owned(), value(text, *bits, *kind).1)).collect();
            let found = parsed.get("fields").map_or(Map::new(), |fields| fields.as_object().unwrap().clone());
            assert_eq!(
                (&parsed["message"], &parsed["logger"], found),
                (&Json::from(message), &Json::from(logger), expected)
            );
        }
    }
});

/// A value of some kind, and what JSON makes of it.
fn value(text: &str, bits: u64, kind: u8) -> (Value<'_>, Json) {
    match kind % 6 {
        0 => (Value::U64(bits), bits.into()),
        1 => (Value::I64(bits as i64), (bits as i64).into()),
        2 => (Value::F64(f64::from_bits(bits)), f64::from_bits(bits).into()),
        3 => (Value::Bool(bits != 0), (bits != 0).into()),
        4 => (Value::Null, Json::Null),
        _ => (Value::Str(text), text.into()),
    }
}
