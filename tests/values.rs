//! Values with structure, and how large records may be. The limits are those of the process, so that the tests which
//! set them run one after the other.

mod common;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};

use common::LONG;
use femtologging::handler::FemtoCaptureHandler;
use femtologging::policy::Transport;
use femtologging::record::OwnedRecord;
use femtologging::value::Limits;
use femtologging::{Config, Context, FemtoLogger, FemtoStreamHandler, Logging, Value, context, info, set_limits};
use proptest::prelude::*;

struct System {
    logging: Logging,
    capture: FemtoCaptureHandler,
    text: common::Scripted,
    logger: FemtoLogger,
    before: u64,
    _alone: MutexGuard<'static, ()>,
}

impl System {
    fn new(limits: Limits) -> Self {
        static ALONE: Mutex<()> = Mutex::new(());
        let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let (capture, text) = (FemtoCaptureHandler::new(), common::Scripted::default());
        let terse = |record: &femtologging::FemtoLogRecord<'_>, out: &mut Vec<u8>| {
            let mut line = record.message().to_string();
            for (key, value) in record.key_values() {
                let _ = write!(line, " {key}={value}");
            }
            out.extend_from_slice(line.as_bytes());
        };
        let config = Config::builder().add_handler("capture", capture.clone()).add_handler(
            "text",
            FemtoStreamHandler::builder(text.clone())
                .transport(Transport::Shared { capacity: None })
                .formatter(terse)
                .build()
                .unwrap(),
        );
        set_limits(limits).unwrap();
        let logging = config.build().unwrap();
        let logger = logging.get_logger("shop").unwrap();
        let before = logging.metrics().truncated;
        Self { logging, capture, text, logger, before, _alone }
    }

    fn records(&self) -> Vec<OwnedRecord> {
        self.logging.flush(LONG).unwrap();
        self.capture.take()
    }

    fn lines(&self) -> Vec<String> {
        self.logging.flush(LONG).unwrap();
        self.text.lines()
    }

    #[cfg(feature = "serde")]
    /// The key `v` of every record, as JSON.
    fn json(&self) -> Vec<serde_json::Value> {
        self.records().iter().map(|record| json(record.get("v").unwrap())).collect()
    }

    /// How many records were cut since the system was made.
    fn truncated(&self) -> u64 {
        self.logging.metrics().truncated - self.before
    }
}

