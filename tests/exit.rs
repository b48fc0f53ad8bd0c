//! The ends of a process. Every scenario runs in a child: this program, started again with the scenario's name.
//!
//! It has no harness, so that `main` is the program's own.

mod common;
#[path = "common/scenario.rs"]
mod scenario;

use std::fs;
use std::io::{Read, Write};
use std::process::Termination as _;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use common::LONG;
use femtologging::config::LoggerConfig;
use femtologging::formatter::FemtoPatternFormatter;
use femtologging::handler::{Batch, FemtoHandler};
use femtologging::policy::Transport;
use femtologging::{
    Config, Error, FemtoFileHandler, FemtoLogRecord, FemtoStreamHandler, Level, Logging, error, info, warn,
};
use scenario::{Run, Scenario, numbers, path, stderr, wait};

/// What a child does, and what its parent expects of it.
const SCENARIOS: &[Scenario] = &[
    ("exit_drains", log_and_exit, |name| all_lines(name, 7)),
    ("return_from_main_drains", log_and_return, |name| all_lines(name, 0)),
    ("exit_from_another_thread_drains", exit_from_a_thread, |name| all_lines(name, 7)),
    ("exit_drains_what_a_flush_policy_held_back", exit_with_text_held_back, |name| all_lines(name, 7)),
    ("exit_drains_systems_that_were_never_dropped", exit_with_an_instance, |name| all_lines(name, 7)),
    ("exit_after_shutdown_is_quiet", exit_after_shutdown, |name| all_lines(name, 0)),
    ("exit_while_other_threads_log", exit_while_global_is_busy, busy_exit),
    ("exit_while_other_threads_log_to_an_instance", exit_while_instance_is_busy, busy_exit),
    ("exit_gives_a_stuck_handler_up", exit_while_stuck, stuck_exit),
    ("a_handler_has_an_exit_timeout_of_its_own", exit_with_own_timeouts, own_timeouts),
    ("a_panic_is_on_standard_error_once", panic_on_stderr, shown_once),
    ("a_main_that_returns_an_error_shows_its_text", return_errors, errors_as_text),
    ("a_panic_without_the_hook_drains", panic_in_main, plain_panic),
    ("a_panic_with_the_hook_is_logged", panic_with_hook, |name| logged_panic(name, false)),
    ("a_panic_with_the_hook_has_its_backtrace", panic_with_hook, |name| logged_panic(name, true)),
    ("a_panic_in_a_thread_names_it", panic_in_a_thread, panic_names_thread),
    ("without_a_configuration_warnings_go_to_stderr", unconfigured, last_resort),
    ("exit_drains_the_last_resort", exit_unconfigured, drained_last_resort),
    ("the_last_resort_can_be_flushed_and_counted", flush_unconfigured, flushed_last_resort),
    ("loggers_without_handlers_use_the_last_resort", configured_elsewhere, partly_last_resort),
    ("stdout_and_stderr_are_streams", log_to_both, both_streams),
    ("a_closed_stdout_is_survived", log_to_both, |name| closed(name, "1>&-")),
    ("a_closed_stderr_is_survived", log_to_both, |name| closed(name, "2>&-")),
    ("a_reader_that_has_gone_is_counted_once_and_quietly", log_without_reader, broken_pipe),
    ("basic_config_writes_to_stderr", basic, basic_stderr),
    ("a_filter_that_panics_leaves_the_system_unbuilt", build_with_panics, |name| all_lines(name, 0)),
    ("exit_on_a_handler_s_thread_drains_the_others", exit_on_a_handlers_thread, others_are_drained),
    ("exit_on_a_handler_s_thread_has_its_limit", exit_on_a_handlers_thread_while_stuck, limited_on_a_handlers_thread),
    ("many_caught_panics_wait_for_a_stuck_handler_once", many_panics, panics_in_time),
    ("many_caught_panics_wait_for_a_full_queue_once", || panics_while_stuck(false), panics_in_time),
    ("many_caught_panics_wait_for_a_handler_without_a_thread_once", || panics_while_stuck(true), panics_in_time),
    ("an_exit_during_a_reload_drains_the_new_handlers", exit_while_reloading, drained_in_a_reload),
    ("a_handler_that_took_over_late_has_its_own_exit_timeout", exit_after_a_late_change, own_timeout_after_a_change),
    #[cfg(unix)]
    ("what_a_child_of_fork_logs_to_its_parent_s_handlers_is_counted", forking_and_logging, |name| late(name, 3)),
    #[cfg(target_os = "linux")]
    ("what_is_logged_after_the_drain_is_counted", logging_after_the_drain, |name| late(name, 2)),
    #[cfg(unix)]
    ("a_child_of_fork_writes_nothing_twice_and_may_set_up_anew", forking, forked),
    #[cfg(unix)]
    ("a_child_of_fork_sets_up_although_another_thread_was_at_it", fork_while_building, |name| all_lines(name, 0)),
];

