//! What the documentation lists is what is there.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

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
fn no_feature_is_on_by_default_and_full_brings_no_crate() {
    let manifest = read("Cargo.toml");
    let brings = |feature: &str| -> Vec<String> {
        let (_, list) = manifest.split_once(&format!("\n{feature} = [")).unwrap();
        let (list, _) = list.split_once(']').unwrap();
        list.split(',').map(|name| name.trim().trim_matches('"').to_owned()).filter(|name| !name.is_empty()).collect()
    };
    assert_eq!(brings("default"), [""; 0]);
    let mut all = brings("full");
    assert!(all.len() > 5, "{all:?}");
    let mut next = 0;
    while let Some(feature) = all.get(next) {
        assert!(!feature.contains([':', '/', '?']), "{feature}");
        all.extend(brings(feature));
        next += 1;
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

/// Returns the blocks of Rust in a Markdown file, as they are there.
fn rust_blocks(text: &str) -> Vec<&str> {
    let fenced = text.split("\n```rust").skip(1);
    fenced.filter_map(|rest| rest.split_once('\n')?.1.split_once("\n```")).map(|(block, _)| block).collect()
}

/// rustdoc compiles the blocks, and so that what it compiles is what a reader sees and copies, none has a hidden line
/// (`# `), and each is a program, or consists of items, which a module takes. `ignore` would be compiled by nobody.
#[test]
fn examples_of_the_guides_and_the_readme_can_be_copied() {
    let guides = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/guide")).unwrap();
    let guides = guides.map(|entry| format!("docs/guide/{}", entry.unwrap().file_name().to_str().unwrap()));
    let mut found = 0;
    for path in guides.chain(["README.md".to_owned()]) {
        let text = read(&path);
        assert!(!text.contains("```rust,ignore") && !text.contains("```ignore"), "{path}");
        for block in rust_blocks(&text) {
            found += 1;
            let hidden = block.lines().find(|line| *line == "#" || line.starts_with("# "));
            assert_eq!(hidden, None, "{path}");
            let items = ["use ", "fn ", "async fn ", "struct ", "impl ", "///", "//", "#[", "}", " "];
            let statement =
                block.lines().find(|line| !line.is_empty() && !items.iter().any(|item| line.starts_with(item)));
            assert_eq!(statement, None, "{path}: a statement outside of `fn main`");
        }
    }
    assert!(found > 45, "{found} blocks");
}

/// `docs/CLAIMS.md` names files in backticks, and tests of theirs after a `#`.
#[test]
fn what_holds_the_claims_of_the_readme_is_there() {
    let (readme, claims) = (read("README.md"), read("docs/CLAIMS.md"));
    let mut names = 0;
    for row in claims.lines().filter(|line| line.starts_with("| ")) {
        let held_by = cells(row)[1];
        for name in held_by.split('`').skip(1).step_by(2) {
            let (path, test) = name.split_once('#').unwrap_or((name, ""));
            let text = read(path);
            let is_there =
                test.is_empty() || text.contains(&format!("fn {test}(")) || text.contains(&format!("\"{test}\""));
            assert!(is_there, "{name}");
            names += 1;
        }
    }
    assert!(names > 50, "{names}");
    let sections = |text: &str| -> Vec<String> {
        text.lines().filter_map(|line| line.strip_prefix("## ")).map(str::to_owned).collect()
    };
    let expected: Vec<_> = sections(&readme).into_iter().filter(|name| name != "More").collect();
    assert_eq!(sections(&claims), expected);
}

/// Returns the lines of the section of a Markdown file whose heading has this anchor.
fn section<'a>(text: &'a str, anchor: &str) -> Vec<&'a str> {
    let slug = |heading: &str| -> String {
        let kept = heading.chars().filter(|c| c.is_alphanumeric() || *c == ' ' || *c == '-');
        kept.collect::<String>().to_lowercase().replace(' ', "-")
    };
    let mut lines = text.lines().skip_while(|line| line.strip_prefix("## ").map(slug).as_deref() != Some(anchor));
    assert!(lines.next().is_some(), "no section {anchor}");
    lines.take_while(|line| !line.starts_with("## ")).collect()
}

fn cells(row: &str) -> Vec<&str> {
    row.trim_matches('|').split('|').map(str::trim).collect()
}

