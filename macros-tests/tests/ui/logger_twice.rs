fn main() {
    let logger = femtologging::root_logger();
    femtologging::info!(logger: logger, logger: logger, "text");
}
