fn main() {
    let _ = femtologging::context! { a:hex = 1 };
}
