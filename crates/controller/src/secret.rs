//! Which tokens and password an agent has: what its Secrets hold, or fresh ones. Pure;
//! fresh ones are inputs. None of them may be printed.

use std::{collections::BTreeMap, fmt};

use api_types::{LinkName, ShareToken, names};
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

/// The tokens of an agent's links, no two of them the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tokens {
    pub default: ShareToken,
    /// Of the links beside the default link.
    pub named: BTreeMap<LinkName, ShareToken>,
}

impl Tokens {
    /// Each token with its link; `None` is the default link.
    pub fn iter(&self) -> impl Iterator<Item = (Option<&LinkName>, &ShareToken)> {
        let named = self.named.iter().map(|(name, token)| (Some(name), token));
        [(None, &self.default)].into_iter().chain(named)
    }
}

/// A token for each link that has none yet.
#[derive(Clone)]
pub struct FreshTokens(hmac::Key);

impl FreshTokens {
    /// Of 256 random bits that the caller drew from a secure source, and uses for nothing else.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    /// Who has one of them learns nothing of another: HMAC is a pseudo-random function (RFC 2104).
    fn of(&self, link: Option<&LinkName>) -> ShareToken {
        let mut bytes = [0; 32];
        let tag = hmac::sign(&self.0, names::link_token_key(link).as_bytes());
        bytes.copy_from_slice(tag.as_ref());
        ShareToken::from_bytes(&bytes)
    }
}

/// The tokens in the agent's share Secret, of the default link and of `links`. Whoever may write that
/// Secret may choose a token; what is no token is replaced, and so is that of another link: it would
/// open what its own link does not.
pub fn share_tokens(
    held: Option<&Texts>,
    links: impl IntoIterator<Item = LinkName>,
    fresh: &FreshTokens,
) -> Tokens {
    let held_default = held.and_then(|held| ShareToken::parse(held.token.as_deref()?));
    let default = held_default.unwrap_or_else(|| fresh.of(None));
    let mut tokens = Tokens { default, named: BTreeMap::new() };
    for link in links {
        let text = held.and_then(|held| held.links.iter().find(|(name, _)| *name == link));
        let token = text.and_then(|(_, text)| ShareToken::parse(text));
        let own = token.filter(|token| tokens.iter().all(|(_, other)| other != token));
        let token = own.unwrap_or_else(|| fresh.of(Some(&link)));
        tokens.named.insert(link, token);
    }
    tokens
}

/// The keys of links that there are no more. An apply removes those that are ours alone: a key that
/// somebody else wrote to as well would stay, and with it the token, for a later link of the name.
pub fn leftover_keys(held: &Texts, tokens: &Tokens) -> Vec<String> {
    let gone = held.links.iter().filter(|(name, _)| !tokens.named.contains_key(name));
    gone.flat_map(|(name, _)| [names::link_token_key(Some(name)), names::link_url_key(Some(name))])
        .collect()
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
    use k8s_openapi::{ByteString, api::core::v1::Secret};

    use super::*;
    use crate::kinds::Child;

    fn holding(entries: &[(&str, &[u8])]) -> Texts {
        let entry = |(key, value): &(&str, &[u8])| ((*key).to_owned(), ByteString(value.to_vec()));
        let data = Some(entries.iter().map(entry).collect());
        Secret { data, ..Secret::default() }.kept()
    }

    fn fresh() -> FreshTokens {
        FreshTokens::from_bytes(&[2; 32])
    }

    fn token(number: u8) -> ShareToken {
        ShareToken::from_bytes(&[number; 32])
    }

    fn link(name: &str) -> LinkName {
        LinkName::parse(name).unwrap()
    }

    #[test]
    fn a_valid_token_is_kept_and_anything_else_replaced() {
        let kept = token(1);
        let holding = |value: &[u8]| Some(holding(&[("token", value)]));
        let replaced = fresh().of(None);
        let cases = [
            ("no Secret yet", None, &replaced),
            ("its own token", holding(kept.expose().as_bytes()), &kept),
            ("too short", holding(b"abc"), &replaced),
            ("not text", holding(&[0xff; 43]), &replaced),
            ("an empty Secret", Some(Texts::default()), &replaced),
        ];
        for (name, held, expected) in cases {
            assert!(share_tokens(held.as_ref(), [], &fresh()).default == *expected, "{name}");
        }
    }

    #[test]
    fn each_link_keeps_its_own_token_and_only_the_one_without_gets_another() {
        let (one, two) = (token(1), token(3));
        let held = holding(&[
            ("token", one.expose().as_bytes()),
            ("qa.token", two.expose().as_bytes()),
            ("gone.token", token(4).expose().as_bytes()),
        ]);
        let tokens = share_tokens(Some(&held), [link("qa"), link("new")], &fresh());
        assert!(tokens.default == one && tokens.named[&link("qa")] == two);
        let new = &tokens.named[&link("new")];
        assert!(*new == fresh().of(Some(&link("new"))) && *new != fresh().of(None));
        assert_eq!(leftover_keys(&held, &tokens), ["gone.token", "gone.url"]);
    }

    #[test]
    fn no_link_has_the_token_of_another() {
        let one = token(1).expose().to_owned();
        let keys = ["token", "qa.token", "ci.token"];
        let held = holding(&keys.map(|key| (key, one.as_bytes())));
        let tokens = share_tokens(Some(&held), [link("qa"), link("ci")], &fresh());
        let all: Vec<_> = tokens.iter().map(|(_, token)| token.expose().to_owned()).collect();
        assert_eq!(all[0], one);
        assert!(all[1] != one && all[2] != one && all[1] != all[2]);
    }

    #[test]
    fn a_password_is_kept_unless_it_is_empty() {
        let fresh = Password::from_bytes(&[2; 32]);
        let of = |value: &[u8]| password(Some(&holding(&[("password", value)])), fresh.clone());
        assert_eq!(of(b"hunter2").expose(), "hunter2");
        assert_eq!(of(b""), fresh);
        assert_eq!(password(None, fresh.clone()), fresh);
    }

    #[test]
    fn nothing_secret_prints_itself() {
        assert_eq!(format!("{:?}", Password::from_bytes(&[7; 32])), "Password(redacted)");
        let tokens = share_tokens(None, [link("qa")], &fresh());
        let printed = format!("{tokens:?}");
        assert!(tokens.iter().all(|(_, token)| !printed.contains(token.expose())), "{printed}");
    }
}
