//! url-fetch: downloads one URL into a file. What authorizes the request goes to that URL's own host only.

use std::{cell::RefCell, time::Duration};

use agent_jobs::UrlJob;
use anyhow::Context;
use backon::{ExponentialBuilder, Retryable};
use bytes::Bytes;
use tokio::time::{sleep, timeout};

use crate::{
    beneath::{self, WriteError},
    job::{self, JobArgs, log},
    roots::{RootsArgs, RootsError},
};

mod download;
mod request;

use download::DownloadError;
use request::{Request, RequestError};

#[derive(clap::Args, Debug)]
pub struct UrlArgs {
    #[command(flatten)]
    job: JobArgs,
    #[command(flatten)]
    roots: RootsArgs,
}

#[derive(Debug, thiserror::Error)]
pub enum UrlError {
    #[error(transparent)]
    Request(#[from] RequestError),
    #[error(transparent)]
    Roots(#[from] RootsError),
    #[error(transparent)]
    Download(#[from] DownloadError),
    #[error("{url} was not downloaded within {seconds} s: set a longer url.timeout")]
    TimedOut { url: String, seconds: u32 },
    #[error("{last}, still so after {seconds} s")]
    Failing { last: String, seconds: u32 },
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// Writes the file of a [`UrlJob`].
pub fn run(args: &UrlArgs) -> anyhow::Result<()> {
    job::run(&args.job, async |job: UrlJob| {
        fetch(&job, &args.roots).await.with_context(|| job.label.clone())
    })
}

async fn fetch(job: &UrlJob, roots: &RootsArgs) -> Result<(), UrlError> {
    let request = Request::of(job)?;
    let client = download::client(roots, job.insecure_skip_tls_verify)?;
    let body = within(job, &request, || download::get(&client, &request)).await?;
    beneath::write_file(&job.target, &body, job.mode)?;
    log(format_args!("{}: {} bytes from {}", job.label, body.len(), request.shown()));
    Ok(())
}

/// Tries again what may pass, as long as there is time: a pod's network may come up after its containers.
async fn within<F: Future<Output = Result<Bytes, DownloadError>>>(
    job: &UrlJob,
    request: &Request,
    get: impl FnMut() -> F,
) -> Result<Bytes, UrlError> {
    let last = RefCell::new(None);
    let delays = ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(200))
        .with_max_delay(Duration::from_secs(5))
        .with_max_times(6);
    let tries =
        get.retry(delays).sleep(sleep).when(DownloadError::is_transient).notify(|error, delay| {
            let sentence = error.to_string();
            log(format_args!("{}: {sentence}; again in {} ms", job.label, delay.as_millis()));
            last.replace(Some(sentence));
        });
    let seconds = job.timeout_seconds;
    match timeout(Duration::from_secs(seconds.into()), tries).await {
        Ok(body) => Ok(body?),
        Err(_) => Err(match last.take() {
            Some(last) => UrlError::Failing { last, seconds },
            None => UrlError::TimedOut { url: request.shown(), seconds },
        }),
    }
}
