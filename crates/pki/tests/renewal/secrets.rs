//! What becomes of each Secret, case by case.

use api_types::labels;
use fixtures::Authority;
use k8s_openapi::api::core::v1::Secret;
use pki::{
    AUTHORITY_KEY, AUTHORITY_SECRET, Adoption, CERTIFICATE_KEY, Certificate, Done, MEMBERS,
    PRIVATE_KEY, PkiError, Reason, TRUST_SINCE, Tool, Unreadable, Why,
};
use time::Duration;

use crate::installation::{Installation, START, member, text};

const BROKER: &str = "kubeopencode-broker-tls";
const GATEWAY: &str = "kubeopencode-gateway-tls";
const KEPT: Done = Done::Kept { waits: None };

fn certificates(installation: &Installation, secret: &str, key: &'static str) -> Vec<Certificate> {
    Certificate::read(text(&installation.secrets[secret], key).as_bytes(), key).unwrap()
}

/// What was done to one Secret, where nothing was done to any other.
#[track_caller]
fn only(done: &[(String, Done)], secret: &str) -> Done {
    let others = done.iter().filter(|(name, done)| *name != secret && *done != KEPT);
    assert_eq!(others.collect::<Vec<_>>(), [] as [&_; 0]);
    done.iter().find(|(name, _)| *name == secret).unwrap().1.clone()
}

#[test]
fn a_new_installation_gets_all_of_them_at_once() {
    let mut installation = Installation::empty();
    let done = installation.renew();
    assert_eq!(done.len(), 5);
    assert!(done.iter().all(|(_, done)| *done == Done::Made(Reason::Missing)), "{done:?}");
    let broker = &certificates(&installation, BROKER, CERTIFICATE_KEY)[0];
    let names = member(BROKER).dns("kubeopencode-system");
    assert_eq!(broker.dns, names.into_iter().collect());
    assert_eq!(broker.not_after, START + Duration::days(90));
    let authority = certificates(&installation, AUTHORITY_SECRET, CERTIFICATE_KEY);
    assert_eq!(authority[0].not_after, START + Duration::days(3650));
    for member in MEMBERS {
        let secret = &installation.secrets[member.secret];
        assert_eq!(secret.type_.as_deref(), Some("kubernetes.io/tls"));
        assert_eq!(certificates(&installation, member.secret, AUTHORITY_KEY), authority);
        assert!(!secret.data.as_ref().unwrap().contains_key("ca.key"));
    }
}

#[test]
fn where_nothing_is_due_nothing_is_written() {
    let mut installation = Installation::new();
    for days in [0, 1, 58] {
        installation.now = START + Duration::days(days);
        let renewal = installation.plan().unwrap();
        assert!(renewal.writes.is_empty(), "after {days} days: {:?}", renewal.outcomes);
        let ends = renewal.outcomes.iter().map(|outcome| outcome.until.unwrap() - START);
        assert!(ends.skip(1).all(|end| end == Duration::days(90)));
    }
}

#[test]
fn a_certificate_is_renewed_before_it_ends_and_the_authority_is_not() {
    let mut installation = Installation::new();
    let done = installation.renew_after(Duration::days(60));
    assert_eq!(done[0], (AUTHORITY_SECRET.to_owned(), KEPT));
    assert!(done[1..].iter().all(|(_, done)| *done == Done::Made(Reason::Due)), "{done:?}");
    assert!(installation.renew().iter().all(|(_, done)| *done == KEPT));
}

#[test]
fn a_new_authority_signs_nothing_until_all_have_trusted_it_for_an_hour() {
    let mut installation = Installation::new();
    let before = certificates(&installation, GATEWAY, CERTIFICATE_KEY);
    // The certificates of that day are of a run shortly before.
    let day = Duration::days(3650 - 729);
    installation.settings.validity = Duration::days(365);
    installation.renew_after(Duration::days(3650 - 731));
    let done = installation.renew_after(START + day - installation.now);
    assert_eq!(done[0].1, Done::Made(Reason::Due));
    let waits = Some(Reason::FormerAuthority);
    assert!(done[1..].iter().all(|(_, done)| *done == Done::Trusts { waits: waits.clone() }));
    assert_eq!(certificates(&installation, GATEWAY, AUTHORITY_KEY).len(), 2);
    assert_ne!(certificates(&installation, GATEWAY, CERTIFICATE_KEY), before);

    let done = installation.renew_after(Duration::minutes(59));
    assert!(done[1..].iter().all(|(_, done)| *done == Done::Kept { waits: waits.clone() }));
    let done = installation.renew_after(Duration::minutes(1));
    assert!(done[1..].iter().all(|(_, done)| *done == Done::Made(Reason::FormerAuthority)));

    // The former one is trusted until it ends.
    installation.renew_after(Duration::days(728));
    assert_eq!(certificates(&installation, GATEWAY, AUTHORITY_KEY).len(), 2);
    installation.renew_after(Duration::days(2));
    assert_eq!(certificates(&installation, GATEWAY, AUTHORITY_KEY).len(), 1);
}

