//! The text of a message is what `format!` gives for the same call, byte for byte.

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::num::{NonZero, Wrapping};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use femtologging::info;
use macros_tests::Recorder;
use proptest::prelude::*;

/// Logs and formats the same, many times, and compares at the end.
struct Table {
    recorder: Recorder,
    expected: Vec<(u32, String)>,
}

impl Table {
    fn new() -> Self {
        Self { recorder: Recorder::new(), expected: Vec::new() }
    }

    fn check(&self) {
        let records = self.recorder.take();
        for ((line, expected), record) in self.expected.iter().zip(&records) {
            assert_eq!(record.message(), expected, "template {:?} at line {line}", record.template());
        }
        assert_eq!(records.len(), self.expected.len());
    }
}

macro_rules! same {
    ($table:ident; $($call:tt)*) => {{
        info!(logger: $table.recorder.logger, $($call)*);
        $table.expected.push((line!(), format!($($call)*)));
    }};
}

/// Every value, all of one type, with every format string.
macro_rules! each {
    ($table:ident; [$($value:expr),* $(,)?] [$($format:literal)*]) => {
        for value in [$($value),*] {
            $(same!($table; $format, value);)*
        }
    };
}

/// Every value, each of its own type, with every format string.
macro_rules! product {
    ($table:ident; [$($value:expr),* $(,)?] $formats:tt) => {
        $(product!(@one $table; $value, $formats);)*
    };
    (@one $table:ident; $value:expr, [$($format:literal)*]) => {{
        let value = $value;
        $(same!($table; $format, value);)*
    }};
}

#[test]
fn integers() {
    // Each format of each type is a call site, which costs compile time: some types have all formats, the others a few.
    macro_rules! all {
        ($table:ident; $($type:ident)*) => {$(
            each! { $table;
                [0 as $type, 1 as $type, 42 as $type, 100 as $type, $type::MAX, $type::MIN, $type::MAX / 3, $type::MIN / 3]
                ["{}" "{:?}" "<{:5}>" "<{:<5}>" "<{:^7}>" "<{:>7}>" "{:+}" "{:#?}" "{:05}" "{:+08}" "<{:*^9}>" "<{:é<9}>"
                 "{:x}" "{:X}" "{:o}" "{:b}" "{:#x}" "{:#X}" "{:#010x}" "{:<#12b}|" "{:x?}" "{:#X?}"
                 "{:e}" "{:.2E}" "{:>+12e}"]
            }
            some! { $table; $type }
        )*};
    }
    macro_rules! some {
        ($table:ident; $($type:ident)*) => {$(
            each! { $table;
                [0 as $type, 42 as $type, $type::MAX, $type::MIN, $type::MAX / 3, $type::MIN / 3]
                ["{}" "{:?}" "{:+08}" "{:#x}"]
            }
            each! { $table; [NonZero::<$type>::MIN, NonZero::<$type>::MAX] ["{}" "{:?}" "{:>7}" "{:#x}"] }
            each! { $table; [Some($type::MAX), None] ["{:?}" "{:#?}" "{:5?}" "{:#x?}"] }
            each! { $table; [Some(NonZero::<$type>::MAX), None] ["{:?}" "{:5?}"] }
            product! { $table; [&$type::MAX, Box::new($type::MIN)] ["{}" "{:?}" "{:+08}"] }
        )*};
    }
    let mut table = Table::new();
    all! { table; i8 u32 i64 u128 }
    some! { table; u8 i16 u16 i32 u64 isize usize i128 }
    product! { table;
        [&&5_u16, &mut 5_i16, Rc::new(5_u64), Wrapping(5), Some(&7), Some(Some(5_u8)), Some(None::<u8>), &Some(5)]
        ["{:?}" "{:#?}" "{:<5?}|"]
    }
    product! { table; [-1_i8, -1_i16, -1_i32, -1_i64, -1_isize, -1_i128, -0x7F_i64] ["{}" "{:x}" "{:#b}" "{:05}" "{:e}" "{:?}"] }
    table.check();
}

