//! What a program shows on a terminal. Every scenario runs in a child, whose output is a pseudo-terminal.
//!
//! It has no harness, so that `main` is the program's own.
#![allow(unsafe_code)]

mod common;
#[path = "common/scenario.rs"]
mod scenario;

use std::process::ExitCode;

fn main() -> ExitCode {
    #[cfg(unix)]
    return scenario::main(on_unix::SCENARIOS);
    #[cfg(not(unix))]
    ExitCode::SUCCESS
}

#[cfg(unix)]
mod on_unix {
    use std::fs::File;
    use std::io::{self, Read, Write};
    use std::os::fd::FromRawFd;
    use std::process::{ExitCode, Stdio};

    use femtologging::{Level, basic_config, debug, error, info, trace, warn};

    use crate::common::skipped;
    use crate::scenario::{Run, Scenario, wait};

    /// What a child does, and what its parent expects of it.
    pub const SCENARIOS: &[Scenario] = &[
        ("the_transcript_of_a_tool_is_in_order", tool, transcript),
        ("the_environment_turns_colours_off", two_lines, without_colours),
        ("the_environment_says_what_is_shown", four_levels, levels),
        ("how_to_see_more_is_said_once", four_levels, hint),
        ("no_thread_is_started", count_threads, |name| assert_eq!(shown(name, &[]), ["INFO app one", "1 threads"])),
        (
            "the_last_resort_starts_no_thread",
            || last_resort(true),
            |name| {
                assert_eq!(shown(name, &[])[1..], ["1 threads"]);
            },
        ),
        (
            "an_abort_loses_nothing_of_the_last_resort",
            || last_resort(false),
            |name| {
                let lines = shown(name, &[]);
                assert!(lines.len() == 1 && lines[0].contains("one"), "{lines:?}");
            },
        ),
        ("an_abort_loses_nothing", abort, |name| assert_eq!(shown(name, &[]), ["INFO app one", "ERROR app two"])),
    ];

    /// The two ends of a pseudo-terminal: the program's and the other one.
    fn open() -> Option<(File, File)> {
        let (mut ours, mut theirs) = (-1, -1);
        use std::ptr::null_mut;
        // SAFETY: the numbers are written to variables on this stack. The other arguments may be null.
        let outcome = unsafe {
            libc::openpty(&mut ours, &mut theirs, null_mut(), null_mut::<libc::termios>(), null_mut::<libc::winsize>())
        };
        // SAFETY: the descriptors are new, and nobody else's.
        (outcome == 0).then(|| unsafe { (File::from_raw_fd(theirs), File::from_raw_fd(ours)) })
    }

