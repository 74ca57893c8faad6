//! One line on the terminal for each step of a task, with the time it took; it knows nothing of the work itself.

use std::cell::RefCell;
use std::io::{IsTerminal, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// Where there is no terminal to redraw, a long step speaks up this often, so that a log shows it is alive.
const REMINDER: Duration = Duration::from_secs(30);

/// Handed to the work of a step, so that it can add to the line.
#[derive(Default)]
pub struct Step {
    note: RefCell<String>,
}

impl Step {
    /// What the finished line says in brackets, such as `from cache`.
    pub fn note(&self, text: impl Into<String>) {
        *self.note.borrow_mut() = text.into();
    }
}

/// Does `work` under the line `title`: a running line while it works, then one with the seconds. An error names the step.
pub fn run<T>(title: &str, work: impl FnOnce(&Step) -> Result<T>) -> Result<T> {
    anyhow::ensure!(!crate::interrupt::requested(), "interrupted");
    let started = Instant::now();
    let step = Step::default();
    let outcome = std::thread::scope(|scope| {
        // Carries no items: the closing of the channel is the signal.
        let (finished, watch) = sync_channel::<()>(1);
        scope.spawn(move || show_running(title, started, &watch));
        let outcome = work(&step);
        drop(finished);
        outcome
    });
    let line = render(
        title,
        started.elapsed(),
        &step.note.borrow(),
        if outcome.is_ok() { "✓" } else { "✗" },
    );
    let clear = if std::io::stderr().is_terminal() { "\r\x1b[K" } else { "" };
    eprintln!("{clear}{line}");
    outcome.with_context(|| title.to_owned())
}

fn show_running(title: &str, started: Instant, watch: &Receiver<()>) {
    let terminal = std::io::stderr().is_terminal();
    let interval = if terminal { Duration::from_secs(1) } else { REMINDER };
    loop {
        if terminal {
            eprint!("\r\x1b[K… {title} {:.0} s", started.elapsed().as_secs_f64());
            // A terminal that went away is no reason to stop the work.
            let _ = std::io::stderr().flush();
        }
        if watch.recv_timeout(interval) != Err(RecvTimeoutError::Timeout) {
            return;
        }
        if !terminal {
            eprintln!("… {title} {:.0} s", started.elapsed().as_secs_f64());
        }
    }
}

fn render(title: &str, took: Duration, note: &str, mark: &str) -> String {
    let note = if note.is_empty() { String::new() } else { format!(" ({note})") };
    format!("{mark} {title}{note} {:.1} s", took.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finished_line_names_the_step_its_note_and_its_seconds() {
        let took = Duration::from_millis(1240);
        assert_eq!(render("node Ready", took, "", "✓"), "✓ node Ready 1.2 s");
        assert_eq!(render("binaries", took, "from cache", "✓"), "✓ binaries (from cache) 1.2 s");
    }

    #[test]
    fn an_error_names_its_step() {
        let error = run("etcd", |_| -> Result<()> { anyhow::bail!("port taken") }).unwrap_err();
        assert_eq!(format!("{error:#}"), "etcd: port taken");
    }
}
