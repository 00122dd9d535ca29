//! FAULT: what breaks, and what mends it, as actions of nodes; pure data.

use protocol::{Action, Signal};

use crate::spec::{Breaks, Family, Inject, Port, Role};

/// What a node is told to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// The node.
    pub node: String,
    /// The action.
    pub action: Action,
}

/// A fault: what breaks, on which node.
pub type Fault = Inject;

/// What `nft` is given to do what it is asked.
const PATIENCE_MS: u64 = 10_000;

impl Fault {
    /// What breaks it; the last move is the one that takes effect.
    #[must_use]
    pub fn apply(&self) -> Vec<Move> {
        vec![self.on_its_node(match &self.fault {
            Breaks::Kill(role) => signal(*role, Signal::SigKill),
            Breaks::Hang(role) => signal(*role, Signal::SigStop),
            Breaks::Drop(port) => nft(format!("table inet {} {{ {} }}", table(port), chain(port))),
        })]
    }

    /// What mends it.
    #[must_use]
    pub fn heal(&self) -> Vec<Move> {
        vec![self.on_its_node(match &self.fault {
            Breaks::Kill(role) => Action::Start { daemon: role.to_string() },
            Breaks::Hang(role) => signal(*role, Signal::SigCont),
            Breaks::Drop(port) => nft(format!("delete table inet {}", table(port))),
        })]
    }

    fn on_its_node(&self, action: Action) -> Move {
        Move { node: self.on.clone(), action }
    }
}

fn signal(role: Role, signal: Signal) -> Action {
    Action::Signal { daemon: role.to_string(), signal }
}

/// nft(8) in the node: one argument holds its commands.
fn nft(commands: String) -> Action {
    Action::Exec { argv: vec!["nft".to_owned(), commands], timeout_ms: PATIENCE_MS }
}

/// A table of its own for each, so that several can be in force, and healed apart.
fn table(port: &Port) -> String {
    format!("fault_{}", port.to_string().replace(' ', "_"))
}

fn chain(Port { port, protocol, family }: &Port) -> String {
    let family = match family {
        None => "",
        Some(Family::V4) => "meta nfproto ipv4 ",
        Some(Family::V6) => "meta nfproto ipv6 ",
    };
    let protocol = match protocol {
        None => "meta l4proto { tcp, udp } th".to_owned(),
        Some(protocol) => protocol.to_string(),
    };
    // Whichever end opened the connection: what comes to the port, and what comes from the other end's.
    let drop = |side: &str| format!("{family}{protocol} {side} {port} drop;");
    let rules = format!("{} {}", drop("dport"), drop("sport"));
    format!("chain input {{ type filter hook input priority -300; {rules} }};")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Protocol;

    fn moves(fault: Breaks) -> (Action, Action) {
        let fault = Fault { fault, on: "ns1".to_owned() };
        let one = |moves: Vec<Move>| match <[Move; 1]>::try_from(moves) {
            Ok([Move { node, action }]) if node == "ns1" => action,
            other => panic!("one move on ns1, found {other:?}"),
        };
        (one(fault.apply()), one(fault.heal()))
    }

    #[test]
    fn what_is_killed_is_started_again() {
        let start = Action::Start { daemon: "resolver".to_owned() };
        assert_eq!(moves(Breaks::Kill(Role::Resolver)), (signal(Role::Resolver, Signal::SigKill), start));
    }

    #[test]
    fn what_hangs_goes_on() {
        let (stop, go_on) = (signal(Role::Speaker, Signal::SigStop), signal(Role::Speaker, Signal::SigCont));
        assert_eq!(moves(Breaks::Hang(Role::Speaker)), (stop, go_on));
    }

    #[test]
    fn what_is_dropped_comes_through_again() {
        let all = Port { port: 53, protocol: None, family: None };
        let drop = "table inet fault_port_53 { chain input { type filter hook input priority -300; \
                    meta l4proto { tcp, udp } th dport 53 drop; meta l4proto { tcp, udp } th sport 53 drop; }; }";
        let heal = nft("delete table inet fault_port_53".to_owned());
        assert_eq!(moves(Breaks::Drop(all)), (nft(drop.to_owned()), heal));

        let one = Port { port: 53, protocol: Some(Protocol::Udp), family: Some(Family::V6) };
        let drop = "table inet fault_port_53_udp_v6 { chain input { type filter hook input priority -300; \
                    meta nfproto ipv6 udp dport 53 drop; meta nfproto ipv6 udp sport 53 drop; }; }";
        let heal = nft("delete table inet fault_port_53_udp_v6".to_owned());
        assert_eq!(moves(Breaks::Drop(one)), (nft(drop.to_owned()), heal));
    }
}