fn main() -> ExitCode {
    scenario::main(SCENARIOS)
}

// What the parent does.

/// The child has written its 15 lines, said nothing and ended with this code.
fn all_lines(name: &str, code: i32) {
    let mut run = Run::new(name);
    let output = run.output();
    assert_eq!((output.status.code(), stderr(&output)), (Some(code), String::new()));
    assert_eq!(run.text(), numbers(15));
}

/// Cuts the time off a line of the text formatter.
fn without_time(line: &str) -> &str {
    assert_eq!(line.as_bytes().get(26), Some(&b'Z'), "{line}");
    &line[28..]
}

// What the children do.

fn message(record: &FemtoLogRecord<'_>, out: &mut Vec<u8>) {
    record.write_message(out);
}

fn file() -> femtologging::handler::HandlerBuilder<femtologging::handler::FileOptions> {
    FemtoFileHandler::builder().path(path()).formatter(message)
}

fn log_to_file() {
    Config::builder().add_handler("file", file().build().unwrap()).build_and_init().unwrap();
    (1..=15).for_each(|n| info!("{}", n));
}

fn log_and_exit() -> ExitCode {
    log_to_file();
    std::process::exit(7)
}

fn log_and_return() -> ExitCode {
    log_to_file();
    ExitCode::SUCCESS
}

fn exit_from_a_thread() -> ExitCode {
    std::thread::spawn(log_and_exit).join().unwrap()
}

fn exit_with_text_held_back() -> ExitCode {
    let policy = femtologging::policy::FlushPolicy::AtLevel(Level::Critical);
    let spec = file().flush_policy(policy).build().unwrap();
    Config::builder().add_handler("file", spec).build_and_init().unwrap();
    (1..=15).for_each(|n| info!("{}", n));
    std::process::exit(7)
}

fn exit_with_an_instance() -> ExitCode {
    let logging = Config::builder().add_handler("file", file().build().unwrap()).build().unwrap();
    let logger = logging.get_logger("app").unwrap();
    (1..=15).for_each(|n| info!(logger: logger, "{}", n));
    std::process::exit(7)
}

fn exit_after_shutdown() -> ExitCode {
    log_to_file();
    femtologging::shutdown(LONG).unwrap();
    info!("counted, not written");
    ExitCode::SUCCESS
}

const ALPHABET: &str = "abcdefghijklmnopqrstuvwxyz";

/// Ends the process while two threads log and log.
fn exit_while_busy(log: impl Fn(usize, u64) + Clone + Send + 'static) -> ! {
    let (started, start) = std::sync::mpsc::channel();
    for thread in 0..2 {
        let (started, log) = (started.clone(), log.clone());
        std::thread::spawn(move || {
            for n in 0_u64.. {
                log(thread, n);
                if n == 1000 {
                    started.send(()).unwrap();
                }
            }
        });
    }
    (0..2).for_each(|_| start.recv().unwrap());
    log(2, 0);
    std::process::exit(7)
}

fn exit_while_global_is_busy() -> ExitCode {
    Config::builder().add_handler("file", file().build().unwrap()).build_and_init().unwrap();
    exit_while_busy(|thread, n| info!("{} {} {}", thread, n, ALPHABET))
}

fn exit_while_instance_is_busy() -> ExitCode {
    let logging = Config::builder().add_handler("file", file().build().unwrap()).build().unwrap();
    let logger = logging.get_logger("app").unwrap();
    exit_while_busy(move |thread, n| info!(logger: logger, "{} {} {}", thread, n, ALPHABET))
}

/// Whole lines, in order, and everything that was logged before the exit. What was logged while the process ended may be
/// written, or counted as lost, and that is all that may be said.
fn busy_exit(name: &str) {
    let mut run = Run::new(name);
    let start = Instant::now();
    let output = run.output();
    // The exit may wait for 5 s.
    assert!(start.elapsed() < Duration::from_secs(30));
    assert_eq!(output.status.code(), Some(7));
    let said = stderr(&output);
    let late = "femtologging: exit: records that came too late are not written: ";
    let lines = said.lines().filter(|line| !line.starts_with(late));
    assert!(lines.clone().all(|line| line.starts_with("femtologging: exit: ")) && lines.count() <= 1, "{said}");
    let mut last = [0_u64; 3];
    let mut whole = [true; 3];
    let text = run.text();
    for line in text.lines() {
        let thread = usize::from(line.as_bytes()[0] - b'0');
        let n: u64 = line.split(' ').nth(1).and_then(|n| n.parse().ok()).unwrap();
        assert_eq!(line, format!("{thread} {n} {ALPHABET}"));
        whole[thread] &= n == last[thread] || n > 1000;
        assert!(n >= last[thread], "{line} after {}", last[thread]);
        last[thread] = n + 1;
    }
    assert!(text.ends_with('\n') && whole == [true; 3] && last[2] == 1, "{whole:?} {last:?}");
    assert!(last[0] > 1000 && last[1] > 1000, "{last:?}");
}

