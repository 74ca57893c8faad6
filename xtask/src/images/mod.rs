//! `cargo xtask images`: every container image of the product, named by what is in it. An image that was
//! built from the same things before comes from the cache.

mod agent;
mod cross;
mod debian;
mod layout;
mod npm;
mod programs;
mod registry;
mod services;
mod sources;
mod target;

pub(crate) use task::Platform;
pub(crate) use {
    cross::compiler,
    layout::{Layout, layouts},
    programs::{NAMES as PROGRAMS, path as program_for},
    registry::{Destination, RegistryAddress, Transport, push, reference, repository},
};

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::{
    apt, buildah,
    cache::{self, Key},
    cluster::{self, Cluster},
    step,
};

/// Part of every key: a change of how images are made makes new ones.
const RECIPE: &str = "2";

/// The images that the chart's values name, and where they name them.
pub(crate) const IN_CHART: [(&str, &str); 7] = [
    ("/controller/image", "controller"),
    ("/gateway/image", "gateway"),
    ("/broker/image", "terminal-broker"),
    ("/certificates/job/image", "kubeoc"),
    ("/agents/images/opencode", "agent-opencode"),
    ("/agents/images/executor", "agent-devbox"),
    ("/agents/images/tools", "agent-tools"),
];

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Load the images into the cluster as well.
    #[arg(long, conflicts_with_all = ["push", "platform"])]
    load: bool,
    /// Also the image of what stands around agents in the end-to-end tests.
    #[arg(long, conflicts_with = "push")]
    services: bool,
    /// Push the images to this registry, such as `ghcr.io` or `registry.example.com/team`, with the credentials of
    /// `docker login`.
    #[arg(long, value_name = "REGISTRY")]
    push: Option<RegistryAddress>,
    #[command(flatten)]
    pushing: Pushing,
    /// Run each program once, by QEMU where it is for another machine.
    #[arg(long)]
    smoke: bool,
    /// Only images by these names, such as `agent-opencode,agent-devbox`.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    only: Vec<String>,
    #[command(flatten)]
    cluster: cluster::Choice,
}

/// What is pushed to a registry, and how.
#[derive(clap::Args)]
pub(crate) struct Pushing {
    /// The tag in the registry.
    #[arg(long, default_value = env!("CARGO_PKG_VERSION"))]
    tag: String,
    /// The registry has no TLS, or a certificate that is not to be checked.
    #[arg(long)]
    plain_http: bool,
    /// What to build for, such as `linux/amd64,linux/arm64`.
    #[arg(long, value_name = "PLATFORMS", value_delimiter = ',', default_values_t = [Platform::host()])]
    pub(crate) platform: Vec<Platform>,
}

impl Pushing {
    pub(crate) fn to<'a>(&'a self, registry: &'a RegistryAddress) -> Destination<'a> {
        let transport = if self.plain_http { Transport::Plain } else { Transport::Https };
        Destination { registry, tag: &self.tag, transport }
    }
}

/// An image in an archive.
#[derive(Clone, Debug)]
pub(crate) struct Image {
    /// Such as `gateway`.
    pub(crate) name: &'static str,
    pub(crate) platform: Platform,
    /// Such as `localhost/kubeopencode/gateway:0123456789abcdef`.
    pub(crate) reference: String,
    pub(crate) archive: PathBuf,
}

/// What an image is made of.
struct Parts {
    name: &'static str,
    platform: Platform,
    containerfile: String,
    /// What else the image depends on.
    key: Key,
}

impl Parts {
    fn new(name: &'static str, platform: Platform, containerfile: impl Into<String>) -> Self {
        let containerfile = containerfile.into();
        let key = Key::new().bytes(RECIPE).bytes(platform.to_string()).bytes(&containerfile);
        Self { name, platform, containerfile, key }
    }

