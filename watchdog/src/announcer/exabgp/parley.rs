//! The conversation with ExaBGP about all services of the process: which answer belongs to which command, and whether ExaBGP
//! holds what it was told. No pipe and no clock.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::mem;
use std::time::{Duration, Instant};

use super::answer::{self, Route, Said};
use super::words::Words;
use crate::machine::Verb;
use crate::service::ExabgpDialect;

mod standing;
#[cfg(test)]
mod tests;

use standing::Standing;

/// What is asked once all commands are answered: one question at a time, so that ExaBGP never writes more than we read.
pub(crate) const QUESTIONS: [&str; 2] = ["show adj-rib out extensive", "show neighbor summary"];

/// An ExaBGP that has not answered for so long is reported.
const ANSWER: Duration = Duration::from_secs(1);

/// What does not hold yet is asked again after this time, then after twice as long, and so on, up to the second.
const ASK_AGAIN: [Duration; 2] = [Duration::from_millis(5), Duration::from_millis(250)];

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

/// Whether ExaBGP acknowledges commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Acks {
    #[default]
    Unknown,
    Come,
    /// Told, and not waited for.
    Missing,
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
            subject.wanted = Some((verb, now));
            subject.unwritten.extend(commands);
            (subject.is_asked, subject.is_confirmed, subject.is_reported) = (false, false, false);
            self.pause = ASK_AGAIN[0];
        }
    }

    /// The line is being written.
    pub(crate) fn said(&mut self, line: &str, now: Instant) {
        for subject in self.subjects.values_mut() {
            if let Some(index) = subject.unwritten.iter().position(|unwritten| unwritten == line) {
                subject.unwritten.remove(index);
            }
        }
        let expects_answers = self.subjects.values().any(|subject| subject.words.dialect != ExabgpDialect::V3);
        if expects_answers || self.acks == Acks::Come {
            self.open.push_back(Open { line: line.to_owned(), since: now, is_reported: false });
            self.open.drain(..self.open.len().saturating_sub(OPEN));
        }
    }

    /// Whether all that was said is answered, as far as answers are to be expected.
    pub(crate) fn is_answered(&self) -> bool {
        self.open.is_empty() || self.acks != Acks::Come
    }

    /// ExaBGP ends: there will be no more answers.
    pub(crate) fn end(&mut self) {
        (self.open, self.ask_at, self.acks) = (VecDeque::new(), None, Acks::Missing);
    }

    /// When [`Parley::on_time`] has something to do.
    pub(crate) fn wake(&self) -> Option<Instant> {
        let unanswered = self.open.iter().find(|open| !open.is_reported && self.acks != Acks::Missing);
        unanswered.map(|open| open.since + ANSWER).into_iter().chain(self.ask_at).min()
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
                // In one piece: no command may come between them.
                return vec![Outcome::Say(vec![QUESTIONS.join("\n")])];
            }
        }
        self.late_answers(now).into_iter().map(Outcome::Note).collect()
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
            Said::Shutdown | Said::Other => vec![],
        }
    }

    fn late_answers(&mut self, now: Instant) -> Option<String> {
        let open = self.open.iter_mut().find(|open| !open.is_reported && open.since + ANSWER <= now)?;
        open.is_reported = true;
        let (line, seconds) = (open.line.clone(), ANSWER.as_secs());
        if self.acks == Acks::Come {
            return Some(format!("ERROR: ExaBGP has not answered `{line}` within {seconds} s; it may hang"));
        }
        self.acks = Acks::Missing;
        Some(format!(
            "ExaBGP does not acknowledge commands: nothing within {seconds} s for `{line}`; whether it holds the routes cannot \
             be known; hint: `ack = true` in the section [exabgp.api] of exabgp.env, or dialect 3.4, which has none"
        ))
    }

    /// The oldest command, or question, has its answer.
    fn answered(&mut self, now: Instant) -> Vec<Outcome> {
        let is_last_question = self.open.pop_front().is_some_and(|open| open.line == QUESTIONS[1]);
        if !self.open.is_empty() {
            return vec![];
        }
        if is_last_question {
            return self.conclude(now);
        }
        let is_open = |subject: &Subject| subject.words.dialect == ExabgpDialect::V4 && !subject.is_confirmed;
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
        let answers = mem::take(&mut self.heard);
        let (mut outcomes, mut again) = (Vec::new(), LOOK_AFTER);
        for subject in self.subjects.values_mut().filter(|subject| subject.words.dialect == ExabgpDialect::V4) {
            let Some((verb, since)) = subject.wanted else {
                continue;
            };
            if !subject.is_asked {
                again = again.min(self.pause);
                continue;
            }
            match standing::of(subject, verb, &answers) {
                Standing::Holds(detail) => outcomes.extend(subject.confirmed(verb, &detail, &answers)),
                Standing::Not(_) if mem::take(&mut subject.is_confirmed) => {
                    let commands = subject.words.commands(verb, verb != Verb::Announce);
                    (subject.wanted, subject.unwritten) = (Some((verb, now)), commands.clone());
                    outcomes.push(Outcome::Note(format!(
                        "ERROR: {}: somebody else has changed the routes in ExaBGP, it is told again: {verb}",
                        subject.name
                    )));
                    outcomes.push(Outcome::Say(commands));
                    (self.pause, again) = (ASK_AGAIN[0], LATE);
                }
                Standing::Not(_) if now < since + LATE => {
                    again = again.min(self.pause);
                    self.pause = (self.pause * 2).min(ASK_AGAIN[1]);
                }
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
        }
        outcomes
    }
}

impl Subject {
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
