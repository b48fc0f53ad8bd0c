fn main() {
    let _ = femtologging::info_span!(once, "load");
}
