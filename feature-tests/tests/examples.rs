//! The examples do what they say. Each runs in a child: this program, started again.

use std::fs;
use std::io::BufReader;
use std::path::Path;
use std::process::{Command, Output, Stdio};

#[cfg(feature = "tracing")]
#[allow(dead_code, unused_imports)]
#[path = "../../examples/06_axum_trace_layer.rs"]
mod axum_trace_layer;
#[allow(dead_code, unused_imports)]
#[path = "../../examples/03_custom_handler.rs"]
mod custom_handler;
#[cfg(feature = "tokio")]
#[allow(dead_code, unused_imports)]
#[path = "../../examples/12_flush_per_invocation.rs"]
mod flush_per_invocation;
#[cfg(feature = "tokio")]
#[allow(dead_code, unused_imports)]
#[path = "../../examples/11_graceful_shutdown.rs"]
mod graceful_shutdown;
#[cfg(feature = "log")]
#[allow(dead_code, unused_imports)]
#[path = "../../examples/07_log_with_kv.rs"]
mod log_with_kv;
#[allow(dead_code, unused_imports)]
#[path = "../../examples/05_spans_async.rs"]
mod spans_async;
#[allow(dead_code, unused_imports)]
#[path = "../../examples/04_structured.rs"]
mod structured;
#[allow(dead_code, unused_imports)]
#[path = "../../examples/02_tee.rs"]
mod tee;

/// The README's first program; see `build.rs`.
mod readme {
    include!(concat!(env!("OUT_DIR"), "/readme.rs"));
}

const INPUT: &str = "FEMTOLOGGING_TEST_INPUT";
const OUTPUT: &str = "FEMTOLOGGING_TEST_OUTPUT";

#[test]
#[ignore = "the other tests start it"]
fn tee_child() {
    let (Some(input), Some(output)) = (std::env::var_os(INPUT), std::env::var_os(OUTPUT)) else {
        return;
    };
    let code = tee::tee(BufReader::new(fs::File::open(input).unwrap()), Path::new(&output)).unwrap();
    assert_eq!(code, std::process::ExitCode::SUCCESS);
}

#[test]
#[ignore = "the other tests start it"]
fn readme_child() {
    readme::main().unwrap();
}

#[cfg(feature = "tokio")]
#[test]
#[ignore = "the other tests start it"]
fn graceful_shutdown_child() {
    graceful_shutdown::main().unwrap();
}

#[cfg(feature = "tokio")]
#[test]
#[ignore = "the other tests start it"]
fn flush_per_invocation_child() {
    flush_per_invocation::main().unwrap();
}

#[test]
#[ignore = "the other tests start it"]
fn custom_handler_child() {
    custom_handler::main().unwrap();
}

#[cfg(feature = "log")]
#[test]
#[ignore = "the other tests start it"]
fn log_with_kv_child() {
    log_with_kv::main().unwrap();
}

#[test]
#[ignore = "the other tests start it"]
fn structured_child() {
    structured::main().unwrap();
}

#[test]
#[ignore = "the other tests start it"]
fn spans_async_child() {
    spans_async::main().unwrap();
}

fn child(test: &str, environment: &[(&str, &Path)]) -> Output {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "--nocapture", "--test-threads=1", test]).envs(environment.iter().copied());
    command.stdin(Stdio::null()).output().unwrap()
}

/// A line of the README's output, with a zero for each digit of its time, and the names that it has in this test.
fn comparable(line: &str) -> String {
    let (time, rest) = line.split_at(27);
    let time: String = time.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    time + &rest.replace(" app [main]", " examples::readme [readme_child]").replace("[main]", "[readme_child]")
}

#[test]
fn the_readme_s_program_writes_what_the_readme_shows() {
    let readme = include_str!("../../README.md");
    let (_, after) = readme.split_once("\n```text\n").unwrap();
    let (shown, _) = after.split_once("\n```\n").unwrap();
    let shown: Vec<_> = shown.lines().map(comparable).collect();
    let dir = tempfile::tempdir().unwrap();
    let output = child("readme_child", &[("TMPDIR", dir.path())]);
    assert!(output.status.success(), "{output:?}");
    let written = fs::read_to_string(dir.path().join("app.log")).unwrap();
    assert_eq!(written.lines().map(comparable).collect::<Vec<_>>(), shown);
    let terminal = String::from_utf8(output.stderr).unwrap();
    assert_eq!(terminal.lines().map(comparable).collect::<Vec<_>>(), shown[1..]);
}

