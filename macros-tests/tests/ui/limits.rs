use femtologging::Level;

fn main() {
    let day = std::time::Duration::from_secs(86_400);
    femtologging::info!(once: true, "m");
    femtologging::info!(once "m");
    femtologging::info!(every 5, "m");
    femtologging::info!(every: 5 "m");
    femtologging::info!(once, every: 3, "m");
    femtologging::info!(every: 3, per: day, "m");
    femtologging::info!("m", every: 3);
    femtologging::log!(every: 3, Level::Info, "m");
    let _ = femtologging::enabled!(once, Level::Info);
    let _ = femtologging::enabled!(every: 3, Level::Info);
    let _ = femtologging::info_span!(once, "load");
    let _ = femtologging::info_span!(every: 3, "load");
}
