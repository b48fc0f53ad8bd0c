//! The public macros and their parser.
//!
//! A call is read from left to right by one hidden macro, an arm per part: options, format string, arguments, keys. What
//! it has read it keeps as lists in brackets; lists of values grow as nested pairs. An identifier that an arm
//! introduces is new in each of its expansions (macro hygiene), so `femto_arg` below is another name for each argument. Only
//! constants and statics of the caller are beyond hygiene: hence the prefix of these names.
//! At its end the input carries a `;` that the public macros append, so that every part has something behind it.

/// Logs a record at [`Level::Trace`](crate::Level::Trace). See [`info!`](crate::info).
#[macro_export]
#[clippy::format_args]
macro_rules! trace {
    ($($input:tt)*) => { $crate::__femtologging!(@options [static Trace] [] [] $($input)* ;) };
}

/// Logs a record at [`Level::Debug`](crate::Level::Debug). See [`info!`](crate::info).
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
/// * A limit says how often this very call logs: `once`, `first: n`, `every: n` (the first and then every `n`-th), `per: duration`
///   (one in each span of time) or `sample: share` (0 to 1, evenly spread). The next record that passes says in a key
///   `suppressed` how many did not. Arguments of a call that does not pass are not evaluated.
/// * The format string and its arguments are those of [`format!`], and so is the message's text.
/// * A key is an identifier, several with dots between them (`http.status`) or a string literal (`"user-id"`). Its value
///   keeps its type: integers, floats, `bool`, `char`, strings, durations, network addresses, `Option`s of these, and
///   slices, arrays, `Vec`s, `BTreeMap`s and `HashMap`s of them.
///   `key:? = value` (or `key = ?value`) records the `Debug` text of any value, and `key:% = value` (`key = %value`) its
///   `Display` text. `key:err = error` records an error's message and those of its sources, `key:bytes = value` bytes, and
///   `key:serde = value` (feature `serde`) the structure of anything that serde serializes. `key:secret = value` records
///   that there is a value, shown as `***`. `key` alone, `key:?`, `?key` … record the variable or field of that name.
/// * Keys may also come before the message, as in `log` (`info!(key = value; "message")`) and in `tracing`
///   (`info!(key = value, "message")`).
///
/// Arguments and values are evaluated once if the record is recorded, and not at all otherwise. The call costs nothing where
/// the build has compiled its level out (see [`STATIC_MAX_LEVEL`](crate::STATIC_MAX_LEVEL)). It never panics: where
/// `Display` or `Debug` of a user's type does, the message says so.
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
#[macro_export]
#[clippy::format_args]
macro_rules! warn {
    ($($input:tt)*) => { $crate::__femtologging!(@options [static Warn] [] [] $($input)* ;) };
}

/// Logs a record at [`Level::Error`](crate::Level::Error). See [`info!`](crate::info).
#[macro_export]
#[clippy::format_args]
macro_rules! error {
    ($($input:tt)*) => { $crate::__femtologging!(@options [static Error] [] [] $($input)* ;) };
}

/// Logs a record at [`Level::Critical`](crate::Level::Critical). See [`info!`](crate::info).
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
/// The level may also stand behind the options. Everything else is as for [`info!`](crate::info).
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

/// Returns whether a record of this level, logged here, would go to a handler: the name that [`enabled!`](crate::enabled)
/// has in the crate `log`.
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
/// Keys may also stand behind a comma, as in `tracing`. With a block, the span is entered for it, and the block's value is that of the
/// macro. Everything else is as for [`info_span!`](crate::info_span!).
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

/// Makes a [`FemtoSpan`](crate::FemtoSpan) at [`Level::Trace`](crate::Level::Trace). See [`info_span!`](crate::info_span!).
#[macro_export]
macro_rules! trace_span {
    ($($input:tt)*) => { $crate::__femtologging!(@options [span static Trace] [] [] $($input)* ;) };
}

/// Makes a [`FemtoSpan`](crate::FemtoSpan) at [`Level::Debug`](crate::Level::Debug). See [`info_span!`](crate::info_span!).
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
/// Options and keys are those of [`info!`](crate::info); keys may also stand behind a comma, as in `tracing`. With a block, the span is
/// entered for it, and the block's value is that of the macro. Where the build has compiled its level out, nothing is left but
/// the block.
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

