struct Point;

fn main() {
    let _ = femtologging::info_span!("load"; at = Point);
}
