//! The run as it happens, in a terminal or plainly in a log.

use std::io::Write;
use std::path::PathBuf;

use anstyle::{AnsiColor, Style};

use super::summary::{Summary, times};
use super::timeline::{Row, Text, Timeline, merge};
use crate::check::phases::{Phases, phases};
use crate::check::sessions::established;
use crate::check::{Facts, millis};
use crate::history::Event;
use crate::lab::Watcher;
use crate::outcome::Played;
use crate::outcome::{Finding, Verdict};
use crate::plan::{Action, Expectation, Plan, StepPlan};
use crate::spec::{Span, Subject};
use crate::text::printable;

const BOLD: Style = Style::new().bold();
const GREEN: Style = AnsiColor::Green.on_default();
const RED: Style = AnsiColor::Red.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();

/// Rows wait this long for others that belong to them; nanoseconds.
const SETTLE: u64 = 60_000_000;

/// Writes a run's timeline.
pub struct Terminal<'p, W> {
    out: W,
    colour: bool,
    plan: &'p Plan,
    timeline: Timeline<'p>,
    waiting: Vec<Row>,
    /// When the run began; nanoseconds of the history's clock.
    began: u64,
    /// The zero of the clock that is shown: when the lab first served, or was up.
    zero: Option<u64>,
    /// What `+` times count from, once something was injected.
    fault: Option<u64>,
    /// Whether the line that the cursor is on only says that something goes on.
    passing: bool,
}

impl<'p, W: Write> Terminal<'p, W> {
    /// A timeline that began now.
    pub fn new(out: W, colour: bool, plan: &'p Plan, began: u64) -> Self {
        let timeline = Timeline::new(plan);
        Self { out, colour, plan, timeline, waiting: Vec::new(), began, zero: None, fault: None, passing: false }
    }

    /// When the run began, in the nodes' time: known once they have spoken.
    pub fn counts_from(&mut self, began: u64) {
        self.began = began;
    }

    /// A line with a label before it: `      Plan  kill-named ...`.
    pub fn label(&mut self, label: &str, text: &str) {
        let label = self.paint(&format!("{label:>10}"), BOLD);
        self.line(&format!("{label}  {text}"));
    }

    /// What was planned, in a line; and what a mutant is about.
    pub fn plan(&mut self) {
        let plan = self.plan;
        let (nodes, networks, steps) = (plan.nodes.len(), plan.networks.len(), plan.steps.len());
        let counts = format!("{nodes} nodes, {networks} networks, {steps} steps");
        self.label("Plan", &format!("{} · {} · {counts}", plan.label(), plan.cell_words()));
        if let Some(mutant) = &plan.mutant {
            self.label("Mutant", &mutant.why);
        }
    }

    /// In a terminal: says that the lab boots, until the next line is written over it.
    pub fn booting(&mut self) {
        if self.colour {
            let label = self.paint(&format!("{:>10}", "Up"), BOLD);
            let _gone = write!(self.out, "{label}  …");
            let _gone = self.out.flush();
            self.passing = true;
        }
    }

    /// Takes that back.
    pub fn clear(&mut self) {
        if std::mem::take(&mut self.passing) {
            let _gone = write!(self.out, "\r\x1b[2K");
            let _gone = self.out.flush();
        }
    }

    /// The most likely cause of what failed, and where the evidence is; nothing when the run passed. Evidence that could not be
    /// written costs no verdict.
    pub fn cause(&mut self, cause: Option<&str>, evidence: Option<&std::io::Result<PathBuf>>) {
        let Some(evidence) = evidence else { return };
        self.detail("cause", cause.unwrap_or("none that the lab knows"));
        match evidence {
            Ok(folder) => self.detail("evidence", &folder.display().to_string()),
            Err(error) => self.detail("evidence", &format!("could not be written: {error}")),
        }
    }

    /// The end: the times of each failover, the verdict, where the record is.
    pub fn end(&mut self, summary: &Summary, played: &[Played], facts: &Facts<'_>, took: f64, folder: &str) {
        self.line("");
        let table = times(facts, played);
        if !table.is_empty() {
            self.line(&table);
            self.line("");
        }
        let colour = match summary.verdict {
            Verdict::Pass => GREEN.bold(),
            Verdict::Fail => RED.bold(),
            Verdict::Unknown => YELLOW.bold(),
        };
        let line = summary.line(self.plan);
        let (verdict, rest) = line.split_once(' ').unwrap_or((&line, ""));
        let verdict = self.paint(&format!("{verdict:>10}"), colour);
        self.line(&format!("{verdict} {rest}  {took:.1} s"));
        self.label("Record", folder);
    }

