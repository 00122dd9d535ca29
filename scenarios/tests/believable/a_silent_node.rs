//! A node that is silent hears nothing, and nothing of it is heard: no FIN, no RST, no ARP.

use std::net::SocketAddr;

use harness::history::Seen;
use harness::lab::Lab;
use protocol::{Action, Signal, TcpEvent};

use crate::inside;

/// From the command to its effect, in milliseconds: nft(8) runs once. On a machine with much to do, ten times as long.
const SOON: u64 = 200;

async fn tell(lab: &Lab<'_>, action: Action) -> u64 {
    lab.tell("ns1", action).await.unwrap_or_else(|error| panic!("{error}")).0
}

async fn is_heard(lab: &Lab<'_>, at: SocketAddr) -> bool {
    inside::connect(lab, "router", at, "").await.is_ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_it_is_heard_until_every_silence_is_over() {
    let _turn = scenarios::turn(1).await;
    let plan = inside::plan(&scenarios::file("kill-named"));
    scenarios::up(&plan, async |lab, _| {
        inside::serve(lab).await;
        let at: SocketAddr = "10.1.53.11:53".parse().expect("ns1's own address");
        assert!(is_heard(lab, at).await);

        let network = plan.node("ns1").and_then(|node| node.links.first()).map(|link| link.network.clone());
        let before = tell(lab, Action::Mark).await;
        let silent = tell(lab, Action::Silence { network: None }).await;
        assert!(silent - before < SOON * 1_000_000, "it took {} ms", (silent - before) / 1_000_000);
        tell(lab, Action::Silence { network: None }).await;
        tell(lab, Action::Silence { network: network.clone() }).await;
        // The kernel closes the connections of processes that are gone: that must not be heard.
        let killed = tell(lab, Action::SignalAll { signal: Signal::SigKill }).await;
        assert!(!is_heard(lab, at).await, "it is heard");
        let dead = tell(lab, Action::StartAll).await;
        tell(lab, Action::Speak { network: None }).await;
        assert!(!is_heard(lab, at).await, "it is silent on {network:?} still");
        let speaks = tell(lab, Action::Mark).await;
        tell(lab, Action::Speak { network: network.clone() }).await;
        tell(lab, Action::Speak { network }).await;
        assert!(is_heard(lab, at).await, "it is not heard");

        lab.recorder().with(|history| {
            let events = history.events();
            let ends = events.iter().filter(|event| {
                let ended = matches!(event.saw, Seen::Tcp { sent: false, event: TcpEvent::Fin | TcpEvent::Rst, .. });
                ended && event.node.as_deref() == Some("router") && (silent..speaks).contains(&event.at)
            });
            let ends: Vec<_> = ends.collect();
            assert!(ends.is_empty(), "the router heard connections end, silent {silent}, speaks {speaks}: {ends:?}");
            let exits = events.iter().filter(|event| {
                let here = event.node.as_deref() == Some("ns1") && (killed..dead).contains(&event.at);
                here && matches!(event.saw, Seen::Exited { .. })
            });
            assert_eq!(
                exits.count(),
                plan.node("ns1").map_or(0, |node| node.daemons.len()),
                "who was killed has ended"
            );
        });
    })
    .await;
}
