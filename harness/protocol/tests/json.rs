//! The JSON of every type: it survives the way there and back, on one line, and names are what the documentation says.

use std::collections::BTreeMap;
use std::fmt::Debug;

use protocol::{
    Action, Bytes, Command, ControlSocket, Daemon, Exit, File, Flow, Link, NextHop, Observation, Outcome, Report,
    Route, Setup, Signal, Stream, TcpEvent, Train,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

fn json<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) -> String {
    let text = serde_json::to_string(value).expect("it can be written");
    assert!(!text.contains('\n'), "{text}");
    assert_eq!(&serde_json::from_str::<T>(&text).expect("it can be read"), value, "{text}");
    text
}

#[test]
fn a_setup() {
    let setup = Setup {
        node: "ns1".into(),
        links: vec![Link {
            network: "lan".into(),
            carrier: "172.30.0.0/24".parse().unwrap(),
            mac: "ae:53:00:00:00:01".into(),
            addresses: vec!["10.1.53.1/24".parse().unwrap(), "2001:db8::1/64".parse().unwrap()],
        }],
        loopback: vec!["198.51.100.53".parse().unwrap(), "2001:db8:53::53".parse().unwrap()],
        routes: vec![Route { to: "0.0.0.0/0".parse().unwrap(), via: "10.1.53.254".parse().unwrap() }],
        files: vec![File { path: "/etc/bird.conf".into(), mode: 0o644, content: "router id 10.1.53.1;\n".into() }],
        daemons: vec![Daemon {
            name: "bird".into(),
            argv: vec!["bird".into(), "-f".into()],
            env: BTreeMap::from([("TZ".into(), "UTC".into())]),
        }],
        ribs: vec![
            ControlSocket::Bird {
                daemon: "bird".into(),
                path: "/run/bird/bird.ctl".into(),
                command: "show route".into(),
            },
            ControlSocket::Frr {
                daemon: "bgpd".into(),
                path: "/run/frr/bgpd.vty".into(),
                commands: vec!["show bgp ipv4 unicast json".into()],
            },
        ],
        trains: vec![Train {
            name: "dns".into(),
            to: vec!["198.51.100.53".parse().unwrap()],
            per_second: 50,
            qname: "example.".into(),
            timeout_ms: 500,
            flow: Flow::One,
        }],
    };
    json(&setup);
}

#[test]
fn signals_have_the_names_of_signal_7() {
    for (signal, name) in [
        (Signal::SigCont, "SIGCONT"),
        (Signal::SigHup, "SIGHUP"),
        (Signal::SigInt, "SIGINT"),
        (Signal::SigKill, "SIGKILL"),
        (Signal::SigStop, "SIGSTOP"),
        (Signal::SigTerm, "SIGTERM"),
        (Signal::SigUsr1, "SIGUSR1"),
    ] {
        assert_eq!(json(&signal), format!("\"{name}\""));
        assert_eq!(signal.to_string(), name);
    }
}

