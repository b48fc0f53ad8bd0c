//! Handlers without a thread at the ends of a process, and between what the process prints. Every scenario runs in a
//! child: this program, started again with the scenario's name.
#![allow(unsafe_code)]

mod common;
#[path = "common/scenario.rs"]
mod scenario;

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::process::{Command, ExitCode, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use common::LONG;
use femtologging::config::ConfigBuilder;
use femtologging::handler::{Batch, FemtoHandler, FemtoHandlerExt};
use femtologging::metrics::DropReason;
use femtologging::{
    Config, Error, FemtoFileHandler, FemtoLogRecord, FemtoLogger, FemtoStreamHandler, Logging, error, info, warn,
};
use scenario::{Run, Scenario, path, stderr, wait};

/// What a child does, and what its parent expects of it.
const SCENARIOS: &[Scenario] = &[
    ("log_lines_stand_between_what_a_program_prints", ask_and_fail, ordered),
    ("a_program_has_no_further_thread", count_threads, |name| silent(name, "1")),
    ("an_abort_loses_nothing", abort, |name| written(name, None, "one\ntwo\n")),
    #[cfg(unix)]
    ("exec_loses_nothing", exec, |name| written(name, Some(7), "one\ntwo\n")),
    #[cfg(unix)]
    ("before_exec_writes_what_is_queued", exec_with_a_queue, |name| written(name, Some(7), &scenario::numbers(1000))),
    ("thread_local_destructors_log", log_in_destructors, |name| written(name, Some(0), "main\nthread\ndestructor\n")),
    #[cfg(target_os = "linux")]
    ("functions_given_to_atexit_log", log_at_exit, |name| written(name, Some(0), "one\nat exit\nclosed\n")),
    ("a_handler_may_end_the_process", exit_in_a_formatter, ended_by_a_handler),
    #[cfg(unix)]
    ("a_child_of_fork_logs", log_in_a_fork, |name| written(name, Some(0), "parent\nchild\nchild at exit\nparent\n")),
    #[cfg(unix)]
    ("a_child_of_fork_leaves_kept_records_to_its_parent", keep_in_a_fork, |name| {
        written(name, Some(0), "child\nkept\nparent\n");
    }),
    #[cfg(unix)]
    ("forks_while_other_threads_deliver_hang_nowhere", fork_among_threads, |name| silent(name, "")),
    #[cfg(unix)]
    ("a_fork_while_another_thread_is_stuck_hangs_nowhere", fork_while_stuck, |name| silent(name, "")),
    #[cfg(all(unix, feature = "gzip"))]
    ("a_child_of_fork_needs_no_thread_that_compresses", compress_in_a_fork, |name| silent(name, "")),
    ("a_stuck_handler_holds_an_exit_for_a_limited_time", exit_while_stuck, limited),
];

fn main() -> ExitCode {
    scenario::main(SCENARIOS)
}

// What the parent does.

/// The child has said nothing, ended in success, and printed this.
fn silent(name: &str, printed: &str) {
    let output = Run::new(name).output();
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), String::new()));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), printed);
}

/// The child has said nothing, ended with this code, or by a signal, and written this.
fn written(name: &str, code: Option<i32>, text: &str) {
    let mut run = Run::new(name);
    let output = run.output();
    assert_eq!((output.status.code(), stderr(&output)), (code, String::new()));
    assert_eq!(run.text(), text);
}

/// Both streams of the child go to one file, as to a terminal.
fn ordered(name: &str) {
    let mut run = Run::new(name);
    let mut file = tempfile::tempfile().unwrap();
    let (out, err): (File, File) = (file.try_clone().unwrap(), file.try_clone().unwrap());
    let child = run.command.stdout(out).stderr(err).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.as_ref().unwrap().write_all(b"ada\n").unwrap();
    assert_eq!(wait(child).status.code(), Some(1));
    file.rewind().unwrap();
    let mut text = String::new();
    file.read_to_string(&mut text).unwrap();
    let expected = "starting\nplease answer\nname? hello ada\nINFO greeted ada\nlast words\nError: \"no more names\"\n";
    assert_eq!(text.replace(": INFO: ", ""), expected);
}

