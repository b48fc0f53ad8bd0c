use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::formatter::FemtoPatternFormatter;
use crate::record::by_hand::ByHand;
use crate::time::Timestamp;

fn text(mut formatter: FemtoSyslogFormatter, record: ByHand<'_>) -> String {
    let mut out = b"before".to_vec();
    record.with(|record| formatter.format(record, &mut out));
    String::from_utf8(out).unwrap().strip_prefix("before").unwrap().to_owned()
}

/// With names that do not depend on the machine.
fn rfc5424() -> FemtoSyslogFormatter {
    FemtoSyslogFormatter::rfc5424().hostname("web1").ident("shop").procid("4711")
}

fn rfc3164() -> FemtoSyslogFormatter {
    FemtoSyslogFormatter::rfc3164().hostname("web1").ident("shop").procid("4711")
}

const HEADER: &str = "<12>1 2023-03-05T20:35:20.123456Z web1 shop 4711 app.db";

#[test]
fn every_row_of_the_conformance_data() {
    let data = include_str!("../../../tests/data/syslog_pri.tsv");
    let mut rows = 0;
    for row in data.lines().skip(1) {
        let columns: Vec<&str> = row.split('\t').collect();
        let [facility, level, priority] = columns[..] else { panic!("{row}") };
        let record = ByHand { level: level.parse().unwrap(), ..ByHand::default() };
        for formatter in [rfc5424(), rfc3164(), FemtoSyslogFormatter::python()] {
            let found = text(formatter.facility(facility.parse().unwrap()), record);
            assert!(found.starts_with(&format!("<{priority}>")), "{row}: {found}");
        }
        rows += 1;
    }
    assert_eq!(rows, 24 * 6);
}

#[test]
fn facilities_have_their_names() {
    for (number, facility) in (0..).zip(SyslogFacility::ALL) {
        assert_eq!(facility.number(), number);
        assert_eq!(facility.to_string().to_uppercase().parse::<SyslogFacility>().unwrap(), facility);
    }
    let error = "local8".parse::<SyslogFacility>().unwrap_err().to_string();
    assert!(error.starts_with("invalid configuration: `facility` = \"local8\": use one of: kern, user,"), "{error}");
}

#[test]
fn rfc_5424() {
    assert_eq!(text(rfc5424(), ByHand::default()), format!("{HEADER} - retry 3 of five"));
    let trace = ByHand { level: Level::Trace, ..ByHand::default() };
    assert!(text(rfc5424().severity(Level::Trace, 9), trace).starts_with("<15>1 "));
    let nothing = FemtoSyslogFormatter::rfc5424().hostname("").ident("").procid("").msgid("").digits(0);
    let empty = ByHand { message: "", ..ByHand::default() };
    assert_eq!(text(nothing, empty), "<12>1 2023-03-05T20:35:20Z - - - - - ");
    let odd = FemtoSyslogFormatter::rfc5424().hostname("büro 1").ident("a\nb").procid("p q").msgid("m\u{7f}").digits(9);
    assert_eq!(text(odd, empty), "<12>1 2023-03-05T20:35:20.123456Z b_ro_1 a_b p_q m_ - ");
    let long = "x".repeat(300);
    let cut = FemtoSyslogFormatter::rfc5424().hostname(&*long).ident(&*long).procid(&long);
    let [host, ident, procid, msgid] = [255, 48, 128, 32].map(|length| "x".repeat(length));
    let record = ByHand { logger: &long, ..empty };
    assert_eq!(text(cut, record), format!("<12>1 2023-03-05T20:35:20.123456Z {host} {ident} {procid} {msgid} - "));
}

