use femtologging::compat::tracing::{info, info_span};

struct Order(u32);

fn main() {
    let order = Order(7);
    info!(order, "packed");
    let _span = info_span!("pack", order = Order(order.0));
}
