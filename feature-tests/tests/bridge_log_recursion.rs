//! Records of `log` that lead back to where they come from.
#![cfg(feature = "log")]

mod common;

use std::sync::{Arc, Mutex};

use common::LONG;
use femtologging::bridge::{FemtoLogHandler, LogBridge, init_log};
use femtologging::handler::{Batch, FemtoCaptureHandler, FemtoHandler};
use femtologging::metrics::DropReason;
use femtologging::{Config, Error, FemtoLogRecord, Level, info};
use log::Log;

/// Says through `log` what it does.
struct Talker;

impl FemtoHandler for Talker {
    fn handle(&mut self, record: &FemtoLogRecord<'_>, _: &mut Batch) -> Result<(), Error> {
        log::info!(length = 1; "handling {}", record.message());
        Ok(())
    }
}

// One test: there is one logger of `log`.
#[test]
fn nothing_goes_round_in_circles() {
    let reports = Arc::new(Mutex::new(Vec::new()));
    let notes = reports.clone();
    femtologging::set_error_hook(move |source, message| notes.lock().unwrap().push(format!("{source}: {message}")));
    let capture = FemtoCaptureHandler::new();
    Config::builder()
        .default_level(Level::Info)
        .add_handler("capture", capture.clone())
        .add_handler("talker", Talker)
        .add_handler("log", FemtoLogHandler::new())
        // The bridge behind another logger, such as one that passes records on to several.
        .add_handler("hidden", FemtoLogHandler::to(LogBridge))
        .build_and_init()
        .unwrap();
    init_log().unwrap();

    log::info!("through log");
    info!("through our own macro");
    let error = femtologging::flush(LONG).unwrap_err().to_string();
    assert_eq!(error, "`handlers.log`: 2 records could not be written");
    assert_eq!(capture.messages(), ["through log", "through our own macro"]);

    for handler in femtologging::metrics().handlers {
        let failed = if handler.name == "log" { 2 } else { 0 };
        // `talker` and `hidden` log both records once more, and every handler drops what these threads log.
        assert_eq!((handler.failed, handler.written), (failed, 2 - failed), "{}", handler.name);
        assert_eq!(handler.dropped.by_reason(DropReason::Reentrant), 4, "{}", handler.name);
        assert_eq!(handler.dropped.total(), 4, "{}", handler.name);
        assert_eq!(handler.emitted, 6, "{}", handler.name);
    }
    assert!(reports.lock().unwrap().iter().any(|report| report.contains("the bridge back to here")));
    LogBridge.flush();
}
