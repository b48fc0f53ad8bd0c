//! Watching a configuration's file. Looks are taken by hand, except where the thread itself is the subject.
#![cfg(feature = "config")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use common::{LONG, clock, is_child, wait_until};
use femtologging::config::{Environment, Loader, Look, Registry, Watch, Watcher};
use femtologging::metrics::WatchMetrics;
use femtologging::time::Clock;
use femtologging::{Config, LevelFilter, Logging};

/// A document whose root logger has this level.
fn document(level: &str) -> String {
    format!("root.level = '{level}'\nhandlers.null.type = 'null'\n")
}

/// A system of a file, and a watcher that has seen it.
struct Bench {
    dir: tempfile::TempDir,
    path: PathBuf,
    logging: Logging,
    watcher: Watcher,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.toml");
        fs::write(&path, document("info")).unwrap();
        Self::of(dir, path)
    }

    fn of(dir: tempfile::TempDir, path: PathBuf) -> Self {
        let loader = Loader::new().environment(Environment::of::<&str, &str>([]));
        let spec = loader.load_path(Some(&path)).unwrap();
        let builder = Config::from_spec(&spec, &Registry::new()).unwrap().clock(Clock::manual(&clock()));
        let logging = builder.build().unwrap();
        let mut watcher = Watch::path(&path).loader(&loader).by_hand(&logging).unwrap();
        // It is what the system was made of: nothing changes.
        assert!(matches!(watcher.look(), Look::Changing));
        for _ in 0..3 {
            assert!(matches!(watcher.look(), Look::Unchanged));
        }
        assert_eq!(logging.metrics().reloads, 0);
        Self { dir, path, logging, watcher }
    }

    fn level(&self) -> LevelFilter {
        self.logging.root_logger().effective_level()
    }

    /// Two looks find another content, and act on it.
    fn takes(&mut self, level: LevelFilter) {
        assert!(matches!(self.watcher.look(), Look::Changing));
        let look = self.watcher.look();
        assert!(matches!(look, Look::Reloaded(_)), "{look:?}");
        assert_eq!(self.level(), level);
        self.rests();
    }

    /// Further looks find nothing, and so do those that do not read the file.
    fn rests(&mut self) {
        for _ in 0..3 {
            let look = self.watcher.look();
            assert!(matches!(look, Look::Unchanged), "{look:?}");
        }
    }

    fn metrics(&self) -> WatchMetrics {
        self.logging.metrics().watches[0].clone()
    }
}

#[test]
fn a_file_that_is_written_in_place_is_loaded() {
    let mut bench = Bench::new();
    fs::write(&bench.path, document("warn")).unwrap();
    bench.takes(LevelFilter::Warn);
    let metrics = bench.metrics();
    assert_eq!((metrics.path, metrics.looks, metrics.reloads), (bench.path.display().to_string(), 9, 1));
    assert_eq!((metrics.last_look, metrics.last_error), (Some(clock().now()), None));
    // A handler that says the same goes on.
    assert_eq!(bench.logging.metrics().reloads, 1);
    fs::write(&bench.path, document("info")).unwrap();
    assert!(matches!(bench.watcher.look(), Look::Changing));
    let Look::Reloaded(reload) = bench.watcher.look() else { panic!("it has not changed") };
    assert_eq!((reload.kept, reload.changed), (vec!["null".to_owned()], Vec::new()));
}

/// The same length, and the same time of change: only the content differs.
#[test]
fn a_second_write_within_the_same_moment_is_found() {
    let mut bench = Bench::new();
    let time = fs::metadata(&bench.path).unwrap().modified().unwrap();
    let write = |path: &Path, level: &str| {
        fs::write(path, document(level)).unwrap();
        fs::File::options().append(true).open(path).unwrap().set_modified(time).unwrap();
    };
    write(&bench.path, "warn");
    // Another time of change tells the looks that the first content was settled.
    fs::File::options().append(true).open(&bench.path).unwrap().set_modified(time + LONG).unwrap();
    assert!(matches!(bench.watcher.look(), Look::Changing));
    assert!(matches!(bench.watcher.look(), Look::Reloaded(_)));
    fs::write(&bench.path, document("info")).unwrap();
    fs::File::options().append(true).open(&bench.path).unwrap().set_modified(time + LONG).unwrap();
    bench.takes(LevelFilter::Info);
}

