use femtologging::compat::tracing::info;

fn main() {
    let (text, n) = (String::from("ready"), 3);
    info!(&text);
    info!(n, format!("{n} packed"));
    info!();
}
