//! What the targets of all formats do with a text.

use std::sync::Once;

use femtologging::config::{Environment, Format, Loader};

static QUIET: Once = Once::new();

pub fn read(text: &str, format: Format) {
    QUIET.call_once(|| femtologging::set_error_hook(|_, _| {}));
    // No file is read: a reference to one is an error with a position.
    let loader = Loader::new().environment(Environment::of([("NAME", "value")]).ignore_missing(true));
    match loader.read(text, format, "text") {
        Ok(spec) => {
            for format in [Format::Toml, Format::Yaml, Format::Json] {
                let written = spec.to_string(format);
                let again = loader.read(&written, format, "written").expect(&written);
                assert_eq!(again, spec, "{written}");
            }
        }
        Err(error) => {
            assert!(!error.problems().is_empty());
            for problem in error.problems() {
                assert!(problem.position.as_ref().is_some_and(|position| position.line().is_some()), "{problem}");
            }
        }
    }
}
