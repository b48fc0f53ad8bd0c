//! What a record costs its handler's thread, by kind of call: taking it out of the ring and making it a line of text.
//!
//! ```text
//! cargo bench --bench format
//! ```
//!
//! 10,000 records wait in a ring while the handler's thread sleeps; what is timed is the flush that formats them all, with the default
//! formatter, into a writer that drops the text. Divide by 10,000, or read the elements per second.
//! Compare with `baseline/hand-written consumer`. The group `formatters` does the same for one call by each formatter.

mod common;

use std::io;
use std::thread;
use std::time::Duration;

use common::calls::{self, Visit};
use common::{PATIENCE, Timer, criterion};
use criterion::{BenchmarkGroup, Criterion, Throughput, measurement::WallTime};
use femtologging::formatter::{
    FemtoConsoleFormatter, FemtoFormatter, FemtoLogfmtFormatter, FemtoPatternFormatter, JsonSchema,
};
use femtologging::handler::HandlerSpec;
use femtologging::policy::{IdlePolicy, Transport};
use femtologging::{Config, FemtoJsonFormatter, FemtoStreamHandler, FemtoTextFormatter, Level, info};

const RECORDS: u64 = 10_000;

/// Sleeps as soon as there is nothing to do, and until it is woken.
const SLEEPY: IdlePolicy =
    IdlePolicy { spin: Duration::ZERO, first_sleep: Duration::from_secs(1), longest_sleep: Duration::from_secs(1) };

struct Bench<'a> {
    group: BenchmarkGroup<'a, WallTime>,
    timer: Timer,
    logged: u64,
}

impl Visit for Bench<'_> {
    fn visit(&mut self, name: &str, call: impl Fn(u64)) {
        let Self { group, timer, logged } = self;
        group.bench_function(format!("{name} × 10,000"), |b| {
            b.iter_custom(|times| {
                let run = |_| {
                    // Long enough for the handler's thread to fall asleep.
                    thread::sleep(Duration::from_millis(1));
                    (0..RECORDS).for_each(&call);
                    *logged += RECORDS;
                    timer.time(|| femtologging::flush(PATIENCE).expect("the handler keeps up"))
                };
                Duration::from_nanos((0..times).map(run).sum::<f64>() as u64)
            });
        });
    }
}

/// Returns how many records were logged.
fn measure(criterion: &mut Criterion) -> u64 {
    let mut group = criterion.benchmark_group("format");
    group.throughput(Throughput::Elements(RECORDS));
    let mut bench = Bench { group, timer: Timer::new(), logged: 0 };
    calls::visit_all(&mut bench);
    bench.group.finish();
    bench.logged
}

fn sink(formatter: impl FemtoFormatter + 'static) -> HandlerSpec {
    let handler =
        FemtoStreamHandler::builder(io::sink()).transport(Transport::PerThread { bytes: 4 << 20 }).idle(SLEEPY);
    handler.formatter(formatter).build().expect("the settings are right")
}

/// One call with four key-values, by each formatter, in systems of their own.
fn compare(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("formatters");
    group.throughput(Throughput::Elements(RECORDS));
    let timer = Timer::new();
    let mut bench = |name: &str, handler: HandlerSpec| {
        let config = Config::builder().default_level(Level::Info).add_handler("sink", handler);
        let logging = config.build().expect("the configuration is right");
        let logger = logging.get_logger("app").expect("the name is valid");
        group.bench_function(format!("{name}, four key-values × 10,000"), |b| {
            b.iter_custom(|times| {
                let run = |_| {
                    thread::sleep(Duration::from_millis(1));
                    for i in 0..RECORDS {
                        info!(logger: logger, "Logging request"; id = i, elapsed = i as f64 * 0.5, cached = i.is_multiple_of(2), path = "/items");
                    }
                    timer.time(|| logging.flush(PATIENCE).expect("the handler keeps up"))
                };
                Duration::from_nanos((0..times).map(run).sum::<f64>() as u64)
            });
        });
    };
    let pattern = "%(asctime)s %(levelname)-8s %(name)s [%(threadName)s] %(message)s %(key_values)s";
    let pattern = FemtoPatternFormatter::percent(pattern).expect("the pattern is right");
    bench("text", sink(FemtoTextFormatter::new()));
    bench("pattern", sink(pattern));
    bench("JSON", sink(FemtoJsonFormatter::new()));
    bench("JSON for ECS", sink(FemtoJsonFormatter::new().schema(JsonSchema::Ecs)));
    bench("JSON for GELF", sink(FemtoJsonFormatter::new().schema(JsonSchema::Gelf)));
    bench("logfmt", sink(FemtoLogfmtFormatter::new()));
    bench("console", sink(FemtoConsoleFormatter::new().color(true)));
}

fn main() {
    let handler = sink(FemtoTextFormatter::new());
    Config::builder()
        .default_level(Level::Info)
        .add_handler("sink", handler)
        .build_and_init()
        .expect("the configuration is right");

    let mut criterion = criterion();
    let logged = measure(&mut criterion);
    compare(&mut criterion);
    let metrics = femtologging::metrics();
    assert_eq!(metrics.handlers[0].written, logged, "{metrics}");
    criterion.final_summary();
}
