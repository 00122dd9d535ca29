//! What the node shows when something is wrong.

mod packets;
mod sockets;

use std::fmt::Write as _;
use std::fs;
use std::time::Duration;

use protocol::{DaemonState, Exit, Inspection, SentPacket};

use crate::net;
use crate::process::{Children, Daemons, run, tree};

pub(crate) use packets::Packets;

/// What nft(8) is given to list its rules.
const PATIENCE: Duration = Duration::from_secs(2);

/// Collects it. What cannot be read says so in its place: nothing of this fails.
pub(crate) async fn inspect(
    children: &Children,
    daemons: &Daemons,
    networks: &[String],
    packets: &Packets,
) -> Inspection {
    let states = daemons.accounts().into_iter().map(|account| DaemonState {
        name: account.name,
        pid: account.pid,
        exit: account.exit.map(|ended| ended.exit),
        lines: account.lines,
    });
    let sockets = sockets::all();
    let mut texts = vec![("processes".to_owned(), processes()), ("sockets".to_owned(), listed(&sockets))];
    match net::tables().await {
        Ok(tables) => texts.extend(tables.into_iter().map(|(name, text)| (name.to_owned(), text))),
        Err(error) => texts.push(("routes".to_owned(), format!("cannot be read: {error:#}\n"))),
    }
    texts.push(("nft".to_owned(), rules(children).await));
    // The first link's interface is the first after `lo`, by the name that the setup gave it.
    let interfaces: Vec<Option<u32>> = (0..networks.len()).map(net::index).collect();
    let sent = packets.all().into_iter().filter_map(|sent| {
        let link = interfaces.iter().position(|index| index.is_some_and(|index| index as usize == sent.interface))?;
        let network = networks.get(link)?.clone();
        Some(SentPacket { network, at: sent.at, length: sent.length, data: protocol::Bytes(sent.data) })
    });
    Inspection { daemons: states.collect(), sockets, texts, packets: sent.collect() }
}

async fn rules(children: &Children) -> String {
    match run(children, &["nft", "list", "ruleset"].map(String::from), None, PATIENCE).await {
        Ok(ended) if ended.exit == Exit::Code(0) => ended.text,
        Ok(ended) => format!("nft(8) failed: {}\n", ended.text.trim_end()),
        Err(error) => format!("cannot be read: {error:#}\n"),
    }
}

fn processes() -> String {
    let mut text = String::new();
    for process in tree::all() {
        let command = fs::read(format!("/proc/{}/cmdline", process.pid)).unwrap_or_default();
        let command = String::from_utf8_lossy(&command).replace('\0', " ");
        let command = if command.is_empty() { format!("[{}]", process.name) } else { command };
        // Writing to a String cannot fail.
        writeln!(text, "{:>6} {} {}", process.pid, process.state, command.trim_end()).ok();
    }
    text
}

fn listed(sockets: &[protocol::SocketState]) -> String {
    let mut text = String::new();
    for socket in sockets {
        writeln!(text, "{:<4} {:<12} {:<40} {}", socket.protocol, socket.state, socket.local, socket.remote).ok();
    }
    text
}