#[test]
fn a_file_that_another_one_is_renamed_over_is_loaded() {
    let mut bench = Bench::new();
    let new = bench.dir.path().join("log.toml.new");
    fs::write(&new, document("error")).unwrap();
    fs::rename(&new, &bench.path).unwrap();
    bench.takes(LevelFilter::Error);
}

/// `log.toml` leads to `..data/log.toml`, and `..data` to a directory, which an update replaces.
#[cfg(unix)]
#[test]
fn the_swap_of_a_kubernetes_volume_is_found() {
    use std::os::unix::fs::symlink;

    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().to_owned();
    let version = |name: &str, level: &str| {
        fs::create_dir(root.join(name)).unwrap();
        fs::write(root.join(name).join("log.toml"), document(level)).unwrap();
        symlink(name, root.join("..data_tmp")).unwrap();
        fs::rename(root.join("..data_tmp"), root.join("..data")).unwrap();
    };
    version("..2026_1", "info");
    symlink("..data/log.toml", root.join("log.toml")).unwrap();
    let mut bench = Bench::of(dir, root.join("log.toml"));
    version("..2026_2", "debug");
    fs::remove_dir_all(root.join("..2026_1")).unwrap();
    bench.takes(LevelFilter::Debug);
}

#[test]
fn a_file_that_is_deleted_changes_nothing_until_it_comes_back() {
    let mut bench = Bench::new();
    fs::remove_file(&bench.path).unwrap();
    for _ in 0..3 {
        let Look::Unreadable(error) = bench.watcher.look() else { panic!("it can be read") };
        assert!(error.to_string().starts_with(&format!("cannot read {}", bench.path.display())), "{error}");
    }
    let text = bench.metrics().last_error.unwrap();
    assert!(text.starts_with(&format!("cannot read {}: ", bench.path.display())), "{text}");
    assert_eq!((bench.level(), bench.logging.metrics().failed_reloads), (LevelFilter::Info, 0));
    // The same content again is no change.
    fs::write(&bench.path, document("info")).unwrap();
    bench.rests();
    assert_eq!(bench.metrics().last_error, None);
    fs::remove_file(&bench.path).unwrap();
    assert!(matches!(bench.watcher.look(), Look::Unreadable(_)));
    fs::write(&bench.path, document("warn")).unwrap();
    bench.takes(LevelFilter::Warn);
}

/// A look between two writes of a program finds a part, which is not loaded even if it is a valid document.
#[test]
fn a_half_written_file_is_not_loaded() {
    let mut bench = Bench::new();
    let whole = format!("{}loggers.app.level = 'debug'\n", document("warn"));
    fs::write(&bench.path, "").unwrap();
    for _ in 0..2 {
        let Look::Unreadable(error) = bench.watcher.look() else { panic!("an empty file is not written yet") };
        assert!(error.to_string().ends_with("the file is empty"), "{error}");
    }
    let half = whole.lines().next().unwrap();
    fs::write(&bench.path, half).unwrap();
    assert!(matches!(bench.watcher.look(), Look::Changing));
    fs::write(&bench.path, &whole).unwrap();
    assert!(matches!(bench.watcher.look(), Look::Changing));
    assert_eq!(bench.logging.metrics().reloads, 0);
    assert!(matches!(bench.watcher.look(), Look::Reloaded(_)));
    assert_eq!(bench.logging.get_logger("app").unwrap().effective_level(), LevelFilter::Debug);
}

#[test]
fn a_broken_file_is_reported_once_per_content() {
    let mut bench = Bench::new();
    fs::write(&bench.path, "root.level = 'warm'").unwrap();
    assert!(matches!(bench.watcher.look(), Look::Changing));
    let Look::Refused(error) = bench.watcher.look() else { panic!("it is broken") };
    let text = format!("{}:1:14: root.level = \"warm\": ", bench.path.display());
    assert!(error.to_string().starts_with(&text), "{error}");
    bench.rests();
    let metrics = bench.logging.metrics();
    assert_eq!((metrics.reloads, metrics.failed_reloads), (0, 1));
    assert_eq!(metrics.last_reload_error, metrics.watches[0].last_error);
    assert_eq!(bench.level(), LevelFilter::Info);
    // Written again with the same mistake, and then with another one.
    fs::write(&bench.path, "root.level = 'warm'").unwrap();
    bench.rests();
    assert_eq!(bench.logging.metrics().failed_reloads, 1);
    fs::write(&bench.path, "root.level = 'hot'").unwrap();
    assert!(matches!(bench.watcher.look(), Look::Changing));
    assert!(matches!(bench.watcher.look(), Look::Refused(_)));
    assert_eq!(bench.logging.metrics().failed_reloads, 2);
    fs::write(&bench.path, document("warn")).unwrap();
    bench.takes(LevelFilter::Warn);
    assert_eq!(bench.metrics().last_error, None);
}

