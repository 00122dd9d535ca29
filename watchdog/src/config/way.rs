//! Who announces, as it is written: a word, and what else that one needs.

use std::path::PathBuf;

use clap::ValueEnum;
use serde::Deserialize;

use crate::announcer::bird;
use crate::service::{ExabgpDialect, FrrBy, Through};

/// Who announces the routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Word {
    /// ExaBGP, whose helper process this is
    Exabgp,
    /// BIRD, over its control socket
    Bird,
    /// FRR's bgpd, over its terminal socket
    Frr,
    /// A bgpd that is started and killed
    Bgpd,
}

/// All that the ways may need; each needs a part of it.
#[derive(Debug, Default)]
pub(crate) struct Way {
    pub(crate) socket: Option<PathBuf>,
    pub(crate) asn: Option<u32>,
    pub(crate) by: Option<FrrBy>,
    pub(crate) next_hop: Option<String>,
    pub(crate) dialect: Option<ExabgpDialect>,
    pub(crate) start: Option<Vec<String>>,
    pub(crate) process: Option<String>,
}

impl Way {
    /// # Errors
    /// What is missing, or belongs to another way, in words.
    pub(super) fn through(self, word: Word) -> Result<Through, String> {
        use Word::{Bgpd, Bird, Exabgp, Frr};
        for (key, is_there, ways) in [
            ("socket", self.socket.is_some(), &[Bird, Frr][..]),
            ("asn", self.asn.is_some(), &[Frr]),
            ("by", self.by.is_some(), &[Frr]),
            ("next-hop", self.next_hop.is_some(), &[Exabgp]),
            ("dialect", self.dialect.is_some(), &[Exabgp]),
            ("start", self.start.is_some(), &[Bgpd]),
            ("process", self.process.is_some(), &[Bgpd]),
        ] {
            if is_there && !ways.contains(&word) {
                return Err(
                    format!("`{key}` does not go with {}", said(&[word])) + &format!(": expected {}", said(ways))
                );
            }
        }
        let missing = |key: &str| format!("{} needs `{key}`, found none", said(&[word]));
        Ok(match word {
            Exabgp => Through::Exabgp { next_hop: self.next_hop, dialect: self.dialect.unwrap_or_default() },
            Bird => Through::Bird { socket: self.socket.unwrap_or_else(|| "/run/bird/bird.ctl".into()) },
            Frr => Through::Frr {
                socket: self.socket.unwrap_or_else(|| "/run/frr/bgpd.vty".into()),
                asn: self.asn.ok_or_else(|| missing("asn"))?,
                by: self.by.unwrap_or_default(),
            },
            Bgpd => Through::Bgpd {
                start: self.start.filter(|start| !start.is_empty()).ok_or_else(|| missing("start"))?,
                process: self.process.unwrap_or_else(|| "bgpd".to_owned()),
            },
        })
    }
}

fn said(words: &[Word]) -> String {
    let words = words.iter().filter_map(ValueEnum::to_possible_value);
    let words: Vec<String> = words.map(|word| format!("`through = \"{}\"`", word.get_name())).collect();
    words.join(" or ")
}

/// Whether a service may be called so: ExaBGP splits its commands at blanks and takes the third word as the name; within BIRD's
/// quotes it must be safe.
pub(super) fn checked_name(name: &str, word: Word) -> Result<(), String> {
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_graphic()) {
        return Err("expected printable ASCII without blanks, as in the route's `watchdog NAME`".to_owned());
    }
    if word == Word::Bird && !bird::is_name(name) {
        return Err("expected letters, digits and `_-.:` as in BIRD's names".to_owned());
    }
    Ok(())
}
