//! `hang-named`, in every cell of its matrix, and as its mutants.

scenarios::cells! { "hang-named",
    default: {
        bind_9_20_exabgp_5_0_15_bird_2_17: "resolver=bind@9.20,speaker=exabgp@5.0.15,router=bird@2.17",
        bind_9_18_exabgp_5_0_15_bird_2_17: "resolver=bind@9.18,speaker=exabgp@5.0.15,router=bird@2.17",
    },
    more: {},
    mutants: {
        no_watchdog: "no-watchdog",
    },
}
