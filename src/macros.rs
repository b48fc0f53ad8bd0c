//! The public macros and their parser.
//!
//! A call is parsed from left to right by one hidden macro, with an arm for each part: options, format string,
//! arguments, keys. The parts that it has parsed are lists in brackets; lists of values are nested pairs. Above each
//! arm is a call that it accepts, or one that it rejects.
//!
//! An identifier that an arm introduces is new in each of its expansions (macro hygiene), so `femto_arg` below is
//! another name for each argument. Hygiene does not cover constants and statics of the caller, so these names have a
//! prefix. The public macros append a `;` to their input, so that every part is followed by something.
//!
//! For example, `info!(target: "db", "{} of {total}", done, total = 5; user = "ada")` takes these steps. What has
//! been parsed is on the left, the rest of the call on the right:
//!
//! ```text
//! @options   [static Info] [] []                        target: "db", "{} of {total}", done, total = 5; user = "ada";
//! @options   [static Info] [] [literal "db"]            "{} of {total}", done, total = 5; user = "ada";
//! @keys      before … [] ()                             "{} of {total}", done, total = 5; user = "ada";
//! @arguments … "{} of {total}" … () [] …                , done, total = 5; user = "ada";
//! @arguments … ((), @argument done) [] …                , total = 5; user = "ada";
//! @arguments … (((), @argument done), 5) [total] …      ; user = "ada";
//! @keys      behind … [] ()                             user = "ada";
//! @keys      behind … [(user)] ((), @field … "ada")     (nothing)
//! @emit, @site                                          the call site's `static`, and the call
//! ```

/// Logs a record at [`Level::Trace`](crate::Level::Trace). See [`info!`](crate::info).
///
/// # Examples
///
/// ```
/// use femtologging::trace;
///
/// let bytes = [0x16_u8, 0x03];
/// trace!("{} bytes read", bytes.len(); bytes:? = bytes);
/// ```
#[macro_export]
#[clippy::format_args]
macro_rules! trace {
    ($($input:tt)*) => { $crate::__femtologging!(@options [static Trace] [] [] $($input)* ;) };
}

/// Logs a record at [`Level::Debug`](crate::Level::Debug). See [`info!`](crate::info).
///
/// # Examples
///
/// ```
/// use femtologging::debug;
///
/// debug!("cache missed"; key = "user:7", size = 512);
/// ```
#[macro_export]
#[clippy::format_args]
macro_rules! debug {
    ($($input:tt)*) => { $crate::__femtologging!(@options [static Debug] [] [] $($input)* ;) };
}

/// Logs a record at [`Level::Info`](crate::Level::Info).
///
/// ```text
/// info!([logger: LOGGER,] [target: TARGET,] [LIMIT,] "format string" [, arguments…] [; key = value, …])
/// ```
///
/// * `logger:` names the [`FemtoLogger`](crate::FemtoLogger) that decides whether the record is recorded and where it
///   goes. Without it, the target is the logger's name.
/// * `target:` is a string, the module path by default.
/// * A limit restricts how often this call logs: `once`, `first: n`, `every: n` (the first call and then every `n`-th),
///   `per: duration` (one call in each period) or `sample: share` (a fraction from 0 to 1, evenly spread). The next
///   record that passes has a key `suppressed` with the number of calls that did not. Arguments of a suppressed call
///   are not evaluated.
/// * The format string and its arguments are those of [`format!`], and so is the message's text.
/// * A key is an identifier, several with dots between them (`http.status`) or a string literal (`"user-id"`). Its
///   value keeps its type: integers, floats, `bool`, `char`, strings, durations, network addresses, `Option`s of these,
///   and slices, arrays, `Vec`s, `BTreeMap`s and `HashMap`s of them. `key:? = value` (or `key = ?value`) records the
///   `Debug` text of any value, and `key:% = value` (`key = %value`) its `Display` text. `key:err = error` records an
///   error's message and those of its sources, `key:bytes = value` bytes, and `key:serde = value` (feature `serde`) the
///   structure of anything that serde serializes. `key:secret = value` records that there is a value, shown as `***`.
///   `key` alone, `key:?`, `?key` … record the variable or field of that name.
/// * Keys may also come before the message, as in `log` (`info!(key = value; "message")`) and in `tracing`
///   (`info!(key = value, "message")`).
///
/// Arguments and values are evaluated once if the record is recorded, and not at all otherwise. A call whose level is
/// not compiled into the build costs nothing (see [`STATIC_MAX_LEVEL`](crate::STATIC_MAX_LEVEL)). A call never panics:
/// if `Display` or `Debug` of a user's type panics, the message says so.
///
/// Values of the types above travel to the handler's thread as they are and are formatted there. A message is
/// formatted by the caller if the format string captures a variable (`"{user}"`), prints an address (`{:p}`) or has
/// an argument of another type.
///
/// # Examples
///
/// ```
/// use femtologging::info;
///
/// let (user, attempts) = ("ada", 3);
/// info!("ready");
/// info!("{} of {total} done", 3, total = 5);
/// info!("{user} logged in"; attempts, from = "10.0.0.7", session:? = Some(7));
/// info!(target: "audit", "{} logged in", user);
/// # #[derive(Debug)] struct Point(i32, i32);
/// info!("moved"; to:? = Point(1, 2), took:% = "3 s", http.status = 200, token:secret = "x");
/// info!(?attempts, "user-id" = 7, "logged in");
/// info!(every: 1000, "queue is slow"; depth = 12);
/// ```
#[macro_export]
#[clippy::format_args]
macro_rules! info {
    ($($input:tt)*) => { $crate::__femtologging!(@options [static Info] [] [] $($input)* ;) };
}

/// Logs a record at [`Level::Warn`](crate::Level::Warn). See [`info!`](crate::info).
///
/// # Examples
///
/// ```
/// use femtologging::warn;
///
/// let (used, limit) = (93, 100);
/// warn!("{used} of {limit} connections in use");
/// warn!(target: "shop::stock", "{} is low", "lamp"; left = 2);
/// ```
#[macro_export]
#[clippy::format_args]
macro_rules! warn {
    ($($input:tt)*) => { $crate::__femtologging!(@options [static Warn] [] [] $($input)* ;) };
}

/// Logs a record at [`Level::Error`](crate::Level::Error). See [`info!`](crate::info).
///
/// # Examples
///
/// ```
/// use femtologging::error;
///
/// if let Err(cause) = std::fs::read("/does/not/exist") {
///     error!("cannot read the settings"; cause:err); // the error with its sources, as a value
/// }
/// ```
#[macro_export]
#[clippy::format_args]
macro_rules! error {
    ($($input:tt)*) => { $crate::__femtologging!(@options [static Error] [] [] $($input)* ;) };
}

/// Logs a record at [`Level::Critical`](crate::Level::Critical). See [`info!`](crate::info).
///
/// # Examples
///
/// ```
/// use femtologging::critical;
///
/// critical!("out of file descriptors, shutting down"; limit = 1024);
/// ```
#[macro_export]
#[clippy::format_args]
macro_rules! critical {
    ($($input:tt)*) => { $crate::__femtologging!(@options [static Critical] [] [] $($input)* ;) };
}

/// Logs a record at a level that may be known only at run time.
///
/// ```text
/// log!(level, [logger: LOGGER,] [target: TARGET,] [LIMIT,] "format string" [, arguments…] [; key = value, …])
/// ```
///
/// The level may also follow the options. Everything else is as for [`info!`](crate::info).
///
/// # Examples
///
/// ```
/// use femtologging::{Level, log};
///
/// let failed = true;
/// let level = if failed { Level::Error } else { Level::Info };
/// log!(level, "done"; failed);
/// log!(level, target: "audit", "done");
/// ```
#[macro_export]
#[clippy::format_args]
macro_rules! log {
    ($($input:tt)*) => { $crate::__femtologging!(@options [log] [] [] $($input)* ;) };
}

/// Returns whether a record of this level, logged here, would go to a handler.
///
/// ```text
/// enabled!([logger: LOGGER,] [target: TARGET,] level)
/// ```
///
/// # Examples
///
/// ```
/// use femtologging::{Level, debug, enabled};
///
/// # fn expensive() -> u32 { 7 }
/// if enabled!(Level::Debug) {
///     let result = expensive();
///     debug!("the result is {}", result);
/// }
/// let _ = enabled!(target: "app::db", Level::Trace);
/// ```
#[macro_export]
macro_rules! enabled {
    ($($input:tt)*) => { $crate::__femtologging!(@options [enabled] [] [] $($input)* ;) };
}

/// Returns whether a record of this level, logged here, would go to a handler: the name that
/// [`enabled!`](crate::enabled) has in the crate `log`.
///
/// # Examples
///
/// ```
/// use femtologging::{Level, log_enabled};
///
/// if log_enabled!(target: "app::db", Level::Debug) {
///     // …
/// }
/// ```
#[macro_export]
macro_rules! log_enabled {
    ($($input:tt)*) => { $crate::__femtologging!(@options [enabled] [] [] $($input)* ;) };
}

