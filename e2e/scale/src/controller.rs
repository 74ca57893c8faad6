//! The real controller as a child of this process: started, watched from outside, ended or killed.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use kube::Client;
use rustix::process::{Pid, Signal, kill_process};
use time::OffsetDateTime;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    process::{Child, Command},
    time::{Instant, sleep, timeout},
};

use crate::{access::Access, clock};

/// How it is started.
#[derive(Clone, Debug)]
pub struct Program {
    pub path: PathBuf,
    pub kubeconfig: PathBuf,
    /// What it says is appended here.
    pub log: PathBuf,
}

/// One that runs; dropped, it is killed.
pub struct Controller {
    child: Child,
    metrics: SocketAddr,
    pub started: OffsetDateTime,
}

/// How long it may take to end when it is asked to.
const END_BOUND: Duration = Duration::from_secs(30);

impl Program {
    /// The one that `access` means, with the rights of an installation; its files are in `folder`.
    pub async fn new(access: &Access, client: &Client, folder: &Path) -> Result<Self> {
        Ok(Self {
            path: access.controller.clone(),
            kubeconfig: access.of_controller(client, folder).await?,
            log: folder.join("controller.log"),
        })
    }

    pub fn start(&self) -> Result<Controller> {
        let log = std::fs::File::options().create(true).append(true).open(&self.log)?;
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let metrics = free.local_addr()?;
        drop(free);
        let started = clock::now();
        // A driver that is killed must not leave it behind.
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "--"])
            .arg(&self.path)
            // The same name each time, as that of a container that restarts in its pod.
            .args(["--pod-name", "measured", "--metrics-address", &metrics.to_string()])
            .env("KUBECONFIG", &self.kubeconfig)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .context("the controller does not start")?;
        Ok(Controller { child, metrics, started })
    }
}

impl Controller {
    /// `SIGKILL`, and gone when this returns.
    pub async fn kill(mut self) -> Result<()> {
        Ok(self.child.kill().await?)
    }

    /// Lets it finish, and release its lease.
    pub async fn end(mut self) -> Result<()> {
        let pid = self.child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
        kill_process(pid.context("it has ended by itself")?, Signal::TERM)?;
        timeout(END_BOUND, self.child.wait()).await.context("it does not end")??;
        Ok(())
    }

    /// Its resident memory (`proc_pid_status(5)`).
    pub fn resident_kib(&self) -> Result<u64> {
        let pid = self.child.id().context("it has ended by itself")?;
        let status =
            std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        number.context("no VmRSS")
    }

    /// Reconciles that ended, by its own count.
    pub async fn reconciles(&self) -> Result<u64> {
        let mut stream = TcpStream::connect(self.metrics).await?;
        let request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        let counts = answer.lines().filter(|line| line.contains("_reconciles_total{"));
        Ok(counts.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum())
    }

    /// Waits until it has ended as many reconciles.
    pub async fn has_reconciled(&self, count: u64, bound: Duration) -> Result<()> {
        let started = Instant::now();
        // It does not listen at once.
        while self.reconciles().await.unwrap_or(0) < count {
            if started.elapsed() > bound {
                bail!("{count} reconciles did not end within {bound:?}");
            }
            sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }
}
