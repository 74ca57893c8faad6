//! What a person can do about the state of an agent. Pure.

use api_types::condition::{READY, reason};

use crate::state::{ASLEEP, PENDING, STARTING, State, TERMINATING, UNREADABLE};

/// Whose state it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) name: &'a str,
    pub(crate) namespace: &'a str,
    pub(crate) template: Option<&'a str>,
}

/// One sentence; nothing where there is nothing to do.
pub(crate) fn advice(state: &State, subject: Subject<'_>) -> Option<String> {
    let Subject { name, namespace, template } = subject;
    let agent = format!("{name} -n {namespace}");
    let sentence = match state.word.as_str() {
        READY | TERMINATING => return None,
        PENDING => "Check that the controller runs: kubectl get deployment \
                    kubeopencode-controller -n kubeopencode-system"
            .to_owned(),
        STARTING => format!("Wait; to see what it prints meanwhile: kubeoc agent logs {agent}"),
        reason::INVALID_SPEC | UNREADABLE => {
            format!(
                "Correct or remove the field that the message names: kubectl edit agent {agent}"
            )
        }
        reason::TEMPLATE_NOT_FOUND => format!(
            "Create the AgentTemplate {:?}, or name another in spec.templateRef; to see which \
             there are: kubeoc get templates -n {namespace}",
            template.unwrap_or_default()
        ),
        reason::REFERENCE_NOT_FOUND => format!(
            "Create in namespace {namespace} what the message names; the agent then starts by \
             itself"
        ),
        reason::SECRET_NOT_ALLOWED => format!(
            "Label the Secrets that the message names, or have them labelled, and the agent starts \
             by itself: kubectl label secret -n {namespace} NAME kubeopencode.io/for-agents=true; \
             or remove them: kubectl edit agent {agent}"
        ),
        reason::NAME_CONFLICT => {
            "Delete or rename the object that the message names, or create the agent under \
             another name"
                .to_owned()
        }
        reason::IMAGE_PULL_FAILED => format!(
            "Correct the name of the image, or give credentials for its registry in \
             spec.imagePullSecrets: kubectl edit agent {agent}"
        ),
        reason::CRASH_LOOP => format!(
            "See what it printed before it ended: kubeoc agent logs {agent}{} --previous",
            container(&state.message)
        ),
        reason::UNSCHEDULABLE => format!(
            "Ask for less in spec.podSpec.resources, change spec.podSpec.scheduling, or add a \
             node that fits: kubectl edit agent {agent}"
        ),
        reason::INIT_FAILED => format!(
            "See what it printed: kubeoc agent logs {agent}{}; once the cause is mended, it is \
             tried again by itself",
            container(&state.message)
        ),
        reason::REJECTED => format!(
            "Change what the message objects to, or have the quota or policy changed; it is tried \
             again by itself: kubectl edit agent {agent}"
        ),
        reason::SUSPENDED => format!("Start it with: kubeoc agent resume {agent}"),
        ASLEEP => format!(
            "It sleeps because nobody was connected; to wake it: kubeoc agent resume {agent}"
        ),
        _ => format!("See what is known of it: kubectl describe agent {agent}"),
    };
    Some(sentence)
}

/// The flag for the container that a message begins with.
fn container(message: &str) -> String {
    let name = message.strip_prefix("container ").unwrap_or_default();
    let end = name.find([' ', ':']).unwrap_or(name.len());
    match &name[..end] {
        "" => String::new(),
        name => format!(" -c {name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEMO: Subject<'static> =
        Subject { name: "demo", namespace: "team-a", template: Some("base") };

    fn of(word: &str, message: &str) -> Option<String> {
        advice(&State { word: word.into(), message: message.into() }, DEMO)
    }

    #[test]
    fn every_reason_has_a_way_out_of_its_own() {
        let reasons = [
            (reason::INVALID_SPEC, "kubectl edit agent demo -n team-a"),
            (reason::TEMPLATE_NOT_FOUND, "AgentTemplate \"base\""),
            (reason::REFERENCE_NOT_FOUND, "Create in namespace team-a"),
            (reason::SECRET_NOT_ALLOWED, "kubectl label secret -n team-a NAME "),
            (reason::NAME_CONFLICT, "another name"),
            (reason::IMAGE_PULL_FAILED, "spec.imagePullSecrets"),
            (reason::CRASH_LOOP, "kubeoc agent logs demo -n team-a --previous"),
            (reason::UNSCHEDULABLE, "spec.podSpec.resources"),
            (reason::INIT_FAILED, "kubeoc agent logs demo -n team-a;"),
            (reason::REJECTED, "quota or policy"),
            (reason::SUSPENDED, "Start it with: kubeoc agent resume demo -n team-a"),
            (ASLEEP, "to wake it: kubeoc agent resume demo -n team-a"),
            (PENDING, "kubectl get deployment kubeopencode-controller"),
            (STARTING, "kubeoc agent logs demo -n team-a"),
            (UNREADABLE, "kubectl edit agent demo"),
            ("OfAnotherVersion", "kubectl describe agent demo -n team-a"),
        ];
        for (word, expected) in reasons {
            let sentence = of(word, "").unwrap();
            assert!(sentence.contains(expected), "{word}: {sentence}");
        }
    }

    #[test]
    fn there_is_nothing_to_do_about_an_agent_that_runs_or_goes() {
        assert_eq!((of(READY, ""), of(TERMINATING, "")), (None, None));
    }

    #[test]
    fn the_container_that_failed_is_the_one_to_look_at() {
        let messages = [
            ("container git-init-0 failed (exit code 1): no route", " -c git-init-0"),
            ("container plugin-init: not found", " -c plugin-init"),
            ("the pod was evicted", ""),
        ];
        for (message, flag) in messages {
            assert_eq!(container(message), flag);
        }
    }
}
