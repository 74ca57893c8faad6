//! Leaves a container's termination message, which the controller reads and kubelet shows. Best effort: a program
//! does not fail because of what it cannot say.

use std::{
    fs::OpenOptions,
    io::{self, Write},
    path::PathBuf,
};

use agent_jobs::Report;

#[derive(clap::Args, Clone, Debug)]
pub struct ReportArgs {
    /// File that receives the termination message
    #[arg(long, default_value = "/dev/termination-log", hide = true)]
    termination_log: PathBuf,
}

impl ReportArgs {
    /// Replaces whatever the message was.
    pub fn write(&self, report: &Report) {
        if let Err(error) = self.try_write(report) {
            let path = self.termination_log.display();
            let _ = writeln!(io::stderr(), "agent-tools: cannot write {path}: {error}");
        }
    }

    /// Kubelet mounts the file. Where there is none nobody would read it, so none is made.
    fn try_write(&self, report: &Report) -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).truncate(true).open(&self.termination_log)?;
        file.write_all(report.to_message().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_message_replaces_a_longer_one_and_no_file_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let args = ReportArgs { termination_log: folder.path().join("log") };
        args.write(&Report::Failed("nobody reads this".into()));
        assert!(!args.termination_log.exists());

        fs::write(&args.termination_log, "an older and much longer message").unwrap();
        args.write(&Report::Failed("no such branch".into()));
        assert_eq!(fs::read_to_string(&args.termination_log).unwrap(), "no such branch");
    }
}
