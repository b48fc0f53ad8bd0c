//! The macros of `tracing`, and their parser.
//!
//! A call is parsed from left to right, as in `src/macros.rs`: the options, then the fields, then the message. What has
//! been parsed is a list in brackets; the values are nested pairs. The arguments of the message are parsed by
//! `__femtologging!`, which calls back at `@emit`; so a call becomes what `info!` of this crate becomes.
//!
//! For example, `info!(target: "db", user = "ada", ?rows, "{} of {}", 3, n)` takes these steps:
//!
//! ```text
//! @options  [event static Info] [] [] []                 target: "db", user = "ada", ?rows, "{} of {}", 3, n;
//! @options  [event static Info] [] ["db"] []             user = "ada", ?rows, "{} of {}", 3, n;
//! @fields   [[event static Info] [] ["db"] [] ] [] [] ()                       user = "ada", ?rows, "{} of {}", 3, n;
//! @fields   … [(user)] ((), "ada")                                             ?rows, "{} of {}", 3, n;
//! @fields   … [(user) (rows)] (((), "ada"), debug(rows))                       "{} of {}", 3, n;
//! __femtologging!  @arguments [[tracing …] [] [] "{} of {}"] …                 , 3, n;
//! @emit     [event static Info] [] ["db"] [] ; "{} of {}" …                    (nothing)
//! __femtologging!  @site, the call site's `static`, and the call
//! ```
//!
//! The macros are at the top of the crate, as all exported ones are; `mod.rs` gives them their names.

/// Logs a record at `TRACE`, with the syntax of `tracing`. See [`info!`](crate::compat::tracing::info).
#[doc(hidden)]
#[macro_export]
macro_rules! __femtologging_tracing_trace {
    ($($input:tt)*) => { $crate::__femtologging_tracing!(@options [event static Trace] [] [] [] $($input)* ;) };
}

/// Logs a record at `DEBUG`, with the syntax of `tracing`. See [`info!`](crate::compat::tracing::info).
#[doc(hidden)]
#[macro_export]
macro_rules! __femtologging_tracing_debug {
    ($($input:tt)*) => { $crate::__femtologging_tracing!(@options [event static Debug] [] [] [] $($input)* ;) };
}

/// Logs a record at `INFO`, with the syntax of `tracing`.
///
/// ```text
/// info!([name: NAME,] [target: TARGET,] [parent: SPAN,] [field, …] ["format string" [, arguments…]])
/// info!([name: NAME,] [target: TARGET,] [parent: SPAN,] { field, … }, "format string" [, arguments…])
/// ```
///
/// * A field is `key = value`, `key = ?value` (its `Debug` text), `key = %value` (its `Display` text), or `key`, `?key`
///   and `%key` for the variable of that name. A key is a name, several with dots between them, a string literal, or a
///   constant in braces.
/// * A call has a message, fields, or both. A field `message` is the message.
/// * `target:` is a constant, the module path by default. `parent:` is a span, its id, or `None`. `name:` is a constant
///   that records do not have.
///
/// # Examples
///
/// ```
/// use femtologging::compat::tracing::info;
///
/// let (user, rows) = ("ada", [1, 2]);
/// info!("ready");
/// info!(user, ?rows, took_ms = 12.5, "{} of {total}", 3, total = 5);
/// info!(target: "audit", { http.method = %"GET" }, "served");
/// info!(user, "user-id" = 7);
/// ```
#[doc(hidden)]
#[macro_export]
macro_rules! __femtologging_tracing_info {
    ($($input:tt)*) => { $crate::__femtologging_tracing!(@options [event static Info] [] [] [] $($input)* ;) };
}

/// Logs a record at `WARN`, with the syntax of `tracing`. See [`info!`](crate::compat::tracing::info).
#[doc(hidden)]
#[macro_export]
macro_rules! __femtologging_tracing_warn {
    ($($input:tt)*) => { $crate::__femtologging_tracing!(@options [event static Warn] [] [] [] $($input)* ;) };
}

/// Logs a record at `ERROR`, with the syntax of `tracing`. See [`info!`](crate::compat::tracing::info).
#[doc(hidden)]
#[macro_export]
macro_rules! __femtologging_tracing_error {
    ($($input:tt)*) => { $crate::__femtologging_tracing!(@options [event static Error] [] [] [] $($input)* ;) };
}

