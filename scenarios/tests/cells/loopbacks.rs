//! `loopbacks`, in every cell of its matrix, and as its mutants.

scenarios::cells! { "loopbacks",
    default: {
        bind_9_20_exabgp_5_0_15: "resolver=bind@9.20,speaker=exabgp@5.0.15",
    },
    more: {},
    mutants: {
        nobody_s_loopback: "nobody-s-loopback",
    },
}
