fn main() {
    femtologging::info!("text"; user = "ada", n = 1; m = 2);
}
