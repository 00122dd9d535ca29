//! BIRD's control socket: a line there, a reply of lines with four-digit codes back (BIRD programmer's manual, CLI).

use std::io::{Error, ErrorKind, Result};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

/// The code of the greeting.
const WELCOME: &[u8] = b"0001";

/// A connection past its greeting.
pub(crate) struct Connection {
    socket: UnixStream,
    received: Vec<u8>,
}

impl Connection {
    /// Connects, and takes the greeting.
    pub(crate) async fn open(path: &str) -> Result<Self> {
        let socket = UnixStream::connect(path).await?;
        let mut connection = Self { socket, received: Vec::new() };
        let greeting = connection.reply().await?;
        if !greeting.starts_with(WELCOME) {
            return Err(Error::new(ErrorKind::InvalidData, "this is not BIRD"));
        }
        Ok(connection)
    }

    /// The reply to a command, with its codes.
    pub(crate) async fn ask(&mut self, command: &str) -> Result<String> {
        self.socket.write_all(format!("{command}\n").as_bytes()).await?;
        Ok(String::from_utf8_lossy(&self.reply().await?).into_owned())
    }

    async fn reply(&mut self) -> Result<Vec<u8>> {
        loop {
            if let Some(end) = reply_end(&self.received) {
                return Ok(self.received.drain(..end).collect());
            }
            if self.socket.read_buf(&mut self.received).await? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

/// The names of the protocols that write to a kernel's table, out of the reply to `show protocols`:
///
/// ```text
/// 2002-Name       Proto      Table      State  Since         Info
/// 1002-kernel1    Kernel     master4    up     06:22:01.123
///  kernel2    Kernel     master6    up     06:22:01.123
/// ```
pub(crate) fn kernels(reply: &str) -> Vec<&str> {
    let kernel = |line| {
        let line: &str = line;
        let text = line.strip_prefix("1002-").unwrap_or(line);
        let mut words = text.split_whitespace();
        let (name, kind) = (words.next()?, words.next()?);
        (kind == "Kernel").then_some(name)
    };
    reply.lines().filter_map(kernel).collect()
}

/// Where the first reply ends: after the line whose code is followed by a blank, not by `-`.
fn reply_end(received: &[u8]) -> Option<usize> {
    let mut end = 0;
    received.split_inclusive(|&octet| octet == b'\n').find_map(|line| {
        end += line.len();
        is_last(line).then_some(end)
    })
}

fn is_last(line: &[u8]) -> bool {
    line.ends_with(b"\n") && line.iter().take(4).all(u8::is_ascii_digit) && line.get(4) == Some(&b' ')
}

#[cfg(test)]
mod tests {
    use tokio::net::UnixListener;

    use super::*;

    #[test]
    fn a_reply_ends_at_a_code_and_a_blank() {
        let routes =
            b"1007-Table master4:\n 10.1.53.1/32  unicast [ns1 12:00:00.000] * (100) [AS65001i]\n\tvia 10.0.0.2\n";
        assert_eq!(reply_end(routes), None);
        let whole = [routes, b"0000 \n".as_slice()].concat();
        assert_eq!(reply_end(&whole), Some(whole.len()));
        assert_eq!(reply_end(&[&whole, b"0001 next".as_slice()].concat()), Some(whole.len()));
        // A continuation that looks like a code, and an end that is cut off.
        assert_eq!(reply_end(b" 0000 \n0000"), None);
        assert_eq!(reply_end(b"0000 "), None);
        assert_eq!(reply_end(b"8001 Network not found\n"), Some(23));
    }

    #[test]
    fn kernels_are_found_among_the_protocols() {
        let reply = "2002-Name       Proto      Table      State  Since         Info\n\
            1002-device1    Device     ---        up     06:22:01.123  \n \
            kernel1    Kernel     master4    up     06:22:01.123  \n \
            to_fib     Kernel     master6    up     06:22:01.123  \n \
            ns1        BGP        ---        up     06:22:01.123  Established   \n\
            0000 \n";
        assert_eq!(kernels(reply), ["kernel1", "to_fib"]);
        assert_eq!(kernels("0000 \n"), <[&str; 0]>::default());
    }

    #[tokio::test]
    async fn replies_come_in_turn_on_one_connection() {
        let path = std::env::temp_dir().join(format!("anycast-lab-bird-{}", std::process::id()));
        let listener = UnixListener::bind(&path).unwrap();
        let server = tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            socket.write_all(b"0001 BIRD 2.0.12 ready.\n").await.unwrap();
            for reply in ["0000 \n", "1007-Table master4:\n 10.0.0.0/8\n0000 \n"] {
                let mut command = [0; 11];
                socket.read_exact(&mut command).await.unwrap();
                assert_eq!(&command, b"show route\n");
                for octet in reply.bytes() {
                    socket.write_all(&[octet]).await.unwrap();
                }
            }
        });
        let mut connection = Connection::open(path.to_str().unwrap()).await.unwrap();
        assert_eq!(connection.ask("show route").await.unwrap(), "0000 \n");
        assert_eq!(connection.ask("show route").await.unwrap(), "1007-Table master4:\n 10.0.0.0/8\n0000 \n");
        server.await.unwrap();
        assert!(connection.ask("show route").await.is_err());
        std::fs::remove_file(path).unwrap();
    }

    proptest::proptest! {
        /// Wherever a reply is cut, its end is found where it is, and never before.
        #[test]
        fn the_end_of_a_reply_is_found_at_any_cut(lines in proptest::collection::vec("[ 0-9a-z-]{0,12}", 0..12), cut in 0_usize..200) {
            let body: String = lines.iter().map(|line| format!(" {line}\n")).collect();
            let reply = format!("1007-Table\n{body}0000 \n");
            let cut = cut.min(reply.len());
            let found = reply_end(&reply.as_bytes()[..cut]);
            proptest::prop_assert_eq!(found, (cut == reply.len()).then_some(reply.len()));
        }

        #[test]
        fn no_reply_panics(octets in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
            let end = reply_end(&octets);
            proptest::prop_assert!(end.is_none_or(|end| end <= octets.len()));
            proptest::prop_assert!(kernels(&String::from_utf8_lossy(&octets)).len() <= octets.len());
        }
    }
}
