use super::*;
use crate::announcer::tests::service;
use crate::service::{Service, Through};

/// What helpers said (`>`) to ExaBGP, each version with two neighbours of which one is up and has drained routes too, and what
/// it answered (`<`).
const RECORDED: [&str; 3] = [
    include_str!("../../../../tests/recorded/exabgp-4.2.21"),
    include_str!("../../../../tests/recorded/exabgp-4.2.25"),
    include_str!("../../../../tests/recorded/exabgp-5.0.15"),
];

/// The same of 3.4, which answers no command.
const RECORDED_OLD: &str = include_str!("../../../../tests/recorded/exabgp-3.4.28");

const DECISIONS: [(Verb, bool); 5] = [
    (Verb::Withdraw, true),
    (Verb::Announce, false),
    (Verb::Drain, false),
    (Verb::Announce, true),
    (Verb::Withdraw, false),
];

const ROUTE: &str = "127.0.1.1 ipv4 unicast 10.1.53.1/32 next-hop self";
const ROUTE6: &str = "127.0.1.1 ipv6 unicast 2001:db8:53::1/128 next-hop self";
const UP: &str = "127.0.1.1 64601 0:00:24 established 10 0";

/// A parley about one service, its clock, and what came of it.
struct Played {
    parley: Parley,
    now: Instant,
    notes: Vec<String>,
    said: Vec<String>,
}

fn words(name: &str, dialect: ExabgpDialect) -> Words {
    let through = Through::Exabgp { next_hop: None, dialect };
    Words::new(&Service { name: name.to_owned(), ..service(through) }).unwrap().unwrap()
}

impl Played {
    fn new(name: &str, dialect: ExabgpDialect) -> Self {
        let mut parley = Parley::default();
        let prefixes = vec!["10.1.53.1/32".to_owned(), "2001:db8:53::1/128".to_owned()];
        parley.join(1, Subject::new(name.to_owned(), prefixes, words(name, dialect)));
        Self { parley, now: Instant::now(), notes: Vec::new(), said: Vec::new() }
    }

    fn of_version_4() -> Self {
        Self::new("dns", ExabgpDialect::V4)
    }

    /// Right after the first command, and before anything else.
    fn asked_for_its_version(verb: Verb) -> Self {
        let mut played = Self::of_version_4();
        played.decide(verb, false);
        let start = played.now;
        assert!(played.wait());
        assert_eq!((played.now, mem::take(&mut played.said)), (start, vec!["version".to_owned()]));
        played
    }

    fn decide(&mut self, verb: Verb, may_be_drained: bool) {
        let commands = self.parley.subjects[&1].words.commands(verb, may_be_drained);
        self.parley.want(1, verb, commands.clone(), self.now);
        commands.iter().for_each(|command| self.parley.said(command, self.now));
    }

    fn hear(&mut self, lines: &[&str]) {
        for line in lines {
            let outcomes = self.parley.hear(line, self.now);
            self.take(outcomes);
        }
    }

    /// The time passes until there is something to do; whether ExaBGP was asked.
    fn wait(&mut self) -> bool {
        let before = self.said.len();
        self.now = self.parley.wake().unwrap().max(self.now);
        let outcomes = self.parley.on_time(self.now);
        self.take(outcomes);
        self.said.len() > before
    }

    /// ExaBGP says nothing, until nothing is waited for any more.
    fn wait_in_silence(&mut self) {
        while self.parley.wake().is_some() {
            self.wait();
        }
    }

    fn take(&mut self, outcomes: Vec<Outcome>) {
        for outcome in outcomes {
            match outcome {
                Outcome::Note(note) => self.notes.push(note),
                Outcome::Confirmed(service, found) => self.notes.push(format!("confirmed {service}: {found}")),
                Outcome::Doubted(service, complaint) => self.notes.push(format!("ERROR: {service}: {complaint}")),
                Outcome::Say(lines) => {
                    for line in lines.iter().flat_map(|line| line.lines()) {
                        self.parley.said(line, self.now);
                        self.said.push(line.to_owned());
                    }
                }
            }
        }
    }

    /// Asks as often as it is to be asked at once, and always answers the same, for as long.
    fn answer(&mut self, lines: &[&str], time: Duration) {
        let end = self.now + time;
        while self.parley.wake().is_some_and(|at| at <= end) {
            if self.wait() {
                self.hear(lines);
            }
        }
        self.now = end;
    }

