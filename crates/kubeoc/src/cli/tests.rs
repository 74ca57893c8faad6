use clap::error::ErrorKind;

use super::*;

fn parse(arguments: &[&str]) -> Result<Command, clap::Error> {
    let program = ["kubeoc"].iter();
    Arguments::try_parse_from(program.chain(arguments)).map(|arguments| arguments.command)
}

fn share(flags: &[&str]) -> Result<ShareOptions, clap::Error> {
    match parse(&[&["agent", "share", "demo"], flags].concat())? {
        Command::Agent(AgentCommand::Share(options)) => Ok(options),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_definition_holds_together() {
    use clap::CommandFactory;
    Arguments::command().debug_assert();
}

#[test]
fn durations_as_people_write_them() {
    let hours = |hours: u64| Some(Expiry::After(Duration::from_secs(hours * 3600)));
    let cases = [
        (vec![], None),
        (vec!["--expires-in", "24h"], hours(24)),
        (vec!["--expires-in", "168h"], hours(168)),
        (vec!["--expires-in", "7d"], hours(168)),
        (vec!["--expires-in", "never"], Some(Expiry::Never)),
    ];
    for (flags, expected) in cases {
        assert_eq!(share(&flags).unwrap().expires_in, expected, "{flags:?}");
    }
}

#[test]
fn networks_come_as_a_list() {
    let allowed = share(&["--allowed-ips", "10.0.0.0/8,192.0.2.7"]).unwrap().allowed_ips;
    let networks = ["10.0.0.0/8", "192.0.2.7"].map(|network| Allowed::Network(network.into()));
    assert_eq!(allowed, Some(networks.to_vec()));
}

#[test]
fn a_wrong_value_names_its_flag_and_what_would_be_right() {
    let cases = [
        (["--expires-in", "tomorrow"], "--expires-in", "such as 90s, 24h"),
        (["--expires-in", "0s"], "--expires-in", "longer than zero"),
        (["--expires-in", "-1h"], "", ""),
        (["--timeout", "0s"], "--timeout", "longer than zero"),
        (["--allowed-ips", "10.0.0.0/8,office"], "--allowed-ips", "such as 203.0.113.0/24"),
        (["--server-url", "agents.example.com"], "--server-url", "https://agents.example.com"),
        (["--output", "xml"], "--output", "json, yaml"),
    ];
    for (flags, flag, advice) in cases {
        let error = share(&flags).expect_err(flags[1]);
        assert_eq!(error.exit_code(), 2, "{flags:?}");
        let text = error.to_string();
        assert!(text.contains(flag) && text.contains(advice), "{flags:?}: {text}");
    }
}

#[test]
fn showing_excludes_changing() {
    let error = share(&["--show", "--expires-in", "24h"]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ArgumentConflict);
}

#[test]
fn the_servers_address_ends_without_a_slash() {
    let options = share(&["--server-url", "https://agents.example.com/kubeopencode/"]).unwrap();
    assert_eq!(options.server_url.as_deref(), Some("https://agents.example.com/kubeopencode"));
}
