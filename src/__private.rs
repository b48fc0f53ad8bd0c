//! What the expansions of the macros call. Not part of the public API: everything here may change in any release.
//!
//! An enabled call goes through these functions, from the top:
//!
//! | function | copies of its code | what it does |
//! |---|---|---|
//! | [`emit`] | inlined | chooses by the types: do the values travel, or is the message formatted here? |
//! | `emit_values` | inlined | values of at most four words in all are passed on in registers |
//! | `words::send_0` … `send_4` | one per number of words, for the whole program | sends them |
//! | `emit_fields` | one per combination of types | counts the words of values of any length, and sends them |
//! | `send_at_once` | inlined in the two above | the path that nearly every call takes |
//! | `send_slowly` | one per combination of types | everything else: first calls, contexts, full rings |
//!
//! What is inlined into a user's function is small, and what is large is shared: a call adds about 300 bytes of code.

pub mod mistakes;

pub use core::fmt::Write;
pub use core::option::Option;
pub use core::{compile_error, concat, file, format_args, line, module_path, stringify};

pub use crate::callsite::{Callsite, Metadata, Module, Origin};
pub use crate::context::Context;
pub use crate::level::{Level, is_compiled};
pub use crate::logger::{After, AtLogger, AtLoggerAndTarget, AtSite, AtTarget, Source};
pub use crate::names::KeyIds;
pub use crate::rate::Rate;
pub use crate::span::FemtoSpan;
pub use crate::template::plan;
pub use crate::value::argument::{
    AsBytes, AsDebug, AsDisplay, AsError, Carries, Deferred, ErrorProbe, KeyProbe, PickAnyError, PickCarried,
    PickDeferred, PickError, PickErrorBehind, PickImmediate, PickInteger, PickNoError, PickUncarried, Probe, Secret,
};
#[cfg(feature = "serde")]
pub use crate::value::serde::AsSerde;

use core::fmt;
use core::marker::PhantomData;

use crate::callsite::{Shape, Types};
use crate::context::{self, with_current_words};
use crate::logger::dispatch;
use crate::record::{Carried, Draft, Entries, HEADER_WORDS, Head, Named, Prefix};
use crate::span;
use crate::template::{IMMEDIATE, MessagePlan, Renders};
use crate::value::{Arguments, Fields, Limits, Tags, WordSink, limits};

/// Returns the name of a key that is an identifier: without `r#`, if it is a raw one.
pub const fn key(identifier: &'static str) -> &'static str {
    match identifier.as_bytes() {
        [b'r', b'#', ..] => identifier.split_at(2).1,
        _ => identifier,
    }
}

/// Returns the level. A value of another type makes a compile error here, and only one.
#[inline(always)]
pub const fn level(level: Level) -> Level {
    level
}

/// Compares with everything, which borrows a variable at its own place: see `@argument` in `macros.rs`.
pub struct Place;

impl<T: ?Sized> PartialEq<T> for Place {
    fn eq(&self, _: &T) -> bool {
        true
    }
}

/// Never called. It is the value of an expression that is type-checked after `if false`.
pub fn never() -> ! {
    unreachable!("this is only type-checked, after `if false`")
}

/// The constants of a call that follow from its types and from the plan of its format string.
struct Shapes<const PLAN: u8, A, F, R>(PhantomData<(A, F, R)>);

impl<const PLAN: u8, A, F, R> Shapes<PLAN, A, F, R>
where
    A: Arguments,
    F: Fields,
    MessagePlan<PLAN>: Renders<A, R>,
{
    /// Whether the arguments travel and the consumer formats the message.
    const DEFERRED: bool = PLAN != IMMEDIATE && A::DIRECT;

    const SHAPE: &'static Shape = &Shape {
        types: &Types {
            template: <MessagePlan<PLAN> as Renders<A, R>>::TEMPLATE,
            arguments: if Self::DEFERRED { A::TAGS } else { None },
            fields: F::TAGS,
        },
        place: Some(std::any::type_name::<R>),
    };
}

