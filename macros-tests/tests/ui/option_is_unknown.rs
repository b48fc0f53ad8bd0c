fn main() {
    femtologging::info!(name: "app", "text");
}