#[test]
fn a_secret_that_cannot_be_used_is_made_anew() {
    let cases = [
        (CERTIFICATE_KEY, "", Unreadable::Missing(CERTIFICATE_KEY)),
        (PRIVATE_KEY, "", Unreadable::Missing(PRIVATE_KEY)),
        (AUTHORITY_KEY, "", Unreadable::Missing(AUTHORITY_KEY)),
        (CERTIFICATE_KEY, "no PEM at all", Unreadable::Empty(CERTIFICATE_KEY)),
        (
            CERTIFICATE_KEY,
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            Unreadable::Certificate(CERTIFICATE_KEY),
        ),
        (PRIVATE_KEY, "-----BEGIN PRIVATE KEY-----\nAA", Unreadable::Pem(PRIVATE_KEY)),
    ];
    for (key, value, why) in cases {
        let mut installation = Installation::new();
        installation.set(GATEWAY, key, value);
        let done = installation.renew_after(Duration::days(1));
        assert_eq!(only(&done, GATEWAY), Done::Made(Reason::Unusable(why)));
        assert!(installation.renew().iter().all(|(_, done)| *done == KEPT));
    }
    let mut installation = Installation::new();
    let key = text(&installation.secrets[BROKER], PRIVATE_KEY);
    installation.set(GATEWAY, PRIVATE_KEY, &key);
    let done = installation.renew();
    assert_eq!(only(&done, GATEWAY), Done::Made(Reason::Unusable(Unreadable::OtherKey)));
}

#[test]
fn a_secret_that_is_missing_or_has_ended_is_made_anew_at_once() {
    let mut installation = Installation::new();
    installation.secrets.remove(GATEWAY);
    assert_eq!(only(&installation.renew(), GATEWAY), Done::Made(Reason::Missing));
    let done = installation.renew_after(Duration::days(90));
    assert!(done[1..].iter().all(|(_, done)| *done == Done::Made(Reason::Ended)), "{done:?}");
}

#[test]
fn an_authority_that_cannot_be_used_is_replaced_and_what_it_signed_stays_trusted() {
    for (key, value) in [(PRIVATE_KEY, ""), (CERTIFICATE_KEY, "x"), (AUTHORITY_KEY, "")] {
        let mut installation = Installation::new();
        let former = certificates(&installation, AUTHORITY_SECRET, CERTIFICATE_KEY);
        installation.set(AUTHORITY_SECRET, key, value);
        installation.renew();
        let trust = certificates(&installation, GATEWAY, AUTHORITY_KEY);
        assert!(trust.contains(&former[0]), "{key}");
        assert_eq!(trust.len(), if key == AUTHORITY_KEY { 1 } else { 2 }, "{key}");
    }
}

#[test]
fn what_somebody_else_made_is_left_and_a_set_is_never_half_ours() {
    let mut installation = Installation::new();
    installation.secrets.remove(AUTHORITY_SECRET);
    installation.secret(GATEWAY).metadata.labels = None;
    let renewal = installation.plan().unwrap();
    assert!(renewal.is_blocked() && renewal.writes.is_empty());
    let done = |renewal: &pki::Renewal, secret| {
        renewal.outcomes.iter().find(|outcome| outcome.secret == secret).unwrap().done.clone()
    };
    assert_eq!(done(&renewal, GATEWAY), Done::Left(Why::NotOurs));
    assert_eq!(done(&renewal, BROKER), Done::Left(Why::Others));

    // Where there is an authority of ours, the others go on.
    let mut installation = Installation::new();
    installation.secret(GATEWAY).metadata.labels = None;
    let done = installation.renew_after(Duration::days(61));
    assert_eq!(done[1].1, Done::Made(Reason::Due));
    assert_eq!(done[2], (GATEWAY.to_owned(), Done::Left(Why::NotOurs)));
}

#[test]
fn a_certificate_of_an_unknown_authority_is_left_until_it_is_adopted() {
    let mut installation = Installation::new();
    let other = Authority::generate();
    for (key, value) in other.files("kubeopencode-server") {
        installation.set(GATEWAY, key, &value);
    }
    let done = installation.renew();
    assert_eq!(only(&done, GATEWAY), Done::Left(Why::UnknownAuthority));

    installation.settings.adopt = Adoption::Allowed;
    let done = installation.renew();
    assert_eq!(done[2].1, Done::Trusts { waits: Some(Reason::FormerAuthority) });
    assert_eq!(certificates(&installation, BROKER, AUTHORITY_KEY).len(), 2);
    installation.settings.adopt = Adoption::Refused;
    let done = installation.renew_after(Duration::hours(1));
    assert_eq!(only(&done, GATEWAY), Done::Made(Reason::FormerAuthority));
}

