//! The index of links that a gateway and a broker each hold, with very many of them: its memory, how long a listing
//! takes, and a look-up. The watch that feeds it is the programs' own; the API server is a function of this process, so
//! that no cluster needs to hold as many Agents, and it counts in all figures but the look-up's.

use std::{fmt::Write as _, fs, hint::black_box, path::PathBuf, time::Duration};

use anyhow::{Context, Result, ensure};
use api_types::{Namespaces, ShareToken};
use share::{Links, follow};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::proc::resident_kib;

mod server;

use server::Server;

/// As long as any.
const UID: &str = "6f1c2d3e-4b5a-4978-8796-a0b1c2d3e4f5";

/// How long a listing may take before the run fails.
const BOUND: Duration = Duration::from_mins(2);

/// What is measured.
#[derive(clap::Args, Clone, Debug)]
pub struct Plan {
    /// How many links
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub links: u32,
    /// The table is appended to this file
    #[arg(long, value_name = "FILE")]
    pub table: PathBuf,
}

/// Measures, and writes the table.
pub async fn run(plan: &Plan, step: fn(&str)) -> Result<()> {
    let (few, many) = (measure(1).await?, measure(plan.links).await?);
    step(&format!("{} links are listed, and listed again", plan.links));
    let mut table = fs::read_to_string(&plan.table).unwrap_or_default();
    table.push_str(&of(plan.links, &few, &many)?);
    fs::write(&plan.table, table)?;
    Ok(())
}

/// Of one count of links.
struct Figures {
    resident_kib: u64,
    again_kib: u64,
    first: Duration,
    again: Duration,
    known: Duration,
    /// Of that, the two digests of the token.
    digests: Duration,
    unknown: Duration,
}

async fn measure(count: u32) -> Result<Figures> {
    let (mut server, client) = Server::new(count);
    let (links, shutdown) = (Links::new(), CancellationToken::new());
    let feed = follow(client, Namespaces::All, links.clone(), shutdown.clone());
    let figures = async {
        let figures = figures(&mut server, &links, count).await;
        shutdown.cancel();
        figures
    };
    let ((), figures) = tokio::join!(feed, figures);
    figures
}

async fn figures(server: &mut Server, links: &Links, count: u32) -> Result<Figures> {
    let first = server.listed(BOUND).await?;
    let resident_kib = resident()?;
    server.expire();
    let again = server.listed(BOUND).await?;
    let again_kib = resident()?;
    let tokens: Vec<_> = (0..count).map(server::token).collect();
    let strangers: Vec<_> = (count..2 * count).map(server::token).collect();
    let found = |token: &ShareToken| links.find(token).is_some();
    ensure!(tokens.iter().all(found), "a link is not found by its token");
    ensure!(!strangers.iter().any(found), "a token without a link finds one");
    let (known, unknown) = (look_up(links, &tokens), look_up(links, &strangers));
    let digests = digests(&tokens);
    Ok(Figures { resident_kib, again_kib, first, again, known, digests, unknown })
}

fn resident() -> Result<u64> {
    resident_kib(std::process::id()).context("this process's memory")
}

/// How many tokens are looked up between two looks at the clock.
const BATCH: usize = 100;

/// The mean time of a look-up of one token after the other, far apart in the index. A token is at hand then, as one that
/// has just been read from a request.
fn look_up(links: &Links, tokens: &[ShareToken]) -> Duration {
    /// A prime, and no divisor of a round number of links.
    const STRIDE: usize = 7919;
    const BATCHES: usize = 2_000;
    let mut spent = Duration::ZERO;
    for batch in 0..BATCHES {
        let numbers = (batch * BATCH..).take(BATCH).map(|number| number * STRIDE % tokens.len());
        let chosen: Vec<_> = numbers.map(|number| tokens[number].clone()).collect();
        let started = Instant::now();
        for token in &chosen {
            black_box(links.find(token));
        }
        spent += started.elapsed();
    }
    mean(spent, BATCHES * BATCH)
}

/// The mean time of the two digests of a look-up.
fn digests(tokens: &[ShareToken]) -> Duration {
    const TIMES: usize = 200_000;
    let started = Instant::now();
    for number in 0..TIMES {
        let token = &tokens[number % tokens.len().min(BATCH)];
        black_box((token.lookup(), token.proof(UID)));
    }
    mean(started.elapsed(), TIMES)
}

fn mean(all: Duration, count: usize) -> Duration {
    all / u32::try_from(count).unwrap_or(u32::MAX)
}

fn of(count: u32, few: &Figures, many: &Figures) -> Result<String> {
    let megabytes = |kib: u64| {
        #[expect(clippy::cast_precision_loss, reason = "for people, with one digit")]
        let bytes = kib.saturating_sub(few.resident_kib) as f64 * 1024.0;
        bytes / 1e6
    };
    let mut table = format!("| {count} links in one process | |\n|---|---:|\n");
    let mut row = |name: &str, value: String| writeln!(table, "| {name} | {value} |");
    row("resident, MB", format!("{:.1}", megabytes(many.resident_kib)))?;
    row("resident after another listing, MB", format!("{:.1}", megabytes(many.again_kib)))?;
    row("first listing, s", format!("{:.2}", many.first.as_secs_f64()))?;
    row("another listing, s", format!("{:.2}", many.again.as_secs_f64()))?;
    row("look-up of a token, ns", many.known.as_nanos().to_string())?;
    row("… of that its digests, ns", many.digests.as_nanos().to_string())?;
    row("look-up of a token without a link, ns", many.unknown.as_nanos().to_string())?;
    Ok(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_link_is_found_after_the_first_listing_and_after_another() {
        let figures = measure(1200).await.unwrap();
        assert!(figures.first > Duration::ZERO && figures.again > Duration::ZERO);
    }
}