#[cfg(feature = "serde")]
fn json(value: Value<'_>) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Bool(x) => x.into(),
        Value::I64(x) => x.into(),
        Value::U64(x) => x.into(),
        Value::F32(x) => x.into(),
        Value::F64(x) => x.into(),
        Value::Char(x) => x.to_string().into(),
        Value::Str(x) => x.into(),
        Value::List(list) => list.iter().map(json).collect(),
        Value::Map(map) => map.iter().map(|(key, value)| (key.to_owned(), json(value))).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn lists_maps_and_bytes_are_written_with_their_structure() {
    let system = System::new(Limits::default());
    let logger = &system.logger;
    let map = BTreeMap::from([("a", 1), ("b \"quoted\"", 2)]);
    let nested = BTreeMap::from([("lists", vec![vec![1_u8], vec![]]), ("none", vec![])]);
    info!(logger: logger, "m"; v = [1, 2, 3]);
    info!(logger: logger, "m"; v = vec!["a", "b\n"]);
    info!(logger: logger, "m"; v = &[Some(1.5), None][..]);
    info!(logger: logger, "m"; v = VecDeque::from([true]));
    info!(logger: logger, "m"; v = [0_u8; 0]);
    info!(logger: logger, "m"; v = [['x', '"']]);
    info!(logger: logger, "m"; v = map);
    info!(logger: logger, "m"; v = nested);
    info!(logger: logger, "m"; v = HashMap::<String, u8>::new());
    info!(logger: logger, "m"; v = HashMap::from([("k", HashMap::from([("l", "m")]))]));
    info!(logger: logger, "m"; v = Some(vec![1]));
    info!(logger: logger, "m"; v = None::<Vec<u8>>);
    info!(logger: logger, "m"; v:bytes = [0, 127, 255]);
    info!(logger: logger, "m"; v:bytes = "text");
    info!(logger: logger, "m"; v:bytes = Vec::new());
    info!(logger: logger, "m"; v = [std::time::Duration::from_millis(1)]);
    info!(logger: logger, "m"; v = ["127.0.0.1".parse::<std::net::IpAddr>().unwrap()]);
    assert_eq!(
        system.lines(),
        [
            "m v=[1,2,3]",
            r#"m v=["a","b\n"]"#,
            "m v=[1.5,null]",
            "m v=[true]",
            "m v=[]",
            r#"m v=[["x","\""]]"#,
            r#"m v={"a":1,"b \"quoted\"":2}"#,
            r#"m v={"lists":[[1],[]],"none":[]}"#,
            "m v={}",
            r#"m v={"k":{"l":"m"}}"#,
            "m v=[1]",
            "m v=null",
            "m v=007fff",
            "m v=74657874",
            "m v=",
            "m v=[1ms]",
            "m v=[127.0.0.1]",
        ]
    );
    assert_eq!(system.truncated(), 0);
}

#[test]
fn structure_is_read_back_typed() {
    let system = System::new(Limits::default());
    let mixed = context! { v = BTreeMap::from([("list", vec![Some(1_u8), None])]), raw:bytes = b"\x00\xff" };
    mixed.in_scope(|| info!(logger: system.logger, "m"));
    let records = system.records();
    let Some(Value::Map(map)) = records[0].get("v") else { panic!("{:?}", records[0]) };
    let Some(Value::List(list)) = map.get("list") else { panic!("{map:?}") };
    assert_eq!(list.iter().collect::<Vec<_>>(), [Value::U64(1), Value::Null]);
    assert_eq!(map.get("other"), None);
    assert_eq!(records[0].get("raw"), Some(Value::Bytes(b"\x00\xff")));
    assert_eq!(format!("{map:?}"), r#"{"list": List([U64(1), Null])}"#);
}

/// User code that hands out bytes runs before the record is begun, so that it may log.
#[test]
fn asking_for_bytes_may_log() {
    struct Logs<'a>(&'a FemtoLogger, std::cell::Cell<usize>);
    impl AsRef<[u8]> for Logs<'_> {
        fn as_ref(&self) -> &[u8] {
            info!(logger: self.0, "asked");
            self.1.set(self.1.get() + 1);
            &b"123456789"[..self.1.get()]
        }
    }
    let system = System::new(Limits::default());
    let value = Logs(&system.logger, std::cell::Cell::new(0));
    info!(logger: system.logger, "m"; v:bytes = value, after = 1);
    assert_eq!(system.lines(), ["asked", "m v=31 after=1"]);
}

#[test]
fn large_values_take_every_path() {
    let system = System::new(Limits::default());
    let logger = &system.logger;
    for length in [10, 1_000, 30_000, 65_536] {
        let text = "x".repeat(length);
        let list = vec![text.as_str(); 65_536 / (length + 32)];
        info!(logger: logger, "m"; v = text, list);
        context! { list, v = text; { info!(logger: logger, "{}", length) } };
        let records = system.records();
        for record in &records {
            assert_eq!(record.get("v"), Some(Value::Str(&text)));
            let Some(Value::List(found)) = record.get("list") else { panic!() };
            assert!(found.iter().eq(list.iter().map(|text| Value::Str(text))));
        }
        assert_eq!(records.len(), 2);
    }
    assert_eq!(system.truncated(), 0);
}

