//! What the objects of users hold that agents name: a change of what an agent uses is a new pod
//! of that agent. No content is kept, only digests; none of them may be printed.
//!
//! A watch of the metadata of each kind tells which object has moved. It is read, by its name, only if
//! an agent uses it, and only once for each of its versions.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use api_types::{AgentId, labels};
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::{Api, Client, Resource, ResourceExt, core::PartialObjectMeta, runtime::watcher::Event};
use ring::{
    digest::{SHA256, digest},
    hmac,
};

use crate::{
    error::ControllerError,
    resolve::AgentSecrets,
    secret::Password,
    status::{Keys, Reference, ReferenceKind, named_once},
};

/// A ConfigMap or a Secret of a namespace.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Object {
    kind: ReferenceKind,
    namespace: String,
    name: String,
}

/// An agent's namespace and name.
pub type User = (String, String);
type Digest = [u8; 32];

/// What is known of an object that agents use.
#[derive(Clone, Default)]
struct Held {
    /// Of the object that was read; none of one that did not exist.
    version: Option<String>,
    uid: Option<String>,
    /// It is labelled for agents.
    for_agents: bool,
    keys: BTreeMap<String, Digest>,
    /// How often the object had moved when it was read.
    moves: u64,
}

impl Held {
    fn of_secret(secret: Secret) -> Self {
        let for_agents = secret.labels().get(labels::FOR_AGENTS).is_some_and(|is| is == "true");
        let (version, uid) = (secret.resource_version(), secret.uid());
        let data = secret.data.unwrap_or_default().into_iter();
        let keys = digests(data.map(|(key, value)| (key, value.0)));
        Self { version, uid, for_agents, keys, moves: 0 }
    }

    fn of_config_map(map: ConfigMap) -> Self {
        let (version, uid) = (map.resource_version(), map.uid());
        let texts = map.data.unwrap_or_default().into_iter();
        let texts = texts.map(|(key, value)| (key, value.into_bytes()));
        let bytes = map.binary_data.unwrap_or_default().into_iter();
        let bytes = bytes.map(|(key, value)| (key, value.0));
        Self { version, uid, keys: digests(texts.chain(bytes)), ..Self::default() }
    }

    fn exists(&self) -> bool {
        self.uid.is_some()
    }

    /// Whether an agent that may use labelled Secrets only may not use this one. One that is not there may appear
    /// without the label, and a pod that waits for it would have it before anybody looks.
    fn withholds(&self, reference: &Reference) -> bool {
        let is_needed = self.exists() || !reference.optional;
        reference.kind == ReferenceKind::Secret && is_needed && !self.for_agents
    }

    /// Whether there is what an agent cannot start without.
    fn has(&self, keys: &Keys) -> bool {
        match keys {
            Keys::One(key) => self.keys.contains_key(key),
            Keys::All | Keys::Of(_) => self.exists(),
        }
    }
}

/// All that an agent uses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// Of what there is of it; `None` where the agent uses nothing.
    pub digest: Option<String>,
    /// What the agent cannot start without, and is not there.
    pub missing: Vec<Reference>,
    /// Secrets that the agent may not use, as they are not there with the label for agents.
    pub withheld: Vec<Reference>,
}

/// A clone is the same.
#[derive(Clone, Default)]
pub struct Contents(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    users: HashMap<Object, BTreeSet<User>>,
    uses: HashMap<User, BTreeSet<Object>>,
    held: HashMap<Object, Held>,
    /// How often the watch told of something new, for each object that is used.
    moves: HashMap<Object, u64>,
}

impl Contents {
    /// A digest of all that `references` name, in the agent's namespace. Secrets are hashed under the agent's password, so that nobody who reads a pod can guess them; where there is
    /// none, under their own UIDs, which only those learn who may read them.
    pub async fn digest(
        &self,
        client: &Client,
        agent: &AgentId,
        references: &[Reference],
        secrets: AgentSecrets,
        salt: Option<&Password>,
    ) -> Result<Used, ControllerError> {
        let named: Vec<_> =
            references.iter().filter(|reference| reference.is_content()).cloned().collect();
        let used: BTreeSet<_> = named
            .iter()
            .map(|reference| (object(agent, reference), reference.keys.clone()))
            .collect();
        let named_objects = used.iter().map(|(object, _)| object.clone()).collect();
        self.state().set_uses((agent.namespace.clone(), agent.name.clone()), named_objects);
        if used.is_empty() {
            return Ok(Used::default());
        }
        let (mut missing, mut withheld) = (named.clone(), Vec::new());
        missing.retain(|reference| !reference.optional);
        let has_secrets = used.iter().any(|(object, _)| object.kind == ReferenceKind::Secret);
        let password = salt.filter(|_| has_secrets).map_or("", Password::expose);
        let key = hmac::Key::new(hmac::HMAC_SHA256, password.as_bytes());
        let mut whole = hmac::Context::with_key(&key);
        for (object, keys) in &used {
            let held = self.held(client, object).await?;
            let is_it = |reference: &Reference| {
                reference.keys == *keys && self::object(agent, reference) == *object
            };
            if secrets == AgentSecrets::Labelled {
                let withholds =
                    |reference: &&Reference| is_it(reference) && held.withholds(reference);
                withheld.extend(named.iter().filter(withholds).cloned());
            }
            if held.has(keys) {
                missing.retain(|reference| !is_it(reference));
            } else if !held.exists() {
                let whole = missing.iter_mut().filter(|reference| is_it(reference));
                whole.for_each(|reference| reference.keys = Keys::All);
            }
            let is_secret = object.kind == ReferenceKind::Secret;
            let uid = held.uid.filter(|_| is_secret && salt.is_none());
            for (name, digest) in held.keys {
                if keys.include(&name) {
                    let line = format!("{:?} {} {name} ", object.kind, object.name);
                    whole.update(line.as_bytes());
                    whole.update(uid.as_deref().unwrap_or_default().as_bytes());
                    whole.update(&digest);
                }
            }
        }
        let digest = Some(hex::encode(whole.sign()));
        Ok(Used { digest, missing: named_once(missing), withheld: named_once(withheld) })
    }

