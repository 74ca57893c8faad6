//! The broker over loopback: a real gRPC client with mutual TLS on one side, a real WebSocket with the exec
//! protocol on the other. What stands in for the cluster is said in `pod` and `bench`.

mod bench;
mod pod;

mod admission;
mod endings;
mod operators;
mod terminals;
mod transport;