    fn notes(&mut self) -> String {
        mem::take(&mut self.notes).join("\n")
    }
}

#[test]
fn recorded_answers_of_each_version() {
    for recorded in RECORDED {
        let mut played = Played::of_version_4();
        let mut lines = recorded.lines().filter(|line| !line.starts_with("> show ")).peekable();
        for (verb, may_be_drained) in DECISIONS {
            let commands: Vec<_> =
                std::iter::from_fn(|| lines.next_if(|line| line.starts_with("> "))).map(|line| &line[2..]).collect();
            assert_eq!(commands, words("dns", ExabgpDialect::V4).commands(verb, may_be_drained));
            played.decide(verb, may_be_drained);
            for _ in commands {
                assert_eq!(lines.next(), Some("< done"));
                played.hear(&["done"]);
            }
            assert!(played.wait());
            let answers: Vec<_> =
                std::iter::from_fn(|| lines.next_if(|line| line.starts_with("< "))).map(|line| &line[2..]).collect();
            played.hear(&answers);
        }
        let neighbors = "in the adj-RIB-out of 127.0.1.1; down: 127.0.1.2";
        assert_eq!(
            played.notes(),
            format!(
                "confirmed dns: withdrawn: adj-RIB-out has no route to them\n\
                 confirmed dns: announced: {neighbors}\n\
                 confirmed dns: drained: {neighbors}\n\
                 confirmed dns: announced: {neighbors}\n\
                 confirmed dns: withdrawn: adj-RIB-out has no route to them"
            )
        );
    }
}

#[test]
fn a_name_that_no_route_carries_is_told_once() {
    for recorded in RECORDED {
        let (_, answers) = recorded.split_once("> announce watchdog nosuch\n").unwrap();
        let (answers, _) = answers.split_once("> bogus").unwrap();
        let answers: Vec<_> = answers.lines().filter_map(|line| line.strip_prefix("< ")).collect();
        let (ack, answers) = answers.split_first().unwrap();
        let mut played = Played::new("nosuch", ExabgpDialect::V4);
        played.decide(Verb::Announce, false);
        played.hear(&[ack]);
        played.answer(answers, LATE - Duration::from_millis(1));
        assert_eq!(played.notes(), "");
        // Doubled up to the longest pause: 0, 5, 15, 35, 75, 155, 315, 565, 815 ms.
        assert_eq!(played.said.len(), 9 * QUESTIONS.len());
        played.answer(answers, 3 * LATE);
        assert_eq!(
            played.notes(),
            "ERROR: nosuch: ExaBGP was told, and adj-RIB-out has no route to 10.1.53.1/32, 2001:db8:53::1/128; hint: no \
             route there in exabgp.conf carries `watchdog nosuch`, or the neighbour has `adj-rib-out false`"
        );
    }
}

#[test]
fn one_route_of_two_is_not_enough() {
    let mut played = Played::of_version_4();
    played.decide(Verb::Announce, false);
    played.hear(&["done"]);
    played.answer(&[ROUTE, "done", UP, "done"], 2 * LATE);
    assert!(played.notes().contains("no route to 2001:db8:53::1/128; hint: "));
}

#[test]
fn a_route_that_stays_is_told() {
    let mut played = Played::of_version_4();
    played.decide(Verb::Withdraw, false);
    played.hear(&["done"]);
    played.answer(&[ROUTE, "done", UP, "done"], 2 * LATE);
    assert_eq!(
        played.notes(),
        "ERROR: dns: ExaBGP was told, and adj-RIB-out still has a route to 10.1.53.1/32; hint: exabgp.conf has another \
         route there, without `watchdog dns`"
    );
}

#[test]
fn routes_for_nobody_are_not_announced_until_somebody_is_there() {
    let mut played = Played::of_version_4();
    played.decide(Verb::Announce, false);
    played.hear(&["done"]);
    played.answer(&[ROUTE, ROUTE6, "done", "done"], 2 * LATE);
    assert_eq!(played.notes(), "ERROR: dns: ExaBGP holds the routes, and no neighbour is up: 127.0.1.1 down");
    played.answer(&[ROUTE, ROUTE6, "done", UP, "done"], 2 * LATE);
    assert_eq!(played.notes(), "confirmed dns: announced: in the adj-RIB-out of 127.0.1.1");
}

