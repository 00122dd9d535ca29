//! Reports, numbered without gaps and written by a thread of their own: whoever observes never waits for stdout.

use std::io::{BufWriter, Write};
use std::mem;
use std::process::exit;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use protocol::{Observation, Report};
use tokio::sync::watch;

use crate::clock;
use crate::mark::Marks;

/// How long a node that ends waits for the harness to read its last words.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// A query's end waits so long for others to be written with it. Everything else is written at once, and what waits before it: a
/// write is passed on by two processes of the engine, and wakes the harness.
const LINGER: Duration = Duration::from_millis(20);

/// Reports that wait for stdout. When the harness does not read so many, what comes then is lost, and reported as lost: a few hundred
/// bytes each.
const MOST_WAITING: usize = 200_000;

/// Where observations go.
#[derive(Clone)]
pub(crate) struct Reporter(Arc<Inner>);

struct Inner {
    queue: Mutex<Queue>,
    /// Something urgent is in the queue, or the first of what is not.
    news: Condvar,
    stirred: watch::Sender<()>,
    marks: Marks,
}

#[derive(Default)]
struct Queue {
    next: u64,
    waiting: Vec<Entry>,
    is_urgent: bool,
    /// Reports for which there was no room, since there was none.
    lost: u64,
}

enum Entry {
    Report(Report),
    Flush(Sender<()>),
}

impl Reporter {
    /// Starts the writer.
    pub(crate) fn writing_to(out: impl Write + Send + 'static) -> std::io::Result<Self> {
        let inner = Arc::new(Inner {
            queue: Mutex::default(),
            news: Condvar::new(),
            stirred: watch::Sender::new(()),
            marks: Marks::default(),
        });
        let writer = Arc::clone(&inner);
        thread::Builder::new().name("stdout".into()).spawn(move || {
            if let Err(error) = writer.write_to(out) {
                eprintln!("anycast-lab-probe: nobody reads the reports: {error}");
                exit(1);
            }
        })?;
        Ok(Self(inner))
    }

    /// Reports what is seen now.
    pub(crate) fn report(&self, saw: Observation) {
        self.report_at(clock::monotonic(), saw);
    }

    /// Reports what was seen at `at`.
    pub(crate) fn report_at(&self, at: u64, saw: Observation) {
        self.report_between(None, at, saw);
    }

    /// Reports what happened at `at` at the latest, and not before `since`.
    pub(crate) fn report_between(&self, since: Option<u64>, at: u64, saw: Observation) {
        let since = since.map(|since| since.min(at));
        let (stirs, is_urgent) = (stirs_routes(&saw), !matches!(saw, Observation::Query { .. }));
        self.0.enqueue(is_urgent, |seq| Entry::Report(Report { seq, at, since, saw }));
        if stirs {
            self.0.stirred.send_replace(());
        }
    }

    /// Changes with each report after which a routing daemon's RIB may differ.
    pub(crate) fn stirred(&self) -> watch::Receiver<()> {
        self.0.stirred.subscribe()
    }

    /// The marks that pass through all observers.
    pub(crate) fn marks(&self) -> &Marks {
        &self.0.marks
    }

    /// Waits until all that was reported is written.
    pub(crate) fn flush(&self) {
        let (done, written) = channel();
        self.0.enqueue(true, |_| Entry::Flush(done));
        written.recv_timeout(LAST_WORDS).ok();
    }
}

fn stirs_routes(saw: &Observation) -> bool {
    matches!(
        saw,
        Observation::Bgp { .. }
            | Observation::Tcp { .. }
            | Observation::Fib { .. }
            | Observation::Started { .. }
            | Observation::Exited { .. }
            | Observation::Done { .. }
    )
}

