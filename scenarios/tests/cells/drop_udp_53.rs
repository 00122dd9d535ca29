//! `drop-udp-53`, in every cell of its matrix, and as its mutants.

scenarios::cells! { "drop-udp-53",
    default: {
        bind_9_20_exabgp_5_0_15_bird_2_17: "resolver=bind@9.20,speaker=exabgp@5.0.15,router=bird@2.17",
        bind_9_20_exabgp_4_2_25_bird_2_17: "resolver=bind@9.20,speaker=exabgp@4.2.25,router=bird@2.17",
    },
    more: {},
    mutants: {
        no_watchdog: "no-watchdog",
    },
}
