//! Small networks, each right and each wrong.

use super::*;
use crate::check::story::{MS, Story, answer};
use crate::outcome::{Finding, Verdict};

/// client -- edge -- core -- ns1, ns2
const NETWORK: &str = r#"
[topology.networks]
clients = ["192.0.2.0/24"]
transit = ["10.9.0.0/24"]
servers = ["10.1.53.0/24"]
[topology.services.dns]
addresses = ["198.18.53.1"]
zone = "example.test"
[topology.nodes.edge]
on = { clients = ["192.0.2.254"], transit = ["10.9.0.1"] }
runs = ["router"]
asn = 64601
[topology.nodes.core]
on = { transit = ["10.9.0.2"], servers = ["10.1.53.254"] }
runs = ["router"]
asn = 64601
peers.edge = {}
[topology.nodes.ns1]
on = { servers = ["10.1.53.11"] }
runs = ["resolver", "speaker"]
announces = "always"
serves = ["dns"]
asn = 64601
peers.core = {}
[topology.nodes.ns2]
on = { servers = ["10.1.53.12"] }
runs = ["resolver", "speaker"]
announces = "always"
serves = ["dns"]
asn = 64601
peers.core = {}
[topology.nodes.client]
on = { clients = ["192.0.2.10"] }
gateway = "edge"
asks = [{ service = "dns", per-second = 100 }]
"#;

/// Beside core.
const CORE2: &str = r#"
[topology.nodes.core2]
on = { transit = ["10.9.0.3"], servers = ["10.1.53.253"] }
"#;

const SERVICE: &str = "198.18.53.1/32";
const BOTH: &[&str] = &["10.1.53.11", "10.1.53.12"];

fn story(more: &str, expect: &str) -> Story {
    let mut story = Story::of_topology(&format!("{NETWORK}{more}"), expect);
    story.route(0, "client", "0.0.0.0/0", &["192.0.2.254"]);
    for (node, prefix) in [("core", "10.1.53.0/24"), ("core2", "10.1.53.0/24"), ("edge", "10.9.0.0/24")] {
        connected(&mut story, node, prefix);
    }
    story
}

fn connected(story: &mut Story, node: &str, prefix: &str) {
    let next_hops = vec![NextHop { via: None, dev: "eth0".to_owned() }];
    story.push(0, node, Seen::Fib { prefix: prefix.parse().expect("a prefix"), protocol: 2, next_hops });
}

/// `core > ns1 ns2`: the next hops and the ends of the way from a node, with `x` before a node that drops, `o` before one of a loop.
fn way(story: &Story, start: &str) -> String {
    let world = World::after(&story.plan, &story.events);
    let series = world.series(start, "198.18.53.1".parse().expect("an address")).expect("a series");
    let (_, way) = series.fib().last().expect("a way");
    let hops: Vec<String> = way.hops.iter().map(ToString::to_string).collect();
    let ends = way.ends.serving.iter().map(|node| (*node).to_owned());
    let dropped = way.ends.nowhere.iter().map(|node| format!("x{node}"));
    let loops = way.ends.loops.iter().map(|node| format!("o{node}"));
    let ends: Vec<String> = ends.chain(dropped).chain(loops).collect();
    format!("{} > {}", hops.join(" "), ends.join(" "))
}