/// Logs a record at a level that is a constant, with the syntax of `tracing`.
///
/// ```text
/// event!([name: NAME,] [target: TARGET,] [parent: SPAN,] LEVEL, …)
/// ```
///
/// Everything else is as for [`info!`](crate::compat::tracing::info).
///
/// # Examples
///
/// ```
/// use femtologging::compat::tracing::{Level, event};
///
/// event!(Level::INFO, answer = 42, "ready");
/// ```
#[doc(hidden)]
#[macro_export]
macro_rules! __femtologging_tracing_event {
    ($($input:tt)*) => { $crate::__femtologging_tracing!(@options [event] [] [] [] $($input)* ;) };
}

/// Makes a [`Span`](crate::compat::tracing::Span) at `TRACE`, with the syntax of `tracing`. See
/// [`info_span!`](crate::compat::tracing::info_span!).
#[doc(hidden)]
#[macro_export]
macro_rules! __femtologging_tracing_trace_span {
    ($($input:tt)*) => {
        $crate::__femtologging_tracing!(@options [span ($crate::__private::Level::Trace)] [] [] [] $($input)* ;)
    };
}

/// Makes a [`Span`](crate::compat::tracing::Span) at `DEBUG`, with the syntax of `tracing`. See
/// [`info_span!`](crate::compat::tracing::info_span!).
#[doc(hidden)]
#[macro_export]
macro_rules! __femtologging_tracing_debug_span {
    ($($input:tt)*) => {
        $crate::__femtologging_tracing!(@options [span ($crate::__private::Level::Debug)] [] [] [] $($input)* ;)
    };
}

/// Makes a [`Span`](crate::compat::tracing::Span) at `INFO`, with the syntax of `tracing`.
///
/// ```text
/// info_span!([target: TARGET,] [parent: SPAN,] NAME [, field, …])
/// ```
///
/// The name is a constant. Everything else is as for [`info!`](crate::compat::tracing::info).
///
/// # Examples
///
/// ```
/// use femtologging::compat::tracing::{field, info, info_span};
///
/// let request = info_span!("request", id = 7, status = field::Empty).entered();
/// info!("received");
/// request.record("status", 200);
/// ```
#[doc(hidden)]
#[macro_export]
macro_rules! __femtologging_tracing_info_span {
    ($($input:tt)*) => {
        $crate::__femtologging_tracing!(@options [span ($crate::__private::Level::Info)] [] [] [] $($input)* ;)
    };
}

/// Makes a [`Span`](crate::compat::tracing::Span) at `WARN`, with the syntax of `tracing`. See
/// [`info_span!`](crate::compat::tracing::info_span!).
#[doc(hidden)]
#[macro_export]
macro_rules! __femtologging_tracing_warn_span {
    ($($input:tt)*) => {
        $crate::__femtologging_tracing!(@options [span ($crate::__private::Level::Warn)] [] [] [] $($input)* ;)
    };
}

/// Makes a [`Span`](crate::compat::tracing::Span) at `ERROR`, with the syntax of `tracing`. See
/// [`info_span!`](crate::compat::tracing::info_span!).
#[doc(hidden)]
#[macro_export]
macro_rules! __femtologging_tracing_error_span {
    ($($input:tt)*) => {
        $crate::__femtologging_tracing!(@options [span ($crate::__private::Level::Error)] [] [] [] $($input)* ;)
    };
}

/// Makes a [`Span`](crate::compat::tracing::Span) at a level that is a constant, with the syntax of `tracing`.
///
/// ```text
/// span!([target: TARGET,] [parent: SPAN,] LEVEL, NAME [, field, …])
/// ```
#[doc(hidden)]
#[macro_export]
macro_rules! __femtologging_tracing_span {
    ($($input:tt)*) => { $crate::__femtologging_tracing!(@options [span] [] [] [] $($input)* ;) };
}

/// Returns whether a record or a span of this level, made here, would go to a handler.
///
/// ```text
/// enabled!([name: NAME,] [target: TARGET,] LEVEL [, fields…])
/// ```
///
/// Fields make no difference.
///
/// # Examples
///
/// ```
/// use femtologging::compat::tracing::{Level, enabled};
///
/// if enabled!(target: "app::db", Level::DEBUG) {
///     // …
/// }
/// ```
#[doc(hidden)]
#[macro_export]
macro_rules! __femtologging_tracing_enabled {
    ($($input:tt)*) => { $crate::__femtologging_tracing!(@options [enabled] [] [] [] $($input)* ;) };
}

