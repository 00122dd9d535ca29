use super::*;

/// What bgpd answered, byte by byte: to the hello; to `announce`, `drain`, `withdraw`, each followed by the question; to
/// `withdraw` again; and to `announce` in another AS.
const RECORDED: [&[u8]; 2] =
    [include_bytes!("../../../tests/recorded/frr-8.4"), include_bytes!("../../../tests/recorded/frr-10.3")];

/// The same by the sessions, until `withdraw`. The first answer about them came nine seconds later.
const SHUTDOWN: [&[u8]; 2] = [
    include_bytes!("../../../tests/recorded/frr-8.4-shutdown"),
    include_bytes!("../../../tests/recorded/frr-10.3-shutdown"),
];

/// Hello, announce and question, where zebra has no route to the prefixes.
const IMPORT_CHECK: [&[u8]; 2] = [
    include_bytes!("../../../tests/recorded/frr-8.4-import-check"),
    include_bytes!("../../../tests/recorded/frr-10.3-import-check"),
];

/// Hello, without a `router bgp`.
const NO_INSTANCE: [&[u8]; 2] = [
    include_bytes!("../../../tests/recorded/frr-8.4-no-instance"),
    include_bytes!("../../../tests/recorded/frr-10.3-no-instance"),
];

fn by(by: FrrBy) -> Frr {
    let addresses = ["2001:db8::1", "10.1.53.2", "10.1.53.1", "10.1.53.2"].map(|address| address.parse().unwrap());
    let drained =
        Attributes { med: Some(500), local_pref: Some(0), communities: vec!["65535:0".to_owned()], prepend: 2 };
    Frr::new("dns", 65001, by, &addresses, [Attributes::default(), drained])
}

fn frr() -> Frr {
    by(FrrBy::Network)
}

/// The replies in the bytes, which come in small pieces.
fn replies(bytes: &[u8]) -> Vec<Reply> {
    let (mut received, mut replies) = (Vec::new(), Vec::new());
    for piece in bytes.chunks(7) {
        received.extend_from_slice(piece);
        while let Some(reply) = frr().take_reply(&mut received).unwrap() {
            replies.push(reply);
        }
    }
    assert_eq!(received, b"");
    replies
}

fn answers(texts: [&str; 3]) -> Vec<Reply> {
    texts.map(|text| Reply { text: text.to_owned(), status: 0 }).into()
}

fn refused<T: std::fmt::Debug>(judged: Result<T, Complaint>) -> String {
    match judged {
        Err(Complaint::Refused(text)) => text,
        other => panic!("{other:?}"),
    }
}

/// Takes as many replies as the script brings.
fn next<'r>(replies: &mut &'r [Reply], script: &Script) -> &'r [Reply] {
    let (these, rest) = replies.split_at(script.replies);
    *replies = rest;
    these
}

#[test]
fn recorded_replies_of_each_version() {
    for bytes in RECORDED {
        let all = replies(bytes);
        let mut rest = all.as_slice();
        let mut frr = frr();
        let hello = next(&mut rest, &frr.hello());
        assert_eq!(frr.greeted(hello).as_deref(), Ok("bgpd, AS 65001"));
        let each = |state: &str| format!("10.1.53.1/32 {state}, 10.1.53.2/32 {state}, 2001:db8::1/128 {state}");
        for (verb, state) in [
            (Verb::Announce, "advertised to 10.0.0.1"),
            (Verb::Drain, "advertised to 10.0.0.1"),
            (Verb::Withdraw, "absent"),
        ] {
            let obeyed = next(&mut rest, &frr.command(verb));
            assert_eq!(frr.obeyed(verb, obeyed), Ok(()));
            let answers = next(&mut rest, &frr.question());
            assert_eq!(frr.holds(verb, answers), Ok(Standing::Holds(each(state))));
            let other = if verb == Verb::Withdraw { Verb::Announce } else { Verb::Withdraw };
            assert_eq!(frr.holds(other, answers), Ok(Standing::NotYet(each(state))));
            if verb == Verb::Announce {
                assert_eq!(frr.holds(Verb::Drain, answers), Ok(Standing::NotYet(each("carries other attributes"))));
            }
        }
        let again = next(&mut rest, &frr.command(Verb::Withdraw));
        assert_eq!(frr.obeyed(Verb::Withdraw, again), Ok(()));
        // The same answer is none to `network`.
        let not_there = Reply { text: NOT_THERE.to_owned(), status: 13 };
        assert!(again.contains(&not_there), "{again:?}");
        assert!(refused(frr.obeyed(Verb::Announce, again)).contains("Can't find static route"));
        let text = refused(frr.obeyed(Verb::Announce, rest));
        assert!(text.starts_with("`router bgp 65001`: BGP "), "{text}");
        assert!(text.ends_with("AS is 65001 (status 13); hint: give that AS number as --asn"), "{text}");
    }
}

