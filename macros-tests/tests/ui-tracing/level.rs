use femtologging::compat::tracing::{Level, enabled, event, span};

fn main() {
    event!("ready");
    event!(Level::INFO);
    let _ = span!(Level::INFO);
    let _ = enabled!();
    let level = Level::INFO;
    event!(level, "ready");
}
