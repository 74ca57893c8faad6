//! `kubeoc certificates`: makes the certificates of an installation and of the tools that call it, renews and removes them.

mod issue;
mod remove;
mod renew;
mod report;
mod tools;

pub(crate) use issue::run as issue;
pub(crate) use remove::run as remove;
pub(crate) use renew::run as renew;
