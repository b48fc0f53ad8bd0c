fn main() {
    let logger = femtologging::root_logger();
    femtologging::info!(name: "app", "m");
    femtologging::info!(targets: "app", "m");
    femtologging::info!(target "t", "m");
    femtologging::info!(target: "t" "m");
    femtologging::info!(target: format!("t") "m");
    femtologging::info!(logger: logger "m");
    femtologging::info!(logger: "app", "m");
    femtologging::info!(target: "a", target: "b", "m");
    femtologging::info!(logger: logger, target: "a", logger: logger, "m");
    femtologging::info!("m", target: "a");
    femtologging::info!("m"; target: "a");
    femtologging::info!("{}", 1, logger: logger);
}
