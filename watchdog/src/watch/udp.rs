//! Questions over UDP, and what becomes of them.

use super::answer::{take, unanswered};
use super::{Post, random};
use crate::pulse::{Due, Pace, Pulse};
use crate::question::Question;
use crate::sample::Verdict;
use crate::service::Dns;
use crate::transport::Trouble;
use crate::transport::udp::{DATAGRAM, Socket};

/// Asks until nobody listens any more.
pub(super) async fn watch(dns: &Dns, question: &Question, pace: Pace, mut post: Post) {
    let server = format!("{} UDP", dns.address);
    let mut pulse = Pulse::new(pace, post.rhythm, random());
    let mut socket: Option<Socket> = None;
    let mut buffer = [0; DATAGRAM];
    loop {
        while let Some(due) = pulse.poll(post.now(), post.is_calm()) {
            match due {
                Due::Ask(id) => {
                    if let Err(trouble) = ask(&mut socket, dns, &question.to_bytes(id)).await {
                        // The next question tries again, with a socket of its own.
                        socket = None;
                        fail(&trouble, &server, &mut pulse, &post);
                    }
                }
                Due::Lost(waited) => post.report(Verdict::Lost, unanswered(&server, question, waited), None),
                Due::Silent(waited) => post.report(Verdict::Silent, unanswered(&server, question, waited), None),
            }
        }
        let next = pulse.next(post.now(), post.is_calm());
        let Some(open) = &socket else {
            post.wait(next).await;
            continue;
        };
        tokio::select! {
            biased;
            received = open.receive(&mut buffer) => match received {
                Ok(length) => take(&buffer[..length], &server, question, &mut pulse, &post),
                Err(trouble) => fail(&trouble, &server, &mut pulse, &post),
            },
            () = post.wait(next) => {}
        }
    }
}

async fn ask(socket: &mut Option<Socket>, dns: &Dns, datagram: &[u8]) -> Result<(), Trouble> {
    let open = match socket {
        Some(open) => open,
        None => socket.insert(Socket::open((dns.address, dns.port).into(), dns.source).await?),
    };
    open.send(datagram).await
}

fn fail(trouble: &Trouble, server: &str, pulse: &mut Pulse, post: &Post) {
    let verdict = if matches!(trouble, Trouble::Refused) { Verdict::Refused } else { Verdict::Failed };
    // What was asked of who was refused is not answered.
    pulse.forget();
    post.report(verdict, format!("{server}: {trouble}"), None);
}
