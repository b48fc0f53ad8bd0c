//! The library's notices: one line on standard error each, rate-limited per source, never through the pipeline that
//! they report on.
//!
//! ```text
//! notify("file", "No space left on device")
//!   ├─ this thread is reporting already?   suppressed: reporting never reports on itself
//!   ├─ the bucket of "file" is empty?      suppressed; the next notice says how many were
//!   ├─ formatted, escaped, cut to 2 KiB
//!   └─ voice::say ──► the thread of notices ──► the hook, or standard error
//! ```
//!
//! Five notices of a source pass in a row, and then one in ten seconds: a full disk says so at once and does not fill
//! another one with notices. A source is a handler's name, mostly. The names of handlers are few, but a reload may
//! bring new ones, so the number of buckets is limited, and later sources share one.
//!
//! Every notice is counted as reported, suppressed or dropped.

use std::cell::Cell;
use std::collections::HashMap;
use std::fmt::{self, Write as _};
use std::io::Write;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use super::voice::{self, Notice};
use crate::rate::{Quota, TokenBucket};
use crate::sync::{lazy, lock};
use crate::text::push_escaped;
use crate::time::uptime;

/// The number of messages that a source may send in a row.
const BURST: u32 = 5;
/// The time after which a source may send one more message, in nanoseconds.
const REFILL: i64 = 10 * 1_000_000_000;
/// The maximum number of sources with a budget of their own; later ones share one.
const MAX_SOURCES: usize = 64;
/// The maximum length of a message, in bytes.
const MAX_MESSAGE: usize = 2048;
/// The maximum length of a source, in bytes. A line is then shorter than 4096 bytes (`PIPE_BUF`), which a pipe takes
/// whole or not at all.
const MAX_SOURCE: usize = 512;

static NOTIFIER: LazyLock<Notifier> = LazyLock::new(Notifier::default);

type Hook = Arc<dyn Fn(&str, &str) + Send + Sync>;

/// Sets a hook that gets the library's notices, instead of standard error.
///
/// The hook gets the source, usually a handler's name, and the message, with control characters escaped. It is called
/// on a thread of its own, at most five times in a row and then once in ten seconds for each source. The thread with
/// the notice waits for the hook, for at most 100 ms; while the hook takes longer, notices are dropped and counted
/// ([`Metrics::notices_dropped`](crate::metrics::Metrics::notices_dropped)). Errors inside the hook are not reported.
/// If the hook panics, the notice goes to standard error.
///
/// # Examples
///
/// ```
/// femtologging::set_error_hook(|source, message| eprintln!("logging trouble in {source}: {message}"));
/// ```
pub fn set_error_hook(hook: impl Fn(&str, &str) + Send + Sync + 'static) {
    lazy(&NOTIFIER).set_hook(Arc::new(hook));
}

/// Reports an error as one line `femtologging: <source>: <message>` on standard error, or to the user's hook.
///
/// Does not panic or log, and waits for at most 100 ms. The message is formatted only if the source has budget left.
pub(crate) fn notify(source: &str, message: fmt::Arguments<'_>) {
    lazy(&NOTIFIER).notify(uptime(), source, message, voice::say);
}

/// Returns how many notices were within their budget and were neither written nor passed to the hook.
pub(crate) fn notices_dropped() -> u64 {
    lazy(&NOTIFIER).dropped.load(Ordering::Relaxed)
}

#[derive(Default)]
struct Notifier {
    budgets: Mutex<Budgets>,
    hook: Mutex<Option<Hook>>,
    reported: AtomicU64,
    /// Over their source's budget, or met while reporting.
    suppressed: AtomicU64,
    dropped: AtomicU64,
}

thread_local! {
    /// Set while this thread reports, so that reporting never reports on itself.
    static REPORTING: Cell<bool> = const { Cell::new(false) };
}