    /// Runs a child on a terminal, which types `ada`, and returns all it shows.
    fn output(name: &str, variables: &[(&str, &str)]) -> Option<String> {
        let Some((theirs, mut ours)) = open() else {
            skipped("there is no pseudo-terminal here");
            return None;
        };
        let mut run = Run::new(name);
        for variable in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "FEMTO_LOG", "RUST_LOG"] {
            run.command.env_remove(variable);
        }
        run.command.env("TERM", "xterm").envs(variables.iter().copied());
        run.command.stdout(theirs.try_clone().unwrap()).stderr(theirs).stdin(Stdio::piped());
        let child = run.command.spawn().unwrap();
        // The command has the last of our copies of the program's end.
        drop(run);
        // A child that asks nothing may have ended.
        let _ = child.stdin.as_ref().unwrap().write_all(b"ada\n");
        let reader = std::thread::spawn(move || {
            let mut text = Vec::new();
            // On Linux, the end is an error (`EIO`).
            let mut buffer = [0; 1024];
            while let Ok(length @ 1..) = ours.read(&mut buffer) {
                text.extend_from_slice(&buffer[..length]);
            }
            text
        });
        wait(child);
        Some(String::from_utf8(reader.join().unwrap()).unwrap())
    }

    /// The same as lines, without times.
    fn lines(name: &str, variables: &[(&str, &str)]) -> Option<Vec<String>> {
        let text = output(name, variables)?;
        let lines = text.split_terminator("\r\n").map(|line| {
            let (before, after) = line.split_once("\u{1b}[2m").unwrap_or(("", line));
            match after.split_at_checked(12) {
                Some((time, rest)) if time.bytes().filter(|byte| *byte == b':').count() == 2 => {
                    format!("{before}{rest}")
                }
                _ => line.to_owned(),
            }
        });
        Some(lines.collect())
    }

    /// The same without colours and columns.
    fn shown(name: &str, variables: &[(&str, &str)]) -> Vec<String> {
        let lines = lines(name, variables).unwrap_or_default().into_iter();
        lines
            .map(|line| {
                let plain = ["0", "1", "2", "31", "32", "33", "34", "36"]
                    .iter()
                    .fold(line, |line, code| line.replace(&format!("\u{1b}[{code}m"), ""));
                plain.split_whitespace().collect::<Vec<_>>().join(" ")
            })
            .collect()
    }

    /// A command-line tool that asks, answers and fails.
    fn tool() -> ExitCode {
        basic_config(Level::Info).unwrap();
        println!("starting");
        info!(target: "tool", "please answer"; attempt = 1);
        eprint!("name? ");
        let mut name = String::new();
        io::stdin().read_line(&mut name).unwrap();
        println!("hello {}", name.trim());
        warn!(target: "tool", "{} is\nnot\u{7} known\n", name.trim());
        error!(target: "tool", "last words");
        // What std does with the error of `main`.
        eprintln!("Error: \"no more names\"");
        ExitCode::FAILURE
    }

    fn transcript(name: &str) {
        let Some(lines) = lines(name, &[]) else { return };
        let expected = [
            "starting",
            "\u{1b}[0m \u{1b}[32mINFO    \u{1b}[0m \u{1b}[36mtool\u{1b}[0m please answer \u{1b}[2mattempt\u{1b}[0m=1",
            "name? hello ada",
            "\u{1b}[0m \u{1b}[33mWARN    \u{1b}[0m \u{1b}[36mtool\u{1b}[0m ada is",
            "                           | not\\u{7} known",
            "\u{1b}[0m \u{1b}[31mERROR   \u{1b}[0m \u{1b}[36mtool\u{1b}[0m \u{1b}[1mlast words\u{1b}[0m",
            "Error: \"no more names\"",
        ];
        assert_eq!(lines, expected);
    }

    fn two_lines() -> ExitCode {
        basic_config(Level::Info).unwrap();
        info!(target: "app", "one\ntwo");
        ExitCode::SUCCESS
    }

    fn without_colours(name: &str) {
        for variable in [("NO_COLOR", "1"), ("CLICOLOR", "0"), ("TERM", "dumb")] {
            let Some(text) = output(name, &[variable]) else { return };
            let (time, rest) = text.split_at(12);
            assert!(time.starts_with(|c: char| c.is_ascii_digit()), "{text:?}");
            assert_eq!(rest, " INFO     app one\r\n                          | two\r\n");
        }
    }

    fn four_levels() -> ExitCode {
        basic_config(Level::Warn).unwrap();
        for round in 0..2 {
            trace!(target: "app", "{}", round);
            debug!(target: "app", "{}", round);
            info!(target: "app", "{}", round);
            warn!(target: "app", "{}", round);
        }
        info!(target: "app", "elsewhere");
        ExitCode::SUCCESS
    }

    fn levels(name: &str) {
        /// Variables of the environment, and the lines that a terminal then shows.
        type Row<'a> = (&'a [(&'a str, &'a str)], &'a [&'a str]);
        let info = ["INFO app 0", "WARN app 0", "INFO app 1", "WARN app 1", "INFO app elsewhere"];
        let rows: [Row<'_>; 5] = [
            (&[("RUST_LOG", "info")], &info),
            (&[("FEMTO_LOG", "app=info")], &info),
            (&[("FEMTO_LOG", "info"), ("RUST_LOG", "off")], &info),
            (&[("FEMTO_LOG", ""), ("RUST_LOG", "info")], &info),
            (&[("FEMTO_LOG", "off"), ("RUST_LOG", "info")], &[]),
        ];
        for (variables, expected) in rows {
            let lines = shown(name, variables);
            assert!(lines == expected || open().is_none(), "{variables:?}: {lines:?}");
        }
    }

    fn hint(name: &str) {
        let hint = "femtologging: basic_config: TRACE records are not shown; FEMTO_LOG=trace or RUST_LOG shows them";
        let mut expected = vec!["WARN app 0", "WARN app 1"];
        if cfg!(debug_assertions) {
            expected.insert(0, hint);
        }
        let lines = shown(name, &[("FEMTO_LOG", "")]);
        assert!(lines == expected || open().is_none(), "{lines:?}");
    }

    fn count_threads() -> ExitCode {
        basic_config(Level::Info).unwrap();
        info!(target: "app", "one");
        show_threads()
    }

    fn show_threads() -> ExitCode {
        let threads = std::fs::read_dir("/proc/self/task").map_or(1, Iterator::count);
        println!("{threads} threads");
        ExitCode::SUCCESS
    }

    fn last_resort(returns: bool) -> ExitCode {
        warn!(target: "app", "one");
        if returns { show_threads() } else { end() }
    }

    fn abort() -> ExitCode {
        basic_config(Level::Info).unwrap();
        info!(target: "app", "one");
        error!(target: "app", "two");
        end()
    }

    fn end() -> ! {
        // SAFETY: the call sets a limit of this process: no core file.
        unsafe { libc::setrlimit(libc::RLIMIT_CORE, &libc::rlimit { rlim_cur: 0, rlim_max: 0 }) };
        std::process::abort()
    }
}
