//! How long certificates are valid, and when what is done about their end. Pure.

use time::Duration;

/// How long a certificate is valid, and what is left to it when it is renewed, unless the user says otherwise; in days.
pub const VALIDITY_DAYS: i64 = 90;
pub const RENEW_BEFORE_DAYS: i64 = 30;

/// What is left to a certificate whose renewal does not work: the alert `KubeOpenCodeCertificateEnds` fires then.
pub const OVERDUE: Duration = Duration::days(7);

/// A certificate that is renewed once a day, so long before its end, is never [`OVERDUE`]: one run may come just too soon, and
/// the next one wait for a new authority.
pub const LEAST_RENEW_BEFORE: Duration = Duration::days(10);

/// How long after `ca.crt` was written every process has read it: the kubelet takes a minute or two.
pub const SETTLE: Duration = Duration::hours(1);

/// How long an authority is valid.
pub(crate) const AUTHORITY_VALIDITY: Duration = Duration::days(3650);
/// What is left to an authority that is replaced. No certificate is valid for as long.
pub(crate) const AUTHORITY_RENEW_BEFORE: Duration = Duration::days(730);
/// What is left to a certificate that waits for nothing any more: it is renewed once a day.
pub(crate) const URGENT: Duration = Duration::days(2);
