//! How a worker waits between two looks at an empty queue.
//!
//! Callers do not wake the worker, because a wake-up would cost them about 10 µs. The worker polls: first without
//! sleeping, then in sleeps that double from `first_sleep` to `longest_sleep`. Records at `wake_level` and above,
//! flushes and shutdowns end a sleep, and so does a caller that finds the queue full.
//!
//! With the defaults, after a record:
//!
//! ```text
//! look     1 … 16          17       18        19       …   28        29 …
//! wait     2 µs each       50 µs    100 µs    200 µs   …   100 ms    100 ms
//! ```
//!
//! The first sleep therefore begins 32 µs after the last record, and the longest one about 100 ms after it.

use std::time::{Duration, Instant};

use crate::policy::IdlePolicy;

/// The state of the wait.
pub(super) struct Idle {
    policy: IdlePolicy,
    /// The number of looks that found nothing since the last one that found records.
    looks: u32,
    /// The duration of the next sleep.
    sleep: Duration,
}

/// The number of looks without a sleep, `spin` apart, before the first sleep.
const SPINS: u32 = 16;

impl Idle {
    pub(super) fn new(policy: IdlePolicy) -> Self {
        Self { policy, looks: 0, sleep: policy.first_sleep }
    }

    /// Starts again from the shortest wait, after a look that found records.
    pub(super) fn reset(&mut self) {
        self.looks = 0;
        self.sleep = self.policy.first_sleep;
    }

    /// Spins for `spin`. The next look then finds several records; a consumer that takes each record when it comes
    /// makes both sides wait for cache lines.
    pub(super) fn pause(&self) {
        let start = Instant::now();
        while start.elapsed() < self.policy.spin {
            std::hint::spin_loop();
        }
    }

    /// Waits before the next look: `spin` for the first few looks, then asleep, for longer each time.
    pub(super) fn wait(&mut self) {
        self.looks = self.looks.saturating_add(1);
        if self.looks <= SPINS {
            return self.pause();
        }
        std::thread::park_timeout(self.sleep);
        self.sleep = (self.sleep * 2).min(self.policy.longest_sleep);
    }
}
