//! `cargo xtask images`: every container image of the product, named by what is in it. An image that was
//! built from the same things before comes from the cache.

mod agent;
mod programs;

pub(crate) use programs::path as program;

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::{
    cluster::{self, Cluster},
    step,
};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Load the images into the cluster as well.
    #[arg(long)]
    load: bool,
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

impl Image {
    fn new(name: &'static str, key: &str, archive: PathBuf) -> Self {
        Self { name, reference: reference(name, key), archive }
    }
}

fn reference(name: &str, key: &str) -> String {
    format!("localhost/kubeopencode/{name}:{key}")
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let images = build()?;
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

/// What a benchmark needs beside the product: its driver, compiled, and the image of its agent.
pub(crate) fn bench() -> Result<Vec<Image>> {
    programs::build_bench()
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
