//! The node hears only the lab: frames from any other hardware address are dropped where they come in.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::ensure;
use protocol::{Exit, MAC_PREFIX};

use super::name;
use crate::process::{Children, describe, run};

const PATIENCE: Duration = Duration::from_secs(10);

/// Puts a filter on each of the node's interfaces.
pub(crate) async fn isolate(children: &Children, interfaces: usize) -> anyhow::Result<()> {
    if interfaces == 0 {
        return Ok(());
    }
    let rules = ruleset(interfaces);
    let ended = run(children, &["nft", "-f", "-"].map(String::from), Some(&rules), PATIENCE).await?;
    ensure!(
        ended.exit == Exit::Code(0),
        "`nft -f -` {} on the rules that isolate the node; it wrote: {}",
        describe(ended.exit),
        ended.text.trim_end()
    );
    Ok(())
}

fn ruleset(interfaces: usize) -> String {
    let [a, b] = MAC_PREFIX;
    let mut rules = String::from("table netdev anycast_lab {\n");
    for name in (0..interfaces).map(name) {
        // Writing to a String cannot fail.
        write!(
            rules,
            "  chain {name} {{\n    type filter hook ingress device \"{name}\" priority -500\n    \
             ether saddr & ff:ff:00:00:00:00 != {a:02x}:{b:02x}:00:00:00:00 drop\n  }}\n"
        )
        .ok();
    }
    rules + "}\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_interface_has_a_chain() {
        let expected = r#"table netdev anycast_lab {
  chain eth0 {
    type filter hook ingress device "eth0" priority -500
    ether saddr & ff:ff:00:00:00:00 != ae:53:00:00:00:00 drop
  }
  chain eth1 {
    type filter hook ingress device "eth1" priority -500
    ether saddr & ff:ff:00:00:00:00 != ae:53:00:00:00:00 drop
  }
}
"#;
        assert_eq!(ruleset(2), expected);
    }
}
