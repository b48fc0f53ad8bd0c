fn main() {
    femtologging::enabled!();
    femtologging::enabled!(target: "audit");
}
