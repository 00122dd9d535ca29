//! `two-routers`, in every cell of its matrix, and as its mutants.

scenarios::cells! { "two-routers",
    default: {
        bind_9_20_exabgp_5_0_15_bird_2_17_internal: "resolver=bind@9.20,speaker=exabgp@5.0.15,router=bird@2.17,as=internal",
        bind_9_20_exabgp_5_0_15_frr_10_3_external: "resolver=bind@9.20,speaker=exabgp@5.0.15,router=frr@10.3,as=external",
        bind_9_20_frr_10_3_bird_2_17_external: "resolver=bind@9.20,speaker=frr@10.3,router=bird@2.17,as=external",
        bind_9_20_frr_10_3_frr_10_3_internal: "resolver=bind@9.20,speaker=frr@10.3,router=frr@10.3,as=internal",
    },
    more: {
        bind_9_20_exabgp_5_0_15_bird_2_17_external: "resolver=bind@9.20,speaker=exabgp@5.0.15,router=bird@2.17,as=external",
        bind_9_20_exabgp_5_0_15_frr_10_3_internal: "resolver=bind@9.20,speaker=exabgp@5.0.15,router=frr@10.3,as=internal",
        bind_9_20_frr_10_3_bird_2_17_internal: "resolver=bind@9.20,speaker=frr@10.3,router=bird@2.17,as=internal",
        bind_9_20_frr_10_3_frr_10_3_external: "resolver=bind@9.20,speaker=frr@10.3,router=frr@10.3,as=external",
    },
    mutants: {
        no_session: "no-session",
        no_watchdog: "no-watchdog",
    },
}
