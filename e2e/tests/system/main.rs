//! What users, guests and administrators see of the whole system, in one cluster, one test after the other.

mod admission;
mod api_server;
mod check;
mod contexts;
mod crowd;
mod drain;
mod events;
mod examples;
mod exits;
mod faults;
mod hostile;
mod idle;
mod knowledge;
mod lease;
mod links;
mod mistakes;
mod ownership;
mod recovery;
mod revocation;
mod roles;
mod secrecy;
mod sharing;
mod standby;
mod surroundings;
mod terminal;