/// A writer that never comes back.
struct Stuck;

impl Write for Stuck {
    fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
        loop {
            std::thread::park();
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn exit_while_stuck() -> ExitCode {
    femtologging::set_exit_timeout(Duration::from_millis(300));
    Config::builder()
        .add_handler("stuck", FemtoStreamHandler::builder(Stuck).build().unwrap())
        .add_handler("file", file().build().unwrap())
        .build_and_init()
        .unwrap();
    (1..=15).for_each(|n| info!("{}", n));
    std::process::exit(7)
}

fn stuck_exit(name: &str) {
    let mut run = Run::new(name);
    let output = run.output();
    assert_eq!(output.status.code(), Some(7));
    let said = "femtologging: exit: the shutdown of handler `stuck` (given 300ms; 15 records are not written) \
                did not finish in time\n";
    assert_eq!(stderr(&output), said);
    assert_eq!(run.text(), numbers(15), "the other handler is done");
}

/// A writer that needs longer than the exit has time.
struct Slow(fs::File);

impl Write for Slow {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        std::thread::sleep(Duration::from_millis(50));
        self.0.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

fn exit_with_own_timeouts() -> ExitCode {
    femtologging::set_exit_timeout(Duration::ZERO);
    let slow = Slow(fs::File::create(path()).unwrap());
    let slow = FemtoStreamHandler::builder(slow).formatter(message).exit_timeout(LONG).build().unwrap();
    let stuck = FemtoStreamHandler::builder(Stuck).exit_timeout(Duration::from_millis(200)).build().unwrap();
    Config::builder().add_handler("slow", slow).add_handler("stuck", stuck).build_and_init().unwrap();
    (1..=15).for_each(|n| info!("{}", n));
    std::process::exit(7)
}

fn own_timeouts(name: &str) {
    let mut run = Run::new(name);
    let output = run.output();
    assert_eq!(output.status.code(), Some(7));
    let said = "femtologging: exit: the shutdown of handler `stuck` (given 200ms; 15 records are not written) \
                did not finish in time\n";
    assert_eq!(stderr(&output), said);
    assert_eq!(run.text(), numbers(15));
}

/// The line that the next function panics in.
const STDERR_LINE: u32 = line!() + 7;

fn panic_on_stderr() -> ExitCode {
    let pattern = FemtoPatternFormatter::percent("%(pathname)s:%(lineno)d %(funcName)s %(message)s").unwrap();
    let spec = FemtoStreamHandler::stderr().formatter(pattern).build().unwrap();
    Config::builder().add_handler("console", spec).build_and_init().unwrap();
    femtologging::install_panic_hook();
    panic!("alas, {}", 7)
}

fn shown_once(name: &str) {
    let output = Run::new(name).output();
    assert_eq!(output.status.code(), Some(101));
    assert_eq!(stderr(&output), format!("{}:{} - alas, 7\n", file!(), STDERR_LINE));
}

/// What `main` does with a result.
fn return_errors() -> ExitCode {
    let nowhere = FemtoFileHandler::builder().path("/nowhere/at/all.log").build().map(drop);
    let nowhere: Result<(), Box<dyn std::error::Error>> = nowhere.map_err(Into::into);
    let _ = nowhere.report();
    "loud".parse::<Level>().map(drop).report()
}

fn errors_as_text(name: &str) {
    let output = Run::new(name).output();
    assert_eq!(output.status.code(), Some(1));
    let expected = "Error: cannot open the log file /nowhere/at/all.log: No such file or directory (os error 2)\n\
                    Error: \"loud\" is not a level: expected TRACE, DEBUG, INFO, WARN (or WARNING), ERROR, CRITICAL (or FATAL), \
                    or one of the numbers 5, 10, 20, 30, 40, 50\n";
    assert_eq!(stderr(&output), expected);
}

fn panic_in_main() -> ExitCode {
    log_to_file();
    panic!("alas, {}", 7)
}

fn plain_panic(name: &str) {
    let mut run = Run::new(name);
    let output = run.output();
    assert_eq!(output.status.code(), Some(101));
    assert!(stderr(&output).contains("alas, 7"));
    assert_eq!(run.text(), numbers(15));
}

fn hooked() {
    let spec = FemtoFileHandler::builder().path(path()).build().unwrap();
    Config::builder().add_handler("file", spec).build_and_init().unwrap();
    femtologging::install_panic_hook();
    femtologging::install_panic_hook();
}

/// The line that the next function panics in.
const PANIC_LINE: u32 = line!() + 4;

fn panic_with_hook() -> ExitCode {
    hooked();
    panic!("alas, {}\nand more", 7)
}

fn logged_panic(name: &str, backtrace: bool) {
    let mut run = Run::new(name);
    if backtrace {
        run.command.env("RUST_BACKTRACE", "1");
    }
    let output = run.output();
    assert_eq!(output.status.code(), Some(101));
    let said = stderr(&output);
    assert!(said.contains("panicked at") && said.contains("alas, 7"), "the former hook runs, too: {said}");
    let text = run.text();
    let line = without_time(text.strip_suffix('\n').unwrap());
    let begin = format!("CRITICAL panic [main] alas, 7\\nand more location={}:{PANIC_LINE}:5", file!());
    if backtrace {
        let frames = line.strip_prefix(&format!("{begin} backtrace=\"")).unwrap_or_else(|| panic!("{line}"));
        assert!(frames.contains("panic_with_hook") && frames.ends_with('"') && !frames.contains('\n'), "{line}");
        // What std shows, and nothing of the hook.
        assert!(!frames.contains("femtologging::shutdown") && !frames.contains("short_backtrace"), "{line}");
    } else {
        assert_eq!(line, begin);
    }
}

fn panic_in_a_thread() -> ExitCode {
    hooked();
    let thread = std::thread::Builder::new().name("worker-3".into());
    let outcome = thread.spawn(|| std::panic::panic_any(7)).unwrap().join();
    // The hook has flushed.
    let text = fs::read_to_string(path()).unwrap();
    assert!(outcome.is_err() && text.ends_with('\n'), "{text}");
    std::process::exit(0)
}

fn panic_names_thread(name: &str) {
    let mut run = Run::new(name);
    let output = run.output();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = run.text();
    let begin = format!("CRITICAL panic [worker-3] panicked with a value that is not text location={}:", file!());
    assert!(without_time(&text).starts_with(&begin), "{text}");
}

fn unconfigured() -> ExitCode {
    info!("nowhere");
    warn!("first {}", 1);
    let logger = femtologging::get_logger("some.name").unwrap();
    error!(logger: logger, "second"; key = 2);
    std::thread::spawn(|| error!(target: String::from("run-time"), "third")).join().unwrap();
    info!(logger: logger, "nowhere");
    ExitCode::from(7)
}

fn last_resort(name: &str) {
    let output = Run::new(name).output();
    let said = stderr(&output);
    let lines: Vec<_> = said.lines().map(without_time).collect();
    assert_eq!(lines[..2], ["WARN  exit [main] first 1", "ERROR some.name [main] second key=2"]);
    assert!(lines[2].starts_with("ERROR run-time [thread-") && lines[2].ends_with("] third"), "{lines:?}");
    assert_eq!((lines.len(), output.stdout.as_slice(), output.status.code()), (3, &b""[..], Some(7)));
}

fn exit_unconfigured() -> ExitCode {
    (1..=5000).for_each(|n| warn!("{}", n));
    std::process::exit(7)
}

fn drained_last_resort(name: &str) {
    let output = Run::new(name).output();
    let said = stderr(&output);
    let lines: Vec<_> = said.lines().map(without_time).collect();
    let expected: Vec<_> = (1..=5000).map(|n| format!("WARN  exit [main] {n}")).collect();
    assert_eq!((lines, output.status.code()), (expected.iter().map(String::as_str).collect(), Some(7)));
}

fn flush_unconfigured() -> ExitCode {
    femtologging::flush(LONG).unwrap();
    femtologging::shutdown(LONG).unwrap();
    assert!(femtologging::metrics().handlers.is_empty());
    warn!("1");
    femtologging::flush(LONG).unwrap();
    let metrics = femtologging::metrics();
    let counts: Vec<_> = metrics.handlers.iter().map(|h| (h.name.as_str(), h.emitted, h.written, h.flushes)).collect();
    assert_eq!(counts, [("last-resort", 1, 1, 1)]);
    // It goes on after shutdown, as nobody set anything up that could be over.
    femtologging::shutdown(LONG).unwrap();
    warn!("2");
    femtologging::shutdown(LONG).unwrap();
    assert_eq!(femtologging::metrics().handler("last-resort").map(|h| h.written), Some(2));
    ExitCode::SUCCESS
}

fn flushed_last_resort(name: &str) {
    let output = Run::new(name).output();
    let said = stderr(&output);
    let lines: Vec<_> = said.lines().map(without_time).collect();
    assert_eq!((lines, output.status.code()), (vec!["WARN  exit [main] 1", "WARN  exit [main] 2"], Some(0)));
}

fn configured_elsewhere() -> ExitCode {
    Config::builder()
        .add_handler("file", file().build().unwrap())
        .root_handlers([""; 0])
        .add_logger("filed", LoggerConfig::new().level(Level::Info).handlers(["file"]))
        .build_and_init()
        .unwrap();
    warn!(target: "filed", "1");
    warn!(target: "elsewhere", "2");
    info!(target: "elsewhere", "below the last resort's level");
    ExitCode::SUCCESS
}

fn partly_last_resort(name: &str) {
    let mut run = Run::new(name);
    let output = run.output();
    let said = stderr(&output);
    assert_eq!(said.lines().map(without_time).collect::<Vec<_>>(), ["WARN  elsewhere [main] 2"]);
    assert_eq!(run.text(), "1\n");
}

fn log_to_both() -> ExitCode {
    Config::builder()
        .add_handler("out", FemtoStreamHandler::stdout().formatter(message).build().unwrap())
        .add_handler("err", FemtoStreamHandler::stderr().formatter(message).level(Level::Warn).build().unwrap())
        .add_handler("file", file().build().unwrap())
        .build_and_init()
        .unwrap();
    info!("1");
    warn!("2");
    femtologging::flush(LONG).unwrap();
    info!("3");
    warn!("4");
    ExitCode::from(7)
}

fn both_streams(name: &str) {
    let output = Run::new(name).output();
    assert_eq!((output.stdout.as_slice(), output.stderr.as_slice()), (&b"1\n2\n3\n4\n"[..], &b"2\n4\n"[..]));
    assert_eq!(output.status.code(), Some(7));
}

/// The child runs with one of its streams closed, and all else is as ever.
#[cfg(unix)]
fn closed(name: &str, redirection: &str) {
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("exec \"$0\" {redirection}")).arg(std::env::current_exe().unwrap());
    let mut run = Run::of(name, command);
    let output = run.output();
    assert_eq!((output.status.code(), run.text()), (Some(7), numbers(4)));
    let (stdout, stderr) = if redirection.starts_with('1') { ("", "2\n4\n") } else { ("1\n2\n3\n4\n", "") };
    assert_eq!((output.stdout.as_slice(), output.stderr.as_slice()), (stdout.as_bytes(), stderr.as_bytes()));
}

#[cfg(not(unix))]
fn closed(_: &str, _: &str) {}

fn log_without_reader() -> ExitCode {
    // The parent has closed its end by the time that it answers.
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
    Config::builder()
        .add_handler("out", FemtoStreamHandler::stdout().formatter(message).build().unwrap())
        .add_handler("inline", FemtoStreamHandler::stdout().formatter(message).inline().build().unwrap())
        .add_handler("file", file().build().unwrap())
        .build_and_init()
        .unwrap();
    // What is flushed is a batch of its own. The rest fails at the exit, or in the drop of a system.
    for n in 1..=12 {
        info!("{}", n);
        let error = femtologging::flush(LONG).unwrap_err();
        assert!(error.to_string().contains("`handlers.out`: "), "{error}");
    }
    (13..=15).for_each(|n| info!("{}", n));
    let metrics = femtologging::metrics();
    for (name, failed) in [("out", 12), ("inline", 15)] {
        let handler = metrics.handler(name).unwrap();
        assert_eq!((handler.emitted, handler.written, handler.errors), (15, 0, 1), "{name}");
        assert!(handler.failed >= failed, "{name}");
        assert!(handler.last_error.as_ref().unwrap().starts_with("the reader has gone: "), "{:?}", handler.last_error);
    }
    let spec = FemtoStreamHandler::stdout().build().unwrap();
    let logging = Config::builder().add_handler("dropped", spec).build().unwrap();
    let logger = logging.get_logger("app").unwrap();
    info!(logger: logger, "16");
    drop(logging);
    ExitCode::from(7)
}

fn broken_pipe(name: &str) {
    let mut run = Run::new(name);
    let mut child = run.command.stdin(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    drop(child.stdin.take());
    let output = wait(child);
    assert_eq!((output.status.code(), run.text()), (Some(7), numbers(15)));
    assert_eq!(stderr(&output), "");
}

fn basic() -> ExitCode {
    femtologging::basic_config(Level::Info).unwrap();
    info!(target: "app", "1");
    femtologging::debug!(target: "app", "2");
    ExitCode::SUCCESS
}

fn basic_stderr(name: &str) {
    let output = Run::new(name).output();
    let said = stderr(&output);
    assert_eq!(said.lines().map(without_time).collect::<Vec<_>>(), ["INFO  app [main] 1"]);
    assert!(output.stdout.is_empty());
}

/// Panics when it is asked for what it wants, and when it is dropped.
struct Panics;

impl femtologging::filter::FemtoFilter for Panics {
    fn allows(&self, _: &FemtoLogRecord<'_>) -> bool {
        true
    }

    fn interest(&self, _: Level, _: &str) -> femtologging::filter::Interest {
        panic!("expected by this test")
    }
}

impl Drop for Panics {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("expected by this test")
        }
    }
}

fn build_with_panics() -> ExitCode {
    std::panic::set_hook(Box::new(|_| ()));
    for _ in 0..2 {
        let config = Config::builder()
            .add_handler("file", file().build().unwrap())
            .add_logger("app", femtologging::config::LoggerConfig::new().filter(Panics));
        let built = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| config.build_and_init()));
        assert!(!matches!(built, Ok(Ok(()))), "{built:?}");
        assert!(!matches!(built, Ok(Err(error)) if error.is_already_initialized()));
    }
    log_to_file();
    ExitCode::SUCCESS
}

