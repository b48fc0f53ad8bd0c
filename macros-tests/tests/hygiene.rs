//! Calls work wherever the caller stands and whatever names the caller gives to things.

use macros_tests::Recorder;

/// Makes a call of every form; the argument is the path of the macros, which shadowed code cannot import by name.
macro_rules! all_forms {
    ($logger:expr, $level:path) => {{
        let (user, n, t) = ("ada", 2, "t");
        ::femtologging::trace!(logger: $logger, "plain");
        ::femtologging::debug!(logger: $logger, "{} {a} {user}", 1, a = 2.5);
        ::femtologging::info!(logger: $logger, target: t, "{:>1$}", 1, 5; k = 1, n, user:?, l:% = 'c');
        ::femtologging::warn!(target: "t", logger: $logger, "{:?}", ["x"]; k:? = ["x"]);
        ::femtologging::error!(logger: $logger, "{}", ::std::string::String::new());
        ::femtologging::critical!(logger: $logger, "{:.*}", 1, 2.5);
        ::femtologging::log!($level, logger: $logger, "{} {}", 1, "x"; n);
        ::femtologging::enabled!(logger: $logger, $level)
    }};
}

const ALL_FORMS: [&str; 7] = ["plain", "1 2.5 ada", "    1", "[\"x\"]", "", "2.5", "1 x"];

mod shadowed_types {
    #![allow(dead_code, non_camel_case_types, clippy::upper_case_acronyms)]

    pub struct Option;
    pub struct Result;
    pub struct String;
    pub struct Vec;
    pub struct Box;
    pub struct Level;
    pub struct Callsite;
    pub struct Metadata;
    pub struct Probe;
    pub struct str;
    pub struct bool;
    pub struct u8;
    pub struct u32;
    pub struct usize;
    pub trait Fn {}
    pub trait FnOnce {}
    pub trait Copy {}
    pub trait Send {}
    pub trait Sized {}
    pub trait Write {}
    pub trait Display {}
    pub trait Debug {}
    pub trait Source {}
    pub trait Capture {}

    pub fn log(recorder: &crate::Recorder) -> ::core::primitive::bool {
        all_forms!(recorder.logger, ::femtologging::Level::Info)
    }
}

mod shadowed_values {
    #![allow(dead_code, non_snake_case, non_upper_case_globals)]

    pub const Some: () = ();
    pub const None: () = ();
    pub const Ok: () = ();
    pub const Err: () = ();
    pub const arg: u32 = 0;
    pub const out: u32 = 0;
    pub const level: u32 = 0;
    pub static source: u32 = 0;
    pub static target: u32 = 0;
    pub static args: u32 = 0;
    pub const value: u32 = 0;
    pub fn emit() {}
    pub fn plan() {}
    pub fn captured() {}
    pub fn is_compiled() {}
    pub fn drop() {}

    pub fn log(recorder: &crate::Recorder) -> bool {
        all_forms!(recorder.logger, ::femtologging::Level::Info)
    }
}

mod shadowed_crates {
    #![allow(dead_code)]

    pub mod core {}
    pub mod alloc {}
    pub mod femtologging {}
    pub mod macros {}
    pub mod __private {}
    pub mod fmt {}

    pub mod std {
        pub mod string {}
    }

    pub fn log(recorder: &crate::Recorder) -> bool {
        all_forms!(recorder.logger, ::femtologging::Level::Info)
    }
}

mod shadowed_macros {
    #![allow(unused_macros)]

    macro_rules! hide {
        ($($name:ident)*) => {$(
            macro_rules! $name {
                ($d:tt) => { compile_error!("a macro of the caller was used") };
            }
        )*};
    }

    hide! {
        format_args module_path file line column stringify concat println format write panic assert debug_assert matches
        unreachable vec cfg env option_env include_str __femtologging trace debug info warn error critical log enabled
    }

    pub fn log(recorder: &crate::Recorder) -> bool {
        all_forms!(recorder.logger, ::femtologging::Level::Info)
    }
}

#[no_implicit_prelude]
mod no_prelude {
    pub fn log(recorder: &crate::Recorder) -> bool {
        all_forms!(recorder.logger, ::femtologging::Level::Info)
    }
}

/// Gives every type methods with the names of those that the macros call on values.
mod blanket {
    #[expect(dead_code, reason = "nobody calls its methods: that is the test")]
    pub trait Everywhere {
        fn write_fmt(&mut self, _: ::std::fmt::Arguments<'_>) -> ! {
            unreachable!("the macros called a method of the caller's")
        }
        fn enabled(&self) -> ! {
            unreachable!("the macros called a method of the caller's")
        }
        fn state(&self) -> ! {
            unreachable!("the macros called a method of the caller's")
        }
        fn name(self) -> !
        where
            Self: Sized,
        {
            unreachable!("the macros called a method of the caller's")
        }
    }

    impl<T: ?Sized> Everywhere for T {}
}

mod with_blanket_methods {
    #[allow(unused_imports)]
    use super::blanket::Everywhere;

    pub fn log(recorder: &crate::Recorder) -> bool {
        all_forms!(recorder.logger, ::femtologging::Level::Info)
    }
}

#[test]
fn names_of_the_caller_do_not_matter() {
    let recorder = Recorder::new();
    type Call = fn(&Recorder) -> bool;
    let calls: [(&str, Call); 6] = [
        ("types", shadowed_types::log),
        ("values", shadowed_values::log),
        ("crates", shadowed_crates::log),
        ("macros", shadowed_macros::log),
        ("prelude", no_prelude::log),
        ("blanket methods", with_blanket_methods::log),
    ];
    for (what, log) in calls {
        assert!(log(&recorder), "{what}");
        let records = recorder.take();
        assert_eq!(records.iter().map(|record| record.message()).collect::<Vec<_>>(), ALL_FORMS, "{what}");
        assert!(records.iter().all(|record| record.module_path().starts_with("hygiene::")), "{what}");
    }
}

