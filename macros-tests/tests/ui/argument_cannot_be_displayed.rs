struct Point;

fn main() {
    femtologging::info!("{}", Point);
}
