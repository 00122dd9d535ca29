//! Flags into services.

use std::net::IpAddr;
use std::time::Duration;

use crate::service::{
    Attributes, Binding, Check, ExabgpDialect, HoldDown, Judging, Scope, Service, Through, What, Window,
};

use super::routes::{State, attributes};
use super::{Bound, Flags, HealthcheckError, Hooks, Translation, addresses};

/// A drain that the operator has to end.
const FOR_EVER: Duration = Duration::from_secs(100 * 365 * 86_400);

pub(super) fn translate(flags: &Flags, bound: &[Bound]) -> Result<Translation, HealthcheckError> {
    refuse(flags)?;
    let addresses = addresses::wanted(flags, bound)?;
    let judging = judging(flags)?;
    let groups: Vec<Vec<IpAddr>> = match flags.increase {
        0 => vec![addresses],
        _ => addresses.into_iter().map(|address| vec![address]).collect(),
    };
    let is_one = groups.len() == 1;
    let mut services = Vec::new();
    for (number, addresses) in (0..).zip(groups) {
        let name = if is_one { flags.name.clone() } else { format!("{}-{}", flags.name, addresses[0]) };
        services.push(service(flags, name, addresses, number, judging.clone())?);
    }
    Ok(Translation {
        notes: notes(flags, &services),
        services,
        disable: flags.disable.clone(),
        stays_bound: !flags.dynamic_ip_setup,
        hooks: Hooks {
            always: flags.execute.clone(),
            up: flags.up_execute.clone(),
            down: flags.down_execute.clone(),
            disabled: flags.disabled_execute.clone(),
        },
        pid: flags.pid.clone(),
    })
}

/// What would be wrong to pass over.
fn refuse(flags: &Flags) -> Result<(), HealthcheckError> {
    let exabgps = "set it in exabgp.conf, for the neighbour or the static route";
    let privileges = (
        "privileges are not dropped once running: a watchdog needs none but to bind addresses",
        "have ExaBGP run as that user (exabgp.daemon.user), or systemd (User=)",
    );
    let is_all = |neighbor: &String| neighbor.trim() == "*";
    let refused = [
        (flags.user.is_some(), "--user", privileges.0, privileges.1),
        (flags.group.is_some(), "--group", privileges.0, privileges.1),
        (flags.extended_community.is_some(), "--extended-community", "routes carry plain communities only", exabgps),
        (flags.large_community.is_some(), "--large-community", "routes carry plain communities only", exabgps),
        (flags.path_id.is_some(), "--path-id", "a service has one path for an address", "leave it out, ADD-PATH too"),
        (
            !flags.neighbors.is_empty() && !flags.neighbors.iter().any(is_all),
            "--neighbor",
            "routes are for all neighbours whose `api` section names this process",
            "name the process only in the `api` sections of those neighbours",
        ),
        (
            !flags.ip_ifname.is_empty() && !flags.no_ip_setup,
            "--ip-ifname",
            "addresses are bound to lo only",
            "bind them yourself, and say --no-ip-setup",
        ),
        (
            flags.interval == 0.0,
            "--interval 0",
            "a route that nobody watches any more is not left standing",
            "for a route that is always there put it into exabgp.conf",
        ),
        (
            flags.timeout == 0,
            "--timeout 0",
            "a command that hangs would never be found out",
            "say how long it may take",
        ),
    ];
    match refused.into_iter().find(|(is_there, ..)| *is_there) {
        Some((_, flag, why, hint)) => Err(HealthcheckError::NoCounterpart { flag, why, hint }),
        None if flags.name.is_empty() || !flags.name.chars().all(|c| c.is_ascii_graphic()) => {
            Err(HealthcheckError::Value {
                flag: "--name",
                expected: "printable ASCII without blanks",
                found: flags.name.clone(),
                hint: "it names the service in the journal and on the control socket",
            })
        }
        None => Ok(()),
    }
}

