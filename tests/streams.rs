//! Standard output and standard error that are locked, full, closed or shared. Every scenario runs in a child: this program,
//! started again with the scenario's name.
#![cfg_attr(unix, allow(unsafe_code))]

mod common;
#[path = "common/scenario.rs"]
mod scenario;

use std::process::ExitCode;

use scenario::Scenario;

/// What a child does, and what its parent expects of it.
const SCENARIOS: &[Scenario] = &[
    ("a_held_lock_of_standard_output_stops_no_handler", any::log_under_the_lock, any::all_thousands),
    ("a_display_that_logs_while_it_is_printed_stops_no_handler", any::log_while_printing, any::all_thousands),
    (
        "a_held_lock_of_standard_output_stops_no_caller_without_a_thread",
        any::log_inline_under_the_lock,
        any::all_thousands,
    ),
    (
        "a_display_that_logs_while_it_is_printed_stops_no_caller_without_a_thread",
        any::log_inline_while_printing,
        any::all_thousands,
    ),
    #[cfg(unix)]
    (
        "a_child_of_fork_prints_while_the_handler_waits_for_a_reader",
        || unix::fork_while_writing(false),
        unix::forked_while_writing,
    ),
    #[cfg(unix)]
    (
        "a_child_of_fork_prints_while_a_caller_without_a_thread_waits_for_a_reader",
        || unix::fork_while_writing(true),
        unix::forked_while_writing,
    ),
    #[cfg(unix)]
    ("a_non_blocking_stream_loses_nothing", unix::log_much, unix::all_in_spite_of_non_blocking),
    #[cfg(unix)]
    ("a_stuck_stderr_does_not_hold_up_the_return_from_main", unix::stuck_return, unix::ends_in_time),
    #[cfg(unix)]
    ("a_stuck_stderr_does_not_hold_up_an_exit", unix::stuck_exit, unix::ends_in_time),
    #[cfg(unix)]
    ("a_stuck_stderr_does_not_hold_up_a_shutdown", unix::stuck_shutdown, unix::ends_in_time),
    #[cfg(unix)]
    ("a_stuck_stderr_does_not_hold_up_a_handler_that_fails", unix::fail_while_stuck, unix::ends_in_time),
    #[cfg(unix)]
    ("a_stuck_error_hook_does_not_hold_up_an_exit", unix::stuck_hook, unix::ends_in_time),
    #[cfg(unix)]
    ("a_file_that_gets_the_number_of_standard_output_is_left_alone", unix::reuse_number, unix::untouched_file),
    #[cfg(unix)]
    ("a_file_that_gets_the_number_of_the_duplicate_is_left_alone", unix::reuse_duplicate, unix::exits_with_7),
    #[cfg(unix)]
    ("a_signal_reaches_the_thread_that_waits_for_it", unix::wait_for_signal, unix::exits_with_7),
    #[cfg(target_os = "linux")]
    ("every_thread_of_the_library_blocks_signals", unix::look_at_masks, unix::exits_with_7),
];

fn main() -> ExitCode {
    scenario::main(SCENARIOS)
}

mod any {
    use std::fmt;
    use std::io::{Write, stderr, stdout};
    use std::process::ExitCode;

    use femtologging::handler::{HandlerBuilder, StreamOptions};
    use femtologging::policy::Transport;
    use femtologging::{Config, FemtoLogRecord, FemtoStreamHandler, Level, info};

    use super::scenario::{Run, numbers};

    pub fn message(record: &FemtoLogRecord<'_>, out: &mut Vec<u8>) {
        record.write_message(out);
    }

    /// A handler whose callers soon wait for it.
    pub fn small(handler: HandlerBuilder<StreamOptions<impl Write + Send + 'static>>) {
        let spec = handler.formatter(message).transport(Transport::PerThread { bytes: 1024 }).build().unwrap();
        Config::builder().default_level(Level::Trace).add_handler("small", spec).build_and_init().unwrap();
    }

    fn log_thousands() {
        (1..=10_000).for_each(|n| info!("{}", n));
    }

    /// A handler whose callers write themselves.
    fn inline(handler: HandlerBuilder<StreamOptions<impl Write + Send + 'static>>) {
        let spec = handler.formatter(message).inline().build().unwrap();
        Config::builder().default_level(Level::Trace).add_handler("inline", spec).build_and_init().unwrap();
    }

    pub fn log_under_the_lock() -> ExitCode {
        small(FemtoStreamHandler::stdout());
        print_under_the_lock()
    }

