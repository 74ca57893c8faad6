//! What is done to this machine for a while. It is undone also where the test is killed in the middle of it.

use std::{
    io::Read,
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result, ensure};

/// Something that lasts until this is dropped, or until this process ends in whatever way.
#[derive(Debug)]
pub struct Temporary(Child);

impl Temporary {
    /// Runs the shell's `begin` now and its `end` later, by `wrapper`, such as nsenter(1) with its arguments.
    pub fn begin(wrapper: &[&str], begin: &str, end: &str) -> Result<Self> {
        // It reads until our end of the pipe is closed. Ctrl-C is meant for us alone.
        let script = format!("trap '' INT; {begin} && echo begun && read -r _; {end}");
        let line = [wrapper, &["sh", "-c", &script]].concat();
        let (program, arguments) = line.split_first().context("no program")?;
        let mut shell = Command::new(program);
        let shell = shell.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut temporary = Self(shell.spawn().context("the shell does not start")?);
        let mut answer = [0; b"begun".len()];
        let stdout = temporary.0.stdout.as_mut().context("no stdout")?;
        ensure!(stdout.read_exact(&mut answer).is_ok(), "this failed: {begin}");
        Ok(temporary)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        // There is nobody to tell.
        let _ = self.0.wait();
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_was_begun_is_undone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("there");
        let (begin, end) = (format!("touch {}", file.display()), format!("rm {}", file.display()));
        let temporary = Temporary::begin(&[], &begin, &end).unwrap();
        assert!(fs::exists(&file).unwrap());
        drop(temporary);
        assert!(!fs::exists(&file).unwrap());
    }

    #[test]
    fn what_cannot_begin_is_an_error() {
        Temporary::begin(&[], "false", "true").unwrap_err();
    }
}
