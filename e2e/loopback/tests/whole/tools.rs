//! Tools of one's own beside the gateway: the examples in `examples/grpc`, each as a process of its own, with certificates that
//! say what it may do.

use std::{fs, process::Stdio};

use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::{Child, ChildStdin, Command},
    time::timeout,
};

use crate::{
    guest::Guest,
    program::{Program, READY},
    system::{GATEWAY, PATIENCE, TestSystem, token},
};

const ALL: [&str; 4] =
    ["kubeopencode-tool-nightly", "kubeopencode-attach", "kubeopencode-list", "kubeopencode-close"];

/// How one of the examples is started.
type Example = fn() -> Command;

fn rust() -> Command {
    Command::new(env!("CARGO_BIN_EXE_loopback-grpc-example"))
}

/// `cargo xtask test` makes the interpreter, which has what the example imports.
#[cfg(feature = "python")]
fn python() -> Command {
    #[allow(clippy::disallowed_methods, reason = "xtask tells tests by environment")]
    let interpreter = std::env::var_os("E2E_PYTHON").expect("E2E_PYTHON names an interpreter");
    let mut command = Command::new(interpreter);
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/grpc/python/tool.py"));
    command
}

/// A tool with its certificate, and a file with the token.
struct Tool {
    example: Example,
    folder: TempDir,
    brokers: Vec<String>,
}

/// What a command came to.
#[derive(Debug)]
struct Outcome {
    code: Option<i32>,
    output: String,
    errors: String,
}

impl Tool {
    /// Whose certificate has these DNS names.
    fn with(example: Example, system: &TestSystem, names: &[&str]) -> Self {
        let folder = system.authority.folder_for(names);
        fs::write(folder.path().join("token"), token().expose()).unwrap();
        Self { example, folder, brokers: vec![system.broker.address.to_string()] }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = (self.example)();
        for broker in &self.brokers {
            command.args(["--broker", broker]);
        }
        command.arg("--tls-dir").arg(self.folder.path()).args(arguments).kill_on_drop(true);
        command
    }

    async fn runs(&self, arguments: &[&str]) -> Outcome {
        let done = timeout(PATIENCE, self.command(arguments).output()).await;
        let done = done.expect("it does not end").unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Outcome { code: done.status.code(), output: text(done.stdout), errors: text(done.stderr) }
    }

    /// The lines of a list that is whole.
    async fn lists(&self, filters: &[&str]) -> Vec<Vec<String>> {
        let listed = self.runs(&[&["list"], filters].concat()).await;
        assert_eq!((listed.code, listed.errors.as_str()), (Some(0), ""), "{listed:?}");
        let fields = |line: &str| line.split('\t').map(str::to_owned).collect();
        listed.output.lines().map(fields).collect()
    }

    fn attach(&self) -> Command {
        let mut command = self.command(&["attach", "--client-address=203.0.113.9", "--token-file"]);
        command.arg(self.folder.path().join("token"));
        command
    }

    /// Opens a terminal, and waits until its program is ready.
    async fn attaches(&self) -> Attached {
        let mut command = self.attach();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut attached = Attached { stdin: child.stdin.take(), child };
        attached.sees(READY).await;
        attached
    }
}

/// A tool that has a terminal open.
struct Attached {
    child: Child,
    stdin: Option<ChildStdin>,
}

impl Attached {
    async fn types(&mut self, text: &str) {
        self.stdin.as_mut().unwrap().write_all(text.as_bytes()).await.unwrap();
    }

    /// Reads until `text` has come.
    async fn sees(&mut self, text: &str) {
        let output = self.child.stdout.as_mut().unwrap();
        let mut seen = vec![];
        let reads = async {
            while !seen.windows(text.len()).any(|window| window == text.as_bytes()) {
                assert_ne!(output.read_buf(&mut seen).await.unwrap(), 0, "{text} did not come");
            }
        };
        timeout(PATIENCE, reads).await.expect("nothing more comes");
    }

    /// What it says at its end.
    async fn ends(self) -> Outcome {
        let done = timeout(PATIENCE, self.child.wait_with_output()).await;
        let done = done.expect("it does not end").unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Outcome { code: done.status.code(), output: text(done.stdout), errors: text(done.stderr) }
    }
}

async fn opens_lists_and_closes(example: Example) {
    let system = TestSystem::start(Program::echoes()).await;
    let tool = Tool::with(example, &system, &ALL);
    let mut guest = Guest::arrives(&system).await;
    let mut own = tool.attaches().await;
    own.types("by a tool").await;
    own.sees("by a tool").await;

    let sessions = tool.lists(&[]).await;
    let addresses: Vec<_> = sessions.iter().map(|fields| fields[2].as_str()).collect();
    assert_eq!(addresses, ["127.0.0.1", "203.0.113.9"]);
    assert!(sessions.iter().all(|fields| fields[1] == "team-a/demo"), "{sessions:?}");
    assert!(!format!("{sessions:?}").contains(token().expose()));
    assert!(tool.lists(&["--agent=other"]).await.is_empty());

    for fields in &sessions {
        let closed = tool.runs(&["close", &fields[0], "--reason=upgrade"]).await;
        assert_eq!(closed.code, Some(0), "{closed:?}");
    }
    let why = "an administrator closed the session: upgrade";
    assert_eq!(guest.closed().await, (1000, why.to_owned()));
    let ended = own.ends().await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.errors.contains(why), "{ended:?}");

    let again = tool.runs(&["close", &sessions[0][0]]).await;
    assert_eq!(again.code, Some(1), "{again:?}");
    assert!(again.errors.contains("no broker has this session"), "{again:?}");
}

