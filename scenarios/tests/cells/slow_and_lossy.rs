//! `slow-and-lossy`, in every cell of its matrix, and as its mutants.

scenarios::cells! { "slow-and-lossy",
    default: {
        hickory_exabgp_5_0_15_bird_2_17: "resolver=hickory,speaker=exabgp@5.0.15,router=bird@2.17",
        hickory_bird_2_17_bird_2_17: "resolver=hickory,speaker=bird@2.17,router=bird@2.17",
    },
    more: {},
    mutants: {
        impatient: "impatient",
    },
}
