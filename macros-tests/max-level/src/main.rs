//! Logs at every level and prints which levels were compiled in, evaluated, enabled, and arrived at a handler.
//!
//! `tests/max_level.rs` builds this with every feature, runs it, and searches the binary for the `zqx` literals.

use std::sync::Mutex;
use std::time::Duration;

use femtologging::{
    Config, FemtoCaptureHandler, FemtoLogger, Level, LevelFilter, STATIC_MAX_LEVEL, critical, debug, error, info, log,
    trace, warn,
};

static EVALUATED: Mutex<Vec<Level>> = Mutex::new(Vec::new());

/// An argument with a side effect.
fn note(level: Level, text: &'static str) -> &'static str {
    EVALUATED.lock().unwrap().push(level);
    text
}

macro_rules! log_all {
    ($logger:ident; $($macro:ident $level:ident $template:literal $argument:literal $target:literal $key:ident $inline:literal;)*) => {$({
        $macro!(logger: $logger, target: $target, $template, note(Level::$level, $argument); $key = 1);
        $macro!(logger: $logger, $inline);
        $macro!(target: $target, $inline; $key:? = [1]);
    })*};
}

fn log_at_every_level(logger: &FemtoLogger) {
    let shown = 1;
    log_all! { logger;
        trace Trace "zqx-trace-template {}" "zqx-trace-argument" "zqx-trace-target" zqx_trace_key "zqx-trace-inline {shown}";
        debug Debug "zqx-debug-template {}" "zqx-debug-argument" "zqx-debug-target" zqx_debug_key "zqx-debug-inline {shown}";
        info Info "zqx-info-template {}" "zqx-info-argument" "zqx-info-target" zqx_info_key "zqx-info-inline {shown}";
        warn Warn "zqx-warn-template {}" "zqx-warn-argument" "zqx-warn-target" zqx_warn_key "zqx-warn-inline {shown}";
        error Error "zqx-error-template {}" "zqx-error-argument" "zqx-error-target" zqx_error_key "zqx-error-inline {shown}";
        critical Critical "zqx-critical-template {}" "zqx-critical-argument" "zqx-critical-target" zqx_critical_key
            "zqx-critical-inline {shown}";
    }
}

fn words(levels: impl IntoIterator<Item = Level>) -> String {
    levels.into_iter().map(|level| level.to_string()).collect::<Vec<_>>().join(" ")
}

fn main() -> Result<(), femtologging::Error> {
    let (capture, run_time) = (FemtoCaptureHandler::new(), FemtoCaptureHandler::new());
    let config = |capture: &FemtoCaptureHandler| {
        Config::builder().default_level(LevelFilter::Trace).add_handler("capture", capture.clone())
    };
    let logging = config(&capture).build()?;
    config(&run_time).build_and_init()?;
    log_at_every_level(&logging.get_logger("app")?);
    let patience = Duration::from_secs(60);
    logging.shutdown(patience)?;
    for level in Level::ALL {
        log!(level, target: "dynamic", "at run time");
    }
    femtologging::shutdown(patience)?;

    let evaluated = std::mem::take(&mut *EVALUATED.lock().unwrap());
    let mut arrived: Vec<_> = capture.records().iter().map(|record| record.level()).collect();
    let all = arrived.len();
    arrived.dedup();
    let dynamic = run_time.matching(|record| record.target() == "dynamic");
    println!("static {STATIC_MAX_LEVEL}");
    println!("evaluated {}", words(evaluated));
    println!("arrived {} in {all}", words(arrived));
    println!("dynamic {}", words(dynamic.iter().map(|record| record.level())));
    Ok(())
}