/// Back to what is in force, from something broken: nothing is loaded, and nothing is wrong any more.
#[test]
fn a_mistake_that_is_taken_back_is_forgotten() {
    let mut bench = Bench::new();
    fs::write(&bench.path, "root.level = 'warm'").unwrap();
    assert!(matches!(bench.watcher.look(), Look::Changing));
    assert!(matches!(bench.watcher.look(), Look::Refused(_)));
    fs::write(&bench.path, document("info")).unwrap();
    assert!(matches!(bench.watcher.look(), Look::Changing));
    bench.rests();
    assert_eq!((bench.metrics().last_error, bench.logging.metrics().reloads), (None, 0));
}

#[cfg(unix)]
#[test]
fn a_file_that_cannot_be_read_changes_nothing() {
    use std::os::unix::fs::PermissionsExt;

    let mut bench = Bench::new();
    fs::remove_file(&bench.path).unwrap();
    fs::create_dir(&bench.path).unwrap();
    let Look::Unreadable(error) = bench.watcher.look() else { panic!("a directory is no file") };
    assert!(error.to_string().ends_with("it is not an ordinary file"), "{error}");
    fs::remove_dir(&bench.path).unwrap();
    fs::write(&bench.path, document("warn")).unwrap();
    fs::set_permissions(&bench.path, fs::Permissions::from_mode(0o000)).unwrap();
    // Who has all rights reads it nevertheless.
    if fs::read(&bench.path).is_err() {
        for _ in 0..2 {
            assert!(matches!(bench.watcher.look(), Look::Unreadable(_)));
        }
        // Rights are no part of what looks compare: the file is simply read.
        fs::set_permissions(&bench.path, fs::Permissions::from_mode(0o600)).unwrap();
    }
    bench.takes(LevelFilter::Warn);
}

/// A handler that cannot be made, here because its file cannot be opened, refuses the whole content.
#[test]
fn a_file_whose_handlers_cannot_be_made_changes_nothing() {
    let mut bench = Bench::new();
    let target = bench.dir.path().join("taken");
    fs::create_dir(&target).unwrap();
    let text = format!("root.level = 'debug'\nhandlers.file = {{ type = 'file', path = {target:?} }}\n");
    fs::write(&bench.path, &text).unwrap();
    assert!(matches!(bench.watcher.look(), Look::Changing));
    assert!(matches!(bench.watcher.look(), Look::Refused(_)));
    assert_eq!(bench.level(), LevelFilter::Info);
    fs::remove_dir(&target).unwrap();
    // The content has not changed. A program, or SIGHUP, asks for it.
    bench.rests();
    assert!(matches!(bench.watcher.reload(), Look::Reloaded(_)));
    assert_eq!((bench.level(), bench.metrics().last_error), (LevelFilter::Debug, None));
}

/// The variables of the environment are over the file, as they are at the start.
#[test]
fn the_environment_overrides_what_is_loaded() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log.toml");
    fs::write(&path, document("info")).unwrap();
    let environment = Environment::of([("FEMTO_LOG", "app=trace"), ("FEMTO_LOG__LOGGERS__DB__LEVEL", "error")]);
    let loader = Loader::new().environment(environment);
    let spec = loader.load_path(Some(&path)).unwrap();
    let logging = Config::from_spec(&spec, &Registry::new()).unwrap().build().unwrap();
    let mut watcher = Watch::path(&path).loader(&loader).by_hand(&logging).unwrap();
    // Without handlers, it has the console of `init`.
    fs::write(&path, "root.level = 'warn'\nloggers.db.level = 'debug'").unwrap();
    assert!(matches!(watcher.look(), Look::Changing));
    let Look::Reloaded(reload) = watcher.look() else { panic!("it has not changed") };
    assert_eq!((reload.added, reload.removed), (vec!["console".to_owned()], vec!["null".to_owned()]));
    let levels = ["app", "db", "other"].map(|name| logging.get_logger(name).unwrap().effective_level());
    assert_eq!(levels, [LevelFilter::Trace, LevelFilter::Error, LevelFilter::Warn]);
}