/// Makes a [`FemtoSpan`](crate::FemtoSpan) at a level that may be known only at run time.
///
/// ```text
/// span!(level, [logger: LOGGER,] [target: TARGET,] "name" [; key = value, …] [; { block }])
/// ```
///
/// Keys may also follow a comma, as in `tracing`. With a block, the span is entered for the block, and the macro
/// returns the block's value. Everything else is as for [`info_span!`](crate::info_span!).
///
/// # Examples
///
/// ```
/// use femtologging::{Level, span};
///
/// let level = Level::Debug;
/// let rows = span!(level, "load"; table = "users"; { 7 });
/// assert_eq!(rows, 7);
/// ```
#[macro_export]
macro_rules! span {
    ($($input:tt)*) => { $crate::__femtologging!(@options [span] [] [] $($input)* ;) };
}

/// Makes a [`FemtoSpan`](crate::FemtoSpan) at [`Level::Trace`](crate::Level::Trace). See
/// [`info_span!`](crate::info_span!).
///
/// # Examples
///
/// ```
/// use femtologging::trace_span;
///
/// let _span = trace_span!("parse", line = 7).entered();
/// ```
#[macro_export]
macro_rules! trace_span {
    ($($input:tt)*) => { $crate::__femtologging!(@options [span static Trace] [] [] $($input)* ;) };
}

/// Makes a [`FemtoSpan`](crate::FemtoSpan) at [`Level::Debug`](crate::Level::Debug). See
/// [`info_span!`](crate::info_span!).
///
/// # Examples
///
/// ```
/// use femtologging::debug_span;
///
/// let rows = debug_span!("query", table = "users"; { 42 });
/// assert_eq!(rows, 42);
/// ```
#[macro_export]
macro_rules! debug_span {
    ($($input:tt)*) => { $crate::__femtologging!(@options [span static Debug] [] [] $($input)* ;) };
}

/// Makes a [`FemtoSpan`](crate::FemtoSpan) at [`Level::Info`](crate::Level::Info).
///
/// ```text
/// info_span!([logger: LOGGER,] [target: TARGET,] "name" [; key = value, …] [; { block }])
/// ```
///
/// Options and keys are those of [`info!`](crate::info); keys may also follow a comma, as in `tracing`. With a block,
/// the span is entered for the block, and the macro returns the block's value. If the level is not compiled into the
/// build, only the block remains.
///
/// # Examples
///
/// ```
/// use femtologging::{info, info_span};
///
/// let request_id = 4711;
/// let span = info_span!("request"; request_id);
/// {
///     let _request = span.enter();
///     info!("received");
/// }
/// let answer = info_span!("work", request_id; {
///     info!("busy");
///     42
/// });
/// assert_eq!(answer, 42);
/// ```
#[macro_export]
macro_rules! info_span {
    ($($input:tt)*) => { $crate::__femtologging!(@options [span static Info] [] [] $($input)* ;) };
}

/// Makes a [`FemtoSpan`](crate::FemtoSpan) at [`Level::Warn`](crate::Level::Warn). See
/// [`info_span!`](crate::info_span!).
///
/// # Examples
///
/// ```
/// use femtologging::warn_span;
///
/// let _span = warn_span!("retry", attempt = 3).entered();
/// ```
#[macro_export]
macro_rules! warn_span {
    ($($input:tt)*) => { $crate::__femtologging!(@options [span static Warn] [] [] $($input)* ;) };
}

/// Makes a [`FemtoSpan`](crate::FemtoSpan) at [`Level::Error`](crate::Level::Error). See
/// [`info_span!`](crate::info_span!).
///
/// # Examples
///
/// ```
/// use femtologging::error_span;
///
/// let _span = error_span!("recover").entered();
/// ```
#[macro_export]
macro_rules! error_span {
    ($($input:tt)*) => { $crate::__femtologging!(@options [span static Error] [] [] $($input)* ;) };
}

/// Makes a [`FemtoSpan`](crate::FemtoSpan) at [`Level::Critical`](crate::Level::Critical). See
/// [`info_span!`](crate::info_span!).
///
/// # Examples
///
/// ```
/// use femtologging::critical_span;
///
/// let _span = critical_span!("emergency_stop").entered();
/// ```
#[macro_export]
macro_rules! critical_span {
    ($($input:tt)*) => { $crate::__femtologging!(@options [span static Critical] [] [] $($input)* ;) };
}

/// Makes a [`Context`](crate::Context): keys with values for every record of a scope.
///
/// ```text
/// context! { key = value, … [; { block }] }
/// ```
///
/// The context has these keys in addition to those of the thread's current context, and overrides keys of the same
/// name. Values are evaluated when the macro runs. With a block, the context is entered for the block, and the macro
/// returns the block's value. Without a block, it is entered with [`enter`](crate::Context::enter),
/// [`in_scope`](crate::Context::in_scope) or [`in_context`](crate::span::FemtoFutureExt::in_context).
///
/// # Examples
///
/// ```
/// use femtologging::{context, info};
///
/// let user = "ada";
/// let _request = context! { request_id = 4711, user }.enter();
/// info!("received");                                  // request_id=4711 user=ada
/// let answer = context! { step = "work"; {
///     info!("busy");                                  // request_id=4711 user=ada step=work
///     42
/// } };
/// assert_eq!(answer, 42);
/// ```
#[macro_export]
macro_rules! context {
    ($($input:tt)*) => { $crate::__femtologging!(@keys scope [context] [] () $($input)* ;) };
}

