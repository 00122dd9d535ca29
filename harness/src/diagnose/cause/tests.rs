use std::collections::BTreeMap;

use protocol::{Exit, SocketState, Stream};

use super::*;
use crate::check::story::{FAULT, MS, Story};

fn told(story: &Story) -> String {
    cause(&story.plan, &story.events, &BTreeMap::new()).unwrap_or_default()
}

/// Both serve, their sessions are up, and both have announced: no rule applies.
fn healthy() -> Story {
    let mut story = Story::of_both(FAULT);
    for server in ["ns1", "ns2"] {
        story.session_up(10 * MS, server);
        let announced = story.plan.services.iter().map(|service| (host(service.address), None)).collect();
        story.say(20 * MS, server, "router", BgpMessage::Update { announced, withdrawn: Vec::new() });
    }
    story
}

fn line(daemon: &str, text: &str) -> Seen {
    Seen::Line { daemon: daemon.to_owned(), stream: Stream::Stderr, text: text.to_owned() }
}

fn exited(daemon: &str, exit: Exit) -> Seen {
    Seen::Exited { daemon: daemon.to_owned(), pid: 9, exit }
}

#[test]
fn nothing_is_claimed_of_a_healthy_lab() {
    assert_eq!(cause(&healthy().plan, &healthy().events, &BTreeMap::new()), None);
}

#[test]
fn a_node_that_was_lost() {
    let mut story = healthy();
    story.push(FAULT, "ns1", Seen::Hole { reason: "its probe has ended".to_owned() });
    assert_eq!(told(&story), "ns1 could not be observed: its probe has ended");
}

#[test]
fn a_daemon_that_ended_is_told_with_the_line_that_says_most() {
    let mut story = healthy();
    story.push(30 * MS, "ns2", line("speaker", "ModuleNotFoundError: No module named 'exabgp'"));
    story.push(31 * MS, "ns2", line("speaker", "bye"));
    story.push(32 * MS, "ns2", exited("speaker", Exit::Code(1)));
    assert_eq!(told(&story), "speaker on ns2 exited with status 1: ModuleNotFoundError: No module named 'exabgp'");
    story.push(33 * MS, "ns2", Seen::Started { daemon: "speaker".to_owned(), pid: 10 });
    assert_eq!(told(&story), "", "it was started again");
}

#[test]
fn a_daemon_that_a_fault_ended_is_no_cause() {
    let mut story = healthy();
    let injected =
        Seen::Injected { number: 1, fault: "kill resolver on ns1".to_owned(), detail: String::new(), what: None };
    story.events.push(Event { at: FAULT, since: None, node: None, saw: injected });
    story.push(FAULT + MS, "ns1", exited("resolver", Exit::Signal(9)));
    assert_eq!(told(&story), "");
    story.push(FAULT + 2 * MS, "ns2", exited("resolver", Exit::Signal(9)));
    assert_eq!(told(&story), "resolver on ns2 was killed by SIGKILL, without a word");
}

#[test]
fn a_script_that_is_started_again_and_again() {
    let mut story = healthy();
    for run in 1..=3 {
        story.push(run * MS, "ns1", line("watchdog", "Can't locate Net/DNS.pm in @INC (you may need to install it)"));
        let text = format!("lab: /usr/local/bin/checker ended with status 2, run {run}; it is started again");
        story.push(run * MS + 1, "ns1", line("watchdog", &text));
    }
    let expected = "watchdog on ns1: /usr/local/bin/checker ended with status 2, 3 times: \
                    Can't locate Net/DNS.pm in @INC (you may need to install it)";
    assert_eq!(told(&story), expected);
}

#[test]
fn an_address_that_lo_lost() {
    let mut story = healthy();
    let address = "10.1.53.1".parse().expect("an address");
    story.push(MS, "ns1", Seen::Address { address, present: true });
    assert_eq!(told(&story), "");
    story.push(2 * MS, "ns1", Seen::Address { address, present: false });
    assert_eq!(told(&story), "lo of ns1 does not have 10.1.53.1, which it serves");
}

