//! A repository on its server: what it has, and what is fetched of it. Writes nothing but packs and the list of
//! commits at which history was cut off.

use std::{
    io,
    num::NonZeroU32,
    sync::{Arc, atomic::AtomicBool},
};

use agent_jobs::{Reference, Repository};
use gix_hash::ObjectId;
use gix_protocol::{
    Handshake, LsRefsCommand,
    fetch::{self, Arguments, Negotiate, Response, Shallow, negotiate},
    handshake::Ref,
    ls_refs::RefPrefixes,
};
use gix_transport::{Protocol, Service, client::blocking_io::Transport};
use gix_utils::progress::Discard;

use super::{
    connect::Origin,
    credentials::Credentials,
    error::{GitError, printable},
    folder::Folder,
    host_keys::Pins,
    http::{Access, Http},
    net::{Failure, Net},
    objects::Objects,
    ssh,
    tip::{self, Tip},
};

/// The largest object that is unpacked in memory.
const OBJECT_BYTES_MAX: usize = 1 << 30;

pub(super) struct Remote {
    transport: Box<dyn Transport>,
    handshake: Handshake,
    failure: Failure,
    place: String,
}

/// How much of the history a fetch brings.
#[derive(Clone, Copy, Debug)]
pub(super) enum History {
    /// Commits, beginning with the newest; all for 0.
    Depth(u32),
    /// What is new since the commits that are there.
    Since,
}

impl Remote {
    /// Opens the repository at its server.
    pub(super) fn connect(
        net: &Arc<Net>,
        repository: &Repository,
        credentials: &Credentials,
        pins: &Pins,
    ) -> Result<Self, GitError> {
        let failure = Failure::default();
        let place = repository.as_str().to_owned();
        let mut transport = if repository.is_ssh() {
            ssh::connect(net, repository, credentials, pins, &failure)?
        } else {
            http(net, repository, credentials, &failure)?
        };
        let progress = &mut Discard;
        let authenticate = |_| Ok(None);
        let handshake = gix_protocol::handshake(
            &mut transport,
            Service::UploadPack,
            authenticate,
            vec![],
            progress,
        );
        let handshake = handshake.map_err(|error| problem(&failure, &place, &error))?;
        let remote = Self { transport, handshake, failure, place };
        match remote.handshake.capabilities.capability("object-format") {
            Some(format) if format.value().is_some_and(|format| format != "sha1") => {
                Err(remote.protocol("its objects are named by SHA-256, which is not supported"))
            }
            _ => Ok(remote),
        }
    }

    /// What `reference` stands for now.
    pub(super) fn resolve(
        &mut self,
        reference: &Reference,
        history: History,
    ) -> Result<Tip, GitError> {
        let refs = match self.handshake.refs.clone() {
            Some(all) => all,
            None => self.list(tip::prefixes(reference, history))?,
        };
        Tip::find(&refs, reference, history, &self.place)
    }

    fn list(&mut self, names: Vec<String>) -> Result<Vec<Ref>, GitError> {
        let mut prefixes = RefPrefixes::new();
        prefixes.extend(names.into_iter().map(Into::into));
        let command = LsRefsCommand::new(Some(prefixes), &self.handshake.capabilities, agent());
        let listed = command.invoke_blocking(&mut self.transport, &mut Discard, false);
        listed.map_err(|error| problem(&self.failure, &self.place, &error))
    }

