//! Setting a logging system up: the contract's shape, errors that list everything, and independent systems.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use femtologging::config::LoggerConfig;
use femtologging::formatter::FemtoFormatter;
use femtologging::handler::{Batch, FemtoCaptureHandler, FemtoHandler, FemtoHandlerExt, FemtoNullHandler};
use femtologging::policy::{IdlePolicy, OverflowPolicy, Transport};
use femtologging::{Config, Error, FemtoFileHandler, FemtoLogRecord, FemtoStreamHandler, Level, info, trace};

const LONG: Duration = Duration::from_secs(60);

struct MyFormatter;

impl FemtoFormatter for MyFormatter {
    fn format(&mut self, record: &FemtoLogRecord<'_>, out: &mut Vec<u8>) {
        out.extend_from_slice(format!("{} {}:", record.level(), record.target()).as_bytes());
        for (key, value) in record.key_values() {
            out.extend_from_slice(format!(" {key}={value}").as_bytes());
        }
        out.push(b' ');
        record.write_message(out);
    }
}

/// The shape that the library promises, and the global system's life. The one test here that uses the global system.
#[test]
fn the_contract_and_the_life_of_the_global_system() -> Result<(), Box<dyn std::error::Error>> {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("application.log");
    let (client_ip, agent) = ("10.0.0.7", String::from("curl/8"));

    let config = || {
        Ok::<_, Error>(
            Config::builder()
                .default_level(Level::Info)
                .add_handler(
                    "file",
                    FemtoFileHandler::builder().path(&path).formatter(MyFormatter).level(Level::Debug).build()?,
                )
                .add_logger("my_app::network", LoggerConfig::new().level(Level::Trace).handlers(["file"])),
        )
    };
    config()?.build_and_init()?;
    info!(target: "network", "Request received from {}", client_ip; request_id = "123", user_agent = agent);
    trace!(target: "my_app.network.tcp", "below the handler's level");
    trace!(target: "network", "below the root logger's level");

    // A second set-up is refused and changes nothing.
    let error = config()?.default_level(Level::Critical).build_and_init().unwrap_err();
    assert!(error.is_already_initialized());
    assert_eq!(
        error.to_string(),
        "the global logging system, which `femtologging::shutdown` would end, is already initialized"
    );
    assert!(femtologging::basic_config(Level::Info).unwrap_err().is_already_initialized());
    info!(target: "network", "still here");

    femtologging::shutdown(LONG)?;
    femtologging::shutdown(LONG)?;
    info!(target: "network", "after shutdown");
    let text =
        "INFO network: request_id=123 user_agent=curl/8 Request received from 10.0.0.7\nINFO network: still here\n";
    assert_eq!(std::fs::read_to_string(&path)?, text);
    let metrics = femtologging::metrics();
    let file = metrics.handler("file").ok_or("no handler")?;
    assert_eq!((file.emitted, file.written, file.dropped.total(), file.in_flight), (3, 2, 1, 0));

    // An error leaves what was there as it was: after shutdown, nothing.
    assert!(Config::builder().root_handlers(["x"]).build_and_init().unwrap_err().is_config());
    info!(target: "network", "still after shutdown");
    assert_eq!(femtologging::metrics().handler("file").map(|file| file.emitted), Some(4));

    // Settings of loggers stay; handlers of the old system do not.
    femtologging::get_logger("kept")?.set_level(Level::Trace);
    let capture = FemtoCaptureHandler::new();
    Config::builder().add_handler("capture", capture.clone()).build_and_init()?;
    assert_eq!(femtologging::get_logger("my_app::network")?.handlers(), [""; 0]);
    assert_eq!(femtologging::root_logger().handlers(), ["capture"]);
    trace!(target: "kept", "1");
    trace!(target: "my_app::network", "2");
    femtologging::flush(LONG)?;
    assert_eq!(capture.messages(), ["1", "2"]);
    assert_eq!(femtologging::metrics().handlers.len(), 1);
    femtologging::shutdown(LONG)?;

    // One without handlers is set up, too.
    Config::builder().build_and_init()?;
    assert!(Config::builder().build_and_init().unwrap_err().is_already_initialized());
    femtologging::shutdown(LONG)?;
    femtologging::basic_config(Level::Error)?;
    assert!(!femtologging::enabled!(Level::Warn));
    assert_eq!(femtologging::root_logger().handlers(), ["console"]);
    Ok(())
}