/// Logs, while the handler `slow` keeps its records back, and then one that ends the process in the handler `ends`.
fn exit_with(slow: impl Write + Send + 'static, timeout: Duration) -> ExitCode {
    let ends = |record: &FemtoLogRecord<'_>, _: &mut Vec<u8>| {
        if record.level() == Level::Critical {
            std::process::exit(7);
        }
    };
    femtologging::set_exit_timeout(timeout);
    Config::builder()
        .add_handler("ends", FemtoStreamHandler::builder(std::io::sink()).formatter(ends).build().unwrap())
        .add_handler("slow", FemtoStreamHandler::builder(slow).formatter(message).build().unwrap())
        .add_handler("file", file().build().unwrap())
        .build_and_init()
        .unwrap();
    (1..=14).for_each(|n| info!("{}", n));
    femtologging::critical!("15");
    info!("after the last one, in the same batch or never handled");
    loop {
        std::thread::park();
    }
}

/// Writes nothing before the process ends.
struct Late;

impl Write for Late {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        std::thread::sleep(Duration::from_millis(100));
        std::io::stdout().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        std::io::stdout().flush()
    }
}

fn exit_on_a_handlers_thread() -> ExitCode {
    exit_with(Late, LONG)
}

/// What is said of the handler whose thread ends the process. How many records come after the last one is not known.
fn gave_up_its_own(said: &str) -> bool {
    (1..=16).any(|left| {
        said.contains(&format!("handler `ends` ended the process from its own thread; {left} records are not written"))
    })
}

