//! What many viewers of one terminal cost the pod, the API server and our programs, and what one of them that reads
//! nothing does to the others. It judges nothing.

use std::{fmt, time::Duration};

use anyhow::{Context, Result};
use serde_json::json;
use tokio::{
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, timeout},
};

use super::{
    Limits, Output,
    figures::{Usage, percentile_ms},
    guest::{Comes, Guest},
    in_own_space,
    machine::load,
    measure::key,
    programs::Programs,
    sessions::drain,
    terminal::{PATIENCE, Terminal},
};
use crate::{
    agents,
    cluster::Space,
    kubeoc,
    limits::{self, Terminals},
    pods,
    processes::Processes,
};

const AGENT: &str = "watched";
/// How many look, one after the other.
const VIEWERS: [usize; 3] = [1, 10, 100];
/// So many look where one stalls.
const BESIDE_A_STALL: usize = 10;
/// What is typed at once, and comes back to each of them.
const PIECE_BYTES: usize = 1024;
/// Pieces are typed so often.
const PERIOD: Duration = Duration::from_millis(10);
/// Whoever stalls has taken what its buffers hold by then.
const STALLED: Duration = Duration::from_secs(3);

/// What is measured, and how long.
#[derive(clap::Args, Clone, Debug)]
pub struct Plan {
    /// The image that installs the stand-in for `OpenCode`
    #[arg(long)]
    pub agent_image: String,
    /// Seconds of typing for each number of viewers
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u8).range(1..))]
    pub seconds: u8,
    /// How often seconds without a viewer that stalls, and with one, take turns
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u8).range(1..))]
    pub turns: u8,
}

/// What so many viewers cost.
struct Row {
    viewers: usize,
    /// Of the pod's processes that hold and show the terminal.
    pod_kib: u64,
    /// `None` where it runs on another machine.
    api_server: Option<Duration>,
    programs: Usage,
    echoes: Vec<Duration>,
    took: Duration,
}

/// Measures in a namespace of its own. A failure keeps no earlier figures back.
pub async fn run(plan: &Plan, output: Output) -> Result<()> {
    let measure = async |space: &Space| Box::pin(measure(space, plan, output)).await;
    in_own_space("viewers", Limits::Lifted, output, measure).await
}

async fn measure(space: &Space, plan: &Plan, output: Output) -> Result<()> {
    agents::ready(space, AGENT, json!({ "agentImage": plan.agent_image })).await?;
    let token = kubeoc::share(space, AGENT, &[]).await?;
    let pod = pods::of_agent(space, AGENT).await?;
    (output.step)("limits are lifted: gateway and broker restart");
    limits::lift(&space.client, Terminals::Shared).await?;
    let mut room = Room::open(space, &token, pod).await?;
    let mut rows = vec![];
    for viewers in VIEWERS {
        room.fill(viewers).await?;
        (output.step)(&format!("{viewers} viewers{}", load()));
        rows.push(room.watched(Duration::from_secs(plan.seconds.into())).await?);
        if viewers == BESIDE_A_STALL {
            (output.step)("one more that stalls, in turns");
            (output.figures)(&room.with_a_stall(plan.turns).await?);
        }
    }
    (output.figures)(&table(&rows));
    room.typist.end().await
}

/// One terminal, and who looks at it.
struct Room<'a> {
    space: &'a Space,
    token: &'a str,
    pod: String,
    programs: Programs,
    api_server: Processes,
    typist: Terminal,
    /// They look only.
    others: JoinSet<Result<()>>,
}

impl<'a> Room<'a> {
    async fn open(space: &'a Space, token: &'a str, pod: String) -> Result<Self> {
        let mut typist = Terminal::guest(token, Comes::Again).await?;
        typist.is_drawn().await?;
        let programs = Programs::find(&space.client).await?;
        let api_server = Processes::of_api_server(&space.client).await?;
        Ok(Self { space, token, pod, programs, api_server, typist, others: JoinSet::new() })
    }

