fn main() {
    let items = Some(vec![1]);
    femtologging::info!("text"; items);
}
