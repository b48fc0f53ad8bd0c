use super::*;
use crate::level::Level;
use crate::record::by_hand::{ByHand, any_value};
use proptest::prelude::*;
use serde_json::Value as Json;

type Constructor = fn(&str) -> Result<FemtoPatternFormatter, Error>;

const STYLES: [(&str, Constructor); 3] =
    [("%", FemtoPatternFormatter::percent), ("{", FemtoPatternFormatter::brace), ("$", FemtoPatternFormatter::dollar)];

fn text(formatter: &mut FemtoPatternFormatter, record: ByHand<'_>) -> String {
    let mut out = b"before|".to_vec();
    record.with(|record| formatter.format(record, &mut out));
    String::from_utf8(out).unwrap().strip_prefix("before|").unwrap().to_owned()
}

fn percent(pattern: &str, record: ByHand<'_>) -> String {
    text(&mut FemtoPatternFormatter::percent(pattern).unwrap(), record)
}

fn brace(pattern: &str, record: ByHand<'_>) -> String {
    text(&mut FemtoPatternFormatter::brace(pattern).unwrap(), record)
}

/// Rows of the conformance data that come out differently here: style, pattern, the text here, and why.
const DEVIATIONS: &[(&str, &str, &str, &str)] = &[
    ("%", "%(nope)s", "-", "formatting never fails; a key that a record does not have is `-`"),
    ("{", "{nope}", "-", "formatting never fails; a key that a record does not have is `-`"),
];

#[test]
fn every_row_of_the_conformance_data() {
    let data = include_str!("../../../tests/data/formatter_cpython313.jsonl");
    let (mut rows, mut deviations, mut appended) = (0, 0, 0);
    for line in data.lines() {
        rows += 1;
        let row: Json = serde_json::from_str(line).unwrap();
        let style = row["style"].as_str().unwrap();
        // No pattern is CPython's default, as an empty one is.
        let pattern = row["fmt"].as_str().unwrap_or("");
        let changed = &row["override"];
        let created = changed["created"].as_f64().map(|seconds| Timestamp::from_nanos((seconds * 1e9) as i64));
        let mut expected = row["out"].as_str().map(str::to_owned);
        if changed.get("exc_text").is_some() {
            // Deviation: errors are values of keys in Rust, so no traceback is appended to a message.
            let message = ByHand::default().message;
            assert!(expected.as_ref().unwrap().starts_with(&format!("{message}\n")));
            expected = Some(message.to_owned());
            appended += 1;
        }
        if pattern.contains("process)") || pattern.ends_with("process") {
            // The record's process is this one and not number 77.
            expected = expected.map(|text| text.replace("77", &std::process::id().to_string()));
        }
        let record = ByHand {
            timestamp: created.unwrap_or(ByHand::default().timestamp),
            message: changed["msg"].as_str().unwrap_or(ByHand::default().message),
            key_values: &[("request_id", Value::Str("abc"))],
            function: Some("app::db::connect"),
            ..ByHand::default()
        };
        let construct = STYLES.iter().find(|(name, _)| *name == style).unwrap().1;
        let made = construct(pattern).and_then(|formatter| formatter.datefmt(row["datefmt"].as_str().unwrap_or("")));
        let deviation = DEVIATIONS.iter().find(|row| (row.0, row.1) == (style, pattern));
        deviations += usize::from(deviation.is_some());
        match (deviation, &row["construct_error"]) {
            (Some((.., text, _)), _) => expected = Some((*text).to_owned()),
            (None, Json::String(_)) => {
                assert!(made.is_err(), "{line}");
                continue;
            }
            (None, _) => {}
        }
        // As the oracle was run.
        let defaults =
            row["defaults"].as_object().into_iter().flatten().map(|(key, value)| (key, value.as_str().unwrap()));
        let mut formatter =
            made.unwrap().python_level_names(true).escape(false).process_name("MainProcess").defaults(defaults);
        formatter.start = Timestamp::from_nanos(record.timestamp.as_nanos() - 1_500_250_000);
        assert_eq!(Some(text(&mut formatter, record)), expected, "{line}");
    }
    assert_eq!((rows, deviations, appended), (72, DEVIATIONS.len(), 2));
}

