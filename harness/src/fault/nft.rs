//! nft(8) in the node: one argument holds its commands.

use protocol::Action;

use super::port::Port;

/// What `nft` is given to do what it is asked.
const PATIENCE_MS: u64 = 10_000;

/// A table that does this to a port. Each has a name of its own, so that several can be in force, and healed apart.
pub(super) fn add(what: &str, port: &Port) -> Action {
    run(format!("table inet {} {{ {} }}", table(what, port), chain(what, port)))
}

/// Without it.
pub(super) fn delete(what: &str, port: &Port) -> Action {
    run(format!("delete table inet {}", table(what, port)))
}

fn run(commands: String) -> Action {
    Action::Exec { argv: vec!["nft".to_owned(), commands], timeout_ms: PATIENCE_MS }
}

fn table(what: &str, port: &Port) -> String {
    format!("fault_{what}_{}", port.to_string().replace(' ', "_"))
}

/// Whichever end opened the connection: what comes to the port, and what comes from the other end's.
fn chain(what: &str, port: &Port) -> String {
    let rules: Vec<String> = ["dport", "sport"].into_iter().flat_map(|side| port.matches(side)).collect();
    let rules: Vec<String> = rules.iter().map(|matches| format!("{matches} {};", verdict(what, matches))).collect();
    format!("chain input {{ type filter hook input priority -300; {} }};", rules.join(" "))
}

/// A connection is refused with RST, a datagram with ICMP.
fn verdict<'a>(what: &'a str, matches: &str) -> &'a str {
    if what == "reject" && matches.contains("tcp") { "reject with tcp reset" } else { what }
}
