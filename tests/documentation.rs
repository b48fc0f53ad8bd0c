//! What the documentation lists is what is there.

use std::collections::BTreeSet;
use std::path::Path;

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// Returns the names of a table of `Cargo.toml`.
fn manifest_keys(table: &str) -> BTreeSet<String> {
    let manifest = read("Cargo.toml");
    let (_, after) = manifest.split_once(&format!("\n[{table}]\n")).unwrap();
    let lines = after.lines().take_while(|line| !line.starts_with('['));
    let keys = lines.filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(" = "));
    keys.map(|(key, _)| key.to_owned()).collect()
}

/// Returns the features in the first column of the tables in `lib.rs`' section "Cargo features".
fn documented_features() -> BTreeSet<String> {
    let library = read("src/lib.rs");
    let (_, after) = library.split_once("//! # Cargo features\n").unwrap();
    let (section, _) = after.split_once("//! # ").unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("//! | `"));
    rows.filter_map(|row| row.split_once('`')).map(|(name, _)| name.to_owned()).collect()
}

#[test]
fn every_feature_is_in_the_table_of_the_library() {
    let mut features = manifest_keys("features");
    assert!(features.remove("default"));
    assert_eq!(documented_features(), features);
}

#[test]
fn every_optional_feature_is_in_the_readme() {
    let readme = read("README.md");
    let (_, after) = readme.split_once("\n## Cargo features\n").unwrap();
    let (section, _) = after.split_once("\n## ").unwrap();
    for feature in manifest_keys("features") {
        if feature != "default" && !feature.contains("max_level") {
            assert!(section.contains(&format!("`{feature}`")), "{feature}");
        }
    }
}

#[test]
fn docs_rs_builds_every_feature_that_removes_nothing() {
    let manifest = read("Cargo.toml");
    let (_, after) = manifest.split_once("\n[package.metadata.docs.rs]\nfeatures = [\n").unwrap();
    let (list, _) = after.split_once(']').unwrap();
    let listed: BTreeSet<_> = list.lines().map(|line| line.trim_matches([' ', '"', ',']).to_owned()).collect();
    let features = manifest_keys("features").into_iter();
    let expected: BTreeSet<_> = features.filter(|name| name != "default" && !name.contains("max_level")).collect();
    assert_eq!(listed, expected);
}

#[test]
fn every_guide_is_a_module_of_the_documentation() {
    let modules = read("src/guide.rs");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/guide");
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(modules.contains(&format!("\"{name}\"")), "{name}");
    }
}
