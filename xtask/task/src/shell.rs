//! Runs other programs and, when one fails, says which, how, and with which last words. It never goes through a shell.

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, bail};

/// How many lines of a failed program's output an error repeats.
const LAST_LINES: usize = 20;

/// In characters: some programs log a stack trace as one line.
const LINE_WIDTH: usize = 300;

/// Where programs are looked for beside `PATH`: sbin is missing from a plain user's, Go's own tarball goes to /usr/local/go.
const MORE_FOLDERS: [&str; 4] = ["/usr/local/go/bin", "/usr/local/sbin", "/usr/sbin", "/sbin"];

/// A program with its arguments, ready to run.
pub struct Cmd {
    command: Command,
    input: Option<Vec<u8>>,
}

impl Cmd {
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        let program = program.as_ref();
        let found = which(program).unwrap_or_else(|| PathBuf::from(program));
        let mut command = Command::new(found);
        // They describe this task; a cargo below would take them for a change, and build ring and all that
        // depends on it again, each time.
        for name in crate::paths::variables_of_the_task() {
            command.env_remove(name);
        }
        Self { command, input: None }
    }

    #[must_use]
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    #[must_use]
    pub fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.command.args(arguments);
        self
    }

    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    #[must_use]
    pub fn current_dir(mut self, folder: impl AsRef<Path>) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// What the program reads from its standard input; without it, it reads nothing.
    #[must_use]
    pub fn input(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.input = Some(bytes.into());
        self
    }

    /// Runs it silently; its output appears only in an error.
    pub fn run(self) -> Result<()> {
        self.read().map(drop)
    }

    /// Runs it silently and returns what it wrote to standard output, without the white space around it.
    pub fn read(self) -> Result<String> {
        let line = self.line();
        let output = self.output()?;
        if !output.status.success() {
            let words = [output.stdout, output.stderr].concat();
            bail!("`{line}`: {}\n{}", output.status, last_lines(&String::from_utf8_lossy(&words)));
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Runs it with this terminal as its own, for a program that reports progress itself.
    pub fn show(mut self) -> Result<()> {
        let line = self.line();
        let status = self.command.status().with_context(|| format!("`{line}` did not start"))?;
        if !status.success() {
            bail!("`{line}`: {status}");
        }
        Ok(())
    }

    /// Whether it ran and ended with success; its output is dropped.
    pub fn succeeds(self) -> bool {
        self.output().is_ok_and(|output| output.status.success())
    }

    fn output(mut self) -> Result<Output> {
        let line = self.line();
        let stdin = if self.input.is_some() { Stdio::piped() } else { Stdio::null() };
        self.command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.command.spawn().with_context(|| format!("`{line}` did not start"))?;
        let pipe = child.stdin.take();
        let input = self.input.take().unwrap_or_default();
        std::thread::scope(|scope| {
            // A program that ends without reading its input is judged by its exit status, not by the broken pipe.
            scope.spawn(move || pipe.map(|mut pipe| pipe.write_all(&input)));
            child.wait_with_output().with_context(|| format!("`{line}` could not be waited for"))
        })
    }

    /// The command line for people, without quotes.
    fn line(&self) -> String {
        let words = std::iter::once(self.command.get_program()).chain(self.command.get_args());
        words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
    }
}

/// The path of a program, if it is on this machine.
pub fn which(program: impl AsRef<OsStr>) -> Option<PathBuf> {
    let program = Path::new(program.as_ref());
    if program.components().count() > 1 {
        return program.is_file().then(|| program.to_owned());
    }
    let path = crate::paths::variable("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(MORE_FOLDERS.iter().map(PathBuf::from));
    folders.map(|folder| folder.join(program)).find(|candidate| candidate.is_file())
}

/// `PATH` for programs that look for others themselves, with the folders that a plain user's lacks.
pub fn full_path() -> OsString {
    let path = crate::paths::variable("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(MORE_FOLDERS.iter().map(PathBuf::from));
    std::env::join_paths(folders).unwrap_or(path)
}

/// The end of a log, short enough for an error.
pub fn last_lines(text: &str) -> String {
    let lines: Vec<String> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| line.chars().take(LINE_WIDTH).collect())
        .collect();
    lines[lines.len().saturating_sub(LAST_LINES)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_program_is_reported_with_its_command_line_and_last_words() {
        let error =
            Cmd::new("sh").args(["-c", "echo why >&2; exit 3"]).run().unwrap_err().to_string();
        assert!(
            error.contains("sh -c") && error.contains("exit status: 3") && error.ends_with("why"),
            "{error}"
        );
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let error = Cmd::new("no-such-program").read().unwrap_err().to_string();
        assert_eq!(error, "`no-such-program` did not start");
    }

    #[test]
    fn input_larger_than_a_pipe_comes_back_whole() {
        let text = "x".repeat(1 << 20);
        assert_eq!(Cmd::new("cat").input(text.clone()).read().unwrap(), text);
    }

    #[test]
    fn last_lines_keeps_the_end() {
        let text = (0..100).map(|line| line.to_string()).collect::<Vec<_>>().join("\n");
        assert!(last_lines(&text).starts_with("80\n") && last_lines(&text).ends_with("99"));
    }
}
