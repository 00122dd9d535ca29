//! Every cell of every scenario, and every mutant: made by `INSTA_UPDATE=always cargo test -p scenarios --test cells`.

mod drop_bgp;
mod drop_udp_53;
mod hang_named;
mod kill_named;
mod plans;
mod tables;
