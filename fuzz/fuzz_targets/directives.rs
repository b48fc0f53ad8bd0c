//! Any text is read as directives without a panic, and what was understood is printed so that it reads the same.
#![no_main]

use std::sync::Once;

use femtologging::filter::Directives;
use libfuzzer_sys::fuzz_target;

static QUIET: Once = Once::new();

fuzz_target!(|text: &str| {
    QUIET.call_once(|| femtologging::set_error_hook(|_, _| {}));
    let directives = Directives::parse(text);
    let again = Directives::parse(&directives.to_string());
    assert!(again.iter().eq(directives.iter()), "{directives}");
    for directive in directives.iter() {
        assert_eq!(directives.level(directive.target()), again.level(directive.target()));
    }
});