fn others_are_drained(name: &str) {
    let mut run = Run::new(name);
    let output = run.output();
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(7), "{said}");
    assert!(said.lines().count() == 1 && gave_up_its_own(&said), "{said}");
    for text in [run.text(), String::from_utf8(output.stdout).unwrap()] {
        assert!(text.starts_with(&numbers(15)), "{text}");
    }
}

fn exit_on_a_handlers_thread_while_stuck() -> ExitCode {
    exit_with(Stuck, Duration::from_millis(300))
}

fn limited_on_a_handlers_thread(name: &str) {
    let mut run = Run::new(name);
    let output = run.output();
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(7), "{said}");
    assert!(gave_up_its_own(&said), "{said}");
    assert!(said.contains("the shutdown of handler `slow` (given 300ms; "), "{said}");
    assert!(run.text().starts_with(&numbers(15)));
}

fn many_panics() -> ExitCode {
    std::panic::set_hook(Box::new(|_| ()));
    femtologging::install_panic_hook();
    femtologging::set_exit_timeout(Duration::ZERO);
    Config::builder()
        .add_handler("stuck", FemtoStreamHandler::builder(Stuck).build().unwrap())
        .add_handler("file", file().build().unwrap())
        .build_and_init()
        .unwrap();
    let start = Instant::now();
    for n in 1..=20 {
        assert!(std::panic::catch_unwind(|| panic!("{n}")).is_err());
    }
    // The first waits for 2 s, and all would wait for 40.
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    // Other handlers are flushed each time.
    assert_eq!(fs::read_to_string(path()).unwrap(), numbers(20));
    std::process::exit(7)
}

