//! A port of this machine's loopback that leads into the cluster, for browsers: they take `http://localhost` for a secure
//! context, and `ssh -L` forwards it. It ends with the cluster's processes.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    time::Duration,
};

use anyhow::{Context, Result};

use super::{
    components::{Component, Network},
    layout::Layout,
    process,
};
use crate::wait;
use task::{
    apt::{self, Needed},
    shell::which,
};

const SOCAT: Needed = Needed { program: "socat", package: "socat" };

/// Whether somebody else has the port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Port {
    Published,
    Taken,
}

/// Lets `port` of the loopback lead to `target`, an address in the cluster.
pub(super) fn ensure(layout: &Layout, target: SocketAddr, port: u16) -> Result<Port> {
    let own = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    if !process::is_running(layout, SOCAT.program)? && TcpListener::bind(own).is_err() {
        return Ok(Port::Taken);
    }
    apt::ensure(&[SOCAT])?;
    let program = which(SOCAT.program).context("socat is missing")?;
    process::ensure(layout, &component(program, own, target))?;
    wait::until("the port to be published", Duration::from_secs(10), || {
        process::check(layout, &[SOCAT.program])?;
        Ok(TcpStream::connect(own).is_ok())
    })?;
    Ok(Port::Published)
}

fn component(program: PathBuf, own: SocketAddr, target: SocketAddr) -> Component {
    let arguments = vec![
        format!("TCP-LISTEN:{},bind={},fork,reuseaddr,nodelay", own.port(), own.ip()),
        format!("TCP:{target},nodelay"),
    ];
    Component { name: SOCAT.program, program, arguments, network: Network::Host, reads: Vec::new() }
}