#[test]
fn recorded_replies_by_the_sessions() {
    for bytes in SHUTDOWN {
        let all = replies(bytes);
        let mut rest = all.as_slice();
        let mut frr = by(FrrBy::NeighborShutdown);
        let hello = next(&mut rest, &frr.hello());
        assert_eq!(frr.greeted(hello).as_deref(), Ok("bgpd, AS 65001"));
        // As it is in frr.conf: all are shut down, and the networks are there.
        assert_eq!(frr.holds(Verb::Withdraw, &hello[1..]), Ok(Standing::Holds("no session is up".to_owned())));
        for verb in [Verb::Announce, Verb::Drain] {
            let not_yet = frr.holds(verb, &hello[1..]);
            let expected = "10.1.53.1/32 valid, advertised to no neighbour (none is up, or their filters keep it?)";
            assert!(matches!(&not_yet, Ok(Standing::NotYet(detail)) if detail.starts_with(expected)), "{not_yet:?}");
        }
        for verb in [Verb::Announce, Verb::Drain, Verb::Withdraw] {
            let obeyed = next(&mut rest, &frr.command(verb));
            assert_eq!(frr.obeyed(verb, obeyed), Ok(()));
            let answers = next(&mut rest, &frr.question());
            assert!(matches!(frr.holds(verb, answers), Ok(Standing::Holds(_))), "{verb:?}");
            if verb != Verb::Withdraw {
                assert_eq!(frr.holds(Verb::Withdraw, answers), Ok(Standing::NotYet("10.0.0.1 up".to_owned())));
            }
        }
        assert_eq!(rest, []);
    }
}

#[test]
fn an_invalid_network_is_not_announced() {
    for bytes in IMPORT_CHECK {
        let replies = replies(bytes);
        let question = &replies[replies.len() - frr().question().replies..];
        for verb in [Verb::Announce, Verb::Withdraw] {
            assert!(matches!(frr().holds(verb, question), Ok(Standing::NotYet(_))));
        }
    }
}

#[test]
fn without_an_instance_nothing_is_done() {
    for bytes in NO_INSTANCE {
        let text = refused(frr().greeted(&replies(bytes)));
        assert!(text.contains("Default BGP instance not found"), "{text}");
        assert!(text.ends_with("hint: expected `router bgp` in frr.conf"), "{text}");
    }
}

