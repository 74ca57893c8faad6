//! The names of links beside the default link, and what is wrong with one that cannot be used. Admission
//! refuses such links; this is the same judgement for what reaches a program otherwise.

use std::{fmt, sync::Arc};

use time::OffsetDateTime;

use crate::{
    ShareLink, ShareSpec,
    network::{NetworkError, parse_allowed},
};

/// The most links beside the default link. Each takes a place in the memory of every gateway and broker, two keys of
/// the agent's Secret and an entry of its status, which every watch of Agents carries with each change.
pub const MAX_LINKS: usize = 16;
/// The longest name, in bytes: that of a DNS label (RFC 1123).
const LONGEST_NAME: usize = 63;
/// What tables call the link of `spec.share` itself.
pub const DEFAULT_LINK: &str = "default";

/// The name of a link beside the default link. A clone is the same text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkName(Arc<str>);

impl LinkName {
    /// What may be a name: a DNS label other than `default`.
    pub fn parse(text: &str) -> Result<Self, LinkMistake> {
        let inner = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        let is_label = (1..=LONGEST_NAME).contains(&text.len())
            && text.bytes().all(inner)
            && !text.starts_with('-')
            && !text.ends_with('-');
        match text {
            DEFAULT_LINK => Err(LinkMistake::Reserved),
            _ if is_label => Ok(Self(text.into())),
            _ => Err(LinkMistake::Name),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LinkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a link beside the default link cannot be used. `Display` is the sentence without the field, which
/// [`LinkMistake::at`] names.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkMistake {
    #[error(
        "the name of a link has at most 63 characters of a-z, 0-9 and '-', and begins and ends with a letter or digit"
    )]
    Name,
    #[error("default is the link of spec.share itself; choose another name for this one")]
    Reserved,
    #[error("another link has the same name; choose another one")]
    Repeated,
    #[error("there are more than {MAX_LINKS} links; remove this one")]
    TooMany,
    #[error(transparent)]
    Network(#[from] NetworkError),
    #[error("must be at least 1; remove the link to close it")]
    NoViewers,
    #[error("must be at least a second; leave it out to never close an idle terminal")]
    NoIdleTime,
}

impl LinkMistake {
    /// The field and what is wrong with it, of the link at this place in the list.
    pub fn at(&self, index: usize) -> String {
        let field = match self {
            Self::TooMany => "",
            Self::Name | Self::Reserved | Self::Repeated => ".name",
            Self::Network(_) => ".allowedIPs",
            Self::NoViewers => ".maxViewers",
            Self::NoIdleTime => ".idleTimeout",
        };
        format!("spec.share.links[{index}]{field}: {self}")
    }
}

impl ShareSpec {
    /// The links beside the default link that have a name of their own: each has a token. With it, what
    /// keeps the link from being used.
    pub fn named_links(&self) -> impl Iterator<Item = (LinkName, &ShareLink, Option<LinkMistake>)> {
        self.judged_links().filter_map(|(link, judged)| match judged {
            Ok((name, mistake)) => Some((name, link, mistake)),
            Err(_nameless) => None,
        })
    }

    /// What is wrong with links beside the default link, with their places in the list.
    pub fn link_mistakes(&self) -> impl Iterator<Item = (usize, LinkMistake)> {
        self.judged_links().enumerate().filter_map(|(index, (_, judged))| match judged {
            Ok((_, mistake)) => Some((index, mistake?)),
            Err(mistake) => Some((index, mistake)),
        })
    }

    /// When links expire, the default link included.
    pub fn expiries(&self) -> impl Iterator<Item = OffsetDateTime> {
        let named = self.links.iter().map(|link| link.expires_at);
        [self.expires_at].into_iter().chain(named).flatten()
    }

    fn judged_links(
        &self,
    ) -> impl Iterator<Item = (&ShareLink, Result<(LinkName, Option<LinkMistake>), LinkMistake>)>
    {
        self.links.iter().enumerate().map(|(index, link)| {
            let named = self.name_of(index, link);
            let judged = named.map(|name| (name, link.limits_mistake()));
            (link, judged)
        })
    }

