//! Formatters write a call site's later records from a plan. Records of macros, whose messages are literals with values, closures and texts,
//! come out as from a formatter that has no plan for them.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use femtologging::formatter::{FemtoFormatter, FemtoLogfmtFormatter, FemtoPatternFormatter, JsonSchema};
use femtologging::{
    Config, FemtoJsonFormatter, FemtoLogRecord, FemtoStreamHandler, Level, context, error, info, info_span, log, warn,
};

/// The text of a formatter with plans, and of a new one of the same settings.
type Texts = Arc<Mutex<Vec<(String, String)>>>;

fn compare<F: FemtoFormatter + Clone>(formatter: &mut F, record: &FemtoLogRecord<'_>, texts: &Texts) {
    let (mut planned, mut anew) = (Vec::new(), Vec::new());
    formatter.clone().format(record, &mut anew);
    formatter.format(record, &mut planned);
    let [planned, anew] = [planned, anew].map(|text| String::from_utf8(text).unwrap());
    texts.lock().unwrap().push((planned, anew));
}

#[test]
fn records_of_macros() {
    let texts = Texts::default();
    let (mut json, mut logfmt) = (FemtoJsonFormatter::new(), FemtoLogfmtFormatter::new());
    let (mut ecs, mut gelf) = (json.clone().schema(JsonSchema::Ecs), json.clone().schema(JsonSchema::Gelf));
    let pattern = "{asctime} {threadName} {name} {b} {message} {a} {message!r:>30} {key_values} {user_id}";
    let mut pattern = FemtoPatternFormatter::brace(pattern).unwrap();
    let collected = texts.clone();
    let handler =
        FemtoStreamHandler::builder(io::sink()).formatter(move |record: &FemtoLogRecord<'_>, _: &mut Vec<u8>| {
            for formatter in [&mut json, &mut ecs, &mut gelf] {
                compare(formatter, record, &collected);
            }
            compare(&mut logfmt, record, &collected);
            compare(&mut pattern, record, &collected);
        });
    let logging =
        Config::builder().default_level(Level::Trace).add_handler("compare", handler.build().unwrap()).build().unwrap();
    let (app, db) = (logging.get_logger("app").unwrap(), logging.get_logger("db").unwrap());
    let mut logged = 0;
    for i in 0..6_u64 {
        let text = format!("te\"xt\n{i}");
        let name = text.as_str();
        let some = i.is_multiple_of(2).then_some(i);
        let user = i.is_multiple_of(3).then_some("ada");
        let mut calls = || {
            info!(logger: app, "no values");
            info!(logger: app, "no values, keys"; a = i, b = name, "odd key\n" = -(i as i64), a = 2);
            warn!(logger: app, "{} of {}: {}", i, name, i as f64 / 3.0; a = some, b = 0.5, user_id = i);
            warn!(logger: app, "{}", if i == 3 { "" } else { name }; user_id = user);
            error!(logger: app, "{:>5} of {:?} {0}", i, name; b = i % 2 == 0, a:? = some, c:% = name);
            error!(logger: app, "captured {name} {i}"; b = name, b = i, list = vec![i, 2]);
            log!(logger: app, if i % 3 == 0 { Level::Info } else { Level::Error }, "level {}", i; a = i);
            let logger = if i % 2 == 0 { &app } else { &db };
            info!(logger: logger, "logger {}", i; a = i);
            logged += 8;
        };
        calls();
        context! { user_id = i; { calls() } };
        info_span!("load").in_scope(&mut calls);
        calls();
    }
    logging.flush(Duration::from_secs(60)).unwrap();
    let texts = texts.lock().unwrap();
    assert!(texts.len() >= 5 * logged, "{} of {}", texts.len(), 5 * logged);
    for (planned, anew) in texts.iter() {
        assert_eq!(planned, anew);
    }
}
