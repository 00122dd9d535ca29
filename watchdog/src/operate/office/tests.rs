use std::fs;
use std::path::Path;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use super::super::status::tests::example;
use super::super::systemd::Environment;
use super::*;

fn journal() -> Journal {
    Journal::to(std::io::sink(), Format::Text).unwrap()
}

async fn opened(folder: &Path) -> Office {
    let options = Options {
        control: Some(folder.join("control.sock")),
        metrics: None,
        maintenance: Some(folder.join("off")),
        journal: Some(Format::Text),
    };
    let notifier = Notifier::new(&Environment::default(), 1).unwrap();
    Office::open(&options, ["a", "b"].map(str::to_owned), notifier, &journal()).await.unwrap()
}

/// Says something to the control socket, and gives the answer.
async fn say(folder: &Path, line: &str) -> String {
    let mut client = UnixStream::connect(folder.join("control.sock")).await.unwrap();
    client.write_all(line.as_bytes()).await.unwrap();
    client.shutdown().await.unwrap();
    let mut said = String::new();
    client.read_to_string(&mut said).await.unwrap();
    said
}

/// Says something; the changes that come of it, and the answer.
async fn order(office: &mut Office, folder: &Path, line: &str) -> (Vec<Change>, String) {
    let mut changes = Vec::new();
    let said = say(folder, line);
    tokio::pin!(said);
    loop {
        tokio::select! {
            said = &mut said => return (changes, said),
            wish = office.next() => {
                changes.extend(wish.changes);
                if let Some(asked) = wish.asked {
                    asked.answer(Answer::Status(example()));
                }
            }
        }
    }
}

fn drain(service: usize, reason: &str) -> Change {
    Change { service, drain: Some(reason.to_owned()) }
}

fn resume(service: usize) -> Change {
    Change { service, drain: None }
}

#[tokio::test]
async fn orders_become_changes_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut office = opened(folder.path()).await;
    assert_eq!(office.look(), []);
    let line = "{\"order\":\"drain\",\"service\":\"b\",\"reason\":\"why\"}\n";
    let (changes, said) = order(&mut office, folder.path(), line).await;
    assert_eq!(changes, [drain(1, "why")]);
    assert!(said.starts_with("{\"status\":"), "{said}");
    assert_eq!((office.operator(0), office.operator(1)), (Operator::None, Operator::Drained));
    let (changes, _) = order(&mut office, folder.path(), line).await;
    assert_eq!(changes, []);
    let (changes, _) = order(&mut office, folder.path(), "{\"order\":\"resume\"}\n").await;
    assert_eq!(changes, [resume(1)]);
    let (changes, said) = order(&mut office, folder.path(), "{\"order\":\"drain\",\"service\":\"c\"}\n").await;
    assert_eq!(changes, []);
    assert!(said.contains("there are `a`, `b`"), "{said}");
}

#[tokio::test]
async fn a_successor_is_told_before_it_announces() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = opened(folder.path()).await;
    order(&mut first, folder.path(), "{\"order\":\"drain\",\"service\":\"a\",\"reason\":\"why\"}\n").await;
    drop(first);
    let mut second = opened(folder.path()).await;
    assert_eq!(second.look(), [drain(0, "why")]);
    assert_eq!(second.look(), []);
}

#[tokio::test]
async fn who_wants_none_counts_as_long_as_one_of_them_does() {
    let folder = tempfile::tempdir().unwrap();
    let mut office = opened(folder.path()).await;
    order(&mut office, folder.path(), "{\"order\":\"drain\",\"service\":\"a\",\"reason\":\"why\"}\n").await;
    let file = folder.path().join("off");
    fs::write(&file, "disks").unwrap();
    let reason = format!("maintenance: disks ({})", file.display());
    assert_eq!(office.next().await.changes, [drain(1, &reason)]);
    assert_eq!((office.operator(0), office.operator(1)), (Operator::Drained, Operator::Maintenance));
    let (changes, said) = order(&mut office, folder.path(), "{\"order\":\"resume\"}\n").await;
    assert_eq!(changes, []);
    assert!(said.contains("expected no maintenance file"), "{said}");
    fs::remove_file(&file).unwrap();
    assert_eq!(office.next().await.changes, [resume(1)]);
    let (changes, _) = order(&mut office, folder.path(), "{\"order\":\"resume\"}\n").await;
    assert_eq!(changes, [resume(0)]);
}

/// Whoever does not come back for wishes is not alive, as far as the service manager hears.
#[tokio::test(start_paused = true)]
async fn the_service_manager_is_told_by_the_run_loop_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let manager = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
    manager.set_nonblocking(true).unwrap();
    let heard = || {
        let mut datagram = [0; 64];
        manager.recv(&mut datagram).ok().map(|length| String::from_utf8_lossy(&datagram[..length]).into_owned())
    };
    let environment = Environment {
        socket: Some(path.into_os_string()),
        watchdog_usec: Some("400000".into()),
        ..Environment::default()
    };
    let notifier = Notifier::new(&environment, 1).unwrap();
    let options = Options { control: None, metrics: None, maintenance: None, journal: Some(Format::Text) };
    let mut office = Office::open(&options, ["a".to_owned()], notifier, &journal()).await.unwrap();
    tokio::time::advance(Duration::from_secs(5)).await;
    assert_eq!(heard(), None);
    let wish = tokio::time::timeout(Duration::from_millis(500), office.next()).await;
    assert!(wish.is_err());
    let pings: Vec<_> = std::iter::from_fn(heard).collect();
    assert_eq!(pings, ["WATCHDOG=1"; 3]);
    office.decided(&example());
    assert_eq!(heard().as_deref(), Some("STATUS=anycastdns up, second \"dns\" held-down"));
}