/// Parses a call. The state, in this order: the level, the logger, the target; the format string, its arguments, the
/// arguments as the caller wrote them, their values, the pattern that binds them, the names among them; the keys and
/// their values.
#[doc(hidden)]
#[macro_export]
macro_rules! __femtologging {
    // The options, in any order, each once.
    // Rejected, a logger is a value: info!(logger: "db", "ready")
    (@options $level:tt [] $target:tt logger: $logger:literal, $($rest:tt)*) => {
        $crate::__femtologging_wrong!(@give $level $crate::__femtologging_wrong!(@at LoggerIsText $logger))
    };
    // info!(logger: db, "ready")
    (@options $level:tt [] $target:tt logger: $logger:expr, $($rest:tt)*) => {
        $crate::__femtologging!(@options $level [$logger] $target $($rest)*)
    };
    // info!(target: "audit", "ready")
    (@options $level:tt $logger:tt [] target: $target:literal, $($rest:tt)*) => {
        $crate::__femtologging!(@options $level $logger [literal $target] $($rest)*)
    };
    // info!(target: name, "ready")
    (@options $level:tt $logger:tt [] target: $target:expr, $($rest:tt)*) => {
        $crate::__femtologging!(@options $level $logger [expr $target] $($rest)*)
    };
    // How often the call logs. A limit is stored with the level, because both decide whether the call is made.
    // info!(once, "ready")
    (@options [$kind:ident $level:tt] $logger:tt $target:tt once, $($rest:tt)*) => {
        $crate::__femtologging!(@options [$kind $level (once())] $logger $target $($rest)*)
    };
    // info!(every: 1000, "slow")
    (@options [$kind:ident $level:tt] $logger:tt $target:tt every: $n:expr, $($rest:tt)*) => {
        $crate::__femtologging!(@options [$kind $level (every($n))] $logger $target $($rest)*)
    };
    // info!(first: 5, "slow")
    (@options [$kind:ident $level:tt] $logger:tt $target:tt first: $n:expr, $($rest:tt)*) => {
        $crate::__femtologging!(@options [$kind $level (first($n))] $logger $target $($rest)*)
    };
    // info!(per: Duration::from_secs(1), "slow")
    (@options [$kind:ident $level:tt] $logger:tt $target:tt per: $span:expr, $($rest:tt)*) => {
        $crate::__femtologging!(@options [$kind $level (per($span))] $logger $target $($rest)*)
    };
    // info!(sample: 0.01, "slow")
    (@options [$kind:ident $level:tt] $logger:tt $target:tt sample: $share:expr, $($rest:tt)*) => {
        $crate::__femtologging!(@options [$kind $level (sample($share))] $logger $target $($rest)*)
    };
    // The level, if the macro's name does not determine it: before, between or after the options.
    // Rejected, there is no level: log!("ready")
    (@options [log] $logger:tt $target:tt $format:literal $($rest:tt)*) => {
        $crate::__femtologging_wrong!(@at NoLevel $format)
    };
    // log!(Level::Info, "ready")
    (@options [log] $logger:tt $target:tt $level:expr, $($rest:tt)*) => {
        $crate::__femtologging!(@options [dynamic $level] $logger $target $($rest)*)
    };
    // Rejected, there is no level: span!("load")
    (@options [span] $logger:tt $target:tt $name:literal $($rest:tt)*) => {
        $crate::__femtologging_wrong!(@give [span] $crate::__femtologging_wrong!(@at NoLevel $name))
    };
    // span!(Level::Info, "load")
    (@options [span] $logger:tt $target:tt $level:expr, $($rest:tt)*) => {
        $crate::__femtologging!(@options [span dynamic $level] $logger $target $($rest)*)
    };
    // info_span!("load")
    (@options [span $($level:tt)*] $logger:tt $target:tt $name:literal $(,)? $(;)*) => {
        $crate::__femtologging!(@keys scope [[span $($level)*] $logger $target $name] [] ())
    };
    // info_span!("load", table = "users")
    (@options [span $($level:tt)*] $logger:tt $target:tt $name:literal , $($rest:tt)*) => {
        $crate::__femtologging!(@keys scope [[span $($level)*] $logger $target $name] [] () $($rest)*)
    };
    // info_span!("load"; table = "users")
    (@options [span $($level:tt)*] $logger:tt $target:tt $name:literal ; $($rest:tt)*) => {
        $crate::__femtologging!(@keys scope [[span $($level)*] $logger $target $name] [] () $($rest)*)
    };
    // enabled!(Level::Debug)
    (@options [enabled] $logger:tt $target:tt $level:expr $(,)? ;) => {
        $crate::__femtologging!(@emit [enabled $level] $logger $target)
    };
    // Rejected: log!(), span!(Level::Info), enabled!()
    (@options [$kind:ident] $($wrong:tt)*) => {
        $crate::__femtologging_wrong!(@give [$kind] $crate::__femtologging_wrong!(@level $kind $($wrong)*))
    };
    // Rejected, the name is not a literal: info_span!(name)
    (@options [span $($level:tt)*] $($wrong:tt)*) => {
        $crate::__femtologging_wrong!(@give [span] $crate::__femtologging_wrong!(@name $($wrong)*))
    };
    // A message without arguments and keys is complete.
    // info!("ready")
    (@options $level:tt $logger:tt $target:tt $format:literal ;) => {
        $crate::__femtologging!(@emit $level $logger $target $format [] [] () () [] [] ())
    };
    // Keys may come before the message, as in `log` and `tracing`.
    // info!("{} of {}", done, total; user = "ada")
    (@options $level:tt $logger:tt $target:tt $($rest:tt)*) => {
        $crate::__femtologging!(@keys before [$level $logger $target] [] () $($rest)*)
    };

    // The arguments of the format string.
    // info!("{a} of {b}", a = 1, b = 2), at `a = 1`
    (@arguments $call:tt [$($args:tt)*] [$($written:tt)*] $values:tt $pattern:tt [$($names:tt)*] $before:tt , $name:ident = $value:expr, $($rest:tt)*) => {
        $crate::__femtologging!(@arguments $call [$($args)*, $name = femto_arg] [$($written)*, $name = $value]
            ($values, (&&$crate::__private::Probe(&$value)).__femtologging_pick())
            ($pattern, femto_arg) [$($names)* $name] $before , $($rest)*)
    };
    // info!("{a} of {b}", a = 1, b = 2), at `b = 2`
    (@arguments $call:tt [$($args:tt)*] [$($written:tt)*] $values:tt $pattern:tt [$($names:tt)*] $before:tt , $name:ident = $value:expr; $($rest:tt)*) => {
        $crate::__femtologging!(@arguments $call [$($args)*, $name = femto_arg] [$($written)*, $name = $value]
            ($values, (&&$crate::__private::Probe(&$value)).__femtologging_pick())
            ($pattern, femto_arg) [$($names)* $name] $before ; $($rest)*)
    };
    // An argument or value of one token, such as a variable; see `@argument`.
    // info!("{} of {}", done, total), at `done`
    (@arguments $call:tt [$($args:tt)*] [$($written:tt)*] $values:tt $pattern:tt $names:tt $before:tt , $value:tt, $($rest:tt)*) => {
        $crate::__femtologging!(@arguments $call [$($args)*, femto_arg] [$($written)*, $value]
            ($values, $crate::__femtologging!(@argument $value $value))
            ($pattern, femto_arg) $names $before , $($rest)*)
    };
    // info!("{} of {}", done, total; user = "ada"), at `total`
    (@arguments $call:tt [$($args:tt)*] [$($written:tt)*] $values:tt $pattern:tt $names:tt $before:tt , $value:tt; $($rest:tt)*) => {
        $crate::__femtologging!(@arguments $call [$($args)*, femto_arg] [$($written)*, $value]
            ($values, $crate::__femtologging!(@argument $value $value))
            ($pattern, femto_arg) $names $before ; $($rest)*)
    };
    // info!("{} of {}", 1, 2), at `1`
    (@arguments $call:tt [$($args:tt)*] [$($written:tt)*] $values:tt $pattern:tt $names:tt $before:tt , $value:expr, $($rest:tt)*) => {
        $crate::__femtologging!(@arguments $call [$($args)*, femto_arg] [$($written)*, $value]
            ($values, (&&$crate::__private::Probe(&$value)).__femtologging_pick())
            ($pattern, femto_arg) $names $before , $($rest)*)
    };
    // info!("{} of {}", 1, 2; user = "ada"), at `2`
    (@arguments $call:tt [$($args:tt)*] [$($written:tt)*] $values:tt $pattern:tt $names:tt $before:tt , $value:expr; $($rest:tt)*) => {
        $crate::__femtologging!(@arguments $call [$($args)*, femto_arg] [$($written)*, $value]
            ($values, (&&$crate::__private::Probe(&$value)).__femtologging_pick())
            ($pattern, femto_arg) $names $before ; $($rest)*)
    };
    // info!("{}", 1,), at the last comma
    (@arguments $call:tt $args:tt $written:tt $values:tt $pattern:tt $names:tt $before:tt , ; $($rest:tt)*) => {
        $crate::__femtologging!(@arguments $call $args $written $values $pattern $names $before ; $($rest)*)
    };
    // info!("{}", 1; user = "ada"), at `;`
    (@arguments [$($call:tt)*] $args:tt $written:tt $values:tt $pattern:tt $names:tt [$keys:tt $fields:tt] ; $($rest:tt)*) => {
        $crate::__femtologging!(@keys behind [$($call)* $args $written $values $pattern $names] $keys $fields $($rest)*)
    };
    // Rejected: info!("{}" 1)
    (@arguments $call:tt $args:tt $written:tt $values:tt $pattern:tt $names:tt $before:tt $($wrong:tt)*) => {
        $crate::__femtologging_wrong!(@arguments $($wrong)*)
    };

    // info!(concat!("a", "b"))
    (@made concat $($call:tt)*) => { $crate::__femtologging!(@literal $($call)*) };
    // info!(env!("CARGO_PKG_NAME"))
    (@made env $($call:tt)*) => { $crate::__femtologging!(@literal $($call)*) };
    // info!(include_str!("hello.txt"))
    (@made include_str $($call:tt)*) => { $crate::__femtologging!(@literal $($call)*) };
    // info!(stringify!(a + b))
    (@made stringify $($call:tt)*) => { $crate::__femtologging!(@literal $($call)*) };
    // Rejected, the message is not a literal: info!(format!("{n}"))
    (@made $other:tt $call:tt $before:tt ($message:expr) $($rest:tt)*) => {
        $crate::__femtologging_wrong!(@expr MessageIsNoLiteral $message)
    };
    // info!(concat!("{} of {", "}"), 1, 2), which becomes one token
    (@literal $call:tt $before:tt ($format:expr) $($rest:tt)*) => {
        $crate::__femtologging!(@literal $call $before [$format] $($rest)*)
    };
    // info!(concat!("{} of {", "}"), 1, 2), at the arguments
    (@literal [$($call:tt)*] $before:tt [$format:tt] $($rest:tt)*) => {
        $crate::__femtologging!(@arguments [$($call)* $format] [] [] () () [] $before $($rest)*)
    };

    // The keys of a scope end with its block, or with nothing.
    // context! { user = "ada" }, at its end
    (@keys scope [$($call:tt)*] $keys:tt $fields:tt $(;)*) => {
        $crate::__femtologging!(@scope make $($call)* $keys $fields)
    };
    // context! { user = "ada"; { work() } }, at the block
    (@keys scope [$($call:tt)*] $keys:tt $fields:tt $(;)* { $($block:tt)* } $(;)*) => {
        match $crate::__femtologging!(@scope enter $($call)* $keys $fields) {
            _femto_scope => { $($block)* }
        }
    };
    // The keys and their values, before the message, after it, or of a scope. A literal is a key if `=` or `:` follows.
    // info!("ready"; "user-id" = 7)
    (@keys $place:tt $call:tt $keys:tt $fields:tt $key:literal = $($rest:tt)*) => {
        $crate::__femtologging!(@key $place $call $keys $fields ($key) () = $($rest)*)
    };
    // info!("ready"; "user-id":? = id)
    (@keys $place:tt $call:tt $keys:tt $fields:tt $key:literal : $($rest:tt)*) => {
        $crate::__femtologging!(@key $place $call $keys $fields ($key) () : $($rest)*)
    };
    // info!(user = "ada", "ready"), at the format string
    (@keys before [$($call:tt)*] $keys:tt $fields:tt $format:literal $($rest:tt)*) => {
        $crate::__femtologging!(@arguments [$($call)* $format] [] [] () () [] [$keys $fields] $($rest)*)
    };
    // A macro that expands to a literal.
    // info!(concat!("a", "b"))
    (@keys before $call:tt $keys:tt $fields:tt $maker:tt ! $input:tt $($rest:tt)*) => {
        $crate::__femtologging!(@made $maker $call [$keys $fields] ($maker ! $input) $($rest)*)
    };
    // info!(std::concat!("a", "b"))
    (@keys before $call:tt $keys:tt $fields:tt $module:tt :: $maker:tt ! $input:tt $($rest:tt)*) => {
        $crate::__femtologging!(@made $maker $call [$keys $fields] ($module::$maker ! $input) $($rest)*)
    };
    // Rejected, the key has no value: info!("ready"; "user-id")
    (@keys behind $call:tt $keys:tt $fields:tt $key:literal $($rest:tt)*) => {
        $crate::__femtologging_wrong!(@at QuotedKeyAlone $key)
    };
    // Rejected: info_span!("load {}", 1), context! { "user-id" }
    (@keys scope [$kind:tt $($call:tt)*] $keys:tt $fields:tt $key:literal $($rest:tt)*) => {
        $crate::__femtologging_wrong!(@give $kind $crate::__femtologging_wrong!(@literal $kind $key))
    };
    // info!("ready"; user = "ada"), at its end
    (@keys behind [$($call:tt)*] $keys:tt $fields:tt $(;)?) => {
        $crate::__femtologging!(@emit $($call)* $keys $fields)
    };
    // info!("ready"; http.status = 200)
    (@keys $place:tt $call:tt $keys:tt $fields:tt $key:tt $(. $more:tt)* = $($rest:tt)*) => {
        $crate::__femtologging!(@key $place $call $keys $fields ($key $(. $more)*) () = $($rest)*)
    };
    // info!("ready"; user:? = user)
    (@keys $place:tt $call:tt $keys:tt $fields:tt $key:tt $(. $more:tt)* : $($rest:tt)*) => {
        $crate::__femtologging!(@key $place $call $keys $fields ($key $(. $more)*) ($key $(. $more)*) : $($rest)*)
    };
    // info!("ready"; user, table), at `user`
    (@keys $place:tt $call:tt $keys:tt $fields:tt $key:tt $(. $more:tt)* , $($rest:tt)*) => {
        $crate::__femtologging!(@value $place $call $keys $fields ($key $(. $more)*) Deferred $key $(. $more)* , $($rest)*)
    };
    // info!("ready"; user)
    (@keys $place:tt $call:tt $keys:tt $fields:tt $key:tt $(. $more:tt)* ; $($rest:tt)*) => {
        $crate::__femtologging!(@value $place $call $keys $fields ($key $(. $more)*) Deferred $key $(. $more)* ; $($rest)*)
    };
    // info!("ready"; ?user, table), at `?user`
    (@keys $place:tt $call:tt $keys:tt $fields:tt ? $key:tt $(. $more:tt)* , $($rest:tt)*) => {
        $crate::__femtologging!(@value $place $call $keys $fields ($key $(. $more)*) AsDebug $key $(. $more)* , $($rest)*)
    };
    // info!("ready"; ?user)
    (@keys $place:tt $call:tt $keys:tt $fields:tt ? $key:tt $(. $more:tt)* ; $($rest:tt)*) => {
        $crate::__femtologging!(@value $place $call $keys $fields ($key $(. $more)*) AsDebug $key $(. $more)* ; $($rest)*)
    };
    // info!("ready"; %user, table), at `%user`
    (@keys $place:tt $call:tt $keys:tt $fields:tt % $key:tt $(. $more:tt)* , $($rest:tt)*) => {
        $crate::__femtologging!(@value $place $call $keys $fields ($key $(. $more)*) AsDisplay $key $(. $more)* , $($rest)*)
    };
    // info!("ready"; %user)
    (@keys $place:tt $call:tt $keys:tt $fields:tt % $key:tt $(. $more:tt)* ; $($rest:tt)*) => {
        $crate::__femtologging!(@value $place $call $keys $fields ($key $(. $more)*) AsDisplay $key $(. $more)* ; $($rest)*)
    };
    // Rejected, there is no format string: info!(user = "ada")
    (@keys before $call:tt $keys:tt $fields:tt $($wrong:tt)*) => {
        $crate::__femtologging_wrong!(@before $keys $($wrong)*)
    };
    // Rejected: info!("ready"; = 7)
    (@keys behind $call:tt $keys:tt $fields:tt $($wrong:tt)*) => {
        $crate::__femtologging_wrong!(@behind $($wrong)*)
    };
    // Rejected: info_span!("load"; = 7)
    (@keys scope [$kind:tt $($call:tt)*] $keys:tt $fields:tt $($wrong:tt)*) => {
        $crate::__femtologging_wrong!(@give $kind $crate::__femtologging_wrong!(@scope $kind $($wrong)*))
    };

    // How a key's value is recorded. Without a value, it is that of the variable with the key's name.
    // info!("ready"; user = ?user)
    (@key $place:tt $call:tt $keys:tt $fields:tt $key:tt $variable:tt = ? $($rest:tt)*) => {
        $crate::__femtologging!(@value $place $call $keys $fields $key AsDebug $($rest)*)
    };
    // info!("ready"; user = %user)
    (@key $place:tt $call:tt $keys:tt $fields:tt $key:tt $variable:tt = % $($rest:tt)*) => {
        $crate::__femtologging!(@value $place $call $keys $fields $key AsDisplay $($rest)*)
    };
    // info!("ready"; user = "ada")
    (@key $place:tt $call:tt $keys:tt $fields:tt $key:tt $variable:tt = $($rest:tt)*) => {
        $crate::__femtologging!(@value $place $call $keys $fields $key Deferred $($rest)*)
    };
    // info!("ready"; user:? = user)
    (@key $place:tt $call:tt $keys:tt $fields:tt $key:tt $variable:tt : ? = $($rest:tt)*) => {
        $crate::__femtologging!(@value $place $call $keys $fields $key AsDebug $($rest)*)
    };
    // info!("ready"; user:% = user)
    (@key $place:tt $call:tt $keys:tt $fields:tt $key:tt $variable:tt : % = $($rest:tt)*) => {
        $crate::__femtologging!(@value $place $call $keys $fields $key AsDisplay $($rest)*)
    };
    // info!("ready"; user:%= user)
    (@key $place:tt $call:tt $keys:tt $fields:tt $key:tt $variable:tt : %= $($rest:tt)*) => {
        $crate::__femtologging!(@value $place $call $keys $fields $key AsDisplay $($rest)*)
    };
    // info!("ready"; user:debug = user)
    (@key $place:tt $call:tt $keys:tt $fields:tt $key:tt $variable:tt : debug = $($rest:tt)*) => {
        $crate::__femtologging!(@value $place $call $keys $fields $key AsDebug $($rest)*)
    };
    // info!("ready"; user:display = user)
    (@key $place:tt $call:tt $keys:tt $fields:tt $key:tt $variable:tt : display = $($rest:tt)*) => {
        $crate::__femtologging!(@value $place $call $keys $fields $key AsDisplay $($rest)*)
    };
    // info!("failed"; cause:err = error)
    (@key $place:tt $call:tt $keys:tt $fields:tt $key:tt $variable:tt : err = $($rest:tt)*) => {
        $crate::__femtologging!(@value $place $call $keys $fields $key AsError $($rest)*)
    };
    // info!("read"; body:bytes = &body)
    (@key $place:tt $call:tt $keys:tt $fields:tt $key:tt $variable:tt : bytes = $($rest:tt)*) => {
        $crate::__femtologging!(@value $place $call $keys $fields $key AsBytes $($rest)*)
    };
    // info!("paid"; order:serde = order)
    (@key $place:tt $call:tt $keys:tt $fields:tt $key:tt $variable:tt : serde = $($rest:tt)*) => {
        $crate::__femtologging!(@value $place $call $keys $fields $key AsSerde $($rest)*)
    };
    // info!("ready"; token:secret = token)
    (@key $place:tt $call:tt $keys:tt $fields:tt $key:tt $variable:tt : secret = $($rest:tt)*) => {
        $crate::__femtologging!(@value $place $call $keys $fields $key Secret $($rest)*)
    };
    // info!("ready"; user:?)
    (@key $place:tt $call:tt $keys:tt $fields:tt $key:tt ($($variable:tt)+) : ? $($rest:tt)*) => {
        $crate::__femtologging!(@value $place $call $keys $fields $key AsDebug $($variable)+ $($rest)*)
    };
    // info!("ready"; user:%)
    (@key $place:tt $call:tt $keys:tt $fields:tt $key:tt ($($variable:tt)+) : % $($rest:tt)*) => {
        $crate::__femtologging!(@value $place $call $keys $fields $key AsDisplay $($variable)+ $($rest)*)
    };
    // info!("ready"; user:debug)
    (@key $place:tt $call:tt $keys:tt $fields:tt $key:tt ($($variable:tt)+) : debug $($rest:tt)*) => {
        $crate::__femtologging!(@value $place $call $keys $fields $key AsDebug $($variable)+ $($rest)*)
    };
    // info!("ready"; user:display)
    (@key $place:tt $call:tt $keys:tt $fields:tt $key:tt ($($variable:tt)+) : display $($rest:tt)*) => {
        $crate::__femtologging!(@value $place $call $keys $fields $key AsDisplay $($variable)+ $($rest)*)
    };
    // info!("failed"; error:err)
    (@key $place:tt $call:tt $keys:tt $fields:tt $key:tt ($($variable:tt)+) : err $($rest:tt)*) => {
        $crate::__femtologging!(@value $place $call $keys $fields $key AsError $($variable)+ $($rest)*)
    };
    // info!("read"; body:bytes)
    (@key $place:tt $call:tt $keys:tt $fields:tt $key:tt ($($variable:tt)+) : bytes $($rest:tt)*) => {
        $crate::__femtologging!(@value $place $call $keys $fields $key AsBytes $($variable)+ $($rest)*)
    };
    // info!("paid"; order:serde)
    (@key $place:tt $call:tt $keys:tt $fields:tt $key:tt ($($variable:tt)+) : serde $($rest:tt)*) => {
        $crate::__femtologging!(@value $place $call $keys $fields $key AsSerde $($variable)+ $($rest)*)
    };
    // info!("ready"; token:secret)
    (@key $place:tt $call:tt $keys:tt $fields:tt $key:tt ($($variable:tt)+) : secret $($rest:tt)*) => {
        $crate::__femtologging!(@value $place $call $keys $fields $key Secret $($variable)+ $($rest)*)
    };
    // Rejected: info!("ready"; user:hex = 7)
    (@key $place:tt $call:tt $keys:tt $fields:tt $key:tt $variable:tt $($wrong:tt)*) => {
        $crate::__femtologging_wrong!(@key $place $call $key $($wrong)*)
    };
    // The value of a key. First one of one token, such as a variable.
    // info!("ready"; user = name, table = "users"), at `name`
    (@value $place:tt $call:tt [$($keys:tt)*] $fields:tt $key:tt $how:ident $value:tt, $($rest:tt)*) => {
        $crate::__femtologging!(@keys $place $call [$($keys)* $key]
            ($fields, $crate::__femtologging!(@field $how $value $value)) $($rest)*)
    };
    // info!("ready"; user = name), at `name`
    (@value behind $call:tt [$($keys:tt)*] $fields:tt $key:tt $how:ident $value:tt; $(;)?) => {
        $crate::__femtologging!(@keys behind $call [$($keys)* $key]
            ($fields, $crate::__femtologging!(@field $how $value $value)))
    };
    // info!("ready"; user = "ada", table = "users"), at `"ada"`
    (@value $place:tt $call:tt [$($keys:tt)*] $fields:tt $key:tt $how:ident $value:expr, $($rest:tt)*) => {
        $crate::__femtologging!(@keys $place $call [$($keys)* $key] ($fields, $crate::__femtologging!(@field $how $value $value)) $($rest)*)
    };
    // info!(user = "ada"; "ready"), at `"ada"`
    (@value before $call:tt [$($keys:tt)*] $fields:tt $key:tt $how:ident $value:expr; $($rest:tt)*) => {
        $crate::__femtologging!(@keys before $call [$($keys)* $key] ($fields, $crate::__femtologging!(@field $how $value $value)) $($rest)*)
    };
    // info_span!("load"; table = "users"; { work() }), at `"users"`
    (@value scope $call:tt [$($keys:tt)*] $fields:tt $key:tt $how:ident $value:expr; $($rest:tt)*) => {
        $crate::__femtologging!(@keys scope $call [$($keys)* $key] ($fields, $crate::__femtologging!(@field $how $value $value)) $($rest)*)
    };
    // info!("ready"; user = "ada"), at `"ada"`
    (@value behind $call:tt [$($keys:tt)*] $fields:tt $key:tt $how:ident $value:expr; $(;)?) => {
        $crate::__femtologging!(@keys behind $call [$($keys)* $key] ($fields, $crate::__femtologging!(@field $how $value $value)))
    };
    // Rejected: info!("ready"; user = )
    (@value $place:tt $call:tt $keys:tt $fields:tt $key:tt $how:ident $($wrong:tt)*) => {
        $crate::__femtologging_wrong!(@value $place $call $key $($wrong)*)
    };
    // An argument and the value of a key, of one token. A variable that was moved, or is borrowed otherwise, is an
    // error at its name in the comparison, and would be one at the whole call otherwise: that is the place of
    // `&$place`. Nothing is left of code that cannot run. A tuple, as temporary values at the end of a block would not
    // live long enough.
    // info!("{}", self)
    (@argument $place:tt self) => { (&&$crate::__private::Probe(&$place)).__femtologging_pick() };
    // info!("{}", total)
    (@argument $place:tt $variable:ident) => {
        (if false { let _ = $crate::__private::Place == $place; }, (&&$crate::__private::Probe(&$place)).__femtologging_pick()).1
    };
    // info!("{}", 7)
    (@argument $place:tt $other:tt) => { (&&$crate::__private::Probe(&$place)).__femtologging_pick() };
    // info!("failed"; cause:err = self)
    (@field AsError $place:tt self) => {
        $crate::__femtologging!(@error $place)
    };
    // info!("failed"; cause:err = error)
    (@field AsError $place:tt $variable:ident) => {
        (if false { let _ = $crate::__private::Place == $place; }, $crate::__femtologging!(@error $place)).1
    };
    // info!("failed"; cause:err = error.inner())
    (@field AsError $place:tt $other:tt) => {
        $crate::__femtologging!(@error $place)
    };
    // info!("failed"; cause:err = error)
    (@error $place:tt) => {
        match &$place {
            femto_error => {
                #[allow(unused_imports)]
                use $crate::__private::{PickAnyError as _, PickError as _, PickErrorBehind as _, PickNoError as _};
                (&&&&$crate::__private::ErrorProbe(femto_error)).__femtologging_error()
            }
        }
    };
    // Behind `never`, only types count: a type that a record cannot carry is an error at the variable.
    // info!("ready"; user = self)
    (@field Deferred $place:tt self) => {
        $crate::__private::Deferred(&$place)
    };
    // info!("ready"; user = user)
    (@field Deferred $place:tt $variable:ident) => {
        (
            if false {
                let _ = $crate::__private::Place == $place;
                $crate::__private::never();
                #[allow(unreachable_code)]
                let _ = $crate::__private::Carries[$place];
            },
            match &$place {
                femto_value => {
                    #[allow(unused_imports)]
                    use $crate::__private::{PickCarried as _, PickUncarried as _};
                    (&&$crate::__private::KeyProbe(femto_value)).__femtologging_key()
                }
            },
        )
            .1
    };
    // info!("ready"; user:? = self)
    (@field $how:ident $place:tt self) => { $crate::__private::$how(&$place) };
    // info!("ready"; user:? = user)
    (@field $how:ident $place:tt $variable:ident) => {
        (if false { let _ = $crate::__private::Place == $place; }, $crate::__private::$how(&$place)).1
    };
    // info!("ready"; user:? = user.name)
    (@field $how:ident $place:tt $other:tt) => { $crate::__private::$how(&$place) };
    // info!("ready"; user = "ada"): "user"
    (@name ($key:ident)) => { $crate::__private::key($crate::__private::stringify!($key)) };
    // info!("ready"; "user-id" = 7): "user-id"
    (@name ($key:literal)) => { $crate::__private::key($key) };
    // compat::tracing::info!({ USER_ID } = 7): the constant
    (@name ({ $key:expr })) => { $crate::__private::key($key) };
    // info!("ready"; http.status = 200): "http.status"
    (@name ($key:ident $(. $more:ident)+)) => {
        $crate::__private::concat!($crate::__private::stringify!($key) $(, ".", $crate::__private::stringify!($more))+)
    };

    // A call of `compat::tracing`, whose arguments have been parsed here.
    // compat::tracing::info!("ready")
    (@emit [tracing $call:tt] [] [] $($parsed:tt)*) => { $crate::__femtologging_tracing!(@emit $call $($parsed)*) };
    // What decides about the call: see `logger/source.rs`.
    // info!("ready")
    (@emit $level:tt [] [] $($call:tt)*) => {
        $crate::__femtologging!(@site $level Static ($crate::__private::module_path!()) ($crate::__private::AtSite) $($call)*)
    };
    // info!(target: "audit", "ready")
    (@emit $level:tt [] [literal $target:literal] $($call:tt)*) => {
        $crate::__femtologging!(@site $level Static ($target) ($crate::__private::AtSite) $($call)*)
    };
    // info!(target: name, "ready")
    (@emit $level:tt [] [expr $target:expr] $($call:tt)*) => {
        $crate::__femtologging!(@site $level Target ("") ($crate::__private::AtTarget(&$target)) $($call)*)
    };
    // info!(logger: db, "ready")
    (@emit $level:tt [$logger:expr] [] $($call:tt)*) => {
        $crate::__femtologging!(@site $level Logger ("") ($crate::__private::AtLogger(&$logger)) $($call)*)
    };
    // info!(logger: db, target: "audit", "ready")
    (@emit $level:tt [$logger:expr] [$how:ident $target:expr] $($call:tt)*) => {
        $crate::__femtologging!(@site $level Logger ("") ($crate::__private::AtLoggerAndTarget(&$logger, &$target)) $($call)*)
    };

    // A scope, without its block: made, or made and entered. A span that is compiled out is not entered.
    // context! { user = "ada"; { work() } }
    (@scope enter context $keys:tt $fields:tt) => {
        $crate::__private::Context::enter(&$crate::__femtologging!(@scope make context $keys $fields))
    };
    // context! { user = "ada" }
    (@scope make context [$($keys:tt)*] $fields:tt) => {{
        static __FEMTOLOGGING_KEYS: $crate::__private::KeyIds =
            $crate::__private::KeyIds::new(&[$($crate::__femtologging!(@name $keys)),*]);
        $crate::__private::make_context(&__FEMTOLOGGING_KEYS, $fields)
    }};
    // info_span!("load"; table = "users")
    (@scope $do:ident [span $($level:tt)*] $logger:tt $target:tt $($call:tt)*) => {
        $crate::__femtologging!(@emit [span $do $($level)*] $logger $target $($call)*)
    };
    // info_span!("load")
    (@site [span make static $level:ident] $origin:ident $target:tt $source:tt $($call:tt)*) => {
        if const { $crate::__private::is_compiled($crate::__private::Level::$level) } {
            $crate::__femtologging!(@span ($crate::__private::Option::Some($crate::__private::Level::$level))
                ($crate::__private::Level::$level) $origin $target $source $($call)*)
        } else {
            $crate::__private::FemtoSpan::none()
        }
    };
    // info_span!("load"; { work() })
    (@site [span enter static $level:ident] $origin:ident $target:tt $source:tt $($call:tt)*) => {
        if const { $crate::__private::is_compiled($crate::__private::Level::$level) } {
            $crate::__private::Option::Some($crate::__private::FemtoSpan::entered(
                $crate::__femtologging!(@span ($crate::__private::Option::Some($crate::__private::Level::$level))
                    ($crate::__private::Level::$level) $origin $target $source $($call)*)
            ))
        } else {
            $crate::__private::Option::None
        }
    };
    // span!(level, "load")
    (@site [span make dynamic $level:expr] $origin:ident $target:tt $source:tt $($call:tt)*) => {
        $crate::__femtologging!(@span ($crate::__private::Option::None) ($crate::__private::level($level))
            $origin $target $source $($call)*)
    };
    // span!(level, "load"; { work() })
    (@site [span enter dynamic $level:expr] $origin:ident $target:tt $source:tt $($call:tt)*) => {
        $crate::__private::FemtoSpan::entered(
            $crate::__femtologging!(@site [span make dynamic $level] $origin $target $source $($call)*)
        )
    };
    // info_span!("load"; table = "users")
    (@span $fixed:tt $level:tt $origin:ident $target:tt $source:tt $name:literal [$($keys:tt)*] $fields:tt) => {{
        static __FEMTOLOGGING_SITE: $crate::__private::Callsite =
            $crate::__femtologging!(@metadata $fixed $origin $target $name []);
        static __FEMTOLOGGING_KEYS: $crate::__private::KeyIds =
            $crate::__private::KeyIds::new(&[$($crate::__femtologging!(@name $keys)),*]);
        match ($source, $level) {
            (femto_source, femto_level) => if $crate::__private::is_compiled(femto_level)
                && $crate::__private::Source::enabled(femto_source, &__FEMTOLOGGING_SITE, femto_level)
            {
                $crate::__private::make_span(femto_source, &__FEMTOLOGGING_SITE, &__FEMTOLOGGING_KEYS, femto_level, $fields)
            } else {
                $crate::__private::FemtoSpan::none()
            }
        }
    }};

    // The call site and the call.
    // info!("{}", 7; user = "ada")
    (@site [static $level:ident $($rate:tt)?] $origin:ident $target:tt $source:tt
        $format:tt [$($args:tt)*] $written:tt $values:tt $pattern:tt [$($names:ident)*] [$($keys:tt)*] $fields:tt) => {{
        #[allow(unused_imports)]
        use $crate::__private::{PickDeferred as _, PickImmediate as _, PickInteger as _};
        #[cfg(clippy)]
        $crate::__femtologging!(@lint $format $written);
        if const { $crate::__private::is_compiled($crate::__private::Level::$level) } {
            static __FEMTOLOGGING_SITE: $crate::__private::Callsite =
                $crate::__femtologging!(@metadata ($crate::__private::Option::Some($crate::__private::Level::$level)) $origin $target $format [$($keys)*]);
            match $source {
                femto_source => if $crate::__private::Source::enabled(femto_source, &__FEMTOLOGGING_SITE, $crate::__private::Level::$level) {
                    $crate::__femtologging!(@rated [$($rate)?] femto_source
                        $crate::__private::emit::<{ $crate::__private::plan($format, &[$($crate::__private::stringify!($names)),*]) }, _, _, _, _>(
                            femto_source,
                            &__FEMTOLOGGING_SITE,
                            $crate::__private::Level::$level,
                            $values,
                            |femto_out: &mut dyn $crate::__private::Write, $pattern| femto_out.write_fmt($crate::__private::format_args!($format $($args)*)),
                            $fields,
                        )
                    )
                }
            }
        }
    }};
    // log!(level, "{}", 7; user = "ada")
    (@site [dynamic $level:tt $($rate:tt)?] $origin:ident $target:tt $source:tt
        $format:tt [$($args:tt)*] $written:tt $values:tt $pattern:tt [$($names:ident)*] [$($keys:tt)*] $fields:tt) => {{
        #[allow(unused_imports)]
        use $crate::__private::{PickDeferred as _, PickImmediate as _, PickInteger as _};
        #[cfg(clippy)]
        $crate::__femtologging!(@lint $format $written);
        static __FEMTOLOGGING_SITE: $crate::__private::Callsite =
            $crate::__femtologging!(@metadata ($crate::__private::Option::None) $origin $target $format [$($keys)*]);
        match ($source, $crate::__private::level($level)) {
            (femto_source, femto_level) => if $crate::__private::is_compiled(femto_level)
                && $crate::__private::Source::enabled(femto_source, &__FEMTOLOGGING_SITE, femto_level)
            {
                $crate::__femtologging!(@rated [$($rate)?] femto_source
                    $crate::__private::emit::<{ $crate::__private::plan($format, &[$($crate::__private::stringify!($names)),*]) }, _, _, _, _>(
                        femto_source,
                        &__FEMTOLOGGING_SITE,
                        femto_level,
                        $values,
                        |femto_out: &mut dyn $crate::__private::Write, $pattern| femto_out.write_fmt($crate::__private::format_args!($format $($args)*)),
                        $fields,
                    )
                )
            }
        }
    }};
    // A call that may have a limit of its own.
    // info!("ready")
    (@rated [] $source:ident $call:expr) => { $call };
    // info!(every: 1000, "slow")
    (@rated [($limit:ident($($argument:expr)?))] $source:ident $call:expr) => {{
        static __FEMTOLOGGING_RATE: $crate::__private::Rate = $crate::__private::Rate::new();
        if let $crate::__private::Option::Some(femto_suppressed) = __FEMTOLOGGING_RATE.$limit($($argument)?) {
            match $crate::__private::After($source, femto_suppressed) {
                $source => $call,
            }
        }
    }};
    // enabled!(Level::Debug)
    (@site [enabled $level:expr] $origin:ident $target:tt $source:tt) => {{
        static __FEMTOLOGGING_SITE: $crate::__private::Callsite =
            $crate::__femtologging!(@metadata ($crate::__private::Option::None) $origin $target "" []);
        match ($source, $crate::__private::level($level)) {
            (femto_source, femto_level) => $crate::__private::is_compiled(femto_level)
                && $crate::__private::is_enabled(femto_source, &__FEMTOLOGGING_SITE, femto_level),
        }
    }};
    // For clippy only: the format string with its arguments as the caller wrote them. It never runs. It diverges, so
    // that values that an argument moves can be moved again in the real call.
    // info!("ready")
    (@lint $format:tt []) => {};
    // info!("{} of {}", 1, 2)
    (@lint $format:tt [$($written:tt)*]) => {
        if false {
            let _ = $crate::__private::format_args!($format $($written)*);
            $crate::__private::never();
        }
    };
    // info!("ready"; user = "ada"), its `static`
    (@metadata $level:tt $origin:ident $target:tt $format:tt [$($keys:tt)*]) => {
        $crate::__private::Callsite::new($crate::__private::Metadata {
            level: $level,
            origin: $crate::__private::Origin::$origin,
            module: &$crate::__private::Module { target: $target, module_path: $crate::__private::module_path!(), file: $crate::__private::file!() },
            line: $crate::__private::line!(),
            template: $format,
            keys: &[$($crate::__femtologging!(@name $keys)),*],
        })
    };
}

