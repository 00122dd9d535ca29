//! TCP and UDP sockets of the node, from /proc/net (proc(5)).

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use protocol::SocketState;

/// All of them; a table that cannot be read is empty.
pub(super) fn all() -> Vec<SocketState> {
    let table = |protocol: &'static str, file: &str| {
        let text = fs::read_to_string(format!("/proc/net/{file}")).unwrap_or_default();
        text.lines().skip(1).filter_map(|line| parse(protocol, line)).collect::<Vec<_>>()
    };
    [("tcp", "tcp"), ("tcp", "tcp6"), ("udp", "udp"), ("udp", "udp6")]
        .into_iter()
        .flat_map(|(protocol, file)| table(protocol, file))
        .collect()
}

fn parse(protocol: &str, line: &str) -> Option<SocketState> {
    let mut fields = line.split_whitespace().skip(1);
    let (local, remote) = (address(fields.next()?)?, address(fields.next()?)?);
    let state = match (protocol, u8::from_str_radix(fields.next()?, 16).ok()?) {
        ("udp", _) if remote.port() == 0 => "BOUND",
        ("udp", _) => "CONNECTED",
        (_, 1) => "ESTABLISHED",
        (_, 2) => "SYN-SENT",
        (_, 3) => "SYN-RECV",
        (_, 6) => "TIME-WAIT",
        (_, 8) => "CLOSE-WAIT",
        (_, 10) => "LISTEN",
        _ => "CLOSING",
    };
    Some(SocketState { protocol: protocol.to_owned(), local, remote, state: state.to_owned() })
}

/// Hexadecimal words in the machine's byte order, each of four octets; then the port.
fn address(text: &str) -> Option<SocketAddr> {
    let (address, port) = text.split_once(':')?;
    let word = |at: usize| u32::from_str_radix(address.get(8 * at..8 * at + 8)?, 16).ok().map(u32::to_ne_bytes);
    let ip = match address.len() {
        8 => IpAddr::from(Ipv4Addr::from(word(0)?)),
        32 => {
            let octets = [word(0)?, word(1)?, word(2)?, word(3)?].concat();
            IpAddr::from(Ipv6Addr::from(<[u8; 16]>::try_from(octets).ok()?))
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, u16::from_str_radix(port, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_is_found_with_its_address() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let client = std::net::UdpSocket::bind("[::1]:0").unwrap();
        let found = all();
        let has = |protocol: &str, local: SocketAddr, state: &str| {
            found.iter().any(|s| s.protocol == protocol && s.local == local && s.state == state)
        };
        assert!(has("tcp", listener.local_addr().unwrap(), "LISTEN"), "{found:?}");
        assert!(has("udp", client.local_addr().unwrap(), "BOUND"), "{found:?}");
    }
}
