//! What a call costs its caller, next to the floor in the same run: burst means and percentiles.
//!
//! ```text
//! cargo bench --bench percentiles
//! cargo bench --bench percentiles -- --quick
//! ```
//!
//! The floor is what no call can go below: it reads the cycle counter, stores the words of a record of three numbers, and publishes
//! them with one release store. It is measured right before each kind of call, in the same pattern, round after round;
//! every figure is the median of the rounds. The handlers do nothing but count. A lost record panics.
//!
//! * *Burst* is the mean call of a burst of 20 that is timed as a whole, median of the bursts.
//! * *p50 … p99.9* are those of single calls, in other bursts of the same run, less what reading the counter costs.
//!
//! Where the cycle counter moves in steps, about 10 ns on some machines, so do the percentiles: a floor of one step makes every ratio
//! a whole number. The mean of a burst is finer, so targets for p50 are judged by both. It is also stricter: a call's
//! work that a processor overlaps with what follows is in a burst's time, and partly not in a single call's.
//!
//! Other load on the machine shows in p99 and p99.9, in the floor's too.

mod common;

use std::mem::take;
use std::time::Duration;

use common::calls::{self, FOUR_KEYS, IN_CONTEXT, INLINE, NUMBERS, STRING, Visit};
use common::ring::Ring;
use common::{
    Bound::*, Cost, Effort, Pause, Target, Timer, finish, median, print_targets, sample, sample_in_threads, start,
    time_tens,
};

const KINDS: &str = "Kinds of calls; one producer, bursts of 20, 100 µs of busy pause";
const PATTERNS: &str = "Three numbers, one producer, other patterns";
const PRODUCERS: &str = "Three numbers, several producers; bursts of 20, each asleep for 100 µs between them";
const SLOW: &str = "2 ms asleep between bursts";
const ONE_PRODUCER: &str = "one producer";
const TWO_PRODUCERS: &str = "two producers";
/// What sends no record.
const SILENT: [&str; 7] = [
    "relaxed load and comparison",
    "disabled `debug!`",
    "`enabled!`, not so",
    "turned away by `first`",
    "turned away by `sample`",
    "a span entered and left",
    "a span made, entered and left",
];
const SLEEP: Duration = Duration::from_micros(100);

/// Where [`Cost::percentiles`] has them.
const P50: usize = 0;
const P99: usize = 2;

/// One line of a table: the floor and the call, by round.
struct Row {
    section: &'static str,
    name: String,
    floor: Vec<Cost>,
    call: Vec<Cost>,
}

impl Row {
    fn floor(&self) -> Cost {
        Cost::median(&self.floor)
    }

    fn call(&self) -> Cost {
        Cost::median(&self.call)
    }

    /// The median of the rounds' ratios.
    fn ratio(&self) -> f64 {
        median(&mut self.call.iter().zip(&self.floor).map(|(call, floor)| call.burst / floor.burst).collect::<Vec<_>>())
    }

    /// The ratio of a percentile.
    fn ratio_at(&self, which: usize) -> f64 {
        self.call().percentiles[which] / self.floor().percentiles[which]
    }
}

struct Bench {
    timer: Timer,
    bursts: u64,
    /// How many calls the current logging system got.
    logged: u64,
    rows: Vec<Row>,
    /// Nanoseconds of what sends no record: what a disabled call cannot do without, and then as in [`SILENT`].
    silent: [Vec<f64>; 7],
}

impl Visit for Bench {
    fn visit(&mut self, name: &str, call: impl Fn(u64)) {
        self.measure(KINDS, name, Pause::SHORT, self.bursts, call);
    }
}

impl Bench {
    fn measure(&mut self, section: &'static str, name: &str, pause: Pause, bursts: u64, call: impl Fn(u64)) {
        let ring = Ring::new();
        let floor = sample(&self.timer, pause, bursts, |i| ring.store(i));
        let call = sample(&self.timer, pause, bursts, call);
        self.logged += call.made;
        let (floor, call) = (Cost::new(&self.timer, floor), Cost::new(&self.timer, call));
        self.push(section, name, floor, call);
    }

    fn measure_producers(&mut self, name: &str, producers: usize) {
        let (timer, pause, bursts) = (&self.timer, Pause::Sleep(SLEEP), self.bursts);
        let floor = sample_in_threads(producers, || {
            let ring = Ring::new();
            sample(timer, pause, bursts, |i| ring.store(i))
        });
        let call = sample_in_threads(producers, || sample(timer, pause, bursts, calls::numbers));
        self.logged += call.made;
        let (floor, call) = (Cost::new(timer, floor), Cost::new(timer, call));
        self.push(PRODUCERS, name, floor, call);
    }

    fn push(&mut self, section: &'static str, name: &str, floor: Cost, call: Cost) {
        match self.rows.iter_mut().find(|row| row.section == section && row.name == name) {
            Some(row) => {
                row.floor.push(floor);
                row.call.push(call);
            }
            None => self.rows.push(Row { section, name: name.into(), floor: vec![floor], call: vec![call] }),
        }
    }

