//! A node that is not heard and does not hear: every frame is dropped, at the last place before the wire and the first after it.
//!
//! Addresses, routes and the carrier stay, as when a link is cut beyond the switch.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use protocol::Exit;

use super::name;
use crate::process::{Children, describe, run};

const PATIENCE: Duration = Duration::from_secs(10);

/// The node's links, by network; `eth0` first.
pub(crate) struct Links(pub(crate) Vec<String>);

impl Links {
    /// Drops everything on a network, or on all; `on` false ends that.
    ///
    /// # Errors
    /// The node is not on that network, or nft(8) refused.
    pub(crate) fn silence(&self, network: Option<&str>, on: bool) -> anyhow::Result<Silence> {
        let silenced: Vec<usize> = self.positions(network).collect();
        if let Some(network) = network {
            ensure!(!silenced.is_empty(), "no link to `{network}`; there is: {}", self.0.join(", "));
        }
        let table = format!("silence_{}", network.unwrap_or("all"));
        Ok(Silence(if on { ruleset(&table, &silenced) } else { format!("delete table netdev {table}\n") }))
    }

    fn positions<'l>(&'l self, network: Option<&'l str>) -> impl Iterator<Item = usize> + 'l {
        let all = self.0.iter().enumerate();
        all.filter(move |(_, own)| network.is_none_or(|network| *own == network)).map(|(position, _)| position)
    }
}

/// What nft(8) is to do.
pub(crate) struct Silence(String);

impl Silence {
    /// Does it, in one transaction.
    pub(crate) async fn carry_out(self, children: &Children) -> anyhow::Result<()> {
        let ended = run(children, &["nft", "-f", "-"].map(String::from), Some(&self.0), PATIENCE).await;
        let ended = ended.context("nft(8) did not run")?;
        ensure!(
            ended.exit == Exit::Code(0),
            "`nft -f -` {}; it wrote: {}",
            describe(ended.exit),
            ended.text.trim_end()
        );
        Ok(())
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
        let expected = r#"table netdev silence_clients {
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
        assert_eq!(links().silence(None, false).unwrap().0, "delete table netdev silence_all\n");
    }

    #[test]
    fn a_link_that_is_not_there_is_not_cut() {
        let error = links().silence(Some("server"), true).err().unwrap().to_string();
        assert_eq!(error, "no link to `server`; there is: servers, clients");
    }
}
