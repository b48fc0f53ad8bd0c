//! A wrong call gives one error that shows the right form.

#[test]
fn errors_are_readable() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}

#[cfg(feature = "compat-tracing")]
#[test]
fn errors_of_tracing_s_calls_are_readable() {
    trybuild::TestCases::new().compile_fail("tests/ui-tracing/*.rs");
}