#[test]
fn two_routers_in_a_row_lead_to_the_servers() {
    let mut story = story("", r#"serving = ["ns1", "ns2"]"#);
    story.route(1, "edge", SERVICE, &["10.9.0.2"]);
    assert_eq!(way(&story, "edge"), "core > xcore", "core has its connected network only, and no route");
    story.route(2, "core", SERVICE, BOTH);
    assert_eq!(way(&story, "edge"), "core > ns1 ns2");
    assert_eq!(way(&story, "core"), "ns1 ns2 > ns1 ns2");
    assert_eq!(way(&story, "client"), "edge > ns1 ns2");
    story.route(3, "core", SERVICE, &["10.1.53.11"]);
    assert_eq!(way(&story, "client"), "edge > ns1");
}

#[test]
fn three_routers_in_a_row_lead_to_the_servers() {
    let network =
        NETWORK.replace(r#"clients = ["192.0.2.0/24"]"#, "clients = [\"192.0.2.0/24\"]\nuplink = [\"10.8.0.0/24\"]");
    let network = network.replace(r#"clients = ["192.0.2.254"], transit"#, r#"uplink = ["10.8.0.2"], transit"#);
    let border = r#"
[topology.nodes.border]
on = { clients = ["192.0.2.254"], uplink = ["10.8.0.1"] }
runs = ["router"]
asn = 64601
peers.edge = {}
"#;
    let network = network.replace(r#"gateway = "edge""#, r#"gateway = "border""#);
    let mut story = Story::of_topology(&format!("{network}{border}"), r#"serving = ["ns1", "ns2"]"#);
    story.route(0, "client", "0.0.0.0/0", &["192.0.2.254"]);
    story.route(1, "border", "198.18.0.0/15", &["10.8.0.2"]);
    story.route(1, "edge", "198.18.53.0/24", &["10.9.0.2"]);
    story.route(1, "core", SERVICE, BOTH);
    assert_eq!(way(&story, "client"), "border > ns1 ns2");
    story.route(2, "edge", "198.18.53.0/24", &[]);
    assert_eq!(way(&story, "client"), "border > xedge");
}

#[test]
fn the_longest_prefix_counts_whatever_covers_it() {
    let mut story = story("", r#"serving = ["ns1"]"#);
    story.route(1, "core", "0.0.0.0/0", &["10.1.53.12"]);
    assert_eq!(way(&story, "core"), "ns2 > ns2", "a default route");
    story.route(2, "core", "198.18.53.0/24", &["10.1.53.11"]);
    assert_eq!(way(&story, "core"), "ns1 > ns1", "an aggregate");
    story.route(3, "core", SERVICE, &["10.1.53.12"]);
    assert_eq!(way(&story, "core"), "ns2 > ns2", "the host");
    story.route(4, "core", SERVICE, &[]);
    assert_eq!(way(&story, "core"), "ns1 > ns1", "the aggregate again");
    story.route(5, "core", "198.18.53.0/25", &["10.1.53.99"]);
    assert_eq!(way(&story, "core"), "10.1.53.99 > xcore", "a gateway that nobody has");
}

#[test]
fn a_loop_is_no_way() {
    let mut story = story("", r#"serving = ["ns1"]"#);
    story.route(1, "edge", "0.0.0.0/0", &["10.9.0.2"]);
    story.route(1, "core", "0.0.0.0/0", &["10.9.0.1"]);
    assert_eq!(way(&story, "client"), "edge > oedge");
    assert_eq!(way(&story, "core"), "edge > ocore");
    story.route(2, "core", "0.0.0.0/0", &["10.9.0.1", "10.1.53.11"]);
    assert_eq!(way(&story, "client"), "edge > ns1 oedge", "some of the packets come back");
}

#[test]
fn equal_routes_at_two_levels_are_followed_all_and_the_thinnest_is_known() {
    let mut story = story(CORE2, r#"serving = ["ns1", "ns2"]"#);
    story.route(1, "edge", SERVICE, &["10.9.0.2", "10.9.0.3"]);
    story.route(1, "core", SERVICE, BOTH);
    story.route(1, "core2", SERVICE, &["10.1.53.12"]);
    assert_eq!(way(&story, "edge"), "core core2 > ns1 ns2");
    let world = World::after(&story.plan, &story.events);
    let one_in = |start: &str| {
        let series = world.series(start, "198.18.53.1".parse().expect("an address")).expect("a series");
        series.fib().last().map(|(_, way)| way.one_in())
    };
    assert_eq!((one_in("edge"), one_in("core")), (Some(4), Some(2)), "ns1 gets half of a half");
    story.route(2, "core2", SERVICE, &[]);
    assert_eq!(way(&story, "edge"), "core core2 > ns1 ns2 xcore2", "half of the packets are dropped");
}

#[test]
fn a_next_hop_over_a_loopback_is_resolved_in_the_node_s_own_table() {
    let mut story = story(CORE2, r#"serving = ["ns1", "ns2"]"#);
    story.route(1, "core", SERVICE, BOTH);
    story.route(1, "edge", SERVICE, &["10.255.0.2"]);
    assert_eq!(way(&story, "edge"), "10.255.0.2 > xedge", "nothing resolves it");
    story.route(2, "edge", "10.255.0.2/32", &["10.9.0.2"]);
    assert_eq!(way(&story, "edge"), "core > ns1 ns2");
    story.route(3, "edge", "10.255.0.2/32", &["10.255.0.3"]);
    story.route(3, "edge", "10.255.0.3/32", &["10.255.0.2"]);
    assert_eq!(way(&story, "edge"), "10.255.0.2 > xedge", "each needs the other");
}

#[test]
fn a_route_that_drops_is_no_way() {
    let mut story = story("", r#"serving = ["ns1"]"#);
    story.route(1, "core", "198.18.0.0/15", &["10.1.53.11"]);
    let next_hops = vec![NextHop { via: None, dev: "unreachable".to_owned() }];
    story.push(2, "core", Seen::Fib { prefix: SERVICE.parse().expect("a prefix"), protocol: 12, next_hops });
    assert_eq!(way(&story, "core"), "unreachable > xcore");
}

#[test]
fn the_address_must_be_on_the_server_s_loopback() {
    let mut story = story("", r#"serving = ["ns1"]"#);
    let address = "198.18.53.1".parse().expect("an address");
    story.route(1, "core", SERVICE, &["10.1.53.11"]);
    assert_eq!(way(&story, "core"), "ns1 > ns1", "it is planned there");
    story.push(2, "ns1", Seen::Address { address, present: false });
    assert_eq!(way(&story, "core"), "ns1 > xns1");
    story.push(3, "ns1", Seen::Address { address, present: true });
    assert_eq!(way(&story, "core"), "ns1 > ns1");
}

#[test]
fn only_what_changed_is_new() {
    let mut story = story("", r#"serving = ["ns1"]"#);
    story.route(1, "core", SERVICE, &["10.1.53.11"]);
    story.route(2, "core", "203.0.113.0/24", &["10.1.53.12"]);
    story.route(3, "core", "198.18.0.0/15", &["10.1.53.12"]);
    let world = World::after(&story.plan, &story.events);
    let series = world.series("core", "198.18.53.1".parse().expect("an address")).expect("a series");
    assert_eq!(series.fib().iter().map(|(at, _)| *at).collect::<Vec<_>>(), [0, 1]);
}

#[test]
fn the_order_in_which_events_of_several_nodes_come_changes_no_end() {
    let mut story = story(CORE2, r#"serving = ["ns1", "ns2"]"#);
    story.route(1, "edge", SERVICE, &["10.9.0.2", "10.9.0.3"]);
    story.route(2, "core", SERVICE, BOTH);
    story.route(3, "core2", "198.18.53.0/24", &["10.1.53.12"]);
    let expected = way(&story, "client");
    story.events.reverse();
    assert_eq!(way(&story, "client"), expected);
}

#[test]
fn what_comes_out_of_order_is_dated_as_it_happened() {
    let mut story = story("", r#"serving = ["ns1"]"#);
    let address = "198.18.53.1".parse().expect("an address");
    story.push(5, "ns1", Seen::Address { address, present: false });
    story.route(1, "core", SERVICE, &["10.1.53.11"]);
    let world = World::after(&story.plan, &story.events);
    let series = world.series("core", address).expect("a series");
    let ends: Vec<_> = series.fib().iter().map(|(at, way)| (*at, way.ends.serving.len())).collect();
    assert_eq!(ends, [(0, 0), (1, 1), (5, 0)]);
}

/// Both routers are right as their tables are given, and for three seconds every query is answered by one of these in turn.
fn judged(expect: &str, core: &[(&str, &[&str])], edge: &[(&str, &[&str])], by: &[&str]) -> Finding {
    let mut story = story("", expect);
    for (node, routes) in [("core", core), ("edge", edge)] {
        story.rib_of(1, node, routes);
        for (prefix, hops) in routes {
            story.route(2, node, prefix, hops);
        }
    }
    let outcome = |n: u64| match by {
        [] => protocol::Outcome::Timeout,
        by => answer(by[n as usize % by.len()]),
    };
    story.ask(0, 60_000 * MS, outcome);
    story.judge_first()
}

#[test]
fn serving_passes_over_two_routers() {
    let edge: &[(&str, &[&str])] = &[(SERVICE, &["10.9.0.2"])];
    let both = r#"serving = ["ns1", "ns2"]"#;
    let finding = judged(both, &[(SERVICE, BOTH)], edge, &["ns1", "ns2"]);
    assert_eq!(finding.verdict, Some(Verdict::Pass), "{finding:?}");
    let finding = judged(both, &[(SERVICE, BOTH)], &[], &["ns1", "ns2"]);
    assert_eq!(finding.verdict, Some(Verdict::Fail));
    assert_eq!(finding.found, ["edge has no route: 1 of 1 addresses (RIB and FIB agree)"]);
    assert_eq!(finding.first.as_deref(), Some("no announcement of 198.18.53.1 by core to edge on the wire"));
}

#[test]
fn a_router_behind_a_wrong_one_is_not_the_first_hop_that_is_wrong() {
    let edge: &[(&str, &[&str])] = &[(SERVICE, &["10.9.0.2"])];
    let finding = judged(r#"serving = ["ns1", "ns2"]"#, &[(SERVICE, &["10.1.53.11"])], edge, &["ns1"]);
    assert_eq!(finding.verdict, Some(Verdict::Fail));
    assert!(finding.found.iter().any(|line| line.starts_with("edge routes via core to ns1:")), "{finding:?}");
    assert_eq!(finding.first.as_deref(), Some("no announcement of 198.18.53.1 by ns2 on the wire"));
}

#[test]
fn serving_passes_over_a_covering_prefix() {
    let core: &[(&str, &[&str])] = &[("198.18.53.0/24", &["10.1.53.11"])];
    let edge: &[(&str, &[&str])] = &[("198.18.0.0/15", &["10.9.0.2"])];
    let finding = judged(r#"serving = ["ns1"]"#, core, edge, &["ns1"]);
    assert_eq!(finding.verdict, Some(Verdict::Pass), "{finding:?}");
}

#[test]
fn a_covering_route_to_a_live_node_is_not_nobody() {
    let core: &[(&str, &[&str])] = &[("0.0.0.0/0", &["10.1.53.11"])];
    let finding = judged("serving = []", core, &[], &[]);
    assert_eq!(finding.verdict, Some(Verdict::Fail), "{finding:?}");
    assert_eq!(finding.found, ["core routes via ns1 by 0.0.0.0/0: 1 of 1 addresses (RIB and FIB agree)"]);
    // A default route that leads to a router without any is nobody.
    let finding = judged("serving = []", &[], &[("0.0.0.0/0", &["10.9.0.2"])], &[]);
    assert_eq!(finding.verdict, Some(Verdict::Pass), "{finding:?}");
}

#[test]
fn nobody_serves_where_packets_loop_or_a_router_drops_them() {
    let back: &[(&str, &[&str])] = &[("0.0.0.0/0", &["10.9.0.1"])];
    let forth: &[(&str, &[&str])] = &[("0.0.0.0/0", &["10.9.0.2"])];
    assert_eq!(judged("serving = []", back, forth, &[]).verdict, Some(Verdict::Pass));
    assert_eq!(judged(r#"serving = ["ns1"]"#, back, forth, &["ns1"]).verdict, Some(Verdict::Fail));
    // Some of them still end at a server.
    let half: &[(&str, &[&str])] = &[("0.0.0.0/0", &["10.9.0.1", "10.1.53.11"])];
    let finding = judged("serving = []", half, forth, &[]);
    assert_eq!(finding.verdict, Some(Verdict::Fail), "{finding:?}");
}

#[test]
fn a_server_without_the_address_is_still_routed_to() {
    let mut story = story("", "serving = []");
    let address = "198.18.53.1".parse().expect("an address");
    story.push(1, "ns1", Seen::Address { address, present: false });
    story.rib_of(1, "core", &[(SERVICE, &["10.1.53.11"])]);
    story.route(1, "core", SERVICE, &["10.1.53.11"]);
    story.rib_of(1, "edge", &[]);
    story.ask(0, 60_000 * MS, |_| protocol::Outcome::Timeout);
    assert_eq!(story.judge_first().verdict, Some(Verdict::Fail));
}

#[test]
fn rib_and_fib_must_have_the_same_next_hops() {
    let mut story = story("", r#"serving = ["ns1"], at = "core""#);
    story.rib_of(1, "core", &[(SERVICE, &["10.1.53.11"])]);
    story.route(1, "core", "198.18.53.0/24", &["10.1.53.11"]);
    story.ask(0, 60_000 * MS, |_| answer("ns1"));
    let finding = story.judge_first();
    assert_eq!(finding.verdict, Some(Verdict::Fail));
    let told = "core routes via ns1 by 198.18.53.0/24, unlike its routing daemon: 1 of 1 addresses (FIB only)";
    assert_eq!(finding.found, [told]);
    let first = "core's RIB is right, and its kernel's route for 198.18.53.1 is not";
    assert_eq!(finding.first.as_deref(), Some(first));
}

/// The edge's kernel has a default route to core, installed by this protocol, and its routing daemon tells of no route.
fn over_a_default_route(protocol: u8, rib: &[(&str, &[&str])]) -> Finding {
    let mut story = story("", r#"serving = ["ns1", "ns2"]"#);
    story.route(1, "core", SERVICE, BOTH);
    story.rib_of(1, "core", &[(SERVICE, BOTH)]);
    story.route_by(protocol, 1, "edge", "0.0.0.0/0", &["10.9.0.2"]);
    story.rib_of(1, "edge", rib);
    story.ask(0, 60_000 * MS, |n| answer(if n % 2 == 0 { "ns1" } else { "ns2" }));
    story.judge_first()
}

#[test]
fn a_route_that_another_than_the_routing_daemon_installed_is_no_disagreement() {
    for (protocol, whose) in
        [(3, "an administrator's"), (4, "a static one"), (9, "RA's"), (188, "OSPF's"), (196, "staticd's")]
    {
        assert_eq!(over_a_default_route(protocol, &[]).verdict, Some(Verdict::Pass), "{whose}");
    }
    assert_eq!(over_a_default_route(12, &[("0.0.0.0/0", &["10.9.0.2"])]).verdict, Some(Verdict::Pass), "BIRD's, told");
    for protocol in [12, 186] {
        let finding = over_a_default_route(protocol, &[]);
        assert_eq!(finding.verdict, Some(Verdict::Fail), "one that the daemon should tell of");
        assert_eq!(finding.found, ["edge has no route: 1 of 1 addresses (RIB only)"]);
    }
}

#[test]
fn of_one_prefix_the_route_that_the_daemon_prefers_counts() {
    let finding = |protocol: u8| {
        let mut story = story("", r#"serving = ["ns1"], at = "core""#);
        story.route_by(protocol, 1, "core", SERVICE, &["10.1.53.12"]);
        story.rib_of(1, "core", &[(SERVICE, &["10.1.53.11"])]);
        story.ask(0, 60_000 * MS, |_| answer("ns2"));
        story.judge_first().found
    };
    let agree = "core routes via ns2: 1 of 1 addresses (RIB and FIB agree)";
    assert!(finding(196).iter().any(|line| line == agree), "{:?}", finding(196));
    // Which the daemon does not know.
    let differ = "core routes via ns2: 1 of 1 addresses (FIB only)";
    assert!(finding(3).iter().any(|line| line == differ), "{:?}", finding(3));
}

#[test]
fn a_rib_with_the_servers_own_next_hops_agrees_with_a_kernel_that_resolved_them() {
    // As a route reflector hands them on: unchanged. The edge reaches the servers' network over core.
    let mut story = story("", r#"serving = ["ns1", "ns2"]"#);
    story.route(1, "core", SERVICE, BOTH);
    story.rib_of(1, "core", &[(SERVICE, BOTH)]);
    story.route(1, "edge", "10.1.53.0/24", &["10.9.0.2"]);
    story.route(1, "edge", SERVICE, &["10.9.0.2"]);
    story.rib_of(1, "edge", &[(SERVICE, BOTH)]);
    story.ask(0, 60_000 * MS, |n| answer(if n % 2 == 0 { "ns1" } else { "ns2" }));
    let finding = story.judge_first();
    assert_eq!(finding.verdict, Some(Verdict::Pass), "{finding:?}");
}

/// One site that announces a /24, whose name server dies after a second: seven seconds later the routes are withdrawn.
fn operators_site() -> Story {
    let mut story = story("", r#"serving = ["ns1"]"#);
    story.rib_of(1, "core", &[("198.18.53.0/24", &["10.1.53.11"])]);
    story.route(1, "core", "198.18.53.0/24", &["10.1.53.11"]);
    story.route(1, "edge", "198.18.0.0/15", &["10.9.0.2"]);
    story.ask(0, 1000 * MS, |_| answer("ns1"));
    story.ask(1000 * MS, 8000 * MS, |_| protocol::Outcome::Timeout);
    story.rib_of(8000 * MS, "core", &[]);
    story.route(8000 * MS, "core", "198.18.53.0/24", &[]);
    story
}

#[test]
fn what_a_covering_route_blackholed_is_counted() {
    use crate::check::disagree::disagreement;
    let story = operators_site();
    let found = disagreement(&story.facts(), 1000 * MS, 9000 * MS);
    assert_eq!((found.blackholed, found.misdirected, found.tables), (6991 * MS, 0, 0));
}

#[test]
fn an_answer_over_a_covering_route_is_not_wrong() {
    use crate::check::phases::phases;
    let mut story = operators_site();
    story.rib_of(9000 * MS, "core", &[("198.18.53.0/24", &["10.1.53.11"])]);
    story.route(9000 * MS, "core", "198.18.53.0/24", &["10.1.53.11"]);
    story.ask(9000 * MS, 10_000 * MS, |_| answer("ns1"));
    let phases = phases(&story.facts(), "ns1", 1000 * MS, 10_000 * MS);
    let seen = phases.values().next().map(|phases| phases.seen).expect("a family");
    assert_eq!((seen.last_wrong, seen.last_lost), (Some(6990 * MS), Some(6990 * MS)));
    assert_eq!(seen.first_good, Some(8001 * MS));
}

#[test]
fn a_withdrawal_is_named_with_the_daemon_that_has_ended() {
    use crate::history::BgpMessage;
    let mut story = story("", r#"serving = ["ns1"], at = "core""#);
    let prefix: IpNet = "198.18.53.0/24".parse().expect("a prefix");
    let mut says = |at: u64, announced: Vec<(IpNet, Option<IpAddr>)>, withdrawn: Vec<IpNet>| {
        let (src, dst) = ("10.1.53.11:4000".parse().expect("a socket"), "10.1.53.254:179".parse().expect("a socket"));
        let message = BgpMessage::Update { announced, withdrawn };
        story.push(at, "ns1", Seen::Bgp { src, dst, sent: true, signed: false, ao: false, message });
    };
    says(1, vec![(prefix, None)], vec![]);
    says(2000 * MS, vec![], vec![prefix]);
    let exit = protocol::Exit::Code(1);
    story.push(1900 * MS, "ns1", Seen::Exited { daemon: "resolver".to_owned(), pid: 12, exit });
    story.rib_of(2, "core", &[]);
    story.ask(0, 60_000 * MS, |_| protocol::Outcome::Timeout);
    let finding = story.judge_first();
    assert_eq!(finding.verdict, Some(Verdict::Fail));
    let first = "ns1 withdrew 198.18.53.0/24 on the wire: its resolver has exited with status 1";
    assert_eq!(finding.first.as_deref(), Some(first));
}

#[test]
fn a_session_that_never_came_up_is_named() {
    use crate::history::BgpMessage;
    let mut story = story("", r#"serving = ["ns1", "ns2"]"#);
    let (src, dst) = ("10.9.0.1:4000".parse().expect("a socket"), "10.9.0.2:179".parse().expect("a socket"));
    let message = BgpMessage::Open { asn: 64999, hold_time: 10 };
    story.push(1, "edge", Seen::Bgp { src, dst, sent: true, signed: false, ao: false, message });
    story.rib_of(1, "core", &[(SERVICE, BOTH)]);
    story.route(1, "core", SERVICE, BOTH);
    story.rib_of(1, "edge", &[]);
    story.ask(0, 60_000 * MS, |_| protocol::Outcome::Timeout);
    let first = "edge and core never came to a session, though they tried";
    assert_eq!(story.judge_first().first.as_deref(), Some(first));
}

#[test]
fn a_router_has_no_speaker_that_could_be_told() {
    let core: &[(&str, &[&str])] = &[(SERVICE, BOTH)];
    let finding = judged(r#"serving = ["ns2"]"#, core, &[(SERVICE, &["10.9.0.2"])], &["ns1", "ns2"]);
    let first =
        "no withdrawal of 198.18.53.1 by ns1 on the wire: ns1's speaker was never told (no watchdog runs on ns1)";
    assert_eq!(finding.first.as_deref(), Some(first));
}

#[test]
fn a_failure_is_not_described_by_what_was_before_it() {
    // The daemons start, and nobody answers yet; half a second after all answer, it is too late.
    let mut story = story("", r#"answered-by = ["ns1"], within = "10s""#);
    story.ask(0, 10_000 * MS, |_| protocol::Outcome::Timeout);
    story.ask(10_000 * MS, 12_600 * MS, |_| answer("ns1"));
    let finding = story.judge_first();
    assert_eq!(finding.verdict, Some(Verdict::Fail));
    assert!(!finding.found.iter().any(|line| line.contains("gets no answer")), "{finding:?}");
}
