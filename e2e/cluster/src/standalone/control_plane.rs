//! A control plane without a node: etcd and the API server, and the built-in controllers where they are wanted,
//! on loopback, as children of this process. Whatever needs no pod to run is measured there. It must leave
//! nothing behind: its files are temporary, and its processes end with this one, however it ends.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use super::components::{self, Component};
use super::layout::{Layout, Listeners};
use super::{binaries, config, credentials, files, releases, up};
use crate::version::Wanted;
use crate::wait;
use task::shell::{Cmd, last_lines, which};
use task::step;

/// A busy machine of two cores needs half a minute at worst.
const START_LIMIT: Duration = Duration::from_mins(2);

/// Whether the garbage collector, Deployments and so on are at work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Controllers {
    Absent,
    Present,
}

/// One that is up; dropped, it is gone.
pub struct ControlPlane {
    layout: Layout,
    kubernetes: PathBuf,
    // Ended before the folder goes.
    children: Vec<Part>,
    _folder: TempDir,
}

struct Part {
    name: &'static str,
    child: Child,
}

impl ControlPlane {
    /// Makes sure that its programs are there, for an [`up`](Self::up) without a network.
    pub fn build(wanted: Option<Wanted>) -> Result<()> {
        binaries::ensure_kubernetes(&releases::choose(wanted)?).map(drop)
    }

    pub fn up(wanted: Option<Wanted>, controllers: Controllers) -> Result<Self> {
        let release = releases::choose(wanted)?;
        let kubernetes = binaries::ensure_kubernetes(&release)?;
        let folder = tempfile::Builder::new().prefix("kubeopencode-").tempdir()?;
        let layout = Layout::without_node(folder.path(), release.version.minor, listeners()?);
        let mut plane = Self { layout, kubernetes, children: vec![], _folder: folder };
        step::run("control plane without a node", |step| {
            step.note(format!("Kubernetes {}", release.version));
            plane.start(controllers)
        })?;
        Ok(plane)
    }

    /// The admin's.
    pub fn kubeconfig(&self) -> PathBuf {
        self.layout.kubeconfig()
    }

    /// One JSON object a line, level Metadata.
    pub fn audit_log(&self) -> PathBuf {
        self.layout.audit_log()
    }

    pub fn kubectl(&self) -> Cmd {
        Cmd::new(self.kubectl_program()).arg("--kubeconfig").arg(self.kubeconfig())
    }

    /// For programs that call it themselves.
    pub fn kubectl_program(&self) -> PathBuf {
        self.kubernetes.join("kubectl")
    }

    fn start(&mut self, controllers: Controllers) -> Result<()> {
        for folder in ["log", "conf", "etcd"] {
            fs::create_dir_all(self.layout.path(folder))?;
        }
        credentials::ensure(&self.layout, up::now())?;
        for (file, content) in config::of_api_server()? {
            files::write(&self.layout.config(file), content.as_bytes())?;
        }
        for component in components::storage_and_api(&self.layout, &self.kubernetes) {
            self.spawn(&component)?;
        }
        wait::until("the API server to be ready", START_LIMIT, || {
            self.check()?;
            Ok(self.kubectl().args(["get", "--raw=/readyz", "--request-timeout=5s"]).succeeds())
        })?;
        if controllers == Controllers::Present {
            self.spawn(&components::controllers(&self.layout, &self.kubernetes))?;
        }
        Ok(())
    }

    fn spawn(&mut self, component: &Component) -> Result<()> {
        let Component { name, program, arguments, .. } = component;
        // It is replaced by the program, which the kernel ends with this process.
        let wrapper = which("setpriv").context("setpriv is missing: install util-linux")?;
        let log = File::create(self.layout.log(name))?;
        let child = Command::new(wrapper)
            .args(["--pdeathsig", "KILL", "--"])
            .arg(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            // Ctrl-C is for this process, which ends the others in their order.
            .process_group(0)
            .spawn()
            .with_context(|| format!("{name} did not start"))?;
        self.children.push(Part { name, child });
        Ok(())
    }

    /// Fails with the last words of a part that has died.
    fn check(&mut self) -> Result<()> {
        for Part { name, child } in &mut self.children {
            if let Some(status) = child.try_wait()? {
                let log = fs::read(self.layout.log(name)).unwrap_or_default();
                bail!("{name}: {status}\n{}", last_lines(&String::from_utf8_lossy(&log)));
            }
        }
        Ok(())
    }
}

impl Drop for ControlPlane {
    fn drop(&mut self) {
        for Part { child, .. } in self.children.iter_mut().rev() {
            // One that has ended by itself needs neither; there is nothing to save.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Ports that are free now. All are held until each is known, so that no two are the same.
fn listeners() -> Result<Listeners> {
    let held: Vec<TcpListener> =
        (0..4).map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).collect::<Result<_, _>>()?;
    let ports: Vec<u16> =
        held.iter().map(|held| Ok(held.local_addr()?.port())).collect::<Result<_>>()?;
    let [api_server, etcd, etcd_peers, controller_manager] = ports[..] else {
        bail!("no free ports");
    };
    let address = Ipv4Addr::LOCALHOST;
    Ok(Listeners { address, api_server, etcd, etcd_peers, controller_manager })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn it_listens_on_loopback_only_and_each_part_on_a_port_of_its_own() {
        let layout =
            Layout::without_node(Path::new("/tmp/x"), "1.37".parse::<Wanted>().unwrap().minor, {
                listeners().unwrap()
            });
        let parts = components::storage_and_api(&layout, Path::new("/bin"));
        let controllers = components::controllers(&layout, Path::new("/bin"));
        let all: Vec<_> = parts.iter().chain([&controllers]).flat_map(|c| &c.arguments).collect();
        assert_eq!(all.iter().filter(|flag| **flag == "--bind-address=127.0.0.1").count(), 2);
        let own: Vec<_> = all.iter().filter(|flag| flag.starts_with("--listen-")).collect();
        assert!(own.len() == 2 && own.iter().all(|flag| flag.contains("=https://127.0.0.1:")));
        let Listeners { api_server, etcd, etcd_peers, controller_manager, .. } = layout.listeners;
        let mut listening = vec![api_server, etcd, etcd_peers, controller_manager];
        listening.sort_unstable();
        listening.dedup();
        assert_eq!(listening.len(), 4);
    }
}
