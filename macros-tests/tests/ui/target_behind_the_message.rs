fn main() {
    femtologging::info!("text", target: "a");
}
