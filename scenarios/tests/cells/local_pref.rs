//! `local-pref`, in every cell of its matrix, and as its mutants.

scenarios::cells! { "local-pref",
    default: {
        bind_9_20_exabgp_5_0_15_bird_2_17: "speaker=exabgp@5.0.15,router=bird@2.17,resolver=bind@9.20",
        bind_9_20_exabgp_5_0_15_frr_10_3: "speaker=exabgp@5.0.15,router=frr@10.3,resolver=bind@9.20",
        bind_9_20_exabgp_4_2_25_bird_2_17: "speaker=exabgp@4.2.25,router=bird@2.17,resolver=bind@9.20",
        bind_9_20_exabgp_4_2_25_frr_10_3: "speaker=exabgp@4.2.25,router=frr@10.3,resolver=bind@9.20",
        bind_9_20_bird_2_17_bird_2_17: "speaker=bird@2.17,router=bird@2.17,resolver=bind@9.20",
        bind_9_20_bird_2_17_frr_10_3: "speaker=bird@2.17,router=frr@10.3,resolver=bind@9.20",
        bind_9_20_frr_10_3_bird_2_17: "speaker=frr@10.3,router=bird@2.17,resolver=bind@9.20",
        bind_9_20_frr_10_3_frr_10_3: "speaker=frr@10.3,router=frr@10.3,resolver=bind@9.20",
    },
    more: {},
    mutants: {
        equal: "equal",
    },
}
