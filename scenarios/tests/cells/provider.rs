//! `provider`, in every cell of its matrix, and as its mutants.

scenarios::cells! { "provider",
    default: {
        bind_9_20_exabgp_5_0_15_bird_2_17_off: "speaker=exabgp@5.0.15,router=bird@2.17,resolver=bind@9.20,ack=off",
        bind_9_20_exabgp_5_0_15_bird_2_17_on: "speaker=exabgp@5.0.15,router=bird@2.17,resolver=bind@9.20,ack=on",
        bind_9_20_exabgp_5_0_15_frr_10_3_off: "speaker=exabgp@5.0.15,router=frr@10.3,resolver=bind@9.20,ack=off",
        bind_9_20_exabgp_4_2_25_bird_2_17_off: "speaker=exabgp@4.2.25,router=bird@2.17,resolver=bind@9.20,ack=off",
        bind_9_20_exabgp_4_2_25_frr_10_3_on: "speaker=exabgp@4.2.25,router=frr@10.3,resolver=bind@9.20,ack=on",
    },
    more: {
        bind_9_20_exabgp_5_0_15_frr_10_3_on: "speaker=exabgp@5.0.15,router=frr@10.3,resolver=bind@9.20,ack=on",
        bind_9_20_exabgp_4_2_25_bird_2_17_on: "speaker=exabgp@4.2.25,router=bird@2.17,resolver=bind@9.20,ack=on",
        bind_9_20_exabgp_4_2_25_frr_10_3_off: "speaker=exabgp@4.2.25,router=frr@10.3,resolver=bind@9.20,ack=off",
    },
    mutants: {
        base64: "base64",
        two_hops: "two-hops",
    },
}
