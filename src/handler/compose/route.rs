//! Routing: each record goes to one of several handlers.

use super::{InnerHandler, Outcome, RecordId, answer, each};
use crate::error::{Error, Problem};
use crate::filter::FemtoFilter;
use crate::handler::{Batch, Delivery, FemtoHandler, HandlerBuilder, HandlerSpec};
use crate::record::FemtoLogRecord;
use crate::time::Timestamp;

/// Hands each record to the first of several handlers whose filter lets it pass.
///
/// Any [filter](crate::filter) can be a condition: a level, a logger's name, a key, a closure. The handlers share one
/// queue and one thread. Each applies its own level and filters; records that these reject, or that no route takes,
/// count as written.
///
/// # Examples
///
/// ```
/// use femtologging::filter::{Key, Name};
/// use femtologging::handler::{FemtoCaptureHandler, FemtoRouteHandler};
/// use femtologging::{Config, LevelFilter, error, info};
/// use std::time::Duration;
///
/// let [audit, errors, rest] = std::array::from_fn(|_| FemtoCaptureHandler::new());
/// let routes = FemtoRouteHandler::builder()
///     .route(Key::present("audit"), audit.clone())
///     .route(LevelFilter::Error, errors.clone())
///     .otherwise(rest.clone())
///     .build()?;
/// let logging = Config::builder().add_handler("routes", routes).build()?;
/// let logger = logging.get_logger("shop")?;
/// info!(logger: logger, "paid"; audit = true);
/// error!(logger: logger, "broken");
/// info!(logger: logger, "shown");
/// logging.flush(Duration::from_secs(5))?;
/// assert_eq!([audit, errors, rest].map(|capture| capture.messages()), [["paid"], ["broken"], ["shown"]]);
/// # Ok::<(), femtologging::Error>(())
/// ```
pub struct FemtoRouteHandler {
    filters: Vec<Box<dyn FemtoFilter>>,
    /// One for each filter, and one for the rest if [`otherwise`](HandlerBuilder::otherwise) gave one.
    targets: Vec<InnerHandler>,
    /// The records that no route took.
    unrouted: Vec<RecordId>,
}

/// The options of a [`FemtoRouteHandler`].
///
/// # Examples
///
/// ```
/// use femtologging::FemtoStreamHandler;
/// use femtologging::filter::Key;
/// use femtologging::handler::{FemtoNullHandler, FemtoRouteHandler, HandlerBuilder, RouteOptions};
///
/// /// Leaves out the records of health checks.
/// fn quiet(builder: HandlerBuilder<RouteOptions>) -> HandlerBuilder<RouteOptions> {
///     builder.route(Key::present("health_check"), FemtoNullHandler)
/// }
///
/// let handler = quiet(FemtoRouteHandler::builder()).otherwise(FemtoStreamHandler::stderr().build()?).build()?;
/// # drop(handler);
/// # Ok::<(), femtologging::Error>(())
/// ```
#[derive(Default)]
pub struct RouteOptions {
    routes: Vec<(Box<dyn FemtoFilter>, HandlerSpec)>,
    rest: Option<HandlerSpec>,
}

impl FemtoRouteHandler {
    /// Starts a handler without routes.
    pub fn builder() -> HandlerBuilder<RouteOptions> {
        HandlerBuilder::new(RouteOptions::default())
    }
}

impl HandlerBuilder<RouteOptions> {
    /// Adds a route for the records that `filter` lets pass and that no earlier route takes.
    pub fn route(mut self, filter: impl FemtoFilter + 'static, target: impl Into<HandlerSpec>) -> Self {
        self.options.routes.push((Box::new(filter), target.into()));
        self
    }

    /// Sets the handler for records that no route takes. By default they are not written.
    pub fn otherwise(mut self, target: impl Into<HandlerSpec>) -> Self {
        self.options.rest = Some(target.into());
        self
    }

    /// Makes the handler.
    ///
    /// # Errors
    ///
    /// Names all invalid settings in one error. A handler without routes is invalid.
    pub fn build(self) -> Result<HandlerSpec, Error> {
        let (RouteOptions { routes, rest }, mut settings) = self.into_parts();
        routes.iter().map(|(_, target)| target).chain(&rest).for_each(|inner| settings.contain(inner));
        let mut problems = Vec::new();
        if routes.is_empty() {
            problems.push(Problem::new("routes", "", "add one with `route`"));
        }
        for (index, (_, target)) in routes.iter().enumerate() {
            problems.extend(target.inner_problems(&format!("routes.{index}")));
        }
        problems.extend(rest.iter().flat_map(|rest| rest.inner_problems("otherwise")));
        Self::finish(settings, problems, || {
            let (filters, targets): (Vec<_>, Vec<_>) = routes.into_iter().unzip();
            let targets = targets.into_iter().chain(rest).map(InnerHandler::from).collect();
            Ok(Box::new(FemtoRouteHandler { filters, targets, unrouted: Vec::new() }))
        })
    }
}

impl FemtoRouteHandler {
    fn abandon_with(&mut self, batch: &Batch) {
        for target in &mut self.targets {
            target.abandon_with(batch);
        }
    }
}

impl FemtoHandler for FemtoRouteHandler {
    fn start(&mut self, now: Timestamp) -> Result<(), Error> {
        each("start", &mut self.targets, |handler| handler.start(now))
    }

    fn handle(&mut self, record: &FemtoLogRecord<'_>, batch: &mut Batch) -> Result<(), Error> {
        self.abandon_with(batch);
        let way = self.filters.iter().position(|filter| filter.allows(record)).unwrap_or(self.filters.len());
        let id = batch.current_id();
        match self.targets.get_mut(way) {
            Some(target) => target.handle(record, id, record.timestamp()),
            None => self.unrouted.push(id),
        }
        Ok(())
    }

    fn deliver(&mut self, batch: &mut Batch, now: Timestamp) -> Result<Delivery, Error> {
        self.abandon_with(batch);
        let call = batch.call();
        for target in &mut self.targets {
            target.deliver(call, now);
        }
        batch.close_by_id(self.unrouted.drain(..).map(|id| (id, Outcome::Written)).collect());
        Ok(answer(&mut self.targets, false, batch))
    }

    fn flush(&mut self) -> Result<(), Error> {
        each("flush", &mut self.targets, |handler| handler.flush())
    }

    fn tick(&mut self, now: Timestamp) -> Result<(), Error> {
        each("tick", &mut self.targets, |handler| handler.tick(now))
    }

    fn close(&mut self) -> Result<(), Error> {
        each("close", &mut self.targets, |handler| handler.close())
    }
}
