use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value as Json, json};

use super::*;
use crate::formatter::{FemtoFormatter, python};
use crate::level::Level;
use crate::record::by_hand::ByHand;
use crate::time::{Timestamp, first_use};
use crate::value::{ByteSink, Kind, Reader, Tag, WordSink};

fn bytes(mut formatter: impl FemtoFormatter, record: ByHand<'_>) -> Vec<u8> {
    let mut out = b"before".to_vec();
    record.with(|record| formatter.format(record, &mut out));
    out.split_off(6)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What a notation makes of a value, in hexadecimal digits.
fn of<N: Notation>(value: Value<'_>) -> String {
    let mut out = Vec::new();
    N::value(value, &mut out);
    hex(&out)
}

/// A record that owns its parts, to be generated.
#[derive(Clone, Debug)]
struct GeneratedRecord {
    level: Level,
    nanos: i64,
    texts: [String; 3],
    key_values: Vec<(String, OwnValue)>,
}

#[derive(Clone, Debug)]
enum OwnValue {
    Plain(Value<'static>),
    Text(String),
    Bytes(Vec<u8>),
    List(Vec<OwnValue>),
    Map(Vec<(String, OwnValue)>),
}

impl OwnValue {
    /// The value as a call encodes it, and its type.
    fn encoded(&self) -> (Vec<u8>, Tag) {
        let (mut sink, mut inner) = (ByteSink::default(), ByteSink::default());
        let append = |value: &OwnValue, inner: &mut ByteSink| {
            let (bytes, tag) = value.encoded();
            inner.word(tag.word());
            inner.bytes.extend_from_slice(&bytes);
        };
        let tag = match self {
            OwnValue::Plain(value) => {
                value.put(&mut sink);
                value.tag()
            }
            OwnValue::Text(text) => {
                sink.text(text);
                Tag::new(Kind::Str)
            }
            OwnValue::Bytes(bytes) => {
                sink.bytes(bytes);
                Tag::new(Kind::Bytes)
            }
            OwnValue::List(list) => {
                list.iter().for_each(|value| append(value, &mut inner));
                Tag::new(Kind::List)
            }
            OwnValue::Map(map) => {
                for (key, value) in map {
                    inner.text(key);
                    append(value, &mut inner);
                }
                Tag::new(Kind::Map)
            }
        };
        if let OwnValue::List(_) | OwnValue::Map(_) = self {
            sink.word(inner.bytes.len() as u64 / 8);
            sink.bytes.extend_from_slice(&inner.bytes);
        }
        (sink.bytes, tag)
    }
}

impl GeneratedRecord {
    fn with<T>(&self, use_it: impl FnOnce(ByHand<'_>) -> T) -> T {
        let [logger, thread, message] = &self.texts;
        let encoded: Vec<_> = self.key_values.iter().map(|(key, value)| (key, value.encoded())).collect();
        let values = encoded.iter().map(|(key, (bytes, tag))| (key.as_str(), Reader::new(bytes).value(*tag)));
        let key_values: Vec<_> = values.collect();
        let timestamp = Timestamp::from_nanos(self.nanos);
        use_it(ByHand {
            level: self.level,
            timestamp,
            logger,
            thread,
            message,
            key_values: &key_values,
            ..ByHand::default()
        })
    }

    /// The keys and values, the last one of each key.
    fn last(&self) -> impl Iterator<Item = (&str, &OwnValue)> {
        let pairs = self.key_values.iter().enumerate();
        let last = pairs.filter(|(at, (key, _))| !self.key_values[at + 1..].iter().any(|(later, _)| later == key));
        last.map(|(_, (key, value))| (key.as_str(), value))
    }
}

fn any_value() -> impl Strategy<Value = OwnValue> {
    let scalar = any_scalar();
    scalar.prop_recursive(2, 8, 3, |inner| {
        let entries = prop::collection::btree_map("[a-z]{0,3}", inner.clone(), 0..4);
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(OwnValue::List),
            entries.prop_map(|map| OwnValue::Map(map.into_iter().collect())),
        ]
    })
}

fn any_scalar() -> impl Strategy<Value = OwnValue> {
    let plain = |value: Value<'static>| OwnValue::Plain(value);
    prop_oneof![
        Just(plain(Value::Null)),
        any::<bool>().prop_map(move |x| plain(Value::Bool(x))),
        any::<i64>().prop_map(move |x| plain(Value::I64(x))),
        // Of every length.
        (any::<i64>(), 0..64_u32).prop_map(move |(x, shift)| plain(Value::I64(x >> shift))),
        (any::<u64>(), 0..64_u32).prop_map(move |(x, shift)| plain(Value::U64(x >> shift))),
        (any::<i128>(), 0..128_u32).prop_map(move |(x, shift)| plain(Value::I128(x >> shift))),
        (any::<u128>(), 0..128_u32).prop_map(move |(x, shift)| plain(Value::U128(x >> shift))),
        any::<f32>().prop_map(move |x| plain(Value::F32(x))),
        any::<u64>().prop_map(move |x| plain(Value::F64(f64::from_bits(x)))),
        any::<char>().prop_map(move |x| plain(Value::Char(x))),
        Just(plain(Value::Secret)),
        any::<std::time::Duration>().prop_map(move |x| plain(Value::Duration(x))),
        any::<[u8; 4]>().prop_map(move |x| plain(Value::Ip(x.into()))),
        any::<String>().prop_map(OwnValue::Text),
        prop::collection::vec(any::<u8>(), 0..30).prop_map(OwnValue::Bytes),
        // As long as lengths of one and of two bytes, and longer.
        prop::sample::select(vec![15_usize, 16, 127, 128, 32_767, 32_768]).prop_map(|n| OwnValue::Text("é".repeat(n))),
    ]
}

fn any_record() -> impl Strategy<Value = GeneratedRecord> {
    let key = prop_oneof!["[a-c]", "(name|args|message|module|x)_{0,2}", any::<String>()];
    let parts = (0..6_usize, any::<i64>(), any::<[String; 3]>(), prop::collection::vec((key, any_value()), 0..8));
    parts.prop_map(|(level, nanos, texts, key_values)| GeneratedRecord {
        level: Level::ALL[level],
        nanos,
        texts,
        key_values,
    })
}

/// What Python makes of messages.
fn decoded_by_python(format: &str, messages: &[Vec<u8>]) -> Vec<Json> {
    let target = std::env::current_exe().unwrap().ancestors().nth(3).unwrap().to_owned();
    let with_packages = target.join("python/bin/python3");
    let python = if with_packages.exists() { with_packages } else { PathBuf::from("python3") };
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/decode.py");
    let mut command = Command::new(python);
    command.args([script, format]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("this test needs python3");
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    if lines.next().is_none() {
        let output = child.wait_with_output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        panic!("this test needs Python's package for {format}: {errors}");
    }
    let mut input = child.stdin.take().unwrap();
    let decoded = std::thread::scope(|scope| {
        scope.spawn(move || {
            for message in messages {
                input.write_all(&(message.len() as u32).to_be_bytes()).unwrap();
                input.write_all(message).unwrap();
            }
        });
        lines.map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect::<Vec<Json>>()
    });
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(decoded.len(), messages.len());
    decoded
}

/// Records of all kinds, the same in every run.
fn records() -> Vec<GeneratedRecord> {
    let (mut runner, strategy) = (TestRunner::deterministic(), any_record());
    (0..200).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

/// How tests/python/decode.py shows a value.
fn shown(value: &OwnValue, wide_as_text: bool) -> Json {
    let float = |x: f64| json!(["float", hex(&x.to_be_bytes())]);
    let int = |n: String, fits: bool| json!([if fits || !wide_as_text { "int" } else { "str" }, n]);
    match value {
        OwnValue::Text(text) => json!(["str", text]),
        OwnValue::Bytes(bytes) => json!(["bytes", hex(bytes)]),
        OwnValue::List(list) => {
            json!(["list", list.iter().map(|value| shown(value, wide_as_text)).collect::<Vec<_>>()])
        }
        OwnValue::Map(map) => {
            json!([
                "dict",
                map.iter().map(|(key, value)| json!([text(key), shown(value, wide_as_text)])).collect::<Vec<_>>()
            ])
        }
        OwnValue::Plain(value) => match *value {
            Value::Null => json!(["NoneType", "None"]),
            Value::Bool(x) => json!(["bool", if x { "True" } else { "False" }]),
            Value::I64(n) => int(n.to_string(), true),
            Value::U64(n) => int(n.to_string(), true),
            Value::I128(n) => int(n.to_string(), i64::try_from(n).is_ok() || u64::try_from(n).is_ok()),
            Value::U128(n) => int(n.to_string(), u64::try_from(n).is_ok()),
            Value::F32(x) => float(x.into()),
            Value::F64(x) => float(x),
            Value::Duration(span) => float(span.as_secs_f64()),
            value => json!(["str", value.to_string()]),
        },
    }
}

fn text(text: &str) -> Json {
    json!(["str", text])
}

fn int(n: impl std::fmt::Display) -> Json {
    json!(["int", n.to_string()])
}

fn float(x: f64) -> Json {
    json!(["float", hex(&x.to_be_bytes())])
}

#[test]
#[ignore = "needs python3"]
fn pickles_are_what_python_makes_log_records_of() {
    let records = records();
    let formatter = FemtoPickleFormatter::new().process_name("MainProcess");
    let messages: Vec<_> =
        records.iter().map(|record| record.with(|record| bytes(formatter.clone(), record))).collect();
    let decoded = decoded_by_python("pickle", &messages);
    for (record, found) in records.iter().zip(decoded) {
        let (time, [logger, thread, message]) = (Timestamp::from_nanos(record.nanos), &record.texts);
        let none = json!(["NoneType", "None"]);
        let mut expected = vec![
            ("name".to_owned(), text(logger)),
            ("msg".to_owned(), text(message)),
            ("levelno".to_owned(), int(record.level.number())),
            ("levelname".to_owned(), text(python::level_name(record.level))),
            ("funcName".to_owned(), none.clone()),
            ("pathname".to_owned(), text("/src/app/db.rs")),
            ("filename".to_owned(), text("db.rs")),
            ("module".to_owned(), text("db")),
            ("lineno".to_owned(), int(42)),
            ("created".to_owned(), float(record.nanos as f64 / 1e9)),
            ("msecs".to_owned(), float((record.nanos.rem_euclid(1_000_000_000) / 1_000_000) as f64)),
            ("relativeCreated".to_owned(), float(python::relative_created(time, first_use()))),
            ("thread".to_owned(), int(140)),
            ("threadName".to_owned(), text(thread)),
            ("process".to_owned(), int(std::process::id())),
            ("processName".to_owned(), text("MainProcess")),
        ];
        let nothing = ["args", "exc_info", "exc_text", "stack_info", "taskName"];
        expected.extend(nothing.map(|name| (name.to_owned(), none.clone())));
        let own = ["name", "args", "message", "module"];
        for (key, value) in record.last() {
            let underscore = if own.contains(&key.trim_end_matches('_')) { "_" } else { "" };
            expected.push((key.to_owned() + underscore, shown(value, false)));
        }
        let expected: Vec<_> = expected.into_iter().map(|(name, value)| json!([text(&name), value])).collect();
        assert_eq!(found, json!(["dict", expected]));
    }
}

#[test]
fn a_pickle_byte_by_byte() {
    let key_values = [("retry", Value::U64(3)), ("name", Value::Bool(true)), ("name_", Value::Null)];
    let mut formatter = FemtoPickleFormatter::new().process_name("p");
    formatter.constants.truncate("XllllprocessNameXllllp".len());
    let mut out = Vec::new();
    let record = ByHand { key_values: &key_values, function: Some("app::db::connect"), ..ByHand::default() };
    record.with(|record| formatter.format(record, &mut out));
    let mut expected = b"\x80\x02}(".to_vec();
    let name = |name: &str, out: &mut Vec<u8>| {
        out.extend_from_slice(&[b'X', name.len() as u8, 0, 0, 0]);
        out.extend_from_slice(name.as_bytes());
    };
    let float = |x: f64| [&b"G"[..], &x.to_be_bytes()].concat();
    let relative = python::relative_created(ByHand::default().timestamp, first_use());
    let process = std::process::id();
    let rows: [(&str, &[u8]); 19] = [
        ("name", b"X\x06\0\0\0app.db"),
        ("msg", b"X\x0f\0\0\0retry 3 of five"),
        ("levelno", b"K\x1e"),
        ("levelname", b"X\x07\0\0\0WARNING"),
        ("funcName", b"X\x07\0\0\0connect"),
        ("pathname", b"X\x0e\0\0\0/src/app/db.rs"),
        ("filename", b"X\x05\0\0\0db.rs"),
        ("module", b"X\x02\0\0\0db"),
        ("lineno", b"K\x2a"),
        ("created", &float(1_678_048_520.123456)),
        ("msecs", &float(123.0)),
        ("relativeCreated", &float(relative)),
        ("thread", b"K\x8c"),
        ("threadName", b"X\x04\0\0\0main"),
        ("process", &{
            let mut out = Vec::new();
            pickle::Pickle::integer(false, process.into(), &mut out);
            out
        }),
        ("processName", b"X\x01\0\0\0p"),
        ("retry", b"K\x03"),
        ("name_", b"\x88"),
        ("name__", b"N"),
    ];
    for (key, value) in rows {
        name(key, &mut expected);
        expected.extend_from_slice(value);
    }
    expected.extend_from_slice(b"u.");
    assert_eq!(hex(&out), hex(&expected));
}

#[test]
fn pickled_values() {
    use pickle::Pickle;
    let rows = [
        (Value::Null, "4e"),
        (Value::Bool(true), "88"),
        (Value::Bool(false), "89"),
        (Value::U64(0), "4b00"),
        (Value::U64(255), "4bff"),
        (Value::U64(256), "4d0001"),
        (Value::U64(65_535), "4dffff"),
        (Value::U64(65_536), "4a00000100"),
        (Value::I64(-1), "4affffffff"),
        (Value::I64(i32::MIN.into()), "4a00000080"),
        (Value::I64(i64::from(i32::MIN) - 1), "8a05ffffff7fff"),
        (Value::U64(1 << 31), "8a050000008000"),
        (Value::U64(u64::MAX), "8a09ffffffffffffffff00"),
        (Value::I64(i64::MIN), "8a080000000000000080"),
        (Value::I128(i128::MIN), "8a1000000000000000000000000000000080"),
        (Value::U128(u128::MAX), "8a11ffffffffffffffffffffffffffffffff00"),
        (Value::F64(1.5), "473ff8000000000000"),
        (Value::F32(1.5), "473ff8000000000000"),
        (Value::Str("é"), "5802000000c3a9"),
        (Value::Secret, "58030000002a2a2a"),
        (Value::Duration(std::time::Duration::from_millis(1500)), "473ff8000000000000"),
    ];
    for (value, expected) in rows {
        assert_eq!(of::<Pickle>(value), expected, "{value:?}");
    }
}

/// `[h'00ff', [], {"a": 1}]`.
fn nested() -> OwnValue {
    let one = OwnValue::Plain(Value::U64(1));
    OwnValue::List(vec![
        OwnValue::Bytes(vec![0, 255]),
        OwnValue::List(vec![]),
        OwnValue::Map(vec![("a".to_owned(), one)]),
    ])
}

fn of_nested<N: Notation>() -> String {
    let (bytes, tag) = nested().encoded();
    of::<N>(Reader::new(&bytes).value(tag))
}

/// What a formatter makes of a record in a span `a`, number 1.
fn in_a_span(formatter: impl FemtoFormatter) -> String {
    hex(&bytes(formatter, ByHand { spans: &[("a", 1)], ..ByHand::default() }))
}

#[test]
fn spans() {
    let expected = "58050000007370616e735d287d2858040000006e616d65580100000061580200000069644b017565752e";
    let found = in_a_span(FemtoPickleFormatter::new());
    assert!(found.ends_with(expected), "{found}");
    #[cfg(feature = "msgpack")]
    {
        let found = in_a_span(super::FemtoMsgpackFormatter::new());
        assert!(found.starts_with("88") && found.ends_with("a57370616e739182a46e616d65a161a2696401"), "{found}");
    }
    #[cfg(feature = "cbor")]
    {
        let found = in_a_span(super::FemtoCborFormatter::new());
        assert!(found.starts_with("a8") && found.ends_with("657370616e7381a2646e616d65616162696401"), "{found}");
    }
}

#[test]
fn maps_have_every_key_once() {
    let map = ByHand::map([("a", Value::U64(1)), ("b", Value::U64(2)), ("a", Value::U64(3))]);
    assert_eq!(of::<pickle::Pickle>(map.get()), "7d285801000000624b025801000000614b0375");
    #[cfg(feature = "msgpack")]
    assert_eq!(of::<super::msgpack::Msgpack>(map.get()), "82a16202a16103");
    #[cfg(feature = "cbor")]
    assert_eq!(of::<super::cbor::Cbor>(map.get()), "a2616202616103");
}

#[test]
fn nested_values() {
    assert_eq!(of_nested::<pickle::Pickle>(), "5d28420200000000ff5d28657d285801000000614b017565");
    #[cfg(feature = "msgpack")]
    assert_eq!(of_nested::<super::msgpack::Msgpack>(), "93c40200ff9081a16101");
    #[cfg(feature = "cbor")]
    assert_eq!(of_nested::<super::cbor::Cbor>(), "834200ff80a1616101");
}

#[cfg(feature = "msgpack")]
mod messagepack {
    use super::super::msgpack::Msgpack;
    use super::*;
    use rmpv::Value as Found;

    #[test]
    fn values() {
        let rows = [
            (Value::Null, "c0"),
            (Value::Bool(false), "c2"),
            (Value::U64(127), "7f"),
            (Value::U64(128), "cc80"),
            (Value::U64(u64::MAX), "cfffffffffffffffff"),
            (Value::I64(-32), "e0"),
            (Value::I64(-33), "d0df"),
            (Value::I64(i64::MIN), "d38000000000000000"),
            (Value::I128(-1), "ff"),
            (Value::I128(i128::from(i64::MIN) - 1), "b42d39323233333732303336383534373735383039"),
            (Value::U128(1 << 64), "b43138343436373434303733373039353531363136"),
            (Value::F32(1.5), "ca3fc00000"),
            (Value::F64(1.5), "cb3ff8000000000000"),
            (Value::Str("é"), "a2c3a9"),
            (Value::Secret, "a32a2a2a"),
        ];
        for (value, expected) in rows {
            assert_eq!(of::<Msgpack>(value), expected, "{value:?}");
        }
    }

    #[test]
    fn times() {
        let rows = [
            (0, "d6ff00000000"),
            (1_000_000_000, "d6ff00000001"),
            (1, "d7ff0000000400000000"),
            (1_678_048_520_123_456_000, "d7ff1d6f28006404fd08"),
            (4_294_967_296_000_000_000, "d7ff0000000100000000"),
            (-1, "c70cff3b9ac9ffffffffffffffffff"),
        ];
        for (nanos, expected) in rows {
            let mut out = Vec::new();
            super::super::msgpack::write_time(Timestamp::from_nanos(nanos), &mut out);
            assert_eq!(hex(&out), expected, "{nanos}");
        }
    }

    fn expected(value: &OwnValue) -> Found {
        match value {
            OwnValue::Text(text) => text.as_str().into(),
            OwnValue::Bytes(bytes) => Found::Binary(bytes.clone()),
            OwnValue::List(list) => Found::Array(list.iter().map(expected).collect()),
            OwnValue::Map(map) => {
                Found::Map(map.iter().map(|(key, value)| (key.as_str().into(), expected(value))).collect())
            }
            OwnValue::Plain(value) => match *value {
                Value::Null => Found::Nil,
                Value::Bool(x) => x.into(),
                Value::I64(n) => n.into(),
                Value::U64(n) => n.into(),
                Value::I128(n) => match (u64::try_from(n), i64::try_from(n)) {
                    (Ok(n), _) => n.into(),
                    (_, Ok(n)) => n.into(),
                    _ => n.to_string().into(),
                },
                Value::U128(n) => u64::try_from(n).map_or_else(|_| n.to_string().into(), Found::from),
                Value::F32(x) => x.into(),
                Value::F64(x) => x.into(),
                Value::Duration(span) => span.as_secs_f64().into(),
                value => value.to_string().into(),
            },
        }
    }

    fn time(value: &Found) -> i128 {
        let Some((-1, data)) = value.as_ext() else { panic!("{value}") };
        let int = |bytes: &[u8]| bytes.iter().fold(0_i128, |n, byte| n << 8 | i128::from(*byte));
        match data.len() {
            4 => int(data) * 1_000_000_000,
            8 => int(&data[3..]) % (1 << 34) * 1_000_000_000 + (int(data) >> 34),
            _ => i128::from(int(&data[4..]) as u64 as i64) * 1_000_000_000 + int(&data[..4]),
        }
    }

    proptest! {
        #[test]
        fn anything_comes_back(record in any_record()) {
            let bytes = record.with(|record| bytes(FemtoMsgpackFormatter::new(), record));
            let mut rest = bytes.as_slice();
            let found = rmpv::decode::read_value(&mut rest).unwrap();
            prop_assert!(rest.is_empty());
            let mut entries = found.as_map().unwrap().clone();
            let (key, at) = entries.remove(0);
            prop_assert_eq!((key.as_str(), time(&at)), (Some("timestamp"), record.nanos.into()));
            let mut all: Vec<(Found, Found)> = vec![
                ("level".into(), record.level.as_str().into()),
                ("logger".into(), record.texts[0].as_str().into()),
                ("thread".into(), record.texts[1].as_str().into()),
                ("file".into(), "/src/app/db.rs".into()),
                ("line".into(), 42.into()),
                ("message".into(), record.texts[2].as_str().into()),
            ];
            let fields: Vec<_> = record.last().map(|(key, value)| (key.into(), expected(value))).collect();
            if !fields.is_empty() {
                all.push(("fields".into(), Found::Map(fields)));
            }
            // As text, in which NaN equals NaN.
            prop_assert_eq!(format!("{entries:?}"), format!("{all:?}"));
        }
    }

    #[test]
    #[ignore = "needs python3 with msgpack"]
    fn python_reads_them() {
        in_python("msgpack", FemtoMsgpackFormatter::new(), true, |nanos| {
            let (seconds, nanos) = (nanos.div_euclid(1_000_000_000), nanos.rem_euclid(1_000_000_000));
            json!(["Timestamp", format!("Timestamp(seconds={seconds}, nanoseconds={nanos})")])
        });
    }
}

#[cfg(feature = "cbor")]
mod cbor {
    use super::super::cbor::Cbor;
    use super::*;
    use cbor4ii::core::Value as Found;
    use cbor4ii::core::dec::{Decode, Read};
    use cbor4ii::core::utils::SliceReader;

    /// Most rows are from appendix A of RFC 8949.
    #[test]
    fn values() {
        let rows = [
            (Value::U64(0), "00"),
            (Value::U64(23), "17"),
            (Value::U64(24), "1818"),
            (Value::U64(255), "18ff"),
            (Value::U64(256), "190100"),
            (Value::U64(1_000_000), "1a000f4240"),
            (Value::U64(1_000_000_000_000), "1b000000e8d4a51000"),
            (Value::U64(u64::MAX), "1bffffffffffffffff"),
            (Value::U128(1 << 64), "c249010000000000000000"),
            (Value::I64(-1), "20"),
            (Value::I64(-100), "3863"),
            (Value::I128(-(1 << 64)), "3bffffffffffffffff"),
            (Value::I128(-(1 << 64) - 1), "c349010000000000000000"),
            (Value::F32(100_000.0), "fa47c35000"),
            (Value::F64(1.1), "fb3ff199999999999a"),
            (Value::F64(f64::INFINITY), "fb7ff0000000000000"),
            (Value::Bool(false), "f4"),
            (Value::Bool(true), "f5"),
            (Value::Null, "f6"),
            (Value::Str("IETF"), "6449455446"),
            (Value::Char('\u{6c34}'), "63e6b0b4"),
        ];
        for (value, expected) in rows {
            assert_eq!(of::<Cbor>(value), expected, "{value:?}");
        }
    }

    fn expected(value: &OwnValue) -> Found {
        let text = |text: &str| Found::Text(text.to_owned());
        let int = |n: i128| {
            let argument = if n < 0 { !n } else { n } as u128;
            if argument <= u64::MAX.into() {
                return Found::Integer(n);
            }
            let bytes = argument.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
            Found::Tag(if n < 0 { 3 } else { 2 }, Box::new(Found::Bytes(bytes)))
        };
        match value {
            OwnValue::Text(value) => text(value),
            OwnValue::Bytes(bytes) => Found::Bytes(bytes.clone()),
            OwnValue::List(list) => Found::Array(list.iter().map(expected).collect()),
            OwnValue::Map(map) => Found::Map(map.iter().map(|(key, value)| (text(key), expected(value))).collect()),
            OwnValue::Plain(value) => match *value {
                Value::Null => Found::Null,
                Value::Bool(x) => Found::Bool(x),
                Value::I64(n) => int(n.into()),
                Value::U64(n) => int(n.into()),
                Value::I128(n) => int(n),
                Value::U128(n) => match i128::try_from(n) {
                    Ok(n) => int(n),
                    Err(_) => Found::Tag(2, Box::new(Found::Bytes(n.to_be_bytes().to_vec()))),
                },
                Value::F32(x) => Found::Float(x.into()),
                Value::F64(x) => Found::Float(x),
                Value::Duration(span) => Found::Float(span.as_secs_f64()),
                value => text(&value.to_string()),
            },
        }
    }

    proptest! {
        #[test]
        fn anything_comes_back(record in any_record()) {
            let bytes = record.with(|record| bytes(FemtoCborFormatter::new(), record));
            let mut reader = SliceReader::new(&bytes);
            let found = Found::decode(&mut reader).unwrap();
            prop_assert!(reader.fill(1).unwrap().as_ref().is_empty());
            let text = |text: &str| Found::Text(text.to_owned());
            let time = format!("{:?}", Timestamp::from_nanos(record.nanos));
            let mut all: Vec<(Found, Found)> = vec![
                (text("timestamp"), Found::Tag(0, Box::new(Found::Text(time)))),
                (text("level"), text(record.level.as_str())),
                (text("logger"), text(&record.texts[0])),
                (text("thread"), text(&record.texts[1])),
                (text("file"), text("/src/app/db.rs")),
                (text("line"), Found::Integer(42)),
                (text("message"), text(&record.texts[2])),
            ];
            let fields: Vec<_> = record.last().map(|(key, value)| (text(key), expected(value))).collect();
            if !fields.is_empty() {
                all.push((text("fields"), Found::Map(fields)));
            }
            prop_assert_eq!(format!("{found:?}"), format!("{:?}", Found::Map(all)));
        }
    }

    #[test]
    #[ignore = "needs python3 with cbor2"]
    fn python_reads_them() {
        in_python("cbor", FemtoCborFormatter::new(), false, |nanos| {
            let text = format!("{}", Timestamp::from_nanos(nanos));
            let text = text.replace('T', " ").replace(".000000", "").replace('Z', "+00:00");
            json!(["datetime", text])
        });
    }
}

/// Compares what Python reads with what the records are.
#[cfg(any(feature = "cbor", feature = "msgpack"))]
fn in_python(format: &str, formatter: impl FemtoFormatter + Clone, wide_as_text: bool, time: impl Fn(i64) -> Json) {
    let records = records();
    let messages: Vec<_> =
        records.iter().map(|record| record.with(|record| bytes(formatter.clone(), record))).collect();
    let decoded = decoded_by_python(format, &messages);
    for (record, found) in records.iter().zip(decoded) {
        let mut expected = vec![
            json!([text("timestamp"), time(record.nanos)]),
            json!([text("level"), text(record.level.as_str())]),
            json!([text("logger"), text(&record.texts[0])]),
            json!([text("thread"), text(&record.texts[1])]),
            json!([text("file"), text("/src/app/db.rs")]),
            json!([text("line"), int(42)]),
            json!([text("message"), text(&record.texts[2])]),
        ];
        let fields: Vec<_> = record.last().map(|(key, value)| json!([text(key), shown(value, wide_as_text)])).collect();
        if !fields.is_empty() {
            expected.push(json!([text("fields"), ["dict", fields]]));
        }
        assert_eq!(found, json!(["dict", expected]));
    }
}
