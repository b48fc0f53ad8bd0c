fn main() {
    let logger = "app";
    femtologging::info!(logger: logger, "m");
}
