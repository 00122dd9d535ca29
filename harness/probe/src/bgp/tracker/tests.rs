use super::super::framing::tests::message;
use super::*;

fn segment(seq: u32, data: &[u8]) -> Segment<'_> {
    Segment {
        src: "10.0.0.1:40000".parse().unwrap(),
        dst: "10.0.0.2:179".parse().unwrap(),
        seq,
        ack: Some(1),
        fin: false,
        syn: false,
        rst: false,
        signed: false,
        ao: false,
        data,
    }
}

fn back(ack: u32) -> Segment<'static> {
    let there = segment(1, b"");
    Segment { src: there.dst, dst: there.src, ack: Some(ack), ..there }
}

fn seen(saw: &[Observation]) -> Vec<String> {
    let name = |observation: &Observation| match observation {
        Observation::Bgp { signed, message, .. } => format!("type {} signed {signed}", message.0[18]),
        Observation::Tcp { event, .. } => format!("{event:?}"),
        Observation::Overflow { .. } => "overflow".into(),
        other => format!("{other:?}"),
    };
    saw.iter().map(name).collect()
}

#[test]
fn a_connection_from_syn_to_fin() {
    let mut tracker = Tracker::default();
    let mut track = |segment: Segment<'_>| seen(&tracker.track(&segment, true, 0));
    let (open, keepalive) = (message(1, 10), message(4, 0));
    let end = 100 + open.len() as u32;

    assert_eq!(track(Segment { syn: true, ack: None, ..segment(99, b"") }), ["Syn"]);
    assert_eq!(track(Segment { syn: true, ack: None, ..segment(99, b"") }), ["Syn"]);
    assert_eq!(track(Segment { syn: true, ..back(100) }), ["SynAck"]);
    assert_eq!(track(segment(100, &open[..20])), [""; 0]);
    assert_eq!(track(Segment { signed: true, ..segment(120, &open[20..]) }), ["type 1 signed true"]);
    assert_eq!(track(segment(100, &open)), [""; 0]);
    assert_eq!(track(Segment { fin: true, ..segment(end, &keepalive) }), ["type 4 signed false", "Fin"]);
    assert_eq!(track(back(end + 20)), [""; 0]);
    assert_eq!(track(Segment { rst: true, ..back(0) }), ["Rst"]);
    // The same ports again are a new connection.
    assert_eq!(track(Segment { syn: true, ack: None, ..segment(7, b"") }), ["Syn"]);
    assert_eq!(track(segment(8, &keepalive)), ["type 4 signed false"]);
}

#[test]
fn what_was_missed_is_an_overflow_and_the_next_message_is_found() {
    let mut tracker = Tracker::default();
    let mut track = |segment: Segment<'_>| seen(&tracker.track(&segment, false, 0));
    track(Segment { syn: true, ack: None, ..segment(99, b"") });
    let update = message(2, 200);
    assert_eq!(track(segment(100, &update[..50])), [""; 0]);
    assert_eq!(track(back(100 + 219)), ["overflow"]);
    assert_eq!(track(segment(100 + 219, &message(4, 0))), ["type 4 signed false"]);
}

#[test]
fn a_connection_older_than_the_capture_is_joined() {
    let mut tracker = Tracker::default();
    let data = [&message(2, 200)[100..], &message(4, 0)].concat();
    assert_eq!(seen(&tracker.track(&segment(5000, &data), false, 0)), ["type 4 signed false"]);
}

#[test]
fn flows_are_forgotten_oldest_first() {
    let mut tracker = Tracker::default();
    for number in 0..2 * MOST_FLOWS {
        let src = SocketAddr::new("10.0.0.1".parse().unwrap(), number as u16);
        tracker.track(&Segment { syn: true, src, ..segment(0, b"") }, true, number as u64);
    }
    assert!(tracker.flows.len() <= MOST_FLOWS);
    assert!(tracker.flows.values().any(|flow| flow.last == 2 * MOST_FLOWS as u64 - 1));
}

proptest::proptest! {
    /// Segments may come in any order, repeated and cut anywhere: each message is reported once, in order.
    #[test]
    fn segments_in_any_order_give_each_message_once(
        bodies in proptest::collection::vec(0_usize..300, 1..8),
        cuts in proptest::collection::vec(1_usize..90, 1..30),
        order in proptest::collection::vec(proptest::prelude::any::<u32>(), 1..60),
        initial in proptest::prelude::any::<u32>(),
    ) {
        let messages: Vec<Vec<u8>> = bodies.iter().map(|body| message(2, *body)).collect();
        let stream = messages.concat();
        let mut segments = Vec::new();
        let (mut from, mut cuts) = (0, cuts.iter().cycle());
        while from < stream.len() {
            let to = (from + cuts.next().unwrap()).min(stream.len());
            segments.push((from, to));
            from = to;
        }
        // Some twice, and all of them in a shuffled order.
        let mut shuffled: Vec<(u32, (usize, usize))> =
            order.iter().copied().zip(segments.iter().copied().cycle()).chain(segments.iter().map(|cut| (7, *cut))).collect();
        shuffled.sort_by_key(|(key, _)| *key);

        let mut tracker = Tracker::default();
        tracker.track(&Segment { syn: true, ack: None, ..segment(initial.wrapping_sub(1), b"") }, true, 0);
        let mut told = Vec::new();
        for (_, (from, to)) in shuffled {
            let seq = initial.wrapping_add(from as u32);
            told.extend(tracker.track(&segment(seq, &stream[from..to]), true, 0));
        }
        let told: Vec<Vec<u8>> = told
            .into_iter()
            .map(|saw| match saw {
                Observation::Bgp { message, .. } => message.0,
                other => panic!("{other:?}"),
            })
            .collect();
        proptest::prop_assert_eq!(told, messages);
    }

    #[test]
    fn no_stream_panics(
        segments in proptest::collection::vec(
            (proptest::prelude::any::<u32>(), proptest::collection::vec(proptest::prelude::any::<u8>(), 0..80), proptest::prelude::any::<[bool; 3]>()),
            0..40,
        ),
    ) {
        let mut tracker = Tracker::default();
        for (seq, data, [syn, fin, rst]) in segments {
            drop(tracker.track(&Segment { syn, fin, rst, ..segment(seq, &data) }, false, 0));
        }
    }
}