/// Returns whether a level is compiled into the build and any logger has enabled it.
#[doc(hidden)]
#[macro_export]
macro_rules! __femtologging_tracing_level_enabled {
    ($level:expr) => {
        $level <= $crate::compat::tracing::level_filters::STATIC_MAX_LEVEL
            && $level <= $crate::compat::tracing::level_filters::LevelFilter::current()
    };
}

/// Sets fields of a span.
///
/// ```text
/// record_all!(span, field, …)
/// ```
///
/// # Examples
///
/// ```
/// use femtologging::compat::tracing::{field, info_span, record_all};
///
/// let request = info_span!("request", status = field::Empty, bytes = field::Empty);
/// record_all!(request, status = 200, bytes = 1204);
/// ```
#[doc(hidden)]
#[macro_export]
macro_rules! __femtologging_tracing_record_all {
    ($span:expr, $($input:tt)*) => {
        $crate::__femtologging_tracing!(@fields [[record $span] [] [] []] [] [] () $($input)* ;)
    };
}

/// Parses a call. The state, in this order: what it makes, its name, its target, its parent; the message that came
/// before the fields, or as one of them; the keys and their values.
#[doc(hidden)]
#[macro_export]
macro_rules! __femtologging_tracing {
    // The options, in any order, each once.
    // info!(name: "login", "ready")
    (@options $kind:tt [] $target:tt $parent:tt name: $name:expr, $($rest:tt)*) => {
        $crate::__femtologging_tracing!(@options $kind [$name] $target $parent $($rest)*)
    };
    // info!(target: "audit", "ready")
    (@options $kind:tt $name:tt [] $parent:tt target: $target:expr, $($rest:tt)*) => {
        $crate::__femtologging_tracing!(@options $kind $name [$target] $parent $($rest)*)
    };
    // info!(parent: &span, "ready")
    (@options $kind:tt $name:tt $target:tt [] parent: $parent:expr, $($rest:tt)*) => {
        $crate::__femtologging_tracing!(@options $kind $name $target [$parent] $($rest)*)
    };
    // The level, if the macro's name does not determine it.
    // event!(Level::INFO, "ready")
    (@options [event] $name:tt $target:tt $parent:tt $level:expr, $($rest:tt)+) => {
        $crate::__femtologging_tracing!(@options [event dynamic (const { $crate::compat::tracing::__private::level($level) })]
            $name $target $parent $($rest)+)
    };
    // span!(Level::INFO, "load")
    (@options [span] $name:tt $target:tt $parent:tt $level:expr, $($rest:tt)+) => {
        $crate::__femtologging_tracing!(@options [span (const { $crate::compat::tracing::__private::level($level) })]
            $name $target $parent $($rest)+)
    };
    // enabled!(Level::DEBUG)
    (@options [enabled] $name:tt $target:tt $parent:tt $level:expr ;) => {
        $crate::__femtologging_tracing!(@enabled $level, $target)
    };
    // enabled!(Level::DEBUG, user, table)
    (@options [enabled] $name:tt $target:tt $parent:tt $level:expr, $($fields:tt)*) => {
        $crate::__femtologging_tracing!(@enabled $level, $target)
    };
    // Rejected: event!(), span!(Level::INFO), enabled!()
    (@options [$kind:ident] $name:tt $target:tt $parent:tt $($wrong:tt)*) => {
        $crate::__femtologging_tracing_wrong!(@level $kind $($wrong)*)
    };
    // info_span!("load")
    (@options [span $level:tt] [] $target:tt $parent:tt $name:expr ;) => {
        $crate::__femtologging_tracing!(@span [span $level] $name, $target $parent [] ())
    };
    // info_span!("load", table = "users")
    (@options [span $level:tt] [] $target:tt $parent:tt $name:expr, $($rest:tt)*) => {
        $crate::__femtologging_tracing!(@fields [[span $level] [$name] $target $parent] [] [] () $($rest)*)
    };
    // Rejected: info_span!(), info_span!("load" table)
    (@options [span $level:tt] $name:tt $target:tt $parent:tt $($wrong:tt)*) => {
        $crate::__femtologging_tracing_wrong!(@name $($wrong)*)
    };
    // Rejected: info!()
    (@options [event $($level:tt)+] $name:tt $target:tt $parent:tt ;) => {
        $crate::__private::compile_error!("an event has a message or fields: info!(\"ready\"), info!(user = \"ada\")")
    };
    // info!({ user = "ada" }, "{} of {}", 3, n)
    (@options [event $($level:tt)+] $name:tt $target:tt $parent:tt { $($fields:tt)* }, $format:literal $($message:tt)*) => {
        $crate::__femtologging_tracing!(@fields [[event $($level)+] $name $target $parent]
            [format $format $($message)*] [] () $($fields)* ;)
    };
    // info!({ user = "ada" })
    (@options [event $($level:tt)+] $name:tt $target:tt $parent:tt { $($fields:tt)* } $(,)? ;) => {
        $crate::__femtologging_tracing!(@fields [[event $($level)+] $name $target $parent] [] [] () $($fields)* ;)
    };
    // info!("ready"), info!(user = "ada", "ready")
    (@options [event $($level:tt)+] $name:tt $target:tt $parent:tt $($rest:tt)*) => {
        $crate::__femtologging_tracing!(@fields [[event $($level)+] $name $target $parent] [] [] () $($rest)*)
    };

    // The end of the fields. The message stood before them, was one of them, or there is none.
    // info!({ user = "ada" }, "{} of {}", 3, n), at its end
    (@fields $call:tt [format $format:literal $($arguments:tt)*] $keys:tt $fields:tt $(,)* ;) => {
        $crate::__femtologging!(@arguments [[tracing $call] [] [] $format] [] [] () () [] [$keys $fields] $($arguments)*)
    };
    // info!(message = "ready", user = "ada"), at its end
    (@fields [[event $($level:tt)+] $($call:tt)*] [$format:literal $how:ident $message:expr] $keys:tt $fields:tt $(,)* ;) => {
        $crate::__femtologging!(@arguments [[tracing [[event $($level)+] $($call)*]] [] [] $format] [] [] () () []
            [$keys $fields] , $crate::__femtologging_tracing!(@text $how $message) ;)
    };
    // info!(user = "ada"), at its end
    (@fields [[event $($level:tt)+] $($call:tt)*] [] $keys:tt $fields:tt $(,)* ;) => {
        $crate::__femtologging!(@emit [tracing [[event $($level)+] $($call)*]] [] [] "" [] [] () () [] $keys $fields)
    };
    // info_span!("load", table = "users"), at its end
    (@fields [[span $level:tt] [$name:expr] $target:tt $parent:tt] [] $keys:tt $fields:tt $(,)* ;) => {
        $crate::__femtologging_tracing!(@span [span $level] $name, $target $parent $keys $fields)
    };
    // record_all!(span, status = 200), at its end
    (@fields [[record $span:expr] $($call:tt)*] [] [$($key:tt)*] $fields:tt $(,)* ;) => {{
        #[allow(unused_imports)]
        use $crate::compat::tracing::field::{Value, debug, display};
        $crate::compat::tracing::__private::record_all(&$span, &[$($crate::__femtologging!(@name $key)),*], $fields)
    }};

    // The field `message` of an event is its message.
    // info!(message = ?state)
    (@fields [[event $($level:tt)+] $($call:tt)*] [] $keys:tt $fields:tt message = ? $value:expr, $($rest:tt)*) => {
        $crate::__femtologging_tracing!(@fields [[event $($level)+] $($call)*] ["{:?}" AsDebug $value] $keys $fields $($rest)*)
    };
    (@fields [[event $($level:tt)+] $($call:tt)*] [] $keys:tt $fields:tt message = ? $value:expr ;) => {
        $crate::__femtologging_tracing!(@fields [[event $($level)+] $($call)*] ["{:?}" AsDebug $value] $keys $fields ;)
    };
    // info!(message = %state)
    (@fields [[event $($level:tt)+] $($call:tt)*] [] $keys:tt $fields:tt message = % $value:expr, $($rest:tt)*) => {
        $crate::__femtologging_tracing!(@fields [[event $($level)+] $($call)*] ["{}" AsDisplay $value] $keys $fields $($rest)*)
    };
    (@fields [[event $($level:tt)+] $($call:tt)*] [] $keys:tt $fields:tt message = % $value:expr ;) => {
        $crate::__femtologging_tracing!(@fields [[event $($level)+] $($call)*] ["{}" AsDisplay $value] $keys $fields ;)
    };
    // info!(message = "ready")
    (@fields [[event $($level:tt)+] $($call:tt)*] [] $keys:tt $fields:tt message = $value:expr, $($rest:tt)*) => {
        $crate::__femtologging_tracing!(@fields [[event $($level)+] $($call)*] ["{}" Value $value] $keys $fields $($rest)*)
    };
    (@fields [[event $($level:tt)+] $($call:tt)*] [] $keys:tt $fields:tt message = $value:expr ;) => {
        $crate::__femtologging_tracing!(@fields [[event $($level)+] $($call)*] ["{}" Value $value] $keys $fields ;)
    };
    // A field.
    // info!(http.status = 200)
    (@fields $call:tt $message:tt $keys:tt $fields:tt $key:ident $(. $more:ident)* = $($rest:tt)*) => {
        $crate::__femtologging_tracing!(@value $call $message $keys $fields ($key $(. $more)*) $($rest)*)
    };
    // info!("user-id" = 7)
    (@fields $call:tt $message:tt $keys:tt $fields:tt $key:literal = $($rest:tt)*) => {
        $crate::__femtologging_tracing!(@value $call $message $keys $fields ($key) $($rest)*)
    };
    // info!({ USER_ID } = 7)
    (@fields $call:tt $message:tt $keys:tt $fields:tt { $key:expr } = $($rest:tt)*) => {
        $crate::__femtologging_tracing!(@value $call $message $keys $fields ({ $key }) $($rest)*)
    };
    // info!(?user, rows)
    (@fields $call:tt $message:tt $keys:tt $fields:tt ? $key:ident $(. $more:ident)* , $($rest:tt)*) => {
        $crate::__femtologging_tracing!(@short $call $message $keys $fields [$key $(. $more)*] ? $key $(. $more)* , $($rest)*)
    };
    // info!(?user)
    (@fields $call:tt $message:tt $keys:tt $fields:tt ? $key:ident $(. $more:ident)* ;) => {
        $crate::__femtologging_tracing!(@short $call $message $keys $fields [$key $(. $more)*] ? $key $(. $more)* ;)
    };
    // info!(%user, rows)
    (@fields $call:tt $message:tt $keys:tt $fields:tt % $key:ident $(. $more:ident)* , $($rest:tt)*) => {
        $crate::__femtologging_tracing!(@short $call $message $keys $fields [$key $(. $more)*] % $key $(. $more)* , $($rest)*)
    };
    // info!(%user)
    (@fields $call:tt $message:tt $keys:tt $fields:tt % $key:ident $(. $more:ident)* ;) => {
        $crate::__femtologging_tracing!(@short $call $message $keys $fields [$key $(. $more)*] % $key $(. $more)* ;)
    };
    // info!(user, rows)
    (@fields $call:tt $message:tt $keys:tt $fields:tt $key:ident $(. $more:ident)* , $($rest:tt)*) => {
        $crate::__femtologging_tracing!(@short $call $message $keys $fields [$key $(. $more)*] $key $(. $more)* , $($rest)*)
    };
    // info!(user)
    (@fields $call:tt $message:tt $keys:tt $fields:tt $key:ident $(. $more:ident)* ;) => {
        $crate::__femtologging_tracing!(@short $call $message $keys $fields [$key $(. $more)*] $key $(. $more)* ;)
    };
    // The variable of a field's name. That of the name `message` is the message.
    // info!(%message)
    (@short [[event $($level:tt)+] $($call:tt)*] [] $keys:tt $fields:tt [message] $($value:tt)*) => {
        $crate::__femtologging_tracing!(@fields [[event $($level)+] $($call)*] [] $keys $fields message = $($value)*)
    };
    // info!(?user, rows), at `?user`
    (@short $call:tt $message:tt $keys:tt $fields:tt [$($key:tt)*] $($value:tt)*) => {
        $crate::__femtologging_tracing!(@value $call $message $keys $fields ($($key)*) $($value)*)
    };
    // What is left is the message.
    // info!(message = "a", "{} of {}", 3, n): the field is a key
    (@fields $call:tt [$other:literal $how:ident $value:expr] [$($keys:tt)*] $fields:tt $format:literal $($rest:tt)*) => {
        $crate::__femtologging_tracing!(@fields $call [] [$($keys)* (message)]
            ($fields, $crate::__femtologging_tracing!(@field $how $value)) $format $($rest)*)
    };
    // info!(user, "{} of {}", 3, n)
    (@fields $call:tt [] $keys:tt $fields:tt $format:literal $($arguments:tt)*) => {
        $crate::__femtologging!(@arguments [[tracing $call] [] [] $format] [] [] () () [] [$keys $fields] $($arguments)*)
    };
    // A macro that expands to a literal.
    // info!(user, concat!("a", "b"), 3)
    (@fields $call:tt [] $keys:tt $fields:tt $maker:ident ! $input:tt $($arguments:tt)*) => {
        $crate::__femtologging_tracing!(@made $maker $call $keys $fields ($maker ! $input) $($arguments)*)
    };
    // info!(std::concat!("a", "b"))
    (@fields $call:tt [] $keys:tt $fields:tt $module:ident :: $maker:ident ! $input:tt $($arguments:tt)*) => {
        $crate::__femtologging_tracing!(@made $maker $call $keys $fields ($module :: $maker ! $input) $($arguments)*)
    };
    // Rejected: info!(format!("{n}"))
    (@made format $call:tt $keys:tt $fields:tt ($message:expr) $($arguments:tt)*) => {
        $crate::__femtologging_wrong!(@expr MessageIsNoLiteral $message)
    };
    // info!(concat!("{} of {", "}"), 1, 2), which becomes one token
    (@made $maker:tt $call:tt $keys:tt $fields:tt ($format:expr) $($arguments:tt)*) => {
        $crate::__femtologging_tracing!(@made $maker $call $keys $fields [$format] $($arguments)*)
    };
    (@made $maker:tt $call:tt $keys:tt $fields:tt [$format:tt] $($arguments:tt)*) => {
        $crate::__femtologging!(@arguments [[tracing $call] [] [] $format] [] [] () () [] [$keys $fields] $($arguments)*)
    };
    // Rejected: info!(&text), info!(user == 7)
    (@fields $call:tt $message:tt $keys:tt $fields:tt $($wrong:tt)*) => {
        $crate::__femtologging_tracing_wrong!(@fields $call $($wrong)*)
    };

    // How a value is recorded.
    // info!(user = ?user, rows), at `?user`
    (@value $call:tt $message:tt [$($keys:tt)*] $fields:tt $key:tt ? $value:expr, $($rest:tt)*) => {
        $crate::__femtologging_tracing!(@fields $call $message [$($keys)* $key]
            ($fields, $crate::__femtologging_tracing!(@field AsDebug $value)) $($rest)*)
    };
    (@value $call:tt $message:tt [$($keys:tt)*] $fields:tt $key:tt ? $value:expr ;) => {
        $crate::__femtologging_tracing!(@fields $call $message [$($keys)* $key]
            ($fields, $crate::__femtologging_tracing!(@field AsDebug $value)) ;)
    };
    // info!(user = %user, rows), at `%user`
    (@value $call:tt $message:tt [$($keys:tt)*] $fields:tt $key:tt % $value:expr, $($rest:tt)*) => {
        $crate::__femtologging_tracing!(@fields $call $message [$($keys)* $key]
            ($fields, $crate::__femtologging_tracing!(@field AsDisplay $value)) $($rest)*)
    };
    (@value $call:tt $message:tt [$($keys:tt)*] $fields:tt $key:tt % $value:expr ;) => {
        $crate::__femtologging_tracing!(@fields $call $message [$($keys)* $key]
            ($fields, $crate::__femtologging_tracing!(@field AsDisplay $value)) ;)
    };
    // info!(user = "ada", rows), at `"ada"`
    (@value $call:tt $message:tt [$($keys:tt)*] $fields:tt $key:tt $value:expr, $($rest:tt)*) => {
        $crate::__femtologging_tracing!(@fields $call $message [$($keys)* $key]
            ($fields, $crate::__femtologging_tracing!(@field Value $value)) $($rest)*)
    };
    (@value $call:tt $message:tt [$($keys:tt)*] $fields:tt $key:tt $value:expr ;) => {
        $crate::__femtologging_tracing!(@fields $call $message [$($keys)* $key]
            ($fields, $crate::__femtologging_tracing!(@field Value $value)) ;)
    };
    // Rejected: info!(user = ), info!(a = 1 b = 2)
    (@value $call:tt $message:tt $keys:tt $fields:tt $key:tt $($wrong:tt)*) => {
        $crate::__femtologging_tracing_wrong!(@value $call $key $($wrong)*)
    };
    // info!(user = ?user)
    (@field AsDebug $value:expr) => { $crate::__private::AsDebug(&$value) };
    // info!(user = %user)
    (@field AsDisplay $value:expr) => { $crate::__private::AsDisplay(&$value) };
    // info!(user = "ada")
    (@field Value $value:expr) => {
        match &$value {
            femto_value => {
                #[allow(unused_imports)]
                use $crate::compat::tracing::__private::{PickCapture as _, PickNone as _, PickValue as _};
                (&&$crate::compat::tracing::__private::Probe(femto_value)).__femtologging_field()
            }
        }
    };
    // info!(message = "ready")
    (@text Value $value:expr) => { $crate::compat::tracing::__private::text(&$value) };
    // info!(message = ?state)
    (@text $how:ident $value:expr) => { $value };

    // A whole call, with its message. A span has the message as a key.
    // info!(user = "ada", "{} of {}", 3, n)
    (@emit [[event $($level:tt)+] $name:tt $target:tt $parent:tt] $($call:tt)*) => {
        $crate::__femtologging_tracing!(@event [$($level)+] $target $parent $($call)*)
    };
    // info_span!("load", table = "users", "{} of {}", 3, n)
    (@emit [[span $level:tt] [$name:expr] $target:tt $parent:tt] $format:tt [$($args:tt)*] [$($written:tt)*] $values:tt $pattern:tt $names:tt [$($keys:tt)*] $fields:tt) => {
        $crate::__femtologging_tracing!(@span [span $level] $name, $target $parent [$($keys)* (message)]
            ($fields, $crate::__private::AsDisplay(&$crate::__private::format_args!($format $($written)*))))
    };
    // record_all!(span, "{} of {}", 3, n)
    (@emit [[record $span:expr] $($call:tt)*] $format:tt $($rest:tt)*) => {
        $crate::__femtologging_wrong!(@at SpanArgument $format)
    };
    // info!("ready")
    (@event $level:tt [] $parent:tt $($call:tt)*) => {
        $crate::__femtologging_tracing!(@event $level [$crate::__private::module_path!()] $parent $($call)*)
    };
    // info!(target: "audit", "ready")
    (@event $level:tt [$target:expr] [] $($call:tt)*) => {{
        #[allow(unused_imports)]
        use $crate::compat::tracing::field::{Value, debug, display};
        $crate::__femtologging!(@site $level Static ($target) ($crate::__private::AtSite) $($call)*)
    }};
    // info!(parent: &span, "ready")
    (@event $level:tt [$target:expr] [$parent:expr] $($call:tt)*) => {{
        #[allow(unused_imports)]
        use $crate::compat::tracing::field::{Value, debug, display};
        match $crate::compat::tracing::__private::ExplicitParent::new(|| $crate::__femtologging_tracing!(@id $parent)) {
            femto_parent => $crate::__femtologging!(@site $level Static ($target)
                ($crate::compat::tracing::__private::AtSiteIn(&femto_parent)) $($call)*)
        }
    }};
    (@id $parent:expr) => {
        $crate::compat::tracing::__private::Into::<$crate::__private::Option<$crate::compat::tracing::__private::Id>>::into($parent)
    };
    (@parent []) => { $crate::__private::Option::None };
    (@parent [$parent:expr]) => { $crate::__private::Option::Some($crate::__femtologging_tracing!(@id $parent)) };
    // info_span!("load")
    (@span [span $level:tt] $name:expr, [] $parent:tt $keys:tt $fields:tt) => {
        $crate::__femtologging_tracing!(@span [span $level] $name, [$crate::__private::module_path!()] $parent $keys $fields)
    };
    // info_span!(target: "db", "load", table = "users")
    (@span [span $level:tt] $name:expr, [$target:expr] $parent:tt [$($keys:tt)*] $fields:tt) => {{
        #[allow(unused_imports)]
        use $crate::compat::tracing::field::{Value, debug, display};
        static __FEMTOLOGGING_SITE: $crate::__private::Callsite =
            $crate::__femtologging!(@metadata ($crate::__private::Option::Some($level)) Static ($target) ($name) []);
        static __FEMTOLOGGING_KEYS: $crate::__private::KeyIds =
            $crate::__private::KeyIds::new(&[$($crate::__femtologging!(@name $keys)),*]);
        if const { $crate::__private::is_compiled($level) }
            && $crate::__private::Source::enabled($crate::__private::AtSite, &__FEMTOLOGGING_SITE, $level)
        {
            $crate::compat::tracing::__private::make(&__FEMTOLOGGING_SITE, &__FEMTOLOGGING_KEYS, $level,
                $crate::__femtologging_tracing!(@parent $parent), $fields)
        } else {
            $crate::compat::tracing::__private::disabled(&__FEMTOLOGGING_SITE, &__FEMTOLOGGING_KEYS, $level)
        }
    }};
    // enabled!(Level::DEBUG)
    (@enabled $level:expr, []) => {
        $crate::__femtologging_tracing!(@enabled $level, [$crate::__private::module_path!()])
    };
    // enabled!(target: "db", Level::DEBUG)
    (@enabled $level:expr, [$target:expr]) => {
        $crate::__femtologging!(@site [enabled (const { $crate::compat::tracing::__private::level($level) })]
            Static ($target) ($crate::__private::AtSite))
    };
}

