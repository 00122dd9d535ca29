//! The same scenario many times: how many verdicts of each kind, and how the phases of its failovers are spread.

use std::collections::BTreeMap;
use std::fmt;

use super::summary::failovers;
use crate::check::Facts;
use crate::check::phases::Phases;
use crate::outcome::Played;
use crate::outcome::Verdict;
use crate::spec::Family;

/// What is taken of a failover's phases, and what it is called.
type Figure = (&'static str, fn(&Phases) -> Option<u64>);

const FIGURES: [Figure; 8] = [
    ("detected by the watchdog, ms", |phases| phases.detected),
    ("withdrawn on the wire, ms", |phases| phases.withdrawn),
    ("session ended, ms", |phases| phases.ended),
    ("router's daemon, ms", |phases| phases.rib),
    ("router's kernel, ms", |phases| phases.fib),
    ("last wrong answer, ms", |phases| phases.seen.last_wrong),
    ("good answers again, ms", |phases| phases.seen.first_good),
    // In units of the others, so that one table shows them all.
    ("queries lost", |phases| Some(phases.seen.lost * MS)),
];

const MS: u64 = 1_000_000;

/// Runs of one scenario.
#[derive(Debug, Default)]
pub struct Repeats {
    verdicts: Vec<Verdict>,
    failovers: BTreeMap<String, BTreeMap<Family, Vec<Phases>>>,
}

impl Repeats {
    /// Takes a run in.
    pub fn add(&mut self, verdict: Verdict, facts: &Facts<'_>, played: &[Played]) {
        self.verdicts.push(verdict);
        for failover in failovers(facts, played) {
            let known = self.failovers.entry(failover.fault).or_default();
            for (family, phases) in failover.phases {
                known.entry(family).or_default().push(phases);
            }
        }
    }

    /// The worst of all verdicts: Fail, then Unknown, then Pass.
    #[must_use]
    pub fn worst(&self) -> Verdict {
        self.verdicts.iter().copied().max().unwrap_or(Verdict::Unknown)
    }
}

impl fmt::Display for Repeats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (fault, families) in &self.failovers {
            writeln!(f, "{:>10}  {fault:<34}{:>10}{:>10}{:>10}{:>10}", "Times", "min", "median", "p90", "max")?;
            for (family, runs) in families {
                for (name, figure) in FIGURES {
                    let mut values: Vec<u64> = runs.iter().filter_map(figure).collect();
                    values.sort_unstable();
                    // Of a session's end, say, when it stayed up in every run.
                    if values.is_empty() {
                        continue;
                    }
                    write!(f, "{:>10}  {name:<34}", family.to_string())?;
                    for share in [0.0, 0.5, 0.9, 1.0] {
                        write!(f, "{:>10}", quantile(&values, share))?;
                    }
                    // What happened in some of the runs only.
                    let rest = runs.len() - values.len();
                    writeln!(f, "{}", if rest == 0 { String::new() } else { format!("  (not in {rest})") })?;
                }
            }
            writeln!(f)?;
        }
        let count = |verdict: Verdict| self.verdicts.iter().filter(|found| **found == verdict).count();
        let [pass, fail, unknown] = [Verdict::Pass, Verdict::Fail, Verdict::Unknown].map(count);
        writeln!(f, "{:>10}  {pass} Pass, {fail} Fail, {unknown} Unknown", "Repeat")
    }
}

/// The value that this share of the sorted ones is not above (nearest rank), in milliseconds.
fn quantile(sorted: &[u64], share: f64) -> String {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    let value = sorted.get(rank.max(1) - 1);
    value.map_or_else(|| "-".to_owned(), |value| format!("{:.1}", *value as f64 / MS as f64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::story::{FAULT, MS as STORY_MS, Story};

    #[test]
    fn verdicts_are_counted_and_phases_spread() {
        let mut repeats = Repeats::default();
        for withdrawn in [4, 5, 9] {
            let mut story = Story::of_failover();
            story.withdraw(FAULT + withdrawn * STORY_MS);
            let finding = story.judge();
            let judged = Played::Judged { origin: FAULT, at: FAULT + 1100 * STORY_MS, finding, watched: None };
            let played = [Played::Held { at: 0 }, Played::Injected { at: FAULT }, judged];
            repeats.add(Verdict::Pass, &story.facts(), &played);
        }
        repeats.add(Verdict::Unknown, &Story::of_both(0).facts(), &[]);
        assert_eq!(repeats.worst(), Verdict::Unknown);
        insta::assert_snapshot!(repeats);
    }

    #[test]
    fn the_nearest_rank_counts() {
        let values: Vec<u64> = (1..=10).map(|n| n * MS).collect();
        assert_eq!([0.0, 0.5, 0.9, 1.0].map(|share| quantile(&values, share)), ["1.0", "5.0", "9.0", "10.0"]);
        assert_eq!(quantile(&[], 0.5), "-");
    }
}
