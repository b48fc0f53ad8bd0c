//! Clippy sees format strings through the macros, and has nothing against what they expand to.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::OnceLock;

/// Runs clippy on the binaries of `clippy-fixture`, once; `None` where there is no clippy.
fn clippy() -> Option<&'static Output> {
    static OUTPUT: OnceLock<Option<Output>> = OnceLock::new();
    OUTPUT.get_or_init(run).as_ref()
}

fn run() -> Option<Output> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let fixture = root.join("clippy-fixture");
    // The versions are those of the workspace, so that nothing needs to be fetched.
    std::fs::copy(root.join("../Cargo.lock"), fixture.join("Cargo.lock")).expect("the lock file can be copied");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("clippy");
    let cargo = |arguments: &[&str]| {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(arguments).env_remove("RUSTFLAGS").env_remove("CLIPPY_ARGS").env("FEMTOLOGGING_MAX_LEVEL", "");
        cargo.current_dir(&fixture).env("CARGO_TERM_COLOR", "never").env("CARGO_TARGET_DIR", &target);
        cargo.output().expect("cargo starts")
    };
    if !cargo(&["clippy", "--version"]).status.success() {
        eprintln!("clippy is not installed: nothing is tested");
        return None;
    }
    Some(cargo(&["clippy", "--quiet", "--offline", "--message-format", "short", "--bins"]))
}

#[test]
fn lints_see_the_format_string() {
    let Some(output) = clippy() else { return };
    let text = String::from_utf8_lossy(&output.stderr);
    let found: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("src/linted.rs:")).collect();
    let inlined = "warning: variables can be used directly in the `format!` string";
    assert_eq!(
        found,
        [
            format!("8:5: {inlined}"),
            format!("9:5: {inlined}"),
            format!("10:5: {inlined}"),
            "11:5: warning: `format!` in `info!` args".to_owned(),
            "12:18: warning: `to_string` applied to a type that implements `Display` in `info!` args: help: remove this"
                .to_owned(),
        ],
        "{text}"
    );
}

#[test]
fn expansions_are_clean() {
    let Some(output) = clippy() else { return };
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && !text.contains("src/clean.rs"), "{text}");
}
