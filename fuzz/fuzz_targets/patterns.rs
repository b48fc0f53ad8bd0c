//! Any text is read as a pattern of each style and of times without a panic, and what was understood formats any record.
#![no_main]

use femtologging::formatter::{FemtoFormatter, FemtoPatternFormatter};
use femtologging::{ByHand, Error, Value};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, &str, &str, f64)| {
    let (pattern, datefmt, text, number) = input;
    let key_values = [("k", Value::Str(text)), ("n", Value::F64(number)), ("i", Value::I64(number as i64))];
    let record = ByHand { message: text, key_values: &key_values, ..ByHand::default() };
    let styles: [fn(&str) -> Result<FemtoPatternFormatter, Error>; 3] =
        [FemtoPatternFormatter::percent, FemtoPatternFormatter::brace, FemtoPatternFormatter::dollar];
    for construct in styles {
        let formatter = match construct(pattern) {
            Ok(formatter) => formatter,
            Err(error) => {
                assert!(error.problems()[0].remedy.starts_with("character "), "{error}");
                continue;
            }
        };
        let mut formatter = match formatter.clone().datefmt(datefmt) {
            Ok(formatter) => formatter,
            Err(_) => formatter,
        };
        let mut out = Vec::new();
        record.with(|record| formatter.format(record, &mut out));
        assert!(String::from_utf8(out).is_ok());
    }
});