/// Sends the record of an enabled call.
///
/// `PLAN` is the result of [`plan`] for the format string. `render` formats the arguments; if they travel, only its
/// type is used, by the consumer.
///
/// Only the macros call this function, but nothing depends on that. `render` is the only foreign code that it is given,
/// and may do anything: log, panic, block, end the process.
///
/// * It never runs while the thread's table is borrowed. If the arguments do not travel, it runs before the record has
///   a place in a ring, where a user's `Display` runs as well. If they travel, no caller runs it.
/// * If the arguments travel, the consumer calls it by its type alone. `Renders` demands what makes that sound: that
///   it can be copied, be on another thread, and outlive the call.
///
/// The traits of the other parameters, or the types that they mention, have no path outside the crate, so nobody can
/// implement them. `macros-tests/tests/emit.rs` calls the function in the ways in which no macro does.
#[inline(always)]
pub fn emit<const PLAN: u8, S, A, F, R>(
    source: S,
    site: &'static Callsite,
    level: Level,
    arguments: A,
    render: R,
    fields: F,
) where
    S: Source,
    A: Arguments,
    F: Fields,
    R: for<'o> Fn(&mut dyn fmt::Write, A::Outs<'o>) -> fmt::Result,
    MessagePlan<PLAN>: Renders<A, R>,
{
    let shape = Shapes::<PLAN, A, F, R>::SHAPE;
    if const { Shapes::<PLAN, A, F, R>::DEFERRED } {
        emit_values(source, site, shape, level, &arguments, &fields);
    } else {
        let message = Text(&|out| render(out, arguments.outs()));
        emit_fields(source, site, shape, level, &message, &fields);
    }
}

/// Sends a record of values that travel. If these are at most [`MOST_WORDS`] words, they are passed on in registers.
#[inline]
fn emit_values<S: Source, A: Fields, F: Fields>(
    source: S,
    site: &'static Callsite,
    shape: &'static Shape,
    level: Level,
    arguments: &A,
    fields: &F,
) {
    let words = || {
        let mut words = Words::<MOST_WORDS>([0; MOST_WORDS], 0);
        arguments.put(&mut words);
        fields.put(&mut words);
        words.0
    };
    let head = |words| Head::new(level, Prefix::None, HEADER_WORDS + words);
    match const { if S::PLAIN { fixed_words::<A, F>() } else { usize::MAX } } {
        0 => words::send_0(site, shape, head(0)),
        1 => {
            let [a, ..] = words();
            words::send_1(site, shape, head(1), a);
        }
        2 => {
            let [a, b, ..] = words();
            words::send_2(site, shape, head(2), a, b);
        }
        3 => {
            let [a, b, c, ..] = words();
            words::send_3(site, shape, head(3), a, b, c);
        }
        4 => {
            let [a, b, c, d] = words();
            words::send_4(site, shape, head(4), a, b, c, d);
        }
        _ => emit_fields(source, site, shape, level, arguments, fields),
    }
}

/// The maximum number of words of values that a call passes in registers.
const MOST_WORDS: usize = 4;

/// Returns the number of words that these values take, or `usize::MAX` if it differs from call to call.
const fn fixed_words<A: Fields, F: Fields>() -> usize {
    match (A::FIXED, F::FIXED) {
        (Some(arguments), Some(fields)) => arguments + fields,
        _ => usize::MAX,
    }
}

/// Collected words, and their number.
struct Words<const N: usize>([u64; N], usize);

impl<const N: usize> WordSink for Words<N> {
    #[inline(always)]
    fn word(&mut self, word: u64) {
        if let Some(slot) = self.0.get_mut(self.1) {
            *slot = word;
        }
        self.1 += 1;
    }

    /// Never called: text has no fixed length.
    fn format(&mut self, _: &dyn Fn(&mut dyn fmt::Write) -> fmt::Result) {}
}

/// One function for each number of words, so that they stay in registers. The calls of a program share them.
mod words {
    use super::*;

    macro_rules! send {
        ($($name:ident or $slowly:ident($($word:ident)*);)*) => {$(
            #[inline(never)]
            pub(super) fn $name(site: &'static Callsite, shape: &'static Shape, head: Head $(, $word: u64)*) {
                if !send_at_once(AtSite, site, head, &[$($word),*], &()) {
                    $slowly(site, shape, head $(, $word)*);
                }
            }

            #[inline(never)]
            fn $slowly(site: &'static Callsite, shape: &'static Shape, head: Head $(, $word: u64)*) {
                let words = [$($word),*];
                if !send_in_context(site, head, &words) {
                    send_slowly(AtSite, site, shape, head.level(), &&words[..], &());
                }
            }
        )*};
    }

