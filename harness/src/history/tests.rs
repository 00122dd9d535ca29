//! The record, from the recorder to the reader and back.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::time::Duration;

use protocol::{Exit, NextHop, Outcome, Stream, TcpEvent};
use tempfile::TempDir;

use super::line::{self, Line};
use super::name::Names;
use super::{BgpMessage, Event, Events, History, Recorder, RibRoute, Seen};

fn address(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn event(at: u64, node: &str, saw: Seen) -> Event {
    Event { at, since: None, node: Some(node.into()), saw }
}

fn query(at: u64, outcome: Outcome) -> Event {
    let (service, to) = ("one".into(), address("10.1.53.1"));
    event(at, "client", Seen::Query { service, number: 7, to, port: 40123, id: 65535, sent: at - 300_000, outcome })
}

fn answer(rtt: u64) -> Outcome {
    Outcome::Answer { instance: "ns\"1\"".to_owned(), rcode: 0, answers: 1, rtt }
}

/// One of each kind, and of each form in which it can be written.
fn one_of_each() -> Vec<Event> {
    let peer = |last| SocketAddr::from(([10, 1, 53, last], 179));
    let (src, dst, prefix) = (peer(11), peer(254), "10.1.53.1/32".parse().expect("a prefix"));
    let scoped = "[fe80::1%3]:53".parse().expect("a socket address");
    let lab = |saw| Event { at: 1_000_000, since: None, node: None, saw };
    let bgp = |message| event(1_000_006, "ns1", Seen::Bgp { src, dst, sent: true, signed: false, ao: false, message });
    let daemon = || "resolver".to_owned();
    let polled = |saw| Event { since: Some(999_000), ..event(1_000_000, "router", saw) };
    vec![
        lab(Seen::Begin {
            run: "kill-named-7f3a".to_owned(),
            versions: [("kernel".to_owned(), "6.18".to_owned())].into(),
            images: [("ns1".to_owned(), "sha256:00".to_owned())].into(),
            seed: u64::MAX,
        }),
        lab(Seen::Up),
        lab(Seen::Down),
        lab(Seen::Step { number: 0, name: "both serve".to_owned() }),
        lab(Seen::Over { number: 0 }),
        lab(Seen::Injected { number: 1, fault: "kill".to_owned(), detail: "pid 7".to_owned(), what: None }),
        lab(Seen::Healed { number: 1, fault: "kill".to_owned(), detail: String::new(), what: None }),
        event(1_000_001, "ns1", Seen::Ready),
        event(1_000_002, "ns1", Seen::Started { daemon: daemon(), pid: 7 }),
        event(1_000_003, "ns1", Seen::Exited { daemon: daemon(), pid: 7, exit: Exit::Signal(9) }),
        event(1_000_004, "ns1", Seen::Line { daemon: daemon(), stream: Stream::Stderr, text: "a\nb".to_owned() }),
        event(
            1_000_005,
            "router",
            Seen::Fib {
                prefix,
                protocol: 12,
                next_hops: vec![NextHop { via: Some(src.ip()), dev: "eth0".to_owned() }],
            },
        ),
        event(1_000_005, "ns1", Seen::Address { address: address("10.1.53.1"), present: true }),
        polled(Seen::Rib {
            daemon: "router".to_owned(),
            routes: Some(vec![RibRoute { prefix, next_hops: vec![src.ip()], from: "ns1".to_owned() }]),
        }),
        polled(Seen::Rib { daemon: "router".to_owned(), routes: None }),
        bgp(BgpMessage::Open { asn: 64601, hold_time: 10 }),
        bgp(BgpMessage::Keepalive),
        bgp(BgpMessage::Update { announced: vec![(prefix, Some(src.ip()))], withdrawn: vec![prefix] }),
        bgp(BgpMessage::Notification { code: 6, subcode: 2 }),
        bgp(BgpMessage::Other(5)),
        bgp(BgpMessage::Malformed("too short".to_owned())),
        event(1_000_007, "ns1", Seen::Tcp { src, dst, sent: true, signed: true, ao: false, event: TcpEvent::SynAck }),
        query(2_000_000, answer(300_000)),
        query(2_000_000, answer(1)),
        query(2_000_000, Outcome::Timeout),
        query(2_000_000, Outcome::Refused("Connection refused".to_owned())),
        query(2_000_000, Outcome::Unasked("Too many open files".to_owned())),
        event(2_000_001, "ns1", Seen::Served { to: address("10.1.53.1"), client: peer(10), id: 65535 }),
        event(2_000_001, "ns1", Seen::Served { to: address("fe80::2"), client: scoped, id: 1 }),
        lab(Seen::Hole { reason: "the node died".to_owned() }),
        lab(Seen::Stalled { late: 30_000_000, waited: 20_000_000, processor: Some(1), of: Some(2) }),
        lab(Seen::Clock { shift: -5, error: 100_000 }),
        lab(Seen::Judged { number: 2, verdict: "Pass".to_owned() }),
    ]
}

/// The place of each kind of event in a list of all. A new kind does not compile here: it needs an event in `one_of_each`, and so a
/// line in docs/record.md.
fn kind(saw: &Seen) -> usize {
    match saw {
        Seen::Begin { .. } => 0,
        Seen::Up => 1,
        Seen::Down => 2,
        Seen::Step { .. } => 3,
        Seen::Over { .. } => 4,
        Seen::Injected { .. } => 5,
        Seen::Healed { .. } => 6,
        Seen::Ready => 7,
        Seen::Started { .. } => 8,
        Seen::Exited { .. } => 9,
        Seen::Line { .. } => 10,
        Seen::Fib { .. } => 11,
        Seen::Address { .. } => 12,
        Seen::Rib { .. } => 13,
        Seen::Bgp { .. } => 14,
        Seen::Tcp { .. } => 15,
        Seen::Query { .. } => 16,
        Seen::Served { .. } => 17,
        Seen::Hole { .. } => 18,
        Seen::Stalled { .. } => 19,
        Seen::Judged { .. } => 20,
        Seen::Clock { .. } => 21,
    }
}

fn written(event: &Event) -> String {
    let mut text = Vec::new();
    line::write(event, &mut text).expect("a line");
    String::from_utf8(text).expect("JSON is UTF-8")
}

fn unwritten(text: &str) -> std::io::Result<Event> {
    match line::read(text.as_bytes(), &mut Names::default())? {
        Line::Event(event) => Ok(event),
        Line::Header(header) => Err(std::io::Error::other(format!("{header:?}"))),
    }
}

fn recorded(folder: &TempDir, events: &[Event]) -> PathBuf {
    let file = folder.path().join("history.jsonl.zst");
    let recorder = Recorder::new(Some(&file)).expect("a file");
    events.iter().for_each(|event| recorder.record(event.clone()));
    recorder.finish().expect("it is written");
    file
}

fn folder() -> TempDir {
    TempDir::new().expect("a temporary folder")
}

fn error_of(file: &Path) -> String {
    History::read(file).expect_err("it is no whole record").to_string()
}

#[test]
fn every_event_is_read_as_it_was_written() {
    for event in one_of_each() {
        let text = written(&event);
        assert_eq!(unwritten(&text).expect("a line"), event, "{text}");
        // As records of format 0 have it.
        let long = serde_json::to_string(&event).expect("a line");
        assert_eq!(unwritten(&long).expect("a line"), event, "{long}");
    }
}

#[test]
fn there_is_one_of_each() {
    let kinds: BTreeSet<usize> = one_of_each().iter().map(|event| kind(&event.saw)).collect();
    assert!(kinds.iter().copied().eq(0..kinds.len()) && kinds.len() == 22, "{kinds:?}");
}

#[test]
fn the_documented_lines_are_the_written_ones() {
    let page =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/record.md")).expect("the page");
    let mut documented: Vec<&str> = page.lines().filter(|line| line.starts_with('{')).collect();
    let header = documented.remove(0);
    assert!(matches!(line::read(header.as_bytes(), &mut Names::default()), Ok(Line::Header(_))), "{header}");
    for (text, event) in documented.iter().zip(one_of_each()) {
        assert_eq!(**text, *written(&event).trim_end(), "docs/record.md");
    }
    assert_eq!(documented.len(), one_of_each().len(), "docs/record.md has a line for each");
}

#[test]
fn a_record_is_read_as_it_was_recorded() {
    let (folder, mut events) = (folder(), one_of_each());
    let file = recorded(&folder, &events);
    let read: Vec<Event> = Events::open(&file).expect("a file").map(|event| event.expect("an event")).collect();
    assert_eq!(read, events);
    events.sort_by_key(|event| event.at);
    assert_eq!(History::read(&file).expect("a record").events(), events);
}

#[test]
fn an_unpacked_record_is_read_too() {
    let (folder, events) = (folder(), one_of_each());
    let packed = std::fs::File::open(recorded(&folder, &events)).expect("a file");
    let plain = folder.path().join("history.jsonl");
    let mut out = std::fs::File::create(&plain).expect("a file");
    zstd::stream::copy_decode(packed, &mut out).expect("it is a zstd frame");
    assert_eq!(History::read(&plain).expect("a record").events().len(), events.len());
}

#[test]
fn a_record_that_breaks_off_ends_at_its_last_whole_line() {
    let folder = folder();
    let events: Vec<Event> = (1..5000).map(|n| query(n * 1_000_000, answer(n))).collect();
    let file = recorded(&folder, &events);
    let whole = std::fs::read(&file).expect("a file");
    std::fs::write(&file, whole.get(..whole.len() / 2).expect("half of it")).expect("it is written");
    let read = History::read(&file).expect("what there is");
    assert!((1..4999).contains(&read.events().len()), "{}", read.events().len());
    assert_eq!(read.events(), events.get(..read.events().len()).expect("as many"));
}

#[test]
fn a_killed_run_leaves_what_it_has_seen() {
    let folder = folder();
    let file = folder.path().join("history.jsonl.zst");
    let recorder = Recorder::new(Some(&file)).expect("a file");
    recorder.record(query(1_000_000, Outcome::Timeout));
    // It is never finished: what is on the disk a while later is what SIGKILL would leave.
    let written = || History::read(&file).is_ok_and(|history| history.events().len() == 1);
    let began = std::time::Instant::now();
    while !written() {
        assert!(began.elapsed() < Duration::from_secs(30), "it is written each second");
        std::thread::yield_now();
    }
}

#[test]
fn a_newer_format_says_what_reads_it() {
    let folder = folder();
    let file = folder.path().join("history.jsonl");
    std::fs::write(&file, "{\"format\":2,\"by\":\"anycast-lab 7.0.0\"}\n").expect("it is written");
    let error = error_of(&file);
    for part in
        ["history.jsonl, line 1", "has format 2", "reads formats 0 to 1", "hint: judge it with anycast-lab 7.0.0"]
    {
        assert!(error.contains(part), "{part}: {error}");
    }
}

#[test]
fn a_line_that_is_no_event_is_named() {
    let folder = folder();
    let file = folder.path().join("history.jsonl");
    let good = written(&query(1_000_000, Outcome::Timeout));
    for (bad, why) in [
        ("nonsense", "expected ident"),
        ("{\"at\":5}", "needs the key `saw`, `answer` or `served`"),
        ("{\"saw\":\"up\"}", "needs the key `at`"),
        ("{\"at\":5,\"saw\":\"eclipse\"}", "unknown variant `eclipse`"),
        ("", "EOF"),
    ] {
        std::fs::write(&file, format!("{good}{bad}\n{good}")).expect("it is written");
        let error = error_of(&file);
        assert!(error.contains("history.jsonl, line 2: ") && error.contains(why), "{error}");
    }
    std::fs::write(&file, "no newline, no JSON").expect("it is written");
    assert!(error_of(&file).contains("line 1: "), "{}", error_of(&file));
    std::fs::write(&file, "").expect("it is written");
    assert!(error_of(&file).contains("no event is in it"), "{}", error_of(&file));
    assert!(error_of(folder.path()).contains("cannot read"), "{}", error_of(folder.path()));
}

#[test]
fn unknown_keys_are_ignored() {
    let text =
        r#"{"node":"ns1","saw":{"started":{"daemon":"resolver","pid":7,"user":"bind"}},"at":5,"mood":{"good":true}}"#;
    let expected = event(5, "ns1", Seen::Started { daemon: "resolver".to_owned(), pid: 7 });
    assert_eq!(unwritten(text).expect("a line"), expected);
}

#[test]
fn an_event_of_a_real_rate_takes_less_than_30_octets_on_disk() {
    let folder = folder();
    let mut random = fastrand::Rng::with_seed(1);
    let mut at = 5_909_000_000_000;
    let mut events = Vec::new();
    for number in 0..20_000 {
        at += random.u64(300_000..700_000);
        let rtt = random.u64(100_000..5_000_000);
        let (port, id, to) = (random.u16(32_768..61_000), random.u16(..), IpAddr::from([10, 1, 53, random.u8(1..5)]));
        let node = if random.bool() { "ns1" } else { "ns2" };
        let client = SocketAddr::from(([192, 0, 2, 10], port));
        events.push(event(at + rtt / 2, node, Seen::Served { to, client, id }));
        let outcome = Outcome::Answer { instance: node.to_owned(), rcode: 0, answers: 1, rtt };
        let saw = Seen::Query { service: "one".into(), number, to, port, id, sent: at, outcome };
        events.push(event(at + rtt, "client", saw));
    }
    let size = std::fs::metadata(recorded(&folder, &events)).expect("a file").len() as usize;
    assert!(size < 30 * events.len(), "{} octets an event", size as f64 / events.len() as f64);
}

#[test]
fn a_full_disk_is_told_and_recording_goes_on() {
    // Writing to this device gives ENOSPC. Small writes are buffered: here the first flush tells.
    let error = Recorder::new(Some(Path::new("/dev/full"))).err().expect("it is full");
    assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
}

#[test]
fn what_fails_in_mid_run_is_told_at_the_end() {
    let folder = folder();
    let pipe = folder.path().join("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
    let reader = std::thread::spawn({
        let pipe = pipe.clone();
        // Its reader goes after the header: from then on writing gives EPIPE.
        move || std::io::Read::read(&mut std::fs::File::open(pipe).expect("a pipe"), &mut [0; 4]).expect("the header")
    });
    let recorder = Recorder::new(Some(&pipe)).expect("a pipe");
    reader.join().expect("it reads");
    recorder.record(query(1_000_000, Outcome::Timeout));
    for _ in 0..2 {
        assert_eq!(recorder.finish().expect_err("nobody reads").kind(), std::io::ErrorKind::BrokenPipe);
    }
    assert_eq!(recorder.history().events().len(), 1, "the run goes on in memory");
}

#[test]
fn who_records_waits_for_no_reader() {
    let recorder = Recorder::new(None).expect("no file");
    recorder.record(query(1_000_000, Outcome::Timeout));
    let (looking, seen) = channel();
    let (leave, left) = channel::<()>();
    let reader = std::thread::spawn({
        let recorder = recorder.clone();
        move || {
            recorder.with(|history| {
                looking.send(()).expect("the test waits");
                // As long as a terminal under Ctrl-S.
                left.recv().expect("the test tells");
                history.events().len()
            })
        }
    });
    seen.recv().expect("it looks");
    recorder.record(query(2_000_000, Outcome::Timeout));
    // Another reader neither waits for the first one nor sees less.
    assert_eq!(recorder.with(|history| history.events().len()), 2);
    leave.send(()).expect("it waits");
    assert_eq!(reader.join().expect("it ends"), 1, "what a reader holds stays as it was");
    assert_eq!(recorder.snapshot().end(), 2);
}

#[test]
fn a_disk_that_hangs_keeps_nobody_from_recording() {
    let folder = folder();
    let pipe = folder.path().join("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
    let (hang, hung) = channel::<()>();
    let reader = std::thread::spawn({
        let pipe = pipe.clone();
        move || {
            let mut file = std::fs::File::open(pipe).expect("a pipe");
            hung.recv().expect("the test tells");
            std::io::copy(&mut file, &mut std::io::sink()).expect("it reads on")
        }
    });
    let recorder = Recorder::new(Some(&pipe)).expect("a pipe");
    // More than a pipe holds, in random numbers, which do not compress.
    let mut random = fastrand::Rng::with_seed(2);
    for n in 1..50_000_u64 {
        recorder.record(query(n * 1_000_000, answer(random.u64(1..1_000_000_000))));
    }
    assert_eq!(recorder.snapshot().end(), 49_999);
    hang.send(()).expect("it waits");
    recorder.finish().expect("it reads on");
    drop(recorder);
    assert!(reader.join().expect("it ends") > 100_000);
}

#[test]
fn nothing_after_the_end_is_recorded() {
    let folder = folder();
    let file = folder.path().join("history.jsonl.zst");
    let recorder = Recorder::new(Some(&file)).expect("a file");
    recorder.close(1);
    recorder.record(query(2_000_000, Outcome::Timeout));
    drop(recorder);
    assert_eq!(History::read(&file).expect("a record").events().len(), 1);
}

#[test]
fn a_damaged_record_is_an_error_or_shorter_and_never_a_panic() {
    let folder = folder();
    let events: Vec<Event> = (1..200).map(|n| query(n * 1_000_000, answer(n))).collect();
    let file = recorded(&folder, &events);
    let whole = std::fs::read(&file).expect("a file");
    let mut random = fastrand::Rng::with_seed(3);
    for _ in 0..300 {
        let mut damaged = whole.clone();
        if let Some(octet) = damaged.get_mut(random.usize(..whole.len())) {
            *octet ^= random.u8(1..);
        }
        std::fs::File::create(&file).and_then(|mut out| out.write_all(&damaged)).expect("it is written");
        let _error_or_not = History::read(&file);
    }
}
