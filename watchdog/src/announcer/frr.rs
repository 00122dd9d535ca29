//! FRR's bgpd, on the socket on which vtysh talks to it: a command and a NUL there, its output, three NULs and a status back.

use std::io::{self, Read as _, Write as _};
use std::net::IpAddr;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use super::assert::{Dialect, PATIENCE, Refusal};
use crate::machine::Verb;

/// What comes after an output, before the status.
const END: [u8; 3] = [0; 3];

/// FRR's lib/command.h: CMD_SUCCESS, CMD_SUCCESS_DAEMON.
const SUCCESS: [u8; 2] = [0, 10];

pub(super) struct Frr {
    socket: PathBuf,
    asn: u32,
    routes: Vec<String>,
}

impl Frr {
    pub(super) fn new(socket: PathBuf, asn: u32, addresses: &[IpAddr]) -> Self {
        let mut addresses = addresses.to_vec();
        addresses.sort();
        addresses.dedup();
        let route = |address: &IpAddr| match address {
            IpAddr::V4(address) => format!("network {address}/32"),
            IpAddr::V6(address) => format!("network {address}/128"),
        };
        Self { socket, asn, routes: addresses.iter().map(route).collect() }
    }

    /// From the root of the configuration to its end.
    fn commands(&self, verb: Verb) -> Vec<String> {
        let mut commands = vec!["configure terminal".to_owned(), format!("router bgp {}", self.asn)];
        let no = if verb == Verb::Withdraw { "no " } else { "" };
        for (family, v6) in [("ipv4", false), ("ipv6", true)] {
            let routes: Vec<String> = self
                .routes
                .iter()
                .filter(|route| route.contains(':') == v6)
                .map(|route| format!("{no}{route}"))
                .collect();
            if !routes.is_empty() {
                commands.push(format!("address-family {family} unicast"));
                commands.extend(routes);
                commands.push("exit-address-family".to_owned());
            }
        }
        commands.push("end".to_owned());
        commands
    }
}

impl Dialect for Frr {
    const NAME: &'static str = "bgpd";
    type Session = UnixStream;

    fn open(&self) -> io::Result<UnixStream> {
        let mut session = UnixStream::connect(&self.socket)?;
        session.set_read_timeout(Some(PATIENCE))?;
        session.set_write_timeout(Some(PATIENCE))?;
        let (status, said) = ask(&mut session, "enable")?;
        if SUCCESS.contains(&status) {
            return Ok(session);
        }
        Err(io::Error::other(format!("`enable`: status {status}: {}", said.trim())))
    }

    fn assert(&self, session: &mut UnixStream, verb: Verb) -> Result<String, Refusal> {
        let mut refusal = None;
        for command in self.commands(verb) {
            let (status, said) = ask(session, &command)?;
            // What is not there cannot be taken away, and that is as well.
            let absent = command.starts_with("no ") && said.contains("find static route");
            if !SUCCESS.contains(&status) && !absent {
                refusal = refusal.or(Some(format!("`{command}`: status {status}: {}", said.trim())));
                // Not in that part of the configuration: what follows would mean something else.
                if !command.contains("network") {
                    ask(session, "end")?;
                    break;
                }
            }
        }
        match refusal {
            None => Ok(format!("{} networks {}", self.routes.len(), if verb == Verb::Announce { "in" } else { "out" })),
            Some(refusal) => Err(Refusal::Refused(refusal)),
        }
    }

    fn stream(session: &UnixStream) -> &UnixStream {
        session
    }
}

fn ask(session: &mut UnixStream, command: &str) -> io::Result<(u8, String)> {
    session.write_all(format!("{command}\0").as_bytes())?;
    let mut received = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        match session.read(&mut chunk)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            length => received.extend_from_slice(chunk.get(..length).unwrap_or_default()),
        }
        if let Some(reply) = reply(&received) {
            return Ok(reply);
        }
    }
}

/// The status and the output, once both have come.
fn reply(received: &[u8]) -> Option<(u8, String)> {
    let end = received.windows(END.len()).position(|window| window == END)?;
    let status = *received.get(end + END.len())?;
    Some((status, String::from_utf8_lossy(received.get(..end)?).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_whole_with_its_status() {
        assert_eq!(reply(b"% no\n\0\0\0"), None);
        assert_eq!(reply(b"% no\n\0\0\0\x0d"), Some((13, "% no\n".to_owned())));
        assert_eq!(reply(b"\0\0\0\0"), Some((0, String::new())));
    }

    #[test]
    fn each_family_has_its_part() {
        let addresses = ["10.1.53.1", "2001:db8::1", "10.1.53.1"].map(|address| address.parse().unwrap());
        let frr = Frr::new("/run/frr/bgpd.vty".into(), 64601, &addresses);
        let expected = [
            "configure terminal",
            "router bgp 64601",
            "address-family ipv4 unicast",
            "no network 10.1.53.1/32",
            "exit-address-family",
            "address-family ipv6 unicast",
            "no network 2001:db8::1/128",
            "exit-address-family",
            "end",
        ];
        assert_eq!(frr.commands(Verb::Withdraw), expected);
    }
}
