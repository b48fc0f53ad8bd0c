use femtologging::{error, info, log};

struct Owner {
    name: String,
}

impl Owner {
    fn log(&self) {
        info!(self.name);
        info!(&self.name);
    }
}

fn main() {
    let (message, n) = ("text", 1);
    info!(message);
    info!(n = 1);
    info!(n, message);
    info!(http.status = 200);
    info!("user-id" = 200);
    info!(format!("{n}"));
    info!(&message, n);
    info!(target: "t");
    info!(n message, "m");
    info!(n == 1, "m");
    info!(, "m");
    log!(femtologging::Level::Info, message);
    error!(message; n);
}
