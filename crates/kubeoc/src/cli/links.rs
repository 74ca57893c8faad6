//! The flags of links with names.

use api_types::LinkName;
use clap::Args;

use super::{
    Target,
    values::{self, Expiry, Format, Viewers},
};

/// Which link, and what it allows.
#[derive(Clone, Debug, Default, Args)]
pub struct LinkOptions {
    /// Create or change the link of this name instead of the default link
    #[arg(long, value_name = "LINK", value_parser = values::link)]
    pub link: Option<LinkName>,

    /// Let visitors of the link see the terminal only
    #[arg(long, requires = "link", conflicts_with = "interact")]
    pub view: bool,

    /// Let visitors of the link type, as they may by default
    #[arg(long, requires = "link")]
    pub interact: bool,

    /// Allow only so many terminals through the link at a time; "any" removes the limit
    #[arg(long, value_name = "COUNT", requires = "link", value_parser = values::viewers)]
    pub max_viewers: Option<Viewers>,

    /// Close a terminal into which nothing was typed for this duration, such as 30m; "never" removes the limit
    #[arg(long, value_name = "DURATION", requires = "link", value_parser = values::expiry)]
    pub idle_timeout: Option<Expiry>,
}

/// Of `links`.
#[derive(Clone, Debug, Args)]
pub struct LinksOptions {
    #[command(flatten)]
    pub target: Target,

    /// Also print the URL of each link, which is all that a visitor needs
    #[arg(long)]
    pub urls: bool,

    /// Output format
    #[arg(short, long, value_name = "FORMAT")]
    pub output: Option<Format>,

    /// Leave out the headings of the table
    #[arg(long)]
    pub no_headers: bool,

    // Not a doc comment, where a bare address is a mistake.
    #[arg(
        long,
        visible_alias = "external-url",
        value_name = "URL",
        requires = "urls",
        value_parser = values::base_url,
        help = "External URL of the server, such as https://agents.example.com; defaults to the controller's --external-url"
    )]
    pub server_url: Option<String>,
}
