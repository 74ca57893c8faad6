//! `cargo xtask images`: every container image of the product, named by what is in it. An image that was
//! built from the same things before comes from the cache.

mod agent;
mod debian;
mod programs;
mod services;
mod target;

pub(crate) use programs::path as program;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::{
    buildah,
    cache::{self, Key},
    cluster::{self, Cluster},
    step,
};

/// Part of every key: a change of how images are made makes new ones.
const RECIPE: &str = "1";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Load the images into the cluster as well.
    #[arg(long)]
    load: bool,
    /// Also the image of what stands around agents in the end-to-end tests.
    #[arg(long)]
    services: bool,
    #[command(flatten)]
    cluster: cluster::Choice,
}

/// An image in an archive.
#[derive(Clone, Debug)]
pub(crate) struct Image {
    /// Such as `gateway`.
    pub(crate) name: &'static str,
    /// Such as `localhost/kubeopencode/gateway:0123456789abcdef`.
    pub(crate) reference: String,
    pub(crate) archive: PathBuf,
}

/// What an image is made of.
struct Parts {
    name: &'static str,
    containerfile: String,
    /// What else the image depends on.
    key: Key,
}

impl Parts {
    fn new(name: &'static str, containerfile: impl Into<String>) -> Self {
        let containerfile = containerfile.into();
        let key = Key::new().bytes(RECIPE).bytes(&containerfile);
        Self { name, containerfile, key }
    }

    /// The image from the cache, or built of what `fill` puts into a folder. `title` is how the step is called.
    fn image(self, title: &str, fill: impl FnOnce(&Path) -> Result<()>) -> Result<Image> {
        let Self { name, containerfile, key } = self;
        let reference = format!("localhost/kubeopencode/{name}:{}", key.clone().finish());
        step::run(title, |step| {
            let built = cache::get_or_build(&format!("image-{name}"), key, |folder| {
                let context = tempfile::tempdir_in(folder)?;
                fill(context.path())?;
                let archive = folder.join("image.tar");
                buildah::archive(context.path(), &containerfile, &reference, &archive)
            })?;
            step.note(built.origin.note());
            let archive = built.path.join("image.tar");
            Ok(Image { name, reference, archive })
        })
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let mut images = build()?;
    if arguments.services {
        images.push(services()?);
    }
    if arguments.load {
        load(&images, &cluster::up(&arguments.cluster)?)?;
    }
    for image in &images {
        println!("{}\t{}", image.reference, image.archive.display());
    }
    Ok(())
}

/// Builds what is not in the cache.
pub(crate) fn build() -> Result<Vec<Image>> {
    let mut images = programs::build()?;
    images.push(agent::opencode()?);
    images.push(agent::devbox()?);
    Ok(images)
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
