//! Lists and closes sessions. Brokers know nothing of each other, so each of them is asked.

use std::{net::SocketAddr, process::ExitCode};

use anyhow::bail;
use terminal_proto::v1::{CloseSessionRequest, ListSessionsRequest, Session};
use tonic::{Code, Request};

use crate::brokers::{Brokers, CALL_DEADLINE, told};

const PAGE_SIZE: u32 = 500;

#[derive(Debug, clap::Args)]
pub(crate) struct Filter {
    /// Only sessions of this namespace
    #[arg(long, default_value = "")]
    namespace: String,
    /// Only sessions of the agent with this name
    #[arg(long, default_value = "")]
    agent: String,
}

/// Prints what there is. A broker that cannot be asked makes the list incomplete, which the exit code says.
pub(crate) async fn list(brokers: &Brokers, filter: &Filter) -> anyhow::Result<ExitCode> {
    let mut outcome = ExitCode::SUCCESS;
    for address in &brokers.addresses {
        if let Err(error) = list_of(brokers, *address, filter).await {
            eprintln!("{address}: {}", told(&error));
            outcome = ExitCode::FAILURE;
        }
    }
    Ok(outcome)
}

async fn list_of(brokers: &Brokers, address: SocketAddr, filter: &Filter) -> anyhow::Result<()> {
    let mut client = brokers.connect(address).await?;
    let mut page_token = String::new();
    loop {
        let mut request = Request::new(ListSessionsRequest {
            namespace: filter.namespace.clone(),
            agent: filter.agent.clone(),
            page_size: PAGE_SIZE,
            page_token,
        });
        request.set_timeout(CALL_DEADLINE);
        let page = client.list_sessions(request).await?.into_inner();
        for session in page.sessions {
            print(session, &page.replica);
        }
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok(());
        }
    }
}

fn print(session: Session, replica: &str) {
    let Session { session_id, agent, client_address, .. } = session;
    let agent = agent.unwrap_or_default();
    println!("{session_id}\t{}/{}\t{client_address}\t{replica}", agent.namespace, agent.name);
}

/// Asks one broker after the other, until one has the session.
pub(crate) async fn close(
    brokers: &Brokers,
    session_id: &str,
    reason: &str,
) -> anyhow::Result<ExitCode> {
    let mut unasked = 0;
    for address in &brokers.addresses {
        match close_at(brokers, *address, session_id, reason).await {
            Ok(true) => {
                println!("{session_id}\tclosed");
                return Ok(ExitCode::SUCCESS);
            }
            Ok(false) => {}
            Err(error) => {
                eprintln!("{address}: {}", told(&error));
                unasked += 1;
            }
        }
    }
    if unasked > 0 {
        bail!("{unasked} of {} brokers could not be asked", brokers.addresses.len());
    }
    bail!("no broker has this session: it has ended");
}

/// Whether the broker has the session.
async fn close_at(
    brokers: &Brokers,
    address: SocketAddr,
    session_id: &str,
    reason: &str,
) -> anyhow::Result<bool> {
    let mut client = brokers.connect(address).await?;
    let (session_id, reason) = (session_id.to_owned(), reason.to_owned());
    let mut request = Request::new(CloseSessionRequest { session_id, reason });
    request.set_timeout(CALL_DEADLINE);
    match client.close_session(request).await {
        Ok(_) => Ok(true),
        Err(status) if status.code() == Code::NotFound => Ok(false),
        Err(status) => Err(status.into()),
    }
}
