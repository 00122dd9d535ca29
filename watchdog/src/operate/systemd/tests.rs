use super::*;

fn environment(socket: impl AsRef<OsStr>) -> Environment {
    Environment { socket: Some(socket.as_ref().to_owned()), ..Environment::default() }
}

fn heard(manager: &UnixDatagram) -> String {
    let mut datagram = [0; 512];
    let length = manager.recv(&mut datagram).unwrap();
    String::from_utf8(datagram[..length].to_vec()).unwrap()
}

#[test]
fn the_manager_hears_it_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    let notifier = Notifier::new(&environment(&path), 1).unwrap();
    notifier.ready("dns up");
    assert_eq!(heard(&manager), "READY=1\nSTATUS=dns up");
    notifier.status("dns down:\nREADY=1");
    assert_eq!(heard(&manager), "STATUS=dns down: READY=1");
    notifier.ping();
    assert_eq!(heard(&manager), "WATCHDOG=1");
    notifier.stopping("SIGTERM received");
    assert_eq!(heard(&manager), "STOPPING=1\nSTATUS=SIGTERM received");
    notifier.reloading();
    let reloading = heard(&manager);
    let since_boot: u64 = reloading.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap().parse().unwrap();
    assert!(since_boot > 0);
}

#[test]
fn the_manager_may_have_an_abstract_name() {
    let name = format!("anycast-watchdog-test-{}", std::process::id());
    let manager = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
    Notifier::new(&environment(format!("@{name}")), 1).unwrap().ping();
    assert_eq!(heard(&manager), "WATCHDOG=1");
}

#[test]
fn nobody_who_listens_is_no_trouble() {
    let nobody = Notifier::new(&Environment::default(), 1).unwrap();
    nobody.ready("");
    assert_eq!(nobody.ping_interval(), None);
    Notifier::new(&environment("/nowhere"), 1).unwrap().ready("");
    assert!(Notifier::new(&environment("x".repeat(300)), 1).is_err());
    // Never read: after a while it is full, and holds nobody up.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let _deaf = UnixDatagram::bind(&path).unwrap();
    let notifier = Notifier::new(&environment(&path), 1).unwrap();
    (0..5000).for_each(|_| notifier.ping());
}

#[test]
fn pings_come_twice_as_often_as_they_must() {
    let ping = |usec: Option<&str>, pid: Option<&str>| {
        let environment = Environment {
            watchdog_usec: usec.map(Into::into),
            watchdog_pid: pid.map(Into::into),
            ..environment("/nowhere")
        };
        Notifier::new(&environment, 42).unwrap().ping_interval()
    };
    assert_eq!(ping(Some("3000000"), None), Some(Duration::from_millis(1500)));
    assert_eq!(ping(Some("3000000"), Some("42")), Some(Duration::from_millis(1500)));
    assert_eq!(ping(Some("3000000"), Some("43")), None);
    assert_eq!(ping(Some("3000000"), Some("who")), None);
    for none in [None, Some("0"), Some("-1"), Some("soon")] {
        assert_eq!(ping(none, None), None);
    }
}
