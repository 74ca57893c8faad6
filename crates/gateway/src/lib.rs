//! Serves share links: the page, its information and its terminal, to people who
//! have a token and no cluster credentials. It holds no Secret, writes nothing to
//! the cluster but Events, and reaches a terminal only through the broker.

pub mod args;
pub mod broker;
pub mod client_address;
pub mod denials;
pub mod error;
pub mod gateway;
pub mod headers;
pub mod limits;
pub mod origin;
pub mod router;
pub mod run;
pub mod terminals;
pub mod upgrade;

mod answer;
mod assets;
mod metrics;
mod session;
