//! The forms that keys take: where they stand, how they are spelled, how their values are recorded.

use std::fmt;

use femtologging::{Value, error, info, warn};
use macros_tests::Recorder;

#[derive(Debug)]
struct Failure(&'static str, Option<Box<Failure>>);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.1.as_deref().map(|cause| cause as _)
    }
}

struct User {
    name: &'static str,
    age: u32,
}

/// Checks the message and the keys of the only record.
#[track_caller]
fn check(recorder: &Recorder, message: &str, keys: &[(&str, Value<'_>)]) {
    let record = recorder.only();
    assert_eq!(record.message(), message);
    assert_eq!(record.key_values().collect::<Vec<_>>(), keys);
}

#[test]
fn keys_stand_behind_the_message_or_before_it() {
    let recorder = Recorder::new();
    let logger = &recorder.logger;
    let (a, b) = (1_u8, "two");
    let both = [("a", Value::U64(1)), ("b", Value::Str("two"))];

    info!(logger: logger, "message"; a = a, b = b);
    check(&recorder, "message", &both);
    // As in `log`.
    info!(logger: logger, a = a, b = b; "message");
    check(&recorder, "message", &both);
    info!(logger: logger, a, b; "{} of {total}", 1, total = 2);
    check(&recorder, "1 of 2", &both);
    // As in `tracing`.
    info!(logger: logger, a = a, b = b, "message");
    check(&recorder, "message", &both);
    info!(logger: logger, a, b, "{} of {}", 1, 2);
    check(&recorder, "1 of 2", &both);
    // Here and there.
    info!(logger: logger, a, "message"; b);
    check(&recorder, "message", &both);
    info!(logger: logger, target: "elsewhere", a; "message"; b);
    check(&recorder, "message", &both);
}

#[test]
fn signs_stand_behind_the_key_or_before_the_value() {
    let recorder = Recorder::new();
    let logger = &recorder.logger;
    let (x, user) = (Some('x'), User { name: "ada", age: 36 });
    let debug = [("x", Value::Debug("Some('x')")), ("n", Value::Display("5"))];

    info!(logger: logger, "message"; x:? = x, n:% = 5);
    check(&recorder, "message", &debug);
    info!(logger: logger, "message"; x = ?x, n = %5);
    check(&recorder, "message", &debug);
    info!(logger: logger, x = ?x, n = %5, "message");
    check(&recorder, "message", &debug);
    info!(logger: logger, ?x, n:%=5; "message");
    check(&recorder, "message", &debug);
    info!(logger: logger, "message"; ?x, n = %2 + 3);
    check(&recorder, "message", &debug);
    info!(logger: logger, "message"; user.name, ?user.age);
    check(&recorder, "message", &[("user.name", Value::Str("ada")), ("user.age", Value::Debug("36"))]);
    info!(logger: logger, %user.name, user.age:?, "message");
    check(&recorder, "message", &[("user.name", Value::Display("ada")), ("user.age", Value::Debug("36"))]);
}

#[test]
fn keys_have_dots_or_are_strings() {
    let recorder = Recorder::new();
    let logger = &recorder.logger;

    info!(logger: logger, "message"; http.status = 200, http.request.method = "GET", r#type = 1);
    let keys = [("http.status", Value::I64(200)), ("http.request.method", Value::Str("GET")), ("type", Value::I64(1))];
    check(&recorder, "message", &keys);
    info!(logger: logger, "message"; "user-id" = 7_u32, "a b":? = 'c', "d" = %8);
    let keys = [("user-id", Value::U64(7)), ("a b", Value::Debug("'c'")), ("d", Value::Display("8"))];
    check(&recorder, "message", &keys);
    info!(logger: logger, "user-id" = 7_u32, "message {}", 1);
    check(&recorder, "message 1", &[("user-id", Value::U64(7))]);
    warn!(logger: logger, "user-id" = 7_u32; "message");
    check(&recorder, "message", &[("user-id", Value::U64(7))]);
}

#[test]
fn errors_are_recorded_with_their_causes() {
    let recorder = Recorder::new();
    let logger = &recorder.logger;
    let cause = Failure("no route", None);
    let error = Failure("cannot connect", Some(Box::new(Failure("timed out", Some(Box::new(cause))))));

    error!(logger: logger, "failed"; cause:err = error, n = 1);
    check(&recorder, "failed", &[("cause", Value::Error("cannot connect: timed out: no route")), ("n", Value::I64(1))]);
    error!(logger: logger, "failed"; error:err);
    check(&recorder, "failed", &[("error", Value::Error("cannot connect: timed out: no route"))]);
    let boxed: Box<dyn std::error::Error + Send + Sync> = "alone".into();
    error!(logger: logger, "failed"; cause:err = *boxed);
    check(&recorder, "failed", &[("cause", Value::Error("alone"))]);
}

#[test]
fn secrets_stay_at_the_call() {
    let recorder = Recorder::new();
    let logger = &recorder.logger;
    let password = String::from("hunter2");

    info!(logger: logger, "login"; user = "ada", password:secret, token:secret = password.as_str(), ok = true);
    let record = recorder.only();
    let keys =
        [("user", Value::Str("ada")), ("password", Value::Secret), ("token", Value::Secret), ("ok", Value::Bool(true))];
    assert_eq!(record.key_values().collect::<Vec<_>>(), keys);
    assert_eq!(record.get("password").map(|value| value.to_string()), Some("***".to_owned()));
    assert!(!format!("{record:?}").contains("hunter2"));
}

#[test]
fn boxes_of_errors_are_errors() {
    let recorder = Recorder::new();
    let logger = &recorder.logger;
    let failure = || Failure("down", Some(Box::new(Failure("no route", None))));
    let boxed: Box<dyn std::error::Error> = Box::new(failure());
    let shared: Box<dyn std::error::Error + Send + Sync> = Box::new(failure());
    let (reference, wrapped, unit) = (&boxed, Wrapped(Box::new(failure())), ());
    info!(logger: logger, "m"; boxed:err, shared:err, reference:err, wrapped:err, again:err = &wrapped, own:err = failure());
    let expected = ["boxed", "shared", "reference", "wrapped", "again", "own"];
    check(&recorder, "m", &expected.map(|key| (key, Value::Error("down: no route"))));
    // Other words of `log`, and nothing as a value.
    info!(logger: logger, "m"; wrapped:debug, text:debug = "a", none = (), unit, shown:display = 1, boxed:display);
    check(
        &recorder,
        "m",
        &[
            ("wrapped", Value::Debug("Wrapped")),
            ("text", Value::Debug("\"a\"")),
            ("none", Value::Null),
            ("unit", Value::Null),
            ("shown", Value::Display("1")),
            ("boxed", Value::Display("down")),
        ],
    );
}

/// An error as anyhow's: none itself, but it points to one.
struct Wrapped(Box<dyn std::error::Error + Send + Sync>);

impl fmt::Debug for Wrapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wrapped")
    }
}

impl std::ops::Deref for Wrapped {
    type Target = dyn std::error::Error + Send + Sync;

    fn deref(&self) -> &Self::Target {
        self.0.as_ref()
    }
}