#[test]
fn a_panic_of_the_registry_is_a_refusal() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log.toml");
    fs::write(&path, document("info")).unwrap();
    let made = Arc::new(AtomicU64::new(0));
    let registry = Registry::new().handler("own", {
        let made = made.clone();
        move |_| match made.fetch_add(1, Relaxed) {
            0 => panic!("expected by this test"),
            _ => Ok(femtologging::handler::FemtoNullHandler),
        }
    });
    let loader = Loader::new().registry(&registry).environment(Environment::of::<&str, &str>([]));
    let spec = loader.load_path(Some(&path)).unwrap();
    let logging = Config::from_spec(&spec, &registry).unwrap().build().unwrap();
    let mut watcher = Watch::path(&path).loader(&loader).by_hand(&logging).unwrap();
    fs::write(&path, "handlers.own.type = 'own'").unwrap();
    assert!(matches!(watcher.look(), Look::Changing));
    let Look::Refused(error) = watcher.look() else { panic!("the function has panicked") };
    assert!(error.to_string().contains("expected by this test"), "{error}");
    assert!(matches!(watcher.reload(), Look::Reloaded(_)));
}

/// Another change of the configuration comes first; the file is loaded by a later look.
#[test]
fn a_file_that_changes_during_another_change_is_loaded_later() {
    let mut bench = Bench::new();
    let (inside, is_inside) = std::sync::mpsc::channel();
    let (let_go, wait) = std::sync::mpsc::channel();
    let wait = std::sync::Mutex::new(Some((inside, wait)));
    let registry = Registry::new().handler("slow", move |_| {
        if let Some((inside, wait)) = wait.lock().unwrap().take() {
            inside.send(()).unwrap();
            let _ = wait.recv();
        }
        Ok(femtologging::handler::FemtoNullHandler)
    });
    std::thread::scope(|scope| {
        let logging = bench.logging.clone();
        let other = scope.spawn(move || {
            let spec =
                femtologging::config::Spec::from_str("handlers.slow.type = 'slow'", femtologging::config::Format::Toml);
            logging.reload(&spec.unwrap(), &registry, LONG).unwrap()
        });
        is_inside.recv().unwrap();
        fs::write(&bench.path, document("warn")).unwrap();
        for _ in 0..3 {
            assert!(matches!(bench.watcher.look(), Look::Changing));
        }
        let_go.send(()).unwrap();
        other.join().unwrap();
    });
    assert!(matches!(bench.watcher.look(), Look::Reloaded(_)));
    assert_eq!((bench.level(), bench.logging.metrics().failed_reloads), (LevelFilter::Warn, 0));
}

#[test]
fn a_watch_ends_with_its_system_and_when_it_is_dropped() {
    let Bench { dir: _dir, path, logging, mut watcher } = Bench::new();
    let other = Watch::path(&path).by_hand(&logging).unwrap();
    assert_eq!(logging.metrics().watches.len(), 2);
    drop(other);
    assert_eq!(logging.metrics().watches.len(), 1);
    logging.shutdown(LONG).unwrap();
    assert!(matches!(watcher.look(), Look::Over));
    assert_eq!(logging.metrics().watches, []);
    drop(logging);
    assert!(matches!(watcher.reload(), Look::Over));
}

/// The thread finds a change by itself, with and without events, and ends when it is told to.
#[test]
fn a_thread_watches_until_it_is_stopped() {
    for events in [false, true] {
        let bench = Bench::new();
        let Bench { path, logging, watcher, .. } = &bench;
        let every = Duration::from_millis(100);
        let loader = Loader::new().environment(Environment::of::<&str, &str>([]));
        let watching = Watch::path(path).loader(&loader).every(every).events(events).start(logging).unwrap();
        fs::write(path, document("warn")).unwrap();
        wait_until("it is loaded", || bench.level() == LevelFilter::Warn);
        wait_until("it is counted", || logging.metrics().watches[1].reloads == 1);
        let looks = || logging.metrics().watches.get(1).map(|watch| watch.looks);
        let before = looks();
        wait_until("it goes on", || looks() > before);
        watching.stop(LONG).unwrap();
        assert_eq!(looks(), None);
        fs::write(path, document("error")).unwrap();
        assert_eq!((bench.level(), logging.metrics().watches.len()), (LevelFilter::Warn, 1));
        let _ = watcher;
    }
}

