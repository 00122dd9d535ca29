//! An operator's own file that the daemon refuses is a Fail that shows what is missing, not an error, not a Pass.

use harness::history::Seen;
use harness::outcome::Played;
use harness::outcome::Verdict;

use crate::inside::Folder;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fails_at_the_first_step_and_leaves_nothing() {
    let folder = Folder::new();
    folder.write("garbage.conf", "options { this is not BIND's language\n");
    let file = folder.write(
        "garbage.toml",
        r#"
title    = "ns1 has a named.conf that named refuses"
topology = "two-servers"
patch    = { nodes.ns1.files = { "/etc/bind/named.conf" = "garbage.conf" } }

[[step]]
name   = "both serve"
expect = { serving = ["ns1", "ns2"], within = "10s" }
"#,
    );

    let ran = scenarios::run(&file, None, None).await;
    ran.must(Verdict::Fail);
    assert_eq!(ran.outcome.summary.at, Some(0), "{ran}");
    let Some(Played::Judged { finding, .. }) = ran.outcome.played.first() else { panic!("not judged: {ran}") };
    let routes = "router routes via ns2: 4 of 4 addresses (RIB and FIB agree)";
    assert!(finding.found.iter().any(|line| line == routes), "{finding:?}\n{ran}");
    assert!(finding.found.iter().any(|line| line == "client hears nothing from ns1"), "{finding:?}\n{ran}");

    let named_says = |seen: &Seen| matches!(seen, Seen::Line { daemon, text, .. } if daemon == "resolver" && text.contains("named.conf:"));
    let of_ns1 = ran.outcome.history.events().iter().filter(|event| event.node.as_deref() == Some("ns1"));
    assert!(of_ns1.clone().any(|event| named_says(&event.saw)), "named's complaint is not in the record: {ran}");
    let exits = of_ns1.filter(|event| matches!(&event.saw, Seen::Exited { daemon, .. } if daemon == "resolver"));
    assert_eq!(exits.count(), 1, "{ran}");

    assert_eq!(scenarios::left_by(&ran.name()).await, []);
}
