//! `kubeoc agent attach`: the user's own terminal is the agent's, over a connection that may break.

use std::sync::mpsc::{self, Receiver, Sender};

use fixtures::OnTerminal;
use rustix::process::Signal;
use screen_wire::Frame;
use serde_json::{Value, json};

use crate::{
    api_server::{ApiServer, assert_fails, command, condition, demo, ok},
    screen::{Screen, forbid, serve, serve_agent},
};

const DETACH: &[u8] = b"\x1d";

fn attach(address: &str, flags: &[&str]) -> OnTerminal {
    OnTerminal::start(command(address, &[&["agent", "attach", "demo"], flags].concat()))
}

/// What scripts learn is told to the test.
fn told<T>() -> (Sender<T>, Receiver<T>) {
    mpsc::channel()
}

/// Draws what is typed in capitals, until the viewer leaves.
fn echo(mut screen: Screen) {
    screen.let_join(0, 0);
    screen.draw("ready> ");
    answer(screen);
}

/// The same of one that has joined.
fn answer(mut screen: Screen) {
    while let Some(frame) = screen.hear() {
        match frame {
            Frame::Input(typed) => {
                screen.say(Frame::InputCredit { bytes: u32::try_from(typed.len()).unwrap() });
                screen.say(Frame::Output(typed.to_ascii_uppercase().into()));
            }
            Frame::Resize { columns, rows } if columns != 100 => {
                screen.say(Frame::Output(format!("<{columns}x{rows}>").into()));
            }
            _ => {}
        }
    }
    screen.end(&json!({ "status": "Success" }), "");
}

#[test]
fn what_is_typed_reaches_the_agent_and_what_it_draws_is_seen() {
    let (commands, command) = told();
    let address = serve(move |_, screen| {
        commands.send(screen.command.clone()).unwrap();
        echo(screen);
    });
    let mut terminal = attach(&address, &[]);
    terminal.sees("Attached to team-a/demo; press Ctrl-] to detach.");
    terminal.sees("ready> ");
    assert!(!terminal.is_cooked());
    terminal.types(b"ls\r");
    terminal.sees("LS\r");
    terminal.resize(120, 40);
    terminal.sees("<120x40>");
    terminal.types(DETACH);
    let (code, rest) = terminal.ends();
    assert_eq!(code, Some(0), "{rest}");
    let restored = ["\x1b[?1049l", "\x1b[?1000l", "\x1b[?25h", "Detached from team-a/demo."];
    assert!(restored.iter().all(|part| rest.contains(part)), "{rest:?}");

    let command = command.recv().unwrap().join(" ");
    let expected = "/tools/agent-tools screen attach --port 4096 --columns 100 --rows 30 \
                    --window-bytes 262144 --name default --join {";
    assert!(command.starts_with(expected), "{command}");
}

#[test]
fn a_link_has_a_terminal_of_its_own() {
    let (commands, command) = told();
    let linked = |agent: &mut Value| agent["spec"]["share"]["links"] = json!([{ "name": "qa" }]);
    let address = serve_agent(linked, move |_, screen| {
        commands.send(screen.command.clone()).unwrap();
        echo(screen);
    });
    let mut terminal = attach(&address, &["--link", "qa"]);
    terminal.sees("ready> ");
    terminal.types(DETACH);
    assert_eq!(terminal.ends().0, Some(0));
    assert!(command.recv().unwrap().join(" ").contains(" --name link-qa "));
}

#[test]
fn who_only_looks_types_nothing_and_leaves_by_ctrl_c_as_well() {
    let (said, heard) = told();
    let address = serve(move |_, mut screen| {
        screen.let_join(0, 0);
        screen.draw("ready> ");
        said.send(screen.hear_all()).unwrap();
    });
    let mut terminal = attach(&address, &["--view"]);
    terminal.sees("ready> ");
    terminal.types(b"ls\r");
    terminal.resize(120, 40);
    terminal.types(b"\x03");
    let (code, rest) = terminal.ends();
    assert_eq!(code, Some(0), "{rest}");
    let heard = heard.recv().unwrap();
    let speaks = |frame: &Frame| {
        matches!(frame, Frame::Compress | Frame::OutputCredit { .. } | Frame::Leave)
    };
    assert!(heard.iter().all(speaks), "{heard:?}");
}