    /// Takes over what a watch of the metadata tells, and names the agents that this concerns.
    pub fn note<K>(&self, kind: ReferenceKind, event: &Event<PartialObjectMeta<K>>) -> Vec<User>
    where
        K: Resource<DynamicType = ()>,
    {
        let (meta, is_there) = match event {
            Event::Init => {
                // What happened meanwhile was missed: each is read again by who uses it.
                let mut state = self.state();
                let of_kind = state.users.keys().filter(|object| object.kind == kind);
                for object in of_kind.cloned().collect::<Vec<_>>() {
                    state.moved(object);
                }
                return vec![];
            }
            // Afterwards every agent is reconciled.
            Event::InitApply(_) | Event::InitDone => return vec![],
            Event::Apply(meta) => (meta, true),
            Event::Delete(meta) => (meta, false),
        };
        let object =
            Object { kind, namespace: meta.namespace().unwrap_or_default(), name: meta.name_any() };
        let version = meta.resource_version().filter(|_| is_there);
        let mut state = self.state();
        let Some(users) = state.users.get(&object).cloned() else { return vec![] };
        if state.held.get(&object).is_some_and(|held| held.version == version) {
            return vec![];
        }
        state.moved(object);
        users.into_iter().collect()
    }

    /// Drops what is remembered for a deleted agent.
    pub fn forget(&self, namespace: &str, name: &str) {
        self.state().set_uses((namespace.to_owned(), name.to_owned()), BTreeSet::new());
    }

    async fn held(&self, client: &Client, object: &Object) -> Result<Held, ControllerError> {
        let moves = {
            let state = self.state();
            let moves = state.moves.get(object).copied().unwrap_or_default();
            match state.held.get(object).filter(|held| held.moves == moves) {
                Some(held) => return Ok(held.clone()),
                None => moves,
            }
        };
        let read = match object.kind {
            ReferenceKind::Secret => read::<Secret>(client, object).await?.map(Held::of_secret),
            ReferenceKind::ConfigMap | ReferenceKind::ServiceAccount => {
                read::<ConfigMap>(client, object).await?.map(Held::of_config_map)
            }
        };
        // Of one that moves while it is read this is not believed a second time.
        let held = Held { moves, ..read.unwrap_or_default() };
        self.state().held.insert(object.clone(), held.clone());
        Ok(held)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn moved(&mut self, object: Object) {
        *self.moves.entry(object).or_default() += 1;
    }

    fn set_uses(&mut self, user: User, objects: BTreeSet<Object>) {
        let before = self.uses.get(&user).cloned().unwrap_or_default();
        for object in before.difference(&objects) {
            let users = self.users.entry(object.clone()).or_default();
            users.remove(&user);
            if users.is_empty() {
                self.users.remove(object);
                self.held.remove(object);
                self.moves.remove(object);
            }
        }
        for object in &objects {
            self.users.entry(object.clone()).or_default().insert(user.clone());
        }
        if objects.is_empty() {
            self.uses.remove(&user);
        } else {
            self.uses.insert(user, objects);
        }
    }
}

fn object(agent: &AgentId, reference: &Reference) -> Object {
    let (kind, name) = (reference.kind, reference.name.clone());
    Object { kind, namespace: agent.namespace.clone(), name }
}

fn digests(data: impl Iterator<Item = (String, Vec<u8>)>) -> BTreeMap<String, Digest> {
    let hashed = data
        .filter_map(|(key, value)| Some((key, digest(&SHA256, &value).as_ref().try_into().ok()?)));
    hashed.collect()
}

async fn read<K>(client: &Client, object: &Object) -> Result<Option<K>, ControllerError>
where
    K: Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>
        + Clone
        + std::fmt::Debug
        + serde::de::DeserializeOwned,
{
    let api: Api<K> = Api::namespaced(client.clone(), &object.namespace);
    let found = api.get_opt(&object.name).await;
    found.map_err(ControllerError::request("get", K::kind(&()), &object.name))
}