mod places {
    use femtologging::{Level, debug, info, log, warn};
    use macros_tests::Recorder;

    #[test]
    fn variables_may_have_the_names_that_the_macros_use() {
        let recorder = Recorder::new();
        let (arg, out, source, level, target) = (1, 2, 3, 4, 5);
        let (femto_arg, femto_out, femto_source, femto_level) = (6, 7, 8, 9);
        info!(logger: recorder.logger, "{} {} {} {} {}", arg, out, source, level, target; arg, out, source, level);
        info!(logger: recorder.logger, "{arg} {out} {source} {level} {target}");
        info!(logger: recorder.logger, "{} {} {} {}", femto_level, femto_source, femto_out, femto_arg; femto_arg);
        info!(logger: recorder.logger, "{femto_arg} {femto_out} {femto_source} {femto_level}");
        info!(logger: recorder.logger, "{arg} {femto_arg}", arg = out, femto_arg = femto_out);
        log!(Level::Info, logger: recorder.logger, "{} {level} {femto_level}", level);
        assert_eq!(recorder.messages(), ["1 2 3 4 5", "1 2 3 4 5", "9 8 7 6", "6 7 8 9", "2 7", "4 4 9"]);
    }

    const fn neighbour(n: u32) -> u32 {
        const INNER: u32 = 2;
        n * INNER
    }

    #[test]
    fn a_call_is_an_expression_of_type_unit() {
        let recorder = Recorder::new();
        let logger = &recorder.logger;
        let unit: () = info!(logger: logger, "let");
        assert_eq!(unit, ());
        match neighbour(2) {
            0 => warn!(logger: logger, "no"),
            n @ 1..=9 => info!(logger: logger, "match {}", n),
            _ => {}
        }
        if true {
            info!(logger: logger, "if")
        } else {
            debug!(logger: logger, "else")
        }
        let closure = |n: u32| info!(logger: logger, "closure {n}");
        closure(1);
        [1, 2].iter().for_each(|n| info!(logger: logger, "each {}", n));
        let value = {
            info!(logger: logger, "block");
            5
        };
        let last = (info!(logger: logger, "tuple"), value).1;
        let moved = move || info!(logger: logger, "moved {}", last);
        moved();
        Some(1).map_or_else(|| info!(logger: logger, "none"), |n| info!(logger: logger, "some {}", n));
        info! { logger: logger, "braces" }
        info![logger: logger, "brackets"];
        'label: loop {
            info!(logger: logger, "loop {}", { if last == 5 { break 'label; } 1 });
        }
        (|| -> Result<(), std::num::ParseIntError> {
            info!(logger: logger, "parsed {}", "7".parse::<u32>()?);
            info!(logger: logger, "not parsed {}", "x".parse::<u32>()?);
            Ok(())
        })()
        .unwrap_err();
        assert_eq!(
            recorder.messages(),
            [
                "let",
                "match 4",
                "if",
                "closure 1",
                "each 1",
                "each 2",
                "block",
                "tuple",
                "moved 5",
                "some 1",
                "braces",
                "brackets",
                "parsed 7",
            ]
        );
    }

    /// Macros of the caller's around ours.
    macro_rules! event {
        (@all $macro:ident $logger:expr, $($all:tt)+) => { femtologging::$macro!(logger: $logger, $($all)+) };
        (@literal $logger:expr, $format:literal $(, $argument:expr)*) => { info!(logger: $logger, $format $(, $argument)*) };
        (@expr $logger:expr, $format:expr, $argument:expr) => { info!(logger: $logger, $format, $argument; argument = $argument) };
        (@key $logger:expr, $key:ident = $value:expr) => { info!(logger: $logger, "key"; $key = $value) };
        (@own $logger:expr, $n:expr) => {{
            let arg = 5;
            let n = $n;
            info!(logger: $logger, "{arg} {} {n}", $n; n, arg)
        }};
        (@target $target:expr, $logger:expr) => { info!(target: $target, logger: $logger, "target") };
        (@level $level:expr, $logger:expr) => { log!($level, logger: $logger, "level") };
    }

    #[test]
    fn macros_of_the_caller() {
        let recorder = Recorder::new();
        let logger = &recorder.logger;
        let arg = 9;
        event!(@all info logger, "{} {a}", 1, a = arg; k = arg, arg:?);
        event!(@all critical logger, "{arg}");
        event!(@literal logger, "{} {}", 1, 2 + 3);
        event!(@literal logger, "none");
        event!(@expr logger, "{}", 1 + 1);
        event!(@key logger, user = "ada");
        event!(@own logger, arg);
        event!(@target "t", logger);
        event!(@level Level::Warn, logger);
        let line = line!() - 1;
        let records = recorder.take();
        let messages: Vec<_> = records.iter().map(|record| record.message()).collect();
        assert_eq!(messages, ["1 9", "9", "1 5", "none", "2", "key", "5 9 9", "target", "level"]);
        assert_eq!(records[5].get("user"), Some(femtologging::Value::Str("ada")));
        assert_eq!((records[7].target(), records[8].level(), records[8].line()), ("t", Level::Warn, line));
    }

    mod inner {
        pub fn log(recorder: &super::Recorder) {
            struct Local;
            impl Local {
                fn log(recorder: &super::Recorder) {
                    femtologging::info!(logger: recorder.logger, "inner");
                }
            }
            Local::log(recorder);
        }
    }

    #[test]
    fn the_module_path_is_the_caller_s() {
        let recorder = Recorder::new();
        inner::log(&recorder);
        assert_eq!(recorder.only().module_path(), "hygiene::places::inner");
    }
}
