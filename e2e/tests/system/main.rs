//! What users, guests and administrators see of the whole system, in one cluster, one test after the other.

mod admission;
mod idle;
mod mistakes;
mod ownership;
mod recovery;
mod secrecy;
mod sharing;
mod terminal;
