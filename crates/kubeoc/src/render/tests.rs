use time::macros::datetime;

use super::*;

fn demo() -> Link {
    let token = ShareToken::from_bytes(&[1; 32]);
    Link {
        agent: "team-agent".into(),
        namespace: "default".into(),
        active: true,
        token: token.expose().into(),
        path: names::share_path(&token),
        url: None,
        expires_at: None,
        allowed_ips: vec![],
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
    insta::assert_snapshot!(text(&demo(), None), @r"
    Agent:   default/team-agent
    Active:  true
    Token:   AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE
    Path:    /s/AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE
    ");
}

#[test]
fn what_else_there_is_to_say_follows() {
    insta::assert_snapshot!(text(&limited(), None), @r"
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
    let link = Link { active: false, ..demo() };
    assert!(text(&link, Some("it has expired")).contains("Active:  false (it has expired)\n"));
}

#[test]
fn scripts_always_find_every_field() {
    insta::assert_snapshot!(object(&demo(), Format::Json).unwrap(), @r#"
    {
      "agent": "team-agent",
      "namespace": "default",
      "active": true,
      "token": "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE",
      "path": "/s/AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE",
      "url": null,
      "expiresAt": null,
      "allowedIPs": []
    }
    "#);
    insta::assert_snapshot!(object(&limited(), Format::Yaml).unwrap(), @r"
    agent: team-agent
    namespace: default
    active: true
    token: AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE
    path: /s/AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE
    url: https://agents.example.com/s/token
    expiresAt: 2026-05-01T00:00:00Z
    allowedIPs:
    - 10.0.0.0/8
    - 192.168.1.0/24
    ");
}

#[test]
fn the_users_address_of_the_server_wins_over_the_servers_own() {
    let mut agent = Agent::default();
    let status = agent.status.get_or_insert_default();
    status.share.get_or_insert_default().url = Some("https://own.example.com/s/token".into());
    let token = ShareToken::from_bytes(&[1; 32]);

    let own = Link::of(&agent, &token, None).url;
    assert_eq!(own.as_deref(), Some("https://own.example.com/s/token"));
    let said = Link::of(&agent, &token, Some("https://agents.example.com")).url;
    assert_eq!(said, Some(format!("https://agents.example.com/s/{}", token.expose())));
}

#[test]
fn a_qr_code_has_a_quiet_zone_of_light() {
    let code = qr("https://agents.example.com/s/token").unwrap();
    let lines: Vec<&str> = code.lines().collect();
    assert!(lines[0].chars().all(|block| block == '█'), "light is drawn: {}", lines[0]);
    let (_half, whole) = lines.split_last().unwrap();
    assert!(whole.iter().all(|line| line.starts_with("████") && line.ends_with("████")), "{code}");
}
