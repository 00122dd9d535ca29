//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

use crate::config::{Way, Word};
use crate::duration;
use crate::operate::office;
use crate::service::Judging;

/// Checks name servers and has ExaBGP, BIRD or FRR announce their anycast routes while all of them answer
///
/// Each target passes while it answers SOA queries over UDP and TCP. Decisions and their reasons go to stderr.
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
/// SIGHUP reads the configuration again.
///
/// Exit codes: 0 after SIGTERM, SIGINT, or the end of ExaBGP; 1 when commands no longer reach
/// ExaBGP; 2 for a mistake in the options or in the configuration file; 101 for a bug. All of them withdraw first,
/// except for a mistake in the options.
#[derive(Debug, Clone, Parser)]
pub struct Options {
    /// The configuration: TOML when its name ends in `.toml`, else one `address:domain` a line; blank lines and lines beginning
    /// with `#` are skipped [default: /etc/anycast-watchdog.toml if it is there, else /etc/nameserver_watchdog.conf]
    #[arg(long, value_name = "PATH")]
    pub conf: Option<PathBuf>,

    /// Who announces the routes
    #[arg(long, value_enum, default_value_t = Word::Exabgp)]
    pub through: Word,

    /// The socket of BIRD [default: /run/bird/bird.ctl] or of FRR's bgpd [default: /run/frr/bgpd.vty]
    #[arg(long, value_name = "PATH")]
    pub socket: Option<PathBuf>,

    /// The AS number in FRR's `router bgp ASN`
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub asn: Option<u32>,

    /// The watchdog name that ExaBGP's routes carry; what the names of BIRD's protocols begin with
    #[arg(long, default_value = "anycastdns")]
    pub name: String,

    /// Time from one question to the next while all is well [default: 200ms]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub interval: Option<Duration>,

    /// The same while the routes are withdrawn, or checks begin to fail [default: 50ms]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub fast_interval: Option<Duration>,

    /// No answer at all for so long is a failure; it grows with the server's own latency, up to eight times [default: 250ms]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub timeout: Option<Duration>,

    /// Passes in a row of every check before announcing [default: 1]
    #[arg(long, value_name = "TIMES", value_parser = clap::value_parser!(u32).range(1..))]
    pub rise: Option<u32>,

    /// Bad answers in a row before withdrawing; a refused TCP connection withdraws at once [default: 3]
    #[arg(long, value_name = "TIMES", value_parser = clap::value_parser!(u32).range(1..))]
    pub fall: Option<u32>,

    /// The name servers' port, TCP and UDP
    #[arg(long, default_value_t = 53, value_parser = clap::value_parser!(u16).range(1..))]
    pub port: u16,

    /// What operators can ask for.
    #[command(flatten)]
    pub office: office::Options,

    /// Watch in this process, without one more that replaces it when it hangs or dies
    #[arg(long)]
    pub no_lease: bool,

    /// exabgp healthcheck's flags, in whose stead the program was called; then nothing else counts.
    #[arg(skip)]
    pub healthcheck: Option<Vec<String>>,
}

impl Options {
    /// For a program that is called as exabgp's healthcheck is.
    #[must_use]
    pub fn of_healthcheck(flags: &[String]) -> Self {
        Self { healthcheck: Some(flags.to_vec()), ..Self::parse_from(["anycast-watchdog"]) }
    }

    /// The first option that speaks of what a TOML file says itself.
    pub(crate) fn given_for_lines(&self) -> Option<&'static str> {
        let given = [
            ("--socket", self.socket.is_some()),
            ("--asn", self.asn.is_some()),
            ("--interval", self.interval.is_some()),
            ("--fast-interval", self.fast_interval.is_some()),
            ("--timeout", self.timeout.is_some()),
            ("--rise", self.rise.is_some()),
            ("--fall", self.fall.is_some()),
        ];
        given.into_iter().find_map(|(option, is_given)| is_given.then_some(option))
    }

    pub(crate) fn way(&self) -> Way {
        Way { socket: self.socket.clone(), asn: self.asn, ..Way::default() }
    }

    /// When outcomes count.
    pub(crate) fn judging(&self) -> Judging {
        let default = Judging::default();
        Judging {
            interval: self.interval.unwrap_or(default.interval),
            fast_interval: self.fast_interval.unwrap_or(default.fast_interval),
            timeout: self.timeout.unwrap_or(default.timeout),
            rise: self.rise.unwrap_or(default.rise),
            fall: self.fall.unwrap_or(default.fall),
            ..default
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Options::command().debug_assert();
    }

    #[test]
    fn what_counts_from_one_is_not_zero() {
        assert!(Options::try_parse_from(["anycast-watchdog", "--rise", "0"]).is_err());
        assert!(Options::try_parse_from(["anycast-watchdog", "--asn", "0"]).is_err());
    }
}
