//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, ValueEnum};

use crate::announcer::bird;
use crate::duration;

/// Checks name servers and has ExaBGP, BIRD or FRR announce their anycast routes while all of them answer
///
/// Each target passes when it accepts a TCP connection and answers an SOA query over UDP. Decisions and their
/// reasons go to stderr.
///
/// ExaBGP (4.2, 5) starts it as a helper process with the text encoder. The routes are those marked
/// `watchdog NAME withdraw` in ExaBGP's static section.
///
/// BIRD (2.0 to 3.1): the routes are those of all protocols whose names begin with NAME; they are enabled and
/// disabled over the control socket. In bird.conf they begin `disabled`.
///
/// FRR (8.4 to 10.3): the routes are the targets' addresses, as `network` statements in `router bgp ASN`, set over
/// bgpd's terminal socket. They are not in frr.conf.
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

    /// Who announces the routes
    #[arg(long, value_enum, default_value_t = Through::Exabgp)]
    pub through: Through,

    /// The socket of BIRD [default: /run/bird/bird.ctl] or of FRR's bgpd [default: /run/frr/bgpd.vty]
    #[arg(long, value_name = "PATH")]
    pub socket: Option<PathBuf>,

    /// The AS number in FRR's `router bgp ASN`
    #[arg(long, required_if_eq("through", "frr"), value_parser = clap::value_parser!(u32).range(1..))]
    pub asn: Option<u32>,

    /// The watchdog name that ExaBGP's routes carry; what the names of BIRD's protocols begin with
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

/// Who announces the routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Through {
    /// ExaBGP, whose helper process this is
    Exabgp,
    /// BIRD, over its control socket
    Bird,
    /// FRR's bgpd, over its terminal socket
    Frr,
}

impl Options {
    /// The command line, with what clap cannot know: which options go together. Ends the process on a mistake.
    #[must_use]
    pub fn from_command_line() -> Self {
        Self::parse().checked().unwrap_or_else(|error| error.exit())
    }

    /// The socket to speak through.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        let default = if self.through == Through::Frr { "/run/frr/bgpd.vty" } else { "/run/bird/bird.ctl" };
        self.socket.clone().unwrap_or_else(|| default.into())
    }

    fn checked(self) -> Result<Self, clap::Error> {
        let mistake = |kind, text: String| Err(Self::command().error(kind, text));
        if self.socket.is_some() && self.through == Through::Exabgp {
            return mistake(ErrorKind::ArgumentConflict, "--socket needs --through bird or --through frr".to_owned());
        }
        if self.asn.is_some() && self.through != Through::Frr {
            return mistake(ErrorKind::ArgumentConflict, "--asn needs --through frr".to_owned());
        }
        if self.through == Through::Bird && !bird::is_name(&self.name) {
            let text = format!("--name: expected letters, digits and `_-.:` as in BIRD's names, found `{}`", self.name);
            return mistake(ErrorKind::ValueValidation, text);
        }
        Ok(self)
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
    }

    #[test]
    fn options_that_do_not_go_together_are_refused() {
        let checked = |line: &str| Options::try_parse_from(line.split(' ')).and_then(Options::checked);
        for wrong in
            ["x --socket /s", "x --asn 1", "x --through bird --asn 1", "x --through frr", "x --through frr --asn 0"]
        {
            assert!(checked(wrong).is_err(), "{wrong}");
        }
        assert!(checked("x --through bird --name any*").is_err());
        assert!(checked("x --name any*").is_ok());
        let socket = |line| checked(line).unwrap().socket();
        assert_eq!(socket("x --through bird").to_str(), Some("/run/bird/bird.ctl"));
        assert_eq!(socket("x --through frr --asn 65001").to_str(), Some("/run/frr/bgpd.vty"));
        assert_eq!(socket("x --through frr --asn 65001 --socket /s").to_str(), Some("/s"));
    }
}