#[test]
fn one_error_lists_all_problems() {
    let error = Config::builder()
        .add_handler("a", FemtoNullHandler)
        .add_handler("a", FemtoNullHandler)
        .add_handler("z", FemtoNullHandler)
        .add_handler("", FemtoNullHandler)
        .add_handler("tab\t", FemtoNullHandler)
        .root_handlers(["a", "b"])
        .add_logger("app", LoggerConfig::new().level(Level::Info).handlers(["a", "c", "d"]))
        .add_logger("app..db", LoggerConfig::new())
        .add_logger("net.tcp", LoggerConfig::new())
        .add_logger("net::tcp", LoggerConfig::new())
        .add_logger("root", LoggerConfig::new())
        .build()
        .unwrap_err();
    assert!(error.is_config());
    let remedy = "there is no handler of this name; add it with add_handler, or use one of: a, z";
    let expected = [
        "invalid configuration, 9 problems:",
        "  `handlers.a`: this name is taken: give every handler one of its own",
        "  `handlers` = \"\": give the handler a name, without control characters",
        "  `handlers` = \"tab\\t\": give the handler a name, without control characters",
        &format!("  `root_handlers` = \"b\": {remedy}"),
        &format!("  `loggers.app.handlers` = \"c\": {remedy}"),
        &format!("  `loggers.app.handlers` = \"d\": {remedy}"),
        "  `loggers` = \"app..db\": a logger cannot have this name: it has an empty part; \
         write parts separated by `.` or `::`, such as `app.db`",
        "  `loggers.net::tcp`: this logger is set up twice: put the settings together",
        "  `loggers` = \"root\": set the root logger up with default_level and root_handlers",
    ];
    assert_eq!(error.to_string().lines().collect::<Vec<_>>(), expected);
    assert_eq!(error.problems().len(), 9);

    let error = Config::builder().root_handlers(["x"]).build().unwrap_err();
    let text =
        "invalid configuration: `root_handlers` = \"x\": there is no handler of this name; add it with add_handler";
    assert_eq!(error.to_string(), text);
}

#[test]
fn a_handlers_own_settings_are_checked_together() {
    let idle = |first_sleep, longest_sleep| IdlePolicy { first_sleep, longest_sleep, ..IdlePolicy::default() };
    let ms = Duration::from_millis;
    let error = FemtoFileHandler::builder()
        .permissions(0o1777)
        .flush_policy(femtologging::policy::FlushPolicy::Every(Duration::ZERO))
        .transport(Transport::PerThread { bytes: 100 })
        .overflow(OverflowPolicy::DropOldest)
        .idle(IdlePolicy { spin: ms(2), ..idle(ms(5), ms(4)) })
        .build()
        .unwrap_err();
    let expected = [
        "invalid configuration, 7 problems:",
        "  `path`: give the log file's path with .path(…)",
        "  `permissions` = 0o1777: give permission bits from 0 to 0o777",
        "  `flush_policy` = Every(0ns): give a time above zero, or use FlushPolicy::EveryBatch",
        "  `transport.bytes` = 100: give each thread's ring between 1024 bytes and 64 MiB",
        "  `overflow` = DropOldest: a thread cannot take records out of its ring again: \
         use Transport::Shared, or Block, BlockFor or DropNewest",
        "  `idle.spin` = 2ms: spin for 1 ms at most; it keeps a processor busy",
        "  `idle.first_sleep, idle.longest_sleep` = 5ms, 4ms: \
         the first sleep must be more than zero, no longer than the longest, and that no longer than 1 s",
    ];
    assert_eq!(error.to_string().lines().collect::<Vec<_>>(), expected);

    let shared = |capacity| FemtoNullHandler.configure().transport(Transport::Shared { capacity });
    for capacity in [0, (1 << 24) + 1, usize::MAX] {
        assert_eq!(
            shared(Some(capacity)).build().unwrap_err().to_string(),
            format!(
                "invalid configuration: `transport.capacity` = {capacity}: \
                 give room for 1 to 16,777,216 records, or None for as many as there is memory for"
            )
        );
    }
    for spec in [shared(Some(1)), shared(None).overflow(OverflowPolicy::DropOldest)] {
        assert!(spec.build().is_ok());
    }
    for idle in [idle(Duration::ZERO, ms(1)), idle(ms(1), Duration::from_secs(2))] {
        assert!(FemtoStreamHandler::stderr().idle(idle).build().unwrap_err().is_config());
    }
}

