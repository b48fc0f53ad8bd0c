fn main() {
    femtologging::info!(once, every: 3, "m");
}