#[test]
fn after_a_break_it_goes_on_where_it_was() {
    let (said, heard) = told();
    let address = serve(move |number, mut screen| {
        let join = screen.join();
        match number {
            0 => {
                screen.let_join(0, 0);
                screen.draw("ready> ");
                said.send((join, screen.hear_typed(6))).unwrap();
                screen.say(Frame::InputCredit { bytes: 2 });
                screen.draw("one");
                // The credit and the output are there before the end.
                while !matches!(screen.hear(), Some(Frame::Input(_)) | None) {}
                screen.breaks();
            }
            1 => screen.breaks(),
            _ => {
                // Four of six came, and "x".
                screen.let_join(4, 10);
                screen.draw("two");
                said.send((join, screen.hear_typed(3))).unwrap();
                answer(screen);
            }
        }
    });
    let mut terminal = attach(&address, &[]);
    terminal.sees("ready> ");
    terminal.types(b"abcdef");
    terminal.sees("one");
    terminal.types(b"x");
    terminal.sees("two");
    terminal.types(DETACH);
    let (code, rest) = terminal.ends();
    assert_eq!(code, Some(0), "{rest}");

    let (first, typed) = heard.recv().unwrap();
    assert_eq!((first.terminal, first.drawn, first.typed(), &*typed), (0, None, 0..=0, "abcdef"));
    let (again, typed) = heard.recv().unwrap();
    assert_eq!(again.viewer, first.viewer);
    assert_eq!((again.terminal, again.drawn, again.typed()), (7, Some(10), 2..=7));
    assert_eq!(typed, "efx");
}

#[test]
fn a_terminal_that_ends_says_so_by_its_code() {
    for (code, expected, says) in [
        (0, 0, "The terminal of team-a/demo has ended."),
        (137, 1, "error: the terminal of team-a/demo has ended with code 137"),
    ] {
        let address = serve(move |_, mut screen| {
            screen.let_join(0, 0);
            screen.draw("bye");
            screen.say(Frame::Exit { code });
            screen.end(&json!({ "status": "Success" }), "");
        });
        let mut terminal = attach(&address, &[]);
        terminal.sees("bye");
        let (code, rest) = terminal.ends();
        assert_eq!(code, Some(expected), "{rest}");
        assert!(rest.contains(says), "{rest}");
    }
}

#[test]
fn a_signal_leaves_the_terminal_as_it_was() {
    for signal in [Signal::TERM, Signal::HUP, Signal::INT] {
        let address = serve(|_, screen| echo(screen));
        let mut terminal = attach(&address, &[]);
        terminal.sees("ready> ");
        terminal.signal(signal);
        let (code, rest) = terminal.ends();
        assert_eq!(code, Some(1), "{rest}");
        assert!(rest.contains("\x1b[?25h") && rest.contains("error: ended by SIG"), "{rest:?}");
    }
}

#[test]
fn without_a_terminal_it_is_code_2_and_asks_for_nothing() {
    let server = ApiServer::start(|_| ok(&demo()));
    let output = server.run(&["agent", "attach", "demo"]);
    assert_fails(&output, 2, "stdin is no terminal: run this command in a terminal");
    assert!(server.lines().is_empty());
}

#[track_caller]
fn assert_refused(address: &str, flags: &[&str], code: i32, says: &str) {
    let (ended, rest) = attach(address, flags).ends();
    assert_eq!(ended, Some(code), "{rest}");
    assert!(rest.contains(says) && !rest.contains('\x1b'), "{rest:?}");
}

#[test]
fn an_agent_without_a_terminal_names_the_way_out() {
    let address = serve(|_, screen| echo(screen));
    assert_refused(&address, &["--link", "qa"], 3, "kubeoc agent share demo -n team-a --link qa");
    let suspended = |agent: &mut Value| {
        agent["status"]["ready"] = json!(false);
        agent["status"]["conditions"] =
            json!([condition("Ready", "False", "Suspended", "the agent is suspended")]);
    };
    let address = serve_agent(suspended, |_, screen| echo(screen));
    assert_refused(&address, &[], 3, "Start it with: kubeoc agent resume demo -n team-a");
}

#[test]
fn a_missing_permission_is_named() {
    let cases = [
        ("/agents/demo", "get", "agents.kubeopencode.io"),
        ("/deployments/demo-server", "get", "deployments.apps"),
        ("/replicasets", "list", "replicasets.apps"),
        ("/pods", "list", "pods"),
    ];
    for (path, verb, resource) in cases {
        let says = format!("a role with the verb \"{verb}\" on \"{resource}\"");
        assert_refused(&forbid(path, ""), &[], 5, &says);
    }
    for verb in ["get", "create"] {
        let message = match verb {
            "get" => "pods \"x\" is forbidden: User \"u\" cannot get resource \"pods/exec\"",
            _ => "pods \"x\" is forbidden: User \"u\" cannot create resource \"pods/exec\"",
        };
        let says = format!("a role with the verb \"{verb}\" on \"pods/exec\"");
        assert_refused(&forbid("/exec", message), &[], 5, &says);
    }
}

#[test]
fn a_command_that_does_not_start_says_why() {
    let failed = |code: &str| {
        json!({
            "status": "Failure", "reason": "NonZeroExitCode", "message": "it failed",
            "details": { "causes": [{ "reason": "ExitCode", "message": code }] },
        })
    };
    let status = failed("1");
    let address = serve(move |_, screen| screen.end(&status, "cannot reach\nthe holder\n"));
    assert_refused(
        &address,
        &[],
        1,
        "the terminal did not open: the terminal's program in the pod ended: the holder",
    );
    let status = failed("2");
    let address = serve(move |_, screen| screen.end(&status, "error: --name"));
    assert_refused(
        &address,
        &[],
        1,
        "the agent's pod is of a release whose terminals nobody shares",
    );
}
