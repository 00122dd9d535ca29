//! The guard's rules, as nft(8) commands.

use anyhow::ensure;

/// Nothing that a node sends may reach the host, whatever its destination.
///
/// The hook is on the bridge itself: frames from port to port do not pass it.
pub(super) fn from_bridge(table: &str, bridge: &str) -> String {
    base_chain(table, "from", bridge, "ingress", "drop")
}

/// Nothing that the host sends may reach a node.
pub(super) fn to_bridge(table: &str, bridge: &str) -> String {
    base_chain(table, "to", bridge, "egress", "drop")
}

/// Frames to the link-local group addresses (IEEE 802.1D, table 7-10): a bridge does not forward them, it hands them to the
/// host by the port that they came in on, where the bridge's own hook does not see them.
pub(super) fn from_port(table: &str, port: &str) -> String {
    let chain = chain("from", port);
    let rule = format!("add rule netdev {table} {chain} ether daddr & ff:ff:ff:ff:ff:f0 == 01:80:c2:00:00:00 drop");
    base_chain(table, "from", port, "ingress", "accept") + "\n" + &rule
}

/// The table of a guard: the first bridge's name makes it unique on the host.
pub(super) fn table(bridge: &str) -> String {
    format!("anycast_lab_{}", bridge.replace(['-', '.'], "_"))
}

/// The name of an interface goes into commands: nothing else may come in with it.
pub(super) fn check_name(name: &str) -> anyhow::Result<()> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let plain = (1..=15).contains(&name.len()) && name.chars().all(is_plain);
    ensure!(plain, "expected the name of a bridge, at most 15 of a-z, 0-9, `-`, `_`, `.`; found `{name}`");
    Ok(())
}

fn base_chain(table: &str, direction: &str, device: &str, hook: &str, policy: &str) -> String {
    let chain = chain(direction, device);
    format!(
        "add chain netdev {table} {chain} {{ type filter hook {hook} device \"{device}\" priority -500; policy {policy}; }}"
    )
}

fn chain(direction: &str, device: &str) -> String {
    format!("{direction}_{}", device.replace(['-', '.'], "_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bridge_drops_in_both_directions() {
        let table = table("br-0a1b");
        assert_eq!(
            from_bridge(&table, "br-0a1b"),
            "add chain netdev anycast_lab_br_0a1b from_br_0a1b { type filter hook ingress device \"br-0a1b\" priority -500; policy drop; }"
        );
        assert_eq!(
            to_bridge(&table, "br-0a1b"),
            "add chain netdev anycast_lab_br_0a1b to_br_0a1b { type filter hook egress device \"br-0a1b\" priority -500; policy drop; }"
        );
    }

    #[test]
    fn a_name_that_could_carry_a_command_is_refused() {
        for name in ["", "br-0123456789abcdef", "br0; flush ruleset", "br\n", "br\"0"] {
            assert!(check_name(name).is_err(), "{name}");
        }
        check_name("br-0123456789ab").unwrap();
    }
}
