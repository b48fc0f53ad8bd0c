use femtologging::{context, info_span};

fn main() {
    let (name, n) = ("load", 1);
    let _ = info_span!(n = 1).enter();
    let _ = info_span!(name).enter();
    let _ = info_span!(format!("load {n}"); n).enter();
    let _ = info_span!("load {}", 1).enter();
    let _ = info_span!("load" "users").enter();
    let _ = info_span!("load" n).enter();
    let _ = info_span!(target: "a", target: "b", "load").enter();
    let _ = info_span!("load"; user: 1).enter();
    let _ = info_span!("load"; user:hex = 1).enter();
    let _ = info_span!("load"; a = 1 b = 2).enter();
    let _ = context! { 1 }.enter();
    let _ = context! { "text" }.enter();
    let _ = context! { a = 1 b = 2 }.enter();
    let _ = context! { a:hex = 1 }.enter();
    let _ = context! { a: 1 }.enter();
    let _ = context! { a = }.enter();
    let _ = context! { a, &n }.enter();
}
