//! The broker over loopback: a real gRPC client with mutual TLS on one side, a real WebSocket with the exec
//! protocol on the other. What stands in for the cluster is said in `pod` and `test_broker`.

#[cfg(test)]
#[cfg(test)]
mod pod;
#[cfg(test)]
mod test_broker;

#[cfg(test)]
mod admission;
#[cfg(test)]
mod endings;
#[cfg(test)]
mod gone;
#[cfg(test)]
mod links;
#[cfg(test)]
mod operators;
#[cfg(test)]
mod resuming;
#[cfg(test)]
mod terminals;
#[cfg(test)]
mod transport;
#[cfg(test)]
mod trunks;
#[cfg(test)]
mod wake;
#[cfg(test)]
mod watching;