/// Returns the numbers of a cell. A comma between digits belongs to the number.
fn figures(cell: &str) -> Vec<&str> {
    cell.split([' ', '/']).map(|word| word.trim_matches(',')).filter(|word| !word.is_empty()).collect()
}

/// Each column of the README's table names a section of `BENCHMARKS.md` by its link; each row names a row there, whose
/// first cell may say more, such as versions.
#[test]
fn the_figures_of_the_readme_are_those_of_the_benchmarks() {
    let (readme, benchmarks) = (read("README.md"), read("docs/BENCHMARKS.md"));
    let mut rows = section(&readme, "benchmarks").into_iter().filter(|line| line.starts_with('|')).map(cells);
    let header = rows.next().unwrap();
    let mut compared = 0;
    for row in rows.skip(1) {
        for (title, cell) in header.iter().zip(&row).skip(1).filter(|(_, cell)| !cell.is_empty()) {
            let anchor = title.split_once("BENCHMARKS.md#").unwrap().1.trim_end_matches(')');
            let theirs = section(&benchmarks, anchor).into_iter().filter(|line| line.starts_with('|')).map(cells);
            let name: Vec<_> = row[0].split(':').next().unwrap().split(' ').collect();
            let is_same = |cells: &Vec<&str>| {
                let words: Vec<_> = cells[0].split(' ').map(|word| word.trim_end_matches(',')).collect();
                name.iter().all(|word| words.contains(&word.trim_end_matches(',')))
            };
            let matching: Vec<_> = theirs.filter(is_same).collect();
            assert_eq!(matching.len(), 1, "{row:?} in section {anchor}");
            let known: Vec<_> = matching[0][1..].iter().flat_map(|cell| figures(cell)).collect();
            for figure in figures(cell) {
                assert!(known.contains(&figure), "{figure} of {row:?} is not in {:?}", matching[0]);
                compared += 1;
            }
        }
    }
    assert!(compared >= 12, "{compared} figures");
}

/// Returns the files of a folder and its folders that have this extension.
fn files_in(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let files = files.into_iter().filter(|path| path.extension().is_some_and(|found| found == extension));
    files.chain(folders.iter().flat_map(|folder| files_in(folder, extension))).collect()
}

/// Adds the names of the handlers that the files of a folder define.
fn handlers_in(folder: &Path, found: &mut BTreeSet<String>) {
    for path in files_in(folder, "rs") {
        let source = std::fs::read_to_string(&path).unwrap();
        for line in source.lines().filter_map(|line| line.strip_prefix("pub struct ")) {
            let name: String = line.chars().take_while(|c| c.is_alphanumeric()).collect();
            if name.starts_with("Femto") && (name.ends_with("Handler") || name.ends_with("Recorder")) {
                found.insert(name);
            }
        }
    }
}

#[test]
fn every_handler_is_in_the_tables_of_the_readme_and_the_library() {
    let mut handlers = BTreeSet::new();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    handlers_in(&source.join("handler"), &mut handlers);
    handlers_in(&source.join("bridge"), &mut handlers);
    assert!(handlers.len() >= 16, "{handlers:?}");
    let (readme, library) = (read("README.md"), read("src/lib.rs"));
    let rows = |text: &str, row: &str| -> String { text.lines().filter(|line| line.starts_with(row)).collect() };
    let (readme, library) = (rows(&readme, "| "), rows(&library, "//! | "));
    for handler in handlers {
        assert!(readme.contains(&handler), "{handler} in README.md");
        assert!(library.contains(&handler), "{handler} in src/lib.rs");
    }
}

/// Returns the lines of prose: comments of Rust, and Markdown without its code blocks and the rows of its tables, which
/// cannot be broken.
fn prose<'a>(path: &Path, text: &'a str) -> Vec<(usize, &'a str)> {
    let is_rust = path.extension().is_some_and(|extension| extension == "rs");
    let mut is_code = false;
    let mut is_prose = |line: &str| {
        if is_rust {
            return line.trim_start().starts_with("//");
        }
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !(is_fence || is_code || line.starts_with("    ") || line.starts_with('|'))
    };
    (1..).zip(text.lines()).filter(|(_, line)| is_prose(line)).collect()
}

