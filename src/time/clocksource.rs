//! Whether the kernel trusts the processor's cycle counter.
//!
//! Linux compares the counter with another clock while it runs, and the counters of the cores with each other. A
//! counter that fails is marked unstable, and the kernel switches to another clock source. See
//! `Documentation/timers/timekeeping.rst` and `kernel/time/clocksource.c` in its sources.

/// Whether the counter can be used for time stamps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    /// The kernel keeps time by it.
    Trusted,
    /// The kernel keeps time by something else.
    Refused,
    /// The kernel does not say.
    Unknown,
}

/// Returns the kernel's judgement.
pub(super) fn of_the_kernel() -> Judgement {
    if cfg!(target_os = "linux") {
        let current = std::fs::read_to_string("/sys/devices/system/clocksource/clocksource0/current_clocksource");
        judge(current.ok().as_deref())
    } else {
        Judgement::Unknown
    }
}

/// Judges by the name of the current clock source. That of the cycle counter is `tsc` on x86, and `arch_sys_counter` on
/// ARM.
///
/// A guest's `kvm-clock` or `hyperv_clocksource_tsc_page` is made from the counter, but corrected for each core or
/// after a migration; the bare counter is not.
fn judge(current: Option<&str>) -> Judgement {
    match current.map(str::trim) {
        Some("tsc" | "arch_sys_counter") => Judgement::Trusted,
        Some(_) => Judgement::Refused,
        None => Judgement::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_current_clock_source_decides() {
        for (current, expected) in [
            (Some("tsc\n"), Judgement::Trusted),
            (Some("arch_sys_counter\n"), Judgement::Trusted),
            (Some("hpet\n"), Judgement::Refused),
            (Some("acpi_pm\n"), Judgement::Refused),
            (Some("kvm-clock\n"), Judgement::Refused),
            (Some("tsc-early\n"), Judgement::Refused),
            (Some(""), Judgement::Refused),
            (None, Judgement::Unknown),
        ] {
            assert_eq!(judge(current), expected, "{current:?}");
        }
    }
}
