//! What a shell offers for a half-written command line: commands, flags, and the names that the cluster
//! knows. Whoever presses Tab wants a word or nothing: a failure is silent, and nothing takes long.

mod names;
mod plugin;

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use clap::{Arg, Command, CommandFactory};
use clap_complete::{CompleteEnv, Shell, engine::ArgValueCandidates, env::Shells};

use crate::cli::Arguments;
use names::{Cluster, Names};

/// The variable by which a shell asks: its own name. That of clap, `COMPLETE`, is anybody's.
const VARIABLE: &str = "KUBEOC_COMPLETE";

/// What the shell completes.
const PROGRAM: &str = "kubeoc";

/// Answers a shell or kubectl, and says whether it was one of them that started this process. Call it
/// before there is another thread: it changes this process's environment.
pub fn answered(line: &[OsString]) -> bool {
    if let Some(words) = plugin::words(line) {
        plugin::answer(&words);
        return true;
    }
    let words: Vec<_> = line.iter().skip_while(|word| *word != "--").skip(1).cloned().collect();
    let completion = CompleteEnv::with_factory(|| command(&words)).var(VARIABLE).bin(PROGRAM);
    let folder = std::env::current_dir().ok();
    // What cannot be completed is no word.
    completion.try_complete(line.iter().cloned(), folder.as_deref()).unwrap_or(true)
}

/// What a shell has to read; `called` is how this program was called.
pub(crate) fn script(shell: Shell, called: &OsStr) -> anyhow::Result<String> {
    let shells = Shells::builtins();
    let completer = shells.completer(&shell.to_string()).context("an unknown shell")?;
    let mut script = Vec::new();
    let program = program(called)?;
    let program = program.to_string_lossy();
    completer.write_registration(VARIABLE, PROGRAM, PROGRAM, &program, &mut script)?;
    Ok(String::from_utf8(script)?)
}

/// A path means the same wherever it is called from; a bare name is looked up in `$PATH`.
fn program(called: &OsStr) -> anyhow::Result<PathBuf> {
    let called = Path::new(called);
    let is_path = called.components().count() > 1;
    Ok(if is_path { std::path::absolute(called)? } else { called.to_owned() })
}

/// The command line, whose arguments know their candidates; `words` is what is written of it.
fn command(words: &[OsString]) -> Command {
    let cluster = Cluster::named_by(words);
    let candidates = |names: Names| {
        let cluster = cluster.clone();
        ArgValueCandidates::new(move || cluster.candidates(names))
    };
    let known = |arg: Arg| match arg.get_id().as_str() {
        "name" | "names" => arg.add(candidates(Names::Agents)),
        "namespace" | "watch_namespaces" | "scratch_agent" => {
            arg.add(candidates(Names::Namespaces))
        }
        "link" => arg.add(candidates(Names::Links)),
        "context" => arg.add(candidates(Names::Contexts)),
        _ => arg,
    };
    let templates = |arg: Arg| arg.add(candidates(Names::Templates));
    everywhere(Arguments::command(), &known).mut_subcommand("get", |get| {
        get.mut_subcommand("templates", |command| command.mut_arg("names", templates))
    })
}

fn everywhere(command: Command, change: &impl Fn(Arg) -> Arg) -> Command {
    command.mut_args(change).mut_subcommands(|command| everywhere(command, change))
}