    /// Fetches `wants` into `meta`, a folder with `objects` and the list of commits without parents.
    pub(super) fn fetch(
        &mut self,
        wants: &[ObjectId],
        haves: &[ObjectId],
        history: History,
        meta: &Folder,
    ) -> Result<(), GitError> {
        let written = |source| GitError::Target { path: "the repository's objects".into(), source };
        let packs = meta.ensure(b"objects/pack").map_err(written)?;
        let base = Objects::open(meta)?;
        let shallow = match history {
            History::Depth(depth) => {
                NonZeroU32::new(depth).map_or(Shallow::NoChange, Shallow::DepthAtRemote)
            }
            History::Since => Shallow::NoChange,
        };
        let options = fetch::Options {
            shallow_file: meta.path().join("shallow"),
            shallow: &shallow,
            tags: fetch::Tags::None,
            reject_shallow_remote: false,
        };
        let context = fetch::Context {
            handshake: &mut self.handshake,
            transport: &mut self.transport,
            user_agent: agent(),
            trace_packetlines: false,
        };
        let mut keep = None;
        let consume = |pack: &mut dyn io::BufRead,
                       progress: &mut dyn gix_utils::progress::DynNestedProgress,
                       interrupt: &AtomicBool| {
            let options = gix_pack::bundle::write::Options {
                alloc_limit_bytes: Some(OBJECT_BYTES_MAX),
                ..Default::default()
            };
            let kind = gix_hash::Kind::Sha1;
            let bases = Some(base.handle());
            let path = packs.path();
            let outcome = gix_pack::Bundle::write_to_directory(
                pack,
                Some(&path),
                progress,
                interrupt,
                bases,
                kind,
                options,
            )?;
            keep = outcome.keep_path;
            Ok(true)
        };
        let mut negotiation = Negotiation { wants, haves };
        let never = AtomicBool::new(false);
        let fetched =
            gix_protocol::fetch(&mut negotiation, consume, Discard, &never, context, options);
        fetched.map_err(|error| problem(&self.failure, &self.place, &error))?;
        // It protects the pack from a collection of garbage until references name it, which is soon.
        if let Some(name) = keep.as_deref().and_then(|path| path.file_name()) {
            packs.remove_file(name.as_encoded_bytes()).map_err(written)?;
        }
        Ok(())
    }

    fn protocol(&self, why: &str) -> GitError {
        GitError::Protocol { place: self.place.clone(), why: why.to_owned() }
    }
}

fn http(
    net: &Arc<Net>,
    repository: &Repository,
    credentials: &Credentials,
    failure: &Failure,
) -> Result<Box<dyn Transport>, GitError> {
    let place = repository.as_str().to_owned();
    let malformed =
        || GitError::Protocol { place: place.clone(), why: "its URL is malformed".into() };
    let mut url = gix_url::parse(place.as_str()).map_err(|_| malformed())?;
    let uri = http::Uri::try_from(place.as_str()).map_err(|_| malformed())?;
    let origin = Origin::of(&uri).ok_or_else(malformed)?;
    let user = repository.parts().user.map(str::to_owned);
    let named =
        Credentials { username: credentials.username.clone().or(user), ..credentials.clone() };
    url.set_user(None);
    let access = Access { authorization: named.authorization()?, origin };
    let http = Http::new(Arc::clone(net), access, place.clone(), failure.clone());
    let transport = gix_transport::client::blocking_io::http::Transport::new_http(
        http,
        url,
        Protocol::V2,
        false,
    );
    Ok(Box::new(transport))
}

fn agent() -> gix_protocol::command::Feature {
    ("agent", Some(concat!("git/kubeopencode-", env!("CARGO_PKG_VERSION")).to_owned()))
}

/// What went wrong, in the transport's own words where it has some.
fn problem(failure: &Failure, place: &str, error: &gix_error::Error) -> GitError {
    if let Some(error) = failure.take() {
        return error;
    }
    let place = place.to_owned();
    let words: Vec<_> = error.iter_errors().map(ToString::to_string).collect();
    let why = printable(&words.join(": "));
    if let Some((_, asked)) = why.split_once("not our ref ") {
        let reference = asked.split(' ').next().unwrap_or_default().to_owned();
        return GitError::UnknownReference { place, reference };
    }
    let cause = error.downcast_any_ref::<io::Error>().map(io::Error::kind);
    match cause {
        Some(io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe) => {
            GitError::Broken { place, why }
        }
        _ => GitError::Protocol { place, why },
    }
}

/// Says in one go what is wanted and what is there.
struct Negotiation<'a> {
    wants: &'a [ObjectId],
    haves: &'a [ObjectId],
}

impl Negotiate for Negotiation<'_> {
    fn mark_complete_and_common_ref(&mut self) -> gix_error::Result<negotiate::Action> {
        Ok(negotiate::Action::MustNegotiate { remote_ref_target_known: vec![] })
    }

    fn add_wants(&mut self, arguments: &mut Arguments, _known: &[bool]) -> bool {
        for want in self.wants {
            arguments.want(want);
        }
        !self.wants.is_empty()
    }

    fn one_round(
        &mut self,
        _state: &mut negotiate::one_round::State,
        arguments: &mut Arguments,
        _previous: Option<&Response>,
    ) -> gix_error::Result<(negotiate::Round, bool)> {
        for have in self.haves {
            arguments.have(have);
        }
        let round = negotiate::Round {
            haves_sent: self.haves.len(),
            in_vain: 0,
            haves_to_send: 0,
            previous_response_had_at_least_one_in_common: false,
        };
        Ok((round, true))
    }
}
