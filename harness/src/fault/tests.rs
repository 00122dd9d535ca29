use protocol::Signal;

use super::*;

/// A node that runs everything, speaks of one session with `router`, and has a programmable name server.
struct Willing {
    peer: Option<String>,
}

impl Ground for Willing {
    fn daemon(&self, role: Role) -> Result<String, String> {
        Ok(role.to_string())
    }

    fn session(&self, peer: &str, up: bool) -> Result<Vec<Action>, String> {
        Ok(vec![exec(&["session", peer, if up { "up" } else { "down" }])])
    }

    fn key(&self, peer: &str, key: Option<&str>) -> Result<Vec<Action>, String> {
        Ok(vec![exec(&["key", peer, key.unwrap_or("its own")])])
    }

    fn behave(&self, how: &str) -> Result<Action, String> {
        Ok(exec(&["behave", how]))
    }

    fn can_be_silent(&self) -> Result<(), String> {
        Ok(())
    }

    fn is_on(&self, network: &str) -> bool {
        network == "servers"
    }

    fn peer(&self) -> Option<&str> {
        self.peer.as_deref()
    }
}

fn exec(argv: &[&str]) -> Action {
    Action::Exec { argv: argv.iter().map(|arg| (*arg).to_owned()).collect(), timeout_ms: 10_000 }
}

/// The fault as a step writes it.
fn read(text: &str) -> Result<Fault, String> {
    #[derive(Deserialize)]
    struct Step {
        inject: Fault,
    }
    toml::from_str(&format!("inject = {text}"))
        .map(|step: Step| step.inject)
        .map_err(|error| error.message().to_owned())
}

/// What it says, what breaks it, and what mends it.
fn moves(text: &str) -> (String, Vec<Action>, Vec<Action>) {
    let fault = read(text).expect("a good fault");
    let ground = Willing { peer: fault.peer.clone() };
    (fault.to_string(), fault.apply(&ground).expect("it breaks"), fault.heal(&ground).expect("it heals"))
}

fn daemon(role: &str) -> String {
    role.to_owned()
}

