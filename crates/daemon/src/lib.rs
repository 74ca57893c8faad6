//! What every long-running process needs: logs, metrics, traces, probes, shutdown, the clock, fair
//! listeners, TLS and clients of the API server. Nothing here knows what a process is for.

pub mod clock;
#[cfg(feature = "cluster")]
pub mod cluster;
pub mod connect;
#[cfg(feature = "tls")]
pub mod dial;
pub mod http1;
pub mod metrics;
pub mod progress;
#[cfg(feature = "tls")]
pub mod read_ahead;
pub mod readiness;
pub mod scratch;
pub mod socket;
pub mod telemetry;
#[cfg(feature = "tls")]
pub mod tls;
pub mod traces;

mod client;
mod error;
mod ledger;
mod probes;
mod process;
mod shutdown;

pub use client::ClientKey;
pub use error::{DaemonError, chain};
pub use metrics::{Metrics, TracedTimes};
pub use process::{Daemon, SHUTDOWN_GRACE, main, run};
pub use progress::Progress;
#[cfg(feature = "tls")]
pub use read_ahead::ReadAhead;
pub use readiness::{Gate, Readiness};
pub use telemetry::{LogFormat, TelemetryArgs};
