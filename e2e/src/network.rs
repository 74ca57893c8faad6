//! Faults of a replica's network: packets that get lost without a word to either end, and connections that are
//! refused. They are rules of nft(8) in the network namespace of its pod, so they need root on its machine.

use std::{
    fs::File,
    io::Write,
    net::IpAddr,
    os::fd::AsRawFd,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};

use crate::replica::Replica;

const REMOVE: &str = "table inet fault; delete table inet fault";

/// A fault that lasts until it is dropped.
#[derive(Debug)]
pub struct Fault {
    /// Kept open, so that it is found again also when the program has been restarted meanwhile.
    network: File,
}

impl Fault {
    /// Whatever passes between the replica and `peer` is lost, as when a firewall drops it or a node dies.
    pub fn lost(replica: &Replica, peer: IpAddr) -> Result<Self> {
        let (kind, peer) = (family(peer), peer.to_string());
        Self::new(
            replica,
            &format!("{kind} saddr {peer} drop"),
            &format!("{kind} daddr {peer} drop"),
        )
    }

    /// Whatever passes on the present connections to the replica's `port` is lost, as when a laptop changes
    /// its network: new ones work.
    pub fn lost_connections(replica: &Replica, port: u16) -> Result<Self> {
        let later = format!("tcp dport {port} tcp flags & (syn | ack) == syn ct mark set 1");
        Self::new(
            replica,
            &format!("{later}; tcp dport {port} ct mark != 1 drop"),
            &format!("tcp sport {port} ct mark != 1 drop"),
        )
    }

    /// All connections from the replica to `peer` are reset and no new one comes about, as when a program
    /// was killed.
    pub fn refused(replica: &Replica, peer: IpAddr) -> Result<Self> {
        let (kind, peer) = (family(peer), peer.to_string());
        let refuse = "tcp flags & (syn | ack) == syn reject with tcp reset";
        let fault = Self::new(replica, "accept", &format!("{kind} daddr {peer} {refuse}"))?;
        let reset = fault.inside("ss").args(["--kill", "--tcp", "dst", &peer]).output()?;
        ensure!(reset.status.success(), "ss: {}", String::from_utf8_lossy(&reset.stderr));
        Ok(fault)
    }

    fn new(replica: &Replica, input: &str, output: &str) -> Result<Self> {
        let fault = Self { network: replica.processes.network()? };
        fault.rules(&format!(
            "{REMOVE}; table inet fault {{ \
             chain input {{ type filter hook input priority filter; {input}; }}; \
             chain output {{ type filter hook output priority filter; {output}; }}; }}"
        ))?;
        Ok(fault)
    }

    fn rules(&self, rules: &str) -> Result<()> {
        let mut nft = self.inside("nft");
        let nft = nft.args(["--file", "-"]).stdin(Stdio::piped()).stderr(Stdio::piped());
        let mut nft = nft.spawn().context("nsenter does not start")?;
        let mut stdin = nft.stdin.take().context("nft has no stdin")?;
        stdin.write_all(rules.as_bytes())?;
        drop(stdin);
        let done = nft.wait_with_output()?;
        ensure!(done.status.success(), "nft: {}", String::from_utf8_lossy(&done.stderr));
        Ok(())
    }

    /// A command in the replica's network.
    fn inside(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        let network = format!("/proc/{}/fd/{}", std::process::id(), self.network.as_raw_fd());
        command.arg(format!("--net={network}")).args(["--", program]);
        command
    }
}

impl Drop for Fault {
    fn drop(&mut self) {
        // With the pod its rules are gone as well.
        let _ = self.rules(REMOVE);
    }
}

fn family(address: IpAddr) -> &'static str {
    if address.is_ipv4() { "ip" } else { "ip6" }
}