#[test]
fn what_is_killed_or_ended_is_started_again() {
    let start = || vec![Action::Revive { daemon: daemon("resolver") }];
    let kill = vec![Action::Signal { daemon: daemon("resolver"), signal: Signal::SigKill }];
    let found = moves(r#"{ kill = "resolver", on = "ns1" }"#);
    assert_eq!(found, ("kill resolver on ns1".to_owned(), kill, start()));
    let stop = vec![Action::Stop { daemon: daemon("resolver") }];
    assert_eq!(moves(r#"{ stop = "resolver", on = "ns1" }"#), ("stop resolver on ns1".to_owned(), stop, start()));
}

#[test]
fn what_hangs_goes_on() {
    let signal = |signal| vec![Action::Signal { daemon: daemon("speaker"), signal }];
    let (_, apply, heal) = moves(r#"{ hang = "speaker", on = "ns1" }"#);
    assert_eq!((apply, heal), (signal(Signal::SigStop), signal(Signal::SigCont)));
}

#[test]
fn what_is_dropped_comes_through_again() {
    let (words, apply, heal) = moves(r#"{ drop = { port = 53 }, on = "ns1" }"#);
    let chain = "table inet fault_drop_port_53 { chain input { type filter hook input priority -300; \
                 tcp dport 53 drop; udp dport 53 drop; tcp sport 53 drop; udp sport 53 drop; }; }";
    assert_eq!(words, "drop port 53 on ns1");
    assert_eq!(
        (apply, heal),
        (vec![exec(&["nft", chain])], vec![exec(&["nft", "delete table inet fault_drop_port_53"])])
    );

    let some = r#"{ drop = { port = 53, protocol = "udp", family = "v6", from = "outside" }, on = "ns1" }"#;
    let (words, apply, _) = moves(some);
    let chain = "table inet fault_drop_port_53_udp_v6_from_outside { chain input { type filter hook input priority -300; \
                 iifname != \"lo\" meta nfproto ipv6 udp dport 53 drop; \
                 iifname != \"lo\" meta nfproto ipv6 udp sport 53 drop; }; }";
    assert_eq!(words, "drop port 53 udp v6 from outside on ns1");
    assert_eq!(apply, vec![exec(&["nft", chain])]);
}

#[test]
fn what_is_rejected_is_told_so_in_its_protocols_way() {
    let (_, apply, heal) = moves(r#"{ reject = { port = 179 }, on = "ns1" }"#);
    let chain = "table inet fault_reject_port_179 { chain input { type filter hook input priority -300; \
                 tcp dport 179 reject with tcp reset; udp dport 179 reject; \
                 tcp sport 179 reject with tcp reset; udp sport 179 reject; }; }";
    assert_eq!(apply, vec![exec(&["nft", chain])]);
    assert_eq!(heal, vec![exec(&["nft", "delete table inet fault_reject_port_179"])]);
}

#[test]
fn what_is_lost_is_a_share_of_what_comes() {
    let (words, apply, heal) =
        moves(r#"{ lose = { percent = 30, of = { port = 53, protocol = "udp" } }, on = "ns1" }"#);
    let chain = "table inet fault_lose_port_53_udp { chain input { type filter hook input priority -300; \
                 udp dport 53 numgen random mod 100 < 30 drop; udp sport 53 numgen random mod 100 < 30 drop; }; }";
    assert_eq!(words, "lose 30 % of port 53 udp on ns1");
    assert_eq!(apply, vec![exec(&["nft", chain])]);
    assert_eq!(heal, vec![exec(&["nft", "delete table inet fault_lose_port_53_udp"])]);
    let none = read(r#"{ lose = { percent = 0, of = { port = 53 } }, on = "ns1" }"#).expect_err("nothing is lost");
    assert!(none.contains("0 %: expected 1 to 100"), "{none}");
}

#[test]
fn a_session_goes_down_by_its_daemons_own_command() {
    let found = moves(r#"{ shutdown = "router", on = "ns1" }"#);
    let words = "shutdown of the session with router on ns1".to_owned();
    assert_eq!(found, (words, vec![exec(&["session", "router", "down"])], vec![exec(&["session", "router", "up"])]));
}

#[test]
fn another_key_is_a_secret_and_goes_back() {
    let (words, apply, heal) = moves(r#"{ md5 = "sesame", on = "ns1", peer = "router" }"#);
    assert_eq!(words, "another MD5 key on ns1 toward router");
    assert_eq!((apply, heal), (vec![exec(&["key", "router", "sesame"])], vec![exec(&["key", "router", "its own"])]));
    let fault = read(r#"{ md5 = "sesame", on = "ns1", peer = "router" }"#).expect("a good fault");
    assert!(!serde_json::to_string(&fault).expect("json").contains("sesame"));
}

#[test]
fn a_machine_falls_silent_before_its_daemons_can_say_goodbye() {
    let (silence, speak) = (Action::Silence { network: None }, Action::Speak { network: None });
    let (_, apply, heal) = moves(r#"{ machine = "crash", on = "ns1" }"#);
    assert_eq!(apply, vec![silence.clone(), Action::SignalAll { signal: Signal::SigKill }]);
    assert_eq!(heal, vec![Action::FlushRoutes, speak.clone(), Action::StartAll]);
    let (_, apply, heal) = moves(r#"{ machine = "freeze", on = "ns1" }"#);
    assert_eq!(apply, vec![silence, Action::SignalAll { signal: Signal::SigStop }]);
    assert_eq!(heal, vec![speak, Action::SignalAll { signal: Signal::SigCont }]);
}

#[test]
fn a_link_is_cut_where_there_is_one() {
    let network = || Some("servers".to_owned());
    let (_, apply, heal) = moves(r#"{ cut = "servers", on = "ns1" }"#);
    assert_eq!(apply, vec![Action::Silence { network: network() }]);
    assert_eq!(heal, vec![Action::Speak { network: network() }]);
    let elsewhere = read(r#"{ cut = "clients", on = "ns1" }"#).expect("a good fault");
    assert_eq!(elsewhere.apply(&Willing { peer: None }), Err("it is not on network `clients`".to_owned()));
}

#[test]
fn a_programmable_server_is_told_how_to_answer() {
    let found = moves(r#"{ answers = "mute udp", on = "ns1" }"#);
    assert_eq!(
        found,
        (
            "answers: mute udp on ns1".to_owned(),
            vec![exec(&["behave", "mute udp"])],
            vec![exec(&["behave", "reset mute udp"])]
        )
    );
}

#[test]
fn one_fault_at_a_time_and_a_peer_where_it_belongs() {
    for (text, error) in [
        (r#"{ on = "ns1" }"#, "found 0"),
        (r#"{ kill = "resolver", hang = "resolver", on = "ns1" }"#, "found 2"),
        (r#"{ md5 = "sesame", on = "ns1" }"#, "`md5` is about one session: `peer` names its other end"),
        (r#"{ kill = "resolver", on = "ns1", peer = "router" }"#, "`kill` is about no session"),
        (r#"{ burn = "resolver", on = "ns1" }"#, "unknown field `burn`"),
    ] {
        let found = read(text).expect_err(text);
        assert!(found.contains(error), "{text}: {found}");
    }
}

#[test]
fn what_closes_no_connection_waits_for_the_hold_time() {
    let timers = Timers { hold: Duration::from_secs(9), bad_checks: Duration::from_secs(2) };
    let longest = |text: &str| {
        let terms = read(text).expect("a good fault").until_withdrawn(&timers);
        terms.iter().map(|(_, span)| span.as_secs()).sum::<u64>()
    };
    for (text, seconds) in [
        (r#"{ kill = "resolver", on = "ns1" }"#, 2),
        (r#"{ hang = "resolver", on = "ns1" }"#, 2),
        (r#"{ drop = { port = 53 }, on = "ns1" }"#, 2),
        (r#"{ lose = { percent = 1, of = { port = 53 } }, on = "ns1" }"#, 2),
        (r#"{ answers = "mute", on = "ns1" }"#, 2),
        (r#"{ kill = "speaker", on = "ns1" }"#, 0),
        (r#"{ stop = "speaker", on = "ns1" }"#, 0),
        (r#"{ shutdown = "router", on = "ns1" }"#, 0),
        (r#"{ hang = "speaker", on = "ns1" }"#, 9),
        (r#"{ drop = { port = 179 }, on = "ns1" }"#, 12),
        (r#"{ reject = { port = 179 }, on = "ns1" }"#, 3),
        (r#"{ md5 = "sesame", on = "ns1", peer = "router" }"#, 9),
        (r#"{ machine = "crash", on = "ns1" }"#, 9),
        (r#"{ machine = "freeze", on = "ns1" }"#, 9),
        (r#"{ cut = "servers", on = "ns1" }"#, 9),
    ] {
        assert_eq!(longest(text), seconds, "{text}");
    }
}
