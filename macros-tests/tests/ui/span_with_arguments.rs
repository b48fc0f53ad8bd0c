fn main() {
    let _ = femtologging::info_span!("load {}", 1);
}
