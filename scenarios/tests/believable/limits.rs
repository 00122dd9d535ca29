//! A defect in a node ends in the node: the machine goes on, and so do the other nodes.

use std::time::Duration;

use protocol::Action;

use crate::inside::{bash, plan};

/// Each process starts two more, for ever.
const BOMB: &str =
    "b() { b | b & }; b; sleep 2; cat /sys/fs/cgroup/pids.current /sys/fs/cgroup/pids/pids.current 2>/dev/null";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fork_bomb_ends_in_its_node() {
    let _turn = scenarios::turn(1).await;
    let plan = plan(&scenarios::file("kill-named"));
    scenarios::up(&plan, async |lab, _| {
        let status = bash(lab, "ns1", "grep -E 'CapEff|NoNewPrivs' /proc/self/status").await.expect("it can be read");
        assert!(status.contains("NoNewPrivs:\t1"), "{status}");
        let before = processes();
        // What comes of it in the node does not matter: it may well be lost.
        let _said = bash(lab, "ns1", BOMB).await;
        let during = processes();
        assert!(during < before + 1024 + 500, "{before} processes before, {during} during");
        // Another node is as it was.
        let alive = tokio::time::timeout(Duration::from_secs(60), bash(lab, "ns2", "echo alive")).await;
        assert_eq!(alive.expect("it answers").as_deref().map(str::trim), Ok("alive"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_needs_more_memory_than_a_node_has_is_killed_there() {
    let _turn = scenarios::turn(1).await;
    let plan = plan(&scenarios::file("kill-named"));
    scenarios::up(&plan, async |lab, _| {
        // `tail` keeps the last line, which never ends.
        let argv = ["tail", "/dev/zero"].map(str::to_owned).to_vec();
        let ended = lab.tell("ns1", Action::Exec { argv, timeout_ms: 60_000 }).await;
        let ended = ended.expect_err("it cannot have all memory").to_string();
        assert!(ended.contains("SIGKILL") || ended.contains("signal 9") || ended.contains("has ended"), "{ended}");
        assert_eq!(bash(lab, "ns2", "echo alive").await.as_deref().map(str::trim), Ok("alive"));
    })
    .await;
}

/// Threads of the whole machine: the fourth field of /proc/loadavg.
fn processes() -> u32 {
    let load = std::fs::read_to_string("/proc/loadavg").expect("proc(5)");
    let field = load.split_whitespace().nth(3).expect("proc(5)");
    field.split_once('/').expect("proc(5)").1.parse().expect("a number")
}
