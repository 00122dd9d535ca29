use super::*;

/// What BIRD answered, byte by byte: to the hello; to `announce`, `drain`, `withdraw` with the question after each and what
/// followed it; then to what it refuses, and about routes that are kept back, unknown, or of a neighbour that is down.
const RECORDED: [(&str, &[u8]); 3] = [
    ("BIRD 2.0.12 ready.", include_bytes!("../../../tests/recorded/bird-2.0.12")),
    ("BIRD 2.17.5 ready.", include_bytes!("../../../tests/recorded/bird-2.17")),
    ("BIRD 3.1.7 ready.", include_bytes!("../../../tests/recorded/bird-3.1")),
];

fn bird() -> Bird {
    Bird::new("dns", ["10.1.53.1/32", "2001:db8:53::1/128"].map(str::to_owned))
}

/// One that knows of `dns4` and `dns6`, and of nothing to export to.
fn greeted() -> Bird {
    let mut bird = bird();
    bird.greeted(&replies(format!("0001 BIRD 2.17.5 ready.\n0000 \n{}", states("down", "down", "")).as_bytes()))
        .unwrap();
    bird
}

fn states(dns4: &str, dns6: &str, more: &str) -> String {
    format!("1002-dns4 Static master4 {dns4} 07:01\n dns6 Static master6 {dns6} 07:01\n{more}0000 \n")
}

/// The replies in the bytes, which come in small pieces.
fn replies(bytes: &[u8]) -> Vec<Reply> {
    let (mut received, mut replies) = (Vec::new(), Vec::new());
    for piece in bytes.chunks(7) {
        received.extend_from_slice(piece);
        bird().take_news(&mut received);
        while let Some(reply) = bird().take_reply(&mut received).unwrap() {
            replies.push(reply);
        }
    }
    assert_eq!(received, b"");
    replies
}

