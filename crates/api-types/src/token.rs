//! The share token and its two digests. The token is the whole credential of a
//! link, so it must not reach a log, span, metric, Event or `Debug` output.

use std::{fmt, str::FromStr};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::digest::{Context, SHA256};

/// 32 random bytes as 43 characters of base64url without padding (RFC 4648, 5).
///
/// It has no `Display` and no `Serialize`; [`ShareToken::expose`] is the one way
/// to its text.
#[derive(Clone, PartialEq, Eq)]
pub struct ShareToken(String);

impl ShareToken {
    /// The token of 32 bytes, which the caller drew from a secure source.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// `None` unless `text` is the one canonical spelling of 32 bytes.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; 32] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        Some(Self::from_bytes(&bytes))
    }

    /// The 43 characters, for the link and its Secret only.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What an index is keyed by; the same for every agent.
    pub fn lookup(&self) -> TokenLookup {
        TokenLookup(sha256(&["lookup", &self.0]))
    }

    /// What binds the token to one agent: another's copy of it proves nothing.
    pub fn proof(&self, agent_uid: &str) -> TokenProof {
        TokenProof(sha256(&["proof", agent_uid, &self.0]))
    }
}

impl fmt::Debug for ShareToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ShareToken(redacted)")
    }
}

fn sha256(parts: &[&str]) -> [u8; 32] {
    let mut bytes = [0; 32];
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(part.as_bytes());
    }
    bytes.copy_from_slice(context.finish().as_ref());
    bytes
}

/// A text that is not 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not 64 lower-case hexadecimal digits")]
pub struct DigestError;

macro_rules! digest_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash)]
        pub struct $name([u8; 32]);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl FromStr for $name {
            type Err = DigestError;

            fn from_str(text: &str) -> Result<Self, DigestError> {
                let mut bytes = [0; 32];
                hex::decode_to_slice(text, &mut bytes).map_err(|_| DigestError)?;
                let canonical = !text.bytes().any(|byte| byte.is_ascii_uppercase());
                canonical.then_some(Self(bytes)).ok_or(DigestError)
            }
        }
    };
}

digest_type! {
    /// SHA-256("lookup" ‖ token): finds the agent; written as 64 hexadecimal digits.
    TokenLookup
}
digest_type! {
    /// SHA-256("proof" ‖ agent UID ‖ token): confirms it; written as 64 hexadecimal digits.
    TokenProof
}

#[cfg(test)]
mod tests;
