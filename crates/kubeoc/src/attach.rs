//! `kubeoc agent attach`: the user's own terminal shows the one in the agent's pod that visitors of a link see, with the
//! user's own rights. After a break it goes on where it was (`docs/adr/0015`).

mod driver;
mod exec;
mod keys;
mod local;
mod opening;
mod place;
mod session;
mod shown;
mod typed;

use screen_wire::Viewer;
use uuid::Uuid;

use crate::{
    cli::AttachOptions,
    cluster::{Cluster, answer},
};
use driver::{Driver, End};
use local::Local;
use opening::{Terminal, Unopened};
use session::{Access, Session};

pub(crate) async fn run(options: &AttachOptions) -> anyhow::Result<()> {
    local::require()?;
    let cluster = Cluster::connect(&options.target.place).await?;
    let terminal =
        Terminal { cluster: &cluster, agent: &options.target.name, link: options.link.as_ref() };
    let access = if options.view { Access::View } else { Access::Interact };
    let viewer = Viewer::from_bytes(Uuid::new_v4().into_bytes());
    let mut session = Session::new(viewer, access);
    let first = Box::pin(terminal.open(session.join(), local::size()));
    let (exec, joined) =
        answer(options.target.place.timeout, async { first.await.map_err(Unopened::into_error) })
            .await?;
    session.open(joined);

    let agent = format!("{}/{}", cluster.namespace, options.target.name);
    eprintln!("Attached to {agent}; press Ctrl-] to detach.");
    let end = {
        let local = Local::open()?;
        Box::pin(Driver::new(&terminal, session, access, local).run(exec)).await
        // The terminal is as it was from here on.
    };
    match end? {
        End::Detached => eprintln!("Detached from {agent}."),
        End::Exited(0) => eprintln!("The terminal of {agent} has ended."),
        End::Exited(code) => anyhow::bail!("the terminal of {agent} has ended with code {code}"),
    }
    Ok(())
}
