fn main() {
    femtologging::info!(logger: "app", "text");
}