#[test]
fn what_cert_manager_writes_is_never_adopted() {
    let mut installation = Installation::new();
    let annotations = installation.secret(GATEWAY).metadata.annotations.as_mut().unwrap();
    annotations.insert("cert-manager.io/certificate-name".into(), "gateway".into());
    installation.settings.adopt = Adoption::Allowed;
    assert_eq!(only(&installation.renew(), GATEWAY), Done::Left(Why::CertManager));
}

#[test]
fn a_clock_that_is_behind_writes_nothing() {
    let mut installation = Installation::new();
    installation.now = START - Duration::minutes(4);
    assert!(installation.plan().unwrap().writes.is_empty(), "clocks differ a little");
    installation.now = START - Duration::days(100);
    let PkiError::Clock { secret, .. } = installation.plan().unwrap_err() else { panic!() };
    assert_eq!(secret, AUTHORITY_SECRET);
    // The authority is older, and only the certificates are of a later day.
    installation.now = START + Duration::days(70);
    installation.renew();
    installation.now = START + Duration::days(1);
    let error = installation.plan().unwrap_err();
    assert!(error.to_string().contains("set the clock of this machine right"), "{error}");
}

#[test]
fn a_mark_that_cannot_be_read_or_is_of_a_later_day_counts_from_now() {
    for since in ["yesterday", "2099-01-01T00:00:00Z"] {
        let mut installation = Installation::new();
        let annotations = installation.secret(GATEWAY).metadata.annotations.as_mut().unwrap();
        annotations.insert(TRUST_SINCE.into(), since.into());
        let done = installation.renew_after(Duration::days(60));
        let waits = Some(Reason::Due);
        assert_eq!(done[2].1, Done::Trusts { waits: waits.clone() }, "{since}");
        assert_eq!(done[1].1, Done::Kept { waits }, "{since}");
        let done = installation.renew_after(Duration::hours(1));
        assert!(done[1..].iter().all(|(_, done)| *done == Done::Made(Reason::Due)), "{done:?}");
    }
}

#[test]
fn what_others_added_to_a_secret_stays() {
    let mut installation = Installation::new();
    installation.set(GATEWAY, "keystore.p12", "x");
    let labels = installation.secret(GATEWAY).metadata.labels.as_mut().unwrap();
    labels.insert("team".into(), "platform".into());
    installation.renew_after(Duration::days(60));
    let secret = &installation.secrets[GATEWAY];
    assert_eq!(text(secret, "keystore.p12"), "x");
    let labels = secret.metadata.labels.as_ref().unwrap();
    assert_eq!(labels["team"], "platform");
    assert_eq!(labels[labels::MANAGED_BY], "kubeoc");
}

#[test]
fn no_private_key_shows_in_debug_output_of_what_is_decided() {
    let renewal = Installation::empty().plan().unwrap();
    assert!(!format!("{:?}", renewal.outcomes).contains("PRIVATE KEY"));
}

#[test]
fn a_tool_gets_a_certificate_with_its_roles_and_is_renewed_as_the_others_are() {
    const TOOL: &str = "kubeopencode-tool-nightly-tls";
    let mut installation = Installation::new();
    installation.settings.tools = vec!["nightly=list,close".parse().unwrap()];
    assert_eq!(only(&installation.renew(), TOOL), Done::Made(Reason::Missing));
    let names = |installation: &Installation| {
        certificates(installation, TOOL, CERTIFICATE_KEY).swap_remove(0).dns
    };
    let expected = ["kubeopencode-close", "kubeopencode-list", "kubeopencode-tool-nightly"];
    assert_eq!(names(&installation), expected.map(str::to_owned).into());

    // Who finds its Secret knows its roles.
    let found = Tool::of_secret(&installation.secrets[TOOL]).unwrap().unwrap();
    assert_eq!(found, installation.settings.tools[0]);
    assert_eq!(Tool::of_secret(&installation.secrets[GATEWAY]), None);
    assert!(
        Tool::of_secret(&Secret { data: None, ..installation.secrets[TOOL].clone() })
            .unwrap()
            .is_err()
    );

    let done = installation.renew_after(Duration::days(60));
    assert!(done[1..].iter().all(|(_, done)| *done == Done::Made(Reason::Due)), "{done:?}");
    assert_eq!(done.len(), 6);

    installation.settings.tools = vec!["nightly=list".parse().unwrap()];
    assert_eq!(only(&installation.renew(), TOOL), Done::Made(Reason::Names));
    assert!(!names(&installation).contains("kubeopencode-close"));
}