fn ended_by_a_handler(name: &str) {
    let mut run = Run::new(name);
    let output = run.output();
    let said = "femtologging: exit: handler `inline` ended the process from a log call; 1 records are not written\n";
    let said = if cfg!(target_os = "linux") { said } else { "" };
    assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(7), said));
    assert_eq!(run.text(), "one\n");
}

fn limited(name: &str) {
    let output = Run::new(name).output();
    let said = "femtologging: exit: the shutdown of handler `inline` (given 50ms; 1 records are not written) did not finish in time\n";
    let said = if cfg!(target_os = "linux") { said } else { "" };
    assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), said));
}

// What the children do.

fn message(record: &FemtoLogRecord<'_>, out: &mut Vec<u8>) {
    record.write_message(out);
}

fn to_file() -> ConfigBuilder {
    let file = FemtoFileHandler::builder().path(path()).formatter(message).inline().build().unwrap();
    Config::builder().add_handler("inline", file)
}

/// A command-line tool that asks, answers and fails.
fn ask_and_fail() -> ExitCode {
    fn run() -> Result<(), Box<dyn std::error::Error>> {
        let console = FemtoStreamHandler::stderr().formatter(message).inline().build()?;
        Config::builder().add_handler("console", console).build_and_init()?;
        println!("starting");
        info!("please answer");
        eprint!("name? ");
        let mut name = String::new();
        io::stdin().read_line(&mut name)?;
        println!("hello {}", name.trim());
        info!("INFO greeted {}", name.trim());
        error!("last words");
        Err("no more names".into())
    }
    // What std does with the error of `main`.
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Error: {error:?}");
            ExitCode::FAILURE
        }
    }
}

fn count_threads() -> ExitCode {
    let console = FemtoStreamHandler::builder(io::sink()).inline().build().unwrap();
    Config::builder().add_handler("console", console).build_and_init().unwrap();
    info!("one");
    femtologging::flush(LONG).unwrap();
    let threads = std::fs::read_dir("/proc/self/task").map_or(1, Iterator::count);
    print!("{threads}");
    ExitCode::SUCCESS
}

fn abort() -> ExitCode {
    to_file().build_and_init().unwrap();
    info!("one");
    warn!("two");
    // Without a core file.
    #[cfg(unix)]
    // SAFETY: the call sets a limit of this process.
    unsafe {
        libc::setrlimit(libc::RLIMIT_CORE, &libc::rlimit { rlim_cur: 0, rlim_max: 0 });
    }
    std::process::abort()
}

#[cfg(unix)]
fn exec() -> ExitCode {
    use std::os::unix::process::CommandExt;
    to_file().build_and_init().unwrap();
    info!("one");
    warn!("two");
    panic!("{}", Command::new("/bin/sh").args(["-c", "exit 7"]).exec())
}

#[cfg(unix)]
fn exec_with_a_queue() -> ExitCode {
    use std::os::unix::process::CommandExt;
    let file = FemtoFileHandler::builder().path(path()).formatter(message);
    let policy = femtologging::policy::FlushPolicy::AtLevel(femtologging::Level::Critical);
    let file = file.flush_policy(policy).build().unwrap();
    Config::builder().add_handler("file", file).build_and_init().unwrap();
    (1..=1000).for_each(|number| info!("{}", number));
    femtologging::before_exec().unwrap();
    panic!("{}", Command::new("/bin/sh").args(["-c", "exit 7"]).exec())
}

/// Logs when it is dropped.
struct Last;

impl Drop for Last {
    fn drop(&mut self) {
        info!("{}", "destructor");
    }
}

fn log_in_destructors() -> ExitCode {
    thread_local! {
        static LAST: RefCell<Option<Last>> = const { RefCell::new(None) };
    }
    to_file().build_and_init().unwrap();
    info!("main");
    std::thread::spawn(|| {
        LAST.set(Some(Last));
        info!("thread");
    })
    .join()
    .unwrap();
    ExitCode::SUCCESS
}