    fn name_of(&self, index: usize, link: &ShareLink) -> Result<LinkName, LinkMistake> {
        // Nobody may make this take the square of a long list.
        let before = self.links.get(..index).filter(|_| index < MAX_LINKS);
        let before = before.ok_or(LinkMistake::TooMany)?;
        let name = LinkName::parse(&link.name)?;
        let is_repeated = before.iter().any(|other| other.name == link.name);
        if is_repeated { Err(LinkMistake::Repeated) } else { Ok(name) }
    }
}

impl ShareLink {
    fn limits_mistake(&self) -> Option<LinkMistake> {
        let malformed = self.allowed_ips.iter().find_map(|entry| parse_allowed(entry).err());
        if let Some(error) = malformed {
            return Some(error.into());
        }
        if self.max_viewers == Some(0) {
            return Some(LinkMistake::NoViewers);
        }
        let is_short = |idle: &crate::Duration| idle.get().as_secs() == 0;
        self.idle_timeout.as_ref().is_some_and(is_short).then_some(LinkMistake::NoIdleTime)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(name: &str) -> ShareLink {
        ShareLink { name: name.to_owned(), ..ShareLink::default() }
    }

    fn spec(links: Vec<ShareLink>) -> ShareSpec {
        ShareSpec { enabled: true, links, ..ShareSpec::default() }
    }

    #[test]
    fn what_is_the_name_of_a_link() {
        let longest = "a".repeat(63);
        for name in ["qa", "a", "7", "a-b-c", "token", "url", longest.as_str()] {
            assert_eq!(LinkName::parse(name).unwrap().as_str(), name);
        }
        let too_long = "a".repeat(64);
        for name in ["", "-a", "a-", "QA", "a.b", "a_b", "a b", "ä", "a\n", too_long.as_str()] {
            assert_eq!(LinkName::parse(name), Err(LinkMistake::Name), "{name:?}");
        }
        assert_eq!(LinkName::parse("default"), Err(LinkMistake::Reserved));
    }

    #[test]
    fn a_link_without_a_name_of_its_own_is_none_and_the_others_are() {
        let share = spec(vec![link("qa"), link("QA"), link("qa"), link("default"), link("ci")]);
        let names: Vec<_> = share.named_links().map(|(name, _, _)| name.to_string()).collect();
        assert_eq!(names, ["qa", "ci"]);
        let mistakes: Vec<_> = share.link_mistakes().collect();
        let expected =
            [(1, LinkMistake::Name), (2, LinkMistake::Repeated), (3, LinkMistake::Reserved)];
        assert_eq!(mistakes, expected);
    }

    #[test]
    fn a_mistake_in_its_limits_keeps_a_link_from_being_used_and_not_its_token() {
        let cases = [
            (
                ShareLink { allowed_ips: vec!["office".into()], ..link("a") },
                ".allowedIPs: \"office\"",
            ),
            (ShareLink { max_viewers: Some(0), ..link("b") }, ".maxViewers: must be at least 1"),
            (ShareLink { idle_timeout: "9ms".parse().ok(), ..link("c") }, ".idleTimeout: must be"),
        ];
        for (link, sentence) in cases {
            let share = spec(vec![link]);
            let (_, _, mistake) = share.named_links().next().unwrap();
            let said = mistake.unwrap().at(0);
            assert!(said.starts_with(&format!("spec.share.links[0]{sentence}")), "{said}");
        }
    }

    #[test]
    fn the_seventeenth_link_is_none() {
        let share = spec((0..1000).map(|number| link(&format!("link-{number}"))).collect());
        assert_eq!(share.named_links().count(), MAX_LINKS);
        assert_eq!(share.link_mistakes().next(), Some((MAX_LINKS, LinkMistake::TooMany)));
        assert!(LinkMistake::TooMany.at(16).starts_with("spec.share.links[16]: there are more"));
    }
}