#[test]
fn floats() {
    let mut table = Table::new();
    macro_rules! all {
        ($($type:ident)*) => {$(
            each! { table;
                [
                    0.0 as $type, -0.0 as $type, 1.0 as $type, -1.5 as $type, 0.1 as $type, 0.3 as $type, 1e7 as $type,
                    1e15 as $type, 1e16 as $type, 1.5e16 as $type, 1e17 as $type, 1e21 as $type, 123_456_789.125 as $type,
                    1e-4 as $type, 1e-5 as $type, 1e-6 as $type, 1e-7 as $type, 1.5e-10 as $type, 1e30 as $type,
                    $type::MAX, $type::MIN, $type::MIN_POSITIVE, $type::EPSILON, $type::from_bits(1), $type::MIN_POSITIVE / 3.0,
                    $type::NAN, -$type::NAN, $type::INFINITY, $type::NEG_INFINITY, std::f64::consts::PI as $type,
                ]
                ["{}" "{:?}" "{:#?}" "{:.0}" "{:.1}" "{:.3}" "{:08.3}" "{:+}" "{:+.2}" "<{:>12}>" "<{:^12.1}>" "<{:-<9.2}>"
                 "{:e}" "{:E}" "{:.2e}" "{:+012.1E}" "{:010}" "{:.5?}"]
            }
            product! { table; [&(2.5 as $type), Box::new(2.5 as $type)] ["{}" "{:?}" "{:+08.2}"] }
            each! { table; [Some(1.0 as $type), None::<$type>, Some($type::NAN)] ["{:?}" "{:#?}" "{:.2?}" "{:8?}"] }
        )*};
    }
    all! { f32 f64 }
    table.check();
}

#[test]
fn text() {
    let mut table = Table::new();
    let (mut changed, long) = (String::from("mut"), "0123456789".repeat(5_000));
    each! { table;
        [
            "", "a", "1234567", "12345678", "123456789", "tab\t nl\n cr\r nul\0 esc\u{1b} \u{202e}", "quote\" ' \\", "äöü é 😀", "{} {{}}",
        ]
        ["{}" "{:?}" "{:#?}" "<{:3}>" "<{:>12}>" "<{:^12}>" "<{:*<12}>" "<{:é^12}>" "<{:😀>12}>" "{:.0}" "{:.2}" "<{:>6.2}>" "<{:05}>"]
    }
    product! { table;
        [
            String::new(), String::from("owned"), Box::<str>::from("boxed"), Rc::<str>::from("rc"), Arc::<str>::from("arc"),
            Rc::new(String::from("rc")), Arc::new(String::from("arc")), Box::new("box"), Box::new(Box::new("box")),
            Cow::Borrowed("cow"), Cow::<str>::Owned(String::from("cow")), &"ref", &&"ref", &String::from("ref"), &mut changed,
            &Cow::Borrowed("ref"), &Rc::<str>::from("ref"), &long, long.as_str(), format_args!("arguments"),
        ]
        ["{}" "{:?}" "<{:>12.3}>"]
    }
    product! { table; [&'b', Box::new('c')] ["{}" "{:?}" "<{:>3}>"] }
    each! { table;
        ['a', '\n', '\'', '"', 'é', '\u{1b}', '😀', '\0', char::MAX]
        ["{}" "{:?}" "<{:3}>" "<{:>3}>" "<{:^3}>" "<{:.0}>" "<{:.1}>" "<{:#<4}>"]
    }
    product! { table; [true, false, &true, Box::new(false)] ["{}" "{:?}" "<{:6}>" "<{:>6}>" "<{:.2}>" "<{:^#7?}>"] }
    product! { table;
        [
            Some("x"), None::<&str>, Some(String::from("x\n")), Some(&"x"), Some(Cow::Borrowed("x")), Some(Box::<str>::from("x")),
            Some(Arc::<str>::from("x")), &Some("x"), Some(&Some("x")), Box::new(Some("x")),
        ]
        ["{:?}" "{:#?}" "<{:5?}>" "<{:.1?}>"]
    }
    product! { table; [Some('x'), None::<char>, Some('\'')] ["{:?}" "{:#?}"] }
    product! { table; [Some(true), None::<bool>, Some(&false)] ["{:?}" "{:#?}" "<{:7?}>"] }
    table.check();
}