#[test]
fn errors_say_where_and_what_would_be_right() {
    let conversions = "use s, r, d, f, x, X or o";
    let rows = [
        ("%", "%(asctime)Z", format!("character 11: unknown conversion `Z`; {conversions}")),
        ("%", "äö %(name)", format!("character 11: no conversion after the name; {conversions}")),
        ("%", "%(name)10", format!("character 10: no conversion after the name; {conversions}")),
        ("%", "no fields", "character 1: no field in the pattern; name at least one, such as message".into()),
        ("%", "50% %(name)s", "character 3: a % that begins no field; write %% for a percent sign, and a field as %(name)s".into()),
        ("%", "%(name", "character 7: the name has no end; write a field as %(name)s".into()),
        ("%", "%()s", "character 3: no name of a field; name one, such as message".into()),
        ("%", "%(message)d", "character 3: message is text and no number; use s or r".into()),
        ("%", "%(lineno)*d", "character 10: a width that is not in the pattern; write it as a number".into()),
        ("%", "%(lineno).3d", "character 3: a precision for a whole number; use a width with zeros, such as 06d".into()),
        ("%", "%(name)70000s", "character 8: a width or precision that is too large; use 1000 or less".into()),
        ("%", "%(threadname)s", "character 3: no attribute is spelt threadname; write threadName".into()),
        (
            "%",
            "%(message)s %(exc_text)s",
            "character 15: exc_text does not exist here; errors are values in Rust: log them as a key's value, and use that key or \
             key_values"
                .into(),
        ),
        ("{", "{process", "character 9: the field has no end; write } behind it, and {{ for a brace".into()),
        ("{", "process}", "character 8: a } that ends no field; write }} for a brace".into()),
        ("{", "{name-thing}", "character 6: no name of a field: \"name-thing\"; a name has letters, digits, _ and .".into()),
        ("{", "{levelname!Z}", "character 12: unknown conversion `Z`; use !s or !r".into()),
        ("{", "{lineno:q}", "character 9: unknown type `q`; use s, d, f, x, X, o or none".into()),
        ("{", "{lineno!s:d}", "character 11: a number's type for what !s or !r made text of; leave one of them out".into()),
        ("{", "{created:.3}", "character 2: a precision for a number without a type; write f behind it".into()),
        ("{", "{name:=8}", "character 2: name is text and has no sign; align it with <, > or ^".into()),
        ("{", "{}", "character 2: no name of a field; name one, such as message".into()),
        ("{", "{name:8d}", "character 2: name is text and no number; use s or r".into()),
        (
            "{",
            "{name:8s8}",
            "character 9: no end of the field; end it with }, and write at most `[[fill]align][sign][#][0][width][,][.precision][type]` \
             behind its colon"
                .into(),
        ),
        ("$", "bar $", "character 5: a $ that begins no field; write $$ for a dollar sign".into()),
        ("$", "a ${asctime", "character 3: the field has no end; write } behind its name".into()),
        (
            "$",
            "$taskName",
            "character 2: taskName does not exist here; records know their thread, not their task; log the task as a key's value, \
             and use that key"
                .into(),
        ),
    ];
    for (style, pattern, expected) in rows {
        let construct = STYLES.iter().find(|(name, _)| *name == style).unwrap().1;
        let error = construct(pattern).unwrap_err();
        let problem = &error.problems()[0];
        assert_eq!((problem.field.as_str(), &problem.value), ("pattern", &format!("{pattern:?}")));
        assert_eq!(problem.remedy, expected, "{pattern}");
    }
}

