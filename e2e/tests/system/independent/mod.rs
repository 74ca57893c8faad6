//! Tests that share nothing but the system: each has a namespace of its own, and disturbs nobody.

mod admission;
mod attached;
mod contexts;
mod events;
mod examples;
mod exits;
mod knowledge;
mod links;
mod mistakes;
mod ownership;
mod policies;
mod roles;
mod screens;
mod secrecy;
mod standby;
mod surroundings;
mod terminal;
