//! Logs at every level and prints which levels were compiled in, evaluated, enabled, and arrived at a handler.
//!
//! `tests/max_level.rs` builds this with every feature, runs it, and searches the binary for the `zqx` literals.

use std::sync::Mutex;
use std::time::Duration;

use femtologging::handler::FemtoCaptureHandler;
use femtologging::policy::SpanEvents;
use femtologging::{
    Config, FemtoLogger, Level, LevelFilter, STATIC_MAX_LEVEL, critical, critical_span, debug, debug_span, error,
    error_span, info, info_span, log, trace, trace_span, warn, warn_span,
};

static EVALUATED: Mutex<Vec<Level>> = Mutex::new(Vec::new());

/// How many blocks of spans have run.
static BLOCKS: Mutex<usize> = Mutex::new(0);

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

macro_rules! span_all {
    ($($macro:ident $name:literal $target:literal $key:ident $value:literal;)*) => {$({
        let length = $macro!(target: $target, $name; $key = $value; {
            *BLOCKS.lock().unwrap() += 1;
            3
        });
        assert_eq!(length, 3);
        let _guard = $macro!($name, $key:? = $value).enter();
    })*};
}

fn enter_every_span() {
    span_all! {
        trace_span "zqx-trace-span" "zqx-trace-spans-target" zqx_trace_spans_key "zqx-trace-spans-value";
        debug_span "zqx-debug-span" "zqx-debug-spans-target" zqx_debug_spans_key "zqx-debug-spans-value";
        info_span "zqx-info-span" "zqx-info-spans-target" zqx_info_spans_key "zqx-info-spans-value";
        warn_span "zqx-warn-span" "zqx-warn-spans-target" zqx_warn_spans_key "zqx-warn-spans-value";
        error_span "zqx-error-span" "zqx-error-spans-target" zqx_error_spans_key "zqx-error-spans-value";
        critical_span "zqx-critical-span" "zqx-critical-spans-target" zqx_critical_spans_key "zqx-critical-spans-value";
    }
}

fn words(levels: impl IntoIterator<Item = Level>) -> String {
    levels.into_iter().map(|level| level.to_string()).collect::<Vec<_>>().join(" ")
}

fn main() -> Result<(), femtologging::Error> {
    let (capture, run_time) = (FemtoCaptureHandler::new(), FemtoCaptureHandler::new());
    let config = |capture: &FemtoCaptureHandler| {
        Config::builder()
            .default_level(LevelFilter::Trace)
            .span_events(SpanEvents::Exit)
            .add_handler("capture", capture.clone())
    };
    let logging = config(&capture).build()?;
    config(&run_time).build_and_init()?;
    log_at_every_level(&logging.get_logger("app")?);
    enter_every_span();
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
    let spans = run_time.matching(|record| record.target().ends_with("-spans-target") && record.message() == "exit");
    println!("spans {} of {} blocks", words(spans.iter().map(|record| record.level())), BLOCKS.lock().unwrap());
    println!("dynamic {}", words(dynamic.iter().map(|record| record.level())));
    Ok(())
}