impl Notifier {
    fn notify(&self, now: Duration, source: &str, message: fmt::Arguments<'_>, say: impl FnOnce(Notice) -> bool) {
        let nested = REPORTING.replace(true);
        let notice = if nested { None } else { self.notice(now, source, message) };
        let counter = match notice.map(say) {
            None => &self.suppressed,
            Some(true) => &self.reported,
            Some(false) => &self.dropped,
        };
        REPORTING.set(nested);
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Makes a notice of the message unless the source is over its budget.
    fn notice(&self, now: Duration, source: &str, message: fmt::Arguments<'_>) -> Option<Notice> {
        let now = i64::try_from(now.as_nanos()).unwrap_or(i64::MAX);
        // No lock is held while user code (a `Display`, the hook) runs.
        let silenced = lock(&self.budgets).of(source, now).take(Quota::new(REFILL, BURST), now)?;
        let source = LimitedText::of(MAX_SOURCE, format_args!("{source}"));
        let mut message = LimitedText::of(MAX_MESSAGE, message);
        if silenced > 0 {
            let plural = if silenced == 1 { "" } else { "s" };
            message += &format!(" ({silenced} earlier message{plural} suppressed)");
        }
        let hook = lock(&self.hook).clone();
        Some(Box::new(move |stderr: &mut dyn Write| {
            // Also on the thread that says it: what the hook meets is not reported in turn.
            REPORTING.set(true);
            let is_told = hook.is_some_and(|hook| {
                // With its last reference, a hook that was replaced is dropped; that is user code as well.
                let call = || hook(&source, &message);
                let called = guarded(call).is_some();
                guarded(|| drop(hook)).is_some() && called
            });
            is_told || stderr.write_all(format!("femtologging: {source}: {message}\n").as_bytes()).is_ok()
        }))
    }

    fn set_hook(&self, hook: Hook) {
        let old = lock(&self.hook).replace(hook);
        drop(old); // user code, so it runs after the lock is released
    }
}

/// Runs user code; returns `None` if it panicked. The payload is forgotten: dropping it could panic again.
pub(crate) fn guarded<R>(code: impl FnOnce() -> R) -> Option<R> {
    catch_unwind(AssertUnwindSafe(code)).map_err(mem::forget).ok()
}

/// Renders text that a user's `Display` may take part in: on one line, cut at 2 KiB, never a panic.
pub(crate) fn rendered(text: fmt::Arguments<'_>) -> String {
    LimitedText::of(MAX_MESSAGE, text)
}

/// Collects text, escaped as in a log line, up to a number of bytes.
struct LimitedText {
    bytes: Vec<u8>,
    limit: usize,
}

impl LimitedText {
    fn of(limit: usize, text: fmt::Arguments<'_>) -> String {
        let mut collected = Self { bytes: Vec::new(), limit };
        let end = match guarded(|| collected.write_fmt(text)) {
            Some(Ok(())) => "",
            Some(Err(_)) => "… (cut short)",
            None => "… (panicked while being formatted)",
        };
        String::from_utf8_lossy(&collected.bytes).into_owned() + end
    }
}

impl fmt::Write for LimitedText {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            if self.bytes.len() >= self.limit {
                return Err(fmt::Error);
            }
            push_escaped(&mut self.bytes, c.encode_utf8(&mut [0; 4]));
        }
        Ok(())
    }
}

/// The budget of each source, for a bounded number of them.
#[derive(Default)]
struct Budgets {
    by_source: HashMap<String, TokenBucket>,
    shared: TokenBucket,
}

impl Budgets {
    fn of(&mut self, source: &str, now: i64) -> &mut TokenBucket {
        if !self.by_source.contains_key(source) && self.by_source.len() >= MAX_SOURCES {
            // One that still has suppressed messages to tell is kept.
            self.by_source.retain(|_, bucket| !bucket.is_idle(now));
            if self.by_source.len() >= MAX_SOURCES {
                return &mut self.shared;
            }
        }
        self.by_source.entry(source.to_owned()).or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;
    use std::sync::atomic::AtomicUsize;

    const SECOND: i64 = 1_000_000_000;

    fn take(bucket: &mut TokenBucket, now: i64) -> Option<u64> {
        bucket.take(Quota::new(REFILL, BURST), now)
    }

    /// Refuses everything, like a closed stderr.
    struct Broken;

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
    }