async fn moves_more_than_the_windows_and_leaves(example: Example) {
    let mut system = TestSystem::start(Program::echoes()).await;
    let tool = Tool::with(example, &system, &ALL);
    let mut own = tool.attaches().await;
    let mut exec = system.api.exec().await;
    // Twice what may be under way unread, and more than what may be typed ahead.
    let line = "x".repeat(63) + "\n";
    let paste = line.repeat(8 * 1024) + "END";
    let mut stdin = own.stdin.take().unwrap();
    let typing = async {
        stdin.write_all(paste.as_bytes()).await.unwrap();
        stdin
    };
    let (stdin, ()) = tokio::join!(typing, own.sees("\nEND"));
    drop(stdin);
    let ended = own.ends().await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    exec.ended(PATIENCE).await;
}

/// What a thief of the gateway's certificate gets: terminals of links whose tokens he has, and nothing else.
async fn is_refused_what_its_certificate_does_not_say(example: Example) {
    let system = TestSystem::start(Program::echoes()).await;
    let gateway = Tool::with(example, &system, &[GATEWAY]);
    let own = gateway.attaches().await;
    let cases =
        [(&["list"][..], "ListSessions", "list"), (&["close", "x"], "CloseSession", "close")];
    for (arguments, call, role) in cases {
        let refused = gateway.runs(arguments).await;
        assert_eq!((refused.code, refused.output.as_str()), (Some(1), ""), "{refused:?}");
        let why = format!(
            "{call} needs a role that the certificate of {GATEWAY} lacks, \"{role}\": `kubeoc \
             certificates issue NAME --role {role}` makes one that has it"
        );
        assert!(refused.errors.contains(&why), "{refused:?}");
    }
    drop(own);

    let lister = Tool::with(example, &system, &[ALL[0], "kubeopencode-list"]);
    let refused = timeout(PATIENCE, lister.attach().output()).await.unwrap().unwrap();
    assert!(!refused.status.success());
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(
        said.contains(
            "Attach needs a role that the certificate of kubeopencode-tool-nightly lacks"
        ),
        "{said}"
    );
}

async fn asks_every_broker(example: Example) {
    let system = TestSystem::start(Program::echoes()).await;
    let other = system.another_broker().await;
    let mut tool = Tool::with(example, &system, &ALL);
    let mut elsewhere = Tool::with(example, &system, &ALL);
    elsewhere.brokers = vec![other.address.to_string()];
    let (_here, there) = (tool.attaches().await, elsewhere.attaches().await);
    assert_eq!(tool.lists(&[]).await.len(), 1, "brokers know nothing of each other");
    tool.brokers.extend(elsewhere.brokers.clone());

    let sessions = tool.lists(&[]).await;
    assert_eq!(sessions.len(), 2, "{sessions:?}");
    assert_ne!(sessions[0][3], sessions[1][3], "each says whose it is");
    let [session] = &elsewhere.lists(&[]).await[..] else { panic!("not one session") };
    let closed = tool.runs(&["close", &session[0]]).await;
    assert_eq!(closed.code, Some(0), "{closed:?}");
    assert!(there.ends().await.errors.contains("an administrator closed the session"));

    // A list that is not whole says so.
    tool.brokers.push("127.0.0.1:1".to_owned());
    let partial = tool.runs(&["list"]).await;
    // The one that was closed is listed until its exec has ended.
    assert!(partial.code == Some(1) && !partial.output.is_empty(), "{partial:?}");
    assert!(partial.errors.contains("127.0.0.1:1: "), "{partial:?}");
}

macro_rules! tests_of {
    ($($example:ident: $($claim:ident),*;)*) => {$(
        mod $example {
            $(
                #[tokio::test]
                async fn $claim() {
                    super::$claim(super::super::$example).await;
                }
            )*
        }
    )*};
}

mod of {
    use super::{
        asks_every_broker, is_refused_what_its_certificate_does_not_say,
        moves_more_than_the_windows_and_leaves, opens_lists_and_closes,
    };

    tests_of! {
        rust: opens_lists_and_closes, moves_more_than_the_windows_and_leaves,
            is_refused_what_its_certificate_does_not_say, asks_every_broker;
    }

    #[cfg(feature = "python")]
    tests_of! {
        python: opens_lists_and_closes, moves_more_than_the_windows_and_leaves,
            is_refused_what_its_certificate_does_not_say, asks_every_broker;
    }
}
