//! Writes the first program of the README to a file, which tests compile and run.

use std::path::Path;
use std::{env, fs};

fn main() {
    let readme = Path::new("../README.md");
    println!("cargo::rerun-if-changed={}", readme.display());
    let text = fs::read_to_string(readme).expect("the README is there");
    let (_, after) = text.split_once("\n```rust\n").expect("the README has a program");
    let (program, _) = after.split_once("\n```\n").expect("it comes to an end");
    let out = env::var_os("OUT_DIR").expect("cargo says where files go");
    // Tests call `main` from outside.
    let program = program.replace("\nfn main()", "\npub fn main()");
    fs::write(Path::new(&out).join("readme.rs"), program).expect("the file can be written");
}
