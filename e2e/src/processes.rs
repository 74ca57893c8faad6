//! The processes of gateway, broker and API server, where they run on this machine: what they use (`proc(5)`), and
//! stopping them.

use std::{fs, iter::Sum, time::Duration};

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::{core::v1::Pod, discovery::v1::EndpointSlice};
use kube::{Api, Client, ResourceExt};
use rustix::process::{Pid, Signal, kill_process};
use scale::proc;

use crate::{pods, temporary::Temporary};

const ELSEWHERE: &str = "the processes run on another machine";

/// The processes of one component, or of one of its pods.
#[derive(Clone, Debug, Default)]
pub struct Processes(Vec<u32>);

impl Processes {
    /// Those of `component`; none where its pods run on another machine.
    pub async fn of(client: &Client, component: &str) -> Result<Self> {
        Self::of_pods(component, &pods::list_component(client, component).await?)
    }

    /// Those of `component` in these pods.
    pub fn of_pods(component: &str, pods: &[Pod]) -> Result<Self> {
        let uids: Vec<String> = pods.iter().filter_map(ResourceExt::uid).collect();
        let ours = |pid: &u32| {
            let group = text(*pid, "cgroup").replace('_', "-");
            // The kernel cuts names off after 15 bytes; kubelet's systemd driver writes underscores.
            let name = text(*pid, "comm");
            component.starts_with(name.trim_end())
                && !name.is_empty()
                && uids.iter().any(|uid| group.contains(uid.as_str()))
        };
        Ok(Self(all()?.filter(ours).collect()))
    }

    /// The cluster's API server: other clusters of this machine have theirs.
    pub async fn of_api_server(client: &Client) -> Result<Self> {
        let slices: Api<EndpointSlice> = Api::namespaced(client.clone(), "default");
        let slice = slices.get("kubernetes").await?;
        let address = slice.endpoints.iter().flat_map(|endpoint| &endpoint.addresses).next();
        let flag = format!("--advertise-address={}", address.context("no address")?);
        let ours = |pid: &u32| {
            text(*pid, "comm").trim_end() == "kube-apiserver"
                && text(*pid, "cmdline").split('\0').any(|argument| argument == flag)
        };
        Ok(Self(all()?.filter(ours).collect()))
    }

    /// The id of one of them.
    pub fn first(&self) -> Result<u32> {
        self.0.first().copied().context(ELSEWHERE)
    }

    /// CPU time of all of them so far; `None` without a process.
    pub fn cpu(&self) -> Option<Duration> {
        self.sum(|pid| proc::processor_time(pid).ok())
    }

    /// Resident memory of all of them, in KiB.
    pub fn resident_kib(&self) -> Option<u64> {
        self.sum(|pid| proc::resident_kib(pid).ok())
    }

    /// Stops them in the middle of whatever they do, as a machine that hangs would, until the result is dropped.
    pub fn freeze(&self) -> Result<Temporary> {
        ensure!(!self.0.is_empty(), ELSEWHERE);
        let ids: Vec<String> = self.0.iter().map(u32::to_string).collect();
        let ids = ids.join(" ");
        // One that was killed meanwhile needs no end.
        Temporary::begin(&[], &format!("kill -STOP {ids}"), &format!("kill -CONT {ids}"))
    }

    /// Ends them at once, as the kernel does when memory is short.
    pub fn kill(&self) -> Result<()> {
        ensure!(!self.0.is_empty(), ELSEWHERE);
        for pid in &self.0 {
            let pid = Pid::from_raw(i32::try_from(*pid)?).context("no process is number 0")?;
            kill_process(pid, Signal::KILL)?;
        }
        Ok(())
    }

    fn sum<T: Sum>(&self, of: impl Fn(u32) -> Option<T>) -> Option<T> {
        if self.0.is_empty() { None } else { self.0.iter().map(|pid| of(*pid)).sum() }
    }
}

/// The processes of this machine.
fn all() -> Result<impl Iterator<Item = u32>> {
    let entries = fs::read_dir("/proc")?.filter_map(Result::ok);
    Ok(entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()))
}

/// A file of a process; empty where it has ended meanwhile.
fn text(pid: u32, file: &str) -> String {
    fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_has_used_cpu_and_holds_memory() {
        let ours = Processes(vec![std::process::id()]);
        assert!(ours.cpu().unwrap() > Duration::ZERO);
        assert!(ours.resident_kib().unwrap() > 100);
    }

    #[test]
    fn without_a_process_there_is_no_figure() {
        let none = Processes::default();
        assert_eq!((none.cpu(), none.resident_kib()), (None, None));
    }
}
