use femtologging::info;

fn main() {
    let (a, b, user, name, address) = (1, 2, String::new(), String::new(), String::new());
    drop(user);
    info!(
        "{} {} {}",
        a,
        user,
        b;
        a,
    );
    drop(name);
    info!(
        "m";
        a,
        name,
        b,
    );
    drop(address);
    info!(
        "m";
        a = a,
        address:? = address,
        b = b,
    );
    let later: u32;
    info!("{} {}", a, later);
}
