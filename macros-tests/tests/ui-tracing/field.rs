use femtologging::compat::tracing::info;

fn main() {
    let (user, n) = ("ada", 3);
    info!(user == "ada", "logged in");
    info!(user = , "logged in");
    info!(user = "ada" n = 3);
    info!(user n);
}
