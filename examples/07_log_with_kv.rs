//! A program that logs through the crate `log`, with key-values, and has femtologging write JSON.
//!
//! Nothing but `main` knows of femtologging: it could be a library's code. Run with
//! `cargo run --features log --example 07_log_with_kv`.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use femtologging::bridge::init_log;
use femtologging::config::LoggerConfig;
use femtologging::{Config, FemtoJsonFormatter, FemtoStreamHandler, Level, context};

/// What is in stock.
struct Shop(BTreeMap<&'static str, u32>);

#[derive(Debug)]
enum OrderError {
    Unknown(String),
    TooFew { wanted: u32, left: u32 },
}

impl fmt::Display for OrderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(article) => write!(f, "there is no {article}"),
            Self::TooFew { wanted, left } => write!(f, "{wanted} wanted, {left} left"),
        }
    }
}

impl std::error::Error for OrderError {}

impl Shop {
    fn order(&mut self, article: &str, wanted: u32) -> Result<f64, OrderError> {
        log::debug!(target: "shop::stock", article, wanted; "looking for {article}");
        let left = self.0.get_mut(article).ok_or_else(|| OrderError::Unknown(article.to_owned()))?;
        if wanted > *left {
            return Err(OrderError::TooFew { wanted, left: *left });
        }
        *left -= wanted;
        let price = f64::from(wanted) * 0.25;
        log::info!(target: "shop", article, wanted, price, gift = false, voucher = None::<u32>; "sold {wanted} {article}");
        if *left < 3 {
            log::warn!(target: "shop::stock", article, left = *left; "running low");
        }
        Ok(price)
    }
}

fn serve(shop: &mut Shop, orders: &[(&str, u32)]) {
    for (number, (article, wanted)) in orders.iter().enumerate() {
        // The one thing that `log` has no way to say: every record of this order carries its number.
        let _order = context!(order = number + 1).enter();
        if let Err(error) = shop.order(article, *wanted) {
            log::error!(target: "shop", error:err, state:? = shop.0; "order refused");
        }
    }
}

/// Serves some customers. The log goes to standard output.
pub(crate) fn main() -> Result<(), femtologging::Error> {
    Config::builder()
        .default_level(Level::Info)
        .add_logger("shop.stock", LoggerConfig::new().level(Level::Debug))
        .add_handler("json", FemtoStreamHandler::stdout().formatter(FemtoJsonFormatter::new()).build()?)
        .build_and_init()?;
    init_log()?;

    let mut shop = Shop(BTreeMap::from([("apples", 5), ("pears", 40)]));
    serve(&mut shop, &[("apples", 3), ("plums", 1), ("apples", 9)]);
    log::debug!(target: "shop", "too fine for this logger");
    femtologging::shutdown(Duration::from_secs(5))
}