#[test]
fn what_holds_is_looked_after_and_told_again() {
    let mut played = Played::of_version_4();
    played.decide(Verb::Announce, false);
    played.hear(&["done"]);
    played.answer(&[ROUTE, ROUTE6, "done", UP, "done"], 10 * LOOK_AFTER);
    // At once, and then ten times.
    assert_eq!(played.said.len(), 11 * QUESTIONS.len());
    assert!(played.notes().starts_with("confirmed dns: announced"));
    played.said.clear();
    played.answer(&["done", UP, "done"], LOOK_AFTER);
    assert!(played.notes().contains("somebody else has changed the routes in ExaBGP"));
    assert_eq!(played.said.last().unwrap(), "announce watchdog dns");
    played.hear(&["done"]);
    played.answer(&[ROUTE, ROUTE6, "done", UP, "done"], LATE);
    assert!(played.notes().starts_with("confirmed dns: announced"));
}

#[test]
fn nothing_is_asked_before_the_commands_are_answered() {
    let mut played = Played::of_version_4();
    played.decide(Verb::Withdraw, true);
    played.hear(&["done"]);
    assert!(!played.wait(), "one of two is answered");
    played.hear(&["done"]);
    assert!(played.wait());
    // Decided meanwhile: what is said about the time before counts no more.
    played.decide(Verb::Announce, false);
    played.hear(&["done", UP, "done"]);
    assert_eq!(
        played.notes(),
        "ERROR: ExaBGP has not answered `withdraw watchdog dns-drained` within 1 s; it may hang"
    );
    played.hear(&["done"]);
    assert!(played.wait());
}

#[test]
fn a_refusal_names_the_command_or_all_that_it_may_be() {
    let mut played = Played::of_version_4();
    played.decide(Verb::Announce, false);
    played.hear(&["error"]);
    let note = played.notes();
    assert!(note.starts_with("ERROR: ExaBGP answered `error` to `announce watchdog dns`; "), "{note}");
    played.decide(Verb::Withdraw, true);
    played.hear(&["error"]);
    let note = played.notes();
    assert!(note.contains(" to one of `withdraw watchdog dns-drained`, `withdraw watchdog dns`; "), "{note}");
    played.hear(&["done", "error"]);
    assert!(played.notes().contains("a command that is answered already"));
}

#[test]
fn an_exabgp_without_acknowledgements_is_told_once_and_asked_nothing() {
    let mut played = Played::of_version_4();
    for verb in [Verb::Withdraw, Verb::Announce] {
        played.decide(verb, false);
        played.wait_in_silence();
    }
    assert_eq!(mem::take(&mut played.said), ["version"]);
    let note = played.notes();
    assert!(note.starts_with("ExaBGP answers nothing within 1 s; ") && !note.contains('\n'), "{note}");
    assert!(played.parley.is_answered());
    played.hear(&["exabgp 4.2.25"]);
    assert_eq!(played.notes(), "");
    // It was only slow.
    played.hear(&["done", "exabgp 4.2.25", "done", "done"]);
    assert!(played.wait());
}

#[test]
fn who_it_is_is_asked_after_the_first_command() {
    let mut played = Played::asked_for_its_version(Verb::Withdraw);
    played.hear(&["exabgp 4.2.25"]);
    played.wait_in_silence();
    let note = played.notes();
    assert!(note.starts_with("ExaBGP 4.2.25 acknowledges nothing within 1 s; "), "{note}");
    assert!(note.ends_with("hint: `ack = true` in the section [exabgp.api] of exabgp.env"), "{note}");
}

/// What 3.4 answered after the line.
fn old_answers(after: &str) -> Vec<&'static str> {
    let (_, answers) = RECORDED_OLD.split_once(&format!("> {after}\n")).unwrap();
    let answers = answers.lines().skip_while(|line| !line.starts_with("< "));
    answers.map_while(|line| line.strip_prefix("< ")).collect()
}

