fn main() {
    femtologging::info!("{:x}", "text");
}
