//! A bgpd of its own, for which running is announcing: started while all is well, killed when not, as Quagga's users did.
//!
//! | service | bgpd runs | what is done |
//! |---|---|---|
//! | healthy | yes | nothing |
//! | healthy | no | it is started |
//! | not healthy | yes | it is killed |
//! | not healthy | no | nothing |
//!
//! Killed by SIGTERM, at which it tells its neighbours (RFC 4271, section 6.7: Cease), and by SIGKILL if that takes too long: a
//! neighbour that helps with graceful restarts (RFC 4724) keeps the routes of one that died without a word. A drain changes
//! nothing. Its neighbours are not asked: a bgpd that runs may not have a session yet.
//!
//! It is looked after each second. Who else starts it again, as watchfrr does, is told of.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::io;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::journal::Journal;
use crate::lines::NobodyReads;
use crate::machine::Verb;

mod processes;

use processes::{Pid, Signal};

/// What is done is looked at again after this time, until it holds.
const ASK_AGAIN: Duration = Duration::from_millis(10);

/// What holds is looked after this often.
const LOOK_AFTER: Duration = Duration::from_secs(1);

/// One that has not ended so long after SIGTERM is killed outright.
const MERCY: Duration = Duration::from_millis(200);

/// A start takes so long at the most; then another is tried.
const START: Duration = Duration::from_secs(2);

/// The withdrawal at the very start waits so long for the service to be proven healthy: else each start of the watchdog would
/// end sessions for which nothing speaks.
const FIRST: Duration = Duration::from_secs(2);

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Nothing,
    Start,
    Kill,
}

fn action(verb: Verb, runs: bool) -> Action {
    match (verb, runs) {
        (Verb::Announce | Verb::Drain, false) => Action::Start,
        (Verb::Withdraw, true) => Action::Kill,
        (Verb::Announce | Verb::Drain, true) | (Verb::Withdraw, false) => Action::Nothing,
    }
}

/// The way in. Clones lead to the same thread.
#[derive(Debug, Clone)]
pub(super) struct Bgpd {
    wishes: Sender<Wish>,
}

#[derive(Debug)]
enum Wish {
    Decided(Verb),
    /// Tells when what was decided holds. From now on nothing is put off.
    Settle(SyncSender<()>),
}

impl Bgpd {
    /// Starts the thread.
    ///
    /// # Errors
    /// When there can be no thread.
    pub(super) fn start(name: &str, start: &[String], process: &str, journal: Journal) -> io::Result<Self> {
        let (wishes, hears) = channel();
        let keeper = Keeper {
            name: name.to_owned(),
            start: start.to_vec(),
            process: process.to_owned(),
            journal,
            decisions: 0,
            wanted: None,
            put_off: None,
            is_confirmed: false,
            started: None,
            killed: None,
            children: Vec::new(),
            told: BTreeSet::new(),
        };
        thread::Builder::new().name(super::dialogue::THREAD.to_owned()).spawn(move || keeper.keep(&hears))?;
        Ok(Self { wishes })
    }

    /// Hands a decision over; returns at once.
    pub(super) fn push(&self, verb: Verb) -> Result<(), NobodyReads> {
        self.wishes.send(Wish::Decided(verb)).map_err(|_| NobodyReads)
    }

    /// Waits until what was decided holds, at most as long as `limit`; whether it came to that.
    pub(super) fn settle(&self, limit: Duration) -> bool {
        let (mark, reached) = sync_channel(1);
        self.wishes.send(Wish::Settle(mark)).is_ok() && reached.recv_timeout(limit).is_ok()
    }
}

/// The thread's side.
struct Keeper {
    name: String,
    start: Vec<String>,
    process: String,
    journal: Journal,
    decisions: u64,
    wanted: Option<Verb>,
    put_off: Option<Instant>,
    is_confirmed: bool,
    started: Option<Instant>,
    killed: Option<Instant>,
    children: Vec<Child>,
    told: BTreeSet<String>,
}