#[test]
fn lines_of_prose_end_where_lines_of_code_do() {
    let settings = read("rustfmt.toml");
    let width = settings.lines().find_map(|line| line.strip_prefix("max_width = ")).unwrap().parse().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<_> =
        ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"].map(|name| root.join(name)).into();
    files.extend(files_in(&root.join("src"), "rs"));
    files.extend(files_in(&root.join("docs"), "md"));
    let (mut lines, mut too_wide) = (0, Vec::new());
    for path in files {
        let text = std::fs::read_to_string(&path).unwrap();
        for (number, line) in prose(&path, &text) {
            lines += 1;
            if line.chars().count() > width {
                too_wide.push(format!("{}:{number}", path.display()));
            }
        }
    }
    assert!(lines > 5_000, "{lines}");
    assert_eq!(too_wide, Vec::<String>::new());
}

#[test]
fn the_oldest_rust_is_the_same_everywhere() {
    let manifest = read("Cargo.toml");
    let (_, after) = manifest.split_once("\nrust-version = \"").unwrap();
    let version = after.split('"').next().unwrap();
    for (path, sentence) in [
        ("README.md", format!("Rust {version} or later")),
        ("CONTRIBUTING.md", format!("Rust {version} is the oldest")),
        (".github/workflows/ci.yml", format!("rustup toolchain install {version} ")),
    ] {
        assert!(read(path).contains(&sentence), "{path}: {sentence}");
    }
}

#[test]
fn every_file_that_the_architecture_names_is_there() {
    let page = read("docs/ARCHITECTURE.md");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let linked = page.split("](../").skip(1).filter_map(|rest| rest.split(')').next()).map(|path| root.join(path));
    let named = page.split('`').skip(1).step_by(2).filter(|name| name.ends_with(".rs") || name.ends_with('/'));
    let named = named.filter(|name| !name.starts_with("src/") && !name.starts_with("tests/"));
    // A file without a folder follows a link to another one in its folder, or lies in `src/`.
    let in_source = named.filter(|name| name.contains('/')).map(|name| root.join("src").join(name));
    let paths: Vec<_> = linked.chain(in_source).collect();
    assert!(paths.len() > 40, "{}", paths.len());
    for path in paths {
        assert!(path.exists(), "{}", path.display());
    }
}

/// What the root of the crate has, macros and modules aside. Everything else has one path, in its module.
const ROOT: &[&str] = &[
    // Set-up.
    "Config",
    "Logging",
    "basic_config",
    "before_exec",
    "init",
    "set_error_hook",
    "set_exit_timeout",
    "set_limits",
    "set_max_level",
    "install_panic_hook",
    // The global system.
    "disable",
    "enable_all",
    "flush",
    "flush_async",
    "get_logger",
    "max_level",
    "metrics",
    "reconfigure",
    "reload",
    "root_logger",
    "set_handler_level",
    "shutdown",
    "shutdown_async",
    // What calls, filters, formatters and handlers are about.
    "Error",
    "FemtoLogRecord",
    "FemtoLogger",
    "Level",
    "LevelFilter",
    "ParseLevelError",
    "Problem",
    "STATIC_MAX_LEVEL",
    "Value",
    // Scopes.
    "Context",
    "FemtoSpan",
    // The handlers and formatters that most programs begin with.
    "FemtoFileHandler",
    "FemtoJsonFormatter",
    "FemtoStreamHandler",
    "FemtoTextFormatter",
];

#[test]
fn the_root_has_what_most_programs_name_and_nothing_else() {
    let library = read("src/lib.rs");
    let (_, after) = library.split_once("// ---- The root").unwrap();
    let (uses, _) = after.split_once("#[cfg(fuzzing)]").unwrap();
    let found: Vec<_> = uses
        .split("pub use ")
        .skip(1)
        .filter_map(|statement| statement.split_once(';')?.0.rsplit_once("::"))
        .flat_map(|(_, names)| names.trim_matches(['{', '}']).split(',').map(str::trim))
        .filter(|name| !name.is_empty())
        .collect();
    let set: BTreeSet<_> = found.iter().copied().collect();
    assert_eq!(set.len(), found.len(), "a name twice");
    assert_eq!(set, ROOT.iter().copied().collect());
}
