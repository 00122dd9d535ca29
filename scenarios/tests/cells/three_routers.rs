//! `three-routers`, in every cell of its matrix, and as its mutants.

scenarios::cells! { "three-routers",
    default: {
        bind_9_20_exabgp_5_0_15_bird_2_17: "resolver=bind@9.20,speaker=exabgp@5.0.15,router=bird@2.17",
        bind_9_20_exabgp_5_0_15_frr_10_3: "resolver=bind@9.20,speaker=exabgp@5.0.15,router=frr@10.3",
    },
    more: {},
    mutants: {
        routing_loop: "routing-loop",
        stays_announced: "stays-announced",
    },
}
