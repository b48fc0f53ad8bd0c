use femtologging::info;

fn main() {
    let (n, x) = (1, 2);
    info!("{}" 1);
    info!("{}" n);
    info!("{} {}", 1 2);
    info!("{} {}", n x);
    info!("{} {total}", 1, total = 2 x);
    info!("{}",, n);
    info!("m", x:? = 1);
    info!("m", user: 1);
    info!("m", ?x);
    info!("m", %x);
}
