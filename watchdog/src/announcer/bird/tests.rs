use super::*;

/// What BIRD answered, byte by byte: to `enable`, `show protocols`, `disable` of one of two, `enable`, `disable`, `show
/// protocols` at once and after a while, `disable`, each for `anycastdns*`; then to what it refuses.
const RECORDED: [(&str, &[u8]); 3] = [
    ("BIRD 2.0.12 ready.", include_bytes!("../../../tests/recorded/bird-2.0.12")),
    ("BIRD 2.17.5 ready.", include_bytes!("../../../tests/recorded/bird-2.17")),
    ("BIRD 3.1.7 ready.", include_bytes!("../../../tests/recorded/bird-3.1")),
];

fn bird() -> Bird {
    Bird::new("anycastdns")
}

/// The replies in the bytes, which come in small pieces.
fn replies(bytes: &[u8]) -> Vec<Reply> {
    let (mut received, mut replies) = (Vec::new(), Vec::new());
    for piece in bytes.chunks(7) {
        received.extend_from_slice(piece);
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

#[test]
fn recorded_replies_of_each_version() {
    for (ready, bytes) in RECORDED {
        let replies = replies(bytes);
        let reply = |index: usize| &replies[index..=index];
        assert_eq!(bird().greeted(reply(0)).as_deref(), Ok(ready));
        assert_eq!(bird().obeyed(Verb::Announce, reply(1)), Ok(()));
        let up = Standing::Holds("anycastdns4 up, anycastdns6 up".to_owned());
        assert_eq!(bird().holds(Verb::Announce, reply(2)), Ok(up));
        assert_eq!(bird().obeyed(Verb::Withdraw, reply(3)), Ok(()));
        // One was enabled, one already.
        assert_eq!(bird().obeyed(Verb::Announce, reply(4)), Ok(()));
        assert_eq!(bird().obeyed(Verb::Withdraw, reply(5)), Ok(()));
        let flush = Standing::NotYet("anycastdns4 flush, anycastdns6 flush".to_owned());
        assert_eq!(bird().holds(Verb::Withdraw, reply(6)), Ok(flush));
        let down = Standing::Holds("anycastdns4 down, anycastdns6 down".to_owned());
        assert_eq!(bird().holds(Verb::Withdraw, reply(7)), Ok(down));
        assert_eq!(bird().obeyed(Verb::Withdraw, reply(8)), Ok(()));
        let refusals = [9, 10, 12].map(|index| match bird().obeyed(Verb::Announce, reply(index)) {
            Err(Complaint::Refused(text)) => text,
            other => panic!("{other:?}"),
        });
        insta::allow_duplicates! {
            insta::assert_snapshot!(refusals.join("\n"), @r#"
            8003 No protocols match; hint: expected protocols named "anycastdns*", in bird.conf or by another --name
            9001 Unterminated string
            8007 Access denied; hint: this control socket is restricted to reading; name the other one with --socket
            "#);
        }
    }
}

#[test]
fn another_code_is_no_obedience() {
    let replies = replies(b"0011-anycastdns4: enabled\n0009-anycastdns6: disabled\n0000 \n");
    let text = nonsense(bird().obeyed(Verb::Announce, &replies));
    assert_eq!(text, "expected one of [0011, 0010], found 0009 anycastdns6: disabled");
    nonsense(bird().obeyed(Verb::Withdraw, &replies));
}

#[test]
fn an_empty_success_is_no_obedience() {
    nonsense(bird().obeyed(Verb::Announce, &replies(b"0000 \n")));
    nonsense(bird().holds(Verb::Announce, &replies(b"0000 \n")));
    nonsense(bird().holds(Verb::Withdraw, &replies(b"2002-Name Proto Table State\n0000 \n")));
}

#[test]
fn protocols_of_others_confirm_nothing() {
    let replies = replies(b"1002-kernel1 Kernel master4 up 07:01:16.297\n0000 \n");
    nonsense(bird().holds(Verb::Announce, &replies));
}

#[test]
fn all_protocols_must_be_as_decided() {
    let replies = replies(b"1002-anycastdns4 Static master4 up 07:01\n anycastdns6 Static master6 down 07:01\n0000 \n");
    for verb in [Verb::Announce, Verb::Withdraw] {
        assert!(matches!(bird().holds(verb, &replies), Ok(Standing::NotYet(_))));
    }
}

#[test]
fn log_messages_are_passed_over() {
    assert_eq!(replies(b"+<INFO> Started\n0001 BIRD 2.17.5 ready.\n"), replies(b"0001 BIRD 2.17.5 ready.\n"));
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
    nonsense(bird().greeted(&replies(b"0016 Access restricted\n")));
    nonsense(bird().greeted(&replies(b"0001-BIRD\n0001 ready.\n")));
}

#[test]
fn commands_name_the_pattern() {
    assert_eq!(bird().command(Verb::Announce).bytes, b"enable \"anycastdns*\"\n");
    assert_eq!(bird().command(Verb::Withdraw).bytes, b"disable \"anycastdns*\"\n");
    assert_eq!(bird().question(), Script { bytes: b"show protocols \"anycastdns*\"\n".to_vec(), replies: 1 });
    assert!(is_name("any_cast-4.x:y"));
    assert!(!["", "a\"b", "a*", "a b", "a\n"].into_iter().any(is_name));
}
