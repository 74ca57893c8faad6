//! Clones over ssh: keys of users and of hosts.

use std::fs;

use super::{
    origin::Origin,
    pod::Pod,
    sshd::{Sshd, keygen},
};

fn server() -> (Sshd, Origin) {
    let sshd = Sshd::start();
    let origin = Origin::new(sshd.folder.path(), "repo");
    origin.write("README.md", "one\n").commit("one");
    (sshd, origin)
}

/// With the key that opens the server, and these lines of `known_hosts`.
fn pod(sshd: &Sshd, origin: &Origin, known_hosts: Option<&str>) -> Pod {
    let key = sshd.text("client");
    let mut keys = vec![("ssh-privatekey", key.as_str())];
    keys.extend(known_hosts.map(|lines| ("known_hosts", lines)));
    Pod::new(&sshd.url(&origin.path)).secret(&keys)
}

#[test]
fn a_private_key_opens_a_host_whose_key_is_known_whichever_of_its_keys_that_is() {
    let (sshd, origin) = server();
    for key in ["ed25519", "rsa"] {
        let pod = pod(&sshd, &origin, Some(&sshd.known(key)));
        assert_eq!(pod.init().synced(), origin.head(), "{key}");
        assert_eq!(pod.text("README.md"), "one\n");
        assert_eq!(fs::read_dir(pod.folder.path().join("state")).unwrap().count(), 1, "no pin");
    }
    let key = sshd.text("client");
    let known = sshd.known("ed25519");
    let other_key = [("ssh-privatekey", key.as_str()), ("ssh-known-hosts", known.as_str())];
    Pod::new(&sshd.url(&origin.path)).secret(&other_key).init().synced();
}

#[test]
fn keys_of_every_common_kind_and_format_are_taken() {
    let (sshd, origin) = server();
    let kinds: [(&str, &[&str]); 4] = [
        ("k-rsa", &["-t", "rsa"]),
        ("k-ecdsa", &["-t", "ecdsa"]),
        ("k-pem", &["-t", "rsa", "-m", "PEM"]),
        ("k-pkcs8", &["-t", "rsa", "-m", "PKCS8"]),
    ];
    for (name, arguments) in kinds {
        keygen(sshd.folder.path(), name, arguments);
        sshd.authorize(name);
        let pod = Pod::new(&sshd.url(&origin.path)).secret(&[("ssh-privatekey", &sshd.text(name))]);
        assert_eq!(pod.init().synced(), origin.head(), "{name}");
    }
}

#[test]
fn another_host_key_than_the_secrets_is_refused() {
    let (sshd, origin) = server();
    for wrong in [sshd.known("ecdsa"), sshd.known("ed25519").replace("localhost", "other")] {
        let refused = pod(&sshd, &origin, Some(&wrong)).init().refused();
        assert!(
            refused.starts_with(
                "docs: the host key of localhost is not the one that ssh-known-hosts in the Secret of secretRef has"
            ),
            "{refused}"
        );
    }
    keygen(sshd.folder.path(), "stranger", &["-t", "ed25519"]);
    let stranger = sshd.known("stranger");
    let refused = pod(&sshd, &origin, Some(&stranger)).init().refused();
    assert!(refused.contains("otherwise somebody is between"), "{refused}");
}

#[test]
fn without_a_known_key_the_first_one_is_pinned_for_the_pods_other_programs() {
    let (sshd, origin) = server();
    let sync = serde_json::json!({ "intervalSeconds": 1, "policy": "HotReload" });
    let pod = pod(&sshd, &origin, None).with("sync", sync);
    pod.init().synced();
    let pins = pod.folder.path().join("state/kubeopencode-known-hosts");
    assert!(
        fs::read_to_string(&pins).unwrap().starts_with(&format!("[localhost]:{} ssh-", sshd.port))
    );

    sshd.show(&["ecdsa"]);
    let report = pod.sync().git();
    let agent_jobs::GitState::Failed { why } = report.state else { panic!("{report:?}") };
    assert!(
        why.contains("is not the one that it showed when the repository was first cloned"),
        "{why}"
    );
    assert_eq!(report.commit, origin.head());
}

#[test]
fn on_a_volume_that_outlives_the_pod_the_pin_does_too() {
    let (sshd, origin) = server();
    let pod = pod(&sshd, &origin, None).with("persistent", true);
    pod.init().synced();
    assert!(!pod.folder.path().join("state/kubeopencode-known-hosts").exists());
    fs::remove_dir_all(pod.folder.path().join("state")).unwrap();
    sshd.show(&["ecdsa"]);
    let report = pod.init().git();
    assert!(matches!(report.state, agent_jobs::GitState::Failed { .. }), "{report:?}");
}

#[test]
fn refused_and_unusable_keys_are_said() {
    let (sshd, origin) = server();
    let refused =
        |keys: &[(&str, &str)]| Pod::new(&sshd.url(&origin.path)).secret(keys).init().refused();
    keygen(sshd.folder.path(), "stranger", &["-t", "ed25519"]);
    let sentence = refused(&[("ssh-privatekey", &sshd.text("stranger"))]);
    assert!(sentence.contains("refused the credentials: check ssh-privatekey"), "{sentence}");
    let sentence = refused(&[]);
    assert!(
        sentence.contains("refused the credentials: name a Secret with ssh-privatekey"),
        "{sentence}"
    );
    let sentence = refused(&[("ssh-privatekey", "s3cret nonsense")]);
    assert!(sentence.contains("the Secret's key ssh-privatekey is unusable"), "{sentence}");
    assert!(!sentence.contains("s3cret"));
    keygen(sshd.folder.path(), "locked", &["-t", "ed25519", "-N", "phrase"]);
    let sentence = refused(&[("ssh-privatekey", &sshd.text("locked"))]);
    assert!(sentence.contains("without a passphrase"), "{sentence}");
}

#[test]
fn a_path_that_is_not_a_repository_is_said() {
    let (sshd, origin) = server();
    let mut pod = pod(&sshd, &origin, None);
    pod.job["repository"] = sshd.url(&sshd.folder.path().join("none")).into();
    let refused = pod.init().refused();
    assert!(refused.contains("does not exist, or is hidden from these credentials"), "{refused}");
}

#[test]
fn a_path_is_no_command_for_the_servers_shell() {
    let (sshd, origin) = server();
    let canary = sshd.folder.path().join("canary");
    let touch = format!("touch${{IFS}}{}", canary.display());
    for path in [
        format!("/x';{touch};'"),
        format!("/x;{touch}"),
        format!("/$({touch})"),
        format!("/`{touch}`"),
    ] {
        let mut pod = pod(&sshd, &origin, None);
        pod.job["repository"] = sshd.url(path.as_ref()).into();
        pod.init().refused();
        assert!(!canary.exists(), "{path}");
    }
}
