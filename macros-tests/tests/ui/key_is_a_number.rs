fn main() {
    femtologging::info!("text"; 7 = "ada");
}
