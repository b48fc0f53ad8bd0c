//! More calls than the handler that feeds `tracing` remembers.
#![cfg(feature = "tracing")]

mod common;

use common::{LONG, Scripted};
use femtologging::bridge::FemtoTracingHandler;
use femtologging::handler::FemtoHandlerExt;
use femtologging::{Config, Level, info, warn};
use tracing::Dispatch;

/// How many calls it remembers.
const MOST: usize = 4096;

#[test]
fn calls_beyond_have_their_source_in_fields() {
    let text = Scripted::default();
    let writer = text.clone();
    let subscriber =
        tracing_subscriber::fmt().without_time().with_ansi(false).with_writer(move || writer.clone()).finish();
    let handler = FemtoTracingHandler::new(Dispatch::new(subscriber)).configure().build().unwrap();
    let logging = Config::builder().default_level(Level::Info).add_handler("tracing", handler).build().unwrap();
    let logger = logging.get_logger("root").unwrap();
    for n in 0..MOST + 2 {
        let target = format!("target-{n}");
        info!(logger: logger, target: &target, "{}", n; n, half = 0.5);
    }
    let line = line!() + 1;
    warn!(logger: logger, target: "beyond", "no keys");
    info!(logger: logger, target: "target-0", "another call");
    info!(logger: logger, "as many fields"; a = 1, b = 2, c = 3, d = 4, e = 5);
    logging.flush(LONG).unwrap();

    let text = text.text();
    let mut lines = text.lines().map(str::trim);
    for n in 0..MOST {
        assert_eq!(lines.next(), Some(&*format!("INFO target-{n}: {n} n={n} half=0.5")));
    }
    let place = |line| format!("module_path=\"bridge_tracing_many\" file={:?} line={line}", file!());
    for n in MOST..MOST + 2 {
        let place = place(line - 3);
        let expected = format!("INFO femtologging: {n} key_values=\"n={n} half=0.5\" target=\"target-{n}\" {place}");
        assert_eq!(lines.next(), Some(&*expected));
    }
    let expected = [
        format!("WARN femtologging: no keys key_values=\"\" target=\"beyond\" {}", place(line)),
        format!("INFO femtologging: another call key_values=\"\" target=\"target-0\" {}", place(line + 1)),
        format!(
            "INFO femtologging: as many fields key_values=\"a=1 b=2 c=3 d=4 e=5\" target=\"root\" {}",
            place(line + 2)
        ),
    ];
    assert_eq!(lines.collect::<Vec<_>>(), expected);
}
