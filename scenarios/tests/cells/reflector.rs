//! `reflector`, in every cell of its matrix, and as its mutants.

scenarios::cells! { "reflector",
    default: {
        bind_9_20_exabgp_5_0_15_bird_2_17_without: "resolver=bind@9.20,speaker=exabgp@5.0.15,router=bird@2.17,kernel=without",
        bind_9_20_exabgp_5_0_15_frr_10_3_with: "resolver=bind@9.20,speaker=exabgp@5.0.15,router=frr@10.3,kernel=with",
    },
    more: {},
    mutants: {
        next_hop_self: "next-hop-self",
    },
}
