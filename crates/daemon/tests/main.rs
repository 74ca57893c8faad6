//! `daemon::main` as a program calls it, in a test program of its own: the log subscriber
//! exists once per process.

use std::{io, process::ExitCode};

use daemon::{Daemon, LogFormat, TelemetryArgs, traces::TracesArgs};
use tokio::runtime::{Handle, RuntimeFlavor};

fn args(log_level: &str) -> TelemetryArgs {
    TelemetryArgs {
        log_format: LogFormat::Text,
        log_level: log_level.into(),
        metrics_address: ([127, 0, 0, 1], 0).into(),
        traces: TracesArgs::default(),
    }
}

/// `ExitCode` can be compared by its Debug text only.
fn is(code: ExitCode, expected: ExitCode) -> bool {
    format!("{code:?}") == format!("{expected:?}")
}

#[test]
fn a_program_has_one_thread_and_its_result_as_exit_code() {
    let never = |_: Daemon| async { unreachable!("the logs cannot be set up") as io::Result<()> };
    assert!(is(daemon::main("test", &args("share=loud"), never), ExitCode::FAILURE));

    let serve = |_: Daemon| async {
        assert_eq!(log::max_level(), log::LevelFilter::Info, "wire libraries are heard");
        let flavor = Handle::current().runtime_flavor();
        if flavor == RuntimeFlavor::CurrentThread { Ok(()) } else { Err(io::Error::other("many")) }
    };
    assert!(is(daemon::main("test", &args("info"), serve), ExitCode::SUCCESS));
}
