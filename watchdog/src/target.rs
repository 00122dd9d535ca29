//! What is checked: a name server's address, and a domain it must know.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use hickory_proto::rr::Name;

/// One name server's address, and the domain whose SOA it must answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The address that must answer.
    pub address: IpAddr,
    /// The domain whose SOA record is asked for, as it was written.
    pub domain: Name,
}

/// Why a text is no target. Each carries what was found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// There is no colon, or nothing on one side of it.
    #[error("expected `address:domain`, found `{0}`")]
    NotAPair(String),
    /// What stands before the last colon is no address.
    #[error("expected an IPv4 or IPv6 address before the last colon, found `{0}`")]
    Address(String),
    /// What stands after the last colon is no domain name.
    #[error("expected a domain name after the last colon, found `{0}`")]
    Domain(String),
}

/// `address:domain`, divided at the last colon: no domain has one; an IPv6 address has, bare or in brackets.
impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let pair = text.rsplit_once(':').map(|(address, domain)| (address.trim(), domain.trim()));
        let Some((address, domain)) = pair.filter(|(address, domain)| !address.is_empty() && !domain.is_empty()) else {
            return Err(TargetError::NotAPair(text.to_owned()));
        };
        let bare = address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(address);
        let no_domain = || TargetError::Domain(domain.to_owned());
        if domain.contains(char::is_whitespace) {
            return Err(no_domain());
        }
        Ok(Self {
            address: bare.parse().map_err(|_| TargetError::Address(address.to_owned()))?,
            domain: Name::from_ascii(domain).map_err(|_| no_domain())?,
        })
    }
}

/// As in the configuration file.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address {
            IpAddr::V4(address) => write!(f, "{address}:{}", self.domain),
            IpAddr::V6(address) => write!(f, "[{address}]:{}", self.domain),
        }
    }
}
