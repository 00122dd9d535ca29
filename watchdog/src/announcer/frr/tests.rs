use super::*;

/// What bgpd answered, byte by byte: to the hello; to `announce`, `withdraw`, each followed by the question; to `withdraw`
/// again; and to `announce` in another AS.
const RECORDED: [&[u8]; 2] =
    [include_bytes!("../../../tests/recorded/frr-8.4"), include_bytes!("../../../tests/recorded/frr-10.3")];

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

fn frr() -> Frr {
    let addresses = ["2001:db8::1", "10.1.53.2", "10.1.53.1", "10.1.53.2"];
    Frr::new(65001, addresses.map(|address| address.parse().unwrap()))
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

#[test]
fn recorded_replies_of_each_version() {
    for bytes in RECORDED {
        let replies = replies(bytes);
        let (hello, replies) = replies.split_at(frr().hello().replies);
        assert_eq!(frr().greeted(hello).as_deref(), Ok("bgpd, AS 65001"));
        let (announce, replies) = replies.split_at(frr().command(Verb::Announce).replies);
        assert_eq!(frr().obeyed(Verb::Announce, announce), Ok(()));
        let (question, replies) = replies.split_at(frr().question().replies);
        let valid = "10.1.53.1/32 valid, 10.1.53.2/32 valid, 2001:db8::1/128 valid".to_owned();
        assert_eq!(frr().holds(Verb::Announce, question), Ok(Standing::Holds(valid.clone())));
        assert_eq!(frr().holds(Verb::Withdraw, question), Ok(Standing::NotYet(valid)));
        let (withdraw, replies) = replies.split_at(frr().command(Verb::Withdraw).replies);
        assert_eq!(frr().obeyed(Verb::Withdraw, withdraw), Ok(()));
        let (question, replies) = replies.split_at(frr().question().replies);
        let absent = "10.1.53.1/32 absent, 10.1.53.2/32 absent, 2001:db8::1/128 absent".to_owned();
        assert_eq!(frr().holds(Verb::Withdraw, question), Ok(Standing::Holds(absent.clone())));
        assert_eq!(frr().holds(Verb::Announce, question), Ok(Standing::NotYet(absent)));
        let (again, other_as) = replies.split_at(frr().command(Verb::Withdraw).replies);
        assert_eq!(frr().obeyed(Verb::Withdraw, again), Ok(()));
        // The same answer is none to `network`.
        assert!(refused(frr().obeyed(Verb::Announce, again)).contains("Can't find static route"));
        let text = refused(frr().obeyed(Verb::Announce, other_as));
        assert!(text.starts_with("`router bgp 65001`: BGP "), "{text}");
        assert!(text.ends_with("AS is 65001 (status 13); hint: give that AS number as --asn"), "{text}");
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
    end
    ");
    insta::assert_snapshot!(lines(frr().hello()), @"
    enable
    show bgp ipv4 unicast 10.1.53.1/32 json
    show bgp ipv4 unicast 10.1.53.2/32 json
    show bgp ipv6 unicast 2001:db8::1/128 json
    ");
    let announce = lines(frr().command(Verb::Announce));
    assert_eq!(announce, lines(frr().command(Verb::Withdraw)).replace("no network", "network"));
    let only_ipv6 = Frr::new(1, ["::1".parse().unwrap()]).command(Verb::Announce);
    assert!(!lines(only_ipv6).contains("ipv4"));
}
