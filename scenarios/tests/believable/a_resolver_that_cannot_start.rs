//! An operator's own file that the daemon refuses: the lab did not come up, said at once and with the daemon's words. A scenario that
//! does not need that daemon goes on.

use std::time::{Duration, Instant};

use harness::history::Seen;
use harness::lab::LabError;
use harness::outcome::Verdict;
use harness::run::RunError;
use protocol::Exit;

use crate::inside::Folder;

/// Longer than the whole run may take: the end must come from the daemon's, not from this.
const DEADLINE: Duration = Duration::from_secs(300);

/// A scenario with a named.conf that is none, and what its one step expects.
fn scenario(folder: &Folder, servers: &str) -> std::path::PathBuf {
    folder.write("garbage.conf", "options { this is not BIND's language\n");
    folder.write(
        "garbage.toml",
        &format!(
            r#"
title    = "ns1 has a named.conf that named refuses"
topology = "two-servers"
patch    = {{ nodes.ns1.files = {{ "/etc/bind/named.conf" = "garbage.conf" }} }}

[[step]]
name   = "serves"
expect = {{ serving = [{servers}], within = "{}s" }}
"#,
            DEADLINE.as_secs()
        ),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ends_the_run_at_once_with_the_daemons_words() {
    let folder = Folder::new();
    let file = scenario(&folder, r#""ns1", "ns2""#);
    let began = Instant::now();
    let error = scenarios::does_not_come_up(&file).await;
    assert!(began.elapsed() < DEADLINE, "it was waited for the deadline");
    let RunError::Lab(LabError::Daemon(ended)) = &error else { panic!("{error}") };
    assert_eq!((ended.node.as_str(), ended.daemon.as_str(), ended.exit), ("ns1", "resolver", Exit::Code(1)));
    assert!(ended.lines.iter().any(|line| line.contains("named.conf:")), "{error}");
    assert!(
        error.to_string().starts_with("the lab did not come up: resolver on node `ns1` exited with status 1"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn is_no_matter_where_the_server_is_not_expected_to_serve() {
    let folder = Folder::new();
    let ran = scenarios::run(&scenario(&folder, r#""ns2""#), None, None).await;
    ran.must(Verdict::Pass);
    let of_ns1 = ran.outcome.history.events().iter().filter(|event| event.node.as_deref() == Some("ns1"));
    let exits = of_ns1.filter(|event| matches!(&event.saw, Seen::Exited { daemon, .. } if daemon == "resolver"));
    assert_eq!(exits.count(), 1, "{ran}");
    assert_eq!(scenarios::left_by(&ran.name()).await, []);
}