    pub fn log_inline_under_the_lock() -> ExitCode {
        inline(FemtoStreamHandler::stdout());
        print_under_the_lock()
    }

    fn print_under_the_lock() -> ExitCode {
        let lock = stdout().lock();
        log_thousands();
        drop(lock);
        ExitCode::from(7)
    }

    struct Logs;

    impl fmt::Display for Logs {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            log_thousands();
            Ok(())
        }
    }

    pub fn log_while_printing() -> ExitCode {
        small(FemtoStreamHandler::stderr());
        print_what_logs()
    }

    pub fn log_inline_while_printing() -> ExitCode {
        inline(FemtoStreamHandler::stderr());
        print_what_logs()
    }

    fn print_what_logs() -> ExitCode {
        write!(stderr().lock(), "{Logs}").unwrap();
        ExitCode::from(7)
    }

    pub fn all_thousands(name: &str) {
        let output = Run::new(name).output();
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert_eq!((output.status.code(), text), (Some(7), numbers(10_000)));
    }
}

#[cfg(unix)]
mod unix {
    use std::fs::{self, File};
    use std::io::{self, BufRead, BufReader, Read, Write};
    use std::os::fd::{AsRawFd, RawFd};
    use std::process::{ExitCode, Stdio};
    use std::time::{Duration, Instant};

    use femtologging::policy::OverflowPolicy;
    use femtologging::{Config, FemtoStreamHandler, info};

    use super::any::{message, small};
    use super::common::{LONG, wait_until};
    use super::scenario::{Run, numbers, path, wait};

    /// Calls a function of the C library that returns -1 on failure.
    fn ok(result: i32) -> i32 {
        assert_ne!(result, -1, "{}", io::Error::last_os_error());
        result
    }

    fn fork() -> i32 {
        // SAFETY: the child runs ordinary code: the library is made for that.
        ok(unsafe { libc::fork() })
    }

    /// Ends this process with a signal if it is still there after a while.
    fn limit() {
        // SAFETY: it only sets a timer.
        unsafe { libc::alarm(30) };
    }

    fn ending_of(child: i32) -> i32 {
        let mut status = -1;
        // SAFETY: `status` is there to be written to.
        assert_eq!(ok(unsafe { libc::waitpid(child, &mut status, 0) }), child);
        status
    }

    fn duplicate_onto(from: RawFd, to: RawFd) {
        // SAFETY: both descriptors are this test's to use.
        ok(unsafe { libc::dup2(from, to) });
    }

    /// The handler is in the middle of a write to a pipe that is full when this process forks.
    pub fn fork_while_writing(inline: bool) -> ExitCode {
        let out = FemtoStreamHandler::stdout().formatter(message);
        let out = if inline { out.inline() } else { out.overflow(OverflowPolicy::DropNewest) };
        Config::builder().add_handler("out", out.build().unwrap()).build_and_init().unwrap();
        let writer = std::thread::spawn(|| info!("{}", "x".repeat(100_000)));
        // Nobody reads yet.
        wait_until("the pipe is full", || room(1) == 0);
        let child = fork();
        if child > 0 {
            assert_eq!(ending_of(child), 0);
            writer.join().unwrap();
            return ExitCode::from(7);
        }
        limit();
        eprintln!("forked");
        println!("printed");
        small(FemtoStreamHandler::stdout());
        info!("logged");
        ExitCode::SUCCESS
    }

    /// How many bytes fit into a pipe or terminal without waiting: none, or some.
    fn room(descriptor: RawFd) -> i32 {
        let mut poll = libc::pollfd { fd: descriptor, events: libc::POLLOUT, revents: 0 };
        // SAFETY: there is one entry.
        ok(unsafe { libc::poll(&mut poll, 1, 0) })
    }