#[test]
fn learnt_paths_are_not_ours() {
    let learnt =
        |prefix| format!(r#"{{"prefix":"{prefix}","paths":[{{"valid":true,"peer":{{"peerId":"10.1.53.254"}}}}]}}"#);
    let texts = ["10.1.53.1/32", "10.1.53.2/32", "2001:db8::1/128"].map(learnt);
    let answers = answers(texts.each_ref().map(String::as_str));
    assert!(matches!(frr().holds(Verb::Withdraw, &answers), Ok(Standing::Holds(_))));
    assert!(matches!(frr().holds(Verb::Announce, &answers), Ok(Standing::NotYet(_))));
}

#[test]
fn what_is_no_answer_to_the_question_is_not_understood() {
    for text in [
        "",
        "[]",
        "% BGP",
        "{\"paths\":[]}",
        "{\"prefix\":\"10.9.9.9/32\",\"paths\":[]}",
        "{\"prefix\":\"10.1.53.1/32\"}",
    ] {
        for verb in [Verb::Announce, Verb::Withdraw] {
            let judged = frr().holds(verb, &answers([text, "{}", "{}"]));
            assert!(matches!(judged, Err(Complaint::Nonsense(_))), "{text}: {judged:?}");
        }
    }
}

#[test]
fn an_error_that_claims_success_is_an_error() {
    let mut replies = vec![Reply { text: String::new(), status: 0 }; frr().command(Verb::Announce).replies];
    assert_eq!(frr().obeyed(Verb::Announce, &replies), Ok(()));
    replies[3].text = "% Out of memory".to_owned();
    assert_eq!(refused(frr().obeyed(Verb::Announce, &replies)), "`network 10.1.53.1/32`: % Out of memory (status 0)");
}

#[test]
fn fewer_than_three_nuls_are_not_understood() {
    assert!(frr().take_reply(&mut b"ok\0\0x\0".to_vec()).is_err());
    assert_eq!(frr().take_reply(&mut b"ok\0\0\0".to_vec()), Ok(None));
}

#[test]
fn all_prefixes_of_a_decision_go_at_once() {
    let lines = |script: Script| String::from_utf8(script.bytes).unwrap().replace('\0', "\n");
    insta::assert_snapshot!(lines(frr().command(Verb::Withdraw)), @"
    configure terminal
    router bgp 65001
    address-family ipv4 unicast
    no network 10.1.53.1/32
    no network 10.1.53.2/32
    exit-address-family
    address-family ipv6 unicast
    no network 2001:db8::1/128
    exit-address-family
    exit
    no route-map anycast-watchdog-dns-up
    no route-map anycast-watchdog-dns-drained
    end
    ");
    insta::assert_snapshot!(lines(frr().command(Verb::Announce)), @"
    configure terminal
    router bgp 65001
    address-family ipv4 unicast
    network 10.1.53.1/32
    network 10.1.53.2/32
    exit-address-family
    address-family ipv6 unicast
    network 2001:db8::1/128
    exit-address-family
    end
    ");
    insta::assert_snapshot!(lines(frr().command(Verb::Drain)), @"
    configure terminal
    route-map anycast-watchdog-dns-drained permit 10
    set metric 500
    set local-preference 0
    set community 65535:0
    set as-path prepend 65001 65001
    router bgp 65001
    address-family ipv4 unicast
    network 10.1.53.1/32 route-map anycast-watchdog-dns-drained
    network 10.1.53.2/32 route-map anycast-watchdog-dns-drained
    exit-address-family
    address-family ipv6 unicast
    network 2001:db8::1/128 route-map anycast-watchdog-dns-drained
    exit-address-family
    end
    ");
    let mut by_sessions = by(FrrBy::NeighborShutdown);
    by_sessions.lines.neighbors = vec!["10.1.53.254".to_owned(), "eth0".to_owned()];
    insta::assert_snapshot!(lines(by_sessions.command(Verb::Drain)), @"
    configure terminal
    router bgp 65001
    bgp graceful-shutdown
    no neighbor 10.1.53.254 shutdown
    no neighbor eth0 shutdown
    end
    ");
    insta::assert_snapshot!(lines(by(FrrBy::NeighborShutdown).hello()), @"
    enable
    show bgp ipv4 unicast 10.1.53.1/32 json
    show bgp ipv4 unicast 10.1.53.2/32 json
    show bgp ipv6 unicast 2001:db8::1/128 json
    show bgp summary json
    ");
    let none = || Attributes::default();
    let only_ipv6 = Frr::new("dns", 1, FrrBy::Network, &["::1".parse().unwrap()], [none(), none()]);
    assert!(!lines(only_ipv6.command(Verb::Announce)).contains("ipv4"));
}
