//! What a change of the configuration costs callers: percentiles of single calls, with and without one every 10 ms.
//!
//! ```text
//! cargo bench --bench reload
//! cargo bench --bench reload -- --quick
//! ```
//!
//! One thread logs three numbers in bursts, with 100 µs between them. Meanwhile another one puts a handler in the place
//! of the one that is there, and changes the level of a logger: the routes are new each time. A lost record panics.

mod common;

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use common::{Cost, Effort, PATIENCE, Pause, Timer, calls, finish, sample, start};
use femtologging::handler::FemtoNullHandler;
use femtologging::{Level, Logging};

const INTERVAL: Duration = Duration::from_millis(10);

fn main() {
    let effort = Effort::from_args();
    let bursts = match effort {
        Effort::Smoke => 20,
        Effort::Quick => 2_000,
        Effort::Full => 10_000,
    };
    let timer = Timer::new();
    let (mut without, mut with) = (Vec::new(), Vec::new());
    let mut reloads = 0;
    for _ in 0..effort.rounds() {
        start(1);
        let quiet = sample(&timer, Pause::SHORT, bursts, calls::numbers);
        let goes_on = AtomicBool::new(true);
        let busy = thread::scope(|scope| {
            let changes = scope.spawn(|| change_until_told(&goes_on));
            let busy = sample(&timer, Pause::SHORT, bursts, calls::numbers);
            goes_on.store(false, Relaxed);
            reloads += changes.join().expect("a change failed");
            busy
        });
        let logged = quiet.made + busy.made;
        without.push(Cost::new(&timer, quiet));
        with.push(Cost::new(&timer, busy));
        finish(logged);
    }
    println!("{reloads} changes in {} rounds\n", effort.rounds());
    println!("| three numbers, ns | burst | p50 | p90 | p99 | p99.9 |\n|---|---|---|---|---|---|");
    for (name, costs) in [("without changes", &without), ("a change every 10 ms", &with)] {
        let Cost { burst, percentiles: [p50, p90, p99, p999] } = Cost::median(costs);
        println!("| {name} | {burst:.1} | {p50:.0} | {p90:.0} | {p99:.0} | {p999:.0} |");
    }
    let ratio = Cost::median(&with).percentiles[3] / Cost::median(&without).percentiles[3];
    println!("\np99.9 with changes / without: {ratio:.2} (goal: at most 2)");
}

/// Changes the handler and a logger every 10 ms. Returns how often.
fn change_until_told(goes_on: &AtomicBool) -> u64 {
    let logging = Logging::global().expect("the benchmark has set it up");
    let name = logging.metrics().handlers[0].name.clone();
    let logger = logging.get_logger("elsewhere").expect("the name is valid");
    let mut count = 0;
    while goes_on.load(Relaxed) {
        logging.replace_handler(&name, FemtoNullHandler, PATIENCE).expect("nothing is in its way");
        logger.set_level(if count % 2 == 0 { Level::Debug } else { Level::Warn });
        count += 1;
        thread::sleep(INTERVAL);
    }
    count
}
