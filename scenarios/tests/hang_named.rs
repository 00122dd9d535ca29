//! `hang-named`: in every cell of its matrix, and as its mutant.

scenarios::cells! { "hang-named",
    bind_9_20_exabgp_5_0_15_bird_2_17: "resolver=bind@9.20,speaker=exabgp@5.0.15,router=bird@2.17",
    bind_9_18_exabgp_5_0_15_bird_2_17: "resolver=bind@9.18,speaker=exabgp@5.0.15,router=bird@2.17",
}

#[cfg(feature = "lab")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mutant_no_watchdog() {
    let ran = scenarios::run(&scenarios::file("hang-named"), None, Some("no-watchdog")).await;
    ran.must_fail_as_the_mutant_must();
}
