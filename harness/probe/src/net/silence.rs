//! A node that is not heard and does not hear: every frame is dropped, at the last place before the wire and the first after it.
//!
//! Addresses, routes and the carrier stay, as when a link is cut beyond the switch.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use protocol::Exit;

use super::name;
use crate::process::{Children, describe, run};

const PATIENCE: Duration = Duration::from_secs(10);

/// The node's links, by network; `eth0` first.
pub(crate) struct Links(pub(crate) Vec<String>);

impl Links {
    /// Drops everything on a network, or on all; `on` false ends that. To say either twice is to say it once.
    ///
    /// # Errors
    /// The node is not on that network.
    pub(crate) fn silence(&self, network: Option<&str>, on: bool) -> anyhow::Result<Silence> {
        let silenced: Vec<usize> = self.positions(network).collect();
        // What is silent on one network, and on all, stays silent there until both are over: each has a table of its own.
        let table = match (network, silenced.first()) {
            (None, _) => "silence".to_owned(),
            (Some(_), Some(&position)) => format!("silence_{}", name(position)),
            (Some(network), None) => bail!("no link to `{network}`; there is: {}", self.0.join(", ")),
        };
        // A table that is not there cannot be deleted: so it is made before.
        let gone = format!("table netdev {table}\ndelete table netdev {table}\n");
        Ok(Silence(if on { gone + &ruleset(&table, &silenced) } else { gone }))
    }

    fn positions<'l>(&'l self, network: Option<&'l str>) -> impl Iterator<Item = usize> + 'l {
        let all = self.0.iter().enumerate();
        all.filter(move |(_, own)| network.is_none_or(|network| *own == network)).map(|(position, _)| position)
    }
}

/// What nft(8) is to do.
pub(crate) struct Silence(String);

impl Silence {
    /// Does it, in one transaction; returns when nft(8) was started, and when it had done it.
    ///
    /// # Errors
    /// nft(8) refused.
    pub(crate) async fn carry_out(self, children: &Children) -> anyhow::Result<(u64, u64)> {
        let ended = run(children, &["nft", "-f", "-"].map(String::from), Some(&self.0), PATIENCE).await;
        let ended = ended.context("nft(8) did not run")?;
        ensure!(
            ended.exit == Exit::Code(0),
            "`nft -f -` {}; it wrote: {}\nhint: frames that leave can be dropped since Linux 5.16 (the netdev family's egress hook)",
            describe(ended.exit),
            ended.text.trim_end()
        );
        Ok((ended.began, ended.at))
    }
}

fn ruleset(table: &str, positions: &[usize]) -> String {
    let mut rules = format!("table netdev {table} {{\n");
    for name in positions.iter().copied().map(name) {
        for hook in ["ingress", "egress"] {
            // Writing to a String cannot fail.
            write!(
                rules,
                "  chain {hook}_{name} {{\n    type filter hook {hook} device \"{name}\" priority -600\n    drop\n  }}\n"
            )
            .ok();
        }
    }
    rules + "}\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links() -> Links {
        Links(vec!["servers".into(), "clients".into()])
    }

    #[test]
    fn both_directions_of_the_network_are_silent() {
        let expected = r#"table netdev silence_eth1
delete table netdev silence_eth1
table netdev silence_eth1 {
  chain ingress_eth1 {
    type filter hook ingress device "eth1" priority -600
    drop
  }
  chain egress_eth1 {
    type filter hook egress device "eth1" priority -600
    drop
  }
}
"#;
        assert_eq!(links().silence(Some("clients"), true).unwrap().0, expected);
        assert_eq!(links().silence(None, true).unwrap().0.matches("drop").count(), 4);
        assert_eq!(links().silence(None, false).unwrap().0, "table netdev silence\ndelete table netdev silence\n");
    }

    #[test]
    fn a_link_that_is_not_there_is_not_cut() {
        let error = links().silence(Some("server"), true).err().unwrap().to_string();
        assert_eq!(error, "no link to `server`; there is: servers, clients");
    }
}
