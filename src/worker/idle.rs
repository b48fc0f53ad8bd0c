//! What a worker does between two looks at an empty queue.

use std::time::{Duration, Instant};

use crate::policy::IdlePolicy;

/// Counts how long nothing came.
pub(super) struct Idle {
    policy: IdlePolicy,
    looks: u32,
    sleep: Duration,
}

/// How often it looks again without sleeping, `spin` apart, before the first sleep.
const SPINS: u32 = 16;

impl Idle {
    pub(super) fn new(policy: IdlePolicy) -> Self {
        Self { policy, looks: 0, sleep: policy.first_sleep }
    }

    /// Says that there was something to do.
    pub(super) fn reset(&mut self) {
        self.looks = 0;
        self.sleep = self.policy.first_sleep;
    }

    /// Waits for `spin`: what came in the meantime is then taken out in one go, instead of in lock-step with callers.
    pub(super) fn pause(&self) {
        let start = Instant::now();
        while start.elapsed() < self.policy.spin {
            std::hint::spin_loop();
        }
    }

    /// Waits before the next look: `spin` for the first few times, then longer and longer. A wake-up ends a sleep.
    pub(super) fn wait(&mut self) {
        self.looks = self.looks.saturating_add(1);
        if self.looks <= SPINS {
            return self.pause();
        }
        std::thread::park_timeout(self.sleep);
        self.sleep = (self.sleep * 2).min(self.policy.longest_sleep);
    }
}
