//! The conversation with ExaBGP about all services of the process: which answer belongs to which command, and whether ExaBGP
//! holds what it was told. No pipe and no clock.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::mem;
use std::time::{Duration, Instant};

use super::answer::{self, Route, Said};
use super::words::Words;
use crate::machine::Verb;
use crate::service::ExabgpDialect;

mod acks;
mod standing;
#[cfg(test)]
mod tests;

use acks::Acks;
use standing::Standing;

/// What is asked once all commands are answered: one question at a time, so that ExaBGP never writes more than we read.
pub(crate) const QUESTIONS: [&str; 2] = ["show adj-rib out extensive", "show neighbor summary"];

/// The same of 3.4, which ends the second answer only with `done`.
pub(crate) const OLD_QUESTIONS: [&str; 2] = ["show routes extensive", "show neighbor status"];

/// An ExaBGP that has not answered for so long is reported.
const ANSWER: Duration = Duration::from_secs(1);

/// What does not hold yet is asked again after this time, then after twice as long, and so on, up to the second.
const ASK_AGAIN: [Duration; 2] = [Duration::from_millis(5), Duration::from_millis(250)];

/// The same of 3.4, for which each question is also what makes it send: see [`Subject::is_seen`].
const ASK_OLD_AGAIN: Duration = Duration::from_millis(1);

/// What does not hold so long after the decision is told, and asked about this often.
const LATE: Duration = Duration::from_secs(1);

/// What holds is looked after this often. Each look is a whole adj-RIB-out.
const LOOK_AFTER: Duration = Duration::from_secs(10);

/// More routes are too many to look through again and again: ExaBGP does nothing else meanwhile.
const MANY: usize = 10_000;

/// As many commands may be unanswered; of those before, no answer is expected any more.
const OPEN: usize = 1024;

/// Tells services apart.
pub(crate) type Id = u64;

/// What a conversation leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// To be said to ExaBGP.
    Say(Vec<String>),
    /// For the journal.
    Note(String),
    /// A service's routes are as decided: what ExaBGP says.
    Confirmed(String, String),
    /// They are not: what it says instead, in words for the journal.
    Doubted(String, String),
}

/// The conversation.
#[derive(Debug, Default)]
pub(crate) struct Parley {
    subjects: BTreeMap<Id, Subject>,
    /// Written and not answered, the oldest first.
    open: VecDeque<Open>,
    acks: Acks,
    /// As it has said itself.
    version: Option<String>,
    /// What was answered since the question.
    heard: Answers,
    ask_at: Option<Instant>,
    pause: Duration,
}

/// A service, and what is known of it.
#[derive(Debug)]
pub(crate) struct Subject {
    /// For the journal.
    pub(crate) name: String,
    /// As ExaBGP writes them.
    pub(crate) prefixes: Vec<String>,
    /// How it is spoken of.
    pub(crate) words: Words,
    wanted: Option<(Verb, Instant)>,
    /// Of what carries it out, the lines that are not written yet.
    unwritten: Vec<String>,
    /// The question under way came after all that.
    is_asked: bool,
    /// 3.4 has said once that it holds, which proves nothing yet: of a static route it says so once it has read the command.
    ///
    /// Its main loop looks whether there is something to send, then reads commands, and then sleeps for up to 1 s, unless
    /// there is another command (`reactor/loop.py`). So what it answers in a later turn, it answers after it has sent. A
    /// question that it finds together with the command is no later turn, so it is asked a few times more.
    is_seen: bool,
    is_confirmed: bool,
    is_reported: bool,
    /// What the routes carried when they were last announced, not drained.
    attributes: BTreeSet<String>,
}

#[derive(Debug)]
struct Open {
    line: String,
    since: Instant,
    is_reported: bool,
}

#[derive(Debug, Default)]
struct Answers {
    routes: Vec<Route>,
    established: BTreeSet<String>,
}

impl Subject {
    /// Nothing is known of it yet.
    pub(crate) fn new(name: String, prefixes: Vec<String>, words: Words) -> Self {
        Self {
            name,
            prefixes,
            words,
            wanted: None,
            unwritten: Vec::new(),
            is_asked: false,
            is_seen: false,
            is_confirmed: false,
            is_reported: false,
            attributes: BTreeSet::new(),
        }
    }
}

impl Parley {
    /// There is one more service.
    pub(crate) fn join(&mut self, id: Id, subject: Subject) {
        self.subjects.insert(id, subject);
    }

