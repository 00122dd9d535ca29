//! `provider`, in every cell of its matrix, and as its mutants.

scenarios::cells! { "provider",
    default: {
        bind_9_20_exabgp_5_0_15_bird_2_17_off: "speaker=exabgp@5.0.15,resolver=bind@9.20,router=bird@2.17,ack=off",
        bind_9_18_exabgp_5_0_15_frr_10_3_on: "speaker=exabgp@5.0.15,resolver=bind@9.18,router=frr@10.3,ack=on",
        bind_9_20_exabgp_4_2_25_bird_2_17_on: "speaker=exabgp@4.2.25,resolver=bind@9.20,router=bird@2.17,ack=on",
        bind_9_20_exabgp_4_2_25_frr_10_3_off: "speaker=exabgp@4.2.25,resolver=bind@9.20,router=frr@10.3,ack=off",
        bind_9_18_exabgp_4_2_21_bird_2_17_off: "speaker=exabgp@4.2.21,resolver=bind@9.18,router=bird@2.17,ack=off",
        bind_9_18_exabgp_4_2_21_frr_10_3_on: "speaker=exabgp@4.2.21,resolver=bind@9.18,router=frr@10.3,ack=on",
    },
    more: {
        bind_9_20_exabgp_5_0_15_bird_2_17_on: "speaker=exabgp@5.0.15,resolver=bind@9.20,router=bird@2.17,ack=on",
        bind_9_20_exabgp_5_0_15_frr_10_3_off: "speaker=exabgp@5.0.15,resolver=bind@9.20,router=frr@10.3,ack=off",
        bind_9_20_exabgp_5_0_15_frr_10_3_on: "speaker=exabgp@5.0.15,resolver=bind@9.20,router=frr@10.3,ack=on",
        bind_9_18_exabgp_5_0_15_bird_2_17_off: "speaker=exabgp@5.0.15,resolver=bind@9.18,router=bird@2.17,ack=off",
        bind_9_18_exabgp_5_0_15_bird_2_17_on: "speaker=exabgp@5.0.15,resolver=bind@9.18,router=bird@2.17,ack=on",
        bind_9_18_exabgp_5_0_15_frr_10_3_off: "speaker=exabgp@5.0.15,resolver=bind@9.18,router=frr@10.3,ack=off",
        bind_9_20_exabgp_4_2_25_bird_2_17_off: "speaker=exabgp@4.2.25,resolver=bind@9.20,router=bird@2.17,ack=off",
        bind_9_20_exabgp_4_2_25_frr_10_3_on: "speaker=exabgp@4.2.25,resolver=bind@9.20,router=frr@10.3,ack=on",
        bind_9_18_exabgp_4_2_21_bird_2_17_on: "speaker=exabgp@4.2.21,resolver=bind@9.18,router=bird@2.17,ack=on",
        bind_9_18_exabgp_4_2_21_frr_10_3_off: "speaker=exabgp@4.2.21,resolver=bind@9.18,router=frr@10.3,ack=off",
    },
    mutants: {
        base64: "base64",
        two_hops: "two-hops",
    },
}
