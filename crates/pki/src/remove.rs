//! What becomes of a Secret of certificates where an installation is removed. Pure.

use k8s_openapi::api::core::v1::Secret;

use crate::{
    Why,
    state::{Owner, owner},
};

/// What becomes of one Secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// There is none.
    Absent,
    /// We made it, by its labels: it is deleted.
    Delete,
    Leave(Why),
}

/// Decides by the labels alone: a Secret of ours is deleted whatever it holds.
pub fn removal(secret: Option<&Secret>) -> Removal {
    match secret.map(owner) {
        None => Removal::Absent,
        Some(Owner::Ours) => Removal::Delete,
        Some(Owner::CertManager) => Removal::Leave(Why::CertManager),
        Some(Owner::Somebody) => Removal::Leave(Why::NotOurs),
    }
}

#[cfg(test)]
mod tests {
    use api_types::labels;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

    use super::*;

    fn secret(labels: &[(&str, &str)], annotations: &[(&str, &str)]) -> Secret {
        let map = |pairs: &[(&str, &str)]| {
            Some(pairs.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect())
        };
        let metadata =
            ObjectMeta { labels: map(labels), annotations: map(annotations), ..Default::default() };
        Secret { metadata, ..Secret::default() }
    }

    #[test]
    fn only_what_carries_our_label_is_deleted() {
        let ours = (labels::MANAGED_BY, labels::CERTIFICATES_MANAGER);
        let part = (labels::PART_OF, labels::PRODUCT);
        let cert_manager = ("cert-manager.io/certificate-name", "kubeopencode-ca");
        let left = |why| Removal::Leave(why);
        let cases = [
            (secret(&[ours, part], &[]), Removal::Delete),
            (secret(&[], &[]), left(Why::NotOurs)),
            (secret(&[part], &[]), left(Why::NotOurs)),
            (secret(&[(labels::MANAGED_BY, "Helm"), part], &[]), left(Why::NotOurs)),
            // Taken over from us, with our labels still on it.
            (secret(&[ours, part], &[cert_manager]), left(Why::CertManager)),
        ];
        for (secret, expected) in cases {
            assert_eq!(removal(Some(&secret)), expected, "{:?}", secret.metadata);
        }
        assert_eq!(removal(None), Removal::Absent);
    }
}
