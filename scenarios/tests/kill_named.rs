//! `kill-named`: in every cell of its matrix, and as its mutant.

scenarios::cells! { "kill-named",
    bind_9_20_exabgp_5_0_15_bird_2_17: "resolver=bind@9.20,speaker=exabgp@5.0.15,router=bird@2.17",
    bind_9_20_exabgp_5_0_15_bird_3_1: "resolver=bind@9.20,speaker=exabgp@5.0.15,router=bird@3.1",
    bind_9_20_exabgp_5_0_15_bird_2_0_12: "resolver=bind@9.20,speaker=exabgp@5.0.15,router=bird@2.0.12",
    bind_9_20_exabgp_4_2_25_bird_2_17: "resolver=bind@9.20,speaker=exabgp@4.2.25,router=bird@2.17",
    bind_9_20_exabgp_4_2_25_bird_3_1: "resolver=bind@9.20,speaker=exabgp@4.2.25,router=bird@3.1",
    bind_9_20_exabgp_4_2_25_bird_2_0_12: "resolver=bind@9.20,speaker=exabgp@4.2.25,router=bird@2.0.12",
    bind_9_18_exabgp_5_0_15_bird_2_17: "resolver=bind@9.18,speaker=exabgp@5.0.15,router=bird@2.17",
    bind_9_18_exabgp_5_0_15_bird_3_1: "resolver=bind@9.18,speaker=exabgp@5.0.15,router=bird@3.1",
    bind_9_18_exabgp_5_0_15_bird_2_0_12: "resolver=bind@9.18,speaker=exabgp@5.0.15,router=bird@2.0.12",
    bind_9_18_exabgp_4_2_21_bird_2_17: "resolver=bind@9.18,speaker=exabgp@4.2.21,router=bird@2.17",
    bind_9_18_exabgp_4_2_21_bird_3_1: "resolver=bind@9.18,speaker=exabgp@4.2.21,router=bird@3.1",
    bind_9_18_exabgp_4_2_21_bird_2_0_12: "resolver=bind@9.18,speaker=exabgp@4.2.21,router=bird@2.0.12",
}

/// The scenario can tell a lab with a watchdog from one without: else its Pass would prove nothing.
#[cfg(feature = "lab")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mutant_no_watchdog() {
    let ran = scenarios::run(&scenarios::file("kill-named"), None, Some("no-watchdog")).await;
    ran.must_fail_as_the_mutant_must();
    let lines: Vec<Vec<&str>> = ran.text.lines().map(|line| line.split_whitespace().collect()).collect();
    for begins in [
        "✗ ns2 alone serves",
        "expected serving ns2, within",
        "found router routes via ns1 and ns2: 4 of 4 addresses",
        "first no withdrawal of 10.1.53.1 by ns1 on the wire",
        "watched 10.0 s further: it would not have passed",
    ] {
        assert!(lines.iter().any(|line| line.join(" ").contains(begins)), "no line {begins:?}:\n{ran}");
    }
}
