//! Values with structure, and how large records may be. The limits are those of the process, so that the tests which
//! set them run one after the other.

mod common;
#[path = "common/limited.rs"]
mod limited;

use std::collections::{BTreeMap, HashMap, VecDeque};

use femtologging::value::Limits;
use femtologging::{Context, FemtoLogger, Value, context, info, set_limits};
use limited::System;
use proptest::prelude::*;

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
}