impl Keeper {
    /// Until nobody decides any more.
    fn keep(mut self, hears: &Receiver<Wish>) {
        let mut marks: Vec<SyncSender<()>> = Vec::new();
        let mut pause = LOOK_AFTER;
        loop {
            match hears.recv_timeout(pause) {
                Ok(Wish::Decided(verb)) => self.decide(verb),
                Ok(Wish::Settle(mark)) => {
                    self.put_off = None;
                    marks.push(mark);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.look();
            pause = if self.is_confirmed || self.wanted.is_none() { LOOK_AFTER } else { ASK_AGAIN };
            if self.is_confirmed {
                for mark in marks.drain(..) {
                    // Who has waited too long is gone.
                    SyncSender::send(&mark, ()).ok();
                }
            }
        }
    }

    fn decide(&mut self, verb: Verb) {
        self.decisions += 1;
        let is_first = self.decisions == 1 && verb == Verb::Withdraw;
        self.put_off = is_first.then(|| Instant::now() + FIRST);
        (self.wanted, self.is_confirmed, self.started) = (Some(verb), false, None);
    }

    /// Looks how things are, and does what is to be done.
    fn look(&mut self) {
        self.children.retain_mut(|child| matches!(child.try_wait(), Ok(None)));
        let Some(verb) = self.wanted else { return };
        if self.put_off.is_some_and(|until| Instant::now() < until) {
            return;
        }
        let running = match processes::named(&self.process) {
            Ok(running) => running,
            Err(error) => return self.trouble(format_args!("cannot look for it in /proc: {error}")),
        };
        match action(verb, !running.is_empty()) {
            Action::Nothing => self.confirmed(verb, &running),
            Action::Start => self.start(),
            Action::Kill => self.kill(&running),
        }
    }

    fn confirmed(&mut self, verb: Verb, running: &[Pid]) {
        self.killed = None;
        if std::mem::replace(&mut self.is_confirmed, true) {
            return;
        }
        self.told.clear();
        let process = &self.process;
        let (state, detail) = match (verb, running) {
            (Verb::Withdraw, _) => ("withdrawn", format!("{process} does not run")),
            (Verb::Announce, pids) => ("announced", format!("{process} runs, {pids:?}")),
            (Verb::Drain, pids) => ("drained", format!("{process} runs, {pids:?}, and announces as before")),
        };
        self.journal.confirmed(&self.name, format_args!("{state}: {detail}"));
    }

    fn start(&mut self) {
        self.somebody_else("it does not run any more");
        if self.started.is_some_and(|started| started.elapsed() < START) {
            return;
        }
        if self.started.replace(Instant::now()).is_some() {
            self.trouble(format_args!("it was started, and does not run within {} s", START.as_secs()));
        }
        let Some((program, arguments)) = self.start.split_first() else {
            return self.trouble("there is no command that starts it");
        };
        let mut command = Command::new(program);
        match command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).spawn() {
            Ok(child) => self.children.push(child),
            Err(error) => self.trouble(format_args!("cannot start it with `{}`: {error}", self.start.join(" "))),
        }
    }

    fn kill(&mut self, running: &[Pid]) {
        self.somebody_else("it runs again");
        let since = *self.killed.get_or_insert_with(Instant::now);
        let signal = if since.elapsed() < MERCY { Signal::Terminate } else { Signal::Kill };
        for pid in running {
            if let Err(error) = processes::signal(*pid, signal) {
                self.trouble(format_args!("cannot kill {pid}: {error}; hint: it needs to be root, or the same user"));
            }
        }
    }

    fn somebody_else(&mut self, what: &str) {
        if std::mem::take(&mut self.is_confirmed) {
            (self.started, self.killed) = (None, None);
            self.trouble(format_args!("{what}, by somebody else's doing (watchfrr's?)"));
        }
    }

    fn trouble(&mut self, reason: impl Display) {
        self.journal.doubted(&self.name, &reason);
        let entry = format!("ERROR: {}: the routes may not be as decided: {}: {reason}", self.name, self.process);
        if !self.told.contains(&entry) {
            self.journal.note(&entry);
            self.told.insert(entry);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_four_rows() {
        for (verb, runs, expected) in [
            (Verb::Announce, true, Action::Nothing),
            (Verb::Announce, false, Action::Start),
            (Verb::Withdraw, true, Action::Kill),
            (Verb::Withdraw, false, Action::Nothing),
            // Drained is announced.
            (Verb::Drain, true, Action::Nothing),
            (Verb::Drain, false, Action::Start),
        ] {
            assert_eq!(action(verb, runs), expected, "{verb:?}, {runs}");
        }
    }

    /// With a process of the test's own, started by a name that no other has.
    #[test]
    fn a_process_is_started_left_alone_and_killed() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join(format!("bgpd-{}", std::process::id() % 1_000_000));
        let name = program.file_name().unwrap().to_str().unwrap().to_owned();
        std::os::unix::fs::symlink("/bin/sleep", &program).unwrap();
        let command = [program.to_str().unwrap().to_owned(), "60".to_owned()];
        let bgpd = Bgpd::start("dns", &command, &name, Journal::to_stderr().unwrap()).unwrap();
        let long = Duration::from_secs(20);

        bgpd.push(Verb::Announce).unwrap();
        assert!(bgpd.settle(long));
        let running = processes::named(&name).unwrap();
        assert_eq!(running.len(), 1);
        bgpd.push(Verb::Drain).unwrap();
        bgpd.push(Verb::Announce).unwrap();
        assert!(bgpd.settle(long));
        assert_eq!(processes::named(&name).unwrap(), running);
        bgpd.push(Verb::Withdraw).unwrap();
        assert!(bgpd.settle(long));
        assert!(processes::named(&name).unwrap().is_empty());

        // As after a start of the watchdog: the first withdrawal waits for a proof, but not at a farewell.
        let mut left = Command::new(&program).arg("60").spawn().unwrap();
        let anew = Bgpd::start("dns", &command, &name, Journal::to_stderr().unwrap()).unwrap();
        anew.push(Verb::Withdraw).unwrap();
        anew.push(Verb::Announce).unwrap();
        assert!(anew.settle(long));
        assert_eq!(processes::named(&name).unwrap().len(), 1);
        let farewell = Bgpd::start("dns", &command, &name, Journal::to_stderr().unwrap()).unwrap();
        drop(anew);
        farewell.push(Verb::Withdraw).unwrap();
        assert!(farewell.settle(FIRST));
        assert!(!left.wait().unwrap().success());
    }
}
