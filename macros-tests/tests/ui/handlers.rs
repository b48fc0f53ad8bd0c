use femtologging::{Config, FemtoStreamHandler};

fn main() {
    let _ = Config::builder().add_handler("x", FemtoStreamHandler::stderr()).build();
    let _ = Config::builder().add_handler("x", "stderr").build();
}
