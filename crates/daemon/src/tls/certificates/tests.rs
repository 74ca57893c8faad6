use fixtures::{Authority, write_files};
use tempfile::{TempDir, tempdir};

use super::*;

/// The name in each certificate.
const NAME: &str = "peer";

async fn demo() -> (TempDir, Certificates, Reload) {
    let folder = Authority::generate().folder(NAME);
    let (certificates, reload) = Certificates::load(folder.path()).await.unwrap();
    (folder, certificates, reload)
}

async fn refusal(folder: &Path) -> String {
    chain(&Certificates::load(folder).await.map(|_| ()).unwrap_err())
}

#[tokio::test]
async fn an_error_at_the_start_names_the_file() {
    let folder = tempdir().unwrap();
    let file = |name| folder.path().join(name).display().to_string();
    assert!(refusal(folder.path()).await.starts_with(&format!("cannot read {}", file("tls.crt"))));

    let [_, (_, another_key), _] = Authority::generate().files(NAME);
    Authority::generate().renew(folder.path(), NAME);
    write_files(folder.path(), [("tls.key", another_key)]);
    let text = refusal(folder.path()).await;
    assert!(text.starts_with(&format!("{} cannot be used", file("tls.key"))), "{text}");

    Authority::generate().renew(folder.path(), NAME);
    write_files(folder.path(), [("ca.crt", String::new())]);
    assert_eq!(refusal(folder.path()).await, format!("{} holds no certificate", file("ca.crt")));
}

#[tokio::test]
async fn half_written_files_are_reported_once_and_change_nothing() {
    let (folder, certificates, mut reload) = demo().await;
    let before = certificates.server();
    assert_eq!(reload.check().await, Outcome::Unchanged);

    let [certificate, key, authority] = Authority::generate().files(NAME);
    write_files(folder.path(), [certificate]);
    assert_eq!(reload.check().await, Outcome::Kept);
    assert_eq!(reload.check().await, Outcome::Unchanged);
    std::fs::remove_file(folder.path().join("tls.key")).unwrap();
    assert_eq!(reload.check().await, Outcome::Kept);
    assert_eq!(reload.check().await, Outcome::Unchanged);
    assert!(Arc::ptr_eq(&before, &certificates.server()));

    write_files(folder.path(), [key, authority]);
    assert_eq!(reload.check().await, Outcome::Reloaded);
    assert!(!Arc::ptr_eq(&before, &certificates.server()));
}

#[tokio::test(start_paused = true)]
async fn renewed_files_are_taken_over_by_themselves() {
    let (authority, daemon) = (Authority::generate(), Daemon::new("test"));
    let folder = authority.folder(NAME);
    let certificates = Certificates::follow(folder.path(), &daemon).await.unwrap();
    let (before, mut changes) = (certificates.client(), certificates.subscribe());

    authority.renew(folder.path(), NAME);
    changes.changed().await.unwrap();
    assert!(!Arc::ptr_eq(&before, &certificates.client()));

    daemon.shutdown.cancel();
    daemon.tasks.close();
    daemon.tasks.wait().await;
}