/// Says what is wrong with a call that `__femtologging_tracing` cannot read; see `__femtologging_wrong`.
#[doc(hidden)]
#[macro_export]
macro_rules! __femtologging_tracing_wrong {
    // event!("ready")
    (@level $kind:ident $level:literal $($rest:tt)*) => { $crate::__femtologging_wrong!(@at NoLevel $level) };
    // event!(Level::INFO)
    (@level event $level:expr $(,)? ;) => { $crate::__femtologging_wrong!(@expr NoMessageAfterLevel $level) };
    // span!(Level::INFO)
    (@level span $level:expr $(,)? ;) => { $crate::__femtologging_wrong!(@expr NoNameAfterLevel $level) };
    // event!()
    (@level event $($rest:tt)*) => {
        $crate::__private::compile_error!("`event!` takes a level, and a message or fields: event!(Level::INFO, \"ready\")")
    };
    // span!()
    (@level span $($rest:tt)*) => {
        $crate::__private::compile_error!("`span!` takes a level and a name: span!(Level::INFO, \"load\")")
    };
    // enabled!()
    (@level $kind:ident $($rest:tt)*) => {
        $crate::__private::compile_error!("`enabled!` takes a level: enabled!(Level::INFO)")
    };
    // info_span!()
    (@name $($rest:tt)*) => {
        $crate::__private::compile_error!("a span has a name, and its fields follow a comma: info_span!(\"load\", key = value)")
    };
    // info!("ready"; user = "ada")
    (@fields $call:tt $key:tt == $($rest:tt)*) => { $crate::__femtologging_wrong!(@at KeyComparison $key) };
    // info!(user,, rows)
    (@fields $call:tt , $next:tt $($rest:tt)*) => { $crate::__femtologging_wrong!(@at CommaTwice $next) };
    // info!(&text), info!(format!("{n}"))
    (@fields [[event $($level:tt)+] $($call:tt)*] $message:expr ;) => {
        $crate::__femtologging_wrong!(@expr MessageIsNoLiteral $message)
    };
    (@fields [[event $($level:tt)+] $($call:tt)*] $message:expr, $($rest:tt)*) => {
        $crate::__femtologging_wrong!(@expr MessageIsNoLiteral $message)
    };
    // info!(user name)
    (@fields $call:tt $key:tt $next:tt $($rest:tt)*) => { $crate::__femtologging_wrong!(@at NoComma $next) };
    // Anything else.
    (@fields $($rest:tt)*) => {
        $crate::__private::compile_error!("an event has fields, and then a message: info!(key = value, \"{} of {}\", 1, n)")
    };
    // info!(user = ), info!(user = , rows = 1)
    (@value $call:tt $key:tt ; $($rest:tt)*) => { $crate::__femtologging_wrong!(@first NoValue $key) };
    (@value $call:tt $key:tt , $($rest:tt)*) => { $crate::__femtologging_wrong!(@first NoValue $key) };
    // info!(user = "ada" "ready")
    (@value $call:tt $key:tt $value:tt $next:tt $($rest:tt)*) => {
        $crate::__femtologging_wrong!(@adjacent $key $next $next)
    };
    // Anything else.
    (@value $call:tt $key:tt $($rest:tt)*) => { $crate::__femtologging_wrong!(@first ValueWithoutComma $key) };
}