    send! {
        send_0 or send_0_slowly();
        send_1 or send_1_slowly(a);
        send_2 or send_2_slowly(a b);
        send_3 or send_3_slowly(a b c);
        send_4 or send_4_slowly(a b c d);
    }

    /// Sends a record with the current context, if nothing else is out of the ordinary. Returns whether it did.
    #[inline(always)]
    fn send_in_context<const N: usize>(site: &'static Callsite, head: Head, words: &[u64; N]) -> bool {
        with_current_words(|context| {
            let draft = Draft { name: (), arguments: words, fields: &(), extras: Entries(context) };
            dispatch::send_at_once(site.state(), head.longer(draft.extras.words()), &draft)
        })
        .unwrap_or(false)
    }

    impl<const N: usize> Fields for [u64; N] {
        const TAGS: Option<&'static Tags> = None;
        const DIRECT: bool = true;

        #[inline(always)]
        fn words(&self) -> usize {
            N
        }

        #[inline(always)]
        fn put<S: WordSink>(&self, sink: &mut S) {
            sink.words(self);
        }
    }

    impl Fields for &[u64] {
        const TAGS: Option<&'static Tags> = None;
        const DIRECT: bool = true;

        #[inline(always)]
        fn words(&self) -> usize {
            self.len()
        }

        #[inline(always)]
        fn put<S: WordSink>(&self, sink: &mut S) {
            sink.words(self);
        }
    }
}

/// Sends a record of values of any length. Not inlined: all calls with the same types share it.
#[inline(never)]
fn emit_fields<S: Source, A: Fields, F: Fields>(
    source: S,
    site: &'static Callsite,
    shape: &'static Shape,
    level: Level,
    arguments: &A,
    fields: &F,
) {
    let words = source.name().words() + arguments.words() + fields.words();
    let head = Head::new(level, S::Name::PREFIX, HEADER_WORDS + words);
    if const { Tags::count(F::TAGS) > limits::LEAST_KEYS } || !send_at_once(source, site, head, arguments, fields) {
        send_slowly(source, site, shape, level, arguments, fields);
    }
}

/// Sends a record if it has no extras and takes the path of `dispatch::send_at_once`. Returns whether it did.
#[inline(always)]
fn send_at_once<S: Source, A: Fields, F: Fields>(
    source: S,
    site: &'static Callsite,
    head: Head,
    arguments: &A,
    fields: &F,
) -> bool {
    let Some(state) = source.known_state(site) else { return false };
    let draft = Draft { name: source.name(), arguments, fields, extras: () };
    source.extras().is_empty() && dispatch::send_at_once(state, head, &draft)
}

/// Sends a record of a call that may be running for the first time, that may have extras, or that `send_at_once` did
/// not send.
#[inline(never)]
fn send_slowly<S: Source, A: Fields, F: Fields>(
    source: S,
    site: &'static Callsite,
    shape: &'static Shape,
    level: Level,
    arguments: &A,
    fields: &F,
) {
    if let Some(state) = source.state(site, shape, level) {
        Limits::check_count(const { Tags::count(F::TAGS) });
        let draft = Draft { name: source.name(), arguments, fields, extras: source.extras() };
        dispatch::send(state, level, &draft, || source.state(site, shape, level));
    }
}

/// A message that the caller formats.
struct Text<'a>(&'a dyn Fn(&mut dyn fmt::Write) -> fmt::Result);

impl Fields for Text<'_> {
    const TAGS: Option<&'static Tags> = None;
    const DIRECT: bool = false;

    fn words(&self) -> usize {
        0
    }

    fn put<S: WordSink>(&self, sink: &mut S) {
        sink.format(self.0);
    }
}

/// Returns whether a record of this level, logged here, would go to a handler. What `log_enabled!` expands to.
#[inline(always)]
pub fn is_enabled<S: Source>(source: S, site: &'static Callsite, level: Level) -> bool {
    source.enabled(site, level) && source.state(site, Shape::TEXT, level).is_some()
}

/// What `context!` expands to: extends the current context by keys.
#[inline]
pub fn make_context<F: Fields>(keys: &'static KeyIds, fields: F) -> Context {
    context::make(keys, fields)
}

/// What the span macros expand to: makes a span, disabled if its level is.
#[inline]
pub fn make_span<S: Source, F: Fields>(
    source: S,
    site: &'static Callsite,
    keys: &'static KeyIds,
    level: Level,
    fields: F,
) -> FemtoSpan {
    span::make(source, site, keys, level, fields)
}
