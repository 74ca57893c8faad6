//! Certificate authorities and what they sign; and the certificates of an installation: which there
//! are, when they are renewed, and in which order, so that no connection fails meanwhile. The time is a
//! parameter, keys are random, and whoever calls it reads and writes the cluster.

mod authority;
mod certificate;
mod members;
mod periods;
mod plan;
mod remove;
mod renew;
mod state;

pub use authority::{Authority, Identity, Period, Subject, Usage, key_pair};
pub use certificate::{Certificate, Unreadable};
pub use members::{AUTHORITY_SECRET, MEMBERS, Member, secret_names};
pub use periods::{LEAST_RENEW_BEFORE, OVERDUE, RENEW_BEFORE_DAYS, SETTLE, VALIDITY_DAYS};
pub use plan::{Adoption, Reason, Settings, Why};
pub use remove::{Removal, removal};
pub use renew::{Done, Outcome, PkiError, Renewal, renew};
pub use state::{AUTHORITY_KEY, CERTIFICATE_KEY, PRIVATE_KEY, Shown, TRUST_SINCE};
