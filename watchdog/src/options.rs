//! The command line.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

use crate::announcer::Way;
use crate::duration;

/// Checks name servers and has the BGP speaker announce their anycast routes while all of them answer
///
/// ExaBGP (4.2, 5) starts it as a helper process with the text encoder: the routes are those marked
/// `watchdog NAME withdraw` in its static section. BIRD (2, 3): the protocols whose names begin with NAME, and that start
/// `disabled`. FRR (8, 10): `network` statements for the targets' addresses. Each target passes when it accepts a TCP connection
/// and answers an SOA query over UDP. Decisions and their reasons go to stderr.
///
/// Durations are a number with its unit, `ms` or `s`: 500ms, 2s, 1.5s.
///
/// Exit codes: 0 after SIGTERM, SIGINT, SIGHUP, or the end of ExaBGP; 1 when commands no longer reach
/// ExaBGP; 2 for a mistake in the options or in the configuration file; 101 for a bug. All of them withdraw first,
/// except for a mistake in the options.
#[derive(Debug, Clone, Parser)]
#[command(version)]
pub struct Options {
    /// The targets, one `address:domain` a line; blank lines and lines beginning with `#` are skipped
    #[arg(long, value_name = "PATH", default_value = "/etc/nameserver_watchdog.conf")]
    pub conf: PathBuf,

    /// The speaker
    #[arg(long, value_enum, default_value_t = Through::Exabgp)]
    pub through: Through,

    /// The speaker's socket: BIRD's control socket, or bgpd's for vtysh
    #[arg(long, value_name = "PATH")]
    pub socket: Option<PathBuf>,

    /// FRR's own AS number
    #[arg(long, required_if_eq("through", "frr"))]
    pub asn: Option<u32>,

    /// The watchdog name that ExaBGP's routes carry, or that the names of BIRD's protocols begin with
    #[arg(long, default_value = "anycastdns", value_parser = watchdog_name)]
    pub name: String,

    /// Time from one round of checks to the next while all is well
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = duration::parse)]
    pub interval: Duration,

    /// Time from one round of checks to the next while the routes are withdrawn, or checks begin to fail
    #[arg(long, value_name = "DURATION", default_value = "100ms", value_parser = duration::parse)]
    pub fast_interval: Duration,

    /// Limit for one check of one target: TCP connect and SOA lookup together
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = duration::parse)]
    pub timeout: Duration,

    /// Healthy rounds in a row before announcing
    #[arg(long, value_name = "ROUNDS", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub rise: u32,

    /// Failed rounds in a row before withdrawing; a refused TCP connection withdraws at once
    #[arg(long, value_name = "ROUNDS", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub fall: u32,

    /// The name servers' port, TCP and UDP
    #[arg(long, default_value_t = 53, value_parser = clap::value_parser!(u16).range(1..))]
    pub port: u16,
}

/// A BGP speaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Through {
    /// ExaBGP, which starts us
    Exabgp,
    /// BIRD, by its control socket
    Bird,
    /// FRR, by bgpd's socket
    Frr,
}

impl Options {
    /// The way to the speaker that announces these addresses.
    #[must_use]
    pub fn way(&self, addresses: Vec<IpAddr>) -> Way {
        let socket = |default: &str| self.socket.clone().unwrap_or_else(|| default.into());
        match self.through {
            Through::Exabgp => Way::Exabgp,
            Through::Bird => Way::Bird { socket: socket("/run/bird/bird.ctl") },
            Through::Frr => {
                Way::Frr { socket: socket("/run/frr/bgpd.vty"), asn: self.asn.unwrap_or_default(), addresses }
            }
        }
    }
}

/// ExaBGP splits its commands at blanks and takes the third word as the name.
fn watchdog_name(text: &str) -> Result<String, String> {
    if !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic()) {
        return Ok(text.to_owned());
    }
    Err("expected printable ASCII without blanks, as in the route's `watchdog NAME`".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        Options::command().debug_assert();
    }

    #[test]
    fn defaults() {
        let options = Options::parse_from(["anycast-watchdog"]);
        insta::assert_debug_snapshot!(options, @r#"
        Options {
            conf: "/etc/nameserver_watchdog.conf",
            through: Exabgp,
            socket: None,
            asn: None,
            name: "anycastdns",
            interval: 1s,
            fast_interval: 100ms,
            timeout: 1s,
            rise: 1,
            fall: 1,
            port: 53,
        }
        "#);
    }

    #[test]
    fn a_name_with_a_blank_is_refused() {
        assert!(Options::try_parse_from(["anycast-watchdog", "--name", "any cast"]).is_err());
        assert!(Options::try_parse_from(["anycast-watchdog", "--name", ""]).is_err());
        assert!(Options::try_parse_from(["anycast-watchdog", "--rise", "0"]).is_err());
        assert!(Options::try_parse_from(["anycast-watchdog", "--through", "frr"]).is_err(), "FRR needs --asn");
    }
}
