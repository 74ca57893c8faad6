//! The programs among many Agents: what they cost, and what holds after much has changed while the controller was
//! killed again and again. They work with the API server of a control plane without a node, where no pod ever runs:
//! `cargo xtask bench reconcile`, `cargo xtask bench scale` and `cargo xtask soak` make one.

pub mod access;
pub mod agents;
pub mod audit;
pub mod bench;
pub mod clock;
pub mod controller;
pub mod figures;
pub mod idle;
pub mod installation;
pub mod links;
pub mod proc;
pub mod process;
pub mod soak;