/// A handler of files that says when it is closed.
#[cfg(target_os = "linux")]
struct Closing(File);

#[cfg(target_os = "linux")]
impl FemtoHandler for Closing {
    fn handle(&mut self, record: &FemtoLogRecord<'_>, _: &mut Batch) -> Result<(), Error> {
        Ok(writeln!(self.0, "{}", record.message())?)
    }

    fn close(&mut self) -> Result<(), Error> {
        Ok(writeln!(self.0, "closed")?)
    }
}

#[cfg(target_os = "linux")]
fn log_at_exit() -> ExitCode {
    extern "C" fn log() {
        info!("at exit");
    }
    // SAFETY: the function logs, which never unwinds.
    assert_eq!(unsafe { libc::atexit(log) }, 0);
    let handler = Closing(File::create(path()).unwrap()).configure().inline().build().unwrap();
    // One with a thread, too, which is closed before the function runs.
    let other = FemtoStreamHandler::builder(io::sink()).level(femtologging::Level::Error).build().unwrap();
    Config::builder().add_handler("inline", handler).add_handler("other", other).build_and_init().unwrap();
    info!("one");
    ExitCode::SUCCESS
}

fn exit_in_a_formatter() -> ExitCode {
    let formatter = |record: &FemtoLogRecord<'_>, out: &mut Vec<u8>| {
        if record.get("exit").is_some() {
            std::process::exit(7);
        }
        message(record, out);
    };
    let file = FemtoFileHandler::builder().path(path()).formatter(formatter).inline().build().unwrap();
    Config::builder().add_handler("inline", file).build_and_init().unwrap();
    info!("one");
    info!("two"; exit = true);
    ExitCode::FAILURE
}

#[cfg(unix)]
fn fork(child: impl FnOnce()) {
    // SAFETY: the child ends in `child`, or with `_exit`, or by the alarm if it hangs.
    unsafe {
        let id = libc::fork();
        if id == 0 {
            libc::alarm(60);
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(child));
            libc::_exit(if outcome.is_ok() { 0 } else { 101 });
        }
        let mut status = -1;
        assert_eq!((libc::waitpid(id, &mut status, 0), status), (id, 0));
    }
}

#[cfg(unix)]
fn log_in_a_fork() -> ExitCode {
    struct AtExit;
    impl Drop for AtExit {
        fn drop(&mut self) {
            info!("child at exit");
        }
    }
    to_file().build_and_init().unwrap();
    info!("parent");
    fork(|| {
        info!("child");
        femtologging::flush(LONG).unwrap();
        drop(AtExit);
        let metrics = femtologging::metrics().handlers.remove(0);
        assert_eq!((metrics.written, metrics.in_flight, metrics.dropped.total()), (3, 0, 0));
        std::process::exit(0);
    });
    info!("parent");
    ExitCode::SUCCESS
}

#[cfg(unix)]
fn keep_in_a_fork() -> ExitCode {
    let file = FemtoFileHandler::builder().path(path()).formatter(message).build().unwrap();
    let memory = femtologging::handler::FemtoMemoryHandler::builder(file).inline().build().unwrap();
    Config::builder().add_handler("memory", memory).build_and_init().unwrap();
    info!("kept");
    fork(|| {
        error!("child");
        let metrics = femtologging::metrics().handlers.remove(0);
        assert_eq!((metrics.written, metrics.failed, metrics.in_flight), (1, 1, 0));
        femtologging::flush(LONG).unwrap();
        std::process::exit(0);
    });
    error!("parent");
    ExitCode::SUCCESS
}

