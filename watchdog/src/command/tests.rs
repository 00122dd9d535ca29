//! Real commands, well-behaved and not.

use std::path::Path;

use tempfile::NamedTempFile;

use super::*;

/// Nothing here takes so long, unless it hangs.
const AMPLE: Duration = Duration::from_secs(30);

fn shell(script: &str) -> Vec<String> {
    ["/bin/sh", "-c", script].map(str::to_owned).to_vec()
}

async fn failure(script: &str) -> String {
    run(&shell(script), AMPLE).await.unwrap_err().to_string()
}

/// Waits until something is there, and turns to others meanwhile.
async fn until<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let looking = async {
        loop {
            match look() {
                Some(found) => return found,
                None => tokio::task::yield_now().await,
            }
        }
    };
    timeout(AMPLE, looking).await.unwrap()
}

/// Starts one process in the group and one in a session of its own, which write their numbers there.
fn with_grandchildren(pids: &Path) -> Vec<String> {
    let mut argv = shell("sleep 1000 & echo $! >>$0; setsid sleep 1000 & echo $! >>$0; wait");
    argv.push(pids.to_str().unwrap().to_owned());
    argv
}

fn pids(file: &Path) -> Option<Vec<u32>> {
    let text = std::fs::read_to_string(file).unwrap();
    let pids: Vec<u32> = text.lines().filter_map(|line| line.parse().ok()).collect();
    (pids.len() == 2 && text.ends_with('\n')).then_some(pids)
}

fn is_sleeping(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ")
}

async fn all_gone(pids: &[u32]) {
    until(|| (!pids.iter().any(|&pid| is_sleeping(pid))).then_some(())).await;
}

#[tokio::test]
async fn status_0_passes() {
    run(&shell("echo much; echo more >&2"), AMPLE).await.unwrap();
    run(&["true".to_owned()], AMPLE).await.unwrap();
}

#[tokio::test]
async fn what_fails_says_why() {
    assert_eq!(failure("exit 3").await, "status 3");
    assert_eq!(failure("echo one; echo two >&2; exit 3").await, "status 3: two");
    assert_eq!(failure("echo two >&2; echo one; exit 4").await, "status 4: one");
    assert_eq!(failure("kill -TERM $$").await, "ended by SIGTERM");
    assert_eq!(failure("read line || exit 5").await, "status 5", "there is no input");
}

#[tokio::test]
async fn what_cannot_be_started() {
    for argv in [vec!["no-such-program".to_owned()], vec![]] {
        let failure = run(&argv, AMPLE).await.unwrap_err();
        assert!(matches!(failure, CommandFailure::NotFound(_) | CommandFailure::NotStarted { .. }), "{failure}");
    }
    let failure = run(&["/etc/passwd".to_owned()], AMPLE).await.unwrap_err();
    assert_eq!(failure.to_string(), "/etc/passwd: cannot be started: Permission denied");
}

#[tokio::test]
async fn at_the_limit_all_are_killed() {
    let file = NamedTempFile::new().unwrap();
    let argv = with_grandchildren(file.path());
    let failure = run(&argv, Duration::from_secs(2)).await.unwrap_err();
    assert_eq!(failure.to_string(), "no end within 2 s");
    all_gone(&pids(file.path()).unwrap()).await;
}

#[tokio::test]
async fn a_dropped_check_kills_too() {
    let file = NamedTempFile::new().unwrap();
    let argv = with_grandchildren(file.path());
    let running = run(&argv, AMPLE);
    let started = tokio::select! {
        _ = running => panic!("it waits"),
        started = until(|| pids(file.path())) => started,
    };
    all_gone(&started).await;
}

#[tokio::test]
async fn who_holds_the_output_holds_nobody_and_is_killed() {
    let file = NamedTempFile::new().unwrap();
    let mut argv = shell("sleep 1000 & echo $! >>$0; echo 0 >>$0; echo late; exit 7");
    argv.push(file.path().to_str().unwrap().to_owned());
    let failure = run(&argv, AMPLE).await.unwrap_err();
    assert_eq!(failure.to_string(), "status 7: late");
    all_gone(&pids(file.path()).unwrap()[..1]).await;
}

#[tokio::test]
async fn a_flood_is_read_and_forgotten() {
    assert_eq!(
        failure("head -c 20000000 /dev/zero | tr '\\0' x; exit 3").await,
        format!("status 3: {}", "x".repeat(160))
    );
    let failure = run(&shell("yes"), Duration::from_secs(1)).await.unwrap_err();
    assert_eq!(failure.to_string(), "no end within 1 s: y");
}

#[tokio::test]
async fn who_closes_the_output_is_waited_for() {
    assert_eq!(failure("exec >&- 2>&-; sleep 0.1; exit 3").await, "status 3");
}

#[tokio::test]
async fn a_limit_of_nothing_is_one() {
    let failure = run(&shell("sleep 1000"), Duration::ZERO).await.unwrap_err();
    assert!(matches!(failure, CommandFailure::Timeout { .. }), "{failure}");
}
