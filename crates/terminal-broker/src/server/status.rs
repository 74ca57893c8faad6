//! Why a call fails, as gRPC says it. It matches the class of a denial, so that a further denial
//! changes nothing here.

use share::{Class, Denial};
use tonic::Status;

use crate::{closing::Refusal, session::WakeRefusal};

/// The status of a call that opened no session.
pub(super) fn status(refusal: Refusal) -> Status {
    let message = refusal.to_string();
    match refusal {
        Refusal::Violation(_) => Status::invalid_argument(message),
        Refusal::Late => Status::deadline_exceeded(message),
        Refusal::Denied(denial) => denied(denial),
        Refusal::Unreachable | Refusal::Draining => Status::unavailable(message),
        Refusal::Full(_) => Status::resource_exhausted(message),
    }
}

/// The status of a call that woke no agent. Only here trying again does not help with an agent that
/// its owner suspended.
pub(super) fn wake_status(refusal: WakeRefusal) -> Status {
    let message = refusal.to_string();
    match refusal {
        WakeRefusal::Violation(_) => Status::invalid_argument(message),
        WakeRefusal::Denied(Denial::Suspended) => Status::failed_precondition(message),
        WakeRefusal::Denied(denial) => denied(denial),
        WakeRefusal::NoController | WakeRefusal::Late | WakeRefusal::Draining => {
            Status::unavailable(message)
        }
        WakeRefusal::Full => Status::resource_exhausted(message),
    }
}

fn denied(denial: Denial) -> Status {
    let message = denial.to_string();
    match denial.class() {
        Class::Hidden => Status::not_found(message),
        Class::Forbidden => Status::permission_denied(message),
        Class::Wait => Status::unavailable(message),
    }
}

#[cfg(test)]
mod tests {
    use share::{Denial, capacity::Full};
    use tonic::Code;

    use super::*;
    use crate::closing::Violation;

    #[test]
    fn a_stranger_cannot_tell_an_expired_link_from_a_wrong_one() {
        let seen = |denial| {
            let status = status(Refusal::Denied(denial));
            (status.code(), status.message().to_owned())
        };
        assert_eq!(seen(Denial::Expired), seen(Denial::Unknown));
    }

    #[test]
    fn refusals_have_the_codes_of_the_contract() {
        let cases = [
            (Refusal::Violation(Violation::NotOpened), Code::InvalidArgument),
            (Refusal::Late, Code::DeadlineExceeded),
            (Refusal::Denied(Denial::Unknown), Code::NotFound),
            (Refusal::Denied(Denial::Network), Code::PermissionDenied),
            (Refusal::Denied(Denial::Suspended), Code::Unavailable),
            (Refusal::Denied(Denial::Stale), Code::Unavailable),
            (Refusal::Full(Full::Agent), Code::ResourceExhausted),
            (Refusal::Unreachable, Code::Unavailable),
        ];
        for (refusal, code) in cases {
            assert_eq!(status(refusal).code(), code, "{refusal:?}");
        }
    }
}