fn system(formatter: impl FnMut(&FemtoLogRecord<'_>, &mut Vec<u8>) + Send + 'static) -> (Logging, FemtoLogger) {
    let handler = FemtoStreamHandler::builder(io::sink()).formatter(formatter).inline().build().unwrap();
    let logging = Config::builder().add_handler("inline", handler).build().unwrap();
    let logger = logging.get_logger("app").unwrap();
    (logging, logger)
}

/// A child finds the handler's lock free, although other threads take it all the time.
#[cfg(unix)]
fn fork_among_threads() -> ExitCode {
    use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
    static STOP: AtomicBool = AtomicBool::new(false);
    let (logging, logger) = system(message);
    let threads = [(); 3].map(|()| {
        let logger = logger.clone();
        std::thread::spawn(move || {
            while !STOP.load(Relaxed) {
                info!(logger: logger, "{}", "x".repeat(1000));
            }
        })
    });
    for _ in 0..50 {
        fork(|| {
            let before = logging.metrics().handlers.remove(0);
            info!(logger: logger, "{}", 1);
            let after = logging.metrics().handlers.remove(0);
            assert_eq!((before.in_flight, after.in_flight, after.written), (0, 0, before.written + 1));
            logging.flush(LONG).unwrap();
        });
    }
    STOP.store(true, Relaxed);
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    ExitCode::SUCCESS
}

/// A thread is in the handler's code for longer than a fork waits. The child counts what it cannot write.
#[cfg(unix)]
fn fork_while_stuck() -> ExitCode {
    let (inside, is_inside) = mpsc::channel();
    let (go, may_go) = mpsc::channel::<()>();
    let (logging, logger) = system(move |_, _| {
        let _ = inside.send(());
        let _ = may_go.recv();
    });
    std::thread::scope(|scope| {
        scope.spawn(|| info!(logger: logger, "stuck"));
        is_inside.recv().unwrap();
        fork(|| {
            info!(logger: logger, "in the child");
            let metrics = logging.metrics().handlers.remove(0);
            assert_eq!((metrics.emitted, metrics.in_flight), (2, 1));
            assert_eq!(metrics.dropped.by_reason(DropReason::Closed), 1);
            assert!(logging.flush(LONG).unwrap_err().is_closed());
            // A system of its own works, and the other one can be dropped.
            let (own, own_logger) = system(message);
            info!(logger: own_logger, "of its own");
            assert_eq!(own.metrics().handlers[0].written, 1);
        });
        drop(go);
    });
    assert_eq!(logging.metrics().handlers[0].written, 1);
    ExitCode::SUCCESS
}

/// The thread that compresses is the parent's.
#[cfg(all(unix, feature = "gzip"))]
fn compress_in_a_fork() -> ExitCode {
    let rotating = femtologging::handler::FemtoRotatingFileHandler::builder();
    let rotating = rotating.path(path()).max_bytes(100).backup_count(1_000).compress(true).formatter(message);
    Config::builder().add_handler("rotating", rotating.inline().build().unwrap()).build_and_init().unwrap();
    let log = || (0..100).for_each(|n| info!("record {}", n));
    log();
    fork(|| {
        log();
        let metrics = femtologging::metrics().handlers.remove(0);
        assert_eq!((metrics.written, metrics.errors), (200, 0));
        // In the place of the parent's, which is dropped.
        Config::builder().add_handler("null", femtologging::handler::FemtoNullHandler).build_and_init().unwrap();
        info!("of its own");
        std::process::exit(0);
    });
    log();
    ExitCode::SUCCESS
}

fn exit_while_stuck() -> ExitCode {
    let (inside, is_inside) = mpsc::channel();
    let handler = FemtoStreamHandler::builder(io::sink()).formatter(move |_: &FemtoLogRecord<'_>, _: &mut Vec<u8>| {
        let _ = inside.send(());
        std::thread::sleep(Duration::from_secs(600));
    });
    Config::builder().add_handler("inline", handler.inline().build().unwrap()).build_and_init().unwrap();
    femtologging::set_exit_timeout(Duration::from_millis(50));
    std::thread::spawn(|| info!("stuck"));
    is_inside.recv().unwrap();
    ExitCode::SUCCESS
}
