use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};

use super::*;

/// Keeps what is written.
#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What is written when all kinds of things happen.
fn written(format: Format) -> String {
    let page = Page::default();
    let journal = Journal::to(page.clone(), format).unwrap();
    journal.decision("dns", &Decision::withdraw("TCP connect: refused"), &[("refused", 1)]);
    journal.trouble("dns", "SERVFAIL");
    journal.confirmed("dns", "withdrawn: 192.0.2.53/32 absent");
    journal.operator("dns", "drain: kernel update");
    journal.note(format_args!("ERROR: {}", "two\nlines"));
    journal.flush(Duration::from_secs(5));
    let bytes = page.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn people_read_a_line_each() {
    insta::assert_snapshot!(written(Format::Text), @"
    anycast-watchdog: withdraw dns: TCP connect: refused
    anycast-watchdog: failing dns: SERVFAIL
    anycast-watchdog: confirmed dns: withdrawn: 192.0.2.53/32 absent
    anycast-watchdog: operator dns: drain: kernel update
    anycast-watchdog: ERROR: two
    lines
    ");
}

#[test]
fn programs_read_all_of_it_again() {
    let text = written(Format::Json);
    let mut entries: Vec<Entry> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(entries.is_sorted_by_key(|entry| entry.at));
    // Between 2020 and 2100.
    assert!(entries.iter().all(|entry| (1_577_836_800..4_102_444_800).contains(&(entry.at / 1_000_000_000))));
    entries.iter_mut().for_each(|entry| entry.at = 0);
    let lines: Vec<String> = entries.iter().map(|entry| serde_json::to_string(entry).unwrap()).collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    {"at":0,"event":"decision","service":"dns","verb":"withdraw","reason":"TCP connect: refused","learned":[["refused",1]]}
    {"at":0,"event":"trouble","service":"dns","reason":"SERVFAIL"}
    {"at":0,"event":"confirmed","service":"dns","reason":"withdrawn: 192.0.2.53/32 absent"}
    {"at":0,"event":"operator","service":"dns","reason":"drain: kernel update"}
    {"at":0,"event":"note","reason":"ERROR: two\nlines"}
    "#);
}

/// Writes only when it is told to.
struct Slow(Receiver<()>, Page);

impl Write for Slow {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.recv().ok();
        self.1.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_gap_is_told() {
    let page = Page::default();
    let (go, told) = channel();
    let journal = Journal::to(Slow(told, page.clone()), Format::Json).unwrap();
    (0..3000).for_each(|number| journal.note(number));
    drop(go);
    let read = || String::from_utf8(page.0.lock().unwrap().clone()).unwrap();
    // As many as may wait are written; the rest is lost.
    while read().lines().count() < 1024 {
        std::thread::yield_now();
    }
    journal.note("after");
    journal.flush(Duration::from_secs(5));
    let text = read();
    let entries: Vec<Entry> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let after = entries.last().unwrap();
    assert_eq!(after.reason, "after");
    assert!(after.lost > 0);
    // One was accepted late if the writer was late to take the first.
    let lost: u64 = entries.iter().map(|entry| entry.lost).sum();
    assert_eq!(entries.len() as u64 - 1 + lost, 3000);
}
