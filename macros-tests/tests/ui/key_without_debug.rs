struct Point;

fn main() {
    femtologging::info!("text"; to:? = Point);
}
