//! What the build's maximum level strips is gone: not evaluated, not logged, and not in the binary.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, MutexGuard, PoisonError};

use femtologging::{Level, LevelFilter};

const LEVELS: [Level; 6] = Level::ALL;

/// The crate that is built over and over, into one directory of its own; by one test at a time.
struct Fixture {
    manifest: PathBuf,
    target: PathBuf,
    _alone: MutexGuard<'static, ()>,
}

impl Fixture {
    fn new() -> Self {
        static ALONE: Mutex<()> = Mutex::new(());
        let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let fixture = root.join("max-level");
        // The versions are those of the workspace, so that nothing needs to be fetched.
        std::fs::copy(root.join("../Cargo.lock"), fixture.join("Cargo.lock")).expect("the lock file can be copied");
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("max-level");
        Self { manifest: fixture.join("Cargo.toml"), target, _alone }
    }

    fn build(&self, release: bool, features: &[&str], variable: Option<&str>) -> Output {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--quiet", "--offline", "--manifest-path"]).arg(&self.manifest);
        cargo.arg("--target-dir").arg(&self.target);
        match features {
            ["all"] => cargo.arg("--all-features"),
            _ => cargo.arg("--features").arg(features.join(",")),
        };
        if release {
            cargo.arg("--release");
        }
        cargo.env_remove("RUSTFLAGS").env_remove("CARGO_BUILD_TARGET");
        // Empty stands for unset, which the configuration of this repository would fill in.
        cargo.env("FEMTOLOGGING_MAX_LEVEL", variable.unwrap_or_default());
        cargo.output().expect("cargo starts")
    }

    /// Builds, runs, and searches the binary; `expected` is the level that the build must stop at.
    fn check(&self, release: bool, features: &[&str], variable: Option<&str>, expected: LevelFilter) {
        let what = format!("release: {release}, {features:?}, variable: {variable:?}");
        let built = self.build(release, features, variable);
        assert!(built.status.success(), "{what}: {}", String::from_utf8_lossy(&built.stderr));
        let profile = if release { "release" } else { "debug" };
        let binary = self.target.join(profile).join(format!("max-level{}", std::env::consts::EXE_SUFFIX));

        let kept: Vec<Level> = LEVELS.into_iter().filter(|level| *level >= expected).collect();
        let words = kept.iter().map(Level::to_string).collect::<Vec<_>>().join(" ");
        let output = Command::new(&binary).output().expect("the binary starts");
        assert_eq!(
            String::from_utf8_lossy(&output.stdout),
            format!(
                "static {expected}\nevaluated {words}\narrived {words} in {}\nspans {words} of 6 blocks\ndynamic {words}\n",
                2 * kept.len()
            ),
            "{what}: {}",
            String::from_utf8_lossy(&output.stderr)
        );

        let bytes = std::fs::read(&binary).expect("the binary can be read");
        for level in LEVELS {
            let name = level.as_str().to_ascii_lowercase();
            let literals = ["template", "argument", "target", "inline", "span", "spans-target", "spans-value"]
                .map(|part| format!("zqx-{name}-{part}"));
            for literal in literals.into_iter().chain([format!("zqx_{name}_key"), format!("zqx_{name}_spans_key")]) {
                let found = bytes.windows(literal.len()).any(|window| window == literal.as_bytes());
                assert_eq!(found, kept.contains(&level), "{literal} in the binary of {what}");
            }
        }
    }
}

/// The unit tests of `STATIC_MAX_LEVEL` have what the variable and several features make of it, in both profiles.
#[test]
fn stripped_levels_leave_nothing() {
    let fixture = Fixture::new();
    fixture.check(false, &["max_level_off"], Some("Info"), LevelFilter::Info);

    let wrong = fixture.build(false, &[], Some("loud"));
    let errors = String::from_utf8_lossy(&wrong.stderr);
    assert!(!wrong.status.success());
    let remedy = "the environment variable FEMTOLOGGING_MAX_LEVEL must be one of trace, debug, info";
    assert!(errors.contains(remedy) && errors.contains("due to 1 previous error"), "{errors}");
}

#[test]
#[ignore = "builds the library seventeen times; .ci/nightly runs it"]
fn every_feature_strips_its_levels() {
    use LevelFilter::{Critical, Debug, Error, Info, Off, Trace, Warn};
    let fixture = Fixture::new();
    // Both profiles; each `max_level_*` decides the first, and each `release_max_level_*` the second, at least once.
    let both: [(&[&str], LevelFilter, LevelFilter); 7] = [
        (&["max_level_trace", "release_max_level_debug"], Trace, Debug),
        (&["max_level_debug", "release_max_level_info"], Debug, Info),
        (&["max_level_info", "release_max_level_warn"], Info, Warn),
        (&["max_level_warn", "release_max_level_error"], Warn, Error),
        (&["max_level_error", "release_max_level_critical"], Error, Critical),
        (&["max_level_critical", "release_max_level_off"], Critical, Off),
        (&["all"], Off, Off),
    ];
    for (features, debug, release) in both {
        fixture.check(false, features, None, debug);
        fixture.check(true, features, None, release);
    }
    fixture.check(false, &["max_level_off"], None, Off);
    fixture.check(true, &["release_max_level_trace"], None, Trace);
    // The most restrictive wins; an empty variable is as good as none.
    fixture.check(false, &["max_level_info", "max_level_error", "release_max_level_off"], Some(""), Error);
    fixture.check(true, &["max_level_error", "release_max_level_debug", "release_max_level_warn"], None, Error);
    // The variable has the last word, in both directions.
    fixture.check(false, &["all"], Some("Debug"), Debug);
    fixture.check(true, &["release_max_level_warn"], Some("50"), Critical);
}
