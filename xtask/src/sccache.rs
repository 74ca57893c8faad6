//! What was compiled of dependencies, kept by sccache: a fresh clone takes it from the cache folder. Our own crates are
//! compiled incrementally, which sccache leaves alone; the programs of a release are compiled without it.

use std::{
    fs::{self, File, Permissions},
    os::unix::{fs::PermissionsExt, net::UnixStream},
    path::{Path, PathBuf},
    sync::OnceLock,
};

use anyhow::Result;
use serde_json::Value;

use crate::{cache, paths, shell::Cmd, step};

const VERSION: &str = "0.19.0";

/// What cargo calls in the place of rustc; it says where the cache is, and how large.
const WRAPPER: &str = include_str!("sccache/rustc.sh");
const WRAPPER_PATH: &str = "bin/rustc.sh";

/// The wrapper's path, where sccache is used.
static STARTED: OnceLock<PathBuf> = OnceLock::new();

/// As long as it is there, dependencies are taken from the cache.
pub(crate) struct Sccache {
    /// Shared by all tasks that use the server: the last one stops it.
    lock: Option<File>,
}

/// Without sccache the tests only take longer, so a failure is said and no more. Somebody's own wrapper is kept.
pub(crate) fn start() -> Result<Sccache> {
    if paths::variable("RUSTC_WRAPPER").is_some() {
        return Ok(Sccache { lock: None });
    }
    step::run(&format!("sccache {VERSION}"), |step| {
        let lock = launch(step);
        if let Err(error) = &lock {
            let error = format!("{error:#}");
            step.note(format!("left out: {}", error.lines().next().unwrap_or_default()));
        }
        Ok(Sccache { lock: lock.ok() })
    })
}

/// `cargo`, for what it compiles with the profile "dev".
pub(crate) fn wrap(cargo: Cmd) -> Cmd {
    // The server ends when it is idle, as in long tests. Cargo might start it again in the network of a cluster.
    match STARTED.get() {
        Some(wrapper) if serve(wrapper).is_ok() => cargo.env("RUSTC_WRAPPER", wrapper),
        _ => cargo,
    }
}

/// Says how much was in the cache.
pub(crate) fn report() -> Result<()> {
    let Some(wrapper) = STARTED.get() else { return Ok(()) };
    step::run("dependencies", |step| {
        let said = Cmd::new(wrapper).args(["--show-stats", "--stats-format", "json"]).read();
        step.note(said.ok().and_then(|said| figures(&said)).unwrap_or_default());
        Ok(())
    })
}

impl Drop for Sccache {
    fn drop(&mut self) {
        let (Some(lock), Some(wrapper)) = (&self.lock, STARTED.get()) else { return };
        if lock.unlock().is_ok() && lock.try_lock().is_ok() {
            // After long tests it has ended already.
            Cmd::new(wrapper).arg("--stop-server").succeeds();
        }
    }
}

fn launch(step: &step::Step) -> Result<File> {
    let key = cache::Key::new().bytes(VERSION).bytes(WRAPPER);
    let built = cache::get_or_build("sccache", key, install)?;
    let wrapper = built.path.join(WRAPPER_PATH);
    let lock = File::open(&wrapper)?;
    lock.lock_shared()?;
    serve(&wrapper)?;
    STARTED.get_or_init(|| wrapper);
    step.note(built.origin.note());
    Ok(lock)
}

fn install(folder: &Path) -> Result<()> {
    Cmd::new("cargo")
        .args(["install", "--locked", "--quiet", "--no-track", "--no-default-features"])
        .args([&format!("sccache@{VERSION}"), "--root"])
        .arg(folder)
        .current_dir(folder)
        // Its own profile optimizes across all crates, which takes minutes.
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
        .run()?;
    let wrapper = folder.join(WRAPPER_PATH);
    fs::write(&wrapper, WRAPPER)?;
    Ok(fs::set_permissions(wrapper, Permissions::from_mode(0o755))?)
}

/// Starts the server where there is none: a second one would take the socket from the first.
fn serve(wrapper: &Path) -> Result<()> {
    let there = UnixStream::connect(paths::cache()?.join("sccache/socket")).is_ok();
    if there { Ok(()) } else { Cmd::new(wrapper).arg("--start-server").run() }
}

/// Hits and misses, of sccache's statistics.
fn figures(json: &str) -> Option<String> {
    let said: Value = serde_json::from_str(json).ok()?;
    let sum = |name: &str| -> Option<u64> {
        said["stats"][name]["counts"].as_object()?.values().map(Value::as_u64).sum()
    };
    Some(format!("{} from cache, {} compiled", sum("cache_hits")?, sum("cache_misses")?))
}

#[test]
fn figures_are_of_all_languages() {
    let said = r#"{"stats": {"cache_hits": {"counts": {"Rust": 7, "C": 1}}, "cache_misses": {"counts": {}}}}"#;
    assert_eq!(figures(said).as_deref(), Some("8 from cache, 0 compiled"));
}
