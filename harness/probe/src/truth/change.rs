//! One change, done when this returns: `anycast-lab-probe truth change KIND ...`. What it prints names the change.

use std::fs::{self, OpenOptions};
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream};

use anyhow::{Context as _, bail, ensure};
use netlink_packet_route::RouteNetlinkMessage;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::tables::{Kernel, on_loopback, unreachable};

/// Carries one change out.
pub(super) fn change(mut arguments: impl Iterator<Item = String>) -> anyhow::Result<()> {
    let mut word = || arguments.next().context("truth change: expected one more word");
    match word()?.as_str() {
        "route" => {
            let route = unreachable(word()?.parse()?)?;
            tell_kernel(&word()?, RouteNetlinkMessage::NewRoute(route.clone()), RouteNetlinkMessage::DelRoute(route))
        }
        "address" => {
            let address = on_loopback(word()?.parse()?);
            let added = RouteNetlinkMessage::NewAddress(address.clone());
            tell_kernel(&word()?, added, RouteNetlinkMessage::DelAddress(address))
        }
        "kill" => end(word()?.parse()?),
        "line" => line(word()?.parse()?, &word()?),
        "bgp" => bgp(word()?.parse()?),
        other => bail!("truth change: expected route, address, kill, line or bgp, found `{other}`"),
    }
}

fn tell_kernel(how: &str, added: RouteNetlinkMessage, removed: RouteNetlinkMessage) -> anyhow::Result<()> {
    let mut kernel = Kernel::open()?;
    match how {
        "add" => kernel.ask(added)?.1,
        "remove" => kernel.ask(removed)?.1,
        // There and gone again, faster than anybody can look.
        "flash" => kernel.ask(added)?.1.and_then(|()| kernel.ask(removed)?.1),
        other => bail!("truth change: expected add, remove or flash, found `{other}`"),
    }
}

/// Kills a process, and waits until it is dead: reaped, or waiting to be.
fn end(pid: i32) -> anyhow::Result<()> {
    kill(Pid::from_raw(pid), Signal::SIGKILL).with_context(|| format!("kill {pid}"))?;
    let stat = format!("/proc/{pid}/stat");
    while let Ok(stat) = fs::read_to_string(&stat) {
        if stat.rsplit_once(')').is_some_and(|(_, rest)| rest.starts_with(" Z") || rest.starts_with(" X")) {
            break;
        }
        std::thread::yield_now();
    }
    Ok(())
}

/// Writes a line to the stdout of another process.
fn line(pid: i32, text: &str) -> anyhow::Result<()> {
    let stdout = format!("/proc/{pid}/fd/1");
    let mut stdout = OpenOptions::new().write(true).open(&stdout).with_context(|| stdout.clone())?;
    Ok(stdout.write_all(format!("{text}\n").as_bytes())?)
}

/// A KEEPALIVE (RFC 4271, section 4.4) to this address of `lo`, and its arrival.
fn bgp(to: Ipv4Addr) -> anyhow::Result<()> {
    ensure!(to.is_loopback(), "truth change bgp: expected an address of lo, found {to}");
    let listener = TcpListener::bind((IpAddr::from(to), 179)).context("port 179 of lo")?;
    let mut client = TcpStream::connect((to, 179))?;
    let (mut server, _) = listener.accept()?;
    let mut message = [0xff; 19];
    message[16..].copy_from_slice(&[0, 19, 4]);
    client.write_all(&message)?;
    Ok(server.read_exact(&mut message)?)
}
