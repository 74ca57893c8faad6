//! Whatever is renewed, and whichever of two programs read its files already: they connect. The TLS is
//! that of the programs themselves.

use std::{fs, sync::Arc};

use daemon::tls::Certificates;
use k8s_openapi::api::core::v1::Secret;
use pki::{AUTHORITY_SECRET, Done, MEMBERS, Reason, Usage};
use proptest::prelude::*;
use rustls::{
    ClientConfig, ClientConnection, ServerConfig, ServerConnection, pki_types::UnixTime,
    time_provider::TimeProvider,
};
use time::{Duration, OffsetDateTime};

use crate::installation::{Installation, text};

/// How long a program may go on with files that were replaced.
const LAG: Duration = Duration::minutes(30);

#[derive(Debug)]
struct Clock(OffsetDateTime);

impl TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = u64::try_from(self.0.unix_timestamp()).unwrap();
        Some(UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds)))
    }
}

/// What a program that mounts a Secret makes of it.
#[derive(Clone)]
struct Mounted {
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
}

async fn mounted(secret: &Secret) -> Mounted {
    let folder = tempfile::tempdir().unwrap();
    for key in ["tls.crt", "tls.key", "ca.crt"] {
        fs::write(folder.path().join(key), text(secret, key)).unwrap();
    }
    let (certificates, _) = Certificates::load(folder.path()).await.unwrap();
    Mounted { client: certificates.client(), server: certificates.server() }
}

/// Both sides of a handshake, in memory, at a time.
fn handshake(client: &Mounted, broker: &Mounted, now: OffsetDateTime) -> Result<(), rustls::Error> {
    let (mut of_client, mut of_server) = ((*client.client).clone(), (*broker.server).clone());
    of_client.time_provider = Arc::new(Clock(now));
    of_server.time_provider = Arc::new(Clock(now));
    let name = "kubeopencode-terminal-broker".try_into().unwrap();
    let mut client = ClientConnection::new(Arc::new(of_client), name).unwrap();
    let mut server = ServerConnection::new(Arc::new(of_server)).unwrap();
    while client.is_handshaking() || server.is_handshaking() {
        let mut bytes = vec![];
        client.write_tls(&mut bytes).unwrap();
        server.read_tls(&mut bytes.as_slice()).unwrap();
        server.process_new_packets()?;
        let mut bytes = vec![];
        server.write_tls(&mut bytes).unwrap();
        client.read_tls(&mut bytes.as_slice()).unwrap();
        client.process_new_packets()?;
    }
    Ok(())
}

/// An installation, and of each program every version of its files that it may still use.
struct Running {
    installation: Installation,
    /// In the order of [`MEMBERS`]: until when each version may be in use, none of the newest.
    files: Vec<Vec<(Option<OffsetDateTime>, Secret, Mounted)>>,
}

impl Running {
    async fn of(installation: Installation) -> Self {
        let files = MEMBERS.iter().map(|_| vec![]).collect();
        let mut running = Self { installation, files };
        running.read().await;
        running
    }

    /// Takes up what is stored; who had read the former files may use them for [`LAG`].
    async fn read(&mut self) {
        let now = self.installation.now;
        for (member, versions) in MEMBERS.iter().zip(&mut self.files) {
            versions.retain(|(until, ..)| until.is_none_or(|until| until > now));
            let stored = &self.installation.secrets[member.secret];
            if versions.last().is_none_or(|(_, newest, _)| newest.data != stored.data) {
                if let Some((until, ..)) = versions.last_mut() {
                    *until = Some(now + LAG);
                }
                versions.push((None, stored.clone(), mounted(stored).await));
            }
        }
    }

    fn all_connect(&self) -> Result<(), String> {
        let broker = MEMBERS.iter().position(|member| member.usage == Usage::Server).unwrap();
        for (index, member) in MEMBERS.iter().enumerate().filter(|(index, _)| *index != broker) {
            for (c, (.., client)) in self.files[index].iter().enumerate() {
                for (s, (.., server)) in self.files[broker].iter().enumerate() {
                    handshake(client, server, self.installation.now).map_err(|error| {
                        let now = self.installation.now;
                        format!("{now}: {} with files {c}, broker with {s}: {error}", member.name)
                    })?;
                }
            }
        }
        Ok(())
    }

    /// Renews after a while, and connects just before and just after.
    async fn step(&mut self, after: Duration) -> Vec<(String, Done)> {
        self.installation.now += after;
        self.read().await;
        self.all_connect().unwrap();
        let done = self.installation.renew();
        self.read().await;
        self.all_connect().unwrap();
        done
    }
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2, failure_persistence: None, ..ProptestConfig::default() })]

    /// Runs come at random, from minutes to months apart, over more than the life of two authorities.
    #[test]
    fn no_handshake_fails_whenever_certificates_are_renewed(
        spans in proptest::collection::vec(
            prop_oneof![
                6 => (60_i64..120).prop_map(Duration::days),
                1 => (1_i64..90).prop_map(Duration::minutes),
                1 => (1_i64..48).prop_map(Duration::hours),
            ],
            120..=120,
        ),
    ) {
        block_on(async {
            let mut installation = Installation::empty();
            installation.settings.validity = Duration::days(365);
            // Time for two runs before a certificate ends.
            installation.settings.renew_before = Duration::days(250);
            installation.renew();
            let mut running = Running::of(installation).await;
            let mut authorities = 0;
            for span in spans {
                let done = running.step(span).await;
                authorities += usize::from(done.contains(&(AUTHORITY_SECRET.to_owned(), Done::Made(Reason::Due))));
            }
            assert!(authorities >= 2, "{authorities} new authorities");
        });
    }
}

#[test]
fn a_lost_authority_is_replaced_without_a_handshake_that_fails() {
    block_on(async {
        let mut running = Running::of(Installation::new()).await;
        running.installation.secrets.remove(AUTHORITY_SECRET);
        running.step(Duration::days(1)).await;
        let done = running.step(Duration::days(1)).await;
        let renewed = done.iter().filter(|(_, done)| *done == Done::Made(Reason::FormerAuthority));
        assert_eq!(renewed.count(), MEMBERS.len());
    });
}

#[test]
fn secrets_of_an_authority_whose_key_is_gone_are_adopted_without_a_handshake_that_fails() {
    block_on(async {
        let mut installation = Installation::new();
        installation.secrets.remove(AUTHORITY_SECRET);
        for member in MEMBERS {
            installation.secret(member.secret).metadata.labels = None;
            installation.secret(member.secret).metadata.annotations = None;
        }
        installation.settings.adopt = pki::Adoption::Allowed;
        let mut running = Running::of(installation).await;
        running.step(Duration::minutes(1)).await;
        running.installation.settings.adopt = pki::Adoption::Refused;
        let done = running.step(Duration::hours(2)).await;
        assert_eq!(done[1].1, Done::Made(Reason::FormerAuthority), "{done:?}");
        running.step(Duration::minutes(1)).await;
    });
}

#[test]
fn a_certificate_of_another_authority_is_refused() {
    block_on(async {
        let one = Running::of(Installation::new()).await;
        let other = Running::of(Installation::new()).await;
        let now = one.installation.now;
        assert!(handshake(&one.files[1][0].2, &other.files[0][0].2, now).is_err());
    });
}
