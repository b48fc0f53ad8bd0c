fn main() {
    femtologging::span!("load"; n = 1);
    femtologging::span!(femtologging::Level::Info);
}
