fn main() {
    let (text, n) = ("no error", 1);
    femtologging::info!("m"; cause:err = text);
    femtologging::info!("m"; n:err);
}
