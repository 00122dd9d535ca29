//! `kill-named`, in every cell of its matrix, and as its mutants.

scenarios::cells! { "kill-named",
    default: {
        bind_9_20_exabgp_5_0_15_bird_2_17: "resolver=bind@9.20,speaker=exabgp@5.0.15,router=bird@2.17",
        bind_9_20_exabgp_5_0_15_bird_3_1: "resolver=bind@9.20,speaker=exabgp@5.0.15,router=bird@3.1",
        bind_9_20_exabgp_4_2_25_bird_2_17: "resolver=bind@9.20,speaker=exabgp@4.2.25,router=bird@2.17",
        bind_9_20_exabgp_4_2_25_bird_3_1: "resolver=bind@9.20,speaker=exabgp@4.2.25,router=bird@3.1",
        bind_9_20_exabgp_4_2_25_bird_2_0_12: "resolver=bind@9.20,speaker=exabgp@4.2.25,router=bird@2.0.12",
        bind_9_18_exabgp_5_0_15_bird_2_0_12: "resolver=bind@9.18,speaker=exabgp@5.0.15,router=bird@2.0.12",
        bind_9_18_exabgp_4_2_21_bird_2_17: "resolver=bind@9.18,speaker=exabgp@4.2.21,router=bird@2.17",
        bind_9_18_exabgp_4_2_21_bird_3_1: "resolver=bind@9.18,speaker=exabgp@4.2.21,router=bird@3.1",
        bind_9_18_exabgp_4_2_21_bird_2_0_12: "resolver=bind@9.18,speaker=exabgp@4.2.21,router=bird@2.0.12",
    },
    more: {
        bind_9_20_exabgp_5_0_15_bird_2_0_12: "resolver=bind@9.20,speaker=exabgp@5.0.15,router=bird@2.0.12",
        bind_9_18_exabgp_5_0_15_bird_2_17: "resolver=bind@9.18,speaker=exabgp@5.0.15,router=bird@2.17",
        bind_9_18_exabgp_5_0_15_bird_3_1: "resolver=bind@9.18,speaker=exabgp@5.0.15,router=bird@3.1",
    },
    mutants: {
        no_watchdog: "no-watchdog",
    },
}
