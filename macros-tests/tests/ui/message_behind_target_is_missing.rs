fn main() {
    femtologging::warn!(target: "audit");
}
