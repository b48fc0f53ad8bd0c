fn main() {
    femtologging::log!("info".len(), "text");
    femtologging::enabled!(20);
}
