//! Every cell of every scenario, and every mutant: made by `INSTA_UPDATE=always cargo test -p scenarios --test tables`.

mod answers_fail;
mod anycasting_dns;
mod bad_md5;
mod covering_prefix;
mod drop_bgp;
mod ecmp;
mod hang_port_53;
mod kill_named;
mod last_server;
mod local_pref;
mod loopbacks;
mod md5_changed;
mod own_checker;
mod provider;
mod reflector;
mod server_fails;
mod slow_and_lossy;
mod three_routers;
mod two_routers;
mod watchdogs;
