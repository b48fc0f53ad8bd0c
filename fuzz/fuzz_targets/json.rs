//! Every record becomes one line of valid JSON in every schema, and comes back from the default one: message, keys of the call and of
//! its context with values of values, spans.
#![no_main]

use femtologging::formatter::{FemtoFormatter, JsonSchema};
use femtologging::value::OwnedValue;
use femtologging::{ByHand, FemtoJsonFormatter, Value};
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value as Json, json};

type Input<'a> = (&'a str, &'a str, Vec<(&'a str, &'a str, u64, u8)>, u8, Vec<(&'a str, u64)>);

fuzz_target!(|input: Input<'_>| {
    let (message, logger, parts, in_context, spans) = input;
    let pairs = pairs(&parts);
    let all: Vec<_> = pairs.iter().map(|(key, value, _)| (*key, value.get())).collect();
    let (context, key_values) = all.split_at(usize::from(in_context).min(all.len()));
    let record = ByHand { message, logger, context, spans: &spans, key_values, ..ByHand::default() };
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
            let fields: Map<_, _> = pairs.iter().map(|(key, _, json)| ((*key).to_owned(), json.clone())).collect();
            let spans: Vec<_> = spans.iter().map(|(name, id)| json!({ "name": name, "id": id })).collect();
            let found = (&parsed["message"], &parsed["logger"], parsed.get("spans"), parsed.get("fields"));
            let (fields, spans) = (Json::from(fields), Json::from(spans));
            let some = |json| (json != &json!({}) && json != &json!([])).then_some(json);
            assert_eq!(found, (&Json::from(message), &Json::from(logger), some(&spans), some(&fields)));
        }
    }
});

/// Keys, their values, and what JSON makes of those. A list or a map takes up to three of the pairs before it.
fn pairs<'a>(parts: &[(&'a str, &'a str, u64, u8)]) -> Vec<(&'a str, OwnedValue, Json)> {
    let mut pairs: Vec<(&str, OwnedValue, Json)> = Vec::new();
    for &(key, text, bits, kind) in parts {
        let (value, json) = match kind % 9 {
            0 => (Value::U64(bits).to_owned(), bits.into()),
            1 => (Value::I64(bits as i64).to_owned(), (bits as i64).into()),
            2 => (Value::F64(f64::from_bits(bits)).to_owned(), f64::from_bits(bits).into()),
            3 => (Value::Bool(bits != 0).to_owned(), (bits != 0).into()),
            4 => (Value::Null.to_owned(), Json::Null),
            5 => (Value::Bytes(text.as_bytes()).to_owned(), text.bytes().map(|byte| format!("{byte:02x}")).collect::<String>().into()),
            6 => {
                let inner = pairs.split_off(pairs.len().saturating_sub((bits % 4) as usize));
                let list = ByHand::list(inner.iter().map(|(_, value, _)| value.get()));
                (list, inner.into_iter().map(|(_, _, json)| json).collect())
            }
            7 => {
                let inner = pairs.split_off(pairs.len().saturating_sub((bits % 4) as usize));
                let map = ByHand::map(inner.iter().map(|(key, value, _)| (*key, value.get())));
                (map, inner.into_iter().map(|(key, _, json)| (key.to_owned(), json)).collect::<Map<_, _>>().into())
            }
            _ => (Value::Str(text).to_owned(), text.into()),
        };
        pairs.push((key, value, json));
    }
    pairs
}