    fn measure_silent(&mut self) {
        let span = calls::quiet_span();
        let [least, disabled, not_enabled, first, sampled, entered, made] = &mut self.silent;
        least.push(time_tens(&self.timer, calls::ten_bare));
        disabled.push(time_tens(&self.timer, calls::ten_disabled));
        not_enabled.push(time_tens(&self.timer, calls::ten_not_enabled));
        first.push(time_tens(&self.timer, calls::ten_turned_away));
        sampled.push(time_tens(&self.timer, calls::ten_counted));
        entered.push(time_tens(&self.timer, |i| calls::ten_entered(&span, i)));
        made.push(time_tens(&self.timer, calls::ten_made));
    }

    fn round(&mut self) {
        start(1);
        self.measure_silent();
        calls::visit_all(self);
        let slow = self.bursts / 8 + 1;
        self.measure(PATTERNS, SLOW, Pause::Sleep(Duration::from_millis(2)), slow, calls::numbers);
        self.measure(PATTERNS, "sustained, no pause", Pause::None, self.bursts, calls::numbers);
        for (producers, name) in [(1, ONE_PRODUCER), (2, TWO_PRODUCERS), (4, "four producers")] {
            self.measure_producers(name, producers);
        }
        finish(take(&mut self.logged));

        start(2);
        self.visit(&format!("{NUMBERS}, two handlers"), calls::numbers);
        finish(take(&mut self.logged));
    }

    fn row(&self, section: &str, name: &str) -> &Row {
        self.rows.iter().find(|row| row.section == section && row.name == name).expect("it was measured")
    }

    fn print(&self) {
        let list = |cost: Cost| {
            let [p50, p90, p99, p999] = cost.percentiles;
            format!("{:.1}, {p50:.0} / {p90:.0} / {p99:.0} / {p999:.0}", cost.burst)
        };
        for section in [KINDS, PATTERNS, PRODUCERS] {
            println!("\n## {section}\n");
            println!("| call | burst, p50 / p90 / p99 / p99.9 | the floor's | × floor | p99 × floor |");
            println!("|---|---|---|---|---|");
            for row in self.rows.iter().filter(|row| row.section == section) {
                let (call, floor) = (list(row.call()), list(row.floor()));
                println!("| {} | {call} | {floor} | {:.2} | {:.2} |", row.name, row.ratio(), row.ratio_at(P99));
            }
        }
        println!("\n## Calls that send no record\n\n| call | ns | × |\n|---|---|---|");
        let silent = self.silent();
        for (name, ns) in SILENT.iter().zip(silent) {
            println!("| {name} | {ns:.2} | {:.2} |", ns / silent[0]);
        }
    }

    fn silent(&self) -> [f64; 7] {
        self.silent.each_ref().map(|rounds| median(&mut rounds.clone()))
    }

    fn print_targets(&self) {
        let [least, disabled, ..] = self.silent();
        let row = |name: &str| self.row(KINDS, name);
        let (numbers, string, inline) = (row(NUMBERS), row(STRING), row(INLINE));
        let (four_keys, in_context) = (row(FOUR_KEYS), row(IN_CONTEXT));
        let slow = self.row(PATTERNS, SLOW);
        let (one, two) = (self.row(PRODUCERS, ONE_PRODUCER), self.row(PRODUCERS, TWO_PRODUCERS));
        let producers = two.call().burst / one.call().burst;
        let at_most = |what, figure, bound| Target { what, figure, bound: AtMost(bound) };
        print_targets(&[
            at_most("disabled call / relaxed load and comparison", disabled / least, 1.2),
            at_most("three numbers / floor, burst", numbers.ratio(), 1.15),
            at_most("three numbers / floor, p50", numbers.ratio_at(P50), 1.15),
            at_most("three numbers / floor, p99", numbers.ratio_at(P99), 2.0),
            at_most("three numbers / floor, p50, 2 ms pauses", slow.ratio_at(P50), 1.3),
            at_most("three numbers / floor, p99, 2 ms pauses", slow.ratio_at(P99), 2.0),
            at_most("string of 40 / floor, burst", string.ratio(), 1.25),
            at_most("string of 40 / floor, p50", string.ratio_at(P50), 1.25),
            at_most("two inline integers / floor, burst", inline.ratio(), 4.0),
            at_most("two inline integers / floor, p50", inline.ratio_at(P50), 4.0),
            at_most("four key-values / three numbers, burst", four_keys.ratio() / numbers.ratio(), 2.0),
            at_most("four key-values / three numbers, p50", four_keys.ratio_at(P50) / numbers.ratio_at(P50), 2.0),
            at_most("two context keys / three numbers, burst", in_context.ratio() / numbers.ratio(), 1.5),
            at_most("two context keys / three numbers, p50", in_context.ratio_at(P50) / numbers.ratio_at(P50), 1.5),
            at_most("two producers / one, burst (5 % for noise)", producers, 1.05),
            at_most("lost records", 0.0, 0.0),
        ]);
        println!("\nNext to the Rust peers: `benches/peers`; throughput, memory, idling: `cargo bench --bench rates`.");
    }
}

fn main() {
    let effort = Effort::from_args();
    let bursts = match effort {
        Effort::Smoke => 20,
        Effort::Quick => 400,
        Effort::Full => 2_000,
    };
    let timer = Timer::new();
    println!("Nanoseconds of one call; the counter moves in steps of {:.1} ns.", timer.step());
    println!("{} rounds of 2 × {bursts} bursts each.", effort.rounds());
    let mut bench = Bench { timer, bursts, logged: 0, rows: Vec::new(), silent: Default::default() };
    for _ in 0..effort.rounds() {
        bench.round();
    }
    bench.print();
    bench.print_targets();
}
