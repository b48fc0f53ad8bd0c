//! Colours of terminals: the escape sequences, and whether to write them.

use std::io::IsTerminal;

use crate::level::Level;

pub(super) const RESET: &str = "\u{1b}[0m";
pub(super) const DIM: &str = "\u{1b}[2m";
pub(super) const BOLD: &str = "\u{1b}[1m";

/// The level's colour.
pub(super) fn of_level(level: Level) -> &'static str {
    match level {
        Level::Trace => DIM,
        Level::Debug => "\u{1b}[34m",
        Level::Info => "\u{1b}[32m",
        Level::Warn => "\u{1b}[33m",
        Level::Error => "\u{1b}[31m",
        Level::Critical => "\u{1b}[1;31m",
    }
}

/// Returns whether to write colours to a stream.
pub(super) fn are_wanted(stream: &impl IsTerminal) -> bool {
    are_wanted_by(variable, stream.is_terminal())
}

fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

/// Returns whether to write colours, by the conventions of <https://no-color.org> and <https://bixense.com/clicolors>.
fn are_wanted_by(variable: impl Fn(&str) -> Option<String>, is_terminal: bool) -> bool {
    let is = |name: &str, wanted: fn(&str) -> bool| variable(name).is_some_and(|value| wanted(&value));
    if is("NO_COLOR", |value| !value.is_empty()) {
        return false;
    }
    if is("CLICOLOR_FORCE", |value| !matches!(value, "" | "0")) {
        return true;
    }
    is_terminal && !is("CLICOLOR", |value| value == "0") && !is("TERM", |value| value == "dumb")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_decides_about_colours() {
        type Row = (&'static [(&'static str, &'static str)], bool, bool);
        let rows: [Row; 12] = [
            (&[], true, true),
            (&[], false, false),
            (&[("NO_COLOR", "1")], true, false),
            (&[("NO_COLOR", "")], true, true),
            (&[("CLICOLOR", "0")], true, false),
            (&[("CLICOLOR", "1")], true, true),
            (&[("CLICOLOR", "1")], false, false),
            (&[("CLICOLOR_FORCE", "1")], false, true),
            (&[("CLICOLOR_FORCE", "0")], false, false),
            (&[("CLICOLOR_FORCE", "1"), ("CLICOLOR", "0")], false, true),
            (&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], true, false),
            (&[("TERM", "dumb")], true, false),
        ];
        for (variables, is_terminal, expected) in rows {
            let variable =
                |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
            assert_eq!(are_wanted_by(variable, is_terminal), expected, "{variables:?} {is_terminal}");
        }
    }
}
