//! `cargo xtask demo`: the product's main job, from a bare machine to a link that a guest can open. What it
//! started it takes down again, on Ctrl-C and with `--down`.

mod agent;

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    time::Duration,
};

use agent_jobs::Repository;
use anyhow::{Context, Result, bail, ensure};
use api_types::names::{SERVER_CONTAINER, SERVER_PORT, deployment};

use crate::{
    cluster::{self, Choice, Cluster, Port},
    images, install, interrupt, paths,
    script::{self, NAMESPACE},
    shell::Cmd,
    step, system,
};
use agent::{Model, WORKSPACE};

const AGENT: &str = "demo";
/// How long the gateway may take for its page.
const ANSWER_DEADLINE: Duration = Duration::from_secs(10);

#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    cluster: Choice,
    /// Take down everything that the demo brought up.
    #[arg(long, conflicts_with = "config")]
    down: bool,
    /// An OpenCode configuration (JSON) with a real model, in place of the script.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The repository (https) that the agent works on, in place of the demo's own.
    #[arg(long, value_name = "URL", conflicts_with = "down", value_parser = public_repository)]
    repo: Option<Repository>,
}

/// What the demo gives its agent.
struct Work {
    model: Model,
    repository: Repository,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let choice = &arguments.cluster;
    if arguments.down {
        return down(choice);
    }
    interrupt::listen()?;
    let model = model(arguments.config.as_deref())?;
    // A real model is somewhere outside, and so is a repository of one's own; the demo's own parts need nothing of
    // it, and so are given nothing.
    let is_inside = model == Model::Scripted && arguments.repo.is_none();
    let choice = &if is_inside { choice.clone() } else { choice.with_egress() };
    let was_there = cluster::exists(choice)?;
    let work = Work { model, repository: arguments.repo.clone().map_or_else(own_repository, Ok)? };
    let outcome = up(choice, &work);
    if outcome.is_err() && interrupt::requested() {
        interrupt::forget();
        if !was_there {
            eprintln!("interrupted: taking down what was started");
            down(choice)?;
        }
        std::process::exit(interrupt::EXIT_CODE);
    }
    println!("{}", outcome?);
    Ok(())
}

fn model(config: Option<&Path>) -> Result<Model> {
    if let Some(path) = config {
        let name = path.display();
        let text = fs::read_to_string(path).with_context(|| format!("--config {name}"))?;
        let config: serde_json::Value =
            serde_json::from_str(&text).with_context(|| format!("--config {name} is not JSON"))?;
        if !config.is_object() {
            bail!("--config {name}: an OpenCode configuration is a JSON object");
        }
        return Ok(Model::Config(config));
    }
    let found =
        agent::API_KEYS.iter().find_map(|variable| Some((*variable, paths::variable(variable)?)));
    Ok(match found {
        Some((variable, key)) => {
            Model::ApiKey { variable, key: key.to_string_lossy().into_owned() }
        }
        None => Model::Scripted,
    })
}

/// A repository that is cloned without a Secret.
fn public_repository(written: &str) -> Result<Repository> {
    let repository = Repository::parse(written)?;
    ensure!(!repository.is_ssh(), "ssh needs a key: the demo takes https:// only");
    Ok(repository)
}

fn own_repository() -> Result<Repository> {
    Ok(Repository::parse(&script::repository())?)
}

fn up(choice: &Choice, work: &Work) -> Result<String> {
    let (cluster, images) = system::up(choice)?;
    script::up(&cluster, &images)?;
    let url = link(&cluster, work)?;
    Ok(farewell(&url, &work.model, choice, &attach(&cluster)?))
}

/// What the demo does once the system is up, with its own model and repository; then its link is opened, what a guest finds
/// in the workspace is looked at, and the agent deleted.
pub(crate) fn check(cluster: &Cluster) -> Result<()> {
    let work = Work { model: Model::Scripted, repository: own_repository()? };
    let url = link(cluster, &work)?;
    step::run("the demo's link opens", |_| opens(&url))?;
    step::run("the demo's repository is there", |_| is_at_work(cluster))?;
    cluster.kubectl()?.args(["--namespace", NAMESPACE, "delete", "agent", AGENT]).run()
}

/// The agent has its instructions, and the repository's own tests pass where it works.
fn is_at_work(cluster: &Cluster) -> Result<()> {
    let run = |command: &[&str]| {
        cluster
            .kubectl()?
            .args(["--namespace", NAMESPACE, "exec", &format!("deployment/{}", deployment(AGENT))])
            .args(["--container", SERVER_CONTAINER, "--"])
            .args(command)
            .read()
    };
    let expected = fs::read_to_string(paths::repository().join("e2e/demo/repository/AGENTS.md"))?;
    let found = run(&["cat", &format!("{WORKSPACE}/AGENTS.md")])?;
    ensure!(found == expected.trim(), "the agent's AGENTS.md is {found:?}");
    run(&["npm", "--prefix", WORKSPACE, "test"]).map(drop)
}

