fn main() {
    femtologging::info!("text"; user: "ada");
}
