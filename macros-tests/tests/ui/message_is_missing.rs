fn main() {
    femtologging::info!();
}
