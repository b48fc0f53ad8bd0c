fn main() {
    femtologging::info!("{} of {}", 1);
}
