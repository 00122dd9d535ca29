//! Evidence: what the nodes showed, as files below the run's folder.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use protocol::{Inspection, SentPacket};

use super::boot::exit_words;
use super::pcap;
use crate::plan::Plan;

/// What each node showed, or why it did not.
pub type Inspected = BTreeMap<String, Result<Inspection, String>>;

/// Writes `evidence/NODE/...`, `evidence/NETWORK.pcap` and `evidence/changes.txt` below `folder`, without keys; where that is.
/// `began` is the zero of the packets' times: nanoseconds of the history's clock.
///
/// # Errors
/// A file cannot be written.
pub fn write(folder: &Path, plan: &Plan, inspected: &Inspected, changes: &str, began: u64) -> io::Result<PathBuf> {
    let evidence = folder.join("evidence");
    std::fs::create_dir_all(&evidence)?;
    std::fs::write(evidence.join("changes.txt"), changes)?;
    let mut packets: BTreeMap<&str, Vec<&SentPacket>> = BTreeMap::new();
    // Names are the plan's: what a node says names no file.
    for node in &plan.nodes {
        let into = evidence.join(&node.name);
        std::fs::create_dir_all(&into)?;
        match inspected.get(&node.name) {
            Some(Ok(inspection)) => {
                std::fs::write(into.join("daemons.txt"), node.files.redact(&daemons(inspection)))?;
                for (name, text) in inspection.texts.iter().filter(|(name, _)| TEXTS.contains(&name.as_str())) {
                    std::fs::write(into.join(format!("{name}.txt")), node.files.redact(text))?;
                }
                for packet in &inspection.packets {
                    if let Some((network, _)) = plan.networks.get_key_value(&packet.network) {
                        packets.entry(network).or_default().push(packet);
                    }
                }
            }
            Some(Err(error)) => std::fs::write(into.join("missing.txt"), node.files.redact(error))?,
            None => std::fs::write(into.join("missing.txt"), "the node was not asked\n")?,
        }
    }
    for (network, mut packets) in packets {
        packets.sort_by_key(|packet| packet.at);
        std::fs::write(evidence.join(format!("{network}.pcap")), pcap::file(&packets, began))?;
    }
    Ok(evidence)
}

/// The texts that a node may show.
const TEXTS: [&str; 6] = ["processes", "sockets", "addresses", "routes", "neighbours", "nft"];

fn daemons(inspection: &Inspection) -> String {
    let mut text = String::new();
    for daemon in &inspection.daemons {
        let state = match (daemon.pid, daemon.exit) {
            (Some(pid), None) => format!("runs as pid {pid}"),
            (Some(pid), Some(exit)) => format!("runs as pid {pid}; its process before {}", exit_words(exit)),
            (None, Some(exit)) => exit_words(exit),
            (None, None) => "has not been started".to_owned(),
        };
        let _infallible = writeln!(text, "{} {state}", daemon.name);
        for line in &daemon.lines {
            let _infallible = writeln!(text, "    {line}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use protocol::{Bytes, DaemonState, Exit};

    use super::*;
    use crate::check::story;

    #[test]
    fn each_node_has_its_files_and_each_network_its_packets_and_names_are_the_plans() {
        let folder = tempfile::tempdir().expect("a folder");
        let packet =
            |network: &str| SentPacket { network: network.to_owned(), at: 5, length: 60, data: Bytes(vec![0; 60]) };
        let daemon = DaemonState {
            name: "resolver".to_owned(),
            pid: None,
            exit: Some(Exit::Code(1)),
            lines: vec!["no".to_owned()],
        };
        let inspection = Inspection {
            daemons: vec![daemon],
            texts: vec![("routes".to_owned(), "10.0.0.0/24\n".to_owned()), ("../../escape".to_owned(), "x".to_owned())],
            packets: vec![packet("servers"), packet("../escape")],
            ..Inspection::default()
        };
        let inspected = BTreeMap::from([
            ("ns1".to_owned(), Ok(inspection)),
            ("ns2".to_owned(), Err("it did not answer".to_owned())),
        ]);
        let evidence = write(folder.path(), &story::plan(), &inspected, "", 0).expect("it is written");
        let read = |path: &str| std::fs::read_to_string(evidence.join(path)).unwrap_or_default();
        assert_eq!(read("ns1/daemons.txt"), "resolver exited with status 1\n    no\n");
        assert_eq!(read("ns1/routes.txt"), "10.0.0.0/24\n");
        assert_eq!(read("ns2/missing.txt"), "it did not answer");
        assert_eq!(std::fs::metadata(evidence.join("servers.pcap")).map(|file| file.len()).ok(), Some(24 + 16 + 60));
        let all: Vec<_> = walk(folder.path());
        assert!(!all.iter().any(|path| path.to_string_lossy().contains("escape")), "{all:?}");
    }

    fn walk(folder: &Path) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
        entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
    }
}
