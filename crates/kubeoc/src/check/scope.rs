//! Whether all programs of an installation watch the same namespaces. Pure.

use api_types::Namespaces;

use super::{facts::Facts, finding::Finding};
use crate::{cluster::Seen, installation::watched_by};

const SUBJECT: &str = "watched namespaces";

pub(super) fn judge(facts: &Facts) -> Option<Finding> {
    let mut told = vec![];
    for workload in &facts.workloads {
        let Seen::Known(Some(deployment)) = &workload.deployment else { continue };
        let title = workload.component.title;
        match watched_by(deployment) {
            Ok(namespaces) => told.push((title, namespaces)),
            Err(error) => return Some(failed(format!("{title}: {error}"))),
        }
    }
    let (first, namespaces) = told.first()?;
    match told.iter().find(|(_, other)| other != namespaces) {
        None => Some(Finding::ok(SUBJECT, words(namespaces))),
        Some((other, others)) => {
            let (ours, theirs) = (words(namespaces), words(others));
            Some(failed(format!("{first}: {ours}; {other}: {theirs}")))
        }
    }
}

fn failed(message: String) -> Finding {
    let fix = "set watchNamespaces of the chart, which tells all programs alike, or WATCH_NAMESPACES of each Deployment";
    Finding::failed(SUBJECT, message, fix)
}

fn words(namespaces: &Namespaces) -> String {
    match namespaces {
        Namespaces::All => "all".to_owned(),
        Namespaces::Only(names) => names.iter().map(String::as_str).collect::<Vec<_>>().join(", "),
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::EnvVar;

    use super::*;
    use crate::check::{finding::Level, workloads};

    fn judged(values: [&str; 3]) -> Finding {
        let mut well = workloads::well();
        for (workload, value) in well.iter_mut().zip(values) {
            let Seen::Known(Some(deployment)) = &mut workload.deployment else { panic!() };
            let pod = deployment.spec.as_mut().unwrap().template.spec.as_mut().unwrap();
            let (name, value) = ("WATCH_NAMESPACES".to_owned(), Some(value.to_owned()));
            pod.containers[0].env = Some(vec![EnvVar { name, value, value_from: None }]);
        }
        judge(&workloads::facts(well)).unwrap()
    }

    #[test]
    fn programs_that_watch_other_namespaces_are_told_of() {
        let cases = [
            (["", "", ""], Level::Ok, "all"),
            (["b,a", "a,b", "a, b"], Level::Ok, "a, b"),
            (["a,b", "a,b", "a"], Level::Failed, "Controller: a, b; Terminal broker: a"),
            (["a", "", "a"], Level::Failed, "Controller: a; Gateway: all"),
            (["a", "A_B", "a"], Level::Failed, "Gateway: \"A_B\" is no name of a namespace"),
        ];
        for (values, level, says) in cases {
            let finding = judged(values);
            assert_eq!(finding.level, level, "{finding:?}");
            assert!(finding.message.starts_with(says), "{finding:?}");
        }
    }
}
