//! Which pod an agent's terminal is in: what the cluster is asked, and what is chosen from its answers.

mod choice;
mod pods;

pub use choice::{NoTarget, Target};
pub use pods::{ClusterPods, FindError, FindPod};
