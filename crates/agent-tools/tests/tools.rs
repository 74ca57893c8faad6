//! The small tools, as a pod runs them.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::{
    io::{Read, Write},
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    process::{Command, Output},
    thread,
};

fn tool() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_agent-tools"));
    command.env_clear();
    command
}

/// A server that answers one request: 200 to the credentials `opencode:s3cret`, 401 to all others.
fn server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut head = vec![];
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.extend_from_slice(&byte);
        }
        let head = String::from_utf8(head).unwrap();
        let expected = head.starts_with("GET /session/status HTTP/1.1\r\n")
            && head.contains("authorization: Basic b3BlbmNvZGU6czNjcmV0\r\n");
        let status = if expected { "200 OK" } else { "401 Unauthorized" };
        write!(stream, "HTTP/1.1 {status}\r\ncontent-length: 2\r\n\r\n{{}}").unwrap();
    });
    port
}

fn probe(port: u16, password: Option<&str>) -> Output {
    let mut command = tool();
    command.args(["probe", "--port", &port.to_string()]);
    command.envs(password.map(|password| ("OPENCODE_SERVER_PASSWORD", password)));
    command.output().unwrap()
}

#[test]
fn install_leaves_one_executable_also_over_an_older_one() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("agent-tools");
    std::fs::write(&target, "an older one").unwrap();

    let installed = tool().arg("install").arg(dir.path()).status().unwrap();

    assert!(installed.success());
    assert_eq!(target.metadata().unwrap().permissions().mode() & 0o777, 0o755);
    let original = std::fs::read(env!("CARGO_BIN_EXE_agent-tools")).unwrap();
    assert!(std::fs::read(&target).unwrap() == original);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn install_names_the_folder_it_cannot_write() {
    let refused = tool().args(["install", "/proc/nowhere"]).output().unwrap();
    assert!(!refused.status.success());
    let sentence = String::from_utf8(refused.stderr).unwrap();
    assert!(sentence.contains("cannot install into /proc/nowhere"), "{sentence}");
}

#[test]
fn install_joins_mozillas_roots_and_the_agents_own_and_keeps_private_keys_out() {
    let dir = tempfile::tempdir().unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(["corp".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap().pem().replace("\r\n", "\n");
    let custom = dir.path().join("custom.crt");
    std::fs::write(&custom, format!("# corp\n{}{certificate}", key.serialize_pem())).unwrap();
    let bundle = dir.path().join("ca-bundle.crt");
    std::fs::write(&bundle, "an older one").unwrap();

    let mut shell = Command::new("/bin/sh");
    shell
        .env_clear()
        .args(["-c", "umask 077; exec \"$@\"", "sh"])
        .arg(env!("CARGO_BIN_EXE_agent-tools"));
    let mut install = shell.arg("install").arg(dir.path()).arg("--ca-bundle").arg(&custom);
    assert!(install.status().unwrap().success());

    let written = std::fs::read_to_string(&bundle).unwrap();
    let count = written.matches("-----BEGIN CERTIFICATE-----\n").count();
    assert_eq!(count, webpki_root_certs::TLS_SERVER_ROOT_CERTS.len() + 1);
    assert!(written.ends_with(&certificate) && !written.contains("PRIVATE KEY"));
    assert_eq!(bundle.metadata().unwrap().permissions().mode() & 0o777, 0o644);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 3);

    install = install.arg("--termination-log").arg(&bundle);
    std::fs::write(&custom, "not a certificate").unwrap();
    assert_eq!(install.status().unwrap().code(), Some(1));
    let sentence = std::fs::read_to_string(&bundle).unwrap();
    assert!(sentence.starts_with("spec.caBundle holds no certificate at "), "{sentence}");
}

#[test]
fn probe_succeeds_with_the_right_password_only() {
    assert!(probe(server(), Some("s3cret")).status.success());

    for password in [Some("wrong"), None] {
        let refused = probe(server(), password);
        let sentence = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(1));
        assert!(
            sentence.contains("the server answered 401 Unauthorized instead of 200"),
            "{sentence}"
        );
        assert!(!sentence.contains("wrong"), "{sentence}");
    }
}

#[test]
fn probe_says_that_nothing_listens() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let refused = probe(free, None);
    let sentence = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(sentence.contains(&format!("nothing listens on port {free}")), "{sentence}");
}

#[test]
fn help_does_not_show_the_password() {
    let help = tool().args(["probe", "--help"]).env("OPENCODE_SERVER_PASSWORD", "s3cret").output();
    assert!(!String::from_utf8(help.unwrap().stdout).unwrap().contains("s3cret"));
}
