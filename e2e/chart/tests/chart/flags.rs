//! What a chart tells a program, the program knows; and what a program can be told, a value tells it, or there is a reason.

use std::{collections::BTreeSet, fs};

use chart::{Objects, chart, helm, render, render_values, root, value_sets};
use serde_json::{Value, json};

/// Each program's sources of flags.
const PROGRAMS: [(&str, &str, &[&str]); 3] = [
    ("Deployment", "kubeopencode-controller", &["crates/controller/src/args.rs"]),
    (
        "Deployment",
        "kubeopencode-server",
        &["crates/gateway/src/args.rs", "crates/share/src/args.rs", "crates/share/src/capacity.rs"],
    ),
    (
        "Deployment",
        "kubeopencode-terminal-broker",
        &[
            "crates/terminal-broker/src/args.rs",
            "crates/share/src/args.rs",
            "crates/share/src/capacity.rs",
        ],
    ),
];

/// Of every program.
const TELEMETRY: [&str; 2] = ["crates/daemon/src/telemetry.rs", "crates/daemon/src/traces/args.rs"];

/// Of the allocator, not of ours.
const FOREIGN: [&str; 2] = ["MIMALLOC_PURGE_DELAY", "MIMALLOC_PAGE_FULL_RETAIN"];

/// What no value sets: `extraEnv` and `extraArgs` can.
const UNSET: [(&str, &str); 6] = [
    ("LISTEN", "the Services and probes go by the port"),
    ("METRICS_ADDRESS", "the probes and the PodMonitor go by the port"),
    ("BROKER_NAME", "the certificates go by the name"),
    ("LEASE_NAME", "the controller's role goes by the name"),
    ("BROKER", "the Service's name is fixed, and its namespace is the release's"),
    (
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        "traces are all that is sent, so it says what OTEL_EXPORTER_OTLP_ENDPOINT does",
    ),
];

/// The variables that the flags of a file fall back to.
fn variables(files: &[&str]) -> BTreeSet<String> {
    let text: String = files
        .iter()
        .chain(&TELEMETRY)
        .map(|file| fs::read_to_string(root().join(file)).unwrap())
        .collect();
    let found = text.split("env = \"").skip(1).filter_map(|rest| rest.split('"').next());
    found.map(str::to_owned).collect()
}

fn told(objects: &Objects, kind: &str, name: &str) -> BTreeSet<String> {
    let found = objects.iter().find(|(key, _)| key.1 == kind && key.2 == name).unwrap().1;
    let env = found["spec"]["template"]["spec"]["containers"][0]["env"].as_array().unwrap();
    env.iter().map(|variable| variable["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_flag_of_each_program_has_a_value_or_a_reason() {
    let sets = value_sets().unwrap();
    let (_, path) = sets.iter().find(|(name, _)| name == "every-flag").unwrap();
    let objects = render(path).unwrap();
    for (kind, name, files) in PROGRAMS {
        let (known, told) = (variables(files), told(&objects, kind, name));
        assert!(known.len() >= 10, "{name}: {known:?}");
        let ours: BTreeSet<_> =
            told.into_iter().filter(|one| !FOREIGN.contains(&one.as_str())).collect();
        let unknown: Vec<_> = ours.difference(&known).collect();
        assert!(unknown.is_empty(), "{name} does not know {unknown:?}");
        let reasons = UNSET.map(|(variable, _)| variable);
        // The broker's default is the folder that is mounted.
        let silent: Vec<_> = known
            .difference(&ours)
            .filter(|variable| !reasons.contains(&variable.as_str()))
            .filter(|variable| {
                (name, variable.as_str()) != ("kubeopencode-terminal-broker", "TLS_DIR")
            })
            .collect();
        assert!(silent.is_empty(), "no value tells {name} {silent:?}");
    }
}

#[test]
fn numbers_and_lists_are_written_as_the_programs_read_them() {
    let values = json!({
        "broker": { "maxConnections": 10_000_000, "allowedClients": ["kubeopencode-server", "b"] },
        "gateway": { "trustedProxies": ["10.0.0.0/8", "::1"], "terminals": { "max": 1_000_000 } },
        "traces": { "sampler": "traceidratio", "ratio": 0.05 },
    });
    let objects = render_values(&values).unwrap();
    let value = |name: &str, variable: &str| -> Value {
        let key = (chart::NAMESPACE.to_owned(), "Deployment".to_owned(), name.to_owned());
        let env = &objects[&key]["spec"]["template"]["spec"]["containers"][0]["env"];
        let found = env.as_array().unwrap().iter().find(|one| one["name"] == variable);
        found.unwrap()["value"].clone()
    };
    let broker = "kubeopencode-terminal-broker";
    assert_eq!(value(broker, "MAX_CONNECTIONS"), "10000000");
    assert_eq!(value(broker, "ALLOWED_CLIENTS"), "kubeopencode-server,b");
    assert_eq!(value("kubeopencode-server", "TRUSTED_PROXIES"), "10.0.0.0/8,::1");
    assert_eq!(value("kubeopencode-server", "MAX_TERMINALS"), "1000000");
    assert_eq!(value("kubeopencode-controller", "OTEL_TRACES_SAMPLER_ARG"), "0.05");
}

/// Helm hands a fraction on the command line on as a text.
#[test]
fn a_ratio_may_be_set_on_the_command_line() {
    let set = "--set=traces.sampler=traceidratio,traces.ratio=0.1";
    let rendered = helm(&["template", "kubeopencode", set], &[&chart()]).unwrap();
    assert!(rendered.succeeded, "{}", rendered.errors);
    let told = rendered.output.matches(r#"{name: OTEL_TRACES_SAMPLER_ARG, value: "0.1"}"#);
    assert_eq!(told.count(), 3);
}
