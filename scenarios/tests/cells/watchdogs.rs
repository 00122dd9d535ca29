//! `watchdogs`, in every cell of its matrix, and as its mutants.

scenarios::cells! { "watchdogs",
    default: {
        bind_9_20_exabgp_4_2_25_exabgp_healthcheck_bird_2_17: "watchdog=exabgp-healthcheck,speaker=exabgp@4.2.25,resolver=bind@9.20,router=bird@2.17",
        bind_9_20_bird_2_17_anycast_healthchecker_0_9_10_bird_2_17: "watchdog=anycast-healthchecker@0.9.10,speaker=bird@2.17,resolver=bind@9.20,router=bird@2.17",
        bind_9_20_frr_10_3_anycastd_0_1_12_bird_2_17: "watchdog=anycastd@0.1.12,speaker=frr@10.3,resolver=bind@9.20,router=bird@2.17",
    },
    more: {},
    mutants: {
        seldom: "seldom",
    },
}
