use super::*;
use crate::announcer::bird::Bird;

const READY: &[u8] = b"0001 BIRD 2.17.5 ready.\n0000 \n1002-anycastdns4 Static master4 down 07:01\n0000 \n";
const ENABLED: &[u8] = b"0011-anycastdns4: enabled\n0000 \n";
const DISABLED: &[u8] = b"0009-anycastdns4: disabled\n0000 \n";
const UP: &[u8] = b"1002-anycastdns4 Static master4 up 07:01\n0000 \n";
const DOWN: &[u8] = b"1002-anycastdns4 Static master4 down 07:01\n0000 \n";
const NO_MATCH: &[u8] = b"8003 No protocols match\n";

/// Connected, and greeted.
fn talk() -> Talk<Bird> {
    let mut talk = Talk::new(Bird::new("anycastdns", []));
    talk.connected();
    assert_eq!(sent(&mut talk), ["echo", "show"]);
    assert_eq!(talk.receive(READY), Ok(vec![Outcome::Connected("BIRD 2.17.5 ready.".to_owned())]));
    talk
}

fn sent(talk: &mut Talk<Bird>) -> Vec<String> {
    let text = String::from_utf8(talk.take_to_send()).unwrap();
    text.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

fn troubles(outcomes: &[Outcome]) -> usize {
    outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Trouble(_))).count()
}

#[test]
fn nothing_is_sent_before_the_welcome_and_the_decision_after_it() {
    let mut talk = Talk::new(Bird::new("anycastdns", []));
    talk.want(Verb::Withdraw);
    talk.connected();
    assert_eq!(sent(&mut talk), ["echo", "show"]);
    talk.receive(READY).unwrap();
    assert_eq!(sent(&mut talk), ["disable", "show"]);
}

#[test]
fn a_decision_waits_for_no_reply() {
    let mut talk = talk();
    talk.want(Verb::Announce);
    assert_eq!(sent(&mut talk), ["enable", "show"]);
    talk.want(Verb::Withdraw);
    assert_eq!(sent(&mut talk), ["disable", "show"]);
    // What is said about the decision before counts no more.
    assert_eq!(talk.receive(ENABLED), Ok(vec![]));
    assert_eq!(talk.receive(UP), Ok(vec![]));
    assert!(!talk.is_confirmed());
    assert_eq!(talk.receive(DISABLED), Ok(vec![]));
    let confirmed = Outcome::Confirmed(Verb::Withdraw, "anycastdns4 down".to_owned());
    assert_eq!(talk.receive(DOWN), Ok(vec![confirmed]));
    assert!(talk.is_confirmed());
    assert_eq!(talk.patience(), Some(LOOK_BESIDES_NEWS));
}

#[test]
fn news_are_looked_after_at_once() {
    let mut talk = talk();
    talk.want(Verb::Withdraw);
    sent(&mut talk);
    // Of our own command: what was asked after it may have been answered before.
    talk.receive(DISABLED).unwrap();
    talk.receive(b"+Disabling protocol anycastdns4\n").unwrap();
    assert_eq!(sent(&mut talk), [""; 0]);
    talk.receive(DOWN).unwrap();
    assert_eq!(sent(&mut talk), ["show"]);
    talk.receive(DOWN).unwrap();
    assert_eq!((sent(&mut talk), talk.patience()), (vec![], Some(LOOK_BESIDES_NEWS)));
    // Of somebody else's, in two pieces.
    talk.receive(b"+Enabling pro").unwrap();
    assert_eq!(sent(&mut talk), [""; 0]);
    talk.receive(b"tocol anycastdns4\n").unwrap();
    assert_eq!(sent(&mut talk), ["show"]);
    assert_eq!(troubles(&talk.receive(UP).unwrap()), 1);
    assert_eq!(sent(&mut talk), ["disable", "show"]);
}

#[test]
fn who_tells_no_news_is_asked_more_often() {
    let mut talk = Talk::new(Bird::new("anycastdns", []));
    talk.connected();
    talk.receive(b"0001 BIRD 3.1.7 ready.\n9001 syntax error\n1002-anycastdns4 Static master4 down 07:01\n0000 \n")
        .unwrap();
    talk.want(Verb::Withdraw);
    talk.receive(&[DISABLED, DOWN].concat()).unwrap();
    assert_eq!(talk.patience(), Some(LOOK_AFTER));
}

#[test]
fn what_somebody_else_has_undone_is_told_and_done_again() {
    let mut talk = talk();
    talk.want(Verb::Announce);
    talk.receive(ENABLED).unwrap();
    assert_eq!(talk.receive(UP).unwrap().len(), 1);
    sent(&mut talk);
    // Looked after, and as it was: nothing to tell.
    assert_eq!(talk.waited(), None);
    assert_eq!(sent(&mut talk), ["show"]);
    assert_eq!(talk.receive(UP), Ok(vec![]));
    // A configuration was read anew, in which the protocols are disabled.
    assert_eq!(talk.waited(), None);
    sent(&mut talk);
    let told = talk.receive(DOWN).unwrap();
    assert_eq!(troubles(&told), 1, "{told:?}");
    assert!(!talk.is_confirmed());
    assert_eq!(sent(&mut talk), ["enable", "show"]);
    talk.receive(ENABLED).unwrap();
    assert_eq!(troubles(&talk.receive(UP).unwrap()), 0);
    assert!(talk.is_confirmed());
}

