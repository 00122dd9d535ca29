//! `drop-bgp`: in every cell of its matrix, and as its mutant.

scenarios::cells! { "drop-bgp",
    bind_9_20_exabgp_5_0_15_bird_2_17: "resolver=bind@9.20,speaker=exabgp@5.0.15,router=bird@2.17",
    bind_9_20_exabgp_4_2_25_bird_2_17: "resolver=bind@9.20,speaker=exabgp@4.2.25,router=bird@2.17",
}

#[cfg(feature = "lab")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mutant_slow_hold_time() {
    let ran = scenarios::run(&scenarios::file("drop-bgp"), None, Some("slow-hold-time")).await;
    ran.must_fail_as_the_mutant_must();
}
