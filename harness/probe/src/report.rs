//! Reports, numbered without gaps and written by a thread of their own: whoever observes never waits for stdout.

use std::io::{BufWriter, Write};
use std::process::exit;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use protocol::{Observation, Report};
use tokio::sync::watch;

use crate::clock;

/// How long a node that ends waits for the harness to read its last words.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Where observations go.
#[derive(Clone)]
pub(crate) struct Reporter(Arc<Inner>);

struct Inner {
    queue: Mutex<Queue>,
    stirred: watch::Sender<()>,
}

struct Queue {
    next: u64,
    writer: Sender<Entry>,
}

enum Entry {
    Report(Report),
    Flush(Sender<()>),
}

impl Reporter {
    /// Starts the writer.
    pub(crate) fn writing_to(out: impl Write + Send + 'static) -> std::io::Result<Self> {
        let (writer, entries) = channel();
        thread::Builder::new().name("stdout".into()).spawn(move || {
            if let Err(error) = write(&entries, out) {
                eprintln!("anycast-lab-probe: nobody reads the reports: {error}");
                exit(1);
            }
        })?;
        let queue = Mutex::new(Queue { next: 0, writer });
        Ok(Self(Arc::new(Inner { queue, stirred: watch::Sender::new(()) })))
    }

    /// Reports what is seen now.
    pub(crate) fn report(&self, saw: Observation) {
        self.report_at(clock::monotonic(), saw);
    }

    /// Reports what was seen at `at`.
    pub(crate) fn report_at(&self, at: u64, saw: Observation) {
        let stirs = stirs_routes(&saw);
        {
            let mut queue = self.0.queue.lock().unwrap_or_else(PoisonError::into_inner);
            let seq = queue.next;
            queue.next += 1;
            // The writer takes entries until the process exits.
            queue.writer.send(Entry::Report(Report { seq, at, saw })).ok();
        }
        if stirs {
            self.0.stirred.send_replace(());
        }
    }

    /// Changes with each report after which a routing daemon's RIB may differ.
    pub(crate) fn stirred(&self) -> watch::Receiver<()> {
        self.0.stirred.subscribe()
    }

    /// Waits until all that was reported is written.
    pub(crate) fn flush(&self) {
        let (done, written) = channel();
        self.0.queue.lock().unwrap_or_else(PoisonError::into_inner).writer.send(Entry::Flush(done)).ok();
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

fn write(entries: &Receiver<Entry>, out: impl Write) -> std::io::Result<()> {
    let mut out = BufWriter::new(out);
    loop {
        let entry = match entries.try_recv() {
            Ok(entry) => entry,
            Err(TryRecvError::Empty) => {
                out.flush()?;
                match entries.recv() {
                    Ok(entry) => entry,
                    Err(_) => return Ok(()),
                }
            }
            Err(TryRecvError::Disconnected) => return out.flush(),
        };
        match entry {
            Entry::Report(report) => {
                serde_json::to_writer(&mut out, &report)?;
                out.write_all(b"\n")?;
            }
            Entry::Flush(done) => {
                out.flush()?;
                done.send(()).ok();
            }
        }
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
