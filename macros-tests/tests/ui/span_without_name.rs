fn main() {
    femtologging::info_span!();
    femtologging::info_span!(n = 1);
    let name = "load";
    femtologging::info_span!(name);
}
