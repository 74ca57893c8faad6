//! `cargo xtask test`: everything that must hold before a change lands. The test runners' own lines stay visible.

use std::slice;

use anyhow::{Context, Result, bail};

use crate::{
    alerts,
    apt::{self, Needed},
    chart,
    cluster::{self, Choice},
    demo, deny,
    dependencies::Dependencies,
    disk, images, paths,
    prometheus::{self, Prometheus},
    python, release, script,
    shell::Cmd,
    step, system, web,
};

const BROWSER: [Needed; 2] = [
    Needed { program: "chromium", package: "chromium" },
    Needed { program: "chromedriver", package: "chromium-driver" },
];

/// Real servers of git, which run on the loopback.
const GIT_SERVERS: [Needed; 3] = [
    Needed { program: "git", package: "git" },
    Needed { program: "ssh-keygen", package: "openssh-client" },
    Needed { program: "/usr/sbin/sshd", package: "openssh-server" },
];

/// Without it the end-to-end tests are not compiled.
const CLUSTER: &str = "e2e/cluster";
/// The module of the end-to-end tests that disturb nobody.
const INDEPENDENT: &str = "independent::";
/// With them the lints see every test.
const ALL: &str = "e2e/cluster,chart/tools,loopback/python";
/// Without it the example in Python is not tested.
const PYTHON: &str = "loopback/python";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    cluster: Choice,
    /// Only the quick part: lints, unit and integration tests.
    #[arg(long)]
    no_cluster: bool,
    /// Watch an idle agent for ten minutes in place of two, and make 10,000 Agents that cannot start in place of 4,000.
    #[arg(long)]
    long: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let choice = &arguments.cluster;
    if !arguments.no_cluster && !cluster::keeps_audit_log(choice)? {
        bail!(
            "the end-to-end tests read the API server's audit log, which somebody else's cluster does not show: \
             name `--provider standalone` or `--provider kind`, or leave them out with --no-cluster"
        );
    }
    disk::look()?;
    let dependencies = Dependencies::of("tests", paths::repository().join("target"), ALL)?;
    step::run("dependencies", |step| {
        step.note(dependencies.restore()?);
        Ok(())
    })?;
    web::build()?;
    lints()?;
    deny::check()?;
    step::run("servers of git", |_| apt::ensure(&GIT_SERVERS))?;
    prometheus::ensure()?;
    let python = python::ensure()?;
    eprintln!("unit and integration tests");
    tests().env("E2E_PYTHON", python).show()?;
    let named = "--message-format=json";
    let compiled = [clippy(named), tests().args(["--no-run", named])];
    step::run("dependencies kept", |_| dependencies.keep(compiled))?;
    web::test()?;
    if arguments.no_cluster {
        return Ok(());
    }
    // They need Go, as the cluster does.
    step::run("tests of the Go modules", |_| cluster::test_go())?;
    release::workflows()?;
    chart::test(choice.kubernetes())?;
    let was_there = cluster::exists(choice)?;
    end_to_end(arguments)?;
    release::test()?;
    release::end_to_end(choice)?;
    if !was_there {
        // After a failure it stays, to be looked at.
        cluster::down(choice)?;
    }
    Ok(())
}

fn cargo<const N: usize>(arguments: [&str; N]) -> Cmd {
    Cmd::new("cargo").args(arguments).current_dir(paths::repository())
}

fn tests() -> Cmd {
    cargo(["test", "--locked", "--quiet", "--features", PYTHON])
}

fn clippy(format: &str) -> Cmd {
    cargo(["clippy", "--workspace", "--all-targets", "--features", ALL, "--locked", "--quiet"])
        .args([format, "--", "-D", "warnings"])
}

fn lints() -> Result<()> {
    step::run("rustfmt", |_| cargo(["fmt", "--all", "--check"]).run())?;
    step::run("clippy", |_| clippy("--message-format=human").run())
}

fn end_to_end(arguments: &Arguments) -> Result<()> {
    let (cluster, images) = system::up(&arguments.cluster)?;
    script::up(&cluster, &images)?;
    demo::check(&cluster)?;
    let services = images::services()?;
    images::load(slice::from_ref(&services), &cluster)?;
    step::run("browser", |_| apt::ensure(&BROWSER))?;
    web::test_in_browser()?;
    let audit_log =
        cluster.audit_log()?.context("the end-to-end tests read the API server's audit log")?;
    alerts::test(arguments.cluster.kubernetes())?;
    let prometheus = Prometheus::of(&cluster)?;
    eprintln!("end-to-end tests");
    // The last is of what Prometheus made of the others.
    for (test, runner) in [
        // One after the other: they disturb the system, measure it, or count its requests.
        ("system", ["--test-threads=1", "--skip", INDEPENDENT].as_slice()),
        // Agents mostly wait. More of them at once would keep each other from the processor for longer than guests wait.
        ("system", &["--test-threads=2", INDEPENDENT]),
        ("observed", &["--test-threads=1"]),
    ] {
        // Of all packages, as the tests before: of one alone, its libraries would be compiled anew, with fewer features.
        let run = cargo(["test", "--locked", "--features", CLUSTER, "--test", test, "--"]);
        system::told(run.args(runner), &cluster)?
            .env("E2E_SERVICES", &services.reference)
            .env("E2E_AUDIT_LOG", &audit_log)
            .env("E2E_IDLE_MINUTES", if arguments.long { "10" } else { "2" })
            .env("E2E_CROWD", if arguments.long { "10000" } else { "4000" })
            .env("E2E_ROUNDS", if arguments.long { "30" } else { "10" })
            .env("E2E_PROMETHEUS", prometheus.url())
            .show()?;
    }
    Ok(())
}
