//! `covering-prefix`, in every cell of its matrix, and as its mutants.

scenarios::cells! { "covering-prefix",
    default: {
        bind_9_20_exabgp_5_0_15_bird_2_17: "resolver=bind@9.20,speaker=exabgp@5.0.15,router=bird@2.17",
        bind_9_20_exabgp_5_0_15_frr_10_3: "resolver=bind@9.20,speaker=exabgp@5.0.15,router=frr@10.3",
        bind_9_20_exabgp_4_2_25_bird_2_17: "resolver=bind@9.20,speaker=exabgp@4.2.25,router=bird@2.17",
        bind_9_20_exabgp_4_2_25_frr_10_3: "resolver=bind@9.20,speaker=exabgp@4.2.25,router=frr@10.3",
    },
    more: {},
    mutants: {
        beside_it: "beside-it",
    },
}
