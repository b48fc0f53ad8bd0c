//! Compares the public API with `docs/public-api.txt`, or writes that file.
//!
//! ```sh
//! cargo run --manifest-path tests/public-api/Cargo.toml             # prints what differs, and fails if anything does
//! cargo run --manifest-path tests/public-api/Cargo.toml -- --update # writes the file
//! ```
//!
//! Macros by example are listed by their names, as rustdoc has no types for their arguments.

use std::collections::BTreeSet;
use std::error::Error;
use std::path::Path;
use std::process::{Command, ExitCode};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let list = root.join("docs/public-api.txt");
    let current = public_api(&root)?;
    if std::env::args().any(|argument| argument == "--update") {
        std::fs::write(&list, current)?;
        return Ok(ExitCode::SUCCESS);
    }
    let listed = std::fs::read_to_string(&list)?;
    if listed == current {
        return Ok(ExitCode::SUCCESS);
    }
    let (old, new): (BTreeSet<_>, BTreeSet<_>) = (listed.lines().collect(), current.lines().collect());
    old.difference(&new).for_each(|line| println!("- {line}"));
    new.difference(&old).for_each(|line| println!("+ {line}"));
    println!("docs/public-api.txt differs; `--update` writes it");
    Ok(ExitCode::FAILURE)
}

/// Returns a line for each public item, with every feature that docs.rs shows.
fn public_api(root: &Path) -> Result<String, Box<dyn Error>> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target/public-api"), Into::into);
    // JSON is an unstable output of rustdoc; the variable gives it to a stable one.
    let status = Command::new(env!("CARGO"))
        .current_dir(root)
        .args(["rustdoc", "--quiet", "--package", "femtologging", "--lib", "--all-features", "--target-dir"])
        .arg(&target)
        .args(["--", "-Zunstable-options", "--output-format=json", "--cap-lints=allow"])
        .env("RUSTC_BOOTSTRAP", "1")
        .status()?;
    if !status.success() {
        return Err("rustdoc failed".into());
    }
    let api = public_api::Builder::from_rustdoc_json(target.join("doc/femtologging.json"))
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true)
        .omit_auto_derived_impls(true)
        .build()?;
    Ok(api.items().map(|item| format!("{item}\n")).collect())
}
