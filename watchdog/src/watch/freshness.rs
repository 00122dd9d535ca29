//! A zone's age: its serial beside its primary's.

use std::time::Duration;

use tokio::time::timeout;

use super::{Post, random};
use crate::pulse::Pace;
use crate::question::Question;
use crate::question::freshness::{Freshness, Verdict as Age};
use crate::sample::Verdict;
use crate::transport::Trouble;
use crate::transport::udp::{DATAGRAM, Socket};

/// So much more seldom than other questions.
pub(super) const SELDOM: u32 = 25;

/// Whose serials are compared, and what counts.
#[derive(Debug, Clone)]
pub struct Zone {
    pub(super) own: std::net::SocketAddr,
    pub(super) primary: std::net::SocketAddr,
    pub(super) age: Duration,
    /// For the SOA record, without further expectations.
    pub(super) question: std::rc::Rc<Question>,
}

/// Compares until nobody listens any more. A server that does not answer is another check's business.
pub(super) async fn watch(zone: &Zone, pace: Pace, mut post: Post) {
    let mut freshness = Freshness::new(zone.age);
    loop {
        let began = post.now();
        match ask(zone.primary, &zone.question, pace.timeout).await {
            Some(serial) => freshness.primary(serial, post.now()),
            None => freshness.primary_silent(post.now()),
        }
        if let Some(serial) = ask(zone.own, &zone.question, pace.timeout).await {
            freshness.own(serial, post.now());
            let asked = format!("{}: {}", zone.own.ip(), zone.question);
            match freshness.verdict(post.now()) {
                Age::Fresh => {
                    post.report(Verdict::Healthy, format!("{asked}: serial {serial}, no older than it may be"), None);
                }
                Age::Stale { since, own, primary } => {
                    let behind = post.now().saturating_sub(since).as_secs();
                    let reason =
                        format!("{asked}: serial {own}, and {} has had {primary} for {behind} s", zone.primary.ip());
                    post.report(Verdict::Failed, reason, None);
                }
            }
        }
        while post.now() < began + pace.interval {
            post.wait(began + pace.interval).await;
        }
    }
}

async fn ask(server: std::net::SocketAddr, question: &Question, limit: Duration) -> Option<u32> {
    let id = random();
    let answer = async {
        let socket = Socket::open(server, None).await?;
        socket.send(&question.to_bytes(id)).await?;
        let mut buffer = [0; DATAGRAM];
        loop {
            let length = socket.receive(&mut buffer).await?;
            // The time counts for signatures, which are not looked at.
            if let Some(judged) = question.judge(id, &buffer[..length], 0) {
                return Ok::<_, Trouble>(judged.ok().and_then(|answer| answer.serial));
            }
        }
    };
    timeout(limit, answer).await.ok()?.ok()?
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::rc::Rc;

    use hickory_proto::op::Message;
    use hickory_proto::rr::rdata::SOA;
    use hickory_proto::rr::{Name, RData, Record, RecordType};
    use tokio::net::UdpSocket;
    use tokio::sync::{mpsc, watch as channel};
    use tokio::task::LocalSet;
    use tokio::time::Instant;

    use super::*;
    use crate::service::{Dns, Expectation};

    async fn server(serial: u32) -> std::net::SocketAddr {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = socket.local_addr().unwrap();
        tokio::spawn(async move {
            let mut datagram = [0; 512];
            while let Ok((length, asker)) = socket.recv_from(&mut datagram).await {
                let query = Message::from_vec(&datagram[..length]).unwrap();
                let name = query.queries[0].name.clone();
                let soa = RData::SOA(SOA::new(name.clone(), name.clone(), serial, 60, 60, 60, 60));
                let mut answer = query.into_response();
                answer.answers = vec![Record::from_rdata(name, 60, soa)];
                socket.send_to(&answer.to_vec().unwrap(), asker).await.unwrap();
            }
        });
        address
    }

    async fn first_verdict(own: u32, primary: u32) -> (Verdict, String) {
        let name: Name = "example.test".parse().unwrap();
        let (own, primary) = (server(own).await, server(primary).await);
        let dns = Dns {
            address: own.ip(),
            port: own.port(),
            name,
            kind: RecordType::SOA,
            udp: true,
            tcp: false,
            source: None,
            expect: Expectation::default(),
        };
        let zone = Zone { own, primary, age: Duration::ZERO, question: Rc::new(Question::new(&dns).unwrap()) };
        let pace = Pace {
            interval: Duration::from_millis(10),
            fast_interval: Duration::from_millis(10),
            timeout: Duration::from_secs(10),
            fall: 1,
            jitter: 0,
        };
        let (reports, mut reported) = mpsc::unbounded_channel();
        let (_calm, hears) = channel::channel(true);
        let post = Post { service: 0, check: 0, calm: hears, reports, began: Instant::now(), rhythm: 0 };
        let local = LocalSet::new();
        local.spawn_local(async move { watch(&zone, pace, post).await });
        // The age of nothing is over with the second look.
        let second = local.run_until(async {
            reported.recv().await.unwrap();
            reported.recv().await.unwrap()
        });
        let sample = second.await.sample;
        (sample.verdict, sample.reason)
    }

    #[tokio::test]
    async fn a_zone_behind_its_primary_fails_and_one_that_is_not_passes() {
        assert_eq!(first_verdict(7, 7).await.0, Verdict::Healthy);
        assert_eq!(first_verdict(8, 7).await.0, Verdict::Healthy);
        let (verdict, reason) = first_verdict(5, 7).await;
        assert_eq!(verdict, Verdict::Failed);
        assert_eq!(reason, "127.0.0.1: SOA example.test: serial 5, and 127.0.0.1 has had 7 for 0 s");
    }
}
