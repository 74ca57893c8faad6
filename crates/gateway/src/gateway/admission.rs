//! Who may visit, and what is counted and reported of those who may not.

use api_types::ShareToken;
use daemon::clock;
use share::{Class, ClientAddress, Denial, Freshness, Visit};

use super::{Caller, Gateway};
use crate::{error::RequestError, limits::WrongToken, router::Presented, spans};

impl Gateway {
    /// Judges a visit by what is in memory: a wrong token costs the cluster nothing.
    pub(super) fn admit(
        &self,
        presented: Presented,
        caller: &Caller<'_>,
    ) -> Result<(ShareToken, Visit), RequestError> {
        let (client, grace) = (caller.client, self.stale_grace);
        let admitted = self.judge(presented, caller, |token| {
            let admitted = Visit::admit(&self.links, token, client, grace, clock::now);
            admitted.map(|(visit, _)| visit)
        })?;
        spans::admitted(&caller.span, admitted.1.visitor());
        Ok(admitted)
    }

    /// What `judge` says of the token. It is looked up before anything is counted, so that a valid
    /// one is bounded by its link alone.
    pub(super) fn judge<T>(
        &self,
        presented: Presented,
        caller: &Caller<'_>,
        judge: impl FnOnce(&ShareToken) -> Result<T, Denial>,
    ) -> Result<(ShareToken, T), RequestError> {
        let verdict = spans::verdict(&caller.span);
        spans::judged(&verdict, self.judged(presented, caller.client, judge))
    }

    fn judged<T>(
        &self,
        presented: Presented,
        client: ClientAddress,
        judge: impl FnOnce(&ShareToken) -> Result<T, Denial>,
    ) -> Result<(ShareToken, T), RequestError> {
        // What has not even a token's syntax is answered as any unknown token is.
        let Some(token) = presented else {
            let fresh = self.links.freshness(self.stale_grace) == Freshness::Fresh;
            return Err(self.deny(
                if fresh { Denial::Unknown } else { Denial::Stale },
                None,
                client,
            ));
        };
        match judge(&token) {
            Ok(admitted) => {
                self.metrics.visited(Ok(()));
                self.limits.link_request(token.lookup()).map_err(RequestError::RateLimited)?;
                Ok((token, admitted))
            }
            Err(denial) => Err(self.deny(denial, Some(&token), client)),
        }
    }

    /// Counts and reports a denial, for the link where the token names one that exists. An expired
    /// token counts as a wrong one, or the limits would tell them apart.
    fn deny(
        &self,
        denial: Denial,
        token: Option<&ShareToken>,
        client: ClientAddress,
    ) -> RequestError {
        self.metrics.visited(Err(denial));
        let found = token.and_then(|token| Some((token.lookup(), self.links.find(token)?)));
        let named = found.as_ref().map(|(_, found)| (&**found.agent(), found.link_name()));
        let (agent, link) = named.unzip();
        self.audit.denied(agent, link.flatten(), client.ip, denial);
        let key = client.ip.into();
        let refused = match (denial.class(), found) {
            (Class::Hidden, _) => match self.limits.wrong_token(key) {
                WrongToken::Counted => None,
                WrongToken::LockedOut(refused) => Some(refused),
                WrongToken::LocksOut(refused) => {
                    self.audit.locked_out(client.ip, refused.retry_after);
                    Some(refused)
                }
            },
            (Class::Forbidden | Class::Wait, Some((link, _))) => {
                self.limits.link_request(link).err()
            }
            (Class::Forbidden | Class::Wait, None) => self.limits.failed(key).err(),
        };
        refused.map_or(denial.into(), RequestError::RateLimited)
    }
}