/// Exactly as the health checker judges: failures in a row count, and nothing else does.
fn judging(flags: &Flags) -> Result<Judging, HealthcheckError> {
    let seconds = |flag, seconds: f64| {
        Duration::try_from_secs_f64(seconds).ok().filter(|duration| !duration.is_zero()).ok_or_else(|| {
            let found = seconds.to_string();
            let hint = "for example 5 or 0.5, without a unit";
            HealthcheckError::Value { flag, expected: "seconds, more than none", found, hint }
        })
    };
    let at_least_once = |times: i32| u32::try_from(times).unwrap_or(1).max(1);
    let fall = at_least_once(flags.fall);
    Ok(Judging {
        jitter: 0,
        interval: seconds("--interval", flags.interval)?,
        fast_interval: seconds("--fast-interval", flags.fast_interval)?,
        timeout: Duration::from_secs(flags.timeout.into()),
        rise: at_least_once(flags.rise),
        fall,
        window: Window { failed: fall, of: fall },
        hold_down: HoldDown { within: Duration::ZERO, first: Duration::ZERO, ceiling: Duration::ZERO },
    })
}

fn service(
    flags: &Flags,
    name: String,
    addresses: Vec<IpAddr>,
    number: u32,
    judging: Judging,
) -> Result<Service, HealthcheckError> {
    let scope = if flags.withdraw_on_down { Scope::Local } else { Scope::Shared };
    let shell = |command: &String| ["/bin/sh", "-c", command].map(str::to_owned).to_vec();
    let command = flags.command.as_ref().map(|command| What::Command(shell(command)));
    Ok(Service {
        name,
        addresses,
        checks: command.into_iter().map(|what| Check { what, scope, interval: None, timeout: None }).collect(),
        judging,
        through: Through::Exabgp {
            next_hop: Some(flags.next_hop.map_or("self".to_owned(), |address| address.to_string())),
            dialect: ExabgpDialect::V4,
        },
        up: attributes(flags, State::Up, number)?,
        drained: drained(flags, number)?,
        drain: if flags.withdraw_on_down { Duration::ZERO } else { FOR_EVER },
        binding: match (flags.no_ip_setup, flags.dynamic_ip_setup, flags.ips.is_empty()) {
            (true, false, _) => Binding::Ignored,
            // They were found on lo, so somebody else has bound them.
            (false, false, true) => Binding::Required,
            _ => Binding::Managed,
        },
    })
}

/// A service has one set of attributes for the times when others are preferred: what cannot fail is only ever disabled.
fn drained(flags: &Flags, number: u32) -> Result<Attributes, HealthcheckError> {
    let disabled = attributes(flags, State::Disabled, number)?;
    if flags.command.is_none() { Ok(disabled) } else { attributes(flags, State::Down, number) }
}

fn notes(flags: &Flags, services: &[Service]) -> Vec<String> {
    let logging = flags.silent || flags.debug || flags.no_syslog || flags.syslog_facility.is_some();
    let is_managed = services.iter().any(|service| service.binding == Binding::Managed);
    let differs = attributes(flags, State::Disabled, 0).ok() != attributes(flags, State::Down, 0).ok();
    let reaches_bound =
        |command: &String| services.iter().flat_map(|s| &s.addresses).any(|ip| command.contains(&ip.to_string()));
    let all = [
        (
            logging,
            "--silent, --debug, --syslog-facility, --no-syslog: all is said on stderr, which ExaBGP logs".to_owned(),
        ),
        (flags.debounce, "--debounce: routes are always said on changes only".to_owned()),
        (flags.sudo, "--sudo: addresses are bound without any program; this needs CAP_NET_ADMIN".to_owned()),
        (flags.label.is_some() && is_managed, "--label: addresses that are bound here carry no label".to_owned()),
        (
            flags.command.is_none(),
            "--command: there is none, so nothing can fail: only --disable and the end withdraw".to_owned(),
        ),
        (
            flags.disable.is_some() && !flags.withdraw_on_down && flags.command.is_some() && differs,
            "--disable: while disabled the routes carry what they carry while down, for a service has one such set"
                .to_owned(),
        ),
        (
            services.len() > 1,
            format!(
                "--increase {}: each address has its own metric, so each is a service, and the command runs for each of the {}",
                flags.increase,
                services.len()
            ),
        ),
        (
            is_managed && flags.command.as_ref().is_some_and(reaches_bound),
            "--command: it asks an address that is bound here; with --dynamic-ip-setup it could never pass again"
                .to_owned(),
        ),
    ];
    all.into_iter().filter(|(applies, _)| *applies).map(|(_, note)| note).collect()
}
