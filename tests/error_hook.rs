//! What the error hook gets to see: every trouble once, by source, in a row at most five times.

mod common;

use std::io::ErrorKind;
use std::sync::{Arc, Mutex};

use common::{LONG, Scripted, Step};
use femtologging::handler::FemtoNullHandler;
use femtologging::{Config, FemtoStreamHandler, info};

#[test]
fn the_hook_sees_troubles_with_their_source() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = seen.clone();
    femtologging::set_error_hook(move |source, message| {
        // What the hook logs is counted, and no trouble of its own.
        sink.lock().unwrap().push(format!("{source}|{message}"));
    });
    let fail = |text| Step::Fail(ErrorKind::Other, text);
    let first = Scripted::new([fail("line\nbreak"), Step::Panic]);
    let second = Scripted::new((0..8).map(|_| fail("again")));
    let logging = Config::builder()
        .add_handler("first", FemtoStreamHandler::builder(first).build().unwrap())
        .add_handler("second", FemtoStreamHandler::builder(second).build().unwrap())
        .add_handler("null", FemtoNullHandler)
        .build()
        .unwrap();
    let logger = logging.get_logger("app").unwrap();
    for n in 0..9 {
        info!(logger: logger, "{}", n);
        let _ = logging.flush(LONG);
    }
    // A configuration's error is its caller's to report.
    assert!(Config::builder().root_handlers(["x"]).build().is_err());
    logging.shutdown(LONG).unwrap();

    let mut seen = seen.lock().unwrap().clone();
    seen.sort();
    let expected = [
        "first|line\\nbreak",
        "first|panicked in `deliver`: expected by this test",
        "second|again",
        "second|again",
        "second|again",
        "second|again",
        "second|again",
    ];
    assert_eq!(seen, expected);
    let metrics = logging.metrics();
    let errors = ["first", "second", "null"].map(|name| metrics.handler(name).unwrap().errors);
    assert_eq!(errors, [2, 8, 0]);
}
