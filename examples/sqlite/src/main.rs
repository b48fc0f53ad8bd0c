//! A handler of one's own that inserts records into a database, a transaction for each batch.
//!
//! Run with `cargo run --manifest-path examples/sqlite/Cargo.toml`.

use std::time::Duration;

use femtologging::handler::{Batch, Delivery, FemtoHandler, FemtoHandlerExt};
use femtologging::time::Timestamp;
use femtologging::{Config, Error, FemtoLogRecord, Level, info, warn};
use rusqlite::{Connection, params};

/// Inserts records into a table `log`.
struct SqliteHandler {
    database: Connection,
    rows: Vec<(i64, &'static str, String, String)>,
}

impl SqliteHandler {
    fn new(database: Connection) -> rusqlite::Result<Self> {
        database
            .execute_batch("CREATE TABLE IF NOT EXISTS log (nanos INTEGER, level TEXT, logger TEXT, message TEXT)")?;
        Ok(Self { database, rows: Vec::new() })
    }

    fn insert(&mut self) -> rusqlite::Result<()> {
        let transaction = self.database.transaction()?;
        for (nanos, level, logger, message) in &self.rows {
            let mut insert = transaction.prepare_cached("INSERT INTO log VALUES (?, ?, ?, ?)")?;
            insert.execute(params![nanos, level, logger, message])?;
        }
        transaction.commit()
    }
}

// This is all it takes: thread, queue, overflow, batches, flush, counters and isolation are there.
impl FemtoHandler for SqliteHandler {
    fn handle(&mut self, record: &FemtoLogRecord<'_>, _: &mut Batch) -> Result<(), Error> {
        let level = record.level().as_str();
        let (logger, message) = (record.logger().to_owned(), record.message().to_string());
        self.rows.push((record.timestamp().as_nanos(), level, logger, message));
        Ok(())
    }

    fn deliver(&mut self, _: &mut Batch, _: Timestamp) -> Result<Delivery, Error> {
        // After an error nothing of the batch is in the table, and all of it counts as failed.
        let outcome = self.insert().map_err(|error| Error::other(format!("cannot insert into the table: {error}")));
        self.rows.clear();
        outcome.map(|()| Delivery::Done)
    }
}

fn run(path: &std::path::Path) -> Result<(), Box<dyn std::error::Error>> {
    let handler = SqliteHandler::new(Connection::open(path)?)?;
    let logging = Config::builder().add_handler("sqlite", handler.configure().level(Level::Info).build()?).build()?;
    let logger = logging.get_logger("shop")?;
    for order in 1..=10_000 {
        info!(logger: logger, "order {} packed", order);
    }
    warn!(logger: logger, "stock is low");
    logging.shutdown(Duration::from_secs(30))?;
    println!("{}", logging.metrics());
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::temp_dir().join("femtologging.sqlite");
    run(&path)?;
    println!("see {}", path.display());
    Ok(())
}

#[test]
fn every_record_is_in_the_table() {
    let dir = std::env::temp_dir().join(format!("femtologging-sqlite-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    run(&dir.join("log.sqlite")).unwrap();
    let database = Connection::open(dir.join("log.sqlite")).unwrap();
    let mut rows = database.prepare("SELECT level, logger, message FROM log ORDER BY rowid").unwrap();
    let rows = rows.query_map([], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?])).unwrap();
    let rows: Vec<[String; 3]> = rows.map(Result::unwrap).collect();
    let expected = (1..=10_000).map(|order| ["INFO".into(), "shop".into(), format!("order {order} packed")]);
    let last = ["WARN", "shop", "stock is low"].map(str::to_owned);
    assert!(rows == expected.chain([last]).collect::<Vec<_>>());
    std::fs::remove_dir_all(&dir).unwrap();
}
