//! The layer among others: filters per layer, `log` records that `tracing-log` forwards, our records as events, and
//! circles.
#![cfg(feature = "tracing")]

mod common;

use common::{LONG, Scripted};
use femtologging::bridge::{FemtoTracingHandler, FemtoTracingLayer};
use femtologging::handler::{FemtoCaptureHandler, FemtoHandlerExt};
use femtologging::{Config, Level, Logging, Value, context, error, info, info_span, log as log_at};
use tracing::Dispatch;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::{Layer, layer::SubscriberExt};

/// What a layer has written, without the spaces that it indents lines with.
fn trimmed(text: &Scripted) -> Vec<String> {
    text.lines().iter().map(|line| line.trim().to_owned()).collect()
}

fn system() -> (Logging, FemtoCaptureHandler) {
    let capture = FemtoCaptureHandler::new();
    let config = Config::builder().default_level(Level::Trace).add_handler("capture", capture.clone());
    (config.build().unwrap(), capture)
}

/// Target, spans, message and keys of all records.
fn lines(logging: &Logging, capture: &FemtoCaptureHandler) -> Vec<String> {
    logging.flush(LONG).unwrap();
    let line = |record: &femtologging::record::OwnedRecord| {
        let spans: Vec<_> = record.spans().map(|span| span.name().to_owned()).collect();
        let keys: String = record.key_values().map(|(key, value)| format!(" {key}={value}")).collect();
        format!("{} {} {}: {}{keys}", record.level(), record.target(), spans.join(">"), record.message())
    };
    capture.records().iter().map(line).collect()
}

macro_rules! fmt_layer {
    ($text:expr) => {
        tracing_subscriber::fmt::layer().without_time().with_ansi(false).with_writer({
            let text = $text.clone();
            move || text.clone()
        })
    };
}

#[test]
fn every_layer_gets_what_it_wants() {
    let (logging, capture) = system();
    logging.root_logger().set_level(Level::Warn);
    let text = Scripted::default();
    let subscriber = tracing_subscriber::registry()
        .with(FemtoTracingLayer::builder().logging(&logging).build())
        .with(fmt_layer!(text).with_filter(LevelFilter::DEBUG));
    tracing::subscriber::with_default(subscriber, || {
        let _outer = tracing::error_span!("outer", a = 1).entered();
        let _middle = tracing::info_span!("middle", b = 2).entered();
        let _inner = tracing::warn_span!("inner", c = 3).entered();
        tracing::trace!("nobody");
        tracing::debug!("the other one");
        tracing::warn!("both");
    });
    assert_eq!(lines(&logging, &capture), ["WARN bridge_tracing_stack outer>inner: both a=1 c=3"]);
    let expected = [
        "DEBUG outer{a=1}:middle{b=2}:inner{c=3}: bridge_tracing_stack: the other one",
        "WARN outer{a=1}:middle{b=2}:inner{c=3}: bridge_tracing_stack: both",
    ];
    assert_eq!(trimmed(&text), expected);
}

#[test]
fn a_filter_around_the_layer_counts_for_it_alone() {
    let (logging, capture) = system();
    let text = Scripted::default();
    let targets = Targets::new().with_target("noisy", LevelFilter::WARN).with_default(LevelFilter::TRACE);
    let subscriber = tracing_subscriber::registry()
        .with(FemtoTracingLayer::builder().logging(&logging).build().with_filter(targets))
        .with(fmt_layer!(text));
    tracing::subscriber::with_default(subscriber, || {
        let _noisy = tracing::info_span!(target: "noisy", "noisy", a = 1).entered();
        let _calm = tracing::info_span!(target: "calm", "calm", b = 2).entered();
        tracing::info!(target: "noisy", "one");
        tracing::info!(target: "calm", "two");
    });
    assert_eq!(lines(&logging, &capture), ["INFO calm calm: two b=2"]);
    assert_eq!(trimmed(&text), ["INFO noisy{a=1}:calm{b=2}: noisy: one", "INFO noisy{a=1}:calm{b=2}: calm: two"]);
}

#[test]
fn two_layers_of_ours_do_not_disturb_each_other() {
    let ((one, of_one), (two, of_two)) = (system(), system());
    two.root_logger().set_level(Level::Error);
    let subscriber = tracing_subscriber::registry()
        .with(FemtoTracingLayer::builder().logging(&one).build())
        .with(FemtoTracingLayer::builder().logging(&two).build());
    tracing::subscriber::with_default(subscriber, || {
        let span = tracing::error_span!("both", a = 1);
        span.in_scope(|| {
            tracing::info!("one");
            tracing::error!("two");
        });
        tracing::error!("outside");
    });
    let both = "ERROR bridge_tracing_stack both: two a=1";
    let outside = "ERROR bridge_tracing_stack : outside";
    assert_eq!(lines(&one, &of_one), ["INFO bridge_tracing_stack both: one a=1", both, outside]);
    assert_eq!(lines(&two, &of_two), [both, outside]);
}

