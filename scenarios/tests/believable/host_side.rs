//! The host's side of a lab's bridges: what a root process in a node sends, its own filter removed, does not reach the host.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::StreamExt as _;
use harness::engine::{Bridge, Chunk, Engine, Limits, Node, NodeSpec, Owned, Place, What};
use harness::owner::Labels;
use tokio::time::timeout;

use crate::inside;

/// Prints the marker of each frame that the host's network layer takes in.
///
/// A packet socket of one protocol stands behind the filters of the interface (net/core/dev.c, `__netif_receive_skb_core`), as
/// IP itself does: one of ETH_P_ALL stands before them.
const LISTENER: &str = r#"
import re, select, socket, sys
sockets = [socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(kind)) for kind in (0x0800, 0x0806, 0x86dd)]
print("listening", flush=True)
while True:
    ready, _, _ = select.select(sockets + [sys.stdin], [], [])
    if sys.stdin in ready:
        break
    for one in ready:
        for marker in re.findall(rb"<<([\w-]+)>>", one.recv(2048)):
            print(marker.decode(), flush=True)
"#;

/// Sends one frame of each kind, each with a marker: RUN-KIND. Its arguments: RUN, and the hardware address of the bridge.
const SENDER: &str = r#"
import socket, struct, subprocess, sys
run, bridge = sys.argv[1], bytes.fromhex(sys.argv[2].replace(":", ""))
subprocess.run(["nft", "delete", "table", "netdev", "anycast_lab"], stderr=subprocess.DEVNULL)
mine = bytes.fromhex(open("/sys/class/net/eth0/address").read().strip().replace(":", ""))
def ipv4(to, load):
    head = lambda check: struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(load), 1, 0, 64, 17, check, socket.inet_aton("192.0.2.77"), socket.inet_aton(to))
    total = sum(struct.unpack("!10H", head(0)))
    total = (total & 0xffff) + (total >> 16)
    return head(~total & 0xffff) + load
def ipv6(to, protocol, load):
    source = socket.inet_pton(socket.AF_INET6, "fe80::77")
    return struct.pack("!IHBB", 6 << 28, len(load), protocol, 255) + source + socket.inet_pton(socket.AF_INET6, to) + load
def udp(load):
    return struct.pack("!HHHH", 5353, 5353, 8 + len(load), 0) + load
def frames():
    mark = lambda kind: b"<<%s-%s>>" % (run.encode(), kind)
    yield bytes.fromhex("01005e0000fb"), 0x0800, ipv4("224.0.0.251", udp(mark(b"multicast-v4")))
    yield bytes.fromhex("3333000000fb"), 0x86dd, ipv6("ff02::fb", 17, udp(mark(b"multicast-v6")))
    router = struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, 1800, 0, 0)
    yield bytes.fromhex("333300000001"), 0x86dd, ipv6("ff02::1", 58, router + mark(b"router-advertisement"))
    yield bridge, 0x0800, ipv4("203.0.113.1", udp(mark(b"unicast-v4")))
    yield bridge, 0x86dd, ipv6("2001:db8:ffff::1", 17, udp(mark(b"unicast-v6")))
    yield b"\xff" * 6, 0x0806, struct.pack("!HHBBH6s4s6s4s", 1, 0x0800, 6, 4, 1, mine, b"\xc0\x00\x02\x4d", b"\0" * 6, b"\xc0\x00\x02\x4e") + mark(b"arp")
    yield bytes.fromhex("0180c200000e"), 0x0800, ipv4("203.0.113.1", udp(mark(b"link-local-group")))
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
wire.bind(("eth0", 0))
for to, kind, packet in frames():
    wire.send(to + mine + struct.pack("!H", kind) + packet)
print("sent", flush=True)
sys.stdin.read()
"#;

const KINDS: [&str; 7] =
    ["multicast-v4", "multicast-v6", "router-advertisement", "unicast-v4", "unicast-v6", "arp", "link-local-group"];

