//! When a session is up, and when it is not.

use crate::check::story::Story;

use super::*;

fn said(story: &Story) -> Vec<(u64, Turn)> {
    Facts::of(&story.plan, &story.events).sessions.turns("router", "ns1", None).to_vec()
}

#[test]
fn a_session_is_up_when_both_ends_have_said_so() {
    let mut story = Story::of_both(0);
    story.say(1, "ns1", "router", BgpMessage::Keepalive);
    story.say(2, "ns2", "router", BgpMessage::Keepalive);
    story.say(5, "router", "ns2", BgpMessage::Keepalive);
    story.say(9, "router", "ns2", BgpMessage::Keepalive);
    let established = established(&Facts::of(&story.plan, &story.events));
    assert_eq!(established, BTreeMap::from([(("ns2".to_owned(), "router".to_owned()), 5)]));
}

#[test]
fn a_session_comes_up_and_goes_down() {
    let mut story = Story::of_both(0);
    story.session_up(10, "ns1");
    story.say(100, "ns1", "router", BgpMessage::Keepalive);
    story.say(200, "router", "ns1", BgpMessage::Notification { code: 4, subcode: 0 });
    story.session_up(300, "ns1");
    story.segment(400, "ns1", "router", TcpEvent::Rst, false);
    let down = |why: &str| Turn::Down(why.to_owned());
    let expected =
        [(13, Turn::Up), (200, down("NOTIFICATION 4/0 by router")), (303, Turn::Up), (400, down("RST by ns1"))];
    assert_eq!(said(&story), expected);
}

#[test]
fn sessions_of_each_family_count_together() {
    let mut story = Story::of_both(0);
    let v4 = story.plan.sessions.iter().find(|session| session.ends.contains(&"ns1".to_owned())).cloned().expect("one");
    let node = |name: &String| story.plan.topology.nodes[name].on.values().flatten().copied();
    let v6 = |name: &String| node(name).find(IpAddr::is_ipv6).expect("an address");
    let v6 = SessionPlan { addresses: [v6(&v4.ends[0]), v6(&v4.ends[1])], ..v4 };
    story.session_up(10, "ns1");
    assert_eq!(said(&story), [(13, Turn::Up)], "all that was planned");
    story.plan.sessions.push(v6);
    assert_eq!(said(&story), [(13, Turn::Partly)], "the other one is missing");
}

#[test]
fn one_end_alone_is_no_session_and_another_pair_s_is_none_of_ours() {
    let mut story = Story::of_both(0);
    story.say(1, "ns1", "router", BgpMessage::Open { asn: 64601, hold_time: 10 });
    story.say(2, "ns1", "router", BgpMessage::Keepalive);
    // Without an OPEN of its own a KEEPALIVE is nothing.
    story.say(3, "router", "ns1", BgpMessage::Keepalive);
    story.session_up(4, "ns2");
    assert_eq!(said(&story), []);
}

/// What ns1 and the router say on a connection from this port of ns1, each as its sender saw it.
fn on(story: &mut Story, port: u16, at: u64, from: &str, message: BgpMessage) {
    let (server, router) = (SocketAddr::from(([10, 1, 53, 11], port)), SocketAddr::from(([10, 1, 53, 254], 179)));
    let (src, dst) = if from == "ns1" { (server, router) } else { (router, server) };
    story.push(at, from, Seen::Bgp { src, dst, sent: true, signed: false, ao: false, message });
}

fn open() -> BgpMessage {
    BgpMessage::Open { asn: 64601, hold_time: 10 }
}

fn up_on(story: &mut Story, port: u16, at: u64) {
    for from in ["ns1", "router"] {
        on(story, port, at, from, open());
        on(story, port, at + 1, from, BgpMessage::Keepalive);
    }
}

const COLLIDED: BgpMessage = BgpMessage::Notification { code: 6, subcode: 7 };

#[test]
fn of_connections_that_collide_before_either_is_up_one_is_enough() {
    let mut story = Story::of_both(0);
    for from in ["ns1", "router"] {
        on(&mut story, 4000, 10, from, open());
        on(&mut story, 4001, 11, from, open());
    }
    on(&mut story, 4000, 12, "router", COLLIDED);
    on(&mut story, 4001, 13, "router", BgpMessage::Keepalive);
    on(&mut story, 4001, 14, "ns1", BgpMessage::Keepalive);
    assert_eq!(said(&story), [(14, Turn::Up)]);
}

#[test]
fn a_collision_hands_the_session_over() {
    let mut story = Story::of_both(0);
    up_on(&mut story, 4000, 10);
    on(&mut story, 4001, 12, "ns1", open());
    on(&mut story, 4000, 13, "router", COLLIDED);
    on(&mut story, 4001, 14, "router", open());
    for from in ["ns1", "router"] {
        on(&mut story, 4001, 15, from, BgpMessage::Keepalive);
    }
    assert_eq!(said(&story), [(11, Turn::Up)]);
    on(&mut story, 4001, 20, "ns1", BgpMessage::Notification { code: 6, subcode: 2 });
    assert_eq!(said(&story).last(), Some(&(20, Turn::Down("NOTIFICATION 6/2 by ns1".to_owned()))));
}

#[test]
fn without_another_connection_a_collision_is_an_end() {
    let mut story = Story::of_both(0);
    up_on(&mut story, 4000, 10);
    on(&mut story, 4000, 13, "router", COLLIDED);
    assert_eq!(said(&story).last(), Some(&(13, Turn::Down("NOTIFICATION 6/7 by router".to_owned()))));
}

/// The link was cut: no FIN of either end came as far as its probe.
#[test]
fn an_end_that_nobody_saw_is_known_by_the_next_connection() {
    let mut story = Story::of_both(0);
    up_on(&mut story, 4000, 10);
    up_on(&mut story, 4001, 100);
    let unseen = Turn::Down("a new connection, and nobody saw the end of the one before".to_owned());
    assert_eq!(said(&story), [(11, Turn::Up), (101, unseen), (101, Turn::Up)]);
    on(&mut story, 4001, 200, "ns1", BgpMessage::Notification { code: 6, subcode: 2 });
    assert!(matches!(said(&story).last(), Some((200, Turn::Down(_)))), "the old one is not up for ever");
}

/// A router between the two ends of a multihop session sees each segment come in and go out.
#[test]
fn what_passes_a_router_on_the_way_is_not_its_own() {
    let mut story = Story::of_both(0);
    up_on(&mut story, 4000, 10);
    let (src, dst) = (SocketAddr::from(([10, 1, 53, 11], 4000)), SocketAddr::from(([10, 1, 53, 254], 179)));
    for sent in [false, true] {
        let (signed, event) = (false, TcpEvent::Rst);
        story.push(50, "ns2", Seen::Tcp { src, dst, sent, signed, ao: false, event });
    }
    assert_eq!(said(&story), [(11, Turn::Up)], "dropped after that router: the session goes on");
}

#[test]
fn a_family_s_connections_are_told_apart() {
    let mut story = Story::of_both(0);
    story.session_up(10, "ns1");
    let facts = Facts::of(&story.plan, &story.events);
    let turns = |family| facts.sessions.turns("router", "ns1", Some(family));
    assert_eq!(turns(Family::V4), [(13, Turn::Up)]);
    assert_eq!(turns(Family::V6), []);
}
