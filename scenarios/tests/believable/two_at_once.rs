//! Labs with the same addresses run side by side and do not see each other.

use harness::outcome::Verdict;
use scenarios::Ran;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_pass() {
    let _turn = scenarios::turn(2).await;
    let request = scenarios::request(&scenarios::file("kill-named"), None, None);
    let (one, other) = futures::join!(scenarios::run_now(&request), scenarios::run_now(&request));
    one.must(Verdict::Pass);
    other.must(Verdict::Pass);
    assert_ne!(one.name(), other.name());

    let span = |ran: &Ran| {
        let events = ran.outcome.history.events();
        let first = events.first().expect("it began").at;
        first..events.last().expect("it ended").at
    };
    let (a, b) = (span(&one), span(&other));
    assert!(a.start < b.end && b.start < a.end, "they did not run at once: {a:?}, {b:?}");
}
