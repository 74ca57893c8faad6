//! Whether the user, and the installation's own ServiceAccounts, may do what they have to. Pure.

use super::{
    facts::Facts,
    finding::{Finding, known},
};
use crate::installation::COMPONENTS;

pub(super) fn judge(facts: &Facts) -> Vec<Finding> {
    let mut findings = vec![own(facts)];
    findings.extend(COMPONENTS.iter().filter_map(|component| account(facts, component.name)));
    findings
}

fn own(facts: &Facts) -> Finding {
    let subject = "your own rights";
    let mut lacks = vec![];
    for (right, allowed) in &facts.own_rights {
        match known(allowed, subject) {
            Ok(true) => {}
            Ok(false) => lacks.push(right.text()),
            Err(finding) => return finding,
        }
    }
    if lacks.is_empty() {
        return Finding::ok(subject, "every command of kubeoc agent may be used");
    }
    let fix =
        "ask for the role edit in the namespaces of your agents, or ignore it if you have it there";
    Finding::warning(subject, format!("you may not {}", lacks.join("; ")), fix)
}

fn account(facts: &Facts, component: &str) -> Option<Finding> {
    let mut name = None;
    let mut lacks = vec![];
    for (of, account, right, allowed) in &facts.account_rights {
        if of.name != component {
            continue;
        }
        let subject = format!("rights of ServiceAccount {account}");
        match known(allowed, &subject) {
            Ok(true) => {}
            Ok(false) => lacks.push(right.text()),
            Err(finding) => return Some(finding),
        }
        name = Some(subject);
    }
    let subject = name?;
    if lacks.is_empty() {
        return Some(Finding::ok(&subject, "all that its roles grant"));
    }
    let fix = "install its roles anew (helm upgrade, or kubectl apply --server-side -k manifests); a \
               namespace that is gone must leave watchNamespaces";
    Some(Finding::failed(&subject, format!("it may not {}", lacks.join("; ")), fix))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        check::{facts::Right, finding::Level, workloads::facts},
        cluster::Seen,
    };

    fn right() -> Right {
        Right { verb: "list".into(), resource: "pods".into(), ..Right::default() }
    }

    #[test]
    fn a_right_that_is_missing_is_named() {
        for (allowed, level) in [
            (Seen::Known(true), Level::Ok),
            (Seen::Known(false), Level::Failed),
            (Seen::Unknown("create x".into()), Level::Unknown),
        ] {
            let rights = vec![(COMPONENTS[2], "broker".to_owned(), right(), allowed)];
            let finding =
                account(&Facts { account_rights: rights, ..facts(vec![]) }, COMPONENTS[2].name);
            let finding = finding.unwrap();
            assert_eq!(
                (finding.level, &*finding.subject),
                (level, "rights of ServiceAccount broker")
            );
            let named = finding.message == "it may not list pods in all namespaces";
            assert_eq!(named, level == Level::Failed, "{finding:?}");
        }
    }

    #[test]
    fn what_the_user_may_not_do_is_a_warning() {
        let rights = vec![(right(), Seen::Known(true)), (right(), Seen::Known(false))];
        let finding = own(&Facts { own_rights: rights, ..facts(vec![]) });
        assert_eq!(finding.level, Level::Warning);
        assert_eq!(finding.message, "you may not list pods in all namespaces");
    }
}
