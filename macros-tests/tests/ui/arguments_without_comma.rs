fn main() {
    femtologging::info!("{} {}", 1 2);
}
