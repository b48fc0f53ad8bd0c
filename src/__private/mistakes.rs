//! Compile errors of calls that the macros cannot read, each at the token where the mistake is.
//!
//! `compile_error!` underlines the whole call. An index whose type is wrong is underlined by itself: a macro that
//! cannot go on at a token expands to `Mistake[token]`, where `Mistake` is one of the types below. No type can be their
//! index, and the trait that it would have to implement has the message and the label.
//!
//! ```text
//! error[E0277]: the message is not a string literal
//!  --> src/main.rs:4:11
//!   |
//! 4 |     info!(message);
//!   |           ^^^^^^^ write "{}", and this as its argument
//! ```

use std::ops::Index;

macro_rules! mistakes {
    ($($mistake:ident($rule:ident): $message:literal, $label:literal;)*) => {$(
        pub struct $mistake;

        #[diagnostic::on_unimplemented(message = $message, label = $label)]
        pub trait $rule {}

        impl<T: $rule> Index<T> for $mistake {
            type Output = ();

            fn index(&self, _: T) -> &() {
                &()
            }
        }
    )*};
}

mistakes! {
    // Options and limits.
    UnknownOption(AnOption): "unknown option",
        "the options are `logger`, `target`, `once`, `first`, `every`, `per` and `sample`; a key has `=` after it";
    OptionAgain(OptionOnce): "an option is given twice", "it is further left already";
    OptionWithoutComma(OptionWithComma): "an option ends with a comma", "a comma is missing after the value of this";
    OptionAfterMessage(OptionBeforeMessage): "options come before the message", "move this before the format string";
    LoggerIsText(LoggerIsValue): "`logger:` takes a logger", "a name: write `target:`, or get the logger with `get_logger`";
    LimitTwice(LimitOnce): "a call has one limit", "this is the second one";
    NoColon(AColon): "a colon is missing", "write a colon before this";
    LimitOfNoSpan(LimitOfLogCall): "only log calls have limits", "leave out `once,` before this";
    LimitOfNoCall(LimitOfCall): "only log calls have limits", "leave this out";
    LimitBeforeLevel(LevelBeforeLimit): "the level comes before a limit", "move this after the level";
    OnceWithValue(OnceWithoutValue): "`once` takes no value", "write `once,`";
    // The level.
    NoLevel(ALevel): "the level is missing", "a level belongs before this, such as `Level::Info,`";
    NoLevelAfterOption(LevelAfterOption): "the level is missing", "a level belongs after this, such as `, Level::Info`";
    LevelInName(LevelOfLog): "the message is not a string literal", "a level is given to `log!`, and here it is in the macro's name";
    NoMessageAfterLevel(MessageAfterLevel): "the message is missing", "a format string belongs after this";
    // The message and its arguments.
    NoMessage(AMessage): "the message is missing", "a format string, a string literal, belongs after the options";
    NoMessageBesideKeys(MessageBesideKeys): "the message is missing", "this is a key; the format string is a string literal";
    MessageIsNoLiteral(MessageIsLiteral): "the message is not a string literal", "write \"{{}}\", and this as its argument";
    NoComma(AComma): "a comma is missing", "write a comma before this";
    CommaTwice(CommaOnce): "two commas in a row", "one comma before this is enough";
    KeyAfterComma(KeyAfterSemicolon): "keys come after a semicolon", "write a semicolon before this in place of the comma";
    // Keys.
    KeyWithColon(KeyWithEquals): "a key and its value have `=` between them", "write `=` after this";
    KeyComparison(KeyAssignment): "a key and its value have `=` between them", "write one `=` after this";
    UnknownCapture(ACapture): "unknown way to record a value",
        "there are `?`, `%`, `debug`, `display`, `err`, `bytes`, `serde` and `secret`";
    UnknownCaptureOf(ACaptureOf): "unknown way to record a value",
        "after this and `:` come `?`, `%`, `debug`, `display`, `err`, `bytes`, `serde` or `secret`";
    NoValue(AValue): "a key has no value", "write its value after `=`, or this alone for the variable of that name";
    ValueWithoutComma(ValueWithComma): "a key's value ends with a comma", "a comma is missing after the value of this key";
    KeyAfterKeys(KeyAfterKeyComma): "keys are separated by commas", "write a comma before this in place of the semicolon";
    QuotedKeyAlone(QuotedKeyWithValue): "a key in quotes has a value", "write `= value` after this";
    NoKey(AKey): "this is not a key", "a key is a name or a string literal, with `= value` after it";
    // Spans and contexts.
    NoNameAfterLevel(NameAfterLevel): "the name of the span is missing", "a string literal belongs after this";
    NoName(AName): "the name of the span is missing", "a string literal belongs before this";
    NameIsNoLiteral(NameIsLiteral): "the name of a span is a string literal", "this is not one; it can be the value of a key";
    SpanArgument(SpanKey): "a span has keys, and no arguments", "write it as a key: `key = value`";
}