    /// Keeps what each call wrote.
    #[derive(Default)]
    struct Writes(Vec<String>);

    impl Write for Writes {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.push(String::from_utf8_lossy(bytes).into_owned());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// How many notices were reported, suppressed and dropped.
    fn counts(notifier: &Notifier) -> (u64, u64, u64) {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        (count(&notifier.reported), count(&notifier.suppressed), count(&notifier.dropped))
    }

    /// Runs code in `Display`, as a user's might.
    struct Runs<F>(F);

    impl<F: Fn()> fmt::Display for Runs<F> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            (self.0)();
            f.write_str("ran")
        }
    }

    #[test]
    fn a_bucket_lets_a_burst_through_and_then_one_per_ten_seconds() {
        let mut bucket = TokenBucket::default();
        let start = 3 * SECOND;
        for _ in 0..5 {
            assert_eq!(take(&mut bucket, start), Some(0));
        }
        assert_eq!((take(&mut bucket, start), take(&mut bucket, start + 10 * SECOND - 1)), (None, None));
        assert_eq!(take(&mut bucket, start + 10 * SECOND), Some(2));
        assert_eq!(take(&mut bucket, start + 19 * SECOND), None);
        assert_eq!(take(&mut bucket, start + 25 * SECOND), Some(1));
        assert_eq!(take(&mut bucket, start + 29 * SECOND), None);
        assert_eq!(take(&mut bucket, start + 30 * SECOND), Some(1));
    }

    #[test]
    fn a_bucket_fills_up_to_a_burst_and_no_further() {
        let mut bucket = TokenBucket::default();
        assert_eq!((0..6).filter_map(|_| take(&mut bucket, 0)).count(), 5);
        assert!(!bucket.is_idle(50 * SECOND)); // it still has something to say
        let taken = (0..7).filter_map(|_| take(&mut bucket, 1000 * SECOND)).collect::<Vec<_>>();
        assert_eq!(taken, [1, 0, 0, 0, 0]);
        assert_eq!(take(&mut bucket, 0), None);
        assert_eq!(take(&mut bucket, i64::MAX - 50 * SECOND), Some(3));
        assert!(!bucket.is_idle(i64::MAX - 45 * SECOND));
        assert!(bucket.is_idle(i64::MAX));
    }

    #[test]
    fn a_message_is_one_line_in_one_write() {
        let (notifier, mut stderr) = (Notifier::default(), Writes::default());
        notifier.notify(at(0), "fi\nle", format_args!("disk \u{1b}[31mfull\r\n{}", "é\u{85}\u{202e}"), |notice| {
            notice(&mut stderr)
        });
        assert_eq!(stderr.0, ["femtologging: fi\\nle: disk \\u{1b}[31mfull\\r\\né\\u{85}\\u{202e}\n"]);
        assert_eq!(counts(&notifier), (1, 0, 0));
    }

    #[test]
    fn a_source_over_its_budget_says_later_how_much_was_suppressed() {
        let (notifier, mut stderr) = (Notifier::default(), Writes::default());
        for i in 0..7 {
            notifier.notify(at(0), "a", format_args!("{i}"), |notice| notice(&mut stderr));
        }
        notifier.notify(at(0), "b", format_args!("0"), |notice| notice(&mut stderr));
        notifier.notify(at(10), "a", format_args!("7"), |notice| notice(&mut stderr));
        notifier.notify(at(11), "a", format_args!("8"), |notice| notice(&mut stderr));
        notifier.notify(at(20), "a", format_args!("9"), |notice| notice(&mut stderr));
        assert_eq!(
            stderr.0,
            [
                "femtologging: a: 0\n",
                "femtologging: a: 1\n",
                "femtologging: a: 2\n",
                "femtologging: a: 3\n",
                "femtologging: a: 4\n",
                "femtologging: b: 0\n",
                "femtologging: a: 7 (2 earlier messages suppressed)\n",
                "femtologging: a: 9 (1 earlier message suppressed)\n",
            ],
        );
        assert_eq!(counts(&notifier), (8, 3, 0));
    }

    #[test]
    fn sources_beyond_the_bound_share_a_budget_until_others_are_idle() {
        let (notifier, mut stderr) = (Notifier::default(), Writes::default());
        for source in 0..MAX_SOURCES + 10 {
            notifier.notify(at(0), &source.to_string(), format_args!("x"), |notice| notice(&mut stderr));
        }
        assert_eq!(stderr.0.len(), MAX_SOURCES + 5);
        assert_eq!(lock(&notifier.budgets).by_source.len(), MAX_SOURCES);
        notifier.notify(at(10), "new", format_args!("x"), |notice| notice(&mut stderr));
        assert_eq!(stderr.0.last().map(String::as_str), Some("femtologging: new: x\n"));
        assert_eq!(lock(&notifier.budgets).by_source.len(), 1);
    }

    #[test]
    fn a_broken_stderr_is_survived_and_counted() {
        let notifier = Notifier::default();
        notifier.notify(at(0), "a", format_args!("x"), |notice| notice(&mut Broken));
        assert_eq!(counts(&notifier), (0, 0, 1));
    }

    #[test]
    fn a_long_message_is_cut() {
        let (notifier, mut stderr) = (Notifier::default(), Writes::default());
        notifier.notify(at(0), "a", format_args!("{}", "é".repeat(MAX_MESSAGE)), |notice| notice(&mut stderr));
        assert_eq!(stderr.0, [format!("femtologging: a: {}… (cut short)\n", "é".repeat(MAX_MESSAGE / 2))]);
    }

    #[test]
    fn a_panicking_display_is_survived() {
        let (notifier, mut stderr) = (Notifier::default(), Writes::default());
        let panics = Runs(|| panic!("expected by this test"));
        notifier.notify(at(0), "a", format_args!("x{panics}"), |notice| notice(&mut stderr));
        assert_eq!(stderr.0, ["femtologging: a: x… (panicked while being formatted)\n"]);
    }

    #[test]
    fn trouble_while_reporting_is_counted_only() {
        let (notifier, mut stderr) = (Notifier::default(), Writes::default());
        let notifies = Runs(|| notifier.notify(at(0), "a", format_args!("inner"), |notice| notice(&mut io::sink())));
        notifier.notify(at(0), "a", format_args!("{notifies}"), |notice| notice(&mut stderr));
        notifier.notify(at(0), "a", format_args!("next"), |notice| notice(&mut stderr));
        assert_eq!(stderr.0, ["femtologging: a: ran\n", "femtologging: a: next\n"]);
        assert_eq!(counts(&notifier), (2, 1, 0));
    }

    #[test]
    fn a_hook_replaces_stderr() {
        let (notifier, mut stderr) = (Notifier::default(), Writes::default());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let hook_seen = Arc::clone(&seen);
        notifier.set_hook(Arc::new(move |source, message| lock(&hook_seen).push(format!("{source}|{message}"))));
        notifier.notify(at(0), "a", format_args!("x\ny"), |notice| notice(&mut stderr));
        assert_eq!(*lock(&seen), ["a|x\\ny"]);
        assert_eq!(stderr.0, [""; 0]);
        assert_eq!(counts(&notifier), (1, 0, 0));
    }

    #[test]
    fn a_panicking_hook_is_caught_and_stderr_takes_over() {
        let (notifier, mut stderr) = (Notifier::default(), Writes::default());
        let calls = Arc::new(AtomicUsize::new(0));
        let hook_calls = Arc::clone(&calls);
        notifier.set_hook(Arc::new(move |_, _| {
            hook_calls.fetch_add(1, Ordering::Relaxed);
            panic!("expected by this test");
        }));
        for _ in 0..2 {
            notifier.notify(at(0), "a", format_args!("x"), |notice| notice(&mut stderr));
        }
        assert_eq!(calls.load(Ordering::Relaxed), 2);
        assert_eq!(stderr.0, ["femtologging: a: x\n"; 2]);
        assert_eq!(counts(&notifier), (2, 0, 0));
    }
}
