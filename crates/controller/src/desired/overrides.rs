//! Variables that override each other: server-side apply takes each name once, while in a pod the last one counts
//! and may refer to the ones before it, as in `PATH=/opt/bin:$(PATH)`. Pure.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::EnvVar;

/// The longest value that is made of others, in bytes: one that doubled with each variable would have no end.
const LONGEST_VALUE: usize = 32 << 10;

/// The last variable of each name, in their order. Whoever refers to one that is dropped gets its value, where that is
/// a literal one: of what a Secret holds nothing is known here.
pub(super) fn last_of_each(mut variables: Vec<EnvVar>) -> Vec<EnvVar> {
    let names = variables.iter().map(|variable| variable.name.clone()).enumerate();
    let last: BTreeMap<String, usize> = names.map(|(index, name)| (name, index)).collect();
    let is_last = |index: usize, name: &str| last.get(name) == Some(&index);
    let mut dropped: BTreeMap<String, Option<String>> = BTreeMap::new();
    for (index, variable) in variables.iter_mut().enumerate() {
        let value_of = |name: &str| dropped.get(name)?.as_deref();
        if let Some(value) = variable.value.as_deref().and_then(|text| expanded(text, value_of)) {
            variable.value = Some(value);
        }
        if is_last(index, &variable.name) {
            dropped.remove(&variable.name);
        } else {
            let is_literal = variable.value_from.is_none();
            let value = is_literal.then(|| variable.value.clone().unwrap_or_default());
            dropped.insert(variable.name.clone(), value);
        }
    }
    let kept = variables.into_iter().enumerate();
    kept.filter_map(|(index, one)| is_last(index, &one.name).then_some(one)).collect()
}

/// `text` with each `$(NAME)` replaced that has a value, by the grammar of Kubernetes: `$$` is a dollar that begins
/// nothing, and a name ends at the first parenthesis. None where the outcome would be too long.
fn expanded<'a>(text: &str, value_of: impl Fn(&str) -> Option<&'a str>) -> Option<String> {
    let mut whole = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let (plain, reference) = rest.split_at(at);
        let name = reference.strip_prefix("$(").and_then(|name| name.split_once(')'));
        let (value, length) = match name {
            Some((name, _)) => (value_of(name), "$()".len() + name.len()),
            None => (None, if reference.starts_with("$$") { 2 } else { 1 }),
        };
        let (written, after) = reference.split_at(length);
        whole.push_str(plain);
        whole.push_str(value.unwrap_or(written));
        if value.is_some() && whole.len() > LONGEST_VALUE {
            return None;
        }
        rest = after;
    }
    whole.push_str(rest);
    Some(whole)
}

#[cfg(test)]
mod tests {
    use std::slice;

    use k8s_openapi::api::core::v1::EnvVarSource;

    use super::*;

    type Variables<'a> = &'a [(&'a str, &'a str)];

    fn variable((name, value): (&str, &str)) -> EnvVar {
        EnvVar { name: name.into(), value: Some(value.into()), value_from: None }
    }

    fn once(variables: Variables<'_>) -> Vec<(String, String)> {
        let all = last_of_each(variables.iter().copied().map(variable).collect());
        all.into_iter().map(|one| (one.name, one.value.unwrap())).collect()
    }

    #[test]
    fn a_reference_to_what_is_dropped_becomes_its_value() {
        let cases: &[(Variables<'_>, Variables<'_>)] = &[
            (&[("A", "1"), ("B", "$(A)")], &[("A", "1"), ("B", "$(A)")]),
            (&[("A", "1"), ("A", "0:$(A)")], &[("A", "0:1")]),
            (&[("A", "1"), ("A", "$(A)$(A)"), ("A", "0$(A)")], &[("A", "011")]),
            // Also of another's, which comes before the one that counts.
            (&[("A", "1"), ("B", "$(A)"), ("A", "2")], &[("B", "1"), ("A", "2")]),
            (&[("A", "1"), ("A", "2"), ("B", "$(A)")], &[("A", "2"), ("B", "$(A)")]),
            // What is dropped may refer to others itself, and what it escapes stays escaped.
            (&[("U", "u"), ("A", "$(U)$$(B)"), ("A", "$(A)")], &[("U", "u"), ("A", "$(U)$$(B)")]),
            (&[("A", "1"), ("A", "$$(A)$$$(A)$")], &[("A", "$$(A)$$1$")]),
            (&[("A", "1"), ("A", "$(B)$(A$(A)$A")], &[("A", "$(B)$(A$(A)$A")]),
            (&[("A", "1"), ("A", "$(A")], &[("A", "$(A")]),
            (&[("A", ""), ("A", "ä$(A)ö")], &[("A", "äö")]),
        ];
        for (written, expected) in cases {
            let expected: Vec<_> =
                expected.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
            assert_eq!(once(written), expected, "{written:?}");
        }
    }

    #[test]
    fn what_a_secret_holds_is_not_known() {
        let secret =
            EnvVar { name: "A".into(), value: None, value_from: Some(EnvVarSource::default()) };
        let own = variable(("A", "x$(A)"));
        assert_eq!(last_of_each(vec![secret.clone(), own.clone()]), slice::from_ref(&own));
        assert_eq!(last_of_each(vec![variable(("A", "1")), secret.clone(), own.clone()]), [own]);
        assert_eq!(last_of_each(vec![variable(("A", "1")), secret.clone()]), [secret]);
    }

    #[test]
    fn a_value_that_doubles_with_each_variable_ends() {
        let doubling = vec![("A", "0123456789$(A)$(A)"); 256];
        assert!(once(&doubling)[0].1.len() <= LONGEST_VALUE + 10);
    }
}
