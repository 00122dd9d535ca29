//! How the building of images is shown: a line each in a terminal, two in a log.

use std::collections::HashMap;
use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::image::Progress;

/// On stderr: stdout is the run's.
pub(super) struct Bars {
    bars: MultiProgress,
    running: Mutex<HashMap<String, ProgressBar>>,
    terminal: bool,
}

impl Bars {
    pub(super) fn new() -> Self {
        Self {
            bars: MultiProgress::new(),
            running: Mutex::default(),
            terminal: std::io::stderr().is_terminal(),
        }
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
        if !self.terminal {
            return self.say(&format!("  building  {what}"));
        }
        let bar = self.bars.add(ProgressBar::new_spinner());
        if let Ok(style) = ProgressStyle::with_template("{spinner:>10}  {prefix}  {elapsed}  {wide_msg:.dim}") {
            bar.set_style(style);
        }
        bar.set_prefix(what.to_owned());
        bar.enable_steady_tick(Duration::from_millis(120));
        self.running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(what.to_owned(), bar);
    }

    fn line(&self, what: &str, text: &str) {
        if let Some(bar) = self.running.lock().unwrap_or_else(PoisonError::into_inner).get(what) {
            bar.set_message(text.trim().to_owned());
        }
    }

    fn finished(&self, what: &str, took: Duration) {
        if let Some(bar) = self.running.lock().unwrap_or_else(PoisonError::into_inner).remove(what) {
            bar.finish_and_clear();
        }
        self.say(&format!("     built  {what} in {:.1} s", took.as_secs_f64()));
    }
}
