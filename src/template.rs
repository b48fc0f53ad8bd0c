//! Format strings: how a message comes out of its payload.
//!
//! [`plan`] reads the literal at compile time and decides how the call's message travels. It is conservative: what it
//! does not recognise is formatted by the caller, which is always right.

use std::fmt;

use crate::error::guarded;
use crate::value::{Arguments, Reader, Tags};
use crate::value::{Kind, Tag};

/// The message is formatted by the caller and travels as text.
pub const IMMEDIATE: u8 = 0;
/// The arguments travel; the consumer runs the call site's closure over them.
pub const CLOSURE: u8 = 1;
/// The arguments travel and the template has nothing but bare `{}`: the consumer needs no closure.
pub const BARE: u8 = 2;

/// As [`CLOSURE`], with a width or precision that only the arguments say; `core::fmt` panics on one above 65,535.
pub const SIZED: u8 = 3;

/// How a message comes out of the payload.
pub(crate) enum Template {
    /// The payload's first value is the message.
    Text,
    /// The template's parts and the arguments' texts in turn.
    Bare,
    /// A function made from the call site's closure.
    Closure(fn(&mut Reader<'_>, &mut dyn fmt::Write) -> fmt::Result),
}

/// Says how the message of a call with this format string and these named arguments can travel.
pub const fn plan(template: &str, names: &[&str]) -> u8 {
    let text = template.as_bytes();
    let mut plan = BARE;
    let mut at = 0;
    while at < text.len() {
        match text[at] {
            b'{' if at + 1 < text.len() && text[at + 1] == b'{' => at += 2,
            b'}' if at + 1 < text.len() && text[at + 1] == b'}' => at += 2,
            // A fill character may be a brace; too rare to parse.
            b'}' => return IMMEDIATE,
            b'{' => {
                let start = at + 1;
                let mut end = start;
                while end < text.len() && text[end] != b'}' {
                    if text[end] == b'{' {
                        return IMMEDIATE;
                    }
                    end += 1;
                }
                if end > start {
                    if !placeholder_travels(text, start, end, names) {
                        return IMMEDIATE;
                    }
                    if plan != SIZED {
                        plan = if has_size(text, start, end) { SIZED } else { CLOSURE };
                    }
                }
                at = end + 1;
            }
            _ => at += 1,
        }
    }
    if !names.is_empty() && plan == BARE { CLOSURE } else { plan }
}

/// Whether every name in the placeholder `text[start..end]` is a named argument, and it prints no address.
///
/// Any other name is captured from the scope around the call, out of a macro's sight.
const fn placeholder_travels(text: &[u8], start: usize, end: usize, names: &[&str]) -> bool {
    let mut at = start;
    let mut in_spec = false;
    while at < end {
        if !is_word(text[at]) {
            in_spec = in_spec || text[at] == b':';
            at += 1;
            continue;
        }
        let mut word = at;
        while at < end && is_word(text[at]) {
            at += 1;
        }
        let is_name = !in_spec || at < end && text[at] == b'$';
        if is_name {
            // The flag `0` may stand before a width.
            while in_spec && word + 1 < at && text[word] == b'0' {
                word += 1;
            }
            if !is_number(text, word, at) && !is_among(text, word, at, names) {
                return false;
            }
        } else {
            while word < at {
                // The type `p`, which spaces may follow. No other type has this letter; a fill character may be one.
                if text[word] == b'p' {
                    return false;
                }
                word += 1;
            }
        }
    }
    true
}

/// Whether the placeholder `text[start..end]` has a width or precision that is an argument, or a fill character that
/// looks like it.
const fn has_size(text: &[u8], start: usize, end: usize) -> bool {
    let mut at = start;
    while at < end {
        if matches!(text[at], b'$' | b'*') {
            return true;
        }
        at += 1;
    }
    false
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

const fn is_number(text: &[u8], start: usize, end: usize) -> bool {
    let mut at = start;
    while at < end {
        if !text[at].is_ascii_digit() {
            return false;
        }
        at += 1;
    }
    true
}

const fn is_among(text: &[u8], start: usize, end: usize, names: &[&str]) -> bool {
    let mut i = 0;
    while i < names.len() {
        let name = names[i].as_bytes();
        let mut same = name.len() == end - start;
        let mut at = 0;
        while same && at < name.len() {
            same = name[at] == text[start + at];
            at += 1;
        }
        if same {
            return true;
        }
        i += 1;
    }
    false
}

/// Whether the consumer formats arguments of these types itself.
pub(crate) const fn are_plain(mut list: Option<&'static Tags>) -> bool {
    while let Some(Tags { last: Tag { kind, optional }, before }) = list {
        if *optional || matches!(kind, Kind::Duration | Kind::Display | Kind::Debug) {
            return false;
        }
        list = *before;
    }
    true
}

/// Runs a call site's closure over the arguments in a payload.
pub(crate) fn render<A, R>(reader: &mut Reader<'_>, out: &mut dyn fmt::Write) -> fmt::Result
where
    A: Arguments,
    R: for<'o> Fn(&mut dyn fmt::Write, A::Outs<'o>) -> fmt::Result,
{
    match A::take(reader) {
        Some(outs) => crate::render::zst_ref::<R>()(out, outs),
        None => Ok(()),
    }
}

/// As [`render`], where formatting may panic.
pub(crate) fn render_sized<A, R>(reader: &mut Reader<'_>, out: &mut dyn fmt::Write) -> fmt::Result
where
    A: Arguments,
    R: for<'o> Fn(&mut dyn fmt::Write, A::Outs<'o>) -> fmt::Result,
{
    guarded(|| render::<A, R>(reader, out)).unwrap_or_else(|| out.write_str("<formatting panicked>"))
}

/// The literal parts of a template with bare `{}` only: one more than it has arguments.
pub(crate) fn literal_parts(template: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut chars = template.chars();
    while let Some(c) = chars.next() {
        match (c, parts.last_mut()) {
            ('{' | '}', Some(part)) => match chars.next() {
                Some('}') if c == '{' => parts.push(String::new()),
                _ => part.push(c),
            },
            (_, Some(part)) => part.push(c),
            (_, None) => {}
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans() {
        let table: &[(&str, &[&str], u8)] = &[
            ("", &[], BARE),
            ("plain", &[], BARE),
            ("{{}}", &[], BARE),
            ("{} {}", &[], BARE),
            ("{0}", &[], CLOSURE),
            ("{:?}", &[], CLOSURE),
            ("{:>8}", &[], CLOSURE),
            ("{:08x}", &[], CLOSURE),
            ("{:1$}", &[], SIZED),
            ("{:.*}", &[], SIZED),
            ("{:é>5}", &[], CLOSURE),
            ("{n}", &["n"], CLOSURE),
            ("{:w$.p$}", &["w", "p"], SIZED),
            ("{:0w$}", &["w"], SIZED),
            ("{:1$} {} {:?}", &[], SIZED),
            ("{n}", &[], IMMEDIATE),
            ("{n:?}", &["m"], IMMEDIATE),
            ("{:w$}", &[], IMMEDIATE),
            ("{:0w$}", &[], IMMEDIATE),
            ("{:.p$}", &["w"], IMMEDIATE),
            ("{:p}", &[], IMMEDIATE),
            ("{0:#p}", &[], IMMEDIATE),
            ("{:08p }", &[], IMMEDIATE),
            ("{ 0 :>8 }", &[], CLOSURE),
            ("{:}>5}", &[], IMMEDIATE),
            ("{:{>5}", &[], IMMEDIATE),
        ];
        for (template, names, expected) in table {
            assert_eq!(plan(template, names), *expected, "{template:?} with {names:?}");
        }
    }

    #[test]
    fn parts() {
        assert_eq!(literal_parts(""), [""]);
        assert_eq!(literal_parts("a{}b{}"), ["a", "b", ""]);
        assert_eq!(literal_parts("{{{}}}"), ["{", "}"]);
    }
}