#[test]
fn structured_data() {
    let rows = [
        ("port", Value::U64(8080), r#"port="8080""#),
        ("path", Value::Str(r#"C:\a "b" [c]"#), r#"path="C:\\a \"b\" [c\]""#),
        ("none", Value::Null, r#"none="null""#),
        ("text", Value::Str("größe"), r#"text="größe""#),
        ("lines", Value::Str("a\nb\u{1b}\u{85}"), r#"lines="a\\nb\\u{1b}\\u{85}""#),
        ("quote", Value::Char('"'), r#"quote="\"""#),
        ("span", Value::Duration(Duration::from_micros(1500)), r#"span="1.5ms""#),
        ("secret", Value::Secret, r#"secret="***""#),
        ("http.status", Value::U64(200), r#"http.status="200""#),
        ("a=b]c\"d e\nf", Value::Bool(true), r#"a_b_c_d_e_f="true""#),
        ("größe", Value::Bool(true), r#"gr__e="true""#),
        ("", Value::Bool(true), r#"_="true""#),
        ("abcdefghijklmnopqrstuvwxyz0123456789", Value::U64(1), r#"abcdefghijklmnopqrstuvwxyz012345="1""#),
    ];
    for (key, value, expected) in rows {
        let found = text(rfc5424(), ByHand { key_values: &[(key, value)], ..ByHand::default() });
        assert_eq!(found, format!("{HEADER} [fields@32473 {expected}] retry 3 of five"));
    }
    let twice = [("a", Value::U64(1)), ("b", Value::U64(2)), ("a", Value::U64(3))];
    let found = text(rfc5424().sd_id("s p@1]"), ByHand { key_values: &twice, ..ByHand::default() });
    assert_eq!(found, format!("{HEADER} [s_p@1_ b=\"2\" a=\"3\"] retry 3 of five"));
    let raw = [("lines", Value::Str("a\nb"))];
    let found = text(rfc5424().escape(false), ByHand { key_values: &raw, message: "c\nd", ..ByHand::default() });
    assert_eq!(found, format!("{HEADER} [fields@32473 lines=\"a\nb\"] c\nd"));
}

#[test]
fn a_byte_order_mark_stands_before_what_is_not_ascii() {
    let record = ByHand { message: "größe", ..ByHand::default() };
    assert_eq!(text(rfc5424(), record), format!("{HEADER} - \u{feff}größe"));
    assert_eq!(text(rfc5424().bom(false), record), format!("{HEADER} - größe"));
    // Neither format of old knows of it.
    assert_eq!(text(rfc3164(), record), "<12>Mar  5 20:35:20 web1 shop[4711]: größe");
    assert_eq!(text(FemtoSyslogFormatter::python(), record), "<12>größe\0");
}

#[test]
fn rfc_3164() {
    let key_values = [("port", Value::U64(8080)), ("who", Value::Str("a b"))];
    let record = ByHand { key_values: &key_values, message: "up\n", ..ByHand::default() };
    assert_eq!(text(rfc3164(), record), r#"<12>Mar  5 20:35:20 web1 shop[4711]: up\n port=8080 who="a b""#);
    let timestamp = Timestamp::from_nanos(1_773_304_200_123_456_000);
    let later = ByHand { timestamp, ..ByHand::default() };
    assert_eq!(text(rfc3164(), later), "<12>Mar 12 08:30:00 web1 shop[4711]: retry 3 of five");
    assert_eq!(text(rfc3164().hostname(""), later), "<12>Mar 12 08:30:00 shop[4711]: retry 3 of five");
    let odd = rfc3164().hostname("a b").ident("my shop: [ü]");
    assert_eq!(text(odd, later), "<12>Mar 12 08:30:00 a_b my_shop___ü_[4711]: retry 3 of five".replace('ü', "_"));
}

#[test]
fn what_cpython_sends() {
    let python = FemtoSyslogFormatter::python;
    assert_eq!(text(python(), ByHand::default()), "<12>retry 3 of five\0");
    assert_eq!(text(python().ident("shop: ").append_nul(false), ByHand::default()), "<12>shop: retry 3 of five");
    let key_values = [("port", Value::U64(8080))];
    let record = ByHand { key_values: &key_values, ..ByHand::default() };
    assert_eq!(text(python(), record), "<12>retry 3 of five port=8080\0");
    let pattern = FemtoPatternFormatter::brace("{levelname} {name}: {message}").unwrap();
    assert_eq!(text(python().message(pattern), record), "<12>WARN app.db: retry 3 of five\0");
}

#[cfg(feature = "local-time")]
#[test]
fn times_of_other_zones() {
    let zone = |formatter: FemtoSyslogFormatter| formatter.time_zone("Europe/Berlin").unwrap();
    assert!(text(zone(rfc3164()), ByHand::default()).starts_with("<12>Mar  5 21:35:20 web1 "));
    assert!(text(zone(rfc5424()), ByHand::default()).starts_with("<12>1 2023-03-05T21:35:20.123456+01:00 web1 "));
}

/// Reads a message of RFC 5424 as its grammar has it (section 6).
struct Parsed {
    header: Vec<String>,
    params: Vec<(String, String)>,
    message: String,
}

fn parse(text: &str) -> Parsed {
    let mut fields = text.splitn(7, ' ');
    let header: Vec<String> = fields.by_ref().take(6).map(str::to_owned).collect();
    let mut rest = fields.next().unwrap();
    let mut params = Vec::new();
    if let Some(after) = rest.strip_prefix("-") {
        rest = after;
    } else {
        rest = rest.strip_prefix("[fields@32473").unwrap();
        while let Some(param) = rest.strip_prefix(' ') {
            let (name, after) = param.split_once("=\"").unwrap();
            let mut value = String::new();
            let mut chars = after.chars();
            loop {
                match chars.next().unwrap() {
                    '"' => break,
                    '\\' => value.push(chars.next().unwrap()),
                    ']' => panic!("a bare ]"),
                    c => value.push(c),
                }
            }
            params.push((name.to_owned(), value));
            rest = chars.as_str();
        }
        rest = rest.strip_prefix(']').unwrap();
    }
    let message = rest.strip_prefix(' ').unwrap();
    Parsed { header, params, message: message.strip_prefix('\u{feff}').unwrap_or(message).to_owned() }
}

proptest! {
    #[test]
    fn anything_comes_back(
        logger: String, message: String, escape: bool, nanos: i64,
        pairs in prop::collection::vec((any::<String>(), any::<String>()), 0..8),
    ) {
        let key_values: Vec<_> = pairs.iter().map(|(key, value)| (key.as_str(), Value::Str(value))).collect();
        let timestamp = Timestamp::from_nanos(nanos);
        let record = ByHand { logger: &logger, message: &message, key_values: &key_values, timestamp, ..ByHand::default() };
        let line = text(rfc5424().escape(escape), record);
        let seen = |text: &str| {
            let mut out = Vec::new();
            if escape { push_escaped(&mut out, text) } else { out.extend_from_slice(text.as_bytes()) }
            String::from_utf8(out).unwrap()
        };
        prop_assert!(!escape || !line.contains(is_harmful), "{line:?}");
        let parsed = parse(&line);
        prop_assert_eq!(&parsed.header[..5], ["<12>1", &timestamp.to_string(), "web1", "shop", "4711"]);
        prop_assert!((1..=32).contains(&parsed.header[5].len()) && parsed.header[5].bytes().all(|byte| byte.is_ascii_graphic()));
        prop_assert_eq!(parsed.message, seen(&message));
        let last = pairs.iter().enumerate().filter(|(at, (key, _))| !pairs[at + 1..].iter().any(|(later, _)| later == key));
        let (names, values): (Vec<_>, Vec<_>) = parsed.params.into_iter().unzip();
        prop_assert_eq!(values, last.map(|(_, (_, value))| seen(value)).collect::<Vec<_>>());
        for name in names {
            let legal = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'=' | b']' | b'"');
            prop_assert!((1..=32).contains(&name.len()) && name.bytes().all(legal), "{name:?}");
        }
    }
}
