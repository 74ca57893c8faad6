//! `kubeoc certificates`: makes the certificates of an installation, renews and removes them.

mod remove;
mod renew;
mod report;

pub(crate) use remove::run as remove;
pub(crate) use renew::run as renew;
