//! Manifests that try to stop the system, as text, so that anything can be written.

/// One Agent.
pub(super) struct Manifest {
    pub(super) name: &'static str,
    /// Further fields of the metadata, each after a comma.
    metadata: String,
    spec: String,
    pub(super) fate: Fate,
}

/// What is known of what becomes of a manifest.
#[derive(Clone, Copy)]
pub(super) enum Fate {
    /// The API server's refusal or the Agent's condition names this.
    Named(&'static str),
    /// It concerns nobody else, whatever else that is.
    Contained,
}

/// The Agent that a finalizer holds.
pub(super) const HELD: &str = "held";

impl Manifest {
    pub(super) fn text(&self) -> String {
        let Self { name, metadata, spec, .. } = self;
        format!(
            r#"{{"apiVersion":"kubeopencode.io/v1alpha1","kind":"Agent","metadata":{{"name":"{name}"{metadata}}},"spec":{spec}}}"#
        )
    }
}

pub(super) fn manifests() -> Vec<Manifest> {
    let named =
        named().into_iter().chain(mistyped()).chain(endless()).map(|(name, spec, field)| {
            Manifest { name, metadata: String::new(), spec, fate: Fate::Named(field) }
        });
    // None of them needs to run: nodes are small.
    let contained = contained().into_iter().map(|(name, fields)| Manifest {
        name,
        metadata: String::new(),
        spec: format!(r#"{{"suspend":true,{fields}}}"#),
        fate: Fate::Contained,
    });
    let labelled = metadata().into_iter().map(|(name, fields)| Manifest {
        name,
        metadata: format!(",{fields}"),
        spec: r#"{"suspend":true}"#.into(),
        fate: Fate::Contained,
    });
    named.chain(contained).chain(labelled).collect()
}

/// Each with its spec and the field that must be named.
type Named = (&'static str, String, &'static str);

/// Beyond what our types can hold.
fn named() -> Vec<Named> {
    let volume =
        |source: &str| format!(r#"{{"podSpec":{{"extraVolumes":[{{"name":"v",{source}}}]}}}}"#);
    let claim = |created: &str| {
        let metadata = format!(r#"{{"creationTimestamp":"{created}"}}"#);
        volume(&format!(
            r#""ephemeral":{{"volumeClaimTemplate":{{"metadata":{metadata},"spec":{{}}}}}}"#
        ))
    };
    let hook = |port: &str| {
        format!(r#"{{"podSpec":{{"lifecycle":{{"preStop":{{"tcpSocket":{{"port":{port}}}}}}}}}}}"#)
    };
    let weight = r#"{"podSpec":{"scheduling":{"affinity":{"nodeAffinity":{"preferredDuringSchedulingIgnoredDuringExecution":[{"weight":99999999999,"preference":{}}]}}}}}"#;
    let user = r#"{"podSpec":{"securityContext":{"runAsUser":9223372036854775807}}}"#;
    let config = |config: String| format!(r#"{{"config":{config}}}"#);
    let plugin = |options: String| format!(r#"{{"plugins":[{{"name":"p","options":{options}}}]}}"#);
    vec![
        ("tasks", r#"{"maxConcurrentTasks":3000000000}"#.into(), "spec.maxConcurrentTasks"),
        ("fraction", r#"{"maxConcurrentTasks":5.5}"#.into(), "spec.maxConcurrentTasks"),
        ("mode", volume(r#""secret":{"defaultMode":3000000000}"#), "secret.defaultMode"),
        ("lun", volume(r#""iscsi":{"targetPortal":"a","iqn":"b","lun":-3000000000}"#), "iscsi.lun"),
        (
            "partition",
            volume(r#""gcePersistentDisk":{"pdName":"a","partition":1e10}"#),
            "gcePersistentDisk.partition",
        ),
        ("weight", weight.into(), "weight"),
        ("user", user.into(), "securityContext.runAsUser"),
        ("port", hook("70000"), "tcpSocket.port"),
        ("long-port", hook("99999999999"), "tcpSocket.port"),
        ("far-time", claim("9999-12-31T23:59:59Z"), "metadata.creationTimestamp"),
        ("odd-time", claim("2026-11-21T12:00:00+99:99"), "metadata.creationTimestamp"),
        ("expiry", r#"{"share":{"enabled":true,"expiresAt":"soon"}}"#.into(), "share.expiresAt"),
        ("deep", config(nested(130)), "spec.config"),
        ("deepest", config(nested(9_900)), "spec.config"),
        ("deepest-lists", config(format!(r#"{{"a":{}}}"#, lists(9_900))), "spec.config"),
        ("deep-branches", config(branches(5, 9_900)), "spec.config"),
        ("wide", config(wide(100, 50_000)), "spec.config"),
        ("deep-options", plugin(nested(9_900)), "spec.plugins"),
    ]
}

/// Of another type, or more of it than there may be.
fn mistyped() -> Vec<Named> {
    let many = |entry: &str, times: usize| vec![entry; times].join(",");
    let labels = (0..10_000).map(|index| format!(r#""l{index}":"""#)).collect::<Vec<_>>().join(",");
    let env = many(r#"{"name":"A","value":"b"}"#, 20_000);
    let text = "x".repeat(900_000);
    vec![
        ("float-port", r#"{"port":4096.5}"#.into(), "spec.port"),
        ("text-port", r#"{"port":"http"}"#.into(), "spec.port"),
        ("zero-port", r#"{"port":0}"#.into(), "spec.port"),
        ("object-for-list", r#"{"contexts":{}}"#.into(), "spec.contexts"),
        ("list-for-object", r#"{"config":[]}"#.into(), "spec.config"),
        ("text-for-object", r#"{"podSpec":"x"}"#.into(), "spec.podSpec"),
        ("text-for-bool", r#"{"suspend":"yes"}"#.into(), "spec.suspend"),
        ("null-in-list", r#"{"credentials":[null]}"#.into(), "spec.credentials"),
        ("lists-in-lists", r#"{"contexts":[[[]]]}"#.into(), "spec.contexts[0]"),
        (
            "many-contexts",
            format!(r#"{{"contexts":[{}]}}"#, many(r#"{"type":"Runtime"}"#, 10_000)),
            "spec.contexts",
        ),
        ("many-variables", format!(r#"{{"podSpec":{{"extraEnv":[{env}]}}}}"#), "extraEnv"),
        (
            "many-pod-labels",
            format!(r#"{{"podSpec":{{"labels":{{{labels}}}}}}}"#),
            "podSpec.labels",
        ),
        (
            "long-text",
            format!(r#"{{"contexts":[{{"type":"Text","text":"{text}"}}]}}"#),
            "contexts[0].text",
        ),
        (
            "long-idleness",
            r#"{"standby":{"idleTimeout":"999999999h"}}"#.into(),
            "standby.idleTimeout",
        ),
        (
            "same-ports",
            r#"{"extraPorts":[{"name":"a","port":80},{"name":"a","port":81}]}"#.into(),
            "extraPorts",
        ),
        ("own-template", r#"{"templateRef":{"name":"own-template"}}"#.into(), "spec.templateRef"),
        (
            "our-volume",
            r#"{"podSpec":{"extraVolumes":[{"name":"tools","emptyDir":{}}]}}"#.into(),
            "extraVolumes[0].name",
        ),
    ]
}

/// Quantities that the API server would compute for ever, at each kind of field that has one.
fn endless() -> Vec<Named> {
    let pod = |fields: &str| format!(r#"{{"podSpec":{{{fields}}}}}"#);
    let volume = |source: &str| pod(&format!(r#""extraVolumes":[{{"name":"v",{source}}}]"#));
    let env = |divisor: &str| {
        format!(
            r#""extraEnv":[{{"name":"A","valueFrom":{{"resourceFieldRef":{{"resource":"limits.cpu","divisor":{divisor}}}}}}}]"#
        )
    };
    let claim = r#""ephemeral":{"volumeClaimTemplate":{"spec":{"accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1e999999999"}}}}}"#;
    let items = r#"[{"path":"a","resourceFieldRef":{"containerName":"agent","resource":"limits.cpu","divisor":"1e-999999999"}}]"#;
    let digits = "9".repeat(900_000);
    vec![
        (
            "huge-size",
            r#"{"persistence":{"workspace":{"size":"1e999999999"}}}"#.into(),
            "workspace.size",
        ),
        (
            "tiny-size",
            r#"{"persistence":{"sessions":{"size":"1e-999999999"}}}"#.into(),
            "sessions.size",
        ),
        ("huge-limit", pod(r#""resources":{"limits":{"cpu":"1e999999999"}}"#), "limits.cpu"),
        (
            "huge-request",
            pod(r#""resources":{"requests":{"memory":"-1E+999999999"}}"#),
            "requests.memory",
        ),
        (
            "long-limit",
            pod(&format!(r#""resources":{{"limits":{{"memory":"{digits}"}}}}"#)),
            "limits.memory",
        ),
        (
            "huge-number-limit",
            pod(r#""resources":{"limits":{"cpu":9223372036854775807}}"#),
            "limits.cpu",
        ),
        ("huge-scratch", volume(r#""emptyDir":{"sizeLimit":"1e999999999"}"#), "emptyDir.sizeLimit"),
        ("huge-claim", volume(claim), "resources.requests.storage"),
        (
            "tiny-item",
            volume(&format!(r#""downwardAPI":{{"items":{items}}}"#)),
            "resourceFieldRef.divisor",
        ),
        (
            "tiny-projection",
            volume(&format!(
                r#""projected":{{"sources":[{{"downwardAPI":{{"items":{items}}}}}]}}"#
            )),
            "resourceFieldRef.divisor",
        ),
        ("huge-divisor", pod(&env(r#""0.1e9223372036854775807""#)), "resourceFieldRef.divisor"),
        (
            "huge-divisor-of-git",
            pod(&format!(r#""systemContainers":{{"gitSync":{{{}}}}}"#, env(r#""1e999999999""#))),
            "resourceFieldRef.divisor",
        ),
    ]
}

/// Fields of specs that may be sound, or what only Kubernetes refuses once there is a Deployment.
fn contained() -> Vec<(&'static str, String)> {
    let text = "\u{10ffff}".repeat(100_000);
    let text = |path: &str| format!(r#"{{"type":"Text","mountPath":"{path}","text":"{text}"}}"#);
    let keys = (0..20_000).map(|index| format!(r#""k{index}":0"#)).collect::<Vec<_>>().join(",");
    let unknown = (0..10_000).map(|index| format!(r#""x{index}":0"#)).collect::<Vec<_>>().join(",");
    let pod = |fields: &str| format!(r#""podSpec":{{{fields}}}"#);
    vec![
        ("near-the-limit", format!(r#""contexts":[{},{}]"#, text("a"), text("b"))),
        ("many-keys", format!(r#""config":{{{keys}}}"#)),
        ("unknown-fields", unknown),
        (
            "nulls",
            r#""port":null,"contexts":null,"podSpec":null,"share":null,"config":null"#.into(),
        ),
        ("same-key-twice", r#""port":1,"port":2"#.into()),
        ("half-a-character", r#""profile":"\ud800","config":{"\udfff":"\u0000"}"#.into()),
        ("huge-number", r#""config":{"a":1e400}"#.into()),
        ("long-number", format!(r#""config":{{"a":{}}}"#, "9".repeat(100_000))),
        (
            "largest-memory",
            pod(r#""resources":{"limits":{"memory":"99999999999999999999999999999e99"}}"#),
        ),
        ("negative-memory", pod(r#""resources":{"limits":{"memory":"-1"}}"#)),
        ("odd-variable", pod(r#""extraEnv":[{"name":"A=B","value":"c"}]"#)),
        ("odd-volume", pod(r#""extraVolumes":[{"name":"../x","emptyDir":{}}]"#)),
        ("odd-label", pod(r#""labels":{"a b":"c d"}"#)),
        ("odd-image", r#""agentImage":"$(touch ran)\n","executorImage":"::::""#.into()),
    ]
}

/// Fields of the metadata.
fn metadata() -> Vec<(&'static str, String)> {
    let labels = (0..10_000).map(|index| format!(r#""l{index}":"""#)).collect::<Vec<_>>().join(",");
    let owner = |kind: &str, name: &str| {
        format!(
            r#""ownerReferences":[{{"apiVersion":"kubeopencode.io/v1alpha1","kind":"{kind}","name":"{name}","uid":"00000000-0000-0000-0000-000000000000","controller":true,"blockOwnerDeletion":true}}]"#
        )
    };
    let annotation = |length: usize| format!(r#""annotations":{{"a":"{}"}}"#, "x".repeat(length));
    let fields = nested(5_000);
    vec![
        (HELD, r#""finalizers":["example.com/never"]"#.into()),
        ("deleted-at-birth", r#""deletionTimestamp":"2020-01-01T00:00:00Z","deletionGracePeriodSeconds":0"#.into()),
        ("born-late", r#""creationTimestamp":"9998-12-31T23:59:59Z","generation":9223372036854775807"#.into()),
        ("owned-by-another", owner("Agent", "before")),
        ("owned-by-itself", owner("Agent", "owned-by-itself")),
        ("many-labels", format!(r#""labels":{{{labels}}}"#)),
        ("our-labels", r#""labels":{"kubeopencode.io/agent":"before","app.kubernetes.io/managed-by":"kubeopencode"}"#.into()),
        ("long-annotation", annotation(250_000)),
        ("longer-annotation", annotation(300_000)),
        ("forged-managers", format!(r#""managedFields":[{{"manager":"kubeopencode-controller","operation":"Apply","apiVersion":"kubeopencode.io/v1alpha1","fieldsType":"FieldsV1","fieldsV1":{fields}}}]"#)),
    ]
}

fn nested(depth: usize) -> String {
    format!("{}{{}}{}", r#"{"a":"#.repeat(depth - 1), "}".repeat(depth - 1))
}

fn lists(depth: usize) -> String {
    format!("{}{}", "[".repeat(depth), "]".repeat(depth))
}

/// Each costs an API server that keeps the managers of every field seconds.
fn branches(times: usize, depth: usize) -> String {
    let branches: Vec<_> =
        (0..times).map(|index| format!(r#""b{index}":{}"#, nested(depth))).collect();
    format!("{{{}}}", branches.join(","))
}

/// As a file it would be a hundred times as long.
fn wide(depth: usize, zeros: usize) -> String {
    let list = format!("[{}0]", "0,".repeat(zeros));
    format!("{}{list}{}", r#"{"a":"#.repeat(depth), "}".repeat(depth))
}
