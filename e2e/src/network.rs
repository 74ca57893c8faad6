//! Faults of a replica's network: packets that get lost without a word to either end, and connections that are
//! refused. They are rules of nft(8) in the network namespace of its pod, so they need root on its machine.

use std::net::IpAddr;

use anyhow::Result;

use crate::{replica::Replica, temporary::Temporary};

/// Whatever passes between the replica and `peer` is lost, as when a firewall drops it or a node dies.
pub fn lost(replica: &Replica, peer: IpAddr) -> Result<Temporary> {
    let family = family(peer);
    let (input, output) =
        (format!("{family} saddr {peer} drop"), format!("{family} daddr {peer} drop"));
    begin(replica, &rules(&input, &output))
}

/// Whatever passes on the present connections to the replica's `port` is lost, as when a laptop changes its network:
/// new ones work.
pub fn lost_connections(replica: &Replica, port: u16) -> Result<Temporary> {
    let marks_new = format!("tcp dport {port} tcp flags & (syn | ack) == syn ct mark set 1");
    let input = format!("{marks_new}; tcp dport {port} ct mark != 1 drop");
    begin(replica, &rules(&input, &format!("tcp sport {port} ct mark != 1 drop")))
}

/// All connections from the replica to `peer` are reset, and no new one comes about, as when a program was killed.
pub fn refused(replica: &Replica, peer: IpAddr) -> Result<Temporary> {
    let refuse = "tcp flags & (syn | ack) == syn reject with tcp reset";
    let refuse = rules("accept", &format!("{} daddr {peer} {refuse}", family(peer)));
    begin(replica, &format!("{refuse} && ss --kill --tcp dst {peer} >/dev/null"))
}

fn begin(replica: &Replica, begin: &str) -> Result<Temporary> {
    let network = format!("--net=/proc/{}/ns/net", replica.processes.first()?);
    Temporary::begin(&["nsenter", &network, "--"], begin, "nft delete table inet fault")
}

/// The command that makes these rules for what comes in and what goes out.
fn rules(input: &str, output: &str) -> String {
    format!(
        "nft 'table inet fault {{ \
         chain input {{ type filter hook input priority filter; {input}; }}; \
         chain output {{ type filter hook output priority filter; {output}; }}; }}'"
    )
}

fn family(address: IpAddr) -> &'static str {
    if address.is_ipv4() { "ip" } else { "ip6" }
}
