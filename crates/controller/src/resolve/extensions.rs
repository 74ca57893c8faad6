//! `OpenCode`'s configuration files: the user's own entries, with skills and plugins added. Pure.

use std::io::{self, Write};

use agent_jobs::Specifier;
use api_types::{AgentSpec, Plugin, PluginTarget, RawJson, names};
use serde_json::{Map, Value, json};

use super::{Invalid, checkouts::folder_of_skill, contexts::TEXT_BYTES_MAX};

/// What OpenCode reads, and what is installed for it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Extensions {
    /// Of the server, where there is any.
    pub config: Option<Map<String, Value>>,
    /// Of the terminal UI, where there is any.
    pub tui_config: Option<Map<String, Value>>,
    /// Each package once.
    pub packages: Vec<Specifier>,
}

pub(super) fn resolve(spec: &AgentSpec) -> Result<Extensions, Invalid> {
    let users = spec.config.as_ref().map(read).transpose()?;
    let skills = spec.skills.iter().flatten().map(|skill| folder_of_skill(&skill.name).into());
    let plugins = spec.plugins.as_deref().unwrap_or_default();
    let (packages, entries) = plugins.iter().enumerate().try_fold(
        (Vec::new(), Vec::new()),
        |(mut packages, mut entries), (index, plugin)| {
            let package = package(index, plugin, &packages)?;
            entries.push((plugin.target, entry(index, &package, plugin.options.as_ref())?));
            if !packages.contains(&package) {
                packages.push(package);
            }
            Ok((packages, entries))
        },
    )?;
    let of = |target| {
        let entries = entries.iter().filter(move |(one, _)| *one == target);
        entries.map(|(_, entry)| entry.clone()).collect::<Vec<_>>()
    };
    let config = with_list(users, &["skills", "paths"], skills.collect())?;
    let config = with_list(config, &["plugin"], of(PluginTarget::Server))?;
    let tui_config = with_list(None, &["plugin"], of(PluginTarget::Tui))?;
    for (field, config) in [("spec.config", &config), ("spec.plugins", &tui_config)] {
        config.as_ref().map_or(Ok(()), |config| fits(field, config))?;
    }
    Ok(Extensions { config, tui_config, packages })
}

fn read(config: &RawJson) -> Result<Map<String, Value>, Invalid> {
    config.parse().map_err(|error| {
        let message = format!("it cannot be read ({error}): nest it at most 127 levels deep");
        Invalid::spec("spec.config", message)
    })
}

fn package(index: usize, plugin: &Plugin, earlier: &[Specifier]) -> Result<Specifier, Invalid> {
    let refuse = |why: String| Invalid::spec(format!("spec.plugins[{index}].name"), why);
    let package = Specifier::parse(&plugin.name).map_err(|why| refuse(why.to_string()))?;
    // Both targets of one package have the same files.
    let other = earlier.iter().find(|one| one.package() == package.package() && **one != package);
    match other {
        None => Ok(package),
        Some(other) => Err(refuse(format!("{other} is in the list too: use one version of it"))),
    }
}

/// How a configuration names an installed plugin.
fn entry(index: usize, package: &Specifier, options: Option<&RawJson>) -> Result<Value, Invalid> {
    let path = format!("file://{}/node_modules/{}", names::PLUGINS_DIR, package.package());
    let Some(options) = options else { return Ok(path.into()) };
    let options: Value = options.parse().map_err(|error| {
        let message = format!("they cannot be read ({error}): nest them at most 127 levels deep");
        Invalid::spec(format!("spec.plugins[{index}].options"), message)
    })?;
    Ok(json!([path, options]))
}

/// `config` with `added` at the end of the list at `path`. The user's entries stay as they are.
fn with_list(
    config: Option<Map<String, Value>>,
    path: &[&str],
    added: Vec<Value>,
) -> Result<Option<Map<String, Value>>, Invalid> {
    if added.is_empty() {
        return Ok(config);
    }
    let mut config = Value::Object(config.unwrap_or_default());
    let mut place = &mut config;
    for (depth, key) in path.iter().enumerate() {
        let Value::Object(fields) = place else { return Err(not(&path[..depth], "an object")) };
        place = fields.entry(*key).or_insert_with(|| {
            if depth + 1 == path.len() { Value::Array(vec![]) } else { Value::Object(Map::new()) }
        });
    }
    let Value::Array(list) = place else { return Err(not(path, "a list")) };
    list.extend(added.into_iter().filter(|value| !list.contains(value)).collect::<Vec<_>>());
    match config {
        Value::Object(config) => Ok(Some(config)),
        _ => Ok(None),
    }
}

fn not(path: &[&str], what: &str) -> Invalid {
    let message = format!("it must be {what}, since the agent's skills or plugins are added to it");
    Invalid::spec(format!("spec.config.{}", path.join(".")), message)
}

/// Never written in full: a line of a deeply nested object is mostly indentation.
fn fits(field: &str, config: &Map<String, Value>) -> Result<(), Invalid> {
    serde_json::to_writer_pretty(Room(TEXT_BYTES_MAX), config).map_err(|_| {
        Invalid::spec(field, "as a file it is larger than 1 MiB: shorten or flatten it")
    })
}

/// Counts what is written, and fails when there is no room left, in bytes.
struct Room(usize);

impl Write for Room {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::FileTooLarge)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
