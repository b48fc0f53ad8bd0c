use femtologging::info;

fn main() {
    let (n, x) = (1, 2_u8);
    info!("m"; user: 1);
    info!("m"; "user-id": 1);
    info!("m"; http.status: 1);
    info!("m"; x:debg);
    info!("m"; x:hex = 1);
    info!("m"; x:! = 1);
    info!(x:hex = 1, "m");
    info!("m"; x = );
    info!("m"; x:? = );
    info!("m"; "x" = , n = 1);
    info!("m"; "user-id");
    info!("m"; x == 1);
    info!("m"; &x);
    info!("m"; x n);
    info!("m"; a = 1 b = 2);
    info!("m"; a = x "b" = 2);
    info!("m"; a = 1 + 1 b = 2);
    info!("m"; a = 1; b = 2);
    info!("m"; a = x.pow(2); "b" = 2);
    info!("m"; a = 1,, n);
}