/// Notes when it is dropped, which its thread's end does, and whether it was closed.
struct Tracked {
    dropped: Arc<AtomicBool>,
    closed: Arc<AtomicBool>,
}

impl Drop for Tracked {
    fn drop(&mut self) {
        self.dropped.store(true, SeqCst);
    }
}

impl FemtoHandler for Tracked {
    fn handle(&mut self, _: &FemtoLogRecord<'_>, _: &mut Batch) -> Result<(), Error> {
        Ok(())
    }

    fn close(&mut self) -> Result<(), Error> {
        self.closed.store(true, SeqCst);
        Ok(())
    }
}

#[test]
fn an_error_starts_nothing() {
    let (dropped, closed) = (Arc::<AtomicBool>::default(), Arc::<AtomicBool>::default());
    let tracked = Tracked { dropped: dropped.clone(), closed: closed.clone() };
    let config = Config::builder().add_handler("tracked", tracked).root_handlers(["no such handler"]);
    assert!(config.build().is_err());
    assert!(dropped.load(SeqCst), "the handler is gone");
    assert!(!closed.load(SeqCst), "no thread has had it");
}

#[test]
fn systems_are_independent_and_run_in_parallel() {
    let threads: Vec<_> = (0..8_u32)
        .map(|system| {
            std::thread::spawn(move || {
                let capture = FemtoCaptureHandler::new();
                let logging = Config::builder().add_handler("capture", capture.clone()).build().unwrap();
                let logger = logging.get_logger("same.name").unwrap();
                if system % 2 == 1 {
                    logger.set_level(Level::Error);
                }
                for n in 0..100_u32 {
                    info!(logger: logger, "{} of {}", n, system);
                }
                logging.shutdown(LONG).unwrap();
                let expected: Vec<_> = (0..100).map(|n| format!("{n} of {system}")).collect();
                assert_eq!(capture.messages(), if system % 2 == 1 { vec![] } else { expected });
                assert_eq!(logging.metrics().handlers.len(), 1);
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
}

#[test]
fn the_last_clone_that_is_dropped_drains() {
    let (dropped, closed) = (Arc::<AtomicBool>::default(), Arc::<AtomicBool>::default());
    let capture = FemtoCaptureHandler::new();
    let logging = Config::builder()
        .add_handler("capture", capture.clone())
        .add_handler("tracked", Tracked { dropped: dropped.clone(), closed: closed.clone() })
        .build()
        .unwrap();
    let (logger, clone) = (logging.get_logger("a").unwrap(), logging.clone());
    info!(logger: logger, "1");
    drop(logging);
    info!(logger: logger, "2");
    drop(clone);
    assert_eq!(capture.messages(), ["1", "2"]);
    assert!(closed.load(SeqCst));
    info!(logger: logger, "into the void");
    assert_eq!(capture.len(), 2);
}

#[test]
fn what_is_being_built_can_be_looked_at() {
    let spec = FemtoStreamHandler::stderr().level(Level::Warn).filter(|_: &FemtoLogRecord<'_>| true);
    let debug = format!("{spec:?}");
    assert!(debug.contains("level: Warn") && debug.contains("filters: 1"), "{debug}");
    let config = Config::builder()
        .add_handler("console", spec.build().unwrap())
        .add_logger("app", LoggerConfig::new().propagate(false));
    let debug = format!("{config:?}");
    assert!(debug.contains("\"console\"") && debug.contains("propagate: false"), "{debug}");
}
