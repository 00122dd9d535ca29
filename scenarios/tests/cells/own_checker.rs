//! `own-checker`, in every cell of its matrix, and as its mutants.

scenarios::cells! { "own-checker",
    default: {
        bind_9_20_exabgp_5_0_15_script_bird_2_17_as_helper: "watchdog=script,speaker=exabgp@5.0.15,resolver=bind@9.20,router=bird@2.17,runs=as-helper",
        bind_9_20_frr_10_3_script_bird_2_17_as_daemon: "watchdog=script,speaker=frr@10.3,resolver=bind@9.20,router=bird@2.17,runs=as-daemon",
    },
    more: {},
    mutants: {
        no_checker: "no-checker",
    },
}
