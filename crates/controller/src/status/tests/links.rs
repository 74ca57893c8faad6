use api_types::{ShareLink, ShareLinkStatus};

use super::*;

/// The agent with the default link and these.
fn given_links(links: Vec<ShareLink>) -> Given {
    let names: Vec<_> = links.iter().map(|link| link.name.as_str()).collect();
    let share = tokens(&names);
    let spec = ShareSpec { enabled: true, links, ..ShareSpec::default() };
    Given {
        agent: agent(AgentSpec { share: Some(spec), ..AgentSpec::default() }),
        share,
        ..given()
    }
}

fn link(name: &str) -> ShareLink {
    ShareLink { name: name.to_owned(), ..ShareLink::default() }
}

/// Name, whether it is active, and whether its digests are published.
fn states(status: &AgentStatus) -> Vec<(String, bool, bool)> {
    let state = |link: &ShareLinkStatus| {
        (link.name.clone(), link.active, link.token_lookup.is_some() && link.token_proof.is_some())
    };
    status.share.as_ref().unwrap().links.iter().map(state).collect()
}

fn share_ready(status: &AgentStatus) -> Condition {
    status.conditions.iter().find(|one| one.type_ == "ShareReady").unwrap().clone()
}

#[test]
fn each_link_has_a_state_and_the_condition_names_those_that_cannot_be_used() {
    let given = given_links(vec![
        link("qa"),
        ShareLink { expires_at: Some(NOON), ..link("over") },
        ShareLink { allowed_ips: vec!["office".into()], ..link("where") },
        ShareLink { expires_at: Some(NOON + 1.seconds()), ..link("later") },
    ]);
    let status = of(&given);
    let expected = [("qa", true, true), ("over", false, true), ("where", false, false)];
    let expected = expected.into_iter().chain([("later", true, true)]);
    let expected: Vec<_> = expected.map(|(name, a, b)| (name.to_owned(), a, b)).collect();
    assert_eq!(states(&status), expected);

    let condition = share_ready(&status);
    assert_eq!((condition.status.as_str(), condition.reason.as_str()), ("True", "Active"));
    assert_eq!(
        condition.message,
        "Share link is active; link \"over\" has expired; link \"where\" cannot be used: \
         spec.share.links[2].allowedIPs: \"office\" is neither an IP address nor a network in CIDR \
         notation, such as 203.0.113.0/24"
    );
    let digests = status.share.unwrap();
    assert_eq!(digests.token_lookup, Some(token().lookup().to_string()));
    assert_eq!(
        digests.links[0].token_proof,
        Some(ShareToken::from_bytes(&[2; 32]).proof("uid-1").to_string())
    );
}

#[test]
fn a_link_without_a_name_of_its_own_has_no_state_and_is_named() {
    let status = of(&Given { share: tokens(&["qa"]), ..given_links(vec![link("qa")]) });
    assert_eq!(states(&status).len(), 1);
    let mut given = given_links(vec![link("qa")]);
    given.agent.spec.share.as_mut().unwrap().links.push(link("QA"));
    let status = of(&given);
    assert_eq!(states(&status).len(), 1);
    let message = share_ready(&status).message;
    assert!(
        message.contains("link \"QA\" cannot be used: spec.share.links[1].name: "),
        "{message}"
    );
}

#[test]
fn a_list_that_nobody_judged_makes_no_long_sentence() {
    let mut given = given_links(vec![]);
    let share = given.agent.spec.share.as_mut().unwrap();
    share.links = (0..10_000).map(|_| link(&"ä".repeat(1000))).collect();
    let message = share_ready(&of(&given)).message;
    assert!(message.chars().count() <= LONGEST_SENTENCE + 1, "{}", message.len());
}

#[test]
fn no_link_is_active_while_the_agent_is_not_ready() {
    let starting = Some(deployment(json!({})));
    let status = of(&Given { deployment: starting, ..given_links(vec![link("qa")]) });
    assert_eq!(states(&status), [("qa".to_owned(), false, true)]);
}

#[test]
fn where_the_secret_cannot_be_read_what_was_published_stays_but_of_links_that_are_gone() {
    let before = of(&given_links(vec![link("qa"), link("ci")]));
    let mut given = given_links(vec![link("ci"), link("new")]);
    given.agent.status = Some(before.clone());
    given.share = Share::Unknown;
    let status = of(&given);
    assert_eq!(states(&status), [("ci".to_owned(), true, true)]);
    assert_eq!(status.share.unwrap().links[0], before.share.unwrap().links[1]);
}
