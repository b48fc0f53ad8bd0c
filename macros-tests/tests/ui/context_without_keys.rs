fn main() {
    let _ = femtologging::context! { 1 };
    let _ = femtologging::context! { "text" };
    let _ = femtologging::context! { a = 1 b = 2 };
}
