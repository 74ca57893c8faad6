//! The figures of a revocation as a table in Markdown, and what they were taken under; pure.

use std::{
    fmt::{self, Write},
    time::Duration,
};

use bench_terminal::readings::Reading;

use super::{
    hostile::{Role, Seen},
    revoke::Revoked,
};
use crate::bench::figures::{Usage, percentile_ms};

/// One session that was to be revoked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outcome {
    pub(super) role: Role,
    pub(super) revoked: Revoked,
    pub(super) seen: Seen,
    /// Where its program counted.
    pub(super) reading: Option<Reading>,
}

/// What else there is to say of a run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Course<'a> {
    pub(super) revoked: &'a [Revoked],
    /// What was used from the revocation on.
    pub(super) cpu: Usage,
    /// Percent of time that was busy, and stolen, before the revocation and after it.
    pub(super) machine: [[u64; 2]; 2],
    pub(super) load: &'a str,
}

/// How long after the revocation something was last, or none.
type Figure = fn(&Outcome) -> Option<Duration>;

const FIGURES: [(&str, Figure); 4] = [
    ("last byte at the socket", |one| Some(after(one.seen.output_at, one))),
    ("close frame", |one| at(one.seen.close_at, one)),
    ("last byte the program read", |one| Some(after(one.reading?.last_at, one))),
    ("its terminal hung up", |one| at(one.reading?.ended_at, one)),
];

impl Outcome {
    /// Whether the session was there to be revoked. A gateway may hear of it before its answer comes.
    fn was_held(&self) -> bool {
        let before = |at: u64| at > 0 && at < self.revoked.asked_at;
        !before(self.seen.close_at) && !before(self.seen.ended_at)
    }
}

impl Role {
    fn name(self) -> &'static str {
        match self {
            Self::Pours => "pours",
            Self::Types => "types",
            Self::Floods => "floods",
        }
    }
}

/// Of what came before the revocation, and nothing after it: no time.
fn after(at: u64, one: &Outcome) -> Duration {
    Duration::from_nanos(at.saturating_sub(one.revoked.at))
}

fn at(at: u64, one: &Outcome) -> Option<Duration> {
    (at > 0).then(|| after(at, one))
}

pub(super) fn render(outcomes: &[Outcome], course: Course<'_>) -> String {
    let held: Vec<&Outcome> = outcomes.iter().filter(|one| one.was_held()).collect();
    let mut text = table(&held);
    // Writing to a string cannot fail.
    let _ = conditions(&mut text, &held, outcomes.len(), course);
    text
}