#[test]
fn version_3_is_asked_what_it_has_sent() {
    let mut played = Played::new("dns", ExabgpDialect::V3);
    let announced = old_answers("announce watchdog dns");
    let withdrawn = old_answers("withdraw watchdog dns\n> show routes extensive");
    for (verb, answers) in [(Verb::Announce, &announced), (Verb::Withdraw, &withdrawn)] {
        played.decide(verb, false);
        // The first answer may be older than the UPDATE.
        for _ in 0..2 {
            assert_eq!(played.notes(), "", "{verb}");
            assert!(played.wait(), "no command has an answer");
            assert_eq!(mem::take(&mut played.said).join(", "), "show routes extensive, show neighbor status");
            played.hear(answers);
        }
        assert!(played.parley.is_answered());
        let confirmed = match verb {
            Verb::Announce => "confirmed dns: announced: in the adj-RIB-out of 127.0.1.1; down: 127.0.1.2",
            _ => "confirmed dns: withdrawn: adj-RIB-out has no route to them",
        };
        assert_eq!(played.notes(), confirmed);
    }
    // Who ends waits until the withdrawal is seen to hold.
    played.decide(Verb::Withdraw, false);
    for answers in [&announced, &withdrawn] {
        assert!(played.wait());
        played.hear(answers);
        assert!(!played.parley.is_answered());
    }
    assert!(played.wait());
    played.hear(&withdrawn);
    assert!(played.parley.is_answered());
}

#[test]
fn version_3_is_woken_until_it_must_have_sent() {
    let mut played = Played::new("dns", ExabgpDialect::V3);
    played.decide(Verb::Withdraw, false);
    played.answer(&old_answers("announce watchdog nosuch"), LATE);
    // After 1 ms, and after 1, 2, 4 and so on up to 128 ms more.
    assert_eq!(played.said.len(), 9 * OLD_QUESTIONS.len());
    assert_eq!(played.notes().lines().count(), 1, "it is told once");
    played.answer(&old_answers("announce watchdog nosuch"), LOOK_AFTER);
    assert_eq!(played.said.len(), 10 * OLD_QUESTIONS.len());
}

#[test]
fn version_3_is_found_out() {
    let mut played = Played::asked_for_its_version(Verb::Announce);
    played.hear(&["exabgp 3.4.28"]);
    for _ in 0..2 {
        assert!(played.wait());
        played.hear(&old_answers("announce watchdog dns"));
    }
    assert_eq!(
        played.notes(),
        "ExaBGP 3.4.28 acknowledges no commands, and is asked what it has sent\n\
         confirmed dns: announced: in the adj-RIB-out of 127.0.1.1; down: 127.0.1.2"
    );
    // And a name that no route carries shows.
    played.decide(Verb::Drain, false);
    played.answer(&old_answers("announce watchdog nosuch"), 2 * LATE);
    assert!(played.notes().contains("adj-RIB-out has no route to 10.1.53.1/32, 2001:db8:53::1/128; hint: "));
}

#[test]
fn a_version_3_that_answers_nothing_is_told_once() {
    let mut played = Played::new("dns", ExabgpDialect::V3);
    for verb in [Verb::Withdraw, Verb::Announce] {
        played.decide(verb, false);
        played.wait_in_silence();
    }
    let note = played.notes();
    assert!(note.starts_with("ExaBGP 3.4 answers nothing within 1 s; ") && !note.contains('\n'), "{note}");
    assert_eq!(played.said.len(), OLD_QUESTIONS.len());
}

#[test]
fn a_drain_that_changes_nothing_is_told() {
    let mut played = Played::of_version_4();
    for verb in [Verb::Announce, Verb::Drain] {
        played.decide(verb, false);
        played.hear(&["done"]);
        played.answer(&[ROUTE, ROUTE6, "done", UP, "done"], LATE);
    }
    let notes = played.notes();
    assert!(notes.ends_with("hint: no route in exabgp.conf carries `watchdog dns-drained`"), "{notes}");
}

#[test]
fn after_the_end_nothing_is_waited_for() {
    let mut played = Played::of_version_4();
    played.decide(Verb::Withdraw, false);
    played.hear(&["done"]);
    played.decide(Verb::Withdraw, false);
    assert!(!played.parley.is_answered());
    played.parley.end();
    assert!(played.parley.is_answered());
    assert_eq!(played.parley.wake(), None);
}