#[test]
fn fields_of_every_shape() {
    let key_values = [
        ("n", Value::I64(-1_234_567)),
        ("x", Value::F64(2.5)),
        ("nan", Value::F64(f64::NAN)),
        ("inf", Value::F64(f64::NEG_INFINITY)),
        ("big", Value::U128(u128::MAX)),
        ("who", Value::Str("it's")),
        ("http.status", Value::U64(200)),
        ("n", Value::I64(-7)),
    ];
    let record = ByHand { key_values: &key_values, level: Level::Info, ..ByHand::default() };
    let rows = [
        ("%(n)s %(n)d %(n)+d %(n)5d|%(n)-5d|%(n)05d", "-7 -7 -7    -7|-7   |-0007"),
        ("%(x)d %(x)f %(x).1f %(x)08.3f", "2 2.500000 2.5 0002.500"),
        ("%(nan)f %(nan)5.1f %(inf)f %(nan)s %(inf)s", "nan   nan -inf NaN -inf"),
        ("%(nan)d %(inf)d", "NaN -inf"),
        ("%(thread)x %(thread)X %(thread)o %(thread)04x", "8c 8C 214 008c"),
        // Compared with CPython 3.13.
        ("%(thread)#x %(thread)#X %(thread)#o %(n)#x", "0x8c 0X8C 0o214 -0x7"),
        ("%(thread)#08X|%(thread)#8x|%(thread)-#8x|%(thread)#d", "0X00008C|    0x8c|0x8c    |140"),
        ("%(x)#.0f %(x).0f %(who)#s", "2. 2 it's"),
        ("%(who)r %(who).2s| %(who)6.2s|", "\"it's\" it|     it|"),
        ("%(http.status)d", "200"),
        ("%(big)s %(big)d", &format!("{0} {0}", u128::MAX)),
        ("%(missing)s %(missing)4d|%(missing)-4s|", "-    -|-   |"),
        (
            "%(key_values)s",
            "x=2.5 nan=NaN inf=-inf big=340282366920938463463374607431768211455 who=it's http.status=200 n=-7",
        ),
        ("%(levelname)s %(levelno)3d", "INFO  20"),
        ("%(asctime)s.%(msecs)03d", "2023-03-05 20:35:20,123.123"),
    ];
    for (pattern, expected) in rows {
        assert_eq!(percent(pattern, record), expected, "{pattern}");
    }
    let rows = [
        ("{n:,}|{n:>6}|{n:<6}|{n:^6}|{n:=6}|{n:06}", "-7|    -7|-7    |  -7  |-    7|-00007"),
        ("{thread:+}|{thread: d}|{lineno:_}", "+140| 140|42"),
        ("{thread:#x}|{thread:#010X}|{thread:=#8o}|{thread:+#x}", "0x8c|0X0000008C|0o   214|+0x8c"),
        ("{created:,.2f}|{created:.0f}", "1,678,048,520.12|1678048520"),
        ("{levelname:ä>6}|{levelname:08}|{levelname:.2}", "ääINFO|INFO0000|IN"),
        ("{who!r:>8}|{who!s:.2}", "  \"it's\"|it"),
        ("{http.status:x}", "c8"),
        ("{{{name}}}", "{app.db}"),
    ];
    for (pattern, expected) in rows {
        assert_eq!(brace(pattern, record), expected, "{pattern}");
    }
}

#[test]
fn groups_of_three_digits() {
    for (n, expected) in [(0, "0"), (999, "999"), (-1000, "-1,000"), (1_234_567, "1,234,567"), (100_000, "100,000")] {
        let record = ByHand { key_values: &[("n", Value::I64(n))], ..ByHand::default() };
        assert_eq!(brace("{n:,}", record), expected);
    }
}

#[test]
fn records_cannot_forge_lines_but_patterns_can_have_some() {
    let record = ByHand {
        message: "a\nb\u{1b}[31m",
        logger: "x\ny",
        thread: "t\u{7}",
        key_values: &[("k", Value::Str("1\n2"))],
        ..ByHand::default()
    };
    let pattern = "%(name)s\n%(message)12s %(threadName)s %(k)s %(message)r";
    let expected = "x\\ny\na\\nb\\u{1b}[31m t\\u{7} 1\\n2 'a\\nb\\x1b[31m'";
    assert_eq!(percent(pattern, record), expected);
    let mut raw = FemtoPatternFormatter::percent("%(message)s").unwrap().escape(false);
    assert_eq!(text(&mut raw, record), "a\nb\u{1b}[31m");
}

