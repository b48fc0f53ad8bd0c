//! No formatter allocates once it has met a record of each kind.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use femtologging::formatter::{
    FemtoConsoleFormatter, FemtoFormatter, FemtoLogfmtFormatter, FemtoPatternFormatter, FemtoPickleFormatter,
    FemtoSyslogFormatter, JsonSchema,
};
use femtologging::policy::SpanEvents;
use femtologging::{
    Config, FemtoJsonFormatter, FemtoLogRecord, FemtoStreamHandler, FemtoTextFormatter, Level, context, info, info_span,
};

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call is passed on as it is; counting touches a `Cell` of the thread, which allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: as the caller of this method promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: as the caller of this method promises.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Counts the allocations of each call, with room in the buffer.
fn count(mut formatter: Box<dyn FemtoFormatter>) -> Vec<u64> {
    let counts = Arc::new(Mutex::new(Vec::with_capacity(100)));
    let kept = counts.clone();
    let counted = move |record: &FemtoLogRecord<'_>, out: &mut Vec<u8>| {
        out.reserve(8192);
        let before = ALLOCATIONS.with(Cell::get);
        formatter.format(record, out);
        let count = ALLOCATIONS.with(Cell::get) - before;
        kept.lock().unwrap().push(count);
    };
    let handler = FemtoStreamHandler::builder(io::sink()).formatter(counted).build().unwrap();
    let logging = Config::builder().default_level(Level::Info).add_handler("h", handler).build().unwrap();
    let logger = logging.get_logger("app").unwrap();
    let _context = context!(request_id = "r-1", user_id = 7, trace_id = "4bf92f3577b34da6a3ce929d0e0e4736").enter();
    let span = info_span!(logger: logger, "load"; table = "users").events(SpanEvents::None);
    let _span = span.enter();
    let map = BTreeMap::from([("a \"quoted\"", vec![Some("b\\"), None]), ("c", vec![])]);
    let unsorted = HashMap::from([("a", 1), ("b", 2), ("c", 3)]);
    for n in 0..20_u64 {
        let (who, ratio, odd) = ("it's \"ada\"\n", 0.1 * n as f64, 1e300);
        info!(logger: logger, "{} of {:>4} {}", n, "é", ratio; who, ratio, odd, n, none = None::<u8>, big = u128::MAX, level = 1, n = 7,
            took = Duration::from_micros(n), at = std::net::IpAddr::from([127, 0, 0, 1]), list = [[n, 1], [2, 3]], map, unsorted,
            raw:bytes = b"\x00\xff");
    }
    logging.shutdown(Duration::from_secs(60)).unwrap();
    let counts = counts.lock().unwrap();
    counts.clone()
}

#[test]
fn steady_formatting_does_not_allocate() {
    let pattern = "%(asctime)s %(created).3f %(msecs)03d %(levelname)-8s %(who)r %(ratio)08.2f %(none)s %(big)40d %(message)20.10s %(spans)s %(span_id)4d %(list)r %(map)s %(key_values)s";
    let mut formatters: Vec<(String, Box<dyn FemtoFormatter>)> = vec![
        ("text".into(), Box::new(FemtoTextFormatter::new())),
        ("percent".into(), Box::new(FemtoPatternFormatter::percent(pattern).unwrap())),
        ("brace".into(), Box::new(FemtoPatternFormatter::brace("{n:+,} {who!r:^40} {key_values} {name}").unwrap())),
        ("logfmt".into(), Box::new(FemtoLogfmtFormatter::new())),
        ("rfc5424".into(), Box::new(FemtoSyslogFormatter::rfc5424())),
        ("rfc3164".into(), Box::new(FemtoSyslogFormatter::rfc3164())),
        ("pickle".into(), Box::new(FemtoPickleFormatter::new())),
        #[cfg(feature = "msgpack")]
        ("msgpack".into(), Box::new(femtologging::formatter::FemtoMsgpackFormatter::new())),
        #[cfg(feature = "cbor")]
        ("cbor".into(), Box::new(femtologging::formatter::FemtoCborFormatter::new())),
        ("console".into(), Box::new(FemtoConsoleFormatter::new().color(true))),
    ];
    for schema in [
        JsonSchema::Default,
        JsonSchema::Ecs,
        JsonSchema::OpenTelemetry,
        JsonSchema::Gcp,
        JsonSchema::Datadog,
        JsonSchema::Gelf,
        JsonSchema::Logstash,
    ] {
        formatters.push((format!("{schema:?}"), Box::new(FemtoJsonFormatter::new().schema(schema))));
    }
    for (name, formatter) in formatters {
        let counts = count(formatter);
        // The first fills what the formatter keeps; a second may begin at any record, whose text needs no more room.
        assert_eq!((counts.len(), counts[1..].iter().sum::<u64>()), (20, 0), "{name}: {counts:?}");
    }
}
