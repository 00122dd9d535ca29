//! nft(8) in the node: one argument holds its commands.

use protocol::Action;

use super::port::Port;

/// What `nft` is given to do what it is asked.
const PATIENCE_MS: u64 = 10_000;

/// A table that does this to a port: `verdict` says what, for each thing that is matched. Each table has a name of its own, so
/// that several can be in force, and healed apart.
pub(super) fn add(what: &str, port: &Port, verdict: impl Fn(&str) -> String) -> Action {
    // Whichever end opened the connection: what comes to the port, and what comes from the other end's.
    let matched = ["dport", "sport"].into_iter().flat_map(|side| port.matches(side));
    let rules: Vec<String> = matched.map(|matched| format!("{matched} {};", verdict(&matched))).collect();
    let chain = format!("chain input {{ type filter hook input priority -300; {} }};", rules.join(" "));
    run(format!("table inet {} {{ {chain} }}", table(what, port)))
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
