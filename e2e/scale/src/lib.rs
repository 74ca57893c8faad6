//! The controller among many Agents: what it costs, and what holds after much has changed while it was killed
//! again and again. It works with the API server of a control plane without a node, where no pod ever runs;
//! `cargo xtask bench reconcile` and `cargo xtask soak` make one.

pub mod access;
pub mod agents;
pub mod audit;
pub mod bench;
pub mod clock;
pub mod controller;
pub mod figures;
pub mod soak;
