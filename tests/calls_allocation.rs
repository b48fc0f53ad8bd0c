//! A log call allocates nothing on its thread, after the first record of its call site and thread.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::net::Ipv4Addr;
use std::time::Duration;

use femtologging::handler::FemtoNullHandler;
use femtologging::{Config, Level, context, debug, get_logger, info, shutdown, warn};

struct Counting;

thread_local! {
    /// The number of allocations of this thread.
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

fn count() {
    let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
}

// SAFETY: everything is passed to the system's allocator; the counter is a thread-local cell without a destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promises are those of this function.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are those of this function.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn a_call_allocates_nothing_on_its_thread() {
    Config::builder().default_level(Level::Info).add_handler("null", FemtoNullHandler).build_and_init().unwrap();
    let logger = get_logger("shop").unwrap();
    let (user, owned, peer) = ("ada", String::from("a text of its own"), Ipv4Addr::LOCALHOST);
    let _scope = context! { request = 7, user }.enter();
    let calls = || {
        info!("ready");
        info!("{} of {} at {}", 3, 5_u64, 0.5);
        info!("{} from {}", owned, peer; took = Duration::from_millis(3), express = true, left = None::<u8>);
        info!("{:>8} and {:?}", user, owned; sizes = [1, 2, 3]);
        info!("{user}, whom the caller formats"; cause:? = (1, 2));
        info!(logger: logger, target: "audit", "{} packed", 3);
        warn!(every: 2, "{} left", 3);
        debug!("{} is disabled", owned);
    };
    // `every: 2` carries its key `suppressed` from the third round on.
    (0..3).for_each(|_| calls());
    let before = ALLOCATIONS.get();
    (0..100).for_each(|_| calls());
    assert_eq!(ALLOCATIONS.get() - before, 0);
    // The counter counts.
    let before = ALLOCATIONS.get();
    drop(std::hint::black_box(Box::new(7)));
    assert_eq!(ALLOCATIONS.get() - before, 1);
    shutdown(Duration::from_secs(60)).unwrap();
}