fn panics_in_time(name: &str) {
    let output = Run::new(name).output();
    assert_eq!(output.status.code(), Some(7), "{}", stderr(&output));
}

/// Ends this process by a signal if it hangs.
#[cfg(unix)]
fn limit() {
    #[allow(unsafe_code)]
    // SAFETY: it only sets a timer.
    unsafe {
        libc::alarm(50)
    };
}

#[cfg(not(unix))]
fn limit() {}

/// Callers wait for room in a queue that is full and stays so, or for a handler that another thread is stuck in.
fn panics_while_stuck(inline: bool) -> ExitCode {
    limit();
    std::panic::set_hook(Box::new(|_| ()));
    femtologging::install_panic_hook();
    femtologging::set_exit_timeout(Duration::ZERO);
    let transport = if inline { Transport::Inline } else { Transport::Shared { capacity: Some(1) } };
    let stuck = FemtoStreamHandler::builder(Stuck).transport(transport).build().unwrap();
    Config::builder()
        .add_handler("stuck", stuck)
        .add_handler("file", file().level(Level::Critical).build().unwrap())
        .build_and_init()
        .unwrap();
    std::thread::spawn(|| (1..=100).for_each(|n| info!("{}", n)));
    let emitted = || femtologging::metrics().handler("stuck").unwrap().emitted;
    // One is with the handler, one in the queue, and one waits.
    common::wait_until("the handler is stuck", || emitted() >= if inline { 1 } else { 3 });
    let start = Instant::now();
    for n in 1..=20 {
        assert!(std::panic::catch_unwind(|| panic!("{n}")).is_err());
    }
    // The first waits for 2 s, and all would wait for 40.
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    assert_eq!(fs::read_to_string(path()).unwrap(), numbers(20));
    let stuck = femtologging::metrics().handlers.remove(0);
    assert_eq!(stuck.emitted, stuck.written + stuck.dropped.total() + stuck.failed + stuck.in_flight);
    assert_eq!(stuck.dropped.by_level(Level::Critical), 20);
    std::process::exit(7)
}

