//! OpenSSH's server on a port of the loopback, as the user that runs the tests.

use std::{
    fs::{self, File},
    net::TcpListener,
    os::fd::OwnedFd,
    path::Path,
    process::Command,
    sync::{Arc, Mutex},
    thread,
};

pub(crate) struct Sshd {
    pub(crate) port: u16,
    pub(crate) folder: tempfile::TempDir,
    /// Names of host keys that it shows.
    shown: Arc<Mutex<Vec<String>>>,
}

pub(crate) fn keygen(folder: &Path, name: &str, arguments: &[&str]) {
    let file = folder.join(name);
    let mut keygen = Command::new("ssh-keygen");
    keygen.args(["-q", "-N", "", "-f"]).arg(file).args(arguments);
    assert!(keygen.status().unwrap().success());
}

impl Sshd {
    /// Lets in whoever has the key `client` of its folder.
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for kind in ["ed25519", "rsa", "ecdsa"] {
            keygen(folder.path(), kind, &["-t", kind]);
        }
        keygen(folder.path(), "client", &["-t", "ed25519"]);
        fs::copy(folder.path().join("client.pub"), folder.path().join("authorized")).unwrap();
        if rustix::process::geteuid().is_root() {
            // For the separation of privileges, which only root's server does.
            fs::create_dir_all("/run/sshd").unwrap();
        }
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shown = Arc::new(Mutex::new(vec!["ed25519".to_owned(), "rsa".to_owned()]));
        let (path, keys) = (folder.path().to_owned(), Arc::clone(&shown));
        thread::spawn(move || serve(&listener, &path, &keys));
        Self { port, folder, shown }
    }

    pub(crate) fn show(&self, names: &[&str]) {
        *self.shown.lock().unwrap() = names.iter().map(|name| (*name).to_owned()).collect();
    }

    pub(crate) fn text(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap()
    }

    /// Lets in whoever has this key as well.
    pub(crate) fn authorize(&self, name: &str) {
        let all = self.text("authorized") + &self.text(&format!("{name}.pub"));
        fs::write(self.folder.path().join("authorized"), all).unwrap();
    }

    /// A line of `known_hosts` with one of its keys.
    pub(crate) fn known(&self, name: &str) -> String {
        format!("[localhost]:{} {}", self.port, self.text(&format!("{name}.pub")))
    }

    pub(crate) fn url(&self, path: &Path) -> String {
        let user = Command::new("id").arg("-un").output().unwrap().stdout;
        let user = String::from_utf8(user).unwrap();
        format!("ssh://{}@localhost:{}{}", user.trim(), self.port, path.display())
    }
}

/// One process for each connection, as inetd does.
fn serve(listener: &TcpListener, folder: &Path, shown: &Mutex<Vec<String>>) {
    for stream in listener.incoming() {
        let stream = stream.unwrap();
        let keys = shown.lock().unwrap().clone();
        let keys = keys.iter().map(|key| format!("HostKey {}\n", folder.join(key).display()));
        let keys = keys.collect::<Vec<_>>().concat();
        let config = folder.join("config");
        let rest = format!(
            "AuthorizedKeysFile {}\nStrictModes no\nUsePAM no\nPasswordAuthentication no\n\
             KbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\nAcceptEnv GIT_PROTOCOL\n",
            folder.join("authorized").display()
        );
        fs::write(&config, keys + &rest).unwrap();
        let log = File::options().create(true).append(true).open(folder.join("log")).unwrap();
        let mut sshd = Command::new("/usr/sbin/sshd");
        sshd.args(["-i", "-e", "-f"]).arg(&config).stderr(log);
        sshd.stdin(OwnedFd::from(stream.try_clone().unwrap())).stdout(OwnedFd::from(stream));
        let mut child = sshd.spawn().unwrap();
        // Its copies of the connection go with it.
        drop(sshd);
        thread::spawn(move || child.wait());
    }
}