/// Says what is wrong with a call that `__femtologging` cannot read, at the token at which it cannot go on.
///
/// An arm captures that token, and `@at` turns it into an error; see `__private::mistakes`. Where a word's meaning
/// counts and its place as well, it is passed on twice: once to be compared, once to be shown. What is left over is an
/// error at the whole call.
#[doc(hidden)]
#[macro_export]
macro_rules! __femtologging_wrong {
    // The error: at a word, which need not be a variable, at a literal, or at an expression. A fragment `ident` does
    // not keep its place, but `tt` does.
    (@at $mistake:ident $token:tt) => {
        $crate::__femtologging_wrong!(@token $mistake $token $token)
    };
    // info!("{}" self), at `self`
    (@token $mistake:ident $place:tt self) => {
        $crate::__private::mistakes::$mistake[$place]
    };
    // info!("{}" n), at `n`
    (@token $mistake:ident $place:tt $word:ident) => {{
        let $place = ();
        $crate::__private::mistakes::$mistake[$place]
    }};
    // info!("{}" 1), at `1`
    (@token $mistake:ident $place:tt $literal:literal) => {
        $crate::__private::mistakes::$mistake[$place]
    };
    // info!("{}" (1, 2)), at the parentheses
    (@token $mistake:ident $place:tt $other:tt) => {
        $crate::__private::compile_error!("this cannot be read; a log call is info!(\"{} of {}\", 1, n; key = value)")
    };
    // info!(1 + 1, "m"), at `1 + 1`
    (@expr $mistake:ident $place:expr) => {
        $crate::__private::mistakes::$mistake[$place]
    };
    // A key: a word, several with dots, or a literal.
    (@first $mistake:ident ($key:tt $($more:tt)*)) => {
        $crate::__femtologging_wrong!(@token $mistake $key $key)
    };

    // What the call is worth, so that there is no second error about its type.
    (@give [enabled] $wrong:expr) => {{ let _ = $wrong; false }};
    (@give [span $($level:tt)*] $wrong:expr) => {{ let _ = $wrong; $crate::__private::FemtoSpan::none() }};
    (@give context $wrong:expr) => {{ let _ = $wrong; $crate::__private::Context::current() }};
    (@give $kind:tt $wrong:expr) => { $wrong };

    // The level of `log!`, `enabled!` and `span!`.
    // enabled!(target: "audit")
    (@level $kind:ident $logger:tt $target:tt $option:tt : $value:literal ;) => {
        $crate::__femtologging_wrong!(@at NoLevelAfterOption $value)
    };
    // log!(every: 3, Level::Info, "m")
    (@level log $logger:tt $target:tt $limit:tt : $($rest:tt)*) => {
        $crate::__femtologging_wrong!(@early $limit ($limit) LimitBeforeLevel)
    };
    // enabled!(every: 3, Level::Info)
    (@level $kind:ident $logger:tt $target:tt $limit:tt : $($rest:tt)*) => {
        $crate::__femtologging_wrong!(@early $limit ($limit) LimitOfNoCall)
    };
    // enabled!(once, Level::Info)
    (@level enabled $logger:tt $target:tt $limit:tt , $($rest:tt)*) => {
        $crate::__femtologging_wrong!(@early $limit ($limit) LimitOfNoCall)
    };
    // log!(Level::Info)
    (@level log $logger:tt $target:tt $level:expr ;) => {
        $crate::__femtologging_wrong!(@expr NoMessageAfterLevel $level)
    };
    // span!(Level::Info)
    (@level span $logger:tt $target:tt $level:expr ;) => {
        $crate::__femtologging_wrong!(@expr NoNameAfterLevel $level)
    };
    // enabled!()
    (@level enabled $($rest:tt)*) => {
        $crate::__private::compile_error!("`enabled!` takes a level: enabled!(Level::Info)")
    };
    // span!()
    (@level span $($rest:tt)*) => {
        $crate::__private::compile_error!("`span!` takes a level and a name: span!(Level::Info, \"load\")")
    };
    // log!()
    (@level log $($rest:tt)*) => {
        $crate::__private::compile_error!("`log!` takes a level and a message: log!(Level::Info, \"ready\")")
    };
    // A limit where there can be none, or an option that is none.
    (@early once $word:tt $limit:ident) => { $crate::__femtologging_wrong!(@first $limit $word) };
    (@early every $word:tt $limit:ident) => { $crate::__femtologging_wrong!(@first $limit $word) };
    (@early first $word:tt $limit:ident) => { $crate::__femtologging_wrong!(@first $limit $word) };
    (@early per $word:tt $limit:ident) => { $crate::__femtologging_wrong!(@first $limit $word) };
    (@early sample $word:tt $limit:ident) => { $crate::__femtologging_wrong!(@first $limit $word) };
    (@early logger $word:tt $limit:ident) => { $crate::__femtologging_wrong!(@first OptionAgain $word) };
    (@early target $word:tt $limit:ident) => { $crate::__femtologging_wrong!(@first OptionAgain $word) };
    (@early $other:ident $word:tt $limit:ident) => { $crate::__femtologging_wrong!(@first UnknownOption $word) };

    // The name of a span.
    // info_span!(target: "a", target: "b", "load"), info_span!(every: 3, "load")
    (@name $logger:tt $target:tt $option:tt : $($rest:tt)*) => {
        $crate::__femtologging_wrong!(@early $option ($option) LimitOfNoCall)
    };
    // info_span!(once, "load")
    (@name $logger:tt $target:tt once , $name:literal $($rest:tt)*) => {
        $crate::__femtologging_wrong!(@expr LimitOfNoSpan $name)
    };
    // info_span!("load" "users"), info_span!("load" user)
    (@name $logger:tt $target:tt $name:literal $next:tt $($rest:tt)*) => {
        $crate::__femtologging_wrong!(@at NoComma $next)
    };
    // info_span!(n = 1)
    (@name $logger:tt $target:tt $key:tt = $($rest:tt)*) => {
        $crate::__femtologging_wrong!(@at NoName $key)
    };
    // info_span!(name), info_span!(format!("load {n}"); n)
    (@name $logger:tt $target:tt $name:expr ; $($rest:tt)*) => {
        $crate::__femtologging_wrong!(@expr NameIsNoLiteral $name)
    };
    // info_span!(name, table = "users")
    (@name $logger:tt $target:tt $name:expr , $($rest:tt)*) => {
        $crate::__femtologging_wrong!(@expr NameIsNoLiteral $name)
    };
    // info_span!()
    (@name $($rest:tt)*) => {
        $crate::__private::compile_error!("a span has a name, a string literal: info_span!(\"load\"; key = value)")
    };

    // Before the message.
    // info!()
    (@before [] $(;)?) => {
        $crate::__private::compile_error!("a log call has a message, a string literal: info!(\"ready\")")
    };
    // info!(message), info!(x = 1)
    (@before [$key:tt $($keys:tt)*] $(;)?) => { $crate::__femtologging_wrong!(@first NoMessageBesideKeys $key) };
    // info!(every 5, "m"), info!(logger x, "m")
    (@before $keys:tt every $value:tt $($rest:tt)*) => { $crate::__femtologging_wrong!(@at NoColon $value) };
    (@before $keys:tt first $value:tt $($rest:tt)*) => { $crate::__femtologging_wrong!(@at NoColon $value) };
    (@before $keys:tt per $value:tt $($rest:tt)*) => { $crate::__femtologging_wrong!(@at NoColon $value) };
    (@before $keys:tt sample $value:tt $($rest:tt)*) => { $crate::__femtologging_wrong!(@at NoColon $value) };
    (@before $keys:tt logger $value:tt $($rest:tt)*) => { $crate::__femtologging_wrong!(@at NoColon $value) };
    (@before $keys:tt target $value:tt $($rest:tt)*) => { $crate::__femtologging_wrong!(@at NoColon $value) };
    // info!(user == 1, "m")
    (@before $keys:tt $key:tt == $($rest:tt)*) => { $crate::__femtologging_wrong!(@at KeyComparison $key) };
    // info!(, "m")
    (@before $keys:tt , $next:tt $($rest:tt)*) => { $crate::__femtologging_wrong!(@at CommaTwice $next) };
    // info!(Level::Info, "m")
    (@before $keys:tt $path:tt :: $last:tt , $($rest:tt)*) => {
        $crate::__femtologging_wrong!(@at LevelInName $path)
    };
    // info!(&text), info!(1 + 1, "m")
    (@before $keys:tt $message:expr ; $($rest:tt)*) => {
        $crate::__femtologging_wrong!(@expr MessageIsNoLiteral $message)
    };
    // info!(1 + 1, "m")
    (@before $keys:tt $message:expr , $($rest:tt)*) => {
        $crate::__femtologging_wrong!(@expr MessageIsNoLiteral $message)
    };
    // info!(once "m"), info!(user name, "m")
    (@before $keys:tt $key:tt $next:tt $($rest:tt)*) => {
        $crate::__femtologging_wrong!(@at NoComma $next)
    };
    // Anything else.
    (@before $($rest:tt)*) => {
        $crate::__private::compile_error!("a log call has a message, a string literal: info!(\"{} of {}\", 1, n; key = value)")
    };

    // The arguments of the format string.
    // info!("m", target: "audit"), info!("m", user:? = "ada")
    (@arguments , $word:tt : $($rest:tt)*) => { $crate::__femtologging_wrong!(@late $word ($word) KeyAfterComma) };
    // info!("m", ?user), info!("m", %user)
    (@arguments , ? $key:tt $($rest:tt)*) => { $crate::__femtologging_wrong!(@at KeyAfterComma $key) };
    (@arguments , % $key:tt $($rest:tt)*) => { $crate::__femtologging_wrong!(@at KeyAfterComma $key) };
    // info!("{}",, n)
    (@arguments , , $next:tt $($rest:tt)*) => { $crate::__femtologging_wrong!(@at CommaTwice $next) };
    // info!("{} {}", a b)
    (@arguments , $name:ident = $value:tt $next:tt $($rest:tt)*) => {
        $crate::__femtologging_wrong!(@at NoComma $next)
    };
    // info!("{} {}", 1 n)
    (@arguments , $value:tt $next:tt $($rest:tt)*) => { $crate::__femtologging_wrong!(@at NoComma $next) };
    // info!("{}" 1), info!("{}" n)
    (@arguments $next:tt $($rest:tt)*) => { $crate::__femtologging_wrong!(@at NoComma $next) };
    // Anything else.
    (@arguments $($rest:tt)*) => {
        $crate::__private::compile_error!(
            "arguments come after a comma, and keys after a semicolon: info!(\"{} of {}\", 1, n; key = value)"
        )
    };
    // An option behind the message.
    (@late logger $word:tt $other:ident) => { $crate::__femtologging_wrong!(@first OptionAfterMessage $word) };
    (@late target $word:tt $other:ident) => { $crate::__femtologging_wrong!(@first OptionAfterMessage $word) };
    (@late every $word:tt $other:ident) => { $crate::__femtologging_wrong!(@first OptionAfterMessage $word) };
    (@late first $word:tt $other:ident) => { $crate::__femtologging_wrong!(@first OptionAfterMessage $word) };
    (@late per $word:tt $other:ident) => { $crate::__femtologging_wrong!(@first OptionAfterMessage $word) };
    (@late sample $word:tt $other:ident) => { $crate::__femtologging_wrong!(@first OptionAfterMessage $word) };
    (@late $key:tt $word:tt $other:ident) => { $crate::__femtologging_wrong!(@first $other $word) };

    // Keys behind the message, and those of spans and contexts.
    // info!("m"; user == 1)
    (@behind $key:tt == $($rest:tt)*) => { $crate::__femtologging_wrong!(@at KeyComparison $key) };
    // info!("m"; a = 1,, b = 2)
    (@behind , $next:tt $($rest:tt)*) => { $crate::__femtologging_wrong!(@at CommaTwice $next) };
    // info!("m"; &user)
    (@behind $key:expr ; $($rest:tt)*) => { $crate::__femtologging_wrong!(@expr NoKey $key) };
    (@behind $key:expr , $($rest:tt)*) => { $crate::__femtologging_wrong!(@expr NoKey $key) };
    // info!("m"; a b)
    (@behind $key:tt $next:tt $($rest:tt)*) => { $crate::__femtologging_wrong!(@at NoComma $next) };
    // Anything else.
    (@behind $($rest:tt)*) => {
        $crate::__private::compile_error!("keys have values: `key = value`, `key:? = value`, `key:% = value`, or `key` alone")
    };
    // context! { "text" }, info_span!("load {}", 1)
    (@literal context $literal:tt) => { $crate::__femtologging_wrong!(@at QuotedKeyAlone $literal) };
    (@literal $kind:tt $literal:tt) => { $crate::__femtologging_wrong!(@at SpanArgument $literal) };
    (@scope $kind:tt $($rest:tt)*) => { $crate::__femtologging_wrong!(@behind $($rest)*) };

    // A key, behind which `:` is not read on.
    // info!(name: "app", "m"), info!(logger: a, logger: b, "m"), info!(every: 3, per: day, "m")
    (@key before $call:tt ($word:tt) $($rest:tt)*) => {
        $crate::__femtologging_wrong!(@option $word ($word) $call $($rest)*)
    };
    // context! { user:hex = 1 }, context! { user: 1 }
    (@key scope [$kind:tt $($call:tt)*] $key:tt $($rest:tt)*) => {
        $crate::__femtologging_wrong!(@give $kind $crate::__femtologging_wrong!(@key within [] $key $($rest)*))
    };
    // info!("m"; user:hex = 1)
    (@key $place:tt $call:tt $key:tt : $capture:tt = $($rest:tt)*) => {
        $crate::__femtologging_wrong!(@capture $key $capture $capture)
    };
    // info!("m"; target: "audit"), info!("m"; user: 1)
    (@key behind $call:tt ($word:tt) $($rest:tt)*) => {
        $crate::__femtologging_wrong!(@late $word ($word) KeyWithColon)
    };
    // info!("m"; a.b: 1)
    (@key $place:tt $call:tt $key:tt $($rest:tt)*) => { $crate::__femtologging_wrong!(@first KeyWithColon $key) };
    (@capture $key:tt $place:tt $capture:ident) => { $crate::__femtologging_wrong!(@at UnknownCapture $place) };
    (@capture $key:tt $place:tt $capture:tt) => { $crate::__femtologging_wrong!(@first UnknownCaptureOf $key) };
    // An option given twice.
    (@option logger $word:tt [$level:tt [$($known:tt)+] $target:tt] $($rest:tt)*) => {
        $crate::__femtologging_wrong!(@first OptionAgain $word)
    };
    // info!(target: "a", target: "b", "m")
    (@option target $word:tt [$level:tt $logger:tt [$($known:tt)+]] $($rest:tt)*) => {
        $crate::__femtologging_wrong!(@first OptionAgain $word)
    };
    // info!(target: "t"), info!(target: "t" "m")
    (@option target $word:tt $call:tt : $value:tt ;) => { $crate::__femtologging_wrong!(@at NoMessage $value) };
    // info!(target: "t" "m")
    (@option target $word:tt $call:tt : $value:literal $next:tt $($rest:tt)*) => {
        $crate::__femtologging_wrong!(@at NoComma $next)
    };
    // info!(logger: logger "m"), info!(target: f() "m")
    (@option logger $word:tt $call:tt $($rest:tt)*) => { $crate::__femtologging_wrong!(@first OptionWithoutComma $word) };
    (@option target $word:tt $call:tt $($rest:tt)*) => { $crate::__femtologging_wrong!(@first OptionWithoutComma $word) };
    (@option once $word:tt $call:tt $($rest:tt)*) => { $crate::__femtologging_wrong!(@first OnceWithValue $word) };
    (@option every $word:tt $call:tt $($rest:tt)*) => { $crate::__femtologging_wrong!(@limit $word $call) };
    (@option first $word:tt $call:tt $($rest:tt)*) => { $crate::__femtologging_wrong!(@limit $word $call) };
    (@option per $word:tt $call:tt $($rest:tt)*) => { $crate::__femtologging_wrong!(@limit $word $call) };
    (@option sample $word:tt $call:tt $($rest:tt)*) => { $crate::__femtologging_wrong!(@limit $word $call) };
    // info!(user:hex = 1, "m")
    (@option $other:ident $word:tt $call:tt : $capture:tt = $($rest:tt)*) => {
        $crate::__femtologging_wrong!(@capture $word $capture $capture)
    };
    // info!(name: "app", "m")
    (@option $other:ident $word:tt $call:tt $($rest:tt)*) => { $crate::__femtologging_wrong!(@first UnknownOption $word) };
    // info!(every: 3 "m")
    (@limit $word:tt [[$kind:ident $level:tt] $logger:tt $target:tt]) => {
        $crate::__femtologging_wrong!(@first OptionWithoutComma $word)
    };
    // info!(once, every: 3, "m")
    (@limit $word:tt $call:tt) => { $crate::__femtologging_wrong!(@first LimitTwice $word) };

    // The value of a key.
    (@value scope [$kind:tt $($call:tt)*] $($rest:tt)*) => {
        $crate::__femtologging_wrong!(@give $kind $crate::__femtologging_wrong!(@value within [] $($rest)*))
    };
    // info!("m"; user = ), info!("m"; user = , n = 1)
    (@value $place:tt $call:tt $key:tt ; $($rest:tt)*) => { $crate::__femtologging_wrong!(@first NoValue $key) };
    (@value $place:tt $call:tt $key:tt , $($rest:tt)*) => { $crate::__femtologging_wrong!(@first NoValue $key) };
    // info!("m"; a = 1; b = 2)
    (@value behind $call:tt $key:tt $value:expr ; $next:tt $($rest:tt)*) => {
        $crate::__femtologging_wrong!(@at KeyAfterKeys $next)
    };
    // info!("m"; a = 1 b = 2), info!("m"; a = 1 + 1 b = 2)
    (@value $place:tt $call:tt $key:tt $value:tt $next:tt $($rest:tt)*) => {
        $crate::__femtologging_wrong!(@adjacent $key $next $next)
    };
    // Anything else.
    (@value $place:tt $call:tt $key:tt $($rest:tt)*) => { $crate::__femtologging_wrong!(@first ValueWithoutComma $key) };
    (@adjacent $key:tt $place:tt $next:ident) => { $crate::__femtologging_wrong!(@at NoComma $place) };
    (@adjacent $key:tt $place:tt $next:literal) => { $crate::__femtologging_wrong!(@at NoComma $place) };
    (@adjacent $key:tt $place:tt $next:tt) => { $crate::__femtologging_wrong!(@first ValueWithoutComma $key) };
}
