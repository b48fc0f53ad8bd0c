fn main() {
    femtologging::info!("{user}");
}
