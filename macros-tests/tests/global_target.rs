//! Calls without `logger:` belong to the global system; the target, by default the module path, is the logger's name.
//! The only test of its process.

use femtologging::config::LoggerConfig;
use femtologging::handler::FemtoCaptureHandler;
use femtologging::record::OwnedRecord;
use femtologging::{Config, Level, LevelFilter, enabled, error, info, log, trace};
use macros_tests::PATIENCE;

mod inner {
    pub fn log() {
        femtologging::info!("from {}", "inside"; k = 1);
        femtologging::debug!("too quiet");
    }
}

#[test]
fn targets_choose_the_logger() -> Result<(), femtologging::Error> {
    let (all, audit) = (FemtoCaptureHandler::new(), FemtoCaptureHandler::new());
    Config::builder()
        .default_level(LevelFilter::Info)
        .add_handler("all", all.clone())
        .add_handler("audit", audit.clone())
        .root_handlers(["all"])
        .add_logger("audit", LoggerConfig::new().level(Level::Trace).handlers(["audit"]))
        .add_logger("global_target::quiet", LoggerConfig::new().level(Level::Error))
        .build_and_init()?;

    const AUDIT: &str = "audit";
    let owned = String::from("audit.db");
    info!("default");
    inner::log();
    for _ in 0..2 {
        trace!("too quiet");
        trace!(target: "audit", "literal {}", 1);
        trace!(target: AUDIT, "constant");
        trace!(target: owned, "{}", "owned");
        log!(Level::Trace, target: &owned, "reference");
        info!(target: "global_target::quiet", "too quiet");
        error!(target: "global_target::quiet", "loud enough");
    }
    assert!(enabled!(Level::Info) && !enabled!(Level::Debug));
    assert!(enabled!(target: "audit", Level::Trace) && enabled!(target: owned, Level::Trace));
    assert!(
        !enabled!(target: "global_target::quiet", Level::Warn) && !enabled!(target: format!("{}", "x"), Level::Debug)
    );

    femtologging::flush(PATIENCE)?;
    let said = |record: &OwnedRecord| (record.target().to_owned(), record.message().to_owned());
    let audits = [("audit", "literal 1"), ("audit", "constant"), ("audit.db", "owned"), ("audit.db", "reference")];
    let once = [&audits[..], &[("global_target::quiet", "loud enough")]].concat();
    let expected =
        [&[("global_target", "default"), ("global_target::inner", "from inside")], &once[..], &once].concat();
    let owned =
        |list: &[(&str, &str)]| list.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect::<Vec<_>>();
    assert_eq!(all.records().iter().map(said).collect::<Vec<_>>(), owned(&expected));
    assert_eq!(audit.records().iter().map(said).collect::<Vec<_>>(), owned(&[audits, audits].concat()));
    for record in all.records() {
        assert_eq!(record.logger(), record.target());
    }
    assert_eq!(all.records()[1].module_path(), "global_target::inner");
    Ok(())
}
