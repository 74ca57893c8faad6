//! The flags of `attach`.

use api_types::LinkName;
use clap::Args;

use super::{Target, values};

#[derive(Clone, Debug, Args)]
pub struct AttachOptions {
    #[command(flatten)]
    pub target: Target,

    /// Attach to the terminal that visitors of this link see, instead of the default link's
    #[arg(long, value_name = "LINK", value_parser = values::link)]
    pub link: Option<LinkName>,

    /// Only see the terminal; nothing that is typed is sent
    #[arg(long)]
    pub view: bool,
}
