fn main() {
    femtologging::info!(target: 5, "text");
}
