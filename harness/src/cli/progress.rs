//! How the building of images is shown: a line each in a terminal, two in a log.

use std::collections::HashMap;
use std::io::IsTerminal;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::builder::Progress;

/// What takes less is not worth a line in a log: mostly cargo, finding nothing to do.
const SHORT: Duration = Duration::from_secs(1);

/// On stderr: stdout is the run's.
pub(super) struct Bars {
    bars: MultiProgress,
    running: Mutex<HashMap<String, Job>>,
    terminal: bool,
}

struct Job {
    since: Instant,
    said: bool,
    bar: Option<ProgressBar>,
}

impl Bars {
    pub(super) fn new() -> Self {
        Self { bars: MultiProgress::new(), running: Mutex::default(), terminal: std::io::stderr().is_terminal() }
    }

    fn running(&self) -> MutexGuard<'_, HashMap<String, Job>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn bar(&self, what: &str) -> ProgressBar {
        let bar = self.bars.add(ProgressBar::new_spinner());
        if let Ok(style) = ProgressStyle::with_template("{spinner:>10}  {prefix}  {elapsed}  {wide_msg:.dim}") {
            bar.set_style(style);
        }
        bar.set_prefix(what.to_owned());
        bar.enable_steady_tick(Duration::from_millis(120));
        bar
    }

    #[expect(clippy::print_stderr, reason = "the command line's edge")]
    fn say(&self, text: &str) {
        if self.terminal {
            let _gone = self.bars.println(text);
        } else {
            eprintln!("{text}");
        }
    }
}

impl Progress for Bars {
    fn started(&self, what: &str) {
        let bar = self.terminal.then(|| self.bar(what));
        self.running().insert(what.to_owned(), Job { since: Instant::now(), said: false, bar });
    }

    fn line(&self, what: &str, text: &str) {
        let mut running = self.running();
        let Some(job) = running.get_mut(what) else { return };
        match &job.bar {
            Some(bar) => bar.set_message(text.trim().to_owned()),
            None if !job.said && job.since.elapsed() > SHORT => {
                job.said = true;
                self.say(&format!("  building  {what}"));
            }
            None => {}
        }
    }

    fn finished(&self, what: &str, took: Duration) {
        if let Some(bar) = self.running().remove(what).and_then(|job| job.bar) {
            bar.finish_and_clear();
        }
        if took > SHORT {
            self.say(&format!("     built  {what} in {:.1} s", took.as_secs_f64()));
        }
    }
}
