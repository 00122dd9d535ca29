//! What routing daemons say on their control sockets. They announce no changes, so they are asked after every event that
//! may have caused one, and again while it may still be at work inside them.

mod bird;
mod dialect;
mod frr;

use std::convert::Infallible;
use std::time::Duration;

use protocol::{ControlSocket, Observation};
use tokio::time::{Instant, timeout, timeout_at};

use self::dialect::Connection;
use crate::mark::{Pass, Stage};
use crate::report::Reporter;
use crate::{clock, observer};

/// A daemon that is stopped or hangs has no answer.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often it is asked when nothing happens.
const BEAT: Duration = Duration::from_secs(1);
/// Milliseconds after the last event at which it is asked; each twice the one before.
const LAST_LOOK: u64 = 256;

/// How long it is left alone after an answer, as a multiple of the time that the answer took: so questions take a tenth of its time at
/// most, and there is never more than one.
const SHARE: u32 = 9;
/// How long a daemon that had no answer the last time is waited for by a mark.
const MARK_PATIENCE: Duration = Duration::from_millis(100);

/// Reports a daemon's answers from now on.
pub(crate) fn observe(control: ControlSocket, reporter: &Reporter) {
    let (ControlSocket::Bird { daemon, .. } | ControlSocket::Frr { daemon, .. }) = &control;
    let daemon = daemon.clone();
    let client = Client { control, connection: None, hangs: false };
    observer::attend(format!("rib {daemon}"), reporter, run(daemon, client, reporter.clone()));
}

async fn run(daemon: String, mut client: Client, reporter: Reporter) -> Infallible {
    let mut stirred = reporter.stirred();
    let mut marks = reporter.marks().join(Stage::Daemons, format!("rib {daemon}"));
    let mut known = String::new();
    // An answer is true of some moment between the question and its reading. So what differs from the answer before has
    // changed since that one was asked for, at the earliest.
    let mut asked = clock::monotonic();
    let mut last = Instant::now();
    let mut look = 0;
    let mut passing: Vec<Pass> = Vec::new();
    loop {
        let asking = clock::monotonic();
        let text = client.ask(if passing.is_empty() { PATIENCE } else { client.patience() }).await;
        let took = Duration::from_nanos(clock::monotonic().saturating_sub(asking));
        if text != known {
            let saw = Observation::Rib { daemon: daemon.clone(), text: text.clone() };
            reporter.report_between(Some(asked), clock::monotonic(), saw);
            known = text;
        }
        asked = asking;
        passing.clear();
        let due = next_look(&mut look).map_or_else(|| Instant::now() + BEAT, |after| last + after);
        // A large table takes long to tell: the daemon has most of its time for itself.
        let rested = Instant::now() + took * SHARE;
        let event = async {
            tokio::select! {
                biased;
                pass = marks.next() => Some(pass),
                // The reporter outlives this task, and so does its sender: an error cannot be.
                _ = stirred.changed() => None,
            }
        };
        match timeout_at(due.max(rested), event).await {
            Ok(Some(pass)) => {
                passing.push(pass);
                passing.extend(std::iter::from_fn(|| marks.try_next()));
            }
            Ok(None) => {
                (last, look) = (Instant::now(), 0);
                // Marks do not wait for the rest.
                if let Ok(pass) = timeout_at(rested, marks.next()).await {
                    passing.push(pass);
                }
            }
            Err(_) => {}
        }
    }
}

/// How long after the last event to ask again, while it may still be at work.
fn next_look(look: &mut u64) -> Option<Duration> {
    *look = if *look == 0 { 1 } else { *look * 2 };
    (*look <= LAST_LOOK).then(|| Duration::from_millis(*look)).or_else(|| {
        *look = LAST_LOOK;
        None
    })
}

struct Client {
    control: ControlSocket,
    connection: Option<Connection>,
    /// The last question had no answer in its time.
    hangs: bool,
}

impl Client {
    /// How long a mark waits for the answer.
    fn patience(&self) -> Duration {
        if self.hangs { MARK_PATIENCE } else { PATIENCE }
    }

    /// The answer; empty when there is none within `patience`.
    async fn ask(&mut self, patience: Duration) -> String {
        let answer = timeout(patience, self.exchange()).await;
        self.hangs = answer.is_err();
        answer.ok().and_then(Result::ok).unwrap_or_default()
    }

    async fn exchange(&mut self) -> std::io::Result<String> {
        // A connection may be that of a process that has ended: its successor is asked on a new one.
        if let Some(mut connection) = self.connection.take()
            && let Ok(text) = connection.ask(&self.control).await
        {
            self.connection = Some(connection);
            return Ok(text);
        }
        let mut connection = Connection::open(&self.control).await?;
        let text = connection.ask(&self.control).await?;
        self.connection = Some(connection);
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::UnixListener;

    use super::*;

    /// A stopped daemon's socket takes connections, and nobody reads them.
    #[tokio::test]
    async fn a_stopped_daemon_has_no_answer_and_has_one_when_it_goes_on() {
        let path = std::env::temp_dir().join(format!("anycast-lab-stopped-{}", std::process::id()));
        let listener = UnixListener::bind(&path).unwrap();
        let control = ControlSocket::Frr {
            daemon: "bgpd".into(),
            path: path.display().to_string(),
            commands: vec!["show".into()],
        };
        let mut client = Client { control, connection: None, hangs: false };
        let began = Instant::now();
        assert_eq!(client.ask(PATIENCE).await, "");
        assert_eq!(client.patience(), MARK_PATIENCE);
        assert!((PATIENCE..2 * PATIENCE).contains(&began.elapsed()), "{:?}", began.elapsed());

        tokio::spawn(async move {
            loop {
                let (mut socket, _) = listener.accept().await.unwrap();
                let mut command = [0; 5];
                // Who asked while nobody read has given up.
                if socket.read_exact(&mut command).await.is_ok() {
                    socket.write_all(b"routes\0\0\0\0").await.ok();
                }
            }
        });
        assert_eq!(client.ask(PATIENCE).await, "routes");
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn it_looks_again_after_twice_the_time_and_then_at_the_beat() {
        let mut look = 0;
        let looks: Vec<_> = (0..11).map(|_| next_look(&mut look).map(|after| after.as_millis())).collect();
        let expected = [1, 2, 4, 8, 16, 32, 64, 128, 256].map(Some);
        assert_eq!(looks[..9], expected);
        assert_eq!(looks[9..], [None, None]);
    }
}
