//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// How `tell` is told what to tell.
const GRAMMAR: &str = "\
Commands:
  show                     print what is in force
  reset                    mend everything
  reset BEHAVIOUR          mend this one
  BEHAVIOUR                put it in force, beside the others; it replaces its like (same effect, transport and names)

BEHAVIOUR is EFFECT [SHARE%] [seed N] [udp|tcp] [for NAME ...]

Effects:
  mute                     no answer; connections are still accepted
  drop                     the same, for use with a share: drop 30%
  delay SPAN               answers so much later: delay 200ms
  delay SPAN..SPAN         uniformly between the two: delay 10ms..200ms
  delay exponential SPAN   exponentially distributed, with that mean
  servfail, refuse         SERVFAIL, REFUSED
  nodata, nxdomain         no such record, no such name
  serial N                 the serial in SOA records is N
  serial +N                it is N more at every answer
  truncate                 over UDP: nothing but TC
  no-aa                    the AA bit is never set

SHARE is of the queries that are meant, spread evenly: 50% is every other one. With a seed the same share is drawn at random, and
so are delays; the same seed gives the same series. NAME is one name, or *.NAME for all below it. Where two behaviours
contradict each other, the later one wins.";

/// A name server that misbehaves on command
///
/// Authoritative for zone files, forwards the rest if so configured, and says by NSID (RFC 5001) and id.server CH TXT who it is.
#[derive(Debug, Clone, PartialEq, Eq, Parser)]
#[command(version)]
pub struct Options {
    /// What to do
    #[command(subcommand)]
    pub command: Command,

    /// The Unix socket on which the server is told what to do
    #[arg(long, global = true, value_name = "PATH", default_value = "/run/anycast-hickory.sock")]
    pub socket: PathBuf,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Serve, until SIGTERM or SIGINT
    Serve {
        /// The configuration, in TOML
        #[arg(long, value_name = "PATH", default_value = "/etc/hickory/hickory.toml")]
        config: PathBuf,
    },
    /// Tell the server how to behave; prints what is in force then
    #[command(after_help = GRAMMAR)]
    Tell {
        /// The command, such as `mute udp`
        #[arg(required = true, value_name = "COMMAND")]
        words: Vec<String>,
    },
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
    fn a_command_may_be_quoted_or_not() {
        let words = |args: &[&str]| match Options::parse_from(args).command {
            Command::Tell { words } => words.join(" "),
            Command::Serve { .. } => panic!("{args:?}"),
        };
        assert_eq!(words(&["anycast-hickory", "tell", "mute udp"]), "mute udp");
        assert_eq!(words(&["anycast-hickory", "tell", "serial", "+1000", "udp"]), "serial +1000 udp");
        assert!(Options::try_parse_from(["anycast-hickory", "tell"]).is_err());
    }
}