    fn up(&mut self, facts: &Facts<'_>, serving: Option<u64>) {
        let (Some(ready), up) = facts.up() else { return };
        let since = |from: u64, to: u64| to.saturating_sub(from) as f64 / 1e9;
        let up = up.unwrap_or(ready);
        let text = match (established(facts).into_values().max(), serving) {
            (Some(sessions), Some(serving)) => {
                let sessions = sessions.max(ready);
                format!(
                    "{:.2} s  (containers {:.2}, sessions {:.2}, serving {:.2})",
                    since(self.began, serving),
                    since(self.began, ready),
                    since(ready, sessions),
                    since(sessions, serving)
                )
            }
            _ => format!("{:.2} s  (containers {:.2})", since(self.began, up), since(self.began, ready)),
        };
        self.label("Up", &text);
        self.line("");
        self.zero = Some(serving.unwrap_or(up));
    }

    fn judged(
        &mut self,
        step: &StepPlan,
        e: &Expectation,
        (origin, at): (u64, u64),
        finding: &Finding,
        watched: Option<Watched>,
    ) {
        let verdict = finding.verdict.unwrap_or(Verdict::Unknown);
        let (mark, colour) = match verdict {
            Verdict::Pass => ("✓", GREEN),
            Verdict::Fail => ("✗", RED),
            Verdict::Unknown => ("?", YELLOW),
        };
        let first = self.fault.is_none();
        let mut words = Vec::new();
        match finding.held_from {
            Some(held) if !first => {
                words.push(if e.expect.is_never() {
                    format!("for {}", span(e.deadline))
                } else {
                    format!("after {}, allowed {}", millis(held.saturating_sub(origin)), span(e.deadline))
                });
                let allowed = e.expect.lost.map(|lost| format!(", allowed {lost}"));
                words.push(format!("lost {}{}", finding.lost, allowed.unwrap_or_default()));
            }
            Some(_) => words.extend(self.assertion(e)),
            None => {}
        }
        // What did not hold is shown at its deadline, or earlier, when it was given up before.
        let at = finding.held_from.unwrap_or_else(|| at.min(origin + crate::check::nanos(e.deadline.0)));
        let mark = self.paint(mark, colour);
        self.stamped(at, &format!("{mark} {:<35} {}", step.name, words.join(" · ")));
        if verdict == Verdict::Pass {
            return;
        }
        let within = if e.expect.is_never() { "for" } else { "within" };
        let of = if e.expect.is_never() { "since" } else { "of" };
        let expected = format!("{}, {within} {} {of} {}", subject(e), span(e.deadline), e.since);
        self.detail("expected", &expected);
        for (i, found) in finding.found.iter().enumerate() {
            self.detail(if i == 0 { "found" } else { "" }, found);
        }
        if let Some(first) = &finding.first {
            self.detail("first", first);
        }
        match watched {
            Some((_, Some(held))) => {
                let after = millis(held.saturating_sub(origin));
                self.detail("watched", &format!("it would have passed after {after}"));
            }
            Some((further, None)) => {
                self.detail("watched", &format!("{} further: it would not have passed", span(further)));
            }
            None => {}
        }
    }

    /// What was asserted, beside the step's name.
    fn assertion(&self, e: &Expectation) -> Vec<String> {
        let stable = format!("stable {}", span(e.expect.stable));
        match &e.expect.subject {
            Subject::Serving(_) | Subject::AnsweredBy(_) | Subject::Unanswered => {
                let families: Vec<String> = self.plan.families().map(|family| family.to_string()).collect();
                vec![answerers(e), families.join(" "), stable]
            }
            Subject::Session { between, .. } if e.expect.is_never() => {
                vec![between.join(" "), format!("for {}", span(e.expect.stable))]
            }
            Subject::Session { between, state, .. } => vec![between.join(" "), state.to_string(), stable],
            Subject::Ordered(happenings) => vec![format!("{} in order", happenings.len())],
        }
    }

    /// Takes new events in; shows those that have settled, or all.
    fn take(&mut self, events: &[Event], until: u64) {
        for event in events {
            let rows = self.timeline.rows(event);
            if self.fault.is_some_and(|fault| event.at >= fault) {
                self.waiting.extend(rows);
            }
        }
        if self.waiting.iter().any(|row| row.at + SETTLE < until) {
            self.show();
        }
    }

    fn show(&mut self) {
        for row in merge(std::mem::take(&mut self.waiting)) {
            let after = row.at.saturating_sub(self.fault.unwrap_or(row.at)) as f64 / 1e9;
            let stamp = self.paint(&format!("{:>10}", format!("+{after:.3}")), Style::new().dimmed());
            let text = printable(&row.text.to_string());
            self.line(&format!("{stamp}    {:<8}{:<10}{text}", row.node, row.hop));
        }
    }

    fn stamped(&mut self, at: u64, text: &str) {
        let at = at.saturating_sub(self.zero.unwrap_or(self.began)) as f64 / 1e9;
        self.line(&format!("{at:>10.3}  {text}"));
    }

