//! What runs on the PTY in `OpenCode`'s place: shell scripts that say what they are, and ways to see what they read.

use std::{
    fs::{self, OpenOptions},
    path::Path,
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, pidfd_open},
};
use tempfile::TempDir;
use time::OffsetDateTime;
use tokio::net::unix::pipe;

/// The first thing that every program shows, once its terminal is as it wants it.
pub(crate) const READY: &str = "stand-in ready\r\n";

/// A command line for the screen, and the folder that it writes into.
pub(crate) struct Program {
    pub(crate) command: Vec<String>,
    pub(crate) folder: TempDir,
}

/// A process that says that it is ready and becomes `command`, so that a Ctrl-C that answers ends it. Were it its shell
/// that said so, a Ctrl-C could come before the process was there, and nothing would ever end it.
fn ready_and(command: &str) -> String {
    format!("/bin/sh -c 'echo stand-in ready; exec {command}'")
}

impl Program {
    /// `script` with `$DIR` as its folder. It must print `stand-in ready` and a line end.
    fn shell(script: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let script = script.replace("$DIR", folder.path().to_str().unwrap());
        let script = format!("echo $$ > {}/pid; {script}", folder.path().display());
        Self { command: ["/bin/sh", "-c", &script].map(str::to_owned).to_vec(), folder }
    }

    /// What is typed comes back, byte by byte.
    pub(crate) fn echoes() -> Self {
        Self::shell("stty raw -echo; printf 'stand-in ready\\r\\n'; exec cat")
    }

    /// Writes what it reads to `typed`; a hang-up does not move it.
    pub(crate) fn records() -> Self {
        Self::shell(
            "trap '' HUP; stty raw -echo; printf 'stand-in ready\\r\\n'; exec cat > $DIR/typed",
        )
    }

    /// As [`Program::records`], but reads nothing before [`Program::go`] and half a second after it: half of what a
    /// viewer that left has to be read out, and plenty for a screen to act upon what it was told. What arrives at the
    /// terminal is echoed by it.
    pub(crate) fn records_later() -> Self {
        Self::shell(
            "trap '' HUP; mkfifo $DIR/go; stty raw echo; printf 'stand-in ready\\r\\n'; \
             : < $DIR/go; sleep 0.5; exec cat > $DIR/typed",
        )
    }

    /// Says INTERRUPTED at the first Ctrl-C, and never reads.
    pub(crate) fn never_reads() -> Self {
        let endless = ready_and("sleep infinity");
        Self::shell(&format!("trap : INT; stty -echo; {endless}; echo INTERRUPTED; sleep infinity"))
    }

    /// Pours out `y` until the first Ctrl-C, then says INTERRUPTED and echoes.
    pub(crate) fn pours() -> Self {
        let flood = ready_and("yes");
        Self::shell(&format!(
            "trap : INT; stty -echo; {flood}; echo INTERRUPTED; stty raw; exec cat"
        ))
    }

    /// Pours out `y` where the first line is `pour`, or else writes what it reads to a file of its own; a hang-up
    /// does not move it.
    pub(crate) fn pours_or_records() -> Self {
        Self::shell(
            "trap '' HUP; stty raw -echo; printf 'stand-in ready\\r\\n'; read task; \
             case $task in pour) exec yes;; *) exec cat > $DIR/typed.$$;; esac",
        )
    }

    /// Pours out `y` until the first Ctrl-C, of which [`Program::interrupted`] tells.
    pub(crate) fn pours_unseen() -> Self {
        let flood = ready_and("yes");
        Self::shell(&format!(
            "trap : INT; mkfifo $DIR/interrupted; exec 3<> $DIR/interrupted; \
             stty -echo; {flood}; echo >&3; exec cat",
        ))
    }

    /// Prints numbered lines, and writes what it reads to `typed`.
    pub(crate) fn numbers() -> Self {
        Self::shell(&format!("TYPED=$DIR/typed; {}", pages::NUMBERED_LINES))
    }

    /// Ends by itself when a line is typed.
    pub(crate) fn leaves() -> Self {
        Self::shell("stty -echo; echo stand-in ready; read line")
    }

    /// Lets [`Program::records_later`] read.
    pub(crate) fn go(&self) {
        // Both ways, so that it does not wait for a reader that may be gone.
        OpenOptions::new().read(true).write(true).open(self.path("go")).unwrap();
    }

    /// What [`Program::records`] has read.
    pub(crate) fn typed(&self) -> Vec<u8> {
        fs::read(self.path("typed")).unwrap_or_default()
    }

    /// What each [`Program::pours_or_records`] has read, in bytes, and when it read the last of it.
    pub(crate) fn records_read(&self) -> Vec<(u64, OffsetDateTime)> {
        let files = fs::read_dir(self.folder.path()).unwrap().map(Result::unwrap);
        let records = files.filter(|file| file.file_name().to_string_lossy().starts_with("typed."));
        let records = records.map(|record| record.metadata().unwrap());
        records.map(|record| (record.len(), record.modified().unwrap().into())).collect()
    }

    /// Waits until [`Program::pours_unseen`] is interrupted, whatever its viewer does.
    pub(crate) async fn interrupted(&self) {
        let told = pipe::OpenOptions::new().open_receiver(self.path("interrupted")).unwrap();
        told.readable().await.unwrap();
    }

    /// Waits until the process on the PTY is gone.
    pub(crate) async fn gone(&self, within: Duration) {
        let pid = fs::read_to_string(self.path("pid")).unwrap();
        let pid = Pid::from_raw(pid.trim().parse().unwrap()).unwrap();
        // No such process any more is as good.
        let Ok(process) = pidfd_open(pid, PidfdFlags::NONBLOCK) else { return };
        let ended = tokio::task::spawn_blocking(move || {
            let limit = Timespec::try_from(within).unwrap();
            poll(&mut [PollFd::new(&process, PollFlags::IN)], Some(&limit)).unwrap()
        });
        assert_eq!(ended.await.unwrap(), 1, "the program is still there after {within:?}");
    }

    fn path(&self, file: &str) -> std::path::PathBuf {
        Path::new(self.folder.path()).join(file)
    }
}
