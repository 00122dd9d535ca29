//! An expectation names what there is, and can be seen to hold or not.

use protocol::Flow;

use super::super::expect::{Expect, State, Subject};
use super::super::happening::Happening;
use super::super::scenario::list;
use super::super::source::KeyPath;
use super::super::topology::{Ask, Node};
use super::{Check, Checked};
use crate::value::Role;

impl Check<'_> {
    pub(super) fn expect(&self, expect: &Expect, path: &KeyPath) -> Checked {
        let nodes = &self.topology.nodes;
        match &expect.subject {
            Subject::Serving(names) => self.servers(names, &path.key("serving"))?,
            Subject::AnsweredBy(names) => {
                self.servers(names, &path.key("answered-by"))?;
                self.that(!names.is_empty(), &path.key("answered-by"), || {
                    "nobody is named: expected nodes, or `unanswered = true`".to_owned()
                })?;
            }
            Subject::Unanswered => {}
            Subject::Session { between: [one, other], .. } => self.has_session(one, other, &path.key("session"))?,
            Subject::Ordered(happenings) => {
                let path = path.key("ordered");
                self.that(!happenings.is_empty(), &path, || "nothing is named: expected one event or more".to_owned())?;
                for (i, happening) in happenings.iter().enumerate() {
                    self.happening(happening, &path.index(i))?;
                }
            }
        }
        if let Some(service) = &expect.service {
            self.known("service", service, &self.topology.services, &path.key("service"))?;
        }
        if let Some(router) = &expect.at {
            let node = self.known("node", router, nodes, &path.key("at"))?;
            self.that(plays(node, Role::Router), &path.key("at"), || {
                format!("node `{router}` plays no router: it runs {}", list(&node.runs))
            })?;
            let routed =
                matches!(expect.subject, Subject::Serving(_)) || expect.flaps.is_some() || names_a_table(expect);
            self.that(routed, &path.key("at"), || {
                "no route is looked at: `at` goes with `serving`, `flaps`, or `rib` or `fib` in `ordered`".to_owned()
            })?;
        }
        if let Some(client) = &expect.client {
            let node = self.known("node", client, nodes, &path.key("client"))?;
            self.that(!node.asks.is_empty(), &path.key("client"), || format!("node `{client}` asks nothing"))?;
        }
        self.scopes(expect, path)?;
        let routers = nodes.values().any(|node| plays(node, Role::Router));
        let asked = self.asks(expect).next().is_some();
        match &expect.subject {
            Subject::Serving(_) => self.that(asked || routers, path, || {
                "nothing to look at: the topology has no router and no client that asks".to_owned()
            })?,
            Subject::AnsweredBy(_) | Subject::Unanswered => {
                self.that(asked, path, || "nobody asks what this expects answers to".to_owned())?;
            }
            Subject::Session { .. } | Subject::Ordered(_) => {}
        }
        self.that(expect.flaps.is_none() || routers, &path.key("flaps"), || {
            "no route is looked at: the topology has no router".to_owned()
        })?;
        let spends = [(expect.lost.is_some(), "lost"), (expect.gap.is_some(), "gap")];
        for (_, key) in spends.iter().filter(|(spends, _)| *spends) {
            self.that(asked, &path.key(key), || format!("nobody asks: `{key}` needs queries"))?;
        }
        let flows = self.asks(expect).any(|ask| ask.flow == Flow::One);
        self.that(!expect.sticky || flows, &path.key("sticky"), || {
            "every query is a flow of its own: expected `flow = \"one\"` in a client's `asks`".to_owned()
        })
    }

    /// Whether what narrows the expectation has something to narrow.
    fn scopes(&self, expect: &Expect, path: &KeyPath) -> Checked {
        let answers = expect.asks_answers() || expect.lost.is_some() || expect.gap.is_some() || expect.sticky;
        let addresses = answers || expect.flaps.is_some() || names_addresses(expect);
        let session = matches!(expect.subject, Subject::Session { .. }) || names_a_session(expect);
        let looked_at = [
            ("client", expect.client.is_some(), answers, "no answer"),
            ("service", expect.service.is_some(), addresses, "no answer and no route"),
            ("family", expect.family.is_some(), addresses || session, "no answer, no route and no session"),
        ];
        for (key, _, _, nothing) in looked_at.into_iter().filter(|(_, given, used, _)| *given && !used) {
            let told = || format!("{nothing} is looked at: `{key}` would change nothing");
            self.that(false, &path.key(key), told)?;
        }
        Ok(())
    }

    fn servers(&self, names: &[String], path: &KeyPath) -> Checked {
        for (i, name) in names.iter().enumerate() {
            let found = self.known("node", name, &self.topology.nodes, &path.index(i))?;
            self.that(!found.serves.is_empty(), &path.index(i), || format!("node `{name}` serves nothing"))?;
        }
        Ok(())
    }

    fn has_session(&self, one: &str, other: &str, path: &KeyPath) -> Checked {
        let a = self.known("node", one, &self.topology.nodes, path)?;
        let b = self.known("node", other, &self.topology.nodes, path)?;
        self.that(a.peers.contains_key(other) || b.peers.contains_key(one), path, || {
            let state = State::Established;
            format!("`{one}` and `{other}` have no session that could be {state}: neither has the other in `peers`")
        })
    }

    fn happening(&self, happening: &Happening, path: &KeyPath) -> Checked {
        for node in happening.nodes() {
            self.known("node", node, &self.topology.nodes, path)?;
        }
        match happening {
            Happening::Established(one, other) | Happening::Ended(one, other) => self.has_session(one, other, path),
            Happening::Exited(node, role) | Happening::Started(node, role) => self.runs(node, *role, path),
            Happening::Detected(node) => self.runs(node, Role::Watchdog, path),
            Happening::Withdrawn(node)
            | Happening::Announced(node)
            | Happening::Rib(_, node)
            | Happening::Fib(_, node) => {
                let serves = self.topology.nodes.get(node).is_some_and(|node| !node.serves.is_empty());
                self.that(serves, path, || format!("node `{node}` serves nothing"))
            }
        }
    }

    fn runs(&self, name: &str, role: Role, path: &KeyPath) -> Checked {
        let node = self.topology.nodes.get(name);
        self.that(node.is_some_and(|node| plays(node, role)), path, || {
            let runs = node.map(|node| list(&node.runs)).unwrap_or_default();
            format!("node `{name}` runs no {role}: it runs {runs}")
        })
    }

    /// The queries in its scope.
    fn asks<'e>(&'e self, expect: &'e Expect) -> impl Iterator<Item = &'e Ask> {
        let client = |name: &String| expect.client.as_ref().is_none_or(|client| client == name);
        let nodes = self.topology.nodes.iter().filter(move |(name, _)| client(name));
        let in_scope = |ask: &&Ask| expect.service.as_ref().is_none_or(|service| *service == ask.service);
        nodes.flat_map(|(_, node)| &node.asks).filter(in_scope)
    }
}

fn happenings(expect: &Expect) -> &[Happening] {
    if let Subject::Ordered(happenings) = &expect.subject { happenings } else { &[] }
}

fn names_a_table(expect: &Expect) -> bool {
    happenings(expect).iter().any(|one| matches!(one, Happening::Rib(..) | Happening::Fib(..)))
}

fn names_addresses(expect: &Expect) -> bool {
    let says = |one: &Happening| matches!(one, Happening::Withdrawn(_) | Happening::Announced(_));
    names_a_table(expect) || happenings(expect).iter().any(says)
}

fn names_a_session(expect: &Expect) -> bool {
    happenings(expect).iter().any(|one| matches!(one, Happening::Established(..) | Happening::Ended(..)))
}

fn plays(node: &Node, role: Role) -> bool {
    node.runs.contains(&role.to_string())
}
