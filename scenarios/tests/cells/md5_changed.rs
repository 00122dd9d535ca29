//! `md5-changed`, in every cell of its matrix, and as its mutants.

scenarios::cells! { "md5-changed",
    default: {
        bind_9_20_exabgp_5_0_15_bird_2_17_server: "speaker=exabgp@5.0.15,router=bird@2.17,resolver=bind@9.20,end=server",
        bind_9_20_exabgp_5_0_15_frr_10_3_router: "speaker=exabgp@5.0.15,router=frr@10.3,resolver=bind@9.20,end=router",
        bind_9_20_exabgp_4_2_25_bird_2_17_server: "speaker=exabgp@4.2.25,router=bird@2.17,resolver=bind@9.20,end=server",
        bind_9_20_exabgp_4_2_25_frr_10_3_router: "speaker=exabgp@4.2.25,router=frr@10.3,resolver=bind@9.20,end=router",
        bind_9_20_bird_2_17_bird_2_17_router: "speaker=bird@2.17,router=bird@2.17,resolver=bind@9.20,end=router",
        bind_9_20_bird_2_17_frr_10_3_server: "speaker=bird@2.17,router=frr@10.3,resolver=bind@9.20,end=server",
        bind_9_20_frr_10_3_bird_2_17_router: "speaker=frr@10.3,router=bird@2.17,resolver=bind@9.20,end=router",
        bind_9_20_frr_10_3_frr_10_3_server: "speaker=frr@10.3,router=frr@10.3,resolver=bind@9.20,end=server",
    },
    more: {
        bind_9_20_exabgp_5_0_15_bird_2_17_router: "speaker=exabgp@5.0.15,router=bird@2.17,resolver=bind@9.20,end=router",
        bind_9_20_exabgp_5_0_15_frr_10_3_server: "speaker=exabgp@5.0.15,router=frr@10.3,resolver=bind@9.20,end=server",
        bind_9_20_exabgp_4_2_25_bird_2_17_router: "speaker=exabgp@4.2.25,router=bird@2.17,resolver=bind@9.20,end=router",
        bind_9_20_exabgp_4_2_25_frr_10_3_server: "speaker=exabgp@4.2.25,router=frr@10.3,resolver=bind@9.20,end=server",
        bind_9_20_bird_2_17_bird_2_17_server: "speaker=bird@2.17,router=bird@2.17,resolver=bind@9.20,end=server",
        bind_9_20_bird_2_17_frr_10_3_router: "speaker=bird@2.17,router=frr@10.3,resolver=bind@9.20,end=router",
        bind_9_20_frr_10_3_bird_2_17_server: "speaker=frr@10.3,router=bird@2.17,resolver=bind@9.20,end=server",
        bind_9_20_frr_10_3_frr_10_3_router: "speaker=frr@10.3,router=frr@10.3,resolver=bind@9.20,end=router",
    },
    mutants: {
        no_key: "no-key",
    },
}