/// A plain request, as a browser's first.
fn opens(url: &str) -> Result<()> {
    let rest = url.strip_prefix("http://").context("the gateway is not plain HTTP")?;
    let (host, path) = rest.split_once('/').context("a link has a path")?;
    let mut stream = TcpStream::connect(host)?;
    stream.set_read_timeout(Some(ANSWER_DEADLINE))?;
    write!(stream, "GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let status = answer.lines().next().unwrap_or_default();
    ensure!(status == "HTTP/1.1 200 OK", "the link is answered by {status:?}");
    ensure!(answer.contains("<html"), "the link leads to something else than a page");
    Ok(())
}

/// A live agent, and the link to it.
fn link(cluster: &Cluster, work: &Work) -> Result<String> {
    live_agent(cluster, work)?;
    let token = step::run("share link", |_| share(cluster))?;
    Ok(format!("{}/s/{token}", published_url(cluster)?))
}

/// Where the gateway is reached best: at `localhost`, which browsers take for a secure context, so that its page may use
/// the clipboard.
fn published_url(cluster: &Cluster) -> Result<String> {
    let own = install::gateway_url(cluster)?;
    let Some(target) = own.strip_prefix("http://").and_then(|address| address.parse().ok()) else {
        return Ok(own);
    };
    step::run("the gateway's port on localhost", |step| {
        Ok(match cluster.publish(target, SERVER_PORT)? {
            Some(Port::Published) => format!("http://localhost:{SERVER_PORT}"),
            Some(Port::Taken) => {
                step.note(format!("{SERVER_PORT} is taken: the link has the cluster's address"));
                own
            }
            None => own,
        })
    })
}

fn live_agent(cluster: &Cluster, work: &Work) -> Result<()> {
    step::run("a live agent", |_| {
        for object in agent::objects(&work.model, &work.repository) {
            cluster
                .kubectl()?
                .args(["apply", "--server-side", "--force-conflicts", "--filename", "-"])
                .input(object.to_string())
                .run()?;
        }
        cluster
            .kubectl()?
            .args(["--namespace", NAMESPACE, "wait", "--for=condition=Ready", "--timeout=180s"])
            .arg(format!("agent/{AGENT}"))
            .run()
    })
}

/// Shares the agent as a user would, and returns the token.
fn share(cluster: &Cluster) -> Result<String> {
    let json = Cmd::new(images::program("kubeoc")?)
        .args(["agent", "share", AGENT, "--namespace", NAMESPACE, "--output", "json"])
        .env("KUBECONFIG", cluster.kubeconfig()?)
        .read()?;
    let link: serde_json::Value = serde_json::from_str(&json)?;
    Ok(link["token"].as_str().context("kubeoc printed no token")?.to_owned())
}

/// The line by which one sees the same terminal without a browser.
fn attach(cluster: &Cluster) -> Result<String> {
    let (kubeconfig, kubeoc) = (cluster.kubeconfig()?, images::program("kubeoc")?);
    Ok(format!(
        "KUBECONFIG={} {} agent attach {AGENT} --namespace {NAMESPACE}",
        kubeconfig.display(),
        kubeoc.display()
    ))
}

fn farewell(url: &str, model: &Model, choice: &Choice, attach: &str) -> String {
    let hint = match model {
        Model::Scripted => {
            "Open it in a browser and type `create a file hello.txt`: a script answers in the place of a model, \
             and the file appears in the agent's workspace, a repository of its own. `list the files` shows the rest of it."
        }
        Model::Config(_) | Model::ApiKey { .. } => {
            "Open it in a browser and ask the agent for something."
        }
    };
    let remote = if url.starts_with("http://localhost:") {
        format!(
            " From another machine: `ssh -L {SERVER_PORT}:localhost:{SERVER_PORT} HOST`, and the same link there."
        )
    } else {
        String::new()
    };
    let option = choice.option();
    format!(
        "\n  {url}\n\n{hint}\nWho has the link has the terminal.{remote}\n\nA terminal shows the same, until Ctrl-]:\n\n  {attach}\n\n\
         `cargo xtask demo --down{option}` takes everything away again."
    )
}

fn down(choice: &Choice) -> Result<()> {
    if !cluster::is_somebody_elses(choice) {
        return cluster::down(choice);
    }
    // A cluster that was there before stays; what the demo put into it goes.
    let cluster = cluster::up(choice)?;
    for kustomization in ["e2e/demo", "manifests"] {
        step::run(&format!("removed: {kustomization}"), |_| {
            cluster
                .kubectl()?
                .args(["delete", "--ignore-not-found", "--kustomize"])
                .arg(paths::repository().join(kustomization))
                .run()
        })?;
    }
    Ok(())
}