    fn detail(&mut self, label: &str, text: &str) {
        self.line(&format!("{:>12}{label:<10}{}", "", printable(text)));
    }

    fn paint(&self, text: &str, style: Style) -> String {
        if self.colour { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    /// A reader that has gone away (a closed pipe) does not end the run.
    fn line(&mut self, text: &str) {
        self.clear();
        let _gone = writeln!(self.out, "{}", text.trim_end());
        let _gone = self.out.flush();
    }
}

type Watched = (Span, Option<u64>);

impl<W: Write> Watcher for Terminal<'_, W> {
    fn tick(&mut self, fresh: &[Event], now: u64) {
        self.take(fresh, now);
    }

    fn played(&mut self, step: &StepPlan, played: &Played, fresh: &[Event], facts: &Facts<'_>) {
        if self.zero.is_none() {
            let serving = match (played, &step.action) {
                (Played::Judged { finding, .. }, Action::Expect(e)) if e.expect.asks_answers() => finding.held_from,
                _ => None,
            };
            self.up(facts, serving);
        }
        if let Played::Injected { at } | Played::Healed { at } = played {
            self.fault = Some(*at);
        }
        self.take(fresh, 0);
        match (played, &step.action) {
            (Played::Injected { at }, _) => {
                let detail = printable(facts.detail().unwrap_or_default());
                self.stamped(*at, &format!("⚡ {:<35} {detail}", step.name));
            }
            (Played::Healed { at }, _) => self.stamped(*at, &format!("⛑ {}", step.name)),
            (Played::Held { at }, _) => self.stamped(*at, &format!("· {}", step.name)),
            (Played::Judged { origin, at, finding, watched }, Action::Expect(expectation)) => {
                if self.fault.is_some() && expectation.expect.asks_answers() {
                    let stable = crate::check::nanos(expectation.expect.stable.0);
                    let until = finding.held_from.map_or(*at, |held| held + stable);
                    self.clients(facts, *origin, until, finding, expectation);
                }
                self.show();
                self.judged(step, expectation, (*origin, *at), finding, *watched);
            }
            (Played::Judged { at, finding, .. }, _) => {
                let mark = if finding.verdict == Some(Verdict::Fail) { "✗" } else { "?" };
                let found = printable(&finding.found.join("; "));
                self.stamped(*at, &format!("{mark} {:<35} {found}", step.name));
            }
        }
    }
}

impl<W: Write> Terminal<'_, W> {
    /// The row of the clients: from when on they were answered as expected, or which query was the last to be lost.
    fn clients(&mut self, facts: &Facts<'_>, origin: u64, until: u64, finding: &Finding, expectation: &Expectation) {
        let phases = phases(facts, "", origin, until);
        let in_scope = |name: &str| expectation.expect.client.as_ref().is_none_or(|only| only == name);
        let clients: Vec<&str> =
            self.plan.clients().map(|client| client.name.as_str()).filter(|c| in_scope(c)).collect();
        let lost_of = |phases: &Phases, name: &str| phases.clients.get(name).map_or(0, |seen| seen.lost);
        let lost_by = |phases: &Phases| clients.iter().map(|name| lost_of(phases, name)).sum::<u64>();
        let lost: u64 = phases.values().map(lost_by).sum();
        let each: Vec<String> = phases.iter().map(|(family, phases)| format!("{} {family}", lost_by(phases))).collect();
        let count = match lost {
            0 => "no query lost".to_owned(),
            1 => format!("1 query lost: {}", each.join(", ")),
            n => format!("{n} queries lost: {}", each.join(", ")),
        };
        let of_clients = phases.values().flat_map(|phases| clients.iter().filter_map(|name| phases.clients.get(*name)));
        let last = of_clients.filter_map(|seen| seen.last_lost).max();
        let (at, text) = match (finding.held_from, last) {
            (Some(held), _) => (held, format!("answered by {} ({count})", answerers(expectation))),
            (None, Some(last)) => (origin + last, format!("last lost query ({count})")),
            (None, None) => return,
        };
        // What was lost concerns those alone that have lost something.
        let concerned = |name: &&&str| finding.held_from.is_some() || phases.values().any(|p| lost_of(p, name) > 0);
        let node = clients.iter().filter(concerned).copied().collect::<Vec<_>>().join(" ");
        self.waiting.push(Row { at, node, hop: String::new(), text: Text::Said(text) });
    }
}

/// Who is expected to answer.
fn answerers(expectation: &Expectation) -> String {
    match expectation.expect.instances() {
        [] => "nobody".to_owned(),
        nodes => nodes.join(" "),
    }
}

/// What is expected.
fn subject(expectation: &Expectation) -> String {
    match &expectation.expect.subject {
        Subject::Serving(_) => format!("serving {}", answerers(expectation)),
        subject => subject.to_string(),
    }
}

fn span(span: Span) -> String {
    millis(crate::check::nanos(span.0))
}
