//! The whole watchdog: probe, machine and announcer, from the first withdraw to the last.

use std::collections::BTreeSet;
use std::pin::pin;

use crate::announcer::Announcer;
use crate::check::Checker;
use crate::ending::{Ending, Endings};
use crate::journal::Journal;
use crate::machine::Machine;
use crate::options::Options;
use crate::probe::Prober;
use crate::sample::{Sample, Verdict};
use crate::target::Target;

/// Watches the targets, and has their routes announced and withdrawn, until an ending comes.
pub async fn watch(
    options: &Options,
    targets: Vec<Target>,
    announcer: &Announcer,
    journal: &Journal,
    endings: Endings,
) -> Ending {
    let (mut machine, first) = Machine::start(options.rise, options.fall);
    let mut prober = Prober::new(Checker { port: options.port, limit: options.timeout }, targets);
    let mut troubles = Troubles::default();
    let mut end = pin!(endings.first(journal.clone()));
    let mut spoken = announcer.carry_out(&first);
    let ending = loop {
        if spoken.is_err() {
            break Ending::NobodyReads(announcer.reader());
        }
        let interval = if machine.is_settled() { options.interval } else { options.fast_interval };
        let sample = tokio::select! {
            biased;
            ending = &mut end => break ending,
            sample = prober.sample(interval) => sample,
        };
        let is_new_trouble = troubles.is_new(&sample);
        match machine.step(&sample) {
            Some(decision) => spoken = announcer.carry_out(&decision),
            None if is_new_trouble => {
                journal.note(format_args!("failing {}: {}", options.name, sample.reason));
            }
            None => {}
        }
    };
    announcer.say_farewell(&machine.stop(&ending.to_string()));
    ending
}

/// The kinds of failure seen since the last healthy sample: each goes into the journal once.
#[derive(Debug, Default)]
struct Troubles {
    kinds: BTreeSet<String>,
}

impl Troubles {
    fn is_new(&mut self, sample: &Sample) -> bool {
        let reason = sample.reason.as_str();
        let kind = match sample.verdict {
            Verdict::Healthy => {
                self.kinds.clear();
                return false;
            }
            // Whether by a round or by a re-check.
            Verdict::Refused => "refused",
            // The same failure at several addresses is of one kind.
            Verdict::Failed => reason.split_once(": ").map_or(reason, |(_address, failure)| failure),
        };
        self.kinds.insert(kind.to_owned())
    }
}
