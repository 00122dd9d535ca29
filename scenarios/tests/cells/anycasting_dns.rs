//! `anycasting-dns`, in every cell of its matrix, and as its mutants.

scenarios::cells! { "anycasting-dns",
    default: {
        bind_9_20_exabgp_5_0_15_bird_2_17: "speaker=exabgp@5.0.15,router=bird@2.17,resolver=bind@9.20",
        bind_9_18_exabgp_5_0_15_frr_10_3: "speaker=exabgp@5.0.15,router=frr@10.3,resolver=bind@9.18",
        bind_9_20_exabgp_4_2_25_bird_2_17: "speaker=exabgp@4.2.25,router=bird@2.17,resolver=bind@9.20",
        bind_9_20_exabgp_4_2_25_frr_10_3: "speaker=exabgp@4.2.25,router=frr@10.3,resolver=bind@9.20",
        bind_9_18_exabgp_4_2_21_bird_2_17: "speaker=exabgp@4.2.21,router=bird@2.17,resolver=bind@9.18",
        bind_9_18_exabgp_4_2_21_frr_10_3: "speaker=exabgp@4.2.21,router=frr@10.3,resolver=bind@9.18",
    },
    more: {
        bind_9_18_exabgp_5_0_15_bird_2_17: "speaker=exabgp@5.0.15,router=bird@2.17,resolver=bind@9.18",
        bind_9_20_exabgp_5_0_15_frr_10_3: "speaker=exabgp@5.0.15,router=frr@10.3,resolver=bind@9.20",
    },
    mutants: {
        other_name: "other-name",
    },
}
