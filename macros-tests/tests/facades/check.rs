//! Compiles generated programs, and finds out which of their lines do not.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value as Json;

/// A package in a temporary folder.
pub struct Package {
    folder: PathBuf,
}

impl Package {
    /// Makes a package that depends on femtologging, with these features, and on what `dependencies` says.
    pub fn new(name: &str, features: &str, dependencies: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(folder.join("src")).expect("the folder can be made");
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
        // The versions are those of the workspace, so that nothing needs to be fetched.
        std::fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock")).expect("the lock file can be copied");
        let manifest = format!(
            "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\n[workspace]\n\n\
             [dependencies]\nfemtologging = {{ path = {root:?}, features = [{features}] }}\n{dependencies}\n\n\
             [profile.dev]\ndebug = 0\n"
        );
        std::fs::write(folder.join("Cargo.toml"), manifest).expect("the manifest can be written");
        Self { folder }
    }

    pub fn write(&self, file: &str, text: &str) {
        std::fs::write(self.folder.join("src").join(file), text).expect("the file can be written");
    }

    fn cargo(&self, arguments: &[&str]) -> std::process::Output {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(arguments).args(["--offline", "--message-format=json"]).current_dir(&self.folder);
        cargo.env_remove("RUSTFLAGS").env("FEMTOLOGGING_MAX_LEVEL", "").env("CARGO_INCREMENTAL", "0");
        cargo.env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("facades-target"));
        cargo.output().expect("cargo starts")
    }

    /// Compiles the package. Returns the lines of `main.rs` with errors, and the text of these.
    pub fn errors(&self) -> (BTreeSet<usize>, Vec<String>) {
        let output = self.cargo(&["check"]);
        let (mut lines, mut texts) = (BTreeSet::new(), Vec::new());
        for message in String::from_utf8_lossy(&output.stdout).lines() {
            let Ok(message) = serde_json::from_str::<Json>(message) else { continue };
            let message = &message["message"];
            if message["level"] != "error" {
                continue;
            }
            texts.push(message["rendered"].as_str().unwrap_or_default().to_owned());
            for span in message["spans"].as_array().into_iter().flatten().filter(|span| span["is_primary"] == true) {
                lines.extend(line(span));
            }
        }
        if !output.status.success() && texts.is_empty() {
            panic!("{}", String::from_utf8_lossy(&output.stderr));
        }
        (lines, texts)
    }

    /// Runs the program. Returns what it writes to standard output.
    pub fn run(&self) -> String {
        let built = self.cargo(&["build"]);
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        let executable = String::from_utf8_lossy(&built.stdout)
            .lines()
            .filter_map(|message| Some(serde_json::from_str::<Json>(message).ok()?["executable"].as_str()?.to_owned()))
            .next_back()
            .expect("cargo names the program");
        let output = Command::new(executable).output().expect("the program starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    }
}

/// Returns the line of `main.rs` that an error belongs to: where its macro was called, if it is in one.
fn line(span: &Json) -> Option<usize> {
    if span["expansion"].is_object() {
        return line(&span["expansion"]["span"]);
    }
    (span["file_name"] == "src/main.rs").then(|| span["line_start"].as_u64())?.map(|line| line as usize)
}

/// Returns the folder with the source of a dependency, as cargo has fetched it.
pub fn source_of(package: &str) -> PathBuf {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--offline", "--all-features"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo starts");
    let metadata: Json = serde_json::from_slice(&output.stdout).expect("cargo writes JSON");
    let packages = metadata["packages"].as_array().expect("a list");
    let manifest = packages.iter().filter(|found| found["name"] == package).find_map(|it| it["manifest_path"].as_str());
    Path::new(manifest.expect("the workspace depends on it")).parent().expect("a folder").to_owned()
}
