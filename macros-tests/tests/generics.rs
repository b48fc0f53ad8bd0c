//! Calls in generic code: one call site, several instantiations.

use std::fmt;

use femtologging::record::OwnedRecord;
use femtologging::{Value, info};
use macros_tests::Recorder;

fn count<const N: usize>(recorder: &Recorder) {
    info!(logger: recorder.logger, "{N}");
    info!(logger: recorder.logger, "{} {n:>w$} {N:0w$}", N, n = N, w = 3; N, twice = 2 * N);
    info!(logger: recorder.logger, "{:>1$}|", "x", N);
    info!(logger: recorder.logger, "{:>N$}|", "x");
}

#[test]
fn const_parameters() {
    let recorder = Recorder::new();
    count::<1>(&recorder);
    count::<5>(&recorder);
    count::<1>(&recorder);
    let ones = ["1", "1   1 001", "x|", "x|"];
    let fives = ["5", "5   5 005", "    x|", "    x|"];
    let records = recorder.take();
    let messages: Vec<_> = records.iter().map(OwnedRecord::message).collect();
    assert_eq!(messages, [ones, fives, ones].concat());
    let keys = |record: &OwnedRecord| record.key_values().filter_map(|(_, value)| value.as_i64()).collect::<Vec<_>>();
    assert_eq!([1, 5, 9].map(|index: usize| keys(&records[index])), [[1, 2], [5, 10], [1, 2]]);
}

fn show<T: fmt::Display + fmt::Debug>(recorder: &Recorder, value: T) {
    info!(logger: recorder.logger, "{} {:?} {value} {}", value, value, size_of::<T>(); shown:% = value, value:?);
    info!(logger: recorder.logger, "{:>4} {}", value, size_of::<T>(); size = size_of::<T>());
    info!(logger: recorder.logger, "{} bytes", size_of::<T>(); size = size_of::<T>());
    let at = |n: usize| info!(logger: recorder.logger, "{:>2}", n + size_of::<T>());
    at(1);
}

#[test]
fn type_parameters() {
    let recorder = Recorder::new();
    show(&recorder, 7_u8);
    show(&recorder, "text");
    show(&recorder, 1.5_f32);
    let records = recorder.take();
    let messages: Vec<_> = records.iter().map(OwnedRecord::message).collect();
    let wide = size_of::<&str>();
    assert_eq!(
        messages,
        [
            "7 7 7 1",
            "   7 1",
            "1 bytes",
            " 2",
            &format!("text \"text\" text {wide}"),
            &format!("text {wide}"),
            &format!("{wide} bytes"),
            &format!("{:>2}", wide + 1),
            "1.5 1.5 1.5 4",
            " 1.5 4",
            "4 bytes",
            " 5",
        ]
    );
    let texts: Vec<_> = records[4].key_values().collect();
    assert_eq!(texts, [("shown", Value::Display("text")), ("value", Value::Debug("\"text\""))]);
    let sizes: Vec<_> =
        records.iter().filter_map(|record| record.get("size")).filter_map(|size| size.as_i64()).collect();
    assert_eq!(sizes, [1, 1, wide as i64, wide as i64, 4, 4]);
}

trait Named {
    const NAME: &'static str;
    type Id: fmt::Display;

    fn id(&self) -> Self::Id;

    fn report(&self, recorder: &Recorder) {
        info!(logger: recorder.logger, "{} {}", Self::NAME, self.id(); name = Self::NAME);
        info!(logger: recorder.logger, "{}", Self::NAME);
    }
}

impl Named for u8 {
    const NAME: &'static str = "u8";
    type Id = u8;

    fn id(&self) -> u8 {
        *self
    }
}

impl Named for str {
    const NAME: &'static str = "str";
    type Id = String;

    fn id(&self) -> String {
        self.to_owned()
    }
}

#[test]
fn provided_methods_with_associated_types() {
    let recorder = Recorder::new();
    7_u8.report(&recorder);
    "x".report(&recorder);
    assert_eq!(recorder.messages(), ["u8 7", "u8", "str x", "str"]);
}

#[test]
fn opaque_and_dynamic_types() {
    fn opaque() -> impl fmt::Display {
        5
    }
    fn each(recorder: &Recorder, values: &[&dyn fmt::Display]) {
        for value in values {
            info!(logger: recorder.logger, "{} {value:>3}", value);
        }
    }
    let recorder = Recorder::new();
    each(&recorder, &[&1, &"x", &opaque()]);
    info!(logger: recorder.logger, "{}", opaque());
    assert_eq!(recorder.messages(), ["1   1", "x   x", "5   5", "5"]);
}
