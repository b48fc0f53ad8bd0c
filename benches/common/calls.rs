//! The calls that are measured, each in one place.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use femtologging::policy::SpanEvents;
use femtologging::{FemtoSpan, Level, context, get_logger, info, info_span, log};

/// What [`numbers`] is logged under.
pub const TARGET: &str = module_path!();

const FORTY: &str = "a string of exactly forty characters ...";

/// The name of the call that the targets are about.
pub const NUMBERS: &str = "three numbers";
pub const FOUR_KEYS: &str = "four key-values";
pub const IN_CONTEXT: &str = "three numbers, two context keys in scope";
pub const STRING: &str = "one `String` of 40 characters";
pub const INLINE: &str = "two inline captures (`i32`)";

/// Gets every kind of call, as a type of its own so that it is inlined as in a program.
pub trait Visit {
    fn visit(&mut self, name: &str, call: impl Fn(u64));
}

#[derive(Debug)]
#[expect(dead_code, reason = "read by `Debug`")]
struct Point {
    x: i32,
    y: i32,
}

#[inline(always)]
pub fn numbers(i: u64) {
    info!("Logging int: {}, int: {}, double: {}", i as i32, (i * 2) as i32, i as f64 * 0.5);
}

pub const PATH: &str = "/items";
pub const FILE: &str = file!();
/// The line of the call in [`request`].
pub const REQUEST_LINE: u32 = line!() + 4;

#[inline(always)]
pub fn request(i: u64) {
    info!("Logging request"; id = i, elapsed = i as f64 * 0.5, cached = i.is_multiple_of(2), path = PATH);
}

/// Shows every kind of call to `visitor`. The global logging system must be set up.
pub fn visit_all(visitor: &mut impl Visit) {
    let string = black_box(FORTY.to_owned());
    let text: &str = &string;
    let target = black_box("app::network");
    let level = black_box(Level::Info);
    let logger = get_logger("app").expect("the name is valid");

    visitor.visit("no arguments", |_| info!("Logging nothing but this"));
    visitor.visit(NUMBERS, numbers);
    visitor.visit(INLINE, |i| {
        let (first, second) = (i as i32, (i * 2) as i32);
        info!("Logging int: {first}, int: {second}");
    });
    visitor.visit(STRING, |_| info!("Logging string: {}", string));
    visitor.visit("one `&str` of 40 characters", |_| info!("Logging string: {}", text));
    visitor.visit(FOUR_KEYS, request);
    context! { request_id = 4711, user = "ada"; { visitor.visit(IN_CONTEXT, numbers) } };
    visitor.visit("`logger:`", |i| info!(logger: logger, "Logging int: {}", i));
    visitor.visit("run-time target", |i| info!(target: target, "Logging int: {}", i));
    visitor.visit("run-time level", |i| log!(level, "Logging int: {}", i));
    visitor.visit("`Debug` value", |i| info!("Logging point: {:?}", Point { x: i as i32, y: 2 }));
}

/// Repeats a call ten times, each a call site of its own.
macro_rules! ten {
    ($call:expr) => {{
        $call;
        $call;
        $call;
        $call;
        $call;
        $call;
        $call;
        $call;
        $call;
        $call;
    }};
}

#[inline(always)]
pub fn ten_disabled(i: u64) {
    ten!(femtologging::debug!("Logging int: {}", i));
}

#[inline(always)]
pub fn ten_not_enabled(i: u64) {
    ten!(if femtologging::enabled!(Level::Debug) {
        black_box(i);
    });
}

/// The least that a disabled call can do: a relaxed load of a word of its own, and a comparison.
#[inline(always)]
pub fn ten_bare(i: u64) {
    ten!({
        static WORD: AtomicU64 = AtomicU64::new(Level::Info as u64);
        if WORD.load(Relaxed) as u8 <= Level::Debug as u8 {
            enabled(&WORD, i);
        }
    });
}

/// Never called; but for all the compiler knows it often is, as a log call's function, and it changes the word.
#[inline(never)]
fn enabled(word: &'static AtomicU64, i: u64) {
    black_box(word);
    black_box(i);
}

/// Calls that a limit turns away: it has let all pass that it lets pass.
#[inline(always)]
pub fn ten_turned_away(i: u64) {
    ten!(info!(first: 0, "Logging int: {}", i));
}

/// The same for a limit that counts every call.
#[inline(always)]
pub fn ten_counted(i: u64) {
    ten!(info!(sample: 0.0, "Logging int: {}", i));
}

/// A span that logs nothing of its own.
pub fn quiet_span() -> FemtoSpan {
    info_span!("work"; id = 4711).events(SpanEvents::None)
}

/// Enters and leaves a span that is there already.
#[inline(always)]
pub fn ten_entered(span: &FemtoSpan, i: u64) {
    ten!(span.in_scope(|| black_box(i)));
}

/// Makes, enters and leaves a span.
#[inline(always)]
pub fn ten_made(i: u64) {
    ten!(drop(info_span!("work"; id = i).events(SpanEvents::None).entered()));
}