/// The handler that a reload removes is stuck, so that the reload is under way when the process ends.
fn exit_while_reloading() -> ExitCode {
    femtologging::set_exit_timeout(Duration::from_secs(1));
    let old = FemtoStreamHandler::builder(Stuck).build().unwrap();
    Config::builder().add_handler("old", old).build_and_init().unwrap();
    info!("to the old one");
    std::thread::spawn(|| {
        let config = Config::builder().default_level(Level::Info).add_handler("new", file().build().unwrap());
        Logging::global().unwrap().reconfigure(config, LONG)
    });
    common::wait_until("the routes are new", || femtologging::root_logger().handlers() == ["new"]);
    (1..=15).for_each(|n| info!("{}", n));
    std::process::exit(7)
}

fn drained_in_a_reload(name: &str) {
    let mut run = Run::new(name);
    let output = run.output();
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(7), "{said}");
    assert!(said.contains("the shutdown of handler `old` (given 1s; 1 records are not written)"), "{said}");
    assert!(!said.contains("`new`"), "{said}");
    assert_eq!(run.text(), numbers(15));
}

/// Takes its time to close.
struct ClosesLate(std::sync::mpsc::Receiver<()>);

impl FemtoHandler for ClosesLate {
    fn handle(&mut self, _: &FemtoLogRecord<'_>, _: &mut Batch) -> Result<(), Error> {
        Ok(())
    }

    fn close(&mut self) -> Result<(), Error> {
        let _ = self.0.recv();
        Ok(())
    }
}

/// Says so, and never comes back.
struct SaysStuck(std::sync::mpsc::Sender<()>);

impl Write for SaysStuck {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let _ = self.0.send(());
        Stuck.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn exit_after_a_late_change() -> ExitCode {
    // Without a time of its own, the stuck handler would outlast the test.
    femtologging::set_exit_timeout(LONG * 10);
    let (let_go, may_close) = std::sync::mpsc::channel();
    Config::builder().add_handler("changed", ClosesLate(may_close)).build_and_init().unwrap();
    let (stuck, is_stuck) = std::sync::mpsc::channel();
    let stuck = FemtoStreamHandler::builder(SaysStuck(stuck)).exit_timeout(Duration::from_millis(200)).build().unwrap();
    let late = Logging::global().unwrap().replace_handler("changed", stuck, Duration::from_millis(50)).unwrap_err();
    assert!(late.to_string().contains("which is still at its end"), "{late}");
    info!("1");
    drop(let_go);
    is_stuck.recv().unwrap();
    std::process::exit(7)
}

fn own_timeout_after_a_change(name: &str) {
    let output = Run::new(name).output();
    let said = "femtologging: exit: the shutdown of handler `changed` (given 200ms; 1 records are not written) did \
                not finish in time\n";
    assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(7), said));
}

