//! Every form of a call at every level, and everything that its record says.

use femtologging::record::OwnedRecord;
use femtologging::{Level, Value, critical, debug, enabled, error, info, log, trace, warn};
use macros_tests::Recorder;

/// What a record must say besides its level, place and module.
struct Expected {
    template: &'static str,
    message: &'static str,
    arguments: Vec<Value<'static>>,
    keys: Vec<(&'static str, Value<'static>)>,
    target: &'static str,
}

#[track_caller]
fn check(record: &OwnedRecord, level: Level, line: u32, expected: &Expected) {
    let call = format!("{level} {:?} at line {line}", expected.template);
    assert_eq!(record.level(), level, "level of {call}");
    assert_eq!(record.template(), expected.template, "template of {call}");
    assert_eq!(record.message(), expected.message, "message of {call}");
    assert_eq!(record.arguments().collect::<Vec<_>>(), expected.arguments, "arguments of {call}");
    assert_eq!(record.key_values().collect::<Vec<_>>(), expected.keys, "keys of {call}");
    assert_eq!(record.logger(), "tests", "logger of {call}");
    assert_eq!(record.target(), expected.target, "target of {call}");
    assert_eq!(record.module_path(), module_path!(), "module path of {call}");
    assert_eq!(record.file(), file!(), "file of {call}");
    assert_eq!(record.line(), line, "line of {call}");
    assert_eq!(record.process_id(), std::process::id(), "process of {call}");
    assert_eq!(Some(record.thread_name()), std::thread::current().name(), "thread of {call}");
}

/// Makes the calls in brackets with each of the macros, and with `log!` at each level.
macro_rules! at_every_level {
    ($recorder:ident; $([$($call:tt)*] => $expected:expr;)*) => {
        at_every_level!(@named $recorder; [trace Trace] $([$($call)*] => $expected;)*);
        at_every_level!(@named $recorder; [debug Debug] $([$($call)*] => $expected;)*);
        at_every_level!(@named $recorder; [info Info] $([$($call)*] => $expected;)*);
        at_every_level!(@named $recorder; [warn Warn] $([$($call)*] => $expected;)*);
        at_every_level!(@named $recorder; [error Error] $([$($call)*] => $expected;)*);
        at_every_level!(@named $recorder; [critical Critical] $([$($call)*] => $expected;)*);
        for level in Level::ALL {
            $(
                log!(level, $($call)*);
                check(&$recorder.only(), level, line!(), &$expected);
            )*
        }
    };
    (@named $recorder:ident; [$macro:ident $level:ident] $([$($call:tt)*] => $expected:expr;)*) => {$(
        $macro!($($call)*);
        check(&$recorder.only(), Level::$level, line!(), &$expected);
    )*};
}

/// Says what a call's record must say; the target is the logger's name unless given.
macro_rules! says {
    ($template:literal, $message:literal, [$($argument:expr),*] $(, $key:ident = $value:expr)* $(; $target:literal)?) => {
        Expected {
            template: $template,
            message: $message,
            arguments: vec![$($argument),*],
            keys: vec![$((stringify!($key), $value)),*],
            target: [$($target,)? "tests"][0],
        }
    };
}