#[test]
fn forwarded_log_records_have_their_own_source() {
    let (logging, capture) = system();
    logging.get_logger("quiet").unwrap().set_level(Level::Error);
    tracing_log::LogTracer::init().unwrap();
    let subscriber = tracing_subscriber::registry().with(FemtoTracingLayer::builder().logging(&logging).build());
    let line = line!() + 4;
    tracing::subscriber::with_default(subscriber, || {
        let _span = tracing::info_span!("span", a = 1).entered();
        log::info!(target: "quiet::part", "not this");
        log::warn!(target: "loud", "{} of log", "a record");
        log::error!(target: "quiet", "this");
    });
    let expected = ["WARN loud span: a record of log a=1", "ERROR quiet span: this a=1"];
    assert_eq!(lines(&logging, &capture), expected);
    let records = capture.records();
    assert_eq!((records[0].logger(), records[0].module_path()), ("loud", "bridge_tracing_stack"));
    assert_eq!((records[0].file(), records[0].line()), (file!(), line));
}

/// A system whose records go to `tracing`, and what is printed there.
fn outward(filter: LevelFilter) -> (Logging, Scripted) {
    let text = Scripted::default();
    let subscriber = tracing_subscriber::registry().with(fmt_layer!(text).with_filter(filter));
    let handler = FemtoTracingHandler::new(Dispatch::new(subscriber));
    let config = Config::builder().default_level(Level::Trace);
    let handler = handler.configure().build().unwrap();
    (config.add_handler("tracing", handler).build().unwrap(), text)
}

#[test]
fn our_records_become_events() {
    let (logging, text) = outward(LevelFilter::TRACE);
    let logger = logging.get_logger("shop").unwrap();
    for level in Level::ALL {
        log_at!(logger: logger, level, "{} at {}", "message", level; n = 1_u64, text = "a b", yes = true, some:? = Some(1));
    }
    let _context = context! { user = "ada" }.enter();
    let span = info_span!(logger: logger, "outer").events(femtologging::policy::SpanEvents::None);
    let _outer = span.entered();
    error!(logger: logger, "inside"; user = "eve", none = Option::<i32>::None, at = 0.5);
    logging.flush(LONG).unwrap();
    let expected = [
        r#"TRACE shop: message at TRACE n=1 text="a b" yes=true some=Some(1)"#,
        r#"DEBUG shop: message at DEBUG n=1 text="a b" yes=true some=Some(1)"#,
        r#"INFO shop: message at INFO n=1 text="a b" yes=true some=Some(1)"#,
        r#"WARN shop: message at WARN n=1 text="a b" yes=true some=Some(1)"#,
        r#"ERROR shop: message at ERROR n=1 text="a b" yes=true some=Some(1)"#,
        r#"ERROR shop: message at CRITICAL n=1 text="a b" yes=true some=Some(1)"#,
        r#"ERROR shop: inside span="outer" user="eve" none=null at=0.5"#,
    ];
    assert_eq!(trimmed(&text), expected);
}

#[test]
fn the_other_side_filters_by_level() {
    let (logging, text) = outward(LevelFilter::WARN);
    let logger = logging.get_logger("shop").unwrap();
    info!(logger: logger, "not wanted there");
    error!(logger: logger, "wanted");
    logging.flush(LONG).unwrap();
    assert_eq!(trimmed(&text), ["ERROR shop: wanted"]);
    let metrics = logging.metrics();
    assert_eq!((metrics.handlers[0].emitted, metrics.handlers[0].written), (2, 2));
}

#[test]
fn keys_without_a_field_of_their_own_stand_in_one() {
    let (logging, text) = outward(LevelFilter::TRACE);
    let mut logger = logging.get_logger("shop").unwrap();
    for n in 0..33 {
        logger = logger.with(&format!("k{n}"), n);
    }
    error!(logger: logger, "many"; message = "a key");
    logging.flush(LONG).unwrap();
    let own: String = (0..30).map(|n| format!(" k{n}={n}")).collect();
    let expected = format!("ERROR shop: many{own} key_values=\"k30=30 k31=31 k32=32 message=a key\"");
    assert_eq!(trimmed(&text), [expected]);
}

#[test]
fn nothing_goes_in_circles() {
    let (inner, capture) = system();
    let text = Scripted::default();
    let dispatch = Dispatch::new(
        tracing_subscriber::registry()
            .with(FemtoTracingLayer::builder().logging(&inner).build())
            .with(fmt_layer!(text)),
    );
    // The same system, once more, with a handler that feeds the dispatcher whose layer feeds it.
    let handler = FemtoTracingHandler::new(dispatch.clone()).configure().build().unwrap();
    let outer = Config::builder().add_handler("tracing", handler).build().unwrap();
    let logger = outer.get_logger("ours").unwrap();
    tracing::dispatcher::with_default(&dispatch, || tracing::info!("theirs"));
    info!(logger: logger, "ours"; n = 1);
    outer.flush(LONG).unwrap();
    assert_eq!(lines(&inner, &capture), ["INFO bridge_tracing_stack : theirs"]);
    assert_eq!(trimmed(&text), ["INFO bridge_tracing_stack: theirs", "INFO ours: ours n=1"]);
    assert_eq!(capture.records()[0].get("n"), None::<Value<'_>>);
    assert_eq!(inner.metrics().handlers[0].dropped.total(), 0);
}
