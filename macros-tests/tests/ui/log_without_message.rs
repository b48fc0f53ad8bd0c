fn main() {
    femtologging::log!(femtologging::Level::Info);
    femtologging::log!(femtologging::Level::Info, 1 + 1);
}