    /// Lets others in until so many look, who types among them.
    async fn fill(&mut self, viewers: usize) -> Result<()> {
        while self.others.len() + 1 < viewers {
            let mut guest = Guest::open(self.token, Comes::Again).await?;
            timeout(PATIENCE, guest.receive()).await.context("nothing is drawn")??;
            self.others.spawn(async move { drain(&mut guest).await });
        }
        Ok(())
    }

    async fn watched(&mut self, window: Duration) -> Result<Row> {
        let (api_server, programs) = (self.api_server.cpu(), self.programs.cpu());
        let started = Instant::now();
        let echoes = self.echoes(window).await?;
        let took = started.elapsed();
        let (now, programs) = (self.api_server.cpu(), self.programs.cpu().since(programs));
        let api_server = now.zip(api_server).map(|(now, before)| now.saturating_sub(before));
        let pod_kib = pods::terminals_kib(self.space, &self.pod).await?;
        let viewers = self.others.len() + 1;
        Ok(Row { viewers, pod_kib, api_server, programs, echoes, took })
    }

    /// Turns without and with one more viewer that reads nothing.
    async fn with_a_stall(&mut self, turns: u8) -> Result<String> {
        let (mut calm, mut beside) = (vec![], vec![]);
        for _ in 0..turns {
            calm.extend(self.echoes(STALLED).await?);
            let stalls = Guest::open(self.token, Comes::Again).await?;
            self.echoes(STALLED).await?;
            beside.extend(self.echoes(STALLED).await?);
            drop(stalls);
        }
        let of = |percent| {
            let [calm, beside] = [&calm, &beside].map(|echoes| percentile_ms(echoes, percent));
            let (calm, beside) = (calm.unwrap_or_default(), beside.unwrap_or_default());
            format!("| echo p{percent}, ms | {calm:.2} | {beside:.2} | {:.2} |\n", beside / calm)
        };
        let head = format!("| | {BESIDE_A_STALL} viewers | and one that stalls | ratio |");
        Ok(format!("{head}\n|---|---:|---:|---:|\n{}{}", of(50), of(99)))
    }

    /// How long each piece takes that is typed within `window`, until it has come back whole.
    async fn echoes(&mut self, window: Duration) -> Result<Vec<Duration>> {
        let (mut ticks, mut echoes) = (interval(PERIOD), vec![]);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let end = Instant::now() + window;
        for round in 0_u16.. {
            if ticks.tick().await >= end {
                break;
            }
            let typed = vec![key(round); PIECE_BYTES];
            let started = Instant::now();
            self.typist.send(&typed).await?;
            self.typist.expect(&typed).await?;
            echoes.push(started.elapsed());
            if let Some(ended) = self.others.try_join_next() {
                ended?.context("a viewer")?;
            }
        }
        Ok(echoes)
    }
}

fn table(rows: &[Row]) -> String {
    let head = "| viewers | pod, KiB | API server, CPU | gateways, CPU | brokers, CPU | echo p50, ms | echo p99, ms |";
    let rule = "|---:|---:|---:|---:|---:|---:|---:|";
    let rows = rows.iter().map(Row::to_string);
    [head.to_owned(), rule.to_owned()].into_iter().chain(rows).collect::<Vec<_>>().join("\n")
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { viewers, pod_kib, api_server, programs, echoes, took } = self;
        let share = |cpu: Option<Duration>| {
            cpu.map_or("-".to_owned(), |cpu| {
                format!("{:.1} %", cpu.as_secs_f64() * 100.0 / took.as_secs_f64())
            })
        };
        let (server, gateways) = (share(*api_server), share(programs.gateway));
        let brokers = share(programs.broker);
        let [half, most] = [50, 99].map(|of| percentile_ms(echoes, of).unwrap_or_default());
        write!(
            f,
            "| {viewers} | {pod_kib} | {server} | {gateways} | {brokers} | {half:.2} | {most:.2} |"
        )
    }
}