#[test]
fn durations_and_addresses() {
    let mut table = Table::new();
    each! { table;
        [
            Duration::ZERO, Duration::from_nanos(1), Duration::from_nanos(1_500), Duration::from_micros(2_500), Duration::from_millis(1_234),
            Duration::from_secs(90), Duration::MAX, Duration::new(5, 999_999_999),
        ]
        ["{:?}" "{:#?}" "<{:12?}>" "<{:>12?}>" "{:.1?}" "{:.0?}" "<{:^12.3?}>" "{:+?}"]
    }
    product! { table;
        [&Duration::from_millis(20), Some(Duration::from_millis(5)), None::<Duration>] ["{:?}" "{:#?}" "<{:>12.1?}>"]
    }
    let v4 = Ipv4Addr::new(127, 0, 0, 1);
    let v6 = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
    let mapped = v4.to_ipv6_mapped();
    product! { table;
        [
            v4, Ipv4Addr::BROADCAST, Ipv4Addr::UNSPECIFIED, v6, mapped, Ipv6Addr::LOCALHOST, Ipv6Addr::UNSPECIFIED, IpAddr::V4(v4),
            IpAddr::V6(v6), IpAddr::V6(mapped), SocketAddrV4::new(v4, 0), SocketAddrV4::new(v4, u16::MAX), SocketAddrV6::new(v6, 80, 0, 0),
            SocketAddrV6::new(v6, 80, 7, 9), SocketAddrV6::new(mapped, 80, u32::MAX, u32::MAX), SocketAddr::from((v4, 80)),
            SocketAddr::from((v6, 80)), SocketAddr::V6(SocketAddrV6::new(v6, 80, 7, 9)), &v4, &SocketAddr::from((v4, 80)), Box::new(v6),
        ]
        ["{}" "{:?}" "<{:>45}>" "<{:^20?}>"]
    }
    product! { table; [Some(v4), None::<Ipv6Addr>, Some(v6)] ["{:?}" "{:#?}"] }
    product! { table; [Some(SocketAddr::from((v4, 80))), None::<SocketAddr>] ["{:?}" "{:#?}"] }
    table.check();
}

/// A user's type with every formatting trait, each of which uses the flags it is given.
#[derive(Debug, Clone, PartialEq)]
struct Point<T> {
    x: T,
    y: T,
}

macro_rules! each_trait {
    ($($trait:ident)*) => {$(
        impl<T: fmt::$trait> fmt::$trait for Point<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($trait), "("))?;
                self.x.fmt(f)?;
                f.write_str(", ")?;
                self.y.fmt(f)?;
                f.write_str(")")
            }
        }
    )*};
}

each_trait! { Display LowerHex UpperHex Octal Binary LowerExp UpperExp }

#[test]
fn types_of_the_user() {
    let mut table = Table::new();
    product! { table;
        [Point { x: 1, y: -20 }, &Point { x: 1, y: -20 }]
        ["{}" "{:?}" "{:#?}" "{:5}" "{:<5?}" "{:#x}" "{:X}" "{:#o}" "{:08b}" "{:e}" "{:E}" "{:+}"]
    }
    product! { table;
        [Box::new(Point { x: 3, y: 4 }), Rc::new(Point { x: 3, y: 4 }), Arc::new(Point { x: 3, y: 4 })]
        ["{}" "{:?}" "{:#?}" "{:+5}"]
    }
    product! { table; [Some(Point { x: 1.5, y: 2.25 }), None::<Point<f64>>] ["{:?}" "{:#?}" "{:.1?}"] }
    product! { table;
        [
            vec![1, 2], Vec::<u8>::new(), [1, 2, 3], &[1, 2][..], (1, "x", 2.5), Ok::<i32, String>(1), Err::<(), _>("no"), (), 1..=5, Path::new("a/b"),
            std::sync::Mutex::new(5), std::cell::Cell::new(5), Box::<dyn std::error::Error>::from("boxed"), Some(vec![Some("x")]), PhantomType,
        ]
        ["{:?}" "{:#?}" "{:3?}" "{:#x?}"]
    }
    let error: Box<dyn std::error::Error + Send + Sync> = "broken".into();
    let shown: &dyn fmt::Display = &Point { x: 1, y: 2 };
    let path = Path::new("a/b");
    product! { table; [error, &shown, shown, path.display(), std::io::Error::other("io"), fmt::Error, "1".parse::<u8>().unwrap()] ["{}" "<{:>12}>" "<{:.2}>"] }
    same!(table; "{} {} {}", Point { x: 1, y: 2 }, 5, "text");
    same!(table; "{} {} {}", 5, Point { x: 1, y: 2 }, "text");
    table.check();
}

