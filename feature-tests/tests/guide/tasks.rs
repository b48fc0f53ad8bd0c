use femtologging::span::FemtoFutureExt;
use femtologging::{Level, assert_logged, info, testing};

#[tokio::test(flavor = "multi_thread")]
async fn what_a_test_starts_is_captured_if_it_is_carried() {
    let log = testing::capture();
    testing::spawn(|| info!("a thread")).join().unwrap();
    tokio::spawn(async { info!("a task") }.in_current_context()).await.unwrap();
    assert_logged!(log, Level::Info, "a thread");
    assert_logged!(log, Level::Info, "a task");
}
