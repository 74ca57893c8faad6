//! What was applied to each object, and what the watches have not delivered of it yet: a cache that
//! is behind our own writes must not pass for the cluster. It must not make a request.

use std::{
    any::Any,
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use api_types::Agent;
use kube::runtime::reflector::ObjectRef;

use super::record::Record;
use crate::{held::Held, kinds::Child};

/// Kind and name of an object of one agent.
pub(super) type ObjectKey = (String, String);

/// An entry only for what the objects do not tell by themselves; an agent's are dropped with it. Lost
/// at a restart, after which such an object is applied once.
#[derive(Default)]
pub(super) struct Memory(Mutex<Entries>);

type Entries = HashMap<ObjectRef<Agent>, HashMap<ObjectKey, Entry>>;

#[derive(Default)]
struct Entry {
    record: Option<Record>,
    unseen: Unseen,
}

/// A write of ours that no watch has delivered yet.
#[derive(Default)]
enum Unseen {
    #[default]
    Nothing,
    /// The object as the API server returned it, at this version.
    Written { version: Option<u64>, object: Arc<dyn Any + Send + Sync> },
    /// The object with this UID is gone.
    Deleted { uid: Box<str> },
    /// The name turned out to be taken when an object was to be created.
    Taken,
}

/// The newest that is known of an object without asking the API server.
pub(super) enum Newest<K: Child> {
    Known(Arc<Held<K>>),
    /// It was there a moment ago, and no watch tells of it.
    Unseen,
    /// It was deleted by us, and no other has its name as far as is known.
    Deleted,
    /// No watch tells of it.
    Unknown,
}

impl Memory {
    /// `cached` is what the watches know of the object.
    pub(super) fn newest<K: Child>(
        &self,
        agent: &ObjectRef<Agent>,
        key: &ObjectKey,
        cached: Option<Arc<Held<K>>>,
    ) -> Newest<K> {
        let mut entries = self.entries();
        let Some(objects) = entries.get_mut(agent) else { return known(cached) };
        let Some(entry) = objects.get_mut(key) else { return known(cached) };
        let newest = match (&entry.unseen, &cached) {
            (Unseen::Nothing, _) => known(cached),
            (Unseen::Written { .. } | Unseen::Taken, None) => Newest::Unseen,
            (Unseen::Written { version, object }, Some(cached)) if is_older(cached, *version) => {
                object.clone().downcast().map_or(Newest::Unseen, Newest::Known)
            }
            (Unseen::Deleted { uid }, Some(cached)) if cached.uid == *uid => Newest::Deleted,
            (Unseen::Deleted { .. }, None) => {
                entry.unseen = Unseen::Nothing;
                Newest::Deleted
            }
            (Unseen::Written { .. } | Unseen::Deleted { .. } | Unseen::Taken, Some(_)) => {
                entry.unseen = Unseen::Nothing;
                known(cached)
            }
        };
        if matches!(entry, Entry { record: None, unseen: Unseen::Nothing }) {
            objects.remove(key);
            if objects.is_empty() {
                entries.remove(agent);
            }
            if entries.is_empty() {
                // A map keeps the room that its largest crowd took.
                *entries = HashMap::new();
            }
        }
        newest
    }

    /// `record` is `None` where the object tells by itself what was applied, or where something but
    /// the whole manifest was written.
    pub(super) fn written<K: Child>(
        &self,
        agent: ObjectRef<Agent>,
        key: ObjectKey,
        record: Option<Record>,
        object: &Arc<Held<K>>,
    ) {
        let unseen = Unseen::Written { version: object.version, object: object.clone() };
        self.entries().entry(agent).or_default().insert(key, Entry { record, unseen });
    }

    pub(super) fn deleted(&self, agent: ObjectRef<Agent>, key: ObjectKey, uid: Box<str>) {
        let entry = Entry { record: None, unseen: Unseen::Deleted { uid } };
        self.entries().entry(agent).or_default().insert(key, entry);
    }

    /// The next look at the name asks the API server.
    pub(super) fn taken(&self, agent: ObjectRef<Agent>, key: ObjectKey) {
        let entry = Entry { record: None, unseen: Unseen::Taken };
        self.entries().entry(agent).or_default().insert(key, entry);
    }

    pub(super) fn is_recorded(
        &self,
        agent: &ObjectRef<Agent>,
        key: &ObjectKey,
        record: &Record,
    ) -> bool {
        let entries = self.entries();
        let entry = entries.get(agent).and_then(|objects| objects.get(key));
        entry.and_then(|entry| entry.record.as_ref()) == Some(record)
    }

    pub(super) fn forget(&self, agent: &ObjectRef<Agent>) {
        self.entries().remove(agent);
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        // Each change is one insertion or removal, so a panic elsewhere left nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn known<K: Child>(cached: Option<Arc<Held<K>>>) -> Newest<K> {
    cached.map_or(Newest::Unknown, Newest::Known)
}

/// Whether it is certain that the object is from before the write.
fn is_older<K: Child>(cached: &Held<K>, written: Option<u64>) -> bool {
    cached.version.zip(written).is_some_and(|(cached, written)| cached < written)
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::Secret;
    use kube::core::ObjectMeta;

    use super::*;

    fn secret(uid: &str, version: &str) -> Arc<Held<Secret>> {
        let metadata = ObjectMeta {
            uid: Some(uid.into()),
            resource_version: Some(version.into()),
            ..ObjectMeta::default()
        };
        Arc::new(Held::identity(&metadata))
    }

    fn agent() -> ObjectRef<Agent> {
        ObjectRef::new("demo").within("team-a")
    }

    fn key() -> ObjectKey {
        ("Secret".into(), "demo-share".into())
    }

    /// Of an object that was written at version 10, or deleted.
    fn newest(memory: &Memory, cached: Option<Arc<Held<Secret>>>) -> String {
        match memory.newest(&agent(), &key(), cached) {
            Newest::Known(object) => {
                object.version.map_or("first".into(), |version| version.to_string())
            }
            Newest::Unseen => "unseen".into(),
            Newest::Deleted => "deleted".into(),
            Newest::Unknown => "unknown".into(),
        }
    }

    #[test]
    fn a_cache_that_is_behind_a_write_is_not_believed() {
        let memory = Memory::default();
        assert_eq!(newest(&memory, None), "unknown");
        memory.written(agent(), key(), None, &secret("uid-1", "10"));
        for (cached, expected) in [
            (None, "unseen"),
            (Some(secret("uid-1", "9")), "10"),
            (Some(secret("uid-0", "9")), "10"),
            (Some(secret("uid-1", "100")), "100"),
            // The watch has caught up by now: what it tells is all that counts.
            (Some(secret("uid-1", "9")), "9"),
        ] {
            assert_eq!(newest(&memory, cached), expected);
        }
    }

    #[test]
    fn a_cache_that_is_behind_a_deletion_is_not_believed() {
        let memory = Memory::default();
        memory.deleted(agent(), key(), "uid-1".into());
        for (cached, expected) in [
            (Some(secret("uid-1", "9")), "deleted"),
            (None, "deleted"),
            (None, "unknown"),
            (Some(secret("uid-2", "11")), "11"),
        ] {
            assert_eq!(newest(&memory, cached), expected);
        }
    }

    #[test]
    fn nothing_is_kept_of_what_the_watches_have_delivered() {
        let memory = Memory::default();
        memory.written(agent(), key(), None, &secret("uid-1", "10"));
        newest(&memory, Some(secret("uid-1", "9")));
        assert_eq!(memory.entries().len(), 1);
        newest(&memory, Some(secret("uid-1", "10")));
        assert!(memory.entries().is_empty());
    }

    #[test]
    fn a_name_that_is_taken_is_looked_up_until_a_watch_tells_of_it() {
        let memory = Memory::default();
        memory.taken(agent(), key());
        assert_eq!(newest(&memory, None), "unseen");
        assert_eq!(newest(&memory, None), "unseen");
        assert_eq!(newest(&memory, Some(secret("uid-1", "9"))), "9");
        assert_eq!(newest(&memory, None), "unknown");
    }

    #[test]
    fn versions_that_are_no_numbers_are_not_compared() {
        let memory = Memory::default();
        memory.written(agent(), key(), None, &secret("uid-1", "10"));
        assert_eq!(newest(&memory, Some(secret("uid-1", "first"))), "first");
    }
}
