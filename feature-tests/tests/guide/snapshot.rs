use femtologging::{info, testing};
use std::time::Instant;

#[test]
fn an_order_is_logged_as_ever() {
    let log = testing::capture();
    let start = Instant::now();
    info!(target: "shop", "packed {} lamps", 3; took = start.elapsed());
    insta::assert_snapshot!(log.snapshot(), @"[time] INFO  shop [thread] packed 3 lamps took=[duration]");
}