/// How long a frame that reached the host may take to be told.
const PATIENCE: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_a_node_sends_reaches_the_host() {
    let _turn = scenarios::turn(1).await;
    let engine = scenarios::docker().await;
    let plan = inside::plan(&scenarios::file("kill-named"));
    scenarios::up(&plan, async |lab, run| {
        let image = scenarios::images(&plan, engine.as_ref()).await["ns1"].clone();
        let labels = Labels::of_this_process(run);
        let mut listener = Heard::start(engine.as_ref(), &image, &labels).await;

        // Without a guard all of it reaches the host: so a listener that hears nothing proves something.
        let bare = engine.create_network(&format!("anycast-lab-{run}.bare"), &labels).await.expect("a network");
        let Some(Bridge::There(bridge)) = bare.bridge.clone() else { panic!("Docker names its bridges: {bare:?}") };
        let argv = ["python3", "-c", SENDER, "bare", &hardware_address(&bridge)].map(str::to_owned).to_vec();
        let place = Place::Networks(vec![bare.id.clone()]);
        let sender = engine.start_node(&spec("bare-sender", &image, argv, place, &labels)).await.expect("a sender");
        let mut missing: Vec<String> = KINDS.iter().map(|kind| format!("bare-{kind}")).collect();
        while !missing.is_empty() {
            let heard = listener.next().await.unwrap_or_else(|| panic!("never heard of {missing:?}"));
            missing.retain(|kind| *kind != heard);
        }
        drop(sender);

        for (nth, bridge) in bridges(engine.as_ref(), run).await.iter().enumerate() {
            let script = format!("python3 -c '{SENDER}' guarded{nth} {} < /dev/null", hardware_address(bridge));
            let said = inside::bash(lab, "ns1", &script).await.expect("it sends");
            assert_eq!(said.trim(), "sent");
        }
        // A frame that no filter keeps away, sent last: what was sent before it has been heard by then, or never will be.
        let argv = ["python3", "-c", SENDER, "last", &hardware_address(&bridge)].map(str::to_owned).to_vec();
        let place = Place::Networks(vec![bare.id.clone()]);
        let _sender = engine.start_node(&spec("last-sender", &image, argv, place, &labels)).await.expect("a sender");
        let mut leaked = Vec::new();
        while let Some(heard) = listener.next().await {
            if heard == "last-link-local-group" {
                break;
            }
            leaked.extend(Some(heard).filter(|heard| heard.starts_with("guarded")));
        }
        assert_eq!(leaked, Vec::<String>::new(), "the host took these in");
    })
    .await;
}

/// What the host's network layer takes in.
struct Heard {
    node: Node,
    lines: Vec<String>,
}

impl Heard {
    async fn start(engine: &dyn Engine, image: &str, labels: &Labels) -> Self {
        let argv = ["python3", "-c", LISTENER].map(str::to_owned).to_vec();
        let node = engine.start_node(&spec("listener", image, argv, Place::Host, labels)).await.expect("a listener");
        let mut heard = Self { node, lines: Vec::new() };
        assert_eq!(heard.next().await.as_deref(), Some("listening"));
        heard
    }

    async fn next(&mut self) -> Option<String> {
        while self.lines.is_empty() {
            match timeout(PATIENCE, self.node.output.next()).await.ok()??.expect("its output") {
                Chunk::Stdout(text) => self.lines.extend(String::from_utf8_lossy(&text).lines().map(str::to_owned)),
                Chunk::Stderr(text) => panic!("{}", String::from_utf8_lossy(&text)),
            }
        }
        Some(self.lines.remove(0))
    }
}

fn spec(name: &str, image: &str, argv: Vec<String>, place: Place, labels: &Labels) -> NodeSpec {
    NodeSpec {
        name: format!("anycast-lab-{}.{name}", labels.run),
        hostname: name.to_owned(),
        image: image.to_owned(),
        argv,
        place,
        sysctls: BTreeMap::new(),
        labels: labels.clone(),
        limits: Limits::default(),
    }
}

fn hardware_address(interface: &str) -> String {
    let file = format!("/sys/class/net/{interface}/address");
    std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file}: {error}")).trim().to_owned()
}

/// The bridges of the lab's own networks.
async fn bridges(engine: &dyn Engine, run: &str) -> Vec<String> {
    let is_of_lab =
        |thing: &Owned| thing.what == What::Network && thing.labels.run == run && !thing.name.ends_with(".bare");
    let owned = engine.owned().await.expect("what is on the engine");
    owned.iter().filter(|thing| is_of_lab(thing)).map(|thing| format!("br-{}", &thing.id[..12])).collect()
}
