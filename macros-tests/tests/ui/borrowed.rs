fn main() {
    let mut list = vec![1];
    let first = &mut list[0];
    femtologging::info!("m"; list);
    *first = 2;
}
