//! Which token and password an agent has: what its Secrets hold, or fresh ones. Pure;
//! fresh ones are inputs. None of them may be printed.

use std::fmt;

use api_types::ShareToken;
use ring::hmac;

use crate::held::Texts;

/// Enough to tell passwords of one agent apart.
const DIGEST_BYTES: usize = 8;

/// The password of an agent's server: any text that is not empty.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// 256 random bits that the caller drew from a secure source.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        // Of its text only the length of its randomness counts.
        Self(ShareToken::from_bytes(bytes).expose().to_owned())
    }

    /// Tells one password from another. Nobody can guess one of random bits by it.
    pub fn digest(&self) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.0.as_bytes());
        hex::encode(&hmac::sign(&key, b"password").as_ref()[..DIGEST_BYTES])
    }

    /// The text, for the agent's Secret only.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(redacted)")
    }
}

/// The token in the agent's share Secret. Whoever may write that Secret may choose
/// the token; what is no token is replaced.
pub fn share_token(held: Option<&Texts>, fresh: ShareToken) -> ShareToken {
    held.and_then(|held| ShareToken::parse(held.token.as_deref()?)).unwrap_or(fresh)
}

/// The password in the agent's server Secret.
pub fn password(held: Option<&Texts>, fresh: Password) -> Password {
    held.and_then(held_password).unwrap_or(fresh)
}

/// The password in a server Secret, if there is one.
pub fn held_password(held: &Texts) -> Option<Password> {
    let text = held.password.as_deref().filter(|text| !text.is_empty())?;
    Some(Password(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use k8s_openapi::{ByteString, api::core::v1::Secret};

    use super::*;
    use crate::kinds::Child;

    fn holding(key: &str, value: &[u8]) -> Texts {
        let data = BTreeMap::from([(key.to_owned(), ByteString(value.to_vec()))]);
        Secret { data: Some(data), ..Secret::default() }.kept()
    }

    #[test]
    fn a_valid_token_is_kept_and_anything_else_replaced() {
        let (kept, fresh) = (ShareToken::from_bytes(&[1; 32]), ShareToken::from_bytes(&[2; 32]));
        let holding = |value: &[u8]| Some(holding("token", value));
        let cases = [
            ("no Secret yet", None, &fresh),
            ("its own token", holding(kept.expose().as_bytes()), &kept),
            ("too short", holding(b"abc"), &fresh),
            ("not text", holding(&[0xff; 43]), &fresh),
            ("an empty Secret", Some(Texts::default()), &fresh),
        ];
        for (name, held, expected) in cases {
            assert!(share_token(held.as_ref(), fresh.clone()) == *expected, "{name}");
        }
    }

    #[test]
    fn a_password_is_kept_unless_it_is_empty() {
        let fresh = Password::from_bytes(&[2; 32]);
        let of = |value: &[u8]| password(Some(&holding("password", value)), fresh.clone());
        assert_eq!(of(b"hunter2").expose(), "hunter2");
        assert_eq!(of(b""), fresh);
        assert_eq!(password(None, fresh.clone()), fresh);
    }

    #[test]
    fn a_password_does_not_print_itself() {
        assert_eq!(format!("{:?}", Password::from_bytes(&[7; 32])), "Password(redacted)");
    }
}
