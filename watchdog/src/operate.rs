//! What operators and their tools do with a running watchdog: look at it, drain it, measure it, supervise it.
//!
//! All of them read one [`status::Status`], and all wishes come over one [`orders::Desk`]: the run loop knows of neither
//! sockets nor files.
//!
//! - [`office`]: what the run loop sees of all this
//! - [`status`]: the snapshot, and how people see it; [`moment`]: times in words
//! - [`orders`]: what can be asked of the run loop
//! - [`control`]: the Unix socket on which it is asked; [`client`]: `anycast-watchdog drain`, `resume`, `status`
//! - [`maintenance`]: the file whose presence is a drain; [`drains`]: orders to drain, for a successor
//! - [`metrics`], [`scrape`]: the snapshot as Prometheus text, and the HTTP server for it
//! - [`systemd`]: readiness, and the pings of a run loop that is alive

pub mod client;
pub mod control;
pub mod drains;
pub mod maintenance;
pub mod metrics;
pub mod moment;
pub mod office;
pub mod orders;
pub mod scrape;
pub mod status;
pub mod systemd;
mod table;
mod visitors;
