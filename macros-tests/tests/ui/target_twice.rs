fn main() {
    femtologging::info!(target: "a", target: "b", "text");
}
