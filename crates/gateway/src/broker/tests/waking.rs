//! That a wish to wake an agent finds a broker to which a controller listens.

use super::*;

async fn wake(broker: &Broker) -> Result<(), Code> {
    broker.wake(WakeRequest::default(), &Span::none()).await.map_err(|status| status.code())
}

#[tokio::test]
async fn a_broker_without_a_controller_passes_the_wish_to_its_twin_and_keeps_its_terminals() {
    let alone = FakeBroker::start(Manner::Refuse(Code::Unavailable)).await;
    let twin = FakeBroker::start(Manner::Serve).await;
    let broker = brokers_at([&alone, &twin]);
    for _ in 0..2 {
        assert_eq!(wake(&broker).await, Ok(()));
    }
    assert!(alone.openings() > 0, "they take turns");
    alone.becomes(Manner::Serve);
    let before = alone.openings();
    let _viewers = [open(&broker).await.unwrap(), open(&broker).await.unwrap()];
    assert_eq!(alone.openings(), before + 1, "what it said of a wish is no failure");
}

#[tokio::test]
async fn every_broker_is_asked_once_and_what_is_final_of_one_alone() {
    let cases = [(Code::Unavailable, 2), (Code::ResourceExhausted, 2), (Code::NotFound, 2)];
    let last = [Code::FailedPrecondition, Code::PermissionDenied, Code::InvalidArgument];
    for (code, asked) in cases.into_iter().chain(last.map(|code| (code, 1))) {
        let one = FakeBroker::start(Manner::Refuse(code)).await;
        let other = FakeBroker::start(Manner::Refuse(code)).await;
        let broker = brokers_at([&one, &other]);
        assert_eq!(wake(&broker).await, Err(code));
        assert_eq!(one.openings() + other.openings(), asked, "{code:?}");
    }
}

#[tokio::test]
async fn a_broker_that_cannot_be_reached_is_passed_over() {
    let gone = FakeBroker::start(Manner::Serve).await;
    let nowhere = gone.address;
    gone.drain();
    let twin = FakeBroker::start(Manner::Serve).await;
    let name = Name::default();
    name.points_to([nowhere, twin.address]);
    let broker = brokers(&name);
    for _ in 0..2 {
        assert_eq!(wake(&broker).await, Ok(()));
    }
    assert_eq!((gone.openings(), twin.openings()), (0, 2));
}