#[cfg(unix)]
mod posix {
    #![allow(unsafe_code)]

    use std::ffi::c_int;

    // SAFETY: the signatures are those of POSIX. The child of `fork` runs ordinary code: the library is made for that.
    unsafe extern "C" {
        pub safe fn fork() -> c_int;
        fn waitpid(process: c_int, status: *mut c_int, options: c_int) -> c_int;
    }

    /// Waits for a child and returns its status.
    pub fn wait(process: c_int) -> c_int {
        let mut status = -1;
        // SAFETY: `status` is there to be written to.
        assert_eq!(unsafe { waitpid(process, &mut status, 0) }, process);
        status
    }
}

#[cfg(unix)]
fn forking_and_logging() -> ExitCode {
    log_to_file();
    let child = posix::fork();
    if child > 0 {
        assert_eq!(posix::wait(child), 0);
        return ExitCode::SUCCESS;
    }
    (1..=3).for_each(|n| info!("{}", n));
    ExitCode::SUCCESS
}

#[cfg(target_os = "linux")]
fn logging_after_the_drain() -> ExitCode {
    extern "C" fn log() {
        info!("late");
    }
    for _ in 0..2 {
        // SAFETY: the function logs, which never unwinds.
        #[allow(unsafe_code)]
        let registered = unsafe { libc::atexit(log) };
        assert_eq!(registered, 0);
    }
    // The library's own function comes later, and so runs first.
    log_to_file();
    ExitCode::SUCCESS
}

/// One line says how many records were not written.
#[cfg(unix)]
fn late(name: &str, count: usize) {
    let mut run = Run::new(name);
    let output = run.output();
    let said = format!("femtologging: exit: records that came too late are not written: {count} to handler `file`\n");
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), said));
    assert_eq!(run.text(), numbers(15));
}

/// Waits when it is asked for what it wants.
#[cfg(unix)]
struct Waits(std::sync::mpsc::Sender<()>, std::sync::Mutex<std::sync::mpsc::Receiver<()>>);

#[cfg(unix)]
impl femtologging::filter::FemtoFilter for Waits {
    fn allows(&self, _: &FemtoLogRecord<'_>) -> bool {
        true
    }

    fn interest(&self, _: Level, _: &str) -> femtologging::filter::Interest {
        let _ = self.0.send(());
        let _ = self.1.lock().unwrap().recv();
        femtologging::filter::Interest::Always
    }
}

#[cfg(unix)]
fn fork_while_building() -> ExitCode {
    limit();
    info!("a call site that is asked about");
    let (asked, is_asked) = std::sync::mpsc::channel();
    let (go, may_go) = std::sync::mpsc::channel();
    let builds = std::thread::spawn(move || {
        let filter = Waits(asked, may_go.into());
        let null = femtologging::handler::FemtoNullHandler;
        let config = Config::builder().add_handler("null", null);
        config.add_logger("exit", LoggerConfig::new().filter(filter)).build_and_init().unwrap();
    });
    is_asked.recv().unwrap();
    let child = posix::fork();
    if child == 0 {
        limit();
        log_to_file();
        return ExitCode::SUCCESS;
    }
    assert_eq!(posix::wait(child), 0);
    drop(go);
    builds.join().unwrap();
    ExitCode::SUCCESS
}

#[cfg(unix)]
fn forking() -> ExitCode {
    log_to_file();
    let child = posix::fork();
    if child > 0 {
        assert_eq!(posix::wait(child), 0);
        info!("16");
        return ExitCode::SUCCESS;
    }
    info!("in the child, before it has set anything up");
    assert!(femtologging::flush(LONG).unwrap_err().is_closed());
    let spec = FemtoFileHandler::builder().path(path().with_extension("child")).formatter(message).build().unwrap();
    Config::builder().add_handler("file", spec).build_and_init().unwrap();
    info!("in the child");
    ExitCode::SUCCESS
}

#[cfg(unix)]
fn forked(name: &str) {
    let mut run = Run::new(name);
    let output = run.output();
    let said = "femtologging: exit: records that came too late are not written: 1 to handler `file`\n";
    assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), said));
    assert_eq!(run.text(), numbers(16));
    assert_eq!(fs::read_to_string(run.dir.path().join("a.child")).unwrap(), "in the child\n");
}
