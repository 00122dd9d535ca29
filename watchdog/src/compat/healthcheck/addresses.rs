//! Which addresses are announced, and in which order.

use std::collections::HashSet;
use std::io;
use std::net::IpAddr;

use ipnet::IpNet;
use nix::ifaddrs::getifaddrs;

use super::{Flags, HealthcheckError};

/// No more routes are made out of one network.
const ROUTES: usize = 1024;

/// An address on `lo`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// The address.
    pub address: IpAddr,
    /// The length of its prefix.
    pub prefix: u8,
    /// Its label without `lo:`, which only IPv4 addresses have.
    pub label: Option<String>,
}

/// The addresses on `lo`.
///
/// # Errors
/// When the kernel does not say.
pub fn on_lo() -> io::Result<Vec<Bound>> {
    let bound = getifaddrs()?.filter_map(|found| {
        // The kernel's label of an address comes as the name of its interface.
        let label = match found.interface_name.strip_prefix("lo")? {
            "" => None,
            rest => Some(rest.strip_prefix(':')?.to_owned()),
        };
        let ip = |address: &nix::sys::socket::SockaddrStorage| {
            let v4 = address.as_sockaddr_in().map(|address| IpAddr::V4(address.ip()));
            v4.or_else(|| address.as_sockaddr_in6().map(|address| IpAddr::V6(address.ip())))
        };
        let prefix = ipnet::ip_mask_to_prefix(ip(&found.netmask?)?).ok()?;
        Some(Bound { address: ip(&found.address?)?, prefix, label })
    });
    Ok(bound.collect())
}

/// The addresses that the flags ask for, the one with the lowest metric first.
pub(super) fn wanted(flags: &Flags, bound: &[Bound]) -> Result<Vec<IpAddr>, HealthcheckError> {
    let mut networks: Vec<IpNet> = flags.ips.iter().map(|ip| network(ip)).collect::<Result<_, _>>()?;
    if networks.is_empty() {
        networks = bound.iter().filter(|bound| is_meant(flags, bound)).filter_map(as_network).collect();
    }
    let mut addresses = Vec::new();
    for network in networks {
        let is_host = network.prefix_len() == network.max_prefix_len();
        if !is_host && !flags.deaggregate_networks {
            return Err(HealthcheckError::Value {
                flag: "--ip",
                expected: "an address, or a network that --deaggregate-networks divides into addresses",
                found: network.to_string(),
                hint: "a route for a whole network: put it into exabgp.conf as static, with `watchdog NAME withdraw`, and \
                       use a [[service]] of a configuration file",
            });
        }
        let hosts = network.subnets(network.max_prefix_len()).into_iter().flatten().map(|host| host.addr());
        addresses.extend(hosts.take(ROUTES + 1));
        if addresses.len() > ROUTES {
            return Err(HealthcheckError::Value {
                flag: "--deaggregate-networks",
                expected: "at most 1024 addresses in all",
                found: network.to_string(),
                hint: "announce the network as one route, in exabgp.conf",
            });
        }
    }
    let mut seen = HashSet::new();
    addresses.retain(|address| seen.insert(*address));
    if addresses.is_empty() {
        return Err(HealthcheckError::NoAddress { label: flags.label.clone() });
    }
    let first = usize::try_from(flags.start_ip.rem_euclid(i64::try_from(addresses.len()).unwrap_or(i64::MAX)));
    addresses.rotate_left(first.unwrap_or(0));
    Ok(addresses)
}

fn network(text: &str) -> Result<IpNet, HealthcheckError> {
    let network = text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
    network.filter(|network| network.addr() == network.network()).ok_or_else(|| HealthcheckError::Value {
        flag: "--ip",
        expected: "an address, or a network with all bits after its prefix zero",
        found: text.to_owned(),
        hint: "for example 192.0.2.53, 192.0.2.53/32, 2001:db8::53/128",
    })
}

fn is_meant(flags: &Flags, bound: &Bound) -> bool {
    let Some(label) = &flags.label else { return !bound.address.is_loopback() };
    let is_labelled = |found: &String| if flags.label_exact_match { found == label } else { found.starts_with(label) };
    !bound.address.is_loopback() && bound.label.as_ref().is_some_and(is_labelled)
}

/// As the health checker does, an address inside a network is passed over.
fn as_network(bound: &Bound) -> Option<IpNet> {
    IpNet::new(bound.address, bound.prefix).ok().filter(|network| network.addr() == network.network())
}
