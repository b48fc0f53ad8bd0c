//! What the macros expand to: the only door from a user's source into this crate, and no part of its interface.

pub use core::fmt::Write;
pub use core::option::Option;
pub use core::{compile_error, concat, file, format_args, line, module_path, stringify};

pub use crate::callsite::{Callsite, Metadata, Origin};
pub use crate::context::{Context, make as make_context};
pub use crate::level::{Level, is_compiled};
pub use crate::logger::{After, AtLogger, AtLoggerAndTarget, AtSite, AtTarget, Source};
pub use crate::names::KeyIds;
pub use crate::rate::Rate;
pub use crate::span::{FemtoSpan, make as make_span};
pub use crate::template::plan;
#[cfg(feature = "serde")]
pub use crate::value::AsSerde;
pub use crate::value::{
    AsBytes, AsDebug, AsDisplay, AsError, Deferred, PickDeferred, PickImmediate, PickInteger, Probe, Secret,
};

use core::fmt;
use core::marker::PhantomData;

use crate::callsite::Shape;
use crate::logger::dispatch;
use crate::record::Draft;
use crate::template::{self, BARE, CLOSURE, SIZED, Template};
use crate::value::{Arguments, Fields, Limits, Tags, WordSink};

/// The text of a key: the identifier, without the mark of a raw one.
pub const fn key(identifier: &'static str) -> &'static str {
    match identifier.as_bytes() {
        [b'r', b'#', ..] => identifier.split_at(2).1,
        _ => identifier,
    }
}

/// Checks the type of a level in one place, so that a wrong one gives one error.
#[inline(always)]
pub const fn level(level: Level) -> Level {
    level
}

/// Stands where no call ever comes.
pub fn never() -> ! {
    unreachable!("it stands behind `if false`")
}

/// The compile-time facts of a call, from its types.
struct Shapes<const PLAN: u8, A, F, R>(PhantomData<(A, F, R)>);

impl<const PLAN: u8, A, F, R> Shapes<PLAN, A, F, R>
where
    A: Arguments,
    F: Fields,
    R: for<'o> Fn(&mut dyn fmt::Write, A::Outs<'o>) -> fmt::Result,
{
    /// Whether the arguments travel and the consumer formats the message.
    const DEFERRED: bool = PLAN != template::IMMEDIATE && A::DIRECT;

    const SHAPE: &'static Shape = &Shape {
        template: match PLAN {
            BARE if A::DIRECT && template::are_plain(A::TAGS) => Template::Bare,
            BARE | CLOSURE if A::DIRECT => Template::Closure(template::render::<A, R>),
            SIZED if A::DIRECT => Template::Closure(template::render_sized::<A, R>),
            _ => Template::Text,
        },
        arguments: if Self::DEFERRED { A::TAGS } else { None },
        fields: F::TAGS,
    };
}

/// Sends the record of an enabled call.
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
{
    let shape = Shapes::<PLAN, A, F, R>::SHAPE;
    if const { Shapes::<PLAN, A, F, R>::DEFERRED } {
        emit_fields(source, site, shape, level, &arguments, &fields);
    } else {
        let message = Text(&|out| render(out, arguments.outs()));
        emit_fields(source, site, shape, level, &message, &fields);
    }
}

/// One copy for all calls with the same types.
#[inline(never)]
fn emit_fields<S: Source, A: Fields, F: Fields>(
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

/// Whether a record of this level, logged here, would go to a handler.
#[inline(always)]
pub fn is_enabled<S: Source>(source: S, site: &'static Callsite, level: Level) -> bool {
    source.lets(site, level) && source.state(site, Shape::TEXT, level).is_some()
}
