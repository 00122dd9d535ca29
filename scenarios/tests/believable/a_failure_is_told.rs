//! A failure says what was expected, what was found, and the first hop that did not move.

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_watchdog() {
    let ran = scenarios::run(&scenarios::file("kill-named"), None, Some("no-watchdog")).await;
    ran.must_fail_as_the_mutant_must();
    let lines: Vec<Vec<&str>> = ran.text.lines().map(|line| line.split_whitespace().collect()).collect();
    for begins in [
        "✗ ns2 alone serves",
        "expected serving ns2, within",
        "found router routes via ns1 and ns2: 4 of 4 addresses",
        "first no withdrawal of 10.1.53.1 by ns1 on the wire",
        "cause ",
        "evidence ",
    ] {
        assert!(lines.iter().any(|line| line.join(" ").contains(begins)), "no line {begins:?}:\n{ran}");
    }
}
