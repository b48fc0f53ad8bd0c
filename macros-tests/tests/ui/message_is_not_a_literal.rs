fn main() {
    let message = "text";
    femtologging::info!(message);
}
