fn main() {
    femtologging::info!("{}" 1);
}
