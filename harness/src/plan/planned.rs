//! What a node's reports may name. A process in a node can forge a report: a name is believed only as planned.

use std::collections::BTreeSet;

use protocol::Observation;

use super::NodePlan;

/// The names of a node's daemons and trains.
#[derive(Debug, Clone)]
pub struct Planned {
    daemons: BTreeSet<String>,
    trains: BTreeSet<String>,
}

impl Planned {
    /// Those of this node.
    #[must_use]
    pub fn of(node: &NodePlan) -> Self {
        Self {
            daemons: node.daemons.iter().map(|daemon| daemon.name.clone()).collect(),
            trains: node.trains.iter().map(|train| train.name.clone()).collect(),
        }
    }

    /// Checks the names of a report.
    ///
    /// # Errors
    /// The name that was not planned.
    pub fn check(&self, saw: &Observation) -> Result<(), String> {
        let (what, name, known) = match saw {
            Observation::Line { daemon, .. } if daemon == protocol::SYSLOG => return Ok(()),
            Observation::Started { daemon, .. }
            | Observation::Exited { daemon, .. }
            | Observation::Line { daemon, .. }
            | Observation::Rib { daemon, .. } => ("daemon", daemon, &self.daemons),
            Observation::Query { train, .. } => ("train of queries", train, &self.trains),
            _ => return Ok(()),
        };
        if known.contains(name) {
            return Ok(());
        }
        let shown: String = name.chars().take(40).flat_map(char::escape_debug).collect();
        Err(format!("a report names a {what} that was not planned: `{shown}`"))
    }
}

#[cfg(test)]
mod tests {
    use protocol::{Exit, Stream};

    use super::*;

    #[test]
    fn a_name_is_believed_only_as_planned() {
        let names = |name: &str| BTreeSet::from([name.to_owned()]);
        let planned = Planned { daemons: names("resolver"), trains: names("one") };
        let all = |name: &str| {
            let daemon = || name.to_owned();
            [
                Observation::Line { daemon: daemon(), stream: Stream::Stdout, text: "x".to_owned() },
                Observation::Started { daemon: daemon(), pid: 1 },
                Observation::Exited { daemon: daemon(), pid: 1, exit: Exit::Code(0) },
                Observation::Rib { daemon: daemon(), text: String::new() },
            ]
        };
        assert!(all("resolver").iter().all(|saw| planned.check(saw).is_ok()));
        for forged in ["../../../../home/user/.bashrc", "one", "", "watchdog", "a\u{1b}[2J"] {
            for saw in all(forged) {
                let error = planned.check(&saw).expect_err("forged");
                assert!(!error.contains(char::is_control), "{error}");
            }
        }
        assert_eq!(planned.check(&Observation::Ready), Ok(()));
    }
}