    /// Nobody speaks for the service any more.
    pub(crate) fn leave(&mut self, id: Id) {
        self.subjects.remove(&id);
    }

    /// It was decided so; the commands are on their way.
    pub(crate) fn want(&mut self, id: Id, verb: Verb, commands: Vec<String>, now: Instant) {
        if let Some(subject) = self.subjects.get_mut(&id) {
            subject.tell(verb, commands, now);
            subject.is_reported = false;
            self.pause = self.first_pause();
        }
    }

    /// The line is being written.
    pub(crate) fn said(&mut self, line: &str, now: Instant) {
        for subject in self.subjects.values_mut() {
            if let Some(index) = subject.unwritten.iter().position(|unwritten| unwritten == line) {
                subject.unwritten.remove(index);
            }
        }
        if !self.is_old() || line == OLD_QUESTIONS[1] {
            self.open.push_back(Open { line: line.to_owned(), since: now, is_reported: false });
            self.open.drain(..self.open.len().saturating_sub(OPEN));
        }
        if self.is_old() && self.open.is_empty() && self.subjects.values().any(|subject| !subject.is_confirmed) {
            self.ask_at = Some(now + ASK_OLD_AGAIN);
        }
    }

    /// Whether it is 3.4: commands have no answers, and the questions are others.
    fn is_old(&self) -> bool {
        let is_found_old = self.version.as_ref().is_some_and(|version| version.starts_with("3."));
        is_found_old || self.subjects.values().any(|subject| subject.words.dialect == ExabgpDialect::V3)
    }

    fn first_pause(&self) -> Duration {
        if self.is_old() { ASK_OLD_AGAIN } else { ASK_AGAIN[0] }
    }

    /// Whether all that was said is answered, as far as answers are to be expected: by 3.4 in that it is seen to hold.
    pub(crate) fn is_answered(&self) -> bool {
        let is_settled = |subject: &Subject| subject.is_confirmed || subject.wanted.is_none();
        let is_done = !self.is_old() || self.subjects.values().all(is_settled);
        self.acks != Acks::Come || self.open.is_empty() && is_done
    }

    /// ExaBGP ends: there will be no more answers.
    pub(crate) fn end(&mut self) {
        (self.open, self.ask_at, self.acks) = (VecDeque::new(), None, Acks::Missing);
    }

    /// When [`Parley::on_time`] has something to do.
    pub(crate) fn wake(&self) -> Option<Instant> {
        self.unanswered().into_iter().chain(self.ask_at).min()
    }

    /// The time has come.
    pub(crate) fn on_time(&mut self, now: Instant) -> Vec<Outcome> {
        if self.ask_at.is_some_and(|at| at <= now) {
            self.ask_at = None;
            if self.open.is_empty() {
                self.heard = Answers::default();
                for subject in self.subjects.values_mut() {
                    subject.is_asked = subject.unwritten.is_empty();
                }
                let questions = if self.is_old() { OLD_QUESTIONS } else { QUESTIONS };
                // In one piece: no command may come between them.
                return vec![Outcome::Say(vec![questions.join("\n")])];
            }
        }
        self.late_answers(now).into_iter().collect()
    }

    /// Takes in a line of ExaBGP's.
    pub(crate) fn hear(&mut self, line: &str, now: Instant) -> Vec<Outcome> {
        match answer::read(line) {
            Said::Done => {
                self.acks = Acks::Come;
                self.answered(now)
            }
            Said::Error => {
                self.acks = Acks::Come;
                self.refused(line, now)
            }
            Said::Route(route) => {
                self.heard.routes.push(route);
                vec![]
            }
            Said::Established(neighbor) => {
                self.heard.established.insert(neighbor);
                vec![]
            }
            Said::Version(version) => self.is_version(&version, now),
            Said::Shutdown | Said::Other => vec![],
        }
    }

    /// The oldest command, or question, has its answer.
    fn answered(&mut self, now: Instant) -> Vec<Outcome> {
        let last_questions = [QUESTIONS[1], OLD_QUESTIONS[1]];
        let is_last_question = self.open.pop_front().is_some_and(|open| last_questions.contains(&open.line.as_str()));
        if !self.open.is_empty() {
            return vec![];
        }
        if is_last_question {
            return self.conclude(now);
        }
        let is_open = |subject: &Subject| subject.words.dialect != ExabgpDialect::V6 && !subject.is_confirmed;
        if self.subjects.values().any(is_open) {
            self.ask_at = Some(now);
        }
        vec![]
    }