#[test]
fn a_port_on_which_nobody_listens() {
    let story = healthy();
    let socket = |local: &str| SocketState {
        protocol: "udp".to_owned(),
        local: local.parse().expect("an address"),
        remote: "0.0.0.0:0".parse().expect("an address"),
        state: "BOUND".to_owned(),
    };
    let inspected = |sockets: Vec<SocketState>| {
        BTreeMap::from([("ns1".to_owned(), Ok(Inspection { sockets, ..Inspection::default() }))])
    };
    let told = |sockets| cause(&story.plan, &story.events, &inspected(sockets));
    let expected = "nothing on ns1 listens on UDP port 53 at 10.1.53.1: only at 127.0.0.1";
    assert_eq!(told(vec![socket("127.0.0.1:53")]).as_deref(), Some(expected));
    assert_eq!(told(vec![socket("[::]:53")]), None);
}

#[test]
fn a_session_that_never_came_up_and_why() {
    let of = |tell: &dyn Fn(&mut Story)| {
        let mut story = Story::of_both(FAULT);
        story.session_up(10 * MS, "ns2");
        tell(&mut story);
        let told = told(&story);
        told.strip_prefix("the session between router and ns1 was never established: ").unwrap_or(&told).to_owned()
    };
    assert_eq!(of(&|_| {}), "neither end has tried to connect");
    let syn = |story: &mut Story, signed| story.segment(MS, "ns1", "router", TcpEvent::Syn, signed);
    assert_eq!(of(&|story| syn(story, false)), "nobody answers the connection attempts");
    let refused = of(&|story| {
        syn(story, false);
        story.segment(2 * MS, "router", "ns1", TcpEvent::Rst, false);
    });
    assert_eq!(refused, "router refuses the connection: nothing listens there on TCP port 179");
    assert!(of(&|story| syn(story, true)).contains("the keys differ, or one end has none"));
    let one_signs = of(&|story| {
        syn(story, true);
        story.segment(2 * MS, "router", "ns1", TcpEvent::Syn, false);
    });
    assert_eq!(one_signs, "ns1 signs with an MD5 key, router does not");
    let peer_as = of(&|story| story.say(MS, "router", "ns1", BgpMessage::Notification { code: 2, subcode: 2 }));
    assert_eq!(peer_as, "router told ns1 NOTIFICATION 2/2 (OPEN Message Error/Bad Peer AS)");
}

#[test]
fn a_session_that_ended_without_a_fault() {
    let mut story = healthy();
    story.say(500 * MS, "router", "ns1", BgpMessage::Notification { code: 4, subcode: 0 });
    assert_eq!(told(&story), "a session ended: router told ns1 NOTIFICATION 4/0 (Hold Timer Expired)");
    story.say(600 * MS, "ns1", "router", BgpMessage::Open { asn: 64601, hold_time: 10 });
    assert_eq!(told(&story), "", "a new one has begun");
}

#[test]
fn a_route_that_the_kernel_lacks() {
    let mut story = healthy();
    story.fib(100 * MS, &[]);
    assert_eq!(told(&story), "router has 10.1.53.1/32 in its daemon's table and not in its kernel's");
}

#[test]
fn a_server_that_never_announced() {
    let mut story = Story::of_both(FAULT);
    story.session_up(10 * MS, "ns1");
    story.session_up(10 * MS, "ns2");
    assert_eq!(told(&story), "ns1 never announced 10.1.53.1, and its watchdog has not written a line");
    story.push(MS, "ns1", line("watchdog", "check of 10.1.53.1 failed: REFUSED"));
    let expected = "ns1 never announced 10.1.53.1; its watchdog's last line: check of 10.1.53.1 failed: REFUSED";
    assert_eq!(told(&story), expected);
}

#[test]
fn a_client_without_a_route() {
    let mut story = healthy();
    story.ask(FAULT, FAULT + 10 * MS, |_| Outcome::Refused("Network is unreachable (os error 101)".to_owned()));
    assert!(told(&story).starts_with("client has no route to "), "{}", told(&story));
}
