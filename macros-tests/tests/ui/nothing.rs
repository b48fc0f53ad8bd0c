//! Where there is no token to point at, the error is at the whole call.

fn main() {
    femtologging::info!();
    femtologging::warn!(target: "audit",);
    femtologging::log!();
    let _ = femtologging::enabled!();
    let _ = femtologging::span!();
    let _ = femtologging::info_span!();
}
