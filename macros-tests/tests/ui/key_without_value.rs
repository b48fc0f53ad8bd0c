fn main() {
    femtologging::info!("text"; user = );
}