#[test]
fn every_action() {
    let daemon = || "bird".to_string();
    let file = File { path: "/x".into(), mode: 0o600, content: Bytes(vec![0, 255, b'\n']) };
    let actions = [
        (
            Action::Signal { daemon: daemon(), signal: Signal::SigKill },
            r#"{"signal":{"daemon":"bird","signal":"SIGKILL"}}"#,
        ),
        (Action::Start { daemon: daemon() }, r#"{"start":{"daemon":"bird"}}"#),
        (Action::Stop { daemon: daemon() }, r#"{"stop":{"daemon":"bird"}}"#),
        (Action::Restart { daemon: daemon() }, r#"{"restart":{"daemon":"bird"}}"#),
        (Action::SignalAll { signal: Signal::SigStop }, r#"{"signal-all":{"signal":"SIGSTOP"}}"#),
        (Action::StartAll, r#""start-all""#),
        (Action::Silence { network: None }, r#"{"silence":{"network":null}}"#),
        (Action::Speak { network: Some("lan".into()) }, r#"{"speak":{"network":"lan"}}"#),
        (Action::Write(file), r#"{"write":{"path":"/x","mode":384,"content":"AP8K"}}"#),
        (Action::Ask, r#""ask""#),
        (Action::Exec { argv: vec!["true".into()], timeout_ms: 10 }, r#"{"exec":{"argv":["true"],"timeout_ms":10}}"#),
        (Action::Revive { daemon: daemon() }, r#"{"revive":{"daemon":"bird"}}"#),
        (Action::FlushRoutes, r#""flush-routes""#),
        (Action::Inspect, r#""inspect""#),
    ];
    for (action, expected) in actions {
        assert_eq!(json(&Command { id: 7, action }), format!(r#"{{"id":7,"action":{expected}}}"#));
    }
}

#[test]
fn every_observation() {
    let name = || "x".to_string();
    let (src, dst) = ("10.0.0.1:40000".parse().unwrap(), "[2001:db8::1]:179".parse().unwrap());
    let next_hops = vec![
        NextHop { via: None, dev: "blackhole".into() },
        NextHop { via: Some("fe80::1".parse().unwrap()), dev: "eth0".into() },
    ];
    let mut all = vec![
        Observation::Ready,
        Observation::Started { daemon: name(), pid: 41 },
        Observation::Exited { daemon: name(), pid: 41, exit: Exit::Code(1) },
        Observation::Exited { daemon: name(), pid: 41, exit: Exit::Signal(9) },
        Observation::Line { daemon: name(), stream: Stream::Stdout, text: "a\u{fffd}\u{2028}".into() },
        Observation::Line { daemon: name(), stream: Stream::Stderr, text: String::new() },
        Observation::Fib { prefix: "10.1.53.1/32".parse().unwrap(), protocol: 12, next_hops },
        Observation::Address { address: "198.51.100.53".parse().unwrap(), present: true },
        Observation::Rib { daemon: name(), text: "1007-a\n\tb\n0000 \n".into() },
        Observation::Bgp { src, dst, sent: true, signed: false, ao: false, message: Bytes(vec![0xff; 19]) },
        Observation::Served { to: src.ip(), client: dst, id: 7 },
        Observation::Overflow { observer: name(), lost: u64::MAX },
        Observation::Broken { observer: name(), error: name() },
        Observation::Done { id: 1, detail: name() },
        Observation::Failed { id: 1, error: name() },
        Observation::Unusable { error: name() },
    ];
    for event in [TcpEvent::Syn, TcpEvent::SynAck, TcpEvent::Fin, TcpEvent::Rst] {
        all.push(Observation::Tcp { src, dst, sent: false, signed: true, ao: true, event });
    }
    let answer = Outcome::Answer { instance: "ns1".into(), rcode: 16, answers: 1, rtt: 1 };
    for outcome in [
        answer,
        Outcome::Timeout,
        Outcome::Refused("Connection refused".into()),
        Outcome::Unasked("Too many open files".into()),
    ] {
        let to = "198.51.100.53".parse().unwrap();
        all.push(Observation::Query { train: name(), number: 1, to, port: 1, id: 2, sent: 1, outcome });
    }
    for saw in all {
        json(&Report { seq: 0, at: u64::MAX, since: Some(1), saw });
    }
}

#[test]
fn a_message_from_before_tcp_ao_was_told_is_read() {
    let old = r#"{"tcp":{"src":"10.0.0.1:1","dst":"10.0.0.2:179","sent":true,"signed":true,"event":"syn"}}"#;
    let saw: Observation = serde_json::from_str(old).unwrap();
    assert!(matches!(saw, Observation::Tcp { signed: true, ao: false, .. }));
    assert_eq!(serde_json::to_string(&saw).unwrap(), old);
}

#[test]
fn unknown_keys_are_refused() {
    for wrong in [
        r#"{"id":1,"action":"ask","more":1}"#,
        r#"{"id":1,"action":{"start":{"daemon":"x","more":1}}}"#,
        r#"{"id":1,"action":{"dance":{}}}"#,
    ] {
        serde_json::from_str::<Command>(wrong).unwrap_err();
    }
}
