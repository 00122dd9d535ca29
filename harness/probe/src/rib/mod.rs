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
use crate::observer;
use crate::report::Reporter;

/// A daemon that is stopped or hangs has no answer.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often it is asked when nothing happens.
const BEAT: Duration = Duration::from_secs(1);
/// Milliseconds after the last event at which it is asked; each twice the one before.
const LAST_LOOK: u64 = 256;

/// Reports a daemon's answers from now on.
pub(crate) fn observe(control: ControlSocket, reporter: &Reporter) {
    let (ControlSocket::Bird { daemon, .. } | ControlSocket::Frr { daemon, .. }) = &control;
    let daemon = daemon.clone();
    let client = Client { control, connection: None };
    observer::attend(format!("rib {daemon}"), reporter, run(daemon, client, reporter.clone()));
}

async fn run(daemon: String, mut client: Client, reporter: Reporter) -> Infallible {
    let mut stirred = reporter.stirred();
    let mut known = String::new();
    let mut since = Instant::now();
    let mut look = 0;
    loop {
        let text = client.ask().await;
        if text != known {
            reporter.report(Observation::Rib { daemon: daemon.clone(), text: text.clone() });
            known = text;
        }
        let due = next_look(&mut look).map_or_else(|| Instant::now() + BEAT, |after| since + after);
        // The reporter outlives this task, and so does its sender: an error cannot be.
        if let Ok(Ok(())) = timeout_at(due, stirred.changed()).await {
            (since, look) = (Instant::now(), 0);
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
}

impl Client {
    /// The answer; empty when there is none.
    async fn ask(&mut self) -> String {
        // A connection may be that of a process that has ended: its successor is asked on a new one.
        if let Some(mut connection) = self.connection.take() {
            match timeout(PATIENCE, connection.ask(&self.control)).await {
                Ok(Ok(text)) => {
                    self.connection = Some(connection);
                    return text;
                }
                Ok(Err(_)) => {}
                Err(_) => return String::new(),
            }
        }
        let fresh = async {
            let mut connection = Connection::open(&self.control).await?;
            let text = connection.ask(&self.control).await?;
            std::io::Result::Ok((connection, text))
        };
        match timeout(PATIENCE, fresh).await {
            Ok(Ok((connection, text))) => {
                self.connection = Some(connection);
                text
            }
            Ok(Err(_)) | Err(_) => String::new(),
        }
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
        let mut client = Client { control, connection: None };
        let began = Instant::now();
        assert_eq!(client.ask().await, "");
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
        assert_eq!(client.ask().await, "routes");
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
