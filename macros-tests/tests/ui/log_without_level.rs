fn main() {
    femtologging::log!("text {}", 1);
    femtologging::log!();
}
