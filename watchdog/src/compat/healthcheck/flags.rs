//! The flags, as `exabgp healthcheck --help` of 4.2.25 and 5.0.15 lists them.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::Parser;

/// Watches as `exabgp healthcheck` does, with its flags: all of them that have a counterpart here
///
/// Numbers are seconds without a unit. Flags that have no counterpart are refused, and why; those about logging are taken and do
/// nothing, because all goes to stderr.
#[derive(Debug, Clone, Parser)]
#[command(name = "healthcheck", infer_long_args = true, args_override_self = true, disable_version_flag = true)]
pub struct Flags {
    /// Does nothing here
    #[arg(long, short = 's')]
    pub silent: bool,
    /// Does nothing here; also -sF
    #[arg(long, value_name = "FACILITY", num_args = 0..=1, default_missing_value = "daemon")]
    pub syslog_facility: Option<String>,
    /// Does nothing here
    #[arg(long)]
    pub no_syslog: bool,
    /// Does nothing here
    #[arg(long, short = 'd')]
    pub debug: bool,
    /// Does nothing here: whether ExaBGP answers commands is found out
    #[arg(long, short = 'a')]
    pub no_ack: bool,
    /// Does nothing here: addresses are bound without any program
    #[arg(long)]
    pub sudo: bool,
    /// The service's name
    #[arg(long, short = 'n', default_value = "healthcheck")]
    pub name: String,
    /// Lines `long-option = value`; flags count for more
    #[arg(long, short = 'F', value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Write the process's id there
    #[arg(long, short = 'p', value_name = "FILE")]
    pub pid: Option<PathBuf>,
    /// Refused
    #[arg(long)]
    pub user: Option<String>,
    /// Refused
    #[arg(long)]
    pub group: Option<String>,

    /// From one check to the next, in seconds; 0 is refused
    #[arg(long, short = 'i', value_name = "N", default_value_t = 5.0)]
    pub interval: f64,
    /// The same when something is amiss
    #[arg(long, short = 'f', value_name = "N", default_value_t = 1.0)]
    pub fast_interval: f64,
    /// The command's limit, in seconds; 0 is refused
    #[arg(long, short = 't', value_name = "N", default_value_t = 5)]
    pub timeout: u32,
    /// Passes in a row before announcing
    #[arg(long, value_name = "N", default_value_t = 3, allow_negative_numbers = true)]
    pub rise: i32,
    /// Failures in a row before it is down
    #[arg(long, value_name = "N", default_value_t = 3, allow_negative_numbers = true)]
    pub fall: i32,
    /// While this file is there the service is disabled
    #[arg(long, value_name = "FILE")]
    pub disable: Option<PathBuf>,
    /// What must end with status 0, run by /bin/sh
    #[arg(long, alias = "cmd", short = 'c', value_name = "CMD")]
    pub command: Option<String>,

    /// The routes' next hop [default: ExaBGP's `self`]
    #[arg(long, short = 'N', value_name = "IP")]
    pub next_hop: Option<IpAddr>,
    /// An address or network; may be repeated [default: what is on lo]
    #[arg(long = "ip", value_name = "IP")]
    pub ips: Vec<String>,
    /// Refused, unless with --no-ip-setup
    #[arg(long, value_name = "IP%IFNAME")]
    pub ip_ifname: Vec<String>,
    /// LOCAL_PREF, in every state
    #[arg(long, value_name = "P", default_value_t = -1, allow_negative_numbers = true)]
    pub local_preference: i64,
    /// A route for each address of a network
    #[arg(long)]
    pub deaggregate_networks: bool,
    /// Addresses are somebody else's business
    #[arg(long)]
    pub no_ip_setup: bool,
    /// Unbind addresses when the service is withdrawn
    #[arg(long)]
    pub dynamic_ip_setup: bool,
    /// Without --ip: only addresses on lo whose label begins with lo:LABEL
    #[arg(long)]
    pub label: Option<String>,
    /// Whose label is lo:LABEL
    #[arg(long)]
    pub label_exact_match: bool,
    /// Which address comes first, from 0
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true)]
    pub start_ip: i64,
    /// MED of the first address while up
    #[arg(long, value_name = "M", default_value_t = 100)]
    pub up_metric: u32,
    /// While down, without --withdraw-on-down
    #[arg(long, value_name = "M", default_value_t = 1000)]
    pub down_metric: u32,
    /// While disabled, without --withdraw-on-down
    #[arg(long, value_name = "M", default_value_t = 500)]
    pub disabled_metric: u32,
    /// Each further address has a MED so much higher
    #[arg(long, value_name = "M", default_value_t = 1)]
    pub increase: u32,
    /// COMMUNITIES, several divided by blanks
    #[arg(long)]
    pub community: Option<String>,
    /// Refused
    #[arg(long)]
    pub extended_community: Option<String>,
    /// Refused
    #[arg(long)]
    pub large_community: Option<String>,
    /// COMMUNITIES while down or disabled
    #[arg(long)]
    pub disabled_community: Option<String>,
    /// AS_PATH: refused, except our own AS number, once
    #[arg(long, value_name = "ASPATH")]
    pub as_path: Option<String>,
    /// While up
    #[arg(long, value_name = "ASPATH")]
    pub up_as_path: Option<String>,
    /// While down
    #[arg(long, value_name = "ASPATH")]
    pub down_as_path: Option<String>,
    /// While disabled
    #[arg(long, value_name = "ASPATH")]
    pub disabled_as_path: Option<String>,
    /// Withdraw when down or disabled; without it the routes stay, with a worse metric
    #[arg(long)]
    pub withdraw_on_down: bool,
    /// Refused
    #[arg(long, value_name = "PATHID")]
    pub path_id: Option<i64>,
    /// Refused, except `*`
    #[arg(long = "neighbor", value_name = "NEIGHBOR")]
    pub neighbors: Vec<String>,
    /// Does nothing here: routes are said on changes only
    #[arg(long)]
    pub debounce: bool,

    /// Run on every change, with the new state in $STATE
    #[arg(long, value_name = "CMD")]
    pub execute: Vec<String>,
    /// Run when up
    #[arg(long, value_name = "CMD")]
    pub up_execute: Vec<String>,
    /// Run when down
    #[arg(long, value_name = "CMD")]
    pub down_execute: Vec<String>,
    /// Run when disabled
    #[arg(long, value_name = "CMD")]
    pub disabled_execute: Vec<String>,
}

/// A short flag of two letters, which clap does not know, as the long one.
pub(super) fn as_clap_has_them(flags: &[String]) -> Vec<String> {
    let long = |flag: &String| match flag.strip_prefix("-sF") {
        Some("") => "--syslog-facility".to_owned(),
        Some(facility) => format!("--syslog-facility={facility}"),
        None => flag.clone(),
    };
    flags.iter().map(long).collect()
}