#[derive(Debug)]
struct PhantomType;

#[test]
fn addresses_of_pointers() {
    let mut table = Table::new();
    let (number, text, mut changed) = (5, "text", 6);
    let (boxed, counted, shared) = (Box::new(1), Rc::new(2), Arc::<str>::from("3"));
    product! { table; [&number, &&number, text, &text, &raw const number, &raw mut changed] ["{:p}" "{:#p}" "<{:>20p}>" "<{:<24p}>" "{:020p}" "{:p }"] }
    same!(table; "{:p} {:p} {:p} {:p}", boxed, counted, shared, &boxed);
    same!(table; "{:p} {0}", &number);
    same!(table; "{0:p} {a:p} {}", &number, a = &text);
    same!(table; "{:p}", &mut changed);
    same!(table; "{:p} {:?}", main_like as fn(), &number);
    table.check();
}

fn main_like() {}

#[test]
fn templates() {
    let mut table = Table::new();
    let (name, n, width, precision, größe) = ("ada", 7, 9_usize, 2_usize, 1.5);
    same!(table; "");
    same!(table; "plain");
    same!(table; "{{}}");
    same!(table; "{{{{ }}}}");
    same!(table; "{{{}}}", 1);
    same!(table; "}}{{{}}}{{", 1);
    same!(table; "{{{{{}}}}}{}", 1, 2);
    same!(table; "{{{name}}}");
    same!(table; "é{}😀{}ß", 1, 2);
    same!(table; "line\n{}\tend\0", 1);
    same!(table; r#"raw "{}" \n"#, 1);
    same!(table; "continued \
                  {}", 1);
    same!(table; "{ } {0:>5 } {:?  }", 1, 2);
    same!(table; "{0:>4\n\t}", 1);
    same!(table; "{:}", 1);
    same!(table; "{0:} {0:?}", 1);
    same!(table; "{1} {0} {1} {} {}", 1, "x");
    same!(table; "{a} {0} {b} {a:>5}", 1, a = 2, b = "x");
    same!(table; "{name} {} {n:?} {n:>5} {name:?}", 1);
    same!(table; "{name:width$} {:1$} {n:<width$}|", 5, 6);
    same!(table; "{größe:.precision$} {größe:>width$.precision$} {größe:+e}");
    same!(table; "{größe} {x_1}", größe = 2, x_1 = 3);
    same!(table; "{type} {}", 1, r#type = 2);
    same!(table; "{:>1$} {:>2$} {:.*} {:>1$.2$}|", 1, 5, 2, 1.0 / 3.0, 1.0);
    same!(table; "{:.*} {:.*}", 1, 1.25, 2, 1.125);
    same!(table; "{:>w$.*}|", 2, 1.0 / 3.0, w = 10);
    same!(table; "{:w$} {:.p$} {:w$.p$} {:0w$.p$} {:<+0w$.p$} {:>#0w$x}", 1, 2.5, 3.5, 4.5, 5.5, 6, w = 9, p = 3);
    same!(table; "{:00$} {0}", 4);
    same!(table; "{:#00$x} {0:e}", 8);
    same!(table; "{:w$} {:.p$} {w} {p}", 1, 2.5, w = width, p = precision);
    same!(table; "{0:1$} {0:2$} {2}", 1, &width, &&precision);
    // Fill characters that look like something else.
    same!(table; "{:}>5} {:{>5} {:{<5?} {:}^5}", 1, 2, 3, 4);
    same!(table; "{:$>5} {:?>5} {:p>5} {:x<5x} {:0>5} {:.>5} {:#>5} {:+<5} {:->5} {:>>5} {:<<5} {:^^5}", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
    same!(table; "{:é>5} {:\"<5} {:\\^5} {:\n>3} {: >3} {:😀^5}", 1, 2, 3, 4, 5, 6);
    same!(table; "{:$>w$} {:w>w$} {:1<1$}", 1, 5, 7, w = 4);
    same!(table; "{0:}>w$} {0:p>p$}", 1, w = 4, p = 6);
    same!(table; "{:08.3} {:+08.3} {:<8.3}| {:e}", 1.5, -2.25, 3.125, 1234.5);
    same!(table; "{n:#06x} {n:#b} {:>+5} {:^-5}|", 1, 2);
    same!(table; "{:?} {:#?} {:5?} {:<5?}| {:05?} {:#x?} {:02X?}", "a", 'b', 3, 4, 5, 255, vec![10, 11]);
    table.check();
}

#[test]
fn a_width_beyond_all_bounds_is_reported_in_the_message() {
    let recorder = Recorder::new();
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    info!(logger: recorder.logger, "before {:1$}", 5, 70_000);
    info!(logger: recorder.logger, "before {:.*}", 70_000, 1.5);
    let width = 70_000;
    info!(logger: recorder.logger, "before {:width$}", 5);
    let messages = recorder.messages();
    std::panic::set_hook(hook);
    assert_eq!(messages, ["<formatting panicked>"; 3]);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_values_with_many_formats(
        i in any::<i64>(), u in any::<u8>(), wide in any::<i128>(), x in any::<f64>(), small in any::<f32>(), c in any::<char>(),
        text in ".*", b in any::<bool>(), option in any::<Option<u32>>(), words in any::<Option<String>>(),
        (secs, nanos) in (any::<u64>(), 0..1_000_000_000_u32), v4 in any::<u32>(), v6 in any::<u128>(), port in any::<u16>(),
        width in 0..40_usize, precision in 0..20_usize,
    ) {
        let mut table = Table::new();
        let span = Duration::new(secs, nanos);
        let (v4, v6) = (Ipv4Addr::from_bits(v4), Ipv6Addr::from_bits(v6));
        same!(table; "{} {} {} {} {} {} {} {}", i, u, wide, x, small, c, text, b);
        same!(table; "{:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?}", i, u, wide, x, small, c, text, b);
        same!(table; "{:?} {:#?} {:?} {:#?} {:?} {:.3?}", option, option, words, words, span, span);
        same!(table; "{} {:?} {} {} {}", v4, v6, IpAddr::from(v6), SocketAddr::from((v4, port)), SocketAddrV6::new(v6, port, u.into(), v6.to_bits() as u32));
        same!(table; "{:w$} {:<w$} {:^+w$} {:0w$} {:#0w$x} {:w$b} {:>w$o}", i, i, i, i, i, u, wide, w = width);
        same!(table; "{:w$.p$} {:<+w$.p$} {:0w$.p$e} {:^w$.p$E} {:.*}", x, x, small, small, precision, x, w = width, p = precision);
        same!(table; "{:w$.p$} {:^w$} {:>w$?} {:.1$}|", text, precision, c, text, w = width, p = precision);
        same!(table; "{text:>width$.precision$} {x:width$} {i:?} {b:^width$} {c:?} {option:#?}");
        same!(table; "{0:e} {0:x} {1:X} {1:#o} {2:#b} {b}", i, u, wide);
        same!(table; "{{{}}} {1} {0} {n} {n:>5}", i, text, n = u);
        table.check();
    }
}

#[test]
fn macros_that_make_literals_are_format_strings() {
    let recorder = Recorder::new();
    let logger = &recorder.logger;
    let n = 3;
    femtologging::info!(logger: logger, concat!("{} of ", "{}"), 1, n);
    femtologging::info!(logger: logger, concat!("{n} ", "left"), n = n; n);
    femtologging::info!(logger: logger, stringify!(a b));
    femtologging::info!(logger: logger, n; env!("CARGO_PKG_NAME"));
    femtologging::info!(logger: logger, n, std::concat!("std ", 1));
    femtologging::info!(logger: logger, include_str!("data/message.txt"), n);
    femtologging::log!(femtologging::Level::Info, logger: logger, concat!("at a ", "level"),);
    let records = recorder.take();
    let messages: Vec<_> = records.iter().map(|record| record.message()).collect();
    assert_eq!(messages, ["1 of 3", "3 left", "a b", "macros-tests", "std 1", "from a file: 3\n", "at a level"]);
    assert_eq!(records[0].arguments().count(), 2, "formatted by the handler");
    assert_eq!(records[0].template(), "{} of {}");
}
