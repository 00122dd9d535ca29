//! `last-server`, in every cell of its matrix, and as its mutants.

scenarios::cells! { "last-server",
    default: {
        bind_9_20_exabgp_5_0_15_bird_2_17: "resolver=bind@9.20,speaker=exabgp@5.0.15,router=bird@2.17",
        bind_9_20_bird_2_17_bird_2_17: "resolver=bind@9.20,speaker=bird@2.17,router=bird@2.17",
        bind_9_20_frr_10_3_frr_10_3: "resolver=bind@9.20,speaker=frr@10.3,router=frr@10.3",
        hickory_exabgp_5_0_15_frr_10_3: "resolver=hickory,speaker=exabgp@5.0.15,router=frr@10.3",
        hickory_bird_2_17_frr_10_3: "resolver=hickory,speaker=bird@2.17,router=frr@10.3",
        hickory_frr_10_3_bird_2_17: "resolver=hickory,speaker=frr@10.3,router=bird@2.17",
    },
    more: {
        bind_9_20_exabgp_5_0_15_frr_10_3: "resolver=bind@9.20,speaker=exabgp@5.0.15,router=frr@10.3",
        bind_9_20_bird_2_17_frr_10_3: "resolver=bind@9.20,speaker=bird@2.17,router=frr@10.3",
        bind_9_20_frr_10_3_bird_2_17: "resolver=bind@9.20,speaker=frr@10.3,router=bird@2.17",
        hickory_exabgp_5_0_15_bird_2_17: "resolver=hickory,speaker=exabgp@5.0.15,router=bird@2.17",
        hickory_bird_2_17_bird_2_17: "resolver=hickory,speaker=bird@2.17,router=bird@2.17",
        hickory_frr_10_3_frr_10_3: "resolver=hickory,speaker=frr@10.3,router=frr@10.3",
    },
    mutants: {
        no_watchdog: "no-watchdog",
        forgotten_route: "forgotten-route",
    },
}