/// Makes a [`FemtoSpan`](crate::FemtoSpan) at [`Level::Warn`](crate::Level::Warn). See [`info_span!`](crate::info_span!).
#[macro_export]
macro_rules! warn_span {
    ($($input:tt)*) => { $crate::__femtologging!(@options [span static Warn] [] [] $($input)* ;) };
}

/// Makes a [`FemtoSpan`](crate::FemtoSpan) at [`Level::Error`](crate::Level::Error). See [`info_span!`](crate::info_span!).
#[macro_export]
macro_rules! error_span {
    ($($input:tt)*) => { $crate::__femtologging!(@options [span static Error] [] [] $($input)* ;) };
}

/// Makes a [`FemtoSpan`](crate::FemtoSpan) at [`Level::Critical`](crate::Level::Critical). See [`info_span!`](crate::info_span!).
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
/// The context has what the thread's current one has, and these keys; one that is there already is overridden. Values are
/// evaluated now. With a block, the context is entered for it, and the block's value is that of the macro; without one, it is entered
/// with [`enter`](crate::Context::enter), [`in_scope`](crate::Context::in_scope) or
/// [`in_context`](crate::span::FemtoFutureExt::in_context).
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

/// Reads a call. State: the level, the logger, the target; then the format string, its arguments, the same as the caller wrote
/// them, their values, the pattern that binds them, the names among them; then the keys and their values.
#[doc(hidden)]
#[macro_export]
macro_rules! __femtologging {
    // The options, in any order, each once.
    (@options $level:tt [] $target:tt logger: $logger:expr, $($rest:tt)*) => {
        $crate::__femtologging!(@options $level [$logger] $target $($rest)*)
    };
    (@options $level:tt $logger:tt [] target: $target:literal, $($rest:tt)*) => {
        $crate::__femtologging!(@options $level $logger [literal $target] $($rest)*)
    };
    (@options $level:tt $logger:tt [] target: $target:expr, $($rest:tt)*) => {
        $crate::__femtologging!(@options $level $logger [expr $target] $($rest)*)
    };
    // How often the call logs. A limit belongs to the level, because both say whether a call goes on.
    (@options [$kind:ident $level:tt] $logger:tt $target:tt once, $($rest:tt)*) => {
        $crate::__femtologging!(@options [$kind $level (once())] $logger $target $($rest)*)
    };
    (@options [$kind:ident $level:tt] $logger:tt $target:tt every: $n:expr, $($rest:tt)*) => {
        $crate::__femtologging!(@options [$kind $level (every($n))] $logger $target $($rest)*)
    };
    (@options [$kind:ident $level:tt] $logger:tt $target:tt first: $n:expr, $($rest:tt)*) => {
        $crate::__femtologging!(@options [$kind $level (first($n))] $logger $target $($rest)*)
    };
    (@options [$kind:ident $level:tt] $logger:tt $target:tt per: $span:expr, $($rest:tt)*) => {
        $crate::__femtologging!(@options [$kind $level (per($span))] $logger $target $($rest)*)
    };
    (@options [$kind:ident $level:tt] $logger:tt $target:tt sample: $share:expr, $($rest:tt)*) => {
        $crate::__femtologging!(@options [$kind $level (sample($share))] $logger $target $($rest)*)
    };
    // The level, where the macro's name does not say it: before, between or behind the options.
    (@options [log] $logger:tt $target:tt $format:literal $($rest:tt)*) => {
        $crate::__femtologging!(@options [log])
    };
    (@options [log] $logger:tt $target:tt $level:expr, $($rest:tt)*) => {
        $crate::__femtologging!(@options [dynamic $level] $logger $target $($rest)*)
    };
    (@options [log] $($wrong:tt)*) => {
        $crate::__private::compile_error!(
            "`log!` needs a level before the format string: log!(Level::Info, \"{} of {}\", done, total; key = value); \
             `logger: expression,` and `target: expression,` may come too, once each, and behind the level one limit"
        )
    };
    (@options [span] $logger:tt $target:tt $format:literal $($rest:tt)*) => {
        $crate::__femtologging!(@options [span])
    };
    (@options [span] $logger:tt $target:tt $level:expr, $($rest:tt)*) => {
        $crate::__femtologging!(@options [span dynamic $level] $logger $target $($rest)*)
    };
    (@options [span] $($wrong:tt)*) => {
        $crate::__private::compile_error!(
            "`span!` needs a level before the name: span!(Level::Info, \"load\"; key = value); \
             `logger: expression,` and `target: expression,` may come too, once each"
        )
    };
    (@options [span $($level:tt)*] $logger:tt $target:tt $name:literal $(,)? $(;)*) => {
        $crate::__femtologging!(@keys scope [[span $($level)*] $logger $target $name] [] ())
    };
    (@options [span $($level:tt)*] $logger:tt $target:tt $name:literal , $($rest:tt)*) => {
        $crate::__femtologging!(@keys scope [[span $($level)*] $logger $target $name] [] () $($rest)*)
    };
    (@options [span $($level:tt)*] $logger:tt $target:tt $name:literal ; $($rest:tt)*) => {
        $crate::__femtologging!(@keys scope [[span $($level)*] $logger $target $name] [] () $($rest)*)
    };
    (@options [span $($wrong:tt)*] $($rest:tt)*) => {
        $crate::__femtologging!(@keys scope [span] wrong)
    };
    (@options [enabled] $logger:tt $target:tt $level:expr $(,)? ;) => {
        $crate::__femtologging!(@emit [enabled $level] $logger $target)
    };
    (@options [enabled] $($wrong:tt)*) => {
        $crate::__private::compile_error!(
            "`enabled!` takes a level: enabled!(Level::Info); before it may come `logger: expression,` and \
             `target: expression,`, once each"
        )
    };
    // A message without arguments and keys needs no further reading.
    (@options $level:tt $logger:tt $target:tt $format:literal ;) => {
        $crate::__femtologging!(@emit $level $logger $target $format [] [] () () [] [] ())
    };
    // Keys may come before the message, as in `log` and `tracing`.
    (@options $level:tt $logger:tt $target:tt $($rest:tt)*) => {
        $crate::__femtologging!(@keys before [$level $logger $target] [] () $($rest)*)
    };

    // The arguments of the format string.
    (@arguments $call:tt [$($args:tt)*] [$($written:tt)*] $values:tt $pattern:tt [$($names:tt)*] $before:tt , $name:ident = $value:expr, $($rest:tt)*) => {
        $crate::__femtologging!(@arguments $call [$($args)*, $name = femto_arg] [$($written)*, $name = $value]
            ($values, (&&$crate::__private::Probe(&$value)).__femtologging_pick())
            ($pattern, femto_arg) [$($names)* $name] $before , $($rest)*)
    };
    (@arguments $call:tt [$($args:tt)*] [$($written:tt)*] $values:tt $pattern:tt [$($names:tt)*] $before:tt , $name:ident = $value:expr; $($rest:tt)*) => {
        $crate::__femtologging!(@arguments $call [$($args)*, $name = femto_arg] [$($written)*, $name = $value]
            ($values, (&&$crate::__private::Probe(&$value)).__femtologging_pick())
            ($pattern, femto_arg) [$($names)* $name] $before ; $($rest)*)
    };
    (@arguments $call:tt [$($args:tt)*] [$($written:tt)*] $values:tt $pattern:tt $names:tt $before:tt , $value:expr, $($rest:tt)*) => {
        $crate::__femtologging!(@arguments $call [$($args)*, femto_arg] [$($written)*, $value]
            ($values, (&&$crate::__private::Probe(&$value)).__femtologging_pick())
            ($pattern, femto_arg) $names $before , $($rest)*)
    };
    (@arguments $call:tt [$($args:tt)*] [$($written:tt)*] $values:tt $pattern:tt $names:tt $before:tt , $value:expr; $($rest:tt)*) => {
        $crate::__femtologging!(@arguments $call [$($args)*, femto_arg] [$($written)*, $value]
            ($values, (&&$crate::__private::Probe(&$value)).__femtologging_pick())
            ($pattern, femto_arg) $names $before ; $($rest)*)
    };
    (@arguments $call:tt $args:tt $written:tt $values:tt $pattern:tt $names:tt $before:tt , ; $($rest:tt)*) => {
        $crate::__femtologging!(@arguments $call $args $written $values $pattern $names $before ; $($rest)*)
    };
    (@arguments [$($call:tt)*] $args:tt $written:tt $values:tt $pattern:tt $names:tt [$keys:tt $fields:tt] ; $($rest:tt)*) => {
        $crate::__femtologging!(@keys behind [$($call)* $args $written $values $pattern $names] $keys $fields $($rest)*)
    };
    (@arguments $($wrong:tt)*) => {
        $crate::__private::compile_error!(
            "arguments follow the format string after a comma, and keys after a semicolon: info!(\"{} of {}\", done, total; key = value)"
        )
    };

    // The keys of a scope end with its block, or with nothing.
    (@keys scope [$($call:tt)*] $keys:tt $fields:tt $(;)*) => {
        $crate::__femtologging!(@scope make $($call)* $keys $fields)
    };
    (@keys scope [$($call:tt)*] $keys:tt $fields:tt $(;)* { $($block:tt)* } $(;)*) => {
        match $crate::__femtologging!(@scope enter $($call)* $keys $fields) {
            _femto_scope => { $($block)* }
        }
    };
    // The keys and their values, before the message, behind it, or of a scope. A literal is a key if `=` or `:` follows.
    (@keys $place:tt $call:tt $keys:tt $fields:tt $key:literal = $($rest:tt)*) => {
        $crate::__femtologging!(@key $place $call $keys $fields ($key) () = $($rest)*)
    };
    (@keys $place:tt $call:tt $keys:tt $fields:tt $key:literal : $($rest:tt)*) => {
        $crate::__femtologging!(@key $place $call $keys $fields ($key) () : $($rest)*)
    };
    (@keys before [$($call:tt)*] $keys:tt $fields:tt $format:literal $($rest:tt)*) => {
        $crate::__femtologging!(@arguments [$($call)* $format] [] [] () () [] [$keys $fields] $($rest)*)
    };
    (@keys behind [$($call:tt)*] $keys:tt $fields:tt $(;)?) => {
        $crate::__femtologging!(@emit $($call)* $keys $fields)
    };
    (@keys $place:tt $call:tt $keys:tt $fields:tt $key:ident $(. $more:ident)* = $($rest:tt)*) => {
        $crate::__femtologging!(@key $place $call $keys $fields ($key $(. $more)*) () = $($rest)*)
    };
    (@keys $place:tt $call:tt $keys:tt $fields:tt $key:ident $(. $more:ident)* : $($rest:tt)*) => {
        $crate::__femtologging!(@key $place $call $keys $fields ($key $(. $more)*) ($key $(. $more)*) : $($rest)*)
    };
    (@keys $place:tt $call:tt $keys:tt $fields:tt $key:ident $(. $more:ident)* , $($rest:tt)*) => {
        $crate::__femtologging!(@value $place $call $keys $fields ($key $(. $more)*) Deferred $key $(. $more)* , $($rest)*)
    };
    (@keys $place:tt $call:tt $keys:tt $fields:tt $key:ident $(. $more:ident)* ; $($rest:tt)*) => {
        $crate::__femtologging!(@value $place $call $keys $fields ($key $(. $more)*) Deferred $key $(. $more)* ; $($rest)*)
    };
    (@keys $place:tt $call:tt $keys:tt $fields:tt ? $key:ident $(. $more:ident)* , $($rest:tt)*) => {
        $crate::__femtologging!(@value $place $call $keys $fields ($key $(. $more)*) AsDebug $key $(. $more)* , $($rest)*)
    };
    (@keys $place:tt $call:tt $keys:tt $fields:tt ? $key:ident $(. $more:ident)* ; $($rest:tt)*) => {
        $crate::__femtologging!(@value $place $call $keys $fields ($key $(. $more)*) AsDebug $key $(. $more)* ; $($rest)*)
    };
    (@keys $place:tt $call:tt $keys:tt $fields:tt % $key:ident $(. $more:ident)* , $($rest:tt)*) => {
        $crate::__femtologging!(@value $place $call $keys $fields ($key $(. $more)*) AsDisplay $key $(. $more)* , $($rest)*)
    };
    (@keys $place:tt $call:tt $keys:tt $fields:tt % $key:ident $(. $more:ident)* ; $($rest:tt)*) => {
        $crate::__femtologging!(@value $place $call $keys $fields ($key $(. $more)*) AsDisplay $key $(. $more)* ; $($rest)*)
    };
    (@keys before $($wrong:tt)*) => {
        $crate::__private::compile_error!(
            "a log call needs a format string literal: info!(\"{} of {}\", done, total; key = value); \
             before it may come `logger: expression,` and `target: expression,`, once each, one limit (`once`, `first: n`, \
             `every: n`, `per: duration` or `sample: share`), and keys with their values"
        )
    };
    (@keys behind $($wrong:tt)*) => {
        $crate::__private::compile_error!(
            "after the semicolon come keys and values: `key = value`, `key:? = value` (Debug), `key:% = value` (Display), \
             `key:err = error`, `key:bytes = value`, `key:serde = value`, `key:secret = value` or `key`"
        )
    };
    (@keys scope [context] $($wrong:tt)*) => {
        $crate::__private::compile_error!(
            "a context is keys with their values, and may end with a block: context! { key = value, other }, \
             context! { key = value; { … } }"
        )
    };
    (@keys scope $($wrong:tt)*) => {
        $crate::__private::compile_error!(
            "a span has a name, a string literal, then keys with their values, and may end with a block: \
             info_span!(\"load\"; key = value), info_span!(\"load\", key = value; { … }); before the name may come \
             `logger: expression,` and `target: expression,`, once each"
        )
    };

    // How a key's value is recorded. The variable that the key names is the value if none is given.
    (@key $place:tt $call:tt $keys:tt $fields:tt $key:tt $variable:tt = ? $($rest:tt)*) => {
        $crate::__femtologging!(@value $place $call $keys $fields $key AsDebug $($rest)*)
    };
    (@key $place:tt $call:tt $keys:tt $fields:tt $key:tt $variable:tt = % $($rest:tt)*) => {
        $crate::__femtologging!(@value $place $call $keys $fields $key AsDisplay $($rest)*)
    };
    (@key $place:tt $call:tt $keys:tt $fields:tt $key:tt $variable:tt = $($rest:tt)*) => {
        $crate::__femtologging!(@value $place $call $keys $fields $key Deferred $($rest)*)
    };
    (@key $place:tt $call:tt $keys:tt $fields:tt $key:tt $variable:tt : ? = $($rest:tt)*) => {
        $crate::__femtologging!(@value $place $call $keys $fields $key AsDebug $($rest)*)
    };
    (@key $place:tt $call:tt $keys:tt $fields:tt $key:tt $variable:tt : % = $($rest:tt)*) => {
        $crate::__femtologging!(@value $place $call $keys $fields $key AsDisplay $($rest)*)
    };
    (@key $place:tt $call:tt $keys:tt $fields:tt $key:tt $variable:tt : %= $($rest:tt)*) => {
        $crate::__femtologging!(@value $place $call $keys $fields $key AsDisplay $($rest)*)
    };
    (@key $place:tt $call:tt $keys:tt $fields:tt $key:tt $variable:tt : err = $($rest:tt)*) => {
        $crate::__femtologging!(@value $place $call $keys $fields $key AsError $($rest)*)
    };
    (@key $place:tt $call:tt $keys:tt $fields:tt $key:tt $variable:tt : bytes = $($rest:tt)*) => {
        $crate::__femtologging!(@value $place $call $keys $fields $key AsBytes $($rest)*)
    };
    (@key $place:tt $call:tt $keys:tt $fields:tt $key:tt $variable:tt : serde = $($rest:tt)*) => {
        $crate::__femtologging!(@value $place $call $keys $fields $key AsSerde $($rest)*)
    };
    (@key $place:tt $call:tt $keys:tt $fields:tt $key:tt $variable:tt : secret = $($rest:tt)*) => {
        $crate::__femtologging!(@value $place $call $keys $fields $key Secret $($rest)*)
    };
    (@key $place:tt $call:tt $keys:tt $fields:tt $key:tt ($($variable:tt)+) : ? $($rest:tt)*) => {
        $crate::__femtologging!(@value $place $call $keys $fields $key AsDebug $($variable)+ $($rest)*)
    };
    (@key $place:tt $call:tt $keys:tt $fields:tt $key:tt ($($variable:tt)+) : % $($rest:tt)*) => {
        $crate::__femtologging!(@value $place $call $keys $fields $key AsDisplay $($variable)+ $($rest)*)
    };
    (@key $place:tt $call:tt $keys:tt $fields:tt $key:tt ($($variable:tt)+) : err $($rest:tt)*) => {
        $crate::__femtologging!(@value $place $call $keys $fields $key AsError $($variable)+ $($rest)*)
    };
    (@key $place:tt $call:tt $keys:tt $fields:tt $key:tt ($($variable:tt)+) : bytes $($rest:tt)*) => {
        $crate::__femtologging!(@value $place $call $keys $fields $key AsBytes $($variable)+ $($rest)*)
    };
    (@key $place:tt $call:tt $keys:tt $fields:tt $key:tt ($($variable:tt)+) : serde $($rest:tt)*) => {
        $crate::__femtologging!(@value $place $call $keys $fields $key AsSerde $($variable)+ $($rest)*)
    };
    (@key $place:tt $call:tt $keys:tt $fields:tt $key:tt ($($variable:tt)+) : secret $($rest:tt)*) => {
        $crate::__femtologging!(@value $place $call $keys $fields $key Secret $($variable)+ $($rest)*)
    };
    (@key $place:tt $call:tt $($wrong:tt)*) => {
        $crate::__femtologging!(@keys $place $call wrong)
    };
    (@value $place:tt $call:tt [$($keys:tt)*] $fields:tt $key:tt $how:ident $value:expr, $($rest:tt)*) => {
        $crate::__femtologging!(@keys $place $call [$($keys)* $key] ($fields, $crate::__private::$how(&$value)) $($rest)*)
    };
    (@value before $call:tt [$($keys:tt)*] $fields:tt $key:tt $how:ident $value:expr; $($rest:tt)*) => {
        $crate::__femtologging!(@keys before $call [$($keys)* $key] ($fields, $crate::__private::$how(&$value)) $($rest)*)
    };
    (@value scope $call:tt [$($keys:tt)*] $fields:tt $key:tt $how:ident $value:expr; $($rest:tt)*) => {
        $crate::__femtologging!(@keys scope $call [$($keys)* $key] ($fields, $crate::__private::$how(&$value)) $($rest)*)
    };
    (@value behind $call:tt [$($keys:tt)*] $fields:tt $key:tt $how:ident $value:expr;) => {
        $crate::__femtologging!(@keys behind $call [$($keys)* $key] ($fields, $crate::__private::$how(&$value)))
    };
    (@value $place:tt $call:tt $($wrong:tt)*) => {
        $crate::__femtologging!(@keys $place $call wrong)
    };
    (@name ($key:ident)) => { $crate::__private::key($crate::__private::stringify!($key)) };
    (@name ($key:literal)) => { $crate::__private::key($key) };
    (@name ($key:ident $(. $more:ident)+)) => {
        $crate::__private::concat!($crate::__private::stringify!($key) $(, ".", $crate::__private::stringify!($more))+)
    };

    // What the options mean for the call site.
    (@emit $level:tt [] [] $($call:tt)*) => {
        $crate::__femtologging!(@site $level Static ($crate::__private::module_path!()) ($crate::__private::AtSite) $($call)*)
    };
    (@emit $level:tt [] [literal $target:literal] $($call:tt)*) => {
        $crate::__femtologging!(@site $level Static ($target) ($crate::__private::AtSite) $($call)*)
    };
    (@emit $level:tt [] [expr $target:expr] $($call:tt)*) => {
        $crate::__femtologging!(@site $level Target ("") ($crate::__private::AtTarget(&$target)) $($call)*)
    };
    (@emit $level:tt [$logger:expr] [] $($call:tt)*) => {
        $crate::__femtologging!(@site $level Logger ("") ($crate::__private::AtLogger(&$logger)) $($call)*)
    };
    (@emit $level:tt [$logger:expr] [$how:ident $target:expr] $($call:tt)*) => {
        $crate::__femtologging!(@site $level Logger ("") ($crate::__private::AtLoggerAndTarget(&$logger, &$target)) $($call)*)
    };

    // A scope, without its block: made, or made and entered. Of a span that is compiled out, nothing is left to enter.
    (@scope enter context $keys:tt $fields:tt) => {
        $crate::__private::Context::enter(&$crate::__femtologging!(@scope make context $keys $fields))
    };
    (@scope make context [$($keys:tt)*] $fields:tt) => {{
        static __FEMTOLOGGING_KEYS: $crate::__private::KeyIds =
            $crate::__private::KeyIds::new(&[$($crate::__femtologging!(@name $keys)),*]);
        $crate::__private::make_context(&__FEMTOLOGGING_KEYS, $fields)
    }};
    (@scope $do:ident [span $($level:tt)*] $logger:tt $target:tt $($call:tt)*) => {
        $crate::__femtologging!(@emit [span $do $($level)*] $logger $target $($call)*)
    };
    (@site [span make static $level:ident] $origin:ident $target:tt $source:tt $($call:tt)*) => {
        if const { $crate::__private::is_compiled($crate::__private::Level::$level) } {
            $crate::__femtologging!(@span ($crate::__private::Option::Some($crate::__private::Level::$level))
                ($crate::__private::Level::$level) $origin $target $source $($call)*)
        } else {
            $crate::__private::FemtoSpan::none()
        }
    };
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
    (@site [span make dynamic $level:expr] $origin:ident $target:tt $source:tt $($call:tt)*) => {
        $crate::__femtologging!(@span ($crate::__private::Option::None) ($crate::__private::level($level))
            $origin $target $source $($call)*)
    };
    (@site [span enter dynamic $level:expr] $origin:ident $target:tt $source:tt $($call:tt)*) => {
        $crate::__private::FemtoSpan::entered(
            $crate::__femtologging!(@site [span make dynamic $level] $origin $target $source $($call)*)
        )
    };
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
    (@site [static $level:ident $($rate:tt)?] $origin:ident $target:tt $source:tt
        $format:literal [$($args:tt)*] $written:tt $values:tt $pattern:tt [$($names:ident)*] [$($keys:tt)*] $fields:tt) => {{
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
    (@site [dynamic $level:tt $($rate:tt)?] $origin:ident $target:tt $source:tt
        $format:literal [$($args:tt)*] $written:tt $values:tt $pattern:tt [$($names:ident)*] [$($keys:tt)*] $fields:tt) => {{
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
    (@rated [] $source:ident $call:expr) => { $call };
    (@rated [($limit:ident($($argument:expr)?))] $source:ident $call:expr) => {{
        static __FEMTOLOGGING_RATE: $crate::__private::Rate = $crate::__private::Rate::new();
        if let $crate::__private::Option::Some(femto_suppressed) = __FEMTOLOGGING_RATE.$limit($($argument)?) {
            match $crate::__private::After($source, femto_suppressed) {
                $source => $call,
            }
        }
    }};
    (@site [enabled $level:expr] $origin:ident $target:tt $source:tt) => {{
        static __FEMTOLOGGING_SITE: $crate::__private::Callsite =
            $crate::__femtologging!(@metadata ($crate::__private::Option::None) $origin $target "" []);
        match ($source, $crate::__private::level($level)) {
            (femto_source, femto_level) => $crate::__private::is_compiled(femto_level)
                && $crate::__private::is_enabled(femto_source, &__FEMTOLOGGING_SITE, femto_level),
        }
    }};
    // For clippy's eyes only: the format string with its arguments as the caller wrote them. It never runs, and diverges so
    // that what an argument moves may be moved again.
    (@lint $format:literal []) => {};
    (@lint $format:literal [$($written:tt)*]) => {
        if false {
            let _ = $crate::__private::format_args!($format $($written)*);
            $crate::__private::never();
        }
    };
    (@metadata $level:tt $origin:ident $target:tt $format:literal [$($keys:tt)*]) => {
        $crate::__private::Callsite::new($crate::__private::Metadata {
            level: $level,
            origin: $crate::__private::Origin::$origin,
            target: $target,
            module_path: $crate::__private::module_path!(),
            file: $crate::__private::file!(),
            line: $crate::__private::line!(),
            template: $format,
            keys: &[$($crate::__femtologging!(@name $keys)),*],
        })
    };
}
