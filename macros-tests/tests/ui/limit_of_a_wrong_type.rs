fn main() {
    let n: usize = 3;
    femtologging::info!(every: n, "m");
    femtologging::info!(per: 3, "m");
    femtologging::info!(sample: 1, "m");
}
