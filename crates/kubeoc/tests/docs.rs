//! What the pages tell people to type is what the program takes.

use clap::Parser;
use fixtures::docs::{Command, commands};
use kubeoc::cli::Arguments;

/// The arguments of this program, also where it is called as kubectl's plugin.
fn line(command: &Command) -> Option<&[String]> {
    match command.words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["kubeoc", ..] => Some(&command.words),
        ["kubectl", "koc", ..] => Some(&command.words[1..]),
        _ => None,
    }
}

#[test]
fn every_command_of_the_docs_is_taken() {
    let commands = commands();
    let lines = commands.iter().filter_map(|command| Some((&command.place, line(command)?)));
    let mut taken = 0;
    for (place, line) in lines {
        if let Err(error) = Arguments::try_parse_from(line) {
            panic!("{place}: {}\n{error}", line.join(" "));
        }
        taken += 1;
    }
    assert!(taken > 40, "only {taken} commands are found");
}
