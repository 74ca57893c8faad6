use k8s_openapi::ByteString;
use time::macros::datetime;

use super::*;

fn demo() -> Link {
    let token = ShareToken::from_bytes(&[1; 32]);
    Link {
        agent: "team-agent".into(),
        namespace: "default".into(),
        name: None,
        access: Access::Interact,
        active: true,
        token: token.expose().into(),
        path: names::share_path(&token),
        url: None,
        expires_at: None,
        allowed_ips: vec![],
        reason: Some("Active".into()),
        message: None,
    }
}

fn limited() -> Link {
    Link {
        url: Some("https://agents.example.com/s/token".into()),
        expires_at: Some(datetime!(2026-05-01 00:00 UTC)),
        allowed_ips: vec!["10.0.0.0/8".into(), "192.168.1.0/24".into()],
        ..demo()
    }
}

#[test]
fn the_four_lines_that_people_know() {
    insta::assert_snapshot!(text(&demo()), @r"
    Agent:   default/team-agent
    Active:  true
    Token:   AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE
    Path:    /s/AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE
    ");
}

#[test]
fn what_else_there_is_to_say_follows() {
    insta::assert_snapshot!(text(&limited()), @r"
    Agent:   default/team-agent
    Active:  true
    Token:   AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE
    Path:    /s/AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE
    URL:     https://agents.example.com/s/token
    Expires: 2026-05-01T00:00:00Z
    Allowed: 10.0.0.0/8, 192.168.1.0/24
    ");
}

#[test]
fn a_dead_link_says_why() {
    let link = Link {
        active: false,
        message: Some("waiting for the agent to be ready: pulling\u{1b}[2J".into()),
        ..demo()
    };
    insta::assert_snapshot!(text(&link), @r"
    Agent:   default/team-agent
    Active:  false
    Token:   AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE
    Path:    /s/AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE
    Message: waiting for the agent to be ready: pulling�[2J
    ");
}

#[test]
fn scripts_always_find_every_field() {
    insta::assert_snapshot!(object(&demo(), Format::Json).unwrap(), @r#"
    {
      "agent": "team-agent",
      "namespace": "default",
      "link": null,
      "access": "Interact",
      "active": true,
      "token": "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE",
      "path": "/s/AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE",
      "url": null,
      "expiresAt": null,
      "allowedIPs": [],
      "reason": "Active",
      "message": null
    }
    "#);
    insta::assert_snapshot!(object(&limited(), Format::Yaml).unwrap(), @r"
    agent: team-agent
    namespace: default
    link: null
    access: Interact
    active: true
    token: AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE
    path: /s/AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE
    url: https://agents.example.com/s/token
    expiresAt: 2026-05-01T00:00:00Z
    allowedIPs:
    - 10.0.0.0/8
    - 192.168.1.0/24
    reason: Active
    message: null
    ");
}

/// The Secret of `token`, with this URL.
fn secret(token: &ShareToken, url: &str) -> Secret {
    let entry = |key: &str, value: &str| (key.to_owned(), ByteString(value.as_bytes().to_vec()));
    let data = [entry("token", token.expose()), entry("url", url)];
    Secret { data: Some(data.into()), ..Secret::default() }
}

#[test]
fn the_users_address_of_the_server_wins_over_the_controllers() {
    let token = ShareToken::from_bytes(&[1; 32]);
    let url = format!("https://own.example.com/s/{}", token.expose());
    let of = |server_url| {
        Link::of(&Agent::default(), &secret(&token, &url), None, &token, server_url).url
    };
    assert_eq!(of(None), Some(url.clone()));
    let said = of(Some("https://agents.example.com"));
    assert_eq!(said, Some(format!("https://agents.example.com/s/{}", token.expose())));
}

#[test]
fn a_url_that_is_not_of_this_token_is_not_printed() {
    let token = ShareToken::from_bytes(&[1; 32]);
    let path = names::share_path(&token);
    let other = names::share_path(&ShareToken::from_bytes(&[2; 32]));
    let cases = [
        format!("https://own.example.com{other}"),
        format!("javascript://own.example.com{path}"),
        format!("https://own.example.com/\u{1b}[2J{path}"),
        String::new(),
    ];
    for url in cases {
        assert_eq!(url_of(&secret(&token, &url), None, &path), None, "{url:?}");
    }
}

#[test]
fn a_qr_code_has_a_quiet_zone_of_light() {
    let code = qr("https://agents.example.com/s/token").unwrap();
    let lines: Vec<&str> = code.lines().collect();
    assert!(lines[0].chars().all(|block| block == '█'), "light is drawn: {}", lines[0]);
    let (_half, whole) = lines.split_last().unwrap();
    assert!(whole.iter().all(|line| line.starts_with("████") && line.ends_with("████")), "{code}");
}
