//! What the end-to-end tests share: the cluster under test, agents in it, a browser, a plain HTTP client; and
//! the benchmarks. It holds no end-to-end test. It needs a cluster with the system installed; `cargo xtask test` makes one and says where it is.

pub mod agents;
pub mod attempt;
pub mod bench;
pub mod broker;
pub mod browser;
pub mod cluster;
pub mod git_server;
pub mod guest;
pub mod http;
pub mod kubeoc;
pub mod limits;
pub mod network;
pub mod opencode;
pub mod pods;
pub mod processes;
pub mod prometheus;
pub mod raw_guest;
pub mod replica;
pub mod rollout;
pub mod rules;
pub mod services;
pub mod settings;
pub mod stand_in;
pub mod temporary;
pub mod waiting;