/// Lets `tee` log this text and checks the file, the terminal and the summary, line by line.
fn tee_logs(input: &[u8]) {
    let dir = tempfile::tempdir().unwrap();
    let (from, to) = (dir.path().join("input"), dir.path().join("output.log"));
    fs::write(&from, input).unwrap();
    let output = child("tee_child", &[(INPUT, &from), (OUTPUT, &to)]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{stderr}");

    let mut lines: Vec<&[u8]> = input.split(|byte| *byte == b'\n').collect();
    if lines.last() == Some(&&b""[..]) {
        lines.pop();
    }
    let file = fs::read(&to).unwrap();
    let logged = String::from_utf8(file.clone()).unwrap();
    assert_eq!(logged.lines().count(), lines.len());
    for (index, (found, line)) in logged.lines().zip(&lines).enumerate() {
        let text = String::from_utf8_lossy(line);
        let lower = text.to_ascii_lowercase();
        let level = ["error", "warn"].into_iter().find(|word| lower.contains(word)).unwrap_or("info");
        // The last line may have no line feed.
        let bytes = line.len() + usize::from(index + 1 < lines.len() || input.ends_with(b"\n"));
        let begin = format!("{:<5} tee [tee_child] {:>6} ", level.to_uppercase(), index + 1);
        let rest = found[28..].strip_prefix(&begin).unwrap_or_else(|| panic!("{found}\n{begin}"));
        let message = rest.strip_suffix(&format!(" bytes={bytes}")).unwrap_or_else(|| panic!("{found}"));
        assert!(!found.contains(|c: char| c.is_control()), "{found:?}");
        if !text.contains(|c: char| c.is_control() || ('\u{2028}'..='\u{202e}').contains(&c)) {
            assert_eq!(message, text);
        }
    }
    assert!(
        output.stdout.windows(file.len()).any(|window| window == file),
        "the terminal has the same lines in a row, between those of the test harness"
    );
    let n = lines.len();
    let summary = |name: &str| {
        format!("{name}: {n} emitted = {n} written + 0 dropped + 0 failed + 0 in flight; {} bytes in ", file.len())
    };
    assert!(stderr.starts_with(&summary("terminal")) && stderr.contains(&summary("\nfile")), "{stderr}");
    assert!(stderr.ends_with(&format!("\n{n} lines in, {n} lines in {}\n", to.display())), "{stderr}");
}

#[test]
fn tee_logs_a_real_log() {
    let real = ["/var/log/dpkg.log", "/var/log/install.log", "/var/log/system.log", "../Cargo.lock"];
    let found = real.iter().filter_map(|path| fs::read(path).ok()).find(|text| !text.is_empty());
    tee_logs(&found.expect("at least Cargo.lock can be read"));
}

#[test]
fn tee_logs_odd_bytes() {
    let mut input = Vec::new();
    let mut line = |bytes: &[u8]| {
        input.extend_from_slice(bytes);
        input.push(b'\n');
    };
    line(b"plain");
    line(b"");
    line(b"an ERROR and a warning");
    line(b"a Warning");
    line(b"invalid \xff\xfe\x80 UTF-8 \xe2\x82");
    line(b"\x1b[31mred\x1b[0m \x07 \x00 \x7f \r");
    line("2026-01-01T00:00:00.000000Z INFO  forged [main] größe \u{2028}\u{202e}".as_bytes());
    line(&b"long ".repeat(100_000));
    line(&[b'\xff'; 70_000]);
    for n in 0..5_000_u32 {
        // Bytes of all kinds, the same in every run.
        let bytes = (0..n % 97).map(|i| (n.wrapping_mul(2_654_435_761).wrapping_add(i * 40_503) >> 7) as u8);
        line(&bytes.filter(|byte| *byte != b'\n').collect::<Vec<_>>());
    }
    input.extend_from_slice(b"no line feed at the end");
    tee_logs(&input);
}

#[test]
fn tee_logs_an_empty_stream() {
    let dir = tempfile::tempdir().unwrap();
    let (from, to) = (dir.path().join("input"), dir.path().join("output.log"));
    fs::write(&from, "").unwrap();
    let output = child("tee_child", &[(INPUT, &from), (OUTPUT, &to)]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && stderr.contains("\n0 lines in, 0 lines in "), "{stderr}");
}

#[test]
fn a_custom_handler_keeps_the_last_messages() {
    let output = child("custom_handler_child", &[]);
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{stdout}");
    assert!(stdout.contains("INFO order 4 packed\nINFO order 5 packed\nWARN stock is low\n"), "{stdout}");
    assert!(!stdout.contains("order 3"), "{stdout}");
}

#[cfg(feature = "tracing")]
#[test]
#[ignore = "the other tests start it"]
fn axum_trace_layer_child() {
    axum_trace_layer::main().unwrap();
}

#[cfg(feature = "tracing")]
#[test]
fn a_service_with_a_trace_layer_logs_requests() {
    let output = child("axum_trace_layer_child", &[]);
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{stdout}");
    // Without the time, the thread and how long it took.
    let line = |line: &str| {
        let Some((_, rest)) = line.split_once("Z level=") else {
            return line.to_owned();
        };
        let rest = rest.replace(" thread=tokio-rt-worker", "");
        rest.split_once(" latency=\"").map_or(rest.clone(), |(before, after)| {
            let after = after.trim_start_matches(|c: char| c.is_ascii_digit());
            format!("{before} latency=\"…{after}")
        })
    };
    let lines: Vec<_> = stdout.lines().map(line).collect();
    let first = lines.iter().position(|line| line.starts_with("debug")).unwrap();
    let expected = [
        r#"debug logger=tower_http::trace::on_request span=request span_id=1 msg="started processing request" method=GET path=/items/7"#,
        r#"info logger=examples::axum_trace_layer span=request span_id=1 msg="looking for an item" method=GET path=/items/7 id=7"#,
        r#"debug logger=examples::axum_trace_layer span=request:load span_id=2 msg="asked the table" method=GET path=/items/7 id=7 rows=1"#,
        r#"info logger=tower_http::trace::on_response span=request span_id=1 msg="finished processing request" method=GET path=/items/7 latency="… ms" status=200"#,
        "/items/7: HTTP/1.1 200 OK",
        r#"debug logger=tower_http::trace::on_request span=request span_id=3 msg="started processing request" method=GET path=/items/700"#,
        r#"info logger=examples::axum_trace_layer span=request span_id=3 msg="looking for an item" method=GET path=/items/700 id=700"#,
        r#"debug logger=examples::axum_trace_layer span=request:load span_id=4 msg="asked the table" method=GET path=/items/700 id=700 rows=0"#,
        r#"info logger=tower_http::trace::on_response span=request span_id=3 msg="finished processing request" method=GET path=/items/700 latency="… ms" status=404"#,
        "/items/700: HTTP/1.1 404 Not Found",
        r#"debug logger=tower_http::trace::on_request span=request span_id=5 msg="started processing request" method=GET path=/broken"#,
        r#"info logger=tower_http::trace::on_response span=request span_id=5 msg="finished processing request" method=GET path=/broken latency="… ms" status=500"#,
        r#"error logger=tower_http::trace::on_failure span=request span_id=5 msg="response failed" method=GET path=/broken classification="Status code: 500 Internal Server Error" latency="… ms""#,
        "/broken: HTTP/1.1 500 Internal Server Error",
    ];
    assert_eq!(lines[first..first + expected.len()], expected, "{stdout}");
}

#[cfg(feature = "log")]
#[test]
fn a_program_that_uses_log_writes_json() {
    let output = child("log_with_kv_child", &[]);
    assert!(output.status.success(), "{output:?}");
    let stdout = String::from_utf8(output.stdout).unwrap();
    // The time, which is the first field, and the thread's number are all that differs from run to run.
    let place = r#","file":"#;
    let lines = stdout.lines().filter_map(|line| {
        let (before, thread) = line.split_once(r#"Z","level":"#)?.1.split_once(r#","thread_id":"#)?;
        Some(format!("{before}{}{}", place, thread.split_once(place)?.1))
    });
    let lines: Vec<_> = lines.collect();
    let expected = [
        (
            r#""DEBUG","message":"looking for apples","logger":"shop::stock""#,
            36,
            r#""order":1,"article":"apples","wanted":3"#,
        ),
        (
            r#""INFO","message":"sold 3 apples","logger":"shop""#,
            43,
            r#""order":1,"article":"apples","wanted":3,"price":0.75,"gift":false,"voucher":null"#,
        ),
        (r#""WARN","message":"running low","logger":"shop::stock""#, 45, r#""order":1,"article":"apples","left":2"#),
        (
            r#""DEBUG","message":"looking for plums","logger":"shop::stock""#,
            36,
            r#""order":2,"article":"plums","wanted":1"#,
        ),
        (
            r#""ERROR","message":"order refused","logger":"shop""#,
            56,
            r#""order":2,"error":"there is no plums","state":"{\"apples\": 2, \"pears\": 40}""#,
        ),
        (
            r#""DEBUG","message":"looking for apples","logger":"shop::stock""#,
            36,
            r#""order":3,"article":"apples","wanted":9"#,
        ),
        (
            r#""ERROR","message":"order refused","logger":"shop""#,
            56,
            r#""order":3,"error":"9 wanted, 2 left","state":"{\"apples\": 2, \"pears\": 40}""#,
        ),
    ]
    .map(|(what, line, fields)| {
        let place =
            format!(r#""thread":"log_with_kv_child","file":"feature-tests/tests/../../examples/07_log_with_kv.rs","line":{line}"#);
        format!(r#"{what},{place},"fields":{{{fields}}}}}"#)
    });
    assert_eq!(lines, expected);
}

#[test]
fn structured_records_have_all_their_keys() {
    let output = child("structured_child", &[]);
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{stdout}");
    let line = |message: &str, nth: usize| {
        let line = stdout.lines().filter(|line| line.contains(message)).nth(nth);
        line.unwrap_or_else(|| panic!("{message} in {stdout}")).to_owned()
    };
    for (nth, request) in ["request_id=4711 user=ada", "request_id=4712 user=grace"].into_iter().enumerate() {
        assert!(line("msg=\"counted\"", nth).contains(&format!("{request} component=stock")), "{stdout}");
    }
    let failed = ["attempt 1", "attempt 4", "attempt 2", "attempt 5"];
    for (nth, attempt) in failed.into_iter().enumerate() {
        let line = line("failed", nth);
        assert!(line.contains(attempt) && line.contains("suppressed=2") == (nth > 0), "{stdout}");
    }
    let closed = line("closed", 0);
    assert!(closed.contains("checksum=c0ffee") && !closed.contains("request_id"), "{stdout}");
    assert!(!stdout.contains("hunter2"), "{stdout}");
}

#[test]
fn tasks_keep_their_spans() {
    let output = child("spans_async_child", &[]);
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{stdout}");
    for id in 1..=3 {
        let lines: Vec<_> = stdout.lines().filter(|line| line.contains(&format!(" id={id}"))).collect();
        assert!(lines.iter().all(|line| line.contains("shop=north")), "{stdout}");
        let message = |line: &str| line.split_once("INFO ")?.1.split(' ').next().map(str::to_owned);
        let messages: Vec<_> = lines.iter().filter_map(|line| message(line)).collect();
        let packed = vec!["packed"; id];
        assert_eq!(messages, [&["received"][..], &packed, &["exit", "sent", "exit"]].concat(), "{stdout}");
    }
}

#[cfg(feature = "tokio")]
#[test]
fn a_service_that_stops_writes_everything_before_it_ends() {
    let output = child("graceful_shutdown_child", &[]);
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{stdout}");
    // Without the times.
    let lines: Vec<_> = stdout.lines().map(|line| line.split_once("Z ").map_or(line, |(_, rest)| rest)).collect();
    let first = lines.iter().position(|line| line.contains("found id=7")).unwrap_or_else(|| panic!("{stdout}"));
    let module = "examples::graceful_shutdown [graceful_shutdown_child]";
    let expected = [
        format!("INFO  {module} item: found id=7"),
        format!("WARN  {module} item: not found id=700"),
        format!("INFO  {module} every request is answered"),
        "/items/7: HTTP/1.1 200 OK".to_owned(),
        "/items/700: HTTP/1.1 404 Not Found".to_owned(),
    ];
    assert_eq!(lines[first..first + expected.len()], expected);
    assert!(stdout.contains("3 emitted = 3 written + 0 dropped + 0 failed + 0 in flight"), "{stdout}");
}

#[cfg(feature = "tokio")]
#[test]
fn each_invocation_is_written_when_it_is_answered() {
    let output = child("flush_per_invocation_child", &[]);
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{stdout}");
    // The harness begins the first line.
    let lines: Vec<_> =
        stdout.lines().filter_map(|line| line.split_once("invocation ")).map(|(_, rest)| rest).collect();
    let expected = [
        "1: 20 gives 40; lines in the log: 1",
        "2: many gives error; lines in the log: 2",
        "3: 21 gives 42; lines in the log: 1",
    ];
    assert_eq!(lines, expected);
}