    /// An error comes at once, a `done` when it is done: so with several commands unanswered it may be any of them.
    fn refused(&mut self, line: &str, now: Instant) -> Vec<Outcome> {
        let open: BTreeSet<_> = self.open.iter().map(|open| format!("`{}`", open.line)).collect();
        let open: Vec<_> = open.into_iter().collect();
        let command = match open.as_slice() {
            [] => "a command that is answered already".to_owned(),
            [only] => only.clone(),
            several => format!("one of {}", several.join(", ")),
        };
        let mut outcomes = self.answered(now);
        outcomes.push(Outcome::Note(format!(
            "ERROR: ExaBGP answered `{line}` to {command}; the routes may not be as decided; hint: see ExaBGP's log, and whether \
             the dialect is its version's"
        )));
        outcomes
    }

    /// The question is answered: does each service stand as decided?
    fn conclude(&mut self, now: Instant) -> Vec<Outcome> {
        let (answers, is_old, first_pause) = (mem::take(&mut self.heard), self.is_old(), self.first_pause());
        let (mut outcomes, mut again) = (Vec::new(), LOOK_AFTER);
        if is_old && self.pause < ASK_AGAIN[1] {
            again = self.pause;
        }
        for subject in self.subjects.values_mut().filter(|subject| subject.words.dialect != ExabgpDialect::V6) {
            let Some((verb, since)) = subject.wanted else {
                continue;
            };
            if !subject.is_asked {
                again = again.min(self.pause);
                continue;
            }
            match standing::of(subject, verb, &answers) {
                Standing::Holds(_) if is_old && !subject.is_seen => {
                    (subject.is_seen, again) = (true, again.min(self.pause));
                }
                Standing::Holds(detail) => outcomes.extend(subject.confirmed(verb, &detail, &answers)),
                Standing::Not(_) if subject.is_confirmed => {
                    let commands = subject.words.commands(verb, verb != Verb::Announce);
                    subject.tell(verb, commands.clone(), now);
                    outcomes.push(Outcome::Note(format!(
                        "ERROR: {}: somebody else has changed the routes in ExaBGP, it is told again: {verb}",
                        subject.name
                    )));
                    outcomes.push(Outcome::Say(commands));
                    (self.pause, again) = (first_pause, LATE);
                }
                Standing::Not(_) if now < since + LATE => again = again.min(self.pause),
                Standing::Not(complaint) => {
                    again = again.min(LATE);
                    if !mem::replace(&mut subject.is_reported, true) {
                        outcomes.push(Outcome::Doubted(subject.name.clone(), complaint));
                    }
                }
            }
        }
        if answers.routes.len() > MANY {
            outcomes.push(Outcome::Note(format!("ExaBGP holds more than {MANY} routes, it is not asked again")));
        } else if self.open.is_empty() {
            self.ask_at = Some(now + again);
            self.pause = (self.pause * 2).min(ASK_AGAIN[1]);
        }
        outcomes
    }
}

impl Subject {
    /// Nothing that was said about it before counts any more.
    fn tell(&mut self, verb: Verb, commands: Vec<String>, now: Instant) {
        self.wanted = Some((verb, now));
        self.unwritten.extend(commands);
        (self.is_asked, self.is_seen, self.is_confirmed) = (false, false, false);
    }

    fn confirmed(&mut self, verb: Verb, detail: &str, answers: &Answers) -> Option<Outcome> {
        let carried = || standing::attributes(self, answers);
        let (state, warning) = match verb {
            Verb::Announce => {
                self.attributes = carried();
                ("announced", String::new())
            }
            Verb::Drain if carried() == self.attributes => {
                let hint = match self.words.watchdog() {
                    Some(name) => format!("no route in exabgp.conf carries `watchdog {name}-drained`"),
                    None => "say what drained routes carry".to_owned(),
                };
                ("drained", format!("; but they carry what they carried before; hint: {hint}"))
            }
            Verb::Drain => ("drained", String::new()),
            Verb::Withdraw => ("withdrawn", String::new()),
        };
        let is_news = !mem::replace(&mut self.is_confirmed, true);
        is_news.then(|| Outcome::Confirmed(self.name.clone(), format!("{state}: {detail}{warning}")))
    }
}
