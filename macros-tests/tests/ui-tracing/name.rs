use femtologging::compat::tracing::info_span;

fn main() {
    let _ = info_span!();
    let _ = info_span!("load" table = "users");
}
