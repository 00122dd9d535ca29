//! `answers-fail`, in every cell of its matrix, and as its mutants.

scenarios::cells! { "answers-fail",
    default: {
        hickory_exabgp_5_0_15_bird_2_17_half: "resolver=hickory,speaker=exabgp@5.0.15,router=bird@2.17,failing=half",
        hickory_exabgp_5_0_15_bird_2_17_third: "resolver=hickory,speaker=exabgp@5.0.15,router=bird@2.17,failing=third",
        hickory_bird_2_17_bird_2_17_half: "resolver=hickory,speaker=bird@2.17,router=bird@2.17,failing=half",
        hickory_bird_2_17_bird_2_17_third: "resolver=hickory,speaker=bird@2.17,router=bird@2.17,failing=third",
    },
    more: {},
    mutants: {
        no_watchdog: "no-watchdog",
    },
}
