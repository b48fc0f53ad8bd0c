fn main() {
    femtologging::info!("{}", 1, total = 2);
}
