//! Addresses and prefixes.

use std::net::IpAddr;

/// IPv4 or IPv6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Family {
    V4,
    V6,
}

impl Family {
    /// Both.
    pub(crate) const ALL: [Self; 2] = [Self::V4, Self::V6];

    /// As BIRD, ExaBGP and FRR write it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::V4 => "ipv4",
            Self::V6 => "ipv6",
        }
    }
}

/// The family of an address.
pub(crate) fn family(address: IpAddr) -> Family {
    if address.is_ipv4() { Family::V4 } else { Family::V6 }
}

/// A prefix; an address alone is the prefix of that host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Prefix {
    pub(crate) address: IpAddr,
    length: u32,
}

impl Prefix {
    /// None for what is no prefix, a variable of a template for example.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (address, length) = text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
        let address: IpAddr = address.parse().ok()?;
        let longest = Self::longest(address);
        let length = length.map_or(Some(longest), |length| length.parse().ok())?;
        (length <= longest).then_some(Self { address, length })
    }

    pub(crate) fn family(self) -> Family {
        family(self.address)
    }

    /// Whether it is one address.
    pub(crate) fn is_host(self) -> bool {
        self.length == Self::longest(self.address)
    }

    /// Whether `other` lies in it and is smaller.
    pub(crate) fn covers(self, other: Self) -> bool {
        let bits = |address: IpAddr| match address {
            IpAddr::V4(address) => u128::from(address.to_bits()) << 96,
            IpAddr::V6(address) => address.to_bits(),
        };
        let differ = bits(self.address) ^ bits(other.address);
        self.family() == other.family() && self.length < other.length && differ.leading_zeros() >= self.length
    }

    fn longest(address: IpAddr) -> u32 {
        if address.is_ipv4() { 32 } else { 128 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_and_addresses() {
        let prefix = |text| Prefix::parse(text).unwrap();
        assert!(
            prefix("10.1.53.1").is_host() && prefix("10.1.53.1/32").is_host() && prefix("2001:db8::1/128").is_host()
        );
        assert!(!prefix("10.1.53.0/24").is_host() && !prefix("2001:db8::/32").is_host());
        assert_eq!(prefix("2001:db8::/32").family(), Family::V6);
        for wrong in ["", "{{ v4 }}", "10.1.53.1/33", "10.1.53.0/24+", "/32", "10.1.53/24"] {
            assert_eq!(Prefix::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn covering() {
        let covers = |a, b| Prefix::parse(a).unwrap().covers(Prefix::parse(b).unwrap());
        assert!(
            covers("10.1.53.0/24", "10.1.53.1/32")
                && covers("0.0.0.0/0", "10.1.53.1")
                && covers("2001:db8::/32", "2001:db8::1")
        );
        assert!(
            !covers("10.1.53.1/32", "10.1.53.1/32")
                && !covers("10.1.52.0/24", "10.1.53.1")
                && !covers("::/0", "10.1.53.1")
        );
    }
}