    pub fn forked_while_writing(name: &str) {
        let mut run = Run::new(name);
        let mut child = run.command.spawn().unwrap();
        let mut line = String::new();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        stderr.read_line(&mut line).unwrap();
        assert_eq!(line, "forked\n");
        let output = wait(child);
        let mut text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(7), "{line}");
        // Where in the parent's line they stand is the system's to say.
        for word in ["printed\n", "logged\n"] {
            assert!(text.contains(word));
            text = text.replacen(word, "", 1);
        }
        assert_eq!(text, "x".repeat(100_000) + "\n");
    }

    const MANY: usize = 5_000;

    /// What is logged first: more than a pipe holds.
    fn large() -> String {
        "x".repeat(200_000)
    }

    pub fn log_much() -> ExitCode {
        small(FemtoStreamHandler::stdout());
        info!("{}", large());
        wait_until("the pipe is full", || room(1) == 0);
        eprintln!("full");
        (1..=MANY).for_each(|n| info!("{}", n));
        femtologging::shutdown(LONG).unwrap();
        let metrics = femtologging::metrics().handlers.remove(0);
        assert_eq!((metrics.written, metrics.errors), (MANY as u64 + 1, 0));
        ExitCode::from(7)
    }

    pub fn all_in_spite_of_non_blocking(name: &str) {
        let (mut reader, writer) = io::pipe().unwrap();
        // SAFETY: it only sets a flag of a pipe that is this test's.
        ok(unsafe { libc::fcntl(writer.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK) });
        let mut run = Run::new(name);
        let mut child = run.command.stdout(writer).spawn().unwrap();
        // The command has the other end of the pipe.
        run.command.stdout(Stdio::null());
        let mut line = String::new();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        stderr.read_line(&mut line).unwrap();
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        stderr.read_to_string(&mut line).unwrap();
        assert_eq!((wait(child).status.code(), line.as_str()), (Some(7), "full\n"));
        assert_eq!(text, large() + "\n" + &numbers(MANY));
    }

    /// Has standard error lead into a pipe that is full and that nobody reads.
    fn stuff_stderr() {
        let (reader, writer) = io::pipe().unwrap();
        duplicate_onto(writer.as_raw_fd(), 2);
        while room(2) > 0 {
            (&writer).write_all(&[b'x'; 4096]).unwrap();
        }
        std::mem::forget((reader, writer));
    }

    /// A handler that is stuck on standard error, and one that fails.
    fn stuck() {
        limit();
        stuff_stderr();
        let stuck = FemtoStreamHandler::stderr().overflow(OverflowPolicy::DropNewest).build().unwrap();
        let failing = FemtoStreamHandler::builder(Full).formatter(message).build().unwrap();
        femtologging::set_exit_timeout(Duration::from_secs(1));
        Config::builder().add_handler("stuck", stuck).add_handler("failing", failing).build_and_init().unwrap();
        (1..=100).for_each(|n| info!("{}", n));
    }

    struct Full;

    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    pub fn stuck_return() -> ExitCode {
        stuck();
        ExitCode::from(7)
    }

    pub fn stuck_exit() -> ExitCode {
        stuck();
        std::process::exit(7)
    }

    pub fn stuck_shutdown() -> ExitCode {
        stuck();
        let error = femtologging::shutdown(Duration::from_secs(1)).unwrap_err();
        ExitCode::from(if error.is_timeout() { 7 } else { 8 })
    }

    /// More records than the queue holds, each of which its handler fails to write and says so.
    pub fn fail_while_stuck() -> ExitCode {
        limit();
        stuff_stderr();
        small(FemtoStreamHandler::stdout());
        femtologging::shutdown(LONG).unwrap();
        let failing = FemtoStreamHandler::builder(Full).formatter(message).build().unwrap();
        Config::builder().add_handler("failing", failing).build_and_init().unwrap();
        let large = "x".repeat(10_000);
        for _ in 0..100 {
            info!("{}", large);
            let _ = femtologging::flush(LONG);
        }
        let metrics = femtologging::metrics();
        assert_eq!((metrics.handlers[0].failed, metrics.notices_dropped), (100, 5));
        ExitCode::from(7)
    }

    pub fn stuck_hook() -> ExitCode {
        femtologging::set_error_hook(|_, _| {
            loop {
                std::thread::park();
            }
        });
        stuck();
        std::process::exit(7)
    }

    /// Its standard error is its own, and says nothing; the exit takes a second, and has much more.
    pub fn ends_in_time(name: &str) {
        let start = Instant::now();
        let output = Run::new(name).output();
        let took = start.elapsed();
        assert_eq!(output.status.code(), Some(7));
        assert!(took < Duration::from_secs(20), "{took:?}");
    }

    pub fn exits_with_7(name: &str) {
        let output = Run::new(name).output();
        assert_eq!(output.status.code(), Some(7), "{}", super::scenario::stderr(&output));
    }

    pub fn reuse_number() -> ExitCode {
        small(FemtoStreamHandler::stdout());
        info!("1");
        // SAFETY: nothing in this program writes to it any more.
        ok(unsafe { libc::close(1) });
        let file = File::create(path()).unwrap();
        assert_eq!(file.as_raw_fd(), 1);
        (2..=9).for_each(|n| info!("{}", n));
        femtologging::flush(LONG).unwrap();
        std::mem::forget(file);
        ExitCode::from(7)
    }

    pub fn untouched_file(name: &str) {
        let mut run = Run::new(name);
        let output = run.output();
        assert_eq!((output.status.code(), String::from_utf8(output.stdout).unwrap()), (Some(7), numbers(9)));
        assert_eq!(run.text(), "");
    }

    /// The number that the next descriptor will have.
    fn next_number() -> RawFd {
        File::open("/").unwrap().as_raw_fd()
    }

    pub fn reuse_duplicate() -> ExitCode {
        let number = next_number();
        let spec = FemtoStreamHandler::stdout().formatter(message).build().unwrap();
        let file = File::create(path()).unwrap();
        Config::builder().add_handler("out", spec).build_and_init().unwrap();
        // As if the program had closed all descriptors, and opened a file.
        duplicate_onto(file.as_raw_fd(), number);
        info!("1");
        assert!(femtologging::shutdown(LONG).is_err());
        assert_eq!(femtologging::metrics().handlers[0].failed, 1);
        // The handler is gone, and has not closed what is not its own.
        // SAFETY: it only reads a flag.
        ok(unsafe { libc::fcntl(number, libc::F_GETFD) });
        assert_eq!(fs::read(path()).unwrap(), b"");
        ExitCode::from(7)
    }

    /// Blocks a signal in this thread, sends it to the process, and waits for it.
    pub fn wait_for_signal() -> ExitCode {
        small(FemtoStreamHandler::stdout());
        info!("1");
        femtologging::flush(LONG).unwrap();
        // SAFETY: the set is initialized by `sigemptyset` before it is used.
        unsafe {
            let mut set = std::mem::zeroed();
            ok(libc::sigemptyset(&mut set));
            ok(libc::sigaddset(&mut set, libc::SIGTERM));
            assert_eq!(libc::pthread_sigmask(libc::SIG_BLOCK, &set, std::ptr::null_mut()), 0);
            ok(libc::kill(libc::getpid(), libc::SIGTERM));
            let mut signal = 0;
            assert_eq!(libc::sigwait(&set, &mut signal), 0);
            assert_eq!(signal, libc::SIGTERM);
        }
        ExitCode::from(7)
    }

    #[cfg(target_os = "linux")]
    pub fn look_at_masks() -> ExitCode {
        let failing = FemtoStreamHandler::builder(Full).formatter(message).build().unwrap();
        #[cfg_attr(not(feature = "gzip"), allow(unused_mut))]
        let mut config = Config::builder().add_handler("failing", failing);
        #[cfg(feature = "gzip")]
        {
            let rotating = femtologging::handler::FemtoRotatingFileHandler::builder()
                .path(path())
                .max_bytes(1000)
                .backup_count(1)
                .compress(true);
            config = config.add_handler("rotating", rotating.build().unwrap());
        }
        config.build_and_init().unwrap();
        info!("1");
        assert!(femtologging::flush(LONG).is_err());
        let mut names = Vec::new();
        for task in fs::read_dir("/proc/self/task").unwrap() {
            let Ok(status) = fs::read_to_string(task.unwrap().path().join("status")) else { continue };
            let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned();
            let name = field("Name:");
            if name.starts_with("femtolog") {
                let mask = u64::from_str_radix(&field("SigBlk:"), 16).unwrap();
                for signal in 1..=31 {
                    let fault = [
                        libc::SIGBUS,
                        libc::SIGFPE,
                        libc::SIGILL,
                        libc::SIGSEGV,
                        libc::SIGSYS,
                        libc::SIGTRAP,
                        libc::SIGKILL,
                        libc::SIGSTOP,
                    ];
                    assert_eq!(mask >> (signal - 1) & 1 == 1, !fault.contains(&signal), "signal {signal} in {name}");
                }
                names.push(name);
            }
        }
        names.sort();
        // The kernel keeps 15 characters of a name.
        let mut expected = vec!["femtolog-failin", "femtolog-notice"];
        #[cfg(feature = "gzip")]
        expected.extend(["femtolog-gzip", "femtolog-rotati"]);
        expected.sort();
        assert_eq!(names, expected);
        ExitCode::from(7)
    }
}