fn table(held: &[&Outcome]) -> String {
    let mut lines = vec![
        format!(
            "| {:<26} | {:<6} | sessions |     p50 |     p99 | longest |",
            "ms after the revocation", "guest"
        ),
        format!("|{}|{}|---------:|--------:|--------:|--------:|", "-".repeat(28), "-".repeat(8)),
    ];
    for (name, figure) in FIGURES {
        let of = |role: Option<Role>| -> Vec<Duration> {
            let these = held.iter().filter(|one| role.is_none_or(|role| one.role == role));
            these.filter_map(|one| figure(one)).collect()
        };
        let roles = Role::ALL.map(|role| (role.name(), of(Some(role))));
        let rows = roles.into_iter().chain([("all", of(None))]);
        let rows = rows.filter(|(_, times)| !times.is_empty());
        lines.extend(rows.map(|(role, times)| row(name, role, &times)));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn row(name: &str, role: &str, times: &[Duration]) -> String {
    let [half, most, longest] =
        [50, 99, 100].map(|percent| percentile_ms(times, percent).unwrap_or_default());
    let count = times.len();
    format!("| {name:<26} | {role:<6} | {count:>8} | {half:>7.2} | {most:>7.2} | {longest:>7.2} |")
}

fn conditions(
    text: &mut String,
    held: &[&Outcome],
    opened: usize,
    course: Course<'_>,
) -> fmt::Result {
    let agents = course.revoked.len();
    let lost = opened - held.len();
    writeln!(
        text,
        "\n{} of {opened} sessions, over {agents} agents, were held until then; {lost} were lost.",
        held.len()
    )?;
    let took =
        course.revoked.iter().map(|one| Duration::from_nanos(one.at.saturating_sub(one.asked_at)));
    let took = percentile_ms(&took.collect::<Vec<_>>(), 100).unwrap_or_default();
    let times = || course.revoked.iter().map(|one| one.at);
    let apart = times().max().zip(times().min()).map_or(0, |(last, first)| last - first);
    writeln!(
        text,
        "The revocations were {:.1} ms apart, each at most {took:.1} ms after it was asked for.",
        Duration::from_nanos(apart).as_secs_f64() * 1e3
    )?;
    if let (Some(gateway), Some(broker)) = (course.cpu.gateway, course.cpu.broker) {
        let [gateway, broker] = [gateway, broker].map(|cpu| cpu.as_millis());
        writeln!(text, "From then on gateways used {gateway} ms of CPU, and brokers {broker}.")?;
    }
    traffic(text, held)?;
    let [before, after] = course.machine;
    write!(
        text,
        "The processors were busy {} % of the time before and {} % after the revocation, and stolen {} and {} %{}.",
        before[0], after[0], before[1], after[1], course.load
    )
}

fn traffic(text: &mut String, held: &[&Outcome]) -> fmt::Result {
    for role in Role::ALL {
        let these = held.iter().filter(|one| one.role == role);
        let sent = median_kib(these.clone().map(|one| one.seen.sent as u64));
        let received = median_kib(these.clone().map(|one| one.seen.received as u64));
        let read = median_kib(these.filter_map(|one| Some(one.reading?.bytes)));
        let name = role.name();
        writeln!(
            text,
            "Who {name} sent {sent} KiB and got {received}; its program read {read} (medians)."
        )?;
    }
    Ok(())
}

fn median_kib(bytes: impl Iterator<Item = u64>) -> u64 {
    let mut all: Vec<u64> = bytes.collect();
    all.sort_unstable();
    all.get(all.len() / 2).copied().unwrap_or_default() / 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZERO: u64 = 1_000_000_000;

    fn ms(milliseconds: u64) -> u64 {
        ZERO + milliseconds * 1_000_000
    }

    fn demo() -> Outcome {
        let seen = Seen { output_at: ms(3), close_at: ms(5), ..Seen::default() };
        let revoked = Revoked { asked_at: ZERO - 2_000_000, at: ZERO };
        Outcome { role: Role::Pours, revoked, seen, reading: None }
    }

    fn typing() -> Outcome {
        let reading = Reading { session: 1, bytes: 4096, last_at: ms(7), ended_at: ms(9) };
        let seen = Seen { output_at: ZERO - 1, close_at: 0, sent: 8192, ..Seen::default() };
        Outcome { role: Role::Types, seen, reading: Some(reading), ..demo() }
    }

    #[test]
    fn each_guest_has_a_row_for_what_can_be_said_of_it() {
        let table = table(&[&demo(), &typing()]);
        let expected = "\
| ms after the revocation    | guest  | sessions |     p50 |     p99 | longest |
|----------------------------|--------|---------:|--------:|--------:|--------:|
| last byte at the socket    | pours  |        1 |    3.00 |    3.00 |    3.00 |
| last byte at the socket    | types  |        1 |    0.00 |    0.00 |    0.00 |
| last byte at the socket    | all    |        2 |    0.00 |    3.00 |    3.00 |
| close frame                | pours  |        1 |    5.00 |    5.00 |    5.00 |
| close frame                | all    |        1 |    5.00 |    5.00 |    5.00 |
| last byte the program read | types  |        1 |    7.00 |    7.00 |    7.00 |
| last byte the program read | all    |        1 |    7.00 |    7.00 |    7.00 |
| its terminal hung up       | types  |        1 |    9.00 |    9.00 |    9.00 |
| its terminal hung up       | all    |        1 |    9.00 |    9.00 |    9.00 |
";
        assert_eq!(table, expected);
    }

    #[test]
    fn who_was_gone_before_is_lost_and_counts_in_no_row() {
        let gone = |seen| Outcome { seen, ..demo() };
        let early = [
            gone(Seen { close_at: ZERO - 2_000_001, ..demo().seen }),
            gone(Seen { ended_at: ZERO - 2_000_001, ..demo().seen }),
        ];
        let closed_before_the_answer = gone(Seen { close_at: ZERO - 1, ..demo().seen });
        assert!(demo().was_held() && closed_before_the_answer.was_held());
        assert!(early.iter().all(|one| !one.was_held()));

        let revoked = [demo().revoked];
        let [gateway, broker] = [30, 20].map(|ms| Some(Duration::from_millis(ms)));
        let cpu = Usage { gateway, broker };
        let machine = [[60, 4], [70, 5]];
        let course = Course { revoked: &revoked, cpu, machine, load: ", load 2.5" };
        let text = render(&[demo(), typing(), early[0], early[1]], course);
        let said = text.split_once("\n\n").unwrap().1;
        let expected = "\
2 of 4 sessions, over 1 agents, were held until then; 2 were lost.
The revocations were 0.0 ms apart, each at most 2.0 ms after it was asked for.
From then on gateways used 30 ms of CPU, and brokers 20.
Who pours sent 0 KiB and got 0; its program read 0 (medians).
Who types sent 8 KiB and got 0; its program read 4 (medians).
Who floods sent 0 KiB and got 0; its program read 0 (medians).
The processors were busy 60 % of the time before and 70 % after the revocation, and stolen 4 and 5 %, load 2.5.";
        assert_eq!(said, expected);
    }
}
