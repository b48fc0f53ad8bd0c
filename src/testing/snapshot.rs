//! Records as text without what differs from run to run.

use std::env;

use super::collector::Entry;

/// Returns the line of a record, normalised; see [`Capture::snapshot`](super::Capture::snapshot).
pub(super) fn line(entry: &Entry) -> String {
    // The line begins with the time and the level; the thread's name follows the logger's.
    let line = entry.line.split_once(' ').map_or(entry.line.as_str(), |(_, rest)| rest);
    let thread = format!(" [{}] ", entry.record.thread_name());
    let line = line.replacen(&thread, " [thread] ", 1);
    let here = env::current_dir().ok().and_then(|path| path.to_str().map(str::to_owned));
    let temporary = env::temp_dir().to_str().map(str::to_owned);
    format!("[time] {}", normal(&line, here.as_deref(), temporary.as_deref()))
}

/// Replaces paths, times and durations in a text.
fn normal(text: &str, here: Option<&str>, temporary: Option<&str>) -> String {
    let mut text = text.to_owned();
    if let Some(here) = here.map(directory).filter(|here| !here.is_empty()) {
        text = text.replace(&format!("{here}/"), "");
    }
    if let Some(temporary) = temporary.map(directory).filter(|temporary| !temporary.is_empty()) {
        text = without_names(&text, &format!("{temporary}/"));
    }
    without_times(&text)
}

/// Returns a path without a slash at its end.
fn directory(path: &str) -> &str {
    path.trim_end_matches('/')
}

/// Replaces `/tmp/` by `[tmp]/`, and removes the name of the directory that follows, which is random.
fn without_names(text: &str, prefix: &str) -> String {
    let mut parts = text.split(prefix);
    let mut normal = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let path = part.split([' ', '"', ',', ':', ')']).next().unwrap_or_default();
        let name = path.find('/').map_or(0, |at| at + 1);
        normal.push_str("[tmp]/");
        normal.push_str(&part[name..]);
    }
    normal
}

/// Replaces times as in RFC 3339, and durations as `Debug` writes them.
fn without_times(text: &str) -> String {
    let mut normal = String::with_capacity(text.len());
    let (mut rest, mut before) = (text, ' ');
    while let Some(first) = rest.chars().next() {
        let is_start = first.is_ascii_digit() && !(before.is_alphanumeric() || before == '.' || before == '_');
        let found = if is_start { time(rest).or_else(|| duration(rest)) } else { None };
        let (length, replacement) = found.unwrap_or((first.len_utf8(), ""));
        let (piece, after) = rest.split_at(length);
        normal.push_str(if replacement.is_empty() { piece } else { replacement });
        before = piece.chars().next_back().unwrap_or(first);
        rest = after;
    }
    normal
}

/// Returns the length of the time that a text begins with.
fn time(text: &str) -> Option<(usize, &'static str)> {
    const SHAPE: &[u8] = b"dddd-dd-ddTdd:dd:dd";
    let bytes = text.as_bytes();
    let fits = |(shape, byte): (&u8, &u8)| if *shape == b'd' { byte.is_ascii_digit() } else { shape == byte };
    if bytes.len() < SHAPE.len() || !SHAPE.iter().zip(bytes).all(fits) {
        return None;
    }
    let mut end = SHAPE.len();
    if bytes.get(end) == Some(&b'.') {
        end += 1 + digits(&text[end + 1..]);
    }
    end += match bytes.get(end) {
        Some(b'Z') => 1,
        Some(b'+' | b'-') if digits(&text[end + 1..]) == 2 => 6.min(text.len() - end),
        _ => 0,
    };
    text.is_char_boundary(end).then_some((end, "[time]"))
}

/// Returns the length of the duration that a text begins with.
fn duration(text: &str) -> Option<(usize, &'static str)> {
    let mut end = digits(text);
    if text[end..].starts_with('.') {
        end += 1 + digits(&text[end + 1..]);
    }
    let unit = ["ns", "µs", "us", "ms", "s"].into_iter().find(|unit| text[end..].starts_with(unit))?;
    end += unit.len();
    let is_end = !text[end..].starts_with(|next: char| next.is_alphanumeric() || next == '_');
    is_end.then_some((end, "[duration]"))
}

/// Returns how many digits a text begins with.
fn digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_differs_from_run_to_run_is_replaced() {
        let rows = [
            ("took 93µs", "took [duration]"),
            ("took=1.5s,", "took=[duration],"),
            ("(12ms)", "([duration])"),
            ("12 ms, 5sec, x1s, v1.2s, 7", "12 ms, 5sec, x1s, v1.2s, 7"),
            ("at 2026-03-12T08:30:00.123456Z.", "at [time]."),
            ("2026-03-12T08:30:00+01:00", "[time]"),
            ("2026-03-12", "2026-03-12"),
            ("read /home/ada/shop/data/a.txt", "read data/a.txt"),
            ("wrote \"/tmp/.tmpX1s/a.log\" and /tmp/b.log", "wrote \"[tmp]/a.log\" and [tmp]/b.log"),
            ("größe 3s µ", "größe [duration] µ"),
        ];
        for (text, expected) in rows {
            assert_eq!(normal(text, Some("/home/ada/shop"), Some("/tmp")), expected);
        }
    }

    proptest! {
        #[test]
        fn any_text_has_a_normal_form_that_is_its_own(text in "[0-9a-zµé.:/ TZ+-]*") {
            let once = normal(&text, Some("/a"), Some("/t"));
            prop_assert_eq!(without_times(&once), once);
        }
    }
}
