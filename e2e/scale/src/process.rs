//! A program of ours as a child of this process: started, looked at from outside, ended or killed.

use std::{
    fs::File,
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener},
    path::PathBuf,
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use time::OffsetDateTime;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    process::{Child, Command},
    time::{Instant, sleep, timeout},
};

use crate::{clock, proc};

/// How long it may take to end when it is asked to.
const END_BOUND: Duration = Duration::from_secs(30);

/// How a program is started.
#[derive(Clone, Debug)]
pub struct Program {
    pub path: PathBuf,
    pub arguments: Vec<String>,
    /// Of its account.
    pub kubeconfig: PathBuf,
    /// What it says is appended here.
    pub log: PathBuf,
}

/// One that runs; dropped, it is killed.
pub struct Process {
    child: Child,
    metrics: SocketAddr,
    pub started: OffsetDateTime,
}

/// An address that nobody listens at now.
pub fn free_address(ip: impl Into<IpAddr>) -> Result<SocketAddr> {
    Ok(TcpListener::bind((ip.into(), 0))?.local_addr()?)
}

impl Program {
    pub fn start(&self) -> Result<Process> {
        let log = File::options().create(true).append(true).open(&self.log)?;
        let metrics = free_address(Ipv4Addr::LOCALHOST)?;
        let started = clock::now();
        // A driver that is killed must not leave it behind.
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "--"])
            .arg(&self.path)
            .args(&self.arguments)
            .args(["--metrics-address", &metrics.to_string()])
            .env("KUBECONFIG", &self.kubeconfig)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{} does not start", self.path.display()))?;
        Ok(Process { child, metrics, started })
    }
}

impl Process {
    /// `SIGKILL`, and gone when this returns.
    pub async fn kill(mut self) -> Result<()> {
        Ok(self.child.kill().await?)
    }

    /// Lets it finish, and release what it holds.
    pub async fn end(mut self) -> Result<()> {
        let pid = i32::try_from(self.id()?).ok().and_then(Pid::from_raw);
        kill_process(pid.context("it has ended by itself")?, Signal::TERM)?;
        timeout(END_BOUND, self.child.wait()).await.context("it does not end")??;
        Ok(())
    }

    /// Where it answers beside its work: its metrics, and whether it is well.
    pub fn metrics(&self) -> SocketAddr {
        self.metrics
    }

    /// Its resident memory.
    pub fn resident_kib(&self) -> Result<u64> {
        proc::resident_kib(self.id()?)
    }

    /// Its share of what is resident.
    pub fn proportional_kib(&self) -> Result<u64> {
        proc::proportional_kib(self.id()?)
    }

    /// What of its resident memory is no file's.
    pub fn anonymous_kib(&self) -> Result<u64> {
        proc::anonymous_kib(self.id()?)
    }

    /// Its time on a processor.
    pub fn processor_time(&self) -> Result<Duration> {
        proc::processor_time(self.id()?)
    }

    fn id(&self) -> Result<u32> {
        self.child.id().context("it has ended by itself")
    }

    /// What it answers at `path` beside its metrics, head and body, over a connection of its own.
    pub async fn ask(&self, path: &str) -> Result<String> {
        let mut stream = TcpStream::connect(self.metrics).await?;
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok(answer)
    }

    /// The sum of a metric over its labels, as it says so itself.
    pub async fn sum(&self, metric: &str) -> Result<u64> {
        let answer = self.ask("/metrics").await?;
        let lines = answer.lines().filter(|line| {
            line.strip_prefix(metric).is_some_and(|rest| rest.starts_with(['{', ' ']))
        });
        Ok(lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum())
    }

    /// Waits until such a sum is reached.
    pub async fn reaches(&self, metric: &str, count: u64, bound: Duration) -> Result<()> {
        let started = Instant::now();
        // It does not listen at once.
        while self.sum(metric).await.unwrap_or(0) < count {
            if started.elapsed() > bound {
                bail!("{metric} is not {count} within {bound:?}");
            }
            sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// Waits until it says that it is ready.
    pub async fn is_ready(&self, bound: Duration) -> Result<()> {
        let started = Instant::now();
        while !self.ask("/readyz").await.is_ok_and(|answer| answer.starts_with("HTTP/1.1 200")) {
            if started.elapsed() > bound {
                bail!("not ready within {bound:?}");
            }
            sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }
}
