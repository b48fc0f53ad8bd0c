use femtologging::Level;

fn main() {
    femtologging::log!("m");
    femtologging::log!(20, "m");
    femtologging::log!("info".len(), "m");
    femtologging::log!(level: Level::Info, "m");
    femtologging::log!(target: "a", target: "b", Level::Info, "m");
    femtologging::log!(Level::Info);
    femtologging::info!(Level::Info, "m");
    let _: bool = femtologging::enabled!(target: "a");
    let _: bool = femtologging::log_enabled!(20);
    let _ = femtologging::span!("load").enter();
    let _ = femtologging::span!(Level::Info).enter();
}