#[test]
fn limits_that_make_no_sense_are_refused() {
    let limits = Limits::default();
    for (limits, expected) in [
        (Limits { keys: 7, ..limits }, "limits.keys"),
        (Limits { key_bytes: 7, ..limits }, "limits.key_bytes"),
        (Limits { value_bytes: 63, ..limits }, "limits.value_bytes"),
        (Limits { record_bytes: 65_535, ..limits }, "limits.record_bytes"),
        (Limits { record_bytes: (64 << 20) + 1, ..limits }, "limits.record_bytes"),
    ] {
        let error = set_limits(limits).expect_err("it is refused").to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn keys_beyond_the_limit_are_left_out_and_counted() {
    let system = System::new(Limits { keys: 9, ..Limits::default() });
    let logger = &system.logger;
    let own = |_: ()| info!(logger: logger, "m"; a = 1, b = 2, c = 3, d = 4, e = 5, f = 6, g = 7, h = 8, i = 9);
    own(());
    assert_eq!((system.truncated(), system.records()[0].key_values().count()), (0, 9));
    for count in 1..=2 {
        info!(logger: logger, "m"; a = 1, b = 2, c = 3, d = 4, e = 5, f = 6, g = 7, h = 8, i = 9, j = 10, k = 11);
        assert_eq!(system.truncated(), count);
    }
    let record = system.records().remove(0);
    assert_eq!(record.key_values().count(), 10);
    assert_eq!((record.get("i"), record.get("j"), record.get("…")), (Some(Value::I64(9)), None, Some(Value::U64(2))));

    // Those of a context, of a logger and of the call count each by themselves.
    let context = (0..9).fold(Context::default(), |context, n: u32| context.with(&format!("c{n}"), n));
    let bound = (0..9).fold(logger.clone(), |logger, n: u32| logger.with(&format!("l{n}"), n));
    assert_eq!(system.truncated(), 2);
    context.in_scope(|| own(()));
    context.in_scope(|| info!(logger: bound, "m"; own = 1));
    let records = system.records();
    assert_eq!((records[0].key_values().count(), records[1].key_values().count()), (18, 19));
    assert_eq!(system.truncated(), 2);
    let (context, bound) = (context.with("c9", 9_u8).with("c10", 10_u8), bound.with("l9", 9_u8));
    assert_eq!(system.truncated(), 5);
    // A key that is there already needs no room.
    context.with("c3", "new").in_scope(|| info!(logger: bound, "m"));
    let record = system.records().remove(0);
    assert_eq!((record.get("c10"), record.get("l9")), (None, None));
    let left_out: Vec<_> = record.key_values().filter(|(key, _)| *key == "…").map(|(_, value)| value).collect();
    assert_eq!(left_out, [Value::U64(2), Value::U64(1)]);
}

#[test]
fn long_keys_are_cut_and_counted() {
    let system = System::new(Limits { key_bytes: 8, ..Limits::default() });
    let logger = &system.logger;
    info!(logger: logger, "m"; eight_by = 1, "é2é4é" = 2);
    assert_eq!(system.truncated(), 0);
    for _ in 0..2 {
        info!(logger: logger, "m"; nine_byte = 1, "é234567é" = 2);
    }
    assert_eq!(system.truncated(), 1, "once for the call");
    context! { nine_byte = 3; { info!(logger: logger, "m") } };
    Context::default().with("123456789", 4_u8).in_scope(|| info!(logger: logger.with("abcdefghi", 5_u8), "m"));
    assert_eq!(system.truncated(), 4);
    assert_eq!(
        system.lines(),
        [
            "m eight_by=1 é2é4é=2",
            "m nine_byt…=1 é234567…=2",
            "m nine_byt…=1 é234567…=2",
            "m nine_byt…=3",
            "m 12345678…=4 abcdefgh…=5",
        ]
    );
}

#[test]
fn long_values_are_cut_and_counted() {
    let system = System::new(Limits { value_bytes: 64, ..Limits::default() });
    let logger = &system.logger;
    let (fits, long) = ("x".repeat(64), "x".repeat(65));
    info!(logger: logger, "{}", fits; v = fits, w:% = fits, b:bytes = fits.as_bytes(), l = [1, 2, 3, 4], m = BTreeMap::from([("a", 1)]));
    context! { v = fits; { info!(logger: logger.with("w", &fits), "m") } };
    assert_eq!(system.truncated(), 0);
    let lines = system.lines();
    let bytes = "78".repeat(64);
    assert_eq!(lines[0], format!("{fits} v={fits} w={fits} b={bytes} l=[1,2,3,4] m={{\"a\":1}}"));
    assert_eq!(lines[1], format!("m v={fits} w={fits}"));

    // One record counts once, whatever is cut in it. The message is no value.
    let map = BTreeMap::from([("a", 1), ("b", 2), ("c", 3)]);
    info!(logger: logger, "{}", long; v = long, w:? = long, b:bytes = long.as_bytes(), l = [1, 2, 3, 4, 5, 6], m = map);
    assert_eq!(system.truncated(), 1);
    info!(logger: logger, "m"; v = format!("{}é", "x".repeat(63)), l = [long.as_str()], o = Some(&long));
    assert_eq!(system.truncated(), 2);
    context! { v = long; { info!(logger: logger.with("w", &long), "m") } };
    assert_eq!(system.truncated(), 4);
    let lines = system.lines();
    assert_eq!(
        lines[2],
        format!(
            "{long} v={fits}…(+1 bytes) w=\"{}…(+3 bytes) b={bytes} l=[1,2,3,4,\"…(+2 elements)\"] \
             m={{\"a\":1,\"b\":2,\"…\":\"…(+1 elements)\"}}",
            "x".repeat(63)
        )
    );
    assert_eq!(lines[3], format!("m v={}…(+2 bytes) l=[\"…(+1 elements)\"] o={fits}…(+1 bytes)", "x".repeat(63)));
    assert_eq!(lines[4], format!("m v={fits}…(+1 bytes) w={fits}…(+1 bytes)"));
}

#[test]
fn large_records_are_cut_and_counted() {
    let system = System::new(Limits { value_bytes: 1_000, record_bytes: 2_000, ..Limits::default() });
    let logger = &system.logger;
    // A logger's name takes a word, and so does the length of a text.
    let room = 2_000 - 8;
    info!(logger: logger, "{}", "x".repeat(room));
    assert_eq!(system.truncated(), 0);
    info!(logger: logger, "{}", "x".repeat(room + 1));
    assert_eq!(system.truncated(), 1);
    info!(logger: logger, "{}", "x".repeat(1_496); v = "y".repeat(800), w = "z", n = 1);
    assert_eq!(system.truncated(), 2);
    let lines = system.lines();
    assert_eq!(lines[0], "x".repeat(room));
    assert_eq!(lines[1], format!("{}…(+1 bytes)", "x".repeat(room)));
    let rest = lines[2].strip_prefix(&"x".repeat(1_496)).unwrap();
    assert_eq!(rest, format!(" v={}…(+312 bytes) w=…(+1 bytes) n=1", "y".repeat(488)));
}

#[cfg(feature = "serde")]
fn scalar() -> impl Strategy<Value = serde_json::Value> {
    prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<u64>().prop_map(Into::into),
        any::<f64>().prop_filter("JSON has no others", |x| x.is_finite()).prop_map(Into::into),
        ".{0,20}".prop_map(Into::into),
    ]
}

#[cfg(feature = "serde")]
fn tree() -> impl Strategy<Value = serde_json::Value> {
    scalar().prop_recursive(6, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            prop::collection::btree_map(".{0,8}", inner, 0..6)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

#[cfg(feature = "serde")]
/// Whether two values are the same JSON; whole floats may lack their `.0`.
fn same(a: &serde_json::Value, b: &serde_json::Value) -> bool {
    use serde_json::Value::{Array, Number, Object};
    match (a, b) {
        (Number(a), Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Array(a), Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Object(a), Object(b)) => a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b))),
        _ => a == b,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn lists_of_anything_round_trip(
        texts: Vec<String>,
        numbers: Vec<Option<i128>>,
        map in prop::collection::btree_map(".{0,9}", prop::collection::vec(any::<u64>(), 0..9), 0..20),
        bytes: Vec<u8>,
    ) {
        let system = System::new(Limits::default());
        info!(logger: system.logger, "m"; texts, numbers, map, bytes:bytes);
        context! { texts, numbers, map, bytes:bytes; { info!(logger: system.logger, "{}", "m") } };
        let records = system.records();
        prop_assert_eq!(records.len(), 2);
        for record in &records {
            let list = |key: &str| match record.get(key) {
                Some(Value::List(list)) => list.iter().collect::<Vec<_>>(),
                other => panic!("{other:?}"),
            };
            prop_assert_eq!(list("texts"), texts.iter().map(|text| Value::Str(text)).collect::<Vec<_>>());
            let expected: Vec<_> = numbers.iter().map(|n| n.map_or(Value::Null, Value::I128)).collect();
            prop_assert_eq!(list("numbers"), expected);
            let Some(Value::Map(found)) = record.get("map") else { panic!() };
            for ((key, value), (expected, numbers)) in found.iter().zip(&map) {
                let Value::List(value) = value else { panic!() };
                prop_assert_eq!(key, expected);
                prop_assert!(value.iter().eq(numbers.iter().map(|n| Value::U64(*n))));
            }
            prop_assert_eq!(found.iter().count(), map.len());
            prop_assert_eq!(record.get("bytes"), Some(Value::Bytes(&bytes)));
            // What is copied is equal to what it was copied from.
            for (_, value) in record.key_values() {
                prop_assert_eq!(value.to_owned(), value);
            }
        }
    }

    #[cfg(feature = "serde")]
    #[test]
    fn serde_s_trees_become_the_same_json(v in tree()) {
        let system = System::new(Limits::default());
        info!(logger: system.logger, "m"; v:serde = v);
        context! { v:serde = v; { info!(logger: system.logger, "m") } };
        for found in system.json() {
            prop_assert!(same(&found, &v), "{found} for {v}");
        }
        prop_assert_eq!(system.truncated(), 0);
    }
}

#[cfg(feature = "serde")]
mod of_serde {
    use serde::ser::{Error, SerializeSeq, SerializeStruct};
    use serde::{Serialize, Serializer};

    use super::*;

    #[derive(Serialize)]
    struct Order {
        id: u32,
        #[serde(rename = "customer-name")]
        customer: &'static str,
        lines: Vec<(u8, f32)>,
        state: State,
        note: Option<char>,
        unit: (),
    }

    #[derive(Serialize)]
    enum State {
        New,
        Paid(u64),
        Sent(u8, bool),
        Lost { since: i16 },
    }

    #[derive(Serialize)]
    struct Meters(f64);

    #[derive(Serialize)]
    struct Nothing;

    #[derive(Serialize, PartialEq, Eq, PartialOrd, Ord)]
    enum Side {
        Left,
    }

    /// What we and serde_json make of the same data.
    #[track_caller]
    fn check(value: impl Serialize) {
        let system = System::new(Limits::default());
        info!(logger: system.logger, "m"; v:serde = value);
        let (found, expected) = (system.json().remove(0), serde_json::to_value(&value).unwrap());
        assert!(same(&found, &expected), "{found} for {expected}");
        assert_eq!(system.truncated(), 0);
    }

    /// What a number of serde_json is to serde if any crate of the program enables `arbitrary_precision`, and a `RawValue`.
    struct Private(&'static str, &'static str);

    impl Serialize for Private {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut fields = serializer.serialize_struct(self.0, 1)?;
            fields.serialize_field(self.0, self.1)?;
            fields.end()
        }
    }

    #[test]
    fn numbers_of_any_precision_are_numbers() {
        let number = |text| Private("$serde_json::private::Number", text);
        let system = System::new(Limits::default());
        let numbers = ["1", "-2", "18446744073709551615", "18446744073709551616", "-0.5", "1e3", "1e999"].map(number);
        info!(logger: system.logger, "m"; v:serde = BTreeMap::from([("n", &numbers)]), w:serde = number("7"));
        let expected = r#"m v={"n":[1,-2,18446744073709551615,18446744073709551616,-0.5,1000,"1e999"]} w=7"#;
        assert_eq!(system.lines(), [expected]);
        drop(system);
        let raw = Private("$serde_json::private::RawValue", "[1]");
        let system = System::new(Limits::default());
        info!(logger: system.logger, "m"; v:serde = raw);
        assert_eq!(system.lines(), ["m v=[1]"]);
    }

    #[test]
    fn data_becomes_the_same_json_as_serde_json_s() {
        for state in [State::New, State::Paid(7), State::Sent(1, true), State::Lost { since: -1 }] {
            check(Order { id: 1, customer: "ada", lines: vec![(2, 0.5), (3, 1.0)], state, note: None, unit: () });
        }
        check(Meters(1.5));
        check(Nothing);
        check((1, "two", Some('3'), [Side::Left]));
        check(BTreeMap::from([(1, "one"), (-2, "two")]));
        check(BTreeMap::from([(true, 1)]));
        check(BTreeMap::from([('c', 1)]));
        check(BTreeMap::from([(Side::Left, Meters(-0.0))]));
        check(HashMap::from([(u128::MAX.to_string(), u64::MAX)]));
        check(Vec::<u8>::new());
        check([f64::MAX, f64::MIN_POSITIVE, 1e21, 0.1]);
        check("127.0.0.1:80".parse::<std::net::SocketAddr>().unwrap());
    }

    #[test]
    fn exact_text() {
        let system = System::new(Limits::default());
        let order = Order {
            id: 1,
            customer: "a\"b",
            lines: vec![(2, 0.5)],
            state: State::Sent(1, true),
            note: Some('x'),
            unit: (),
        };
        info!(logger: system.logger, "m"; v:serde = order, w:serde = Side::Left, x:serde = None::<u8>);
        assert_eq!(
            system.lines(),
            [
                r#"m v={"id":1,"customer-name":"a\"b","lines":[[2,0.5]],"state":{"Sent":[1,true]},"note":"x","unit":null} w=Left x=null"#
            ]
        );
    }

    struct Fails;
    impl Serialize for Fails {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_seq(None)?.serialize_element("half")?;
            Err(S::Error::custom("no such luck"))
        }
    }

    struct Panics;
    impl Serialize for Panics {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_seq(None)?.serialize_element("half")?;
            panic!("expected by this test")
        }
    }

    #[test]
    fn what_cannot_be_serialized_says_so_and_harms_nothing() {
        let system = System::new(Limits::default());
        let logger = &system.logger;
        info!(logger: logger, "m"; a = 1, v:serde = Fails, z = 2);
        info!(logger: logger, "m"; a = 1, v:serde = (1, Panics), z = 2);
        info!(logger: logger, "m"; a = 1, v:serde = BTreeMap::from([((1, 2), 3)]), z = 2);
        context! { v:serde = Panics; { info!(logger: logger, "m"; z = 2) } };
        assert_eq!(
            system.lines(),
            [
                "m a=1 v=<serializing failed: no such luck> z=2",
                "m a=1 v=<serializing panicked> z=2",
                "m a=1 v=<serializing failed: a map's key is no text, number, bool or name> z=2",
                "m v=<serializing panicked> z=2",
            ]
        );
    }

    #[test]
    fn what_is_too_deep_or_too_large_is_cut() {
        fn nest(depth: usize) -> serde_json::Value {
            (0..depth).fold(serde_json::json!(1), |inner, _| serde_json::json!([inner]))
        }
        let system = System::new(Limits { value_bytes: 64, ..Limits::default() });
        let logger = &system.logger;
        info!(logger: logger, "m"; v:serde = vec!["x".repeat(100); 3]);
        assert_eq!(system.truncated(), 1);
        info!(logger: logger, "m"; v:serde = (0..100).collect::<Vec<u8>>(), z = 2);
        assert_eq!(system.truncated(), 2);
        let lines = system.lines();
        let start = "x".repeat(40);
        assert_eq!(
            lines,
            [format!(r#"m v=["{start}…(+60 bytes)","…(+2 elements)"]"#), r#"m v=[0,1,2,"…(+97 elements)"] z=2"#.into()]
        );
        drop(system);

        let system = System::new(Limits::default());
        info!(logger: system.logger, "m"; v:serde = nest(64));
        assert_eq!(system.truncated(), 0);
        info!(logger: system.logger, "m"; v:serde = nest(65));
        assert_eq!(system.truncated(), 1);
        let expected = |inner: &str, depth| format!("m v={}{inner}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(system.lines(), [expected("1", 64), expected("\"…\"", 64)]);
    }
}