fn nonsense<T: std::fmt::Debug>(judged: Result<T, Complaint>) -> String {
    match judged {
        Err(Complaint::Nonsense(text)) => text,
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
    for (ready, bytes) in RECORDED {
        let all = replies(bytes);
        let mut rest = all.as_slice();
        let mut bird = bird();
        let hello = next(&mut rest, &bird.hello());
        assert_eq!(bird.greeted(hello).as_deref(), Ok(ready));
        let expected = [
            (Verb::Announce, "dns_4 up, dns_6 up; 10.1.53.1/32, 2001:db8:53::1/128 exported"),
            (
                Verb::Drain,
                "dns_4_drained up, dns_6 up, there is no dns_6_drained, dns_6 stays as it was; 10.1.53.1/32, \
                 2001:db8:53::1/128 exported",
            ),
            (Verb::Withdraw, "dns_4 down, dns_4_drained down, dns_6 down"),
        ];
        for (verb, expected) in expected {
            let obeyed = next(&mut rest, &bird.command(verb));
            assert_eq!(bird.obeyed(verb, obeyed), Ok(()));
            let mut answers = next(&mut rest, &bird.question()).to_vec();
            if let Some(script) = bird.follow_up(verb, &answers) {
                answers.extend_from_slice(next(&mut rest, &script));
            }
            assert_eq!(bird.holds(verb, &answers), Ok(Standing::Holds(expected.to_owned())));
            let other = if verb == Verb::Withdraw { Verb::Announce } else { Verb::Withdraw };
            assert!(matches!(bird.holds(other, &answers[..1]), Ok(Standing::NotYet(_))));
        }
        let one = Script::of_lines(&["disable".to_owned()], b'\n');
        let refusals: Vec<_> = [0, 1, 6]
            .into_iter()
            .map(|index| match bird.obeyed(Verb::Withdraw, &rest[index..=index]) {
                Err(Complaint::Refused(text)) => text,
                other => panic!("{other:?}"),
            })
            .collect();
        insta::allow_duplicates! {
            insta::assert_snapshot!(refusals.join("\n"), @"
            8003 No protocols match; hint: was it taken out of bird.conf just now?
            9001 Unterminated string
            8007 Access denied; hint: this control socket is restricted to reading; name the other one
            ");
        }
        // Kept back by a filter; unknown; of a neighbour that is down.
        next(&mut rest, &one);
        next(&mut rest, &one);
        for _ in 0..3 {
            let exported = bird.exported(Verb::Announce, &["to_r1".to_owned()].into(), next(&mut rest, &one));
            assert_eq!(exported.0, Vec::<String>::new());
        }
    }
}

#[test]
fn a_route_that_no_neighbour_gets_is_not_announced() {
    let states = states("up", "up", " to_r1 BGP --- up 07:01 Established\n");
    let told = "1007-Table master4:\n 10.1.53.1/32 blackhole [dns4 07:01] * (200)\n0000 \n";
    let mut bird = greeted();
    // Kept back; not there; that of another protocol.
    for not_told in ["0000 \n", "8001 Network not found\n", "1007-2001:db8:53::1/128 blackhole [other 07:01]\n0000 \n"]
    {
        let replies = replies(format!("{states}{told}{not_told}").as_bytes());
        let Ok(Standing::NotYet(detail)) = bird.holds(Verb::Announce, &replies) else {
            panic!("{not_told}");
        };
        let expected = "dns4 up, dns6 up; 2001:db8:53::1/128 not exported to any neighbour that is up (to_r1); hint: ";
        assert!(detail.starts_with(expected), "{detail}");
    }
}

#[test]
fn without_a_neighbour_that_is_up_nothing_is_announced() {
    let replies = replies(states("up", "up", " to_r1 BGP --- start 07:01 Active\n").as_bytes());
    let mut bird = greeted();
    assert_eq!(bird.follow_up(Verb::Announce, &replies), None);
    let Ok(Standing::NotYet(detail)) = bird.holds(Verb::Announce, &replies) else { panic!() };
    assert_eq!(detail, "dns4 up, dns6 up; no BGP neighbour is up: to_r1 down");
}

/// The routes may leave by another protocol than BGP.
#[test]
fn without_any_bgp_the_protocols_are_all_there_is() {
    let holds = greeted().holds(Verb::Announce, &replies(states("up", "up", "").as_bytes()));
    assert_eq!(holds, Ok(Standing::Holds("dns4 up, dns6 up".to_owned())));
}

#[test]
fn another_code_is_no_obedience() {
    let replies = replies(b"0011-dns4: enabled\n0000 \n0009-dns6: disabled\n0000 \n");
    let text = nonsense(greeted().obeyed(Verb::Announce, &replies));
    assert!(text.starts_with("expected one of [0011, 0010] for `enable \"dns6\"`, found [(9, "), "{text}");
    nonsense(greeted().obeyed(Verb::Withdraw, &replies));
}

#[test]
fn an_empty_success_is_no_obedience() {
    nonsense(greeted().obeyed(Verb::Announce, &replies(b"0000 \n")));
    nonsense(greeted().holds(Verb::Announce, &replies(b"0000 \n")));
}

#[test]
fn protocols_of_others_confirm_nothing() {
    let replies = replies(b"1002-dns2 Static master4 up 07:01:16.297\n dns_drained Static master4 up 07:01\n0000 \n");
    for verb in [Verb::Announce, Verb::Drain, Verb::Withdraw] {
        assert!(matches!(bird().holds(verb, &replies), Err(Complaint::Refused(_))));
    }
}

#[test]
fn all_protocols_must_be_as_decided() {
    for verb in [Verb::Announce, Verb::Drain, Verb::Withdraw] {
        let holds = greeted().holds(verb, &replies(states("up", "down", "").as_bytes()));
        assert!(matches!(holds, Ok(Standing::NotYet(_))));
        let flush = greeted().holds(verb, &replies(states("flush", "down", "").as_bytes()));
        assert!(matches!(flush, Ok(Standing::NotYet(_))));
    }
}

/// A configuration was read anew.
#[test]
fn protocols_that_come_later_are_spoken_of_from_then_on() {
    let mut bird = greeted();
    let replies = replies(states("up", "up", " dns_8 Static master4 down 07:01\n").as_bytes());
    assert!(matches!(bird.holds(Verb::Announce, &replies), Ok(Standing::NotYet(_))));
    assert_eq!(bird.command(Verb::Withdraw).bytes, b"disable \"dns4\"\ndisable \"dns6\"\ndisable \"dns_8\"\n");
}

#[test]
fn log_messages_are_passed_over() {
    assert_eq!(replies(b"+<INFO> Started\n0001 BIRD 2.17.5 ready.\n"), replies(b"0001 BIRD 2.17.5 ready.\n"));
}

#[test]
fn who_does_not_know_echo_tells_no_news() {
    for (answer, tells_news) in [("0000 \n", true), ("9001 syntax error, unexpected CF_SYM_UNDEFINED\n", false)] {
        let mut bird = bird();
        let hello = format!("0001 BIRD 3.1.7 ready.\n{answer}{}", states("down", "down", ""));
        bird.greeted(&replies(hello.as_bytes())).unwrap();
        assert_eq!(bird.tells_news(), tells_news);
    }
}

#[test]
fn lines_without_a_code_are_not_understood() {
    for line in
        ["HTTP/1.1 400 Bad Request\n", "\n", "12 \n", "0000\n", "0000_\n", " no code before\n", "+001 x\n0é0 x\n"]
    {
        nonsense(bird().take_reply(&mut line.as_bytes().to_vec()));
    }
}

#[test]
fn only_a_welcome_is_a_welcome() {
    let states = states("up", "up", "");
    for stranger in ["0016 Access restricted\n", "0001-BIRD\n0001 ready.\n"] {
        nonsense(bird().greeted(&replies(format!("{stranger}0000 \n{states}").as_bytes())));
    }
}

#[test]
fn neighbours_are_asked_about_each_prefix() {
    let replies = replies(states("up", "up", " to_r1 BGP --- up 07:01 Established\n").as_bytes());
    let script = greeted().follow_up(Verb::Announce, &replies).unwrap();
    let lines = "show route for 10.1.53.1/32 export 'to_r1'\nshow route for 2001:db8:53::1/128 export 'to_r1'\n";
    assert_eq!(script, Script { bytes: lines.into(), replies: 2 });
    assert_eq!(greeted().follow_up(Verb::Withdraw, &replies), None);
    assert!(is_name("any_cast-4.x:y"));
    assert!(!["", "a\"b", "a*", "a b", "a\n"].into_iter().any(is_name));
}
