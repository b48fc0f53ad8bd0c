//! Values by `serde`: the same JSON as `serde_json` makes of them.
#![cfg(feature = "serde")]

mod common;
#[path = "../../tests/common/limited.rs"]
mod limited;

use std::collections::{BTreeMap, HashMap};

use femtologging::value::Limits;
use femtologging::{Value, context, info};
use limited::System;
use proptest::prelude::*;
use serde::ser::{Error, SerializeSeq, SerializeStruct};
use serde::{Serialize, Serializer};

/// The key `v` of every record, as JSON.
fn all(system: &System) -> Vec<serde_json::Value> {
    system.records().iter().map(|record| json(record.get("v").unwrap())).collect()
}

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

fn tree() -> impl Strategy<Value = serde_json::Value> {
    scalar().prop_recursive(6, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            prop::collection::btree_map(".{0,8}", inner, 0..6)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

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
    fn serde_s_trees_become_the_same_json(v in tree()) {
        let system = System::new(Limits::default());
        info!(logger: system.logger, "m"; v:serde = v);
        context! { v:serde = v; { info!(logger: system.logger, "m") } };
        for found in all(&system) {
            prop_assert!(same(&found, &v), "{found} for {v}");
        }
        prop_assert_eq!(system.truncated(), 0);
    }
}

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
    let (found, expected) = (all(&system).remove(0), serde_json::to_value(&value).unwrap());
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