    /// The image from the cache, or built of what `fill` puts into a folder. `title` is how the step is called.
    fn image(self, title: &str, fill: impl FnOnce(&Path) -> Result<()>) -> Result<Image> {
        let Self { name, platform, containerfile, key } = self;
        let reference = format!("localhost/kubeopencode/{name}:{}", key.clone().finish());
        let kept = match platform {
            here if here == Platform::host() => format!("image-{name}"),
            other => format!("image-{name}-{}", other.architecture()),
        };
        step::run(&format!("{title}, {platform}"), |step| {
            let built = cache::get_or_build(&kept, key, |folder| {
                let context = tempfile::tempdir_in(folder)?;
                fill(context.path())?;
                let archive = folder.join("image.tar");
                buildah::archive(context.path(), &containerfile, (&reference, platform), &archive)
            })?;
            step.note(built.origin.note());
            let archive = built.path.join("image.tar");
            Ok(Image { name, platform, reference, archive })
        })
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let mut images = Vec::new();
    for platform in &arguments.pushing.platform {
        images.extend(build_some(*platform, &arguments.only)?);
        if arguments.smoke {
            programs::smoke(*platform, &programs::wanted(&arguments.only))?;
        }
    }
    if arguments.services {
        images.push(services()?);
    }
    if arguments.load {
        load(&images, &cluster::up(&arguments.cluster)?)?;
    }
    if let Some(registry) = &arguments.push {
        return publish(&images, arguments.pushing.to(registry));
    }
    for image in &images {
        println!("{}\t{}", image.reference, image.archive.display());
    }
    Ok(())
}

/// Pushes the images, and prints by which digests they are there.
fn publish(images: &[Image], destination: Destination<'_>) -> Result<()> {
    let layouts = layouts(images)?;
    push(&layouts, destination)?;
    for layout in &layouts {
        println!("{}@{}", reference(layout.name, destination), layout.digest);
    }
    Ok(())
}

/// Builds what is not in the cache, for this machine.
pub(crate) fn build() -> Result<Vec<Image>> {
    build_some(Platform::host(), &[])
}

/// Builds what is not in the cache, for each of the platforms.
pub(crate) fn build_all(platforms: &[Platform]) -> Result<Vec<Image>> {
    let images = platforms.iter().map(|platform| build_some(*platform, &[]));
    Ok(images.collect::<Result<Vec<_>>>()?.concat())
}

/// Those by the names `only`; all where it is empty.
fn build_some(platform: Platform, only: &[String]) -> Result<Vec<Image>> {
    let of_agents = ["agent-opencode", "agent-devbox"];
    let known = |name: &String| programs::NAMES.contains(&&**name) || of_agents.contains(&&**name);
    if let Some(name) = only.iter().find(|name| !known(name)) {
        anyhow::bail!(
            "--only: there is no image {name}, but {}",
            [&programs::NAMES[..], &of_agents].concat().join(", ")
        );
    }
    let wanted = |name: &str| only.is_empty() || only.iter().any(|one| one == name);
    step::run("buildah", |_| apt::ensure(&buildah::NEEDED))?;
    let mut images = programs::build(platform, &programs::wanted(only))?;
    if wanted(of_agents[0]) {
        images.push(agent::opencode(platform)?);
    }
    if wanted(of_agents[1]) {
        images.push(agent::devbox(platform)?);
    }
    Ok(images)
}

/// Where the last build for this machine left the program `name`.
pub(crate) fn program(name: &str) -> Result<PathBuf> {
    programs::path(name, Platform::host())
}

/// Runs each program of the last build for `platform` once.
pub(crate) fn smoke(platform: Platform) -> Result<()> {
    programs::smoke(platform, &programs::NAMES)
}

/// What end-to-end tests need beside the product.
pub(crate) fn services() -> Result<Image> {
    services::services()
}

/// What benchmarks need beside the product: their drivers, compiled, and the image of their agents.
pub(crate) fn bench() -> Result<Vec<Image>> {
    programs::build_bench()
}

/// What is measured and disturbed as a process, without an image: [`program`] says where it lies.
pub(crate) fn scale() -> Result<()> {
    programs::build_scale()
}

/// The same with every program of an installation.
pub(crate) fn installation() -> Result<()> {
    programs::build_installation()
}

/// Hands the images to the cluster, by its provider's own way.
pub(crate) fn load(images: &[Image], cluster: &Cluster) -> Result<()> {
    let archives: Vec<_> = images.iter().map(|image| image.archive.clone()).collect();
    step::run("images into the cluster", |_| cluster.load_images(&archives))
}

/// The image named `name`.
pub(crate) fn find<'a>(images: &'a [Image], name: &str) -> Result<&'a str> {
    let image = images.iter().find(|image| image.name == name);
    Ok(&image.with_context(|| format!("image {name} was not built"))?.reference)
}
