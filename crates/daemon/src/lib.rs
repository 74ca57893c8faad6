//! What every long-running process does alike: logs, metrics, probes, shutdown,
//! the clock and accepting connections. Nothing here knows what a process is for.

pub mod clock;
pub mod connect;
pub mod http1;
pub mod metrics;
pub mod readiness;
pub mod telemetry;

mod error;
mod probes;
mod process;
mod shutdown;

pub use error::DaemonError;
pub use metrics::Metrics;
pub use process::{Daemon, SHUTDOWN_GRACE, run};
pub use readiness::{Gate, Readiness};
pub use telemetry::{LogFormat, TelemetryArgs, init_logs};
