fn main() {
    let _ = femtologging::enabled!(once, femtologging::Level::Info);
}
