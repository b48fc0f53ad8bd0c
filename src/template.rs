//! Format strings, parsed at compile time, and how a message is made from them.
//!
//! [`plan`] parses the format string at compile time and decides who formats the message, and how:
//!
//! | format string | plan | who formats |
//! |---|---|---|
//! | `"{} of {}"` | [`BARE`] | the consumer: literal parts and values in turn |
//! | `"{:>8} {x:?}", x = x` | [`CLOSURE`] | the consumer, by the call site's closure |
//! | `"{:1$}"`, `"{:.*}"` | [`SIZED`] | the same; the closure may panic |
//! | `"{name}"`, `"{:p}"` | [`IMMEDIATE`] | the caller |
//!
//! A captured variable (`{name}`) is out of the macro's reach, and an address (`{:p}`) is not encoded. `plan` is
//! conservative: a format string that it does not recognize is formatted by the caller, which is always correct.

use std::fmt;

use crate::error::guarded;
use crate::value::{Arguments, Reader, Tags};
use crate::value::{Kind, Tag};

/// The caller formats the message; the record carries its text.
pub const IMMEDIATE: u8 = 0;
/// The record carries the arguments; the consumer calls the call site's closure with them.
pub const CLOSURE: u8 = 1;
/// The record carries the arguments, and the template has nothing but bare `{}`: the consumer needs no closure.
pub const BARE: u8 = 2;

/// As [`CLOSURE`], with a width or precision that is an argument. `core::fmt` panics if it is above 65,535.
pub const SIZED: u8 = 3;

/// How a consumer makes a message from the payload.
pub enum Template {
    /// The first value of the payload is the text of the message.
    Text,
    /// The message is the literal parts of the template and the arguments, in turn.
    Bare,
    /// The function decodes the arguments and calls the call site's closure; see [`render`].
    Closure(fn(&mut Reader<'_>, &mut dyn fmt::Write) -> fmt::Result),
}

/// A plan as a type, so that what it demands of a call's closure is a bound that the compiler checks.
pub struct MessagePlan<const PLAN: u8>;

/// How a call with the arguments `A` and the closure `R` is formatted by a plan.
///
/// A caller that formats its own message may pass any closure. One that another thread calls, by its type alone, must
/// be a [`RenderFn`].
pub trait Renders<A, R> {
    const TEMPLATE: Template;
}

impl<A, R> Renders<A, R> for MessagePlan<IMMEDIATE> {
    const TEMPLATE: Template = Template::Text;
}

impl<A: Arguments, R: RenderFn<A>> Renders<A, R> for MessagePlan<BARE> {
    const TEMPLATE: Template = match A::DIRECT {
        true if are_plain(A::TAGS) => Template::Bare,
        true => Template::Closure(render::<A, R>),
        false => Template::Text,
    };
}

impl<A: Arguments, R: RenderFn<A>> Renders<A, R> for MessagePlan<CLOSURE> {
    const TEMPLATE: Template = if A::DIRECT { Template::Closure(render::<A, R>) } else { Template::Text };
}

impl<A: Arguments, R: RenderFn<A>> Renders<A, R> for MessagePlan<SIZED> {
    const TEMPLATE: Template = if A::DIRECT { Template::Closure(render_sized::<A, R>) } else { Template::Text };
}

/// A closure that the handler's thread may call by its type alone, as every closure is that captures nothing.
///
/// `Copy`, because each call makes another one; `Send`, `Sync` and `'static`, because that happens on another thread,
/// at any later time.
pub trait RenderFn<A: Arguments>:
    for<'o> Fn(&mut dyn fmt::Write, A::Outs<'o>) -> fmt::Result + Copy + Send + Sync + 'static
{
}

impl<A, R> RenderFn<A> for R
where
    A: Arguments,
    R: for<'o> Fn(&mut dyn fmt::Write, A::Outs<'o>) -> fmt::Result + Copy + Send + Sync + 'static,
{
}

/// Returns the plan for a call with this format string and these named arguments.
///
/// Evaluated at compile time, in a `const` generic argument of `emit`. It does not validate the format string:
/// `format_args!` does, in the same expansion. A wrong answer in one direction is only slow (`IMMEDIATE` for a string
/// that could have been deferred). In the other direction the closure would capture a variable, and the program would
/// not compile; see `render.rs`.
pub const fn plan(template: &str, names: &[&str]) -> u8 {
    let text = template.as_bytes();
    let mut plan = BARE;
    let mut at = 0;
    while at < text.len() {
        match text[at] {
            b'{' if at + 1 < text.len() && text[at + 1] == b'{' => at += 2,
            b'}' if at + 1 < text.len() && text[at + 1] == b'}' => at += 2,
            // A fill character can be a brace, which is too rare to parse.
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
    // With named arguments, the order of arguments is not that of the placeholders.
    if !names.is_empty() && plan == BARE { CLOSURE } else { plan }
}

/// Returns whether the consumer can format the placeholder `text[start..end]`: whether each name in it is a named
/// argument, and it does not print an address.
///
/// Any other name is a variable that `format_args!` captures, and whose value the macro cannot encode.
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
            // The flag `0` can precede a width, as in `{:0width$}`.
            while in_spec && word + 1 < at && text[word] == b'0' {
                word += 1;
            }
            if !is_number(text, word, at) && !is_among(text, word, at, names) {
                return false;
            }
        } else {
            while word < at {
                // The type `p`. No other type has this letter. A fill character can be a `p`; then the caller formats.
                if text[word] == b'p' {
                    return false;
                }
                word += 1;
            }
        }
    }
    true
}

/// Returns whether the placeholder `text[start..end]` has a width or precision that is an argument, or a fill character
/// that looks like one.
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

/// Returns whether a byte can be part of a name. Every byte of a character beyond ASCII counts.
const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// Returns whether `text[start..end]` is the index of an argument.
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

/// Returns whether `text[start..end]` is one of the names.
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

/// Returns whether `write_value` gives the same text as `{}` for these types, so that no closure is needed.
const fn are_plain(mut list: Option<&'static Tags>) -> bool {
    // `Option` and `Duration` have no `Display`, so that a call with a bare `{}` for one does not compile.
    while let Some(Tags { last: Tag { kind, optional }, before }) = list {
        if *optional || matches!(kind, Kind::Duration | Kind::Display | Kind::Debug) {
            return false;
        }
        list = *before;
    }
    true
}

/// Decodes the arguments in a payload and calls the call site's closure `R` with them.
fn render<A: Arguments, R: RenderFn<A>>(reader: &mut Reader<'_>, out: &mut dyn fmt::Write) -> fmt::Result {
    match A::take(reader) {
        Some(outs) => crate::render::zst_ref::<R>()(out, outs),
        None => Ok(()),
    }
}

/// As [`render`], for a closure that may panic: see [`SIZED`].
fn render_sized<A: Arguments, R: RenderFn<A>>(reader: &mut Reader<'_>, out: &mut dyn fmt::Write) -> fmt::Result {
    guarded(|| render::<A, R>(reader, out)).unwrap_or_else(|| out.write_str("<formatting panicked>"))
}

/// Returns the literal parts of a template with bare `{}` only: one more than it has arguments.
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