impl Inner {
    fn enqueue(&self, is_urgent: bool, entry: impl FnOnce(u64) -> Entry) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let room = queue.waiting.len() < MOST_WAITING;
        if room && queue.lost > 0 {
            let (seq, lost) = (queue.next, mem::take(&mut queue.lost));
            let saw = Observation::Overflow { observer: "reports".into(), lost };
            queue.waiting.push(Entry::Report(Report { seq, at: clock::monotonic(), since: None, saw }));
            queue.next += 1;
        }
        let entry = entry(queue.next);
        // An answer to a command is never dropped: somebody waits for it, and there are few.
        let answers = |saw: &Observation| matches!(saw, Observation::Done { .. } | Observation::Failed { .. });
        if !room && matches!(&entry, Entry::Report(report) if !answers(&report.saw)) {
            queue.lost += 1;
            return;
        }
        queue.next += u64::from(matches!(entry, Entry::Report(_)));
        queue.is_urgent |= is_urgent;
        if is_urgent || queue.waiting.is_empty() {
            self.news.notify_one();
        }
        queue.waiting.push(entry);
    }

    /// Writes until the process exits.
    fn write_to(&self, out: impl Write) -> std::io::Result<()> {
        let mut out = BufWriter::new(out);
        loop {
            let mut written = Vec::new();
            for entry in self.next() {
                match entry {
                    Entry::Report(report) => {
                        serde_json::to_writer(&mut out, &report)?;
                        out.write_all(b"\n")?;
                    }
                    Entry::Flush(done) => written.push(done),
                }
            }
            out.flush()?;
            written.into_iter().for_each(|done| done.send(()).unwrap_or_default());
        }
    }

    /// Waits for what is to be written next.
    fn next(&self) -> Vec<Entry> {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let queue =
            self.news.wait_while(queue, |queue| queue.waiting.is_empty()).unwrap_or_else(PoisonError::into_inner);
        let waited = self.news.wait_timeout_while(queue, LINGER, |queue| !queue.is_urgent);
        let (mut queue, _) = waited.unwrap_or_else(PoisonError::into_inner);
        queue.is_urgent = false;
        mem::take(&mut queue.waiting)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// An output that a test can read.
    #[derive(Clone, Default)]
    pub(crate) struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Shared {
        pub(crate) fn reports(&self) -> Vec<Report> {
            let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
        }

        pub(crate) fn observations(&self) -> Vec<Observation> {
            self.reports().into_iter().map(|report| report.saw).collect()
        }
    }

    impl Write for Shared {
        fn write(&mut self, data: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(data);
            Ok(data.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn reports_are_numbered_without_gaps_in_the_order_of_writing() {
        let out = Shared::default();
        let reporter = Reporter::writing_to(out.clone()).unwrap();
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..100).for_each(|_| reporter.report(Observation::Ready)));
            }
        });
        reporter.flush();
        let numbers: Vec<u64> = out.reports().iter().map(|report| report.seq).collect();
        assert_eq!(numbers, (0..400).collect::<Vec<_>>());
    }

    #[test]
    fn a_query_waits_for_others_and_goes_with_what_does_not_wait() {
        let query = |number| Observation::Query {
            train: "dns".into(),
            number,
            to: std::net::Ipv4Addr::LOCALHOST.into(),
            port: 0,
            id: 0,
            sent: 0,
            outcome: protocol::Outcome::Timeout,
        };
        let inner = Inner {
            queue: Mutex::default(),
            news: Condvar::new(),
            stirred: watch::Sender::new(()),
            marks: Marks::default(),
        };
        let enqueue =
            |saw, is_urgent| inner.enqueue(is_urgent, |seq| Entry::Report(Report { seq, at: 0, since: None, saw }));
        enqueue(query(0), false);
        enqueue(query(1), false);
        assert_eq!(inner.next().len(), 2, "it waits no longer than that");
        enqueue(query(2), false);
        enqueue(Observation::Ready, true);
        enqueue(query(3), false);
        assert_eq!(inner.next().len(), 3);
    }

    #[test]
    fn what_has_no_room_is_counted_and_told_and_the_numbers_have_no_gap() {
        let inner = Inner {
            queue: Mutex::default(),
            news: Condvar::new(),
            stirred: watch::Sender::new(()),
            marks: Marks::default(),
        };
        let enqueue = |saw| inner.enqueue(true, |seq| Entry::Report(Report { seq, at: 0, since: None, saw }));
        (0..MOST_WAITING + 3).for_each(|_| enqueue(Observation::Ready));
        enqueue(Observation::Done { id: 1, detail: String::new() });
        let full = inner.next();
        assert_eq!(full.len(), MOST_WAITING + 1, "the answer to a command is kept");
        enqueue(Observation::Ready);
        let reports: Vec<Report> = full
            .into_iter()
            .chain(inner.next())
            .filter_map(|entry| match entry {
                Entry::Report(report) => Some(report),
                Entry::Flush(_) => None,
            })
            .collect();
        assert!(reports.iter().zip(0..).all(|(report, seq)| report.seq == seq));
        let lost = Observation::Overflow { observer: "reports".into(), lost: 3 };
        assert_eq!(reports[MOST_WAITING + 1].saw, lost);
    }

    #[test]
    fn only_what_may_change_a_rib_stirs() {
        let reporter = Reporter::writing_to(std::io::sink()).unwrap();
        let mut stirred = reporter.stirred();
        reporter.report(Observation::Ready);
        assert!(!stirred.has_changed().unwrap());
        reporter.report(Observation::Started { daemon: "bird".into(), pid: 2 });
        assert!(stirred.has_changed().unwrap());
        stirred.mark_unchanged();
    }
}