/// An event brings the look that an hour's interval would bring later.
#[cfg(all(feature = "inotify", target_os = "linux"))]
#[test]
fn an_event_of_the_directory_shortens_the_wait() {
    let bench = Bench::new();
    let Bench { dir, path, logging, .. } = &bench;
    let loader = Loader::new().environment(Environment::of::<&str, &str>([]));
    let watch = Watch::path(path).loader(&loader).every(Duration::from_secs(3600));
    let watching = watch.start(logging).unwrap();
    let looks = || logging.metrics().watches[1].looks;
    // Of what the system was made of, it takes two; then it waits.
    wait_until("it waits for an hour", || looks() == 2);
    fs::write(path, document("warn")).unwrap();
    wait_until("it is loaded", || bench.level() == LevelFilter::Warn);
    let new = dir.path().join("new");
    fs::write(&new, document("error")).unwrap();
    fs::rename(&new, path).unwrap();
    wait_until("it is loaded", || bench.level() == LevelFilter::Error);
    drop(watching);
}

/// `SIGHUP` loads the file at once.
#[cfg(all(feature = "sighup", unix))]
#[test]
fn sighup_loads_the_file() {
    if !is_child("sighup_loads_the_file") {
        return;
    }
    let bench = Bench::new();
    let Bench { path, logging, .. } = &bench;
    let loader = Loader::new().environment(Environment::of::<&str, &str>([]));
    let watch = Watch::path(path).loader(&loader).every(Duration::from_secs(3600)).events(false).on_sighup();
    let watching = watch.start(logging).unwrap();
    wait_until("it waits for an hour", || logging.metrics().watches[1].looks == 2);
    for (round, level) in [(1, LevelFilter::Warn), (2, LevelFilter::Error)] {
        fs::write(path, document(&level.to_string().to_lowercase())).unwrap();
        signal_hook::low_level::raise(signal_hook::consts::SIGHUP).unwrap();
        wait_until("it is loaded", || logging.metrics().watches[1].reloads == round);
        assert_eq!(bench.level(), level);
    }
    // Also without a change.
    signal_hook::low_level::raise(signal_hook::consts::SIGHUP).unwrap();
    wait_until("it is loaded", || logging.metrics().watches[1].reloads == 3);
    watching.stop(LONG).unwrap();
    // It does not end the process.
    signal_hook::low_level::raise(signal_hook::consts::SIGHUP).unwrap();
}

/// `init` watches a file that says so, until another content says nothing any more.
#[test]
fn init_watches_a_file_that_asks_for_it() {
    if !is_child("init_watches_a_file_that_asks_for_it") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log.toml");
    fs::write(&path, format!("watch = '100 ms'\n{}", document("info"))).unwrap();
    let environment = Environment::of([("FEMTO_LOG_CONFIG", path.to_str().unwrap())]);
    Loader::new().environment(environment).init().unwrap();
    let level = || femtologging::root_logger().effective_level();
    assert_eq!((level(), femtologging::metrics().watches.len()), (LevelFilter::Info, 1));
    fs::write(&path, format!("watch = '200 ms'\n{}", document("warn"))).unwrap();
    wait_until("it is loaded", || level() == LevelFilter::Warn);
    fs::write(&path, document("error")).unwrap();
    wait_until("it is loaded", || level() == LevelFilter::Error);
    wait_until("it is not watched any more", || femtologging::metrics().watches.is_empty());
    femtologging::shutdown(LONG).unwrap();
}

/// A child of `fork` has no thread that watches, and ends like any other. Its parent goes on watching.
#[cfg(unix)]
#[test]
#[allow(unsafe_code)]
fn a_child_of_fork_does_not_watch() {
    if !is_child("a_child_of_fork_does_not_watch") {
        return;
    }
    let bench = Bench::new();
    let Bench { path, logging, .. } = &bench;
    let loader = Loader::new().environment(Environment::of::<&str, &str>([]));
    let every = Duration::from_millis(100);
    let watching = Watch::path(path).loader(&loader).every(every).start(logging).unwrap();
    // SAFETY: the child calls only functions that this library makes safe after a fork, and ends.
    match unsafe { libc::fork() } {
        0 => {
            let is_over = watching.stop(LONG).is_ok() && logging.metrics().watches.len() == 1;
            // SAFETY: it ends the child without its parent's exit hooks.
            unsafe { libc::_exit(i32::from(!is_over)) }
        }
        child => {
            let mut status = 0;
            // SAFETY: the pointer is to an integer on this stack.
            assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
            assert_eq!(status, 0);
        }
    }
    fs::write(path, document("warn")).unwrap();
    wait_until("the parent watches", || bench.level() == LevelFilter::Warn);
    watching.stop(LONG).unwrap();
}