#[test]
fn obedience_alone_confirms_nothing() {
    let mut talk = talk();
    talk.want(Verb::Announce);
    talk.receive(ENABLED).unwrap();
    assert!(!talk.is_confirmed());
}

#[test]
fn what_does_not_hold_yet_is_asked_again_then_told_and_asserted_anew() {
    let mut talk = talk();
    talk.want(Verb::Announce);
    sent(&mut talk);
    talk.receive(ENABLED).unwrap();
    for _ in 0..6 {
        assert_eq!(talk.receive(DOWN), Ok(vec![]));
        assert_eq!(talk.waited(), None);
        assert_eq!(sent(&mut talk), ["show"]);
    }
    let told = talk.receive(DOWN).unwrap();
    assert_eq!(told, [Outcome::Trouble("asked to announce, and still: anycastdns4 down".to_owned())]);
    assert_eq!(talk.waited(), None);
    assert_eq!(sent(&mut talk), ["enable", "show"]);
    talk.receive(ENABLED).unwrap();
    talk.receive(UP).unwrap();
    assert!(talk.is_confirmed());
}

#[test]
fn a_refusal_is_told_and_tried_again() {
    let mut talk = talk();
    talk.want(Verb::Withdraw);
    sent(&mut talk);
    assert_eq!(troubles(&talk.receive(NO_MATCH).unwrap()), 1);
    assert_eq!(troubles(&talk.receive(NO_MATCH).unwrap()), 1);
    assert!(!talk.is_confirmed());
    assert_eq!(talk.patience(), Some(RETRY));
    assert_eq!(talk.waited(), None);
    assert_eq!(sent(&mut talk), ["disable", "show"]);
}

#[test]
fn silence_is_told_and_waited_out() {
    let mut talk = talk();
    talk.want(Verb::Withdraw);
    sent(&mut talk);
    assert_eq!(talk.patience(), Some(ANSWER));
    assert_eq!(talk.waited(), Some(Outcome::Trouble("no answer within 1 s".to_owned())));
    assert!(sent(&mut talk).is_empty());
    talk.receive(DISABLED).unwrap();
    talk.receive(DOWN).unwrap();
    assert!(talk.is_confirmed());
}

#[test]
fn replies_that_nobody_asked_for_are_not_understood() {
    assert!(talk().receive(UP).is_err());
}

#[test]
fn a_reply_without_an_end_is_not_understood() {
    let mut talk = talk();
    talk.want(Verb::Withdraw);
    assert!(talk.receive(&vec![b'x'; LONGEST + 1]).is_err());
}

#[test]
fn a_new_connection_knows_nothing_of_the_old_one() {
    let mut talk = talk();
    talk.want(Verb::Announce);
    talk.receive(ENABLED).unwrap();
    talk.receive(b"1002-anycastdns4 Static").unwrap();
    sent(&mut talk);
    talk.connected();
    sent(&mut talk);
    talk.receive(READY).unwrap();
    assert_eq!(sent(&mut talk), ["enable", "show"]);
    assert!(!talk.is_confirmed());
    talk.receive(ENABLED).unwrap();
    talk.receive(UP).unwrap();
    assert!(talk.is_confirmed());
}

#[test]
fn what_follows_the_question_is_part_of_its_answer() {
    let neighbour = b"1002-anycastdns4 Static master4 up 07:01\n to_r1 BGP --- up 07:01 Established\n0000 \n";
    let mut talk = Talk::new(Bird::new("anycastdns", ["10.1.53.1/32".to_owned()]));
    talk.connected();
    talk.receive(READY).unwrap();
    talk.want(Verb::Announce);
    sent(&mut talk);
    talk.receive(ENABLED).unwrap();
    assert_eq!(talk.receive(neighbour), Ok(vec![]));
    assert_eq!(String::from_utf8(talk.take_to_send()).unwrap(), "show route for 10.1.53.1/32 export 'to_r1'\n");
    assert!(!talk.is_confirmed());
    let told = talk.receive(b"1007-10.1.53.1/32 blackhole [anycastdns4 07:01] * (200)\n0000 \n").unwrap();
    assert!(matches!(told.as_slice(), [Outcome::Confirmed(Verb::Announce, _)]), "{told:?}");
    // Decided between the question and what follows it: that is about the time before.
    talk.waited();
    talk.receive(neighbour).unwrap();
    talk.want(Verb::Withdraw);
    assert_eq!(sent(&mut talk), ["show", "show", "disable", "show"]);
    assert_eq!(talk.receive(b"8001 Network not found\n"), Ok(vec![]));
    talk.receive(DISABLED).unwrap();
    talk.receive(DOWN).unwrap();
    assert!(talk.is_confirmed());
}
