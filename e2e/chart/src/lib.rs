//! Helm's chart as its tests see it: values in, objects out, by the real helm and kubectl. It judges nothing.

mod programs;
mod registry;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::Value;

pub use programs::{Outcome, helm, helm_on_cluster, kubectl, program, run};
pub use registry::{Registry, pull};

/// The namespace of an installation.
pub const NAMESPACE: &str = "kubeopencode-system";

/// A kind and a name, and before them the namespace, where it has one.
pub type Key = (String, String, String);

/// Objects by what they are.
pub type Objects = BTreeMap<Key, Value>;

/// The repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The chart's folder.
pub fn chart() -> PathBuf {
    root().join("helm/kubeopencode")
}

/// The value sets: files whose names say what they are about.
pub fn value_sets() -> Result<Vec<(String, PathBuf)>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("values");
    let mut sets = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_stem().context("a file has a name")?;
        sets.push((name.to_string_lossy().into_owned(), path));
    }
    sets.sort();
    Ok(sets)
}

/// `helm template` with the values of a file, in `namespace`.
pub fn render_in(namespace: &str, values: &Path) -> Result<Outcome> {
    helm(&["template", "kubeopencode", "--namespace", namespace, "--values"], &[values, &chart()])
}

/// The text of all objects that a file of values yields.
pub fn text(values: &Path) -> Result<String> {
    let Outcome { succeeded, output, errors } = render_in(NAMESPACE, values)?;
    ensure!(succeeded, "{}: {errors}", values.display());
    Ok(output)
}

/// What a file of values yields.
pub struct Rendered {
    pub text: String,
    pub objects: Objects,
}

/// What a file of values yields. Each file is rendered once: many tests want all.
pub fn rendered(values: &Path) -> Result<Arc<Rendered>> {
    static RENDERED: Mutex<BTreeMap<PathBuf, Arc<Rendered>>> = Mutex::new(BTreeMap::new());
    let mut all = RENDERED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(rendered) = all.get(values) {
        return Ok(Arc::clone(rendered));
    }
    let text = text(values)?;
    let rendered = Arc::new(Rendered { objects: objects(&text)?, text });
    all.insert(values.to_owned(), Arc::clone(&rendered));
    Ok(rendered)
}

/// The objects that a file of values yields.
pub fn render(values: &Path) -> Result<Objects> {
    Ok(rendered(values)?.objects.clone())
}

/// The objects that values yield.
pub fn render_values(values: &Value) -> Result<Objects> {
    let file = tempfile::NamedTempFile::new()?;
    fs::write(&file, values.to_string())?;
    objects(&text(file.path())?)
}

/// The objects of a text in YAML, of which no two may be the same.
pub fn objects(text: &str) -> Result<Objects> {
    let mut objects = Objects::new();
    for document in serde_yaml_ng::Deserializer::from_str(text) {
        // YAML's own value refuses a key that is there twice; JSON's takes the last.
        let object = serde_json::to_value(serde_yaml_ng::Value::deserialize(document)?)?;
        if object.is_null() {
            continue;
        }
        let key = key(&object).with_context(|| format!("an object without a name: {object}"))?;
        let before = objects.insert(key.clone(), object);
        ensure!(before.is_none(), "there are two of {key:?}");
    }
    Ok(objects)
}

fn key(object: &Value) -> Option<Key> {
    let metadata = &object["metadata"];
    let namespace = metadata["namespace"].as_str().unwrap_or_default();
    Some((namespace.to_owned(), object["kind"].as_str()?.into(), metadata["name"].as_str()?.into()))
}

/// The template of an object's pods, where it has some.
pub fn pod_template(object: &Value) -> Option<&Value> {
    ["/spec/template", "/spec/jobTemplate/spec/template"]
        .into_iter()
        .find_map(|path| object.pointer(path))
        .filter(|template| template["spec"]["containers"].is_array())
}
