//! What users, guests and administrators see of the whole system, in one cluster. One test after the other, since they disturb
//! it, measure it or count its requests; those of [`independent`] run side by side.

mod api_server;
mod breaks;
mod check;
mod connections;
mod crowd;
mod drain;
mod faults;
mod hostile;
mod idle;
mod independent;
mod lease;
mod recovery;
mod revocation;
mod sharing;
