//! Serves share links: the page, its information and its terminal, to people who have a token and
//! no cluster credentials. It holds no Secret, writes nothing to the cluster but Events, and
//! reaches a terminal only through the broker.
//!
//! The modules stand in the order in which they build on each other: each uses only those above it.

mod encoding;

mod assets;
pub mod client_address;
pub mod headers;
pub mod limits;
pub mod origin;
pub mod router;

pub mod error;
mod metrics;
mod spans;
pub mod upgrade;

mod answer;
pub mod broker;
mod guest;
mod session;

pub mod args;
pub mod gateway;
pub mod run;
