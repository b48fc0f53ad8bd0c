fn main() {
    femtologging::log!(every: 3, femtologging::Level::Info, "m");
}