#[test]
fn defaults_and_level_names() {
    let formatter = FemtoPatternFormatter::dollar("$levelname $user ${user-id}").unwrap();
    let mut formatter = formatter.defaults([("user", "nobody"), ("unused", "x")]);
    assert_eq!(text(&mut formatter, ByHand::default()), "WARN nobody -");
    let record = ByHand { key_values: &[("user", Value::Str("ada")), ("user-id", Value::U64(7))], ..ByHand::default() };
    assert_eq!(text(&mut formatter, record), "WARN ada 7");
    let mut formatter = formatter.python_level_names(true);
    let names = Level::ALL.map(|level| text(&mut formatter, ByHand { level, ..record }));
    let expected = ["TRACE", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"].map(|name| format!("{name} ada 7"));
    assert_eq!(names, expected);
}

#[test]
fn spans() {
    let spans = [("request", 3), ("lo\nad", 4)];
    let record = ByHand { spans: &spans, ..ByHand::default() };
    assert_eq!(
        percent("%(spans)s|%(spans)20.9s|%(span_id)03d|%(key_values)s", record),
        r"request:lo\nad|           request:l|004|"
    );
    assert_eq!(brace("{spans!r} {span_id:>3}", record), r"'request:lo\nad'   4");
    let key_values = [("span_id", Value::Str("00f0")), ("spans", Value::U64(7))];
    let record = ByHand { key_values: &key_values, ..record };
    assert_eq!(percent("%(spans)s %(span_id)s", record), r"request:lo\nad 00f0");
    let mut formatter = FemtoPatternFormatter::dollar("$spans $span_id").unwrap();
    assert_eq!(text(&mut formatter, ByHand::default()), "- -");
    assert_eq!(text(&mut formatter.defaults([("span_id", "none")]), ByHand::default()), "- none");
}

#[test]
fn values_of_values() {
    let list = ByHand::list([Value::U64(1), Value::Str("a\n")]);
    let map = ByHand::map([("a", Value::U64(1)), ("list", list.get()), ("a", Value::Bytes(&[0x1b]))]);
    let record = ByHand { key_values: &[("map", map.get()), ("list", list.get())], ..ByHand::default() };
    assert_eq!(percent("%(map)s %(list)12s", record), r#"{"list":[1,"a\n"],"a":1b}    [1,"a\n"]"#);
    assert_eq!(brace("{list!r} {key_values}", record), r#"'[1,"a\\n"]' map={"list":[1,"a\n"],"a":1b} list=[1,"a\n"]"#);
}

#[test]
fn times_keep_up_with_the_second() {
    let mut formatter = FemtoPatternFormatter::dollar("$asctime").unwrap().datefmt("%M:%S.%9f %3f%%").unwrap();
    let mut at = |nanos| text(&mut formatter, ByHand { timestamp: Timestamp::from_nanos(nanos), ..ByHand::default() });
    assert_eq!(at(0), "00:00.000000000 000%");
    assert_eq!(at(999_999_999), "00:00.999999999 999%");
    assert_eq!(at(1_000_000_007), "00:01.000000007 000%");
    assert_eq!(at(-1), "59:59.999999999 999%");
    assert_eq!(at(61_500_000_000), "01:01.500000000 500%");
}

proptest! {
    #[test]
    fn no_pattern_panics_and_no_control_character_comes_through(
        pattern in r"[ -~äé😀]{0,40}|(%\((name|message|msecs|k|lineno|spans)\)[-+ 0]{0,3}[0-9]{0,2}(\.[0-9])?[srdfxo]){1,3}|(\{(name|message|k|created)(![sr])?(:[ -z]?[<>=^]?[-+]?0?[0-9]{0,2},?(\.[0-9])?[sdfx]?)?\}){1,3}",
        message: String, value in any_value(), number: f64, span: String,
    ) {
        let (key_values, spans) = ([("k", value.get()), ("n", Value::F64(number))], [(span.as_str(), 1)]);
        let record = ByHand { message: &message, spans: &spans, key_values: &key_values, ..ByHand::default() };
        for (_, construct) in STYLES {
            if let Ok(mut formatter) = construct(&pattern) {
                let line = text(&mut formatter, record);
                prop_assert!(!line.contains(crate::text::is_harmful), "{line:?}");
            }
        }
    }

    #[test]
    fn whole_numbers_are_padded_as_format_does(n: i64, width in 0..30_usize) {
        let record = ByHand { key_values: &[("n", Value::I64(n))], ..ByHand::default() };
        prop_assert_eq!(percent(&format!("%(n){width}d"), record), format!("{n:width$}"));
        prop_assert_eq!(percent(&format!("%(n)0{width}d"), record), format!("{n:0width$}"));
        prop_assert_eq!(brace(&format!("{{n:+0{width}d}}"), record), format!("{n:+0width$}"));
        prop_assert_eq!(brace(&format!("{{n:*^{width}}}"), record), format!("{n:*^width$}"));
    }
}

#[test]
fn colours_are_fields() {
    let pattern = "%(dim_color)s%(levelno)d%(reset_color)s %(level_color)s%(levelname)-9s%(reset_color)s%(message)s";
    let record = ByHand { message: "m", ..ByHand::default() };
    let formatter = FemtoPatternFormatter::percent(pattern).unwrap();
    let write = |mut formatter: FemtoPatternFormatter| {
        let mut out = Vec::new();
        // With and without a plan.
        for _ in 0..4 {
            out.clear();
            record.with(|record| formatter.format(record, &mut out));
        }
        String::from_utf8(out).unwrap()
    };
    assert_eq!(write(formatter.clone()), "30 WARN     m");
    assert_eq!(write(formatter.color(true)), "\u{1b}[2m30\u{1b}[0m \u{1b}[33mWARN     \u{1b}[0mm");
}