#[test]
fn format_strings() {
    use Value::{Char, F64, I64, Str, U64};
    let recorder = Recorder::new();
    let log = &recorder.logger;
    let (name, n, w, p) = ("ada", 7, 6, 2);
    at_every_level! { recorder;
        [logger: log, ""] => says!("", "", []);
        [logger: log, "ready"] => says!("ready", "ready", []);
        [logger: log, "ready",] => says!("ready", "ready", []);
        [logger: log, "ready";] => says!("ready", "ready", []);
        [logger: log, "{{}} }}{{"] => says!("{{}} }}{{", "{} }{", []);
        [logger: log, r#"a "raw" {}\"#, 1] => says!(r#"a "raw" {}\"#, "a \"raw\" 1\\", [I64(1)]);
        [logger: log, "é {} 😀", 'ß'] => says!("é {} 😀", "é ß 😀", [Char('ß')]);
        [logger: log, "{}", 1] => says!("{}", "1", [I64(1)]);
        [logger: log, "{} {} {}", 1, 2_u8, "x",] => says!("{} {} {}", "1 2 x", [I64(1), U64(2), Str("x")]);
        [logger: log, "{{{}}}", 1] => says!("{{{}}}", "{1}", [I64(1)]);
        [logger: log, "{1} {0} {1}", 1, 2] => says!("{1} {0} {1}", "2 1 2", [I64(1), I64(2)]);
        [logger: log, "{} {0} {}", 1, 2] => says!("{} {0} {}", "1 1 2", [I64(1), I64(2)]);
        [logger: log, "{a} {b}", a = 1, b = "x"] => says!("{a} {b}", "1 x", [I64(1), Str("x")]);
        [logger: log, "{} {b} {b}", 1, b = 2,] => says!("{} {b} {b}", "1 2 2", [I64(1), I64(2)]);
        [logger: log, "{0} {b} {0}", 1, b = 2] => says!("{0} {b} {0}", "1 2 1", [I64(1), I64(2)]);
        [logger: log, "{:>w$}|", 1, w = 4] => says!("{:>w$}|", "   1|", [I64(1), U64(4)]);
        [logger: log, "{:1$}|", 1, 4] => says!("{:1$}|", "   1|", [I64(1), U64(4)]);
        [logger: log, "{:>1$.2$}|", 1.25, 6, 1] => says!("{:>1$.2$}|", "   1.2|", [F64(1.25), U64(6), U64(1)]);
        [logger: log, "{:.*}|", 2, 1.5] => says!("{:.*}|", "1.50|", [U64(2), F64(1.5)]);
        [logger: log, "{:?} {:#x} {:>5}|", "q", 255, 'c'] => says!("{:?} {:#x} {:>5}|", "\"q\" 0xff     c|", [Str("q"), I64(255), Char('c')]);
        // A variable captured in the format string makes the caller format the message.
        [logger: log, "{name}"] => says!("{name}", "ada", []);
        [logger: log, "{name:?} {n:>w$.p$} {}", 1] => says!("{name:?} {n:>w$.p$} {}", "\"ada\"      7 1", []);
        [logger: log, "{:w$}|", n] => says!("{:w$}|", "     7|", []);
        [logger: log, "{:.p$}|", 1.0] => says!("{:.p$}|", "1.00|", []);
    }
}

#[test]
fn keys() {
    use Value::{Bool, Debug, Display, F64, I64, Null, Str, U64};
    #[derive(Debug)]
    struct Point(#[expect(dead_code, reason = "for its `Debug` text")] i32);

    let recorder = Recorder::new();
    let log = &recorder.logger;
    let (user, attempts, item) = ("ada", 3_u8, Some("lamp"));
    at_every_level! { recorder;
        [logger: log, "m"; k = 1] => says!("m", "m", [], k = I64(1));
        [logger: log, "m"; k = 1,] => says!("m", "m", [], k = I64(1));
        [logger: log, "m",; k = 1] => says!("m", "m", [], k = I64(1));
        [logger: log, "m"; user] => says!("m", "m", [], user = Str("ada"));
        [logger: log, "m"; user,] => says!("m", "m", [], user = Str("ada"));
        [logger: log, "m"; item:?] => says!("m", "m", [], item = Debug("Some(\"lamp\")"));
        [logger: log, "m"; item:?,] => says!("m", "m", [], item = Debug("Some(\"lamp\")"));
        [logger: log, "m"; attempts:%] => says!("m", "m", [], attempts = Display("3"));
        [logger: log, "m"; attempts:%,] => says!("m", "m", [], attempts = Display("3"));
        [logger: log, "m"; to:? = Point(1)] => says!("m", "m", [], to = Debug("Point(1)"));
        [logger: log, "m"; to:?=Point(1),] => says!("m", "m", [], to = Debug("Point(1)"));
        [logger: log, "m"; to:% = "x"] => says!("m", "m", [], to = Display("x"));
        [logger: log, "m"; to:%="x",] => says!("m", "m", [], to = Display("x"));
        [logger: log, "m"; item, none = None::<i32>] => says!("m", "m", [], item = Str("lamp"), none = Null);
        [logger: log, "m"; b = 1, a = 2, b = 3] => says!("m", "m", [], b = I64(1), a = I64(2), b = I64(3));
        [logger: log, "m"; user, attempts, ok = true, item:?, took:% = 1.5, half = 0.5]
            => says!("m", "m", [], user = Str("ada"), attempts = U64(3), ok = Bool(true),
                item = Debug("Some(\"lamp\")"), took = Display("1.5"), half = F64(0.5));
        [logger: log, "{} of {total}", 1, total = 2; user, left = 2 - 1]
            => says!("{} of {total}", "1 of 2", [I64(1), I64(2)], user = Str("ada"), left = I64(1));
        [logger: log, "{user}: {}", 1,; k = user.len() == 3 && attempts > 1, attempts:?]
            => says!("{user}: {}", "ada: 1", [], k = Bool(true), attempts = Debug("3"));
    }

    info!(logger: log, "m"; r#type = 1, r#match:? = 2);
    let record = recorder.only();
    assert_eq!(record.key_values().collect::<Vec<_>>(), [("type", I64(1)), ("match", Debug("2"))]);
    info!(logger: log, "m"; k = 1, k = 2);
    assert_eq!(recorder.only().get("k"), Some(I64(2)));
}

#[test]
fn targets() {
    use Value::{I64, Str};
    const AUDIT: &str = "audit";
    let recorder = Recorder::new();
    let log = &recorder.logger;
    let owned = String::from("aud") + "it";
    at_every_level! { recorder;
        [target: "audit", logger: log, "m"] => says!("m", "m", []; "audit");
        [logger: log, target: "audit", "m"] => says!("m", "m", []; "audit");
        [logger: log, target: AUDIT, "m {}", 1] => says!("m {}", "m 1", [I64(1)]; "audit");
        [logger: log, target: concat!("au", "dit"), "m",] => says!("m", "m", []; "audit");
        [target: owned, logger: log, "{} {b}", 1, b = "x"; k = 2]
            => says!("{} {b}", "1 x", [I64(1), Str("x")], k = I64(2); "audit");
        [target: &owned, logger: log, "{owned}"; k = 2] => says!("{owned}", "audit", [], k = I64(2); "audit");
        [target: &owned[..3], logger: &log, "m"; k:? = 2,] => says!("m", "m", [], k = Value::Debug("2"); "aud");
    }
}

#[test]
fn log_takes_its_level_before_or_behind_the_options() {
    let recorder = Recorder::new();
    let logger = &recorder.logger;
    log!(logger: logger, Level::Info, "m");
    log!(target: "t", Level::Warn, logger: logger, "m {}", 1);
    log!(logger: logger, target: "t", [Level::Error, Level::Info][0], "m"; k = 1);
    let said: Vec<_> =
        recorder.take().iter().map(|r| (r.level(), r.target().to_owned(), r.message().to_owned())).collect();
    let expected = [(Level::Info, "tests", "m"), (Level::Warn, "t", "m 1"), (Level::Error, "t", "m")];
    assert_eq!(said, expected.map(|(level, target, message)| (level, target.to_owned(), message.to_owned())));
}

#[test]
fn enabled_answers_for_every_level() {
    let recorder = Recorder::new();
    let log = &recorder.logger;
    let target = String::from("t");
    for threshold in Level::ALL {
        log.set_level(threshold);
        for level in Level::ALL {
            let expected = level >= threshold;
            assert_eq!(enabled!(logger: log, level), expected);
            assert_eq!(enabled!(logger: log, level,), expected);
            assert_eq!(enabled!(logger: log, target: "t", level), expected);
            assert_eq!(enabled!(target: target, logger: log, level,), expected);
        }
        assert_eq!(enabled!(logger: log, Level::Info), Level::Info >= threshold);
    }
    assert!(recorder.take().is_empty());
}

#[test]
fn a_call_has_as_many_arguments_and_keys_as_it_likes() {
    let recorder = Recorder::new();
    info!(
        logger: recorder.logger, "{} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {}",
        'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p', 'q', 'r', 's', 't', 'u', 'v',
        'w', 'x', 'y', 'z';
        a = 1, b = 2, c = 3, d = 4, e = 5, f = 6, g = 7, h = 8, i = 9, j = 10, k = 11, l = 12, m = 13, n = 14, o = 15,
        p = 16, q = 17, r = 18, s = 19, t = 20, u = 21, v = 22, w = 23, x = 24, y = 25, z = 26,
    );
    let record = recorder.only();
    assert_eq!(record.message(), "a b c d e f g h i j k l m n o p q r s t u v w x y z");
    let sum: i64 = record.key_values().filter_map(|(_, value)| value.as_i64()).sum();
    assert_eq!((record.arguments().count(), record.key_values().count(), sum), (26, 26, 351));
}

#[test]
fn loggers_come_in_every_owner() {
    use std::rc::Rc;
    use std::sync::{Arc, LazyLock, OnceLock};
    static LAZY: LazyLock<Recorder> = LazyLock::new(Recorder::new);
    static ONCE: OnceLock<Recorder> = OnceLock::new();

    let recorder = Recorder::new();
    info!(logger: recorder.logger, "field");
    info!(logger: &recorder.logger, "reference");
    info!(logger: &&recorder.logger, "reference to a reference");
    info!(logger: Rc::new(recorder.logger.clone()), "Rc");
    info!(logger: Arc::new(recorder.logger.clone()), "Arc");
    info!(logger: Box::new(recorder.logger.clone()), "Box");
    info!(logger: recorder.logger.clone(), "temporary");
    assert_eq!(
        recorder.messages(),
        ["field", "reference", "reference to a reference", "Rc", "Arc", "Box", "temporary"]
    );
    info!(logger: LAZY.logger, "lazy");
    assert_eq!(LAZY.messages(), ["lazy"]);
    info!(logger: ONCE.get_or_init(Recorder::new).logger, "once");
    assert_eq!(ONCE.get().unwrap().messages(), ["once"]);
}
