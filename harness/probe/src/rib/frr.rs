//! The socket on which vtysh talks to FRR's daemons: a command and a NUL there, its output, three NULs and a status back.

use std::io::{ErrorKind, Result};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

/// What comes after an output, before the octet that says how the command went.
const END: &[u8] = &[0, 0, 0];

/// A connection; there is no greeting.
pub(crate) struct Connection {
    socket: UnixStream,
    received: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(path: &str) -> Result<Self> {
        Ok(Self { socket: UnixStream::connect(path).await?, received: Vec::new() })
    }

    /// The output of a command; one that fails says why.
    pub(crate) async fn ask(&mut self, command: &str) -> Result<String> {
        self.socket.write_all(format!("{command}\0").as_bytes()).await?;
        loop {
            if let Some(end) = reply_end(&self.received) {
                let reply: Vec<u8> = self.received.drain(..end + END.len() + 1).take(end).collect();
                return Ok(String::from_utf8_lossy(&reply).into_owned());
            }
            if self.socket.read_buf(&mut self.received).await? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

/// Where the first output ends, once the status behind it has come too.
fn reply_end(received: &[u8]) -> Option<usize> {
    let end = received.windows(END.len()).position(|window| window == END)?;
    (received.len() > end + END.len()).then_some(end)
}

#[cfg(test)]
mod tests {
    use tokio::net::UnixListener;

    use super::*;

    #[test]
    fn a_reply_ends_after_its_status() {
        assert_eq!(reply_end(b"{}\n\0\0"), None);
        assert_eq!(reply_end(b"{}\n\0\0\0"), None);
        assert_eq!(reply_end(b"{}\n\0\0\0\0"), Some(3));
        assert_eq!(reply_end(b"% no\n\0\0\0\x01{}\0\0\0\0"), Some(5));
        assert_eq!(reply_end(b"\0\0\0\0"), Some(0));
    }

    #[tokio::test]
    async fn replies_come_in_turn_on_one_connection() {
        let path = std::env::temp_dir().join(format!("anycast-lab-frr-{}", std::process::id()));
        let listener = UnixListener::bind(&path).unwrap();
        let server = tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            for reply in [b"{\"a\":1}\0\0\0\0".as_slice(), b"% no\0\0\0\x01"] {
                let mut command = [0; 5];
                socket.read_exact(&mut command).await.unwrap();
                assert_eq!(&command, b"show\0");
                for octet in reply {
                    socket.write_all(&[*octet]).await.unwrap();
                }
            }
        });
        let mut connection = Connection::open(path.to_str().unwrap()).await.unwrap();
        assert_eq!(connection.ask("show").await.unwrap(), "{\"a\":1}");
        assert_eq!(connection.ask("show").await.unwrap(), "% no");
        server.await.unwrap();
        assert!(connection.ask("show").await.is_err());
        std::fs::remove_file(path).unwrap();
    }

    proptest::proptest! {
        #[test]
        fn the_end_of_a_reply_is_found_at_any_cut(text in "[a-z{}\n]{0,40}", status in proptest::prelude::any::<u8>(), cut in 0_usize..60) {
            let reply = [text.as_bytes(), END, &[status]].concat();
            let cut = cut.min(reply.len());
            proptest::prop_assert_eq!(reply_end(&reply[..cut]), (cut == reply.len()).then_some(text.len()));
        }
    }
}
