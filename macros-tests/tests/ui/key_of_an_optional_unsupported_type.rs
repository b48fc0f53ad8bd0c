fn main() {
    femtologging::info!("text"; size = Some(Some(1)));
}
