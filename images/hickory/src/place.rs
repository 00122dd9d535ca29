//! Addresses in the configuration: `10.1.53.1`, `2001:db8:53::1`, with another port `127.0.0.1:5300`, `[::1]:5300`.

use std::net::{IpAddr, SocketAddr};

use serde::Deserialize;

/// An address and a port; 53 unless another is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Place(pub SocketAddr);

impl TryFrom<String> for Place {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let address = text.parse::<IpAddr>().map(|address| SocketAddr::new(address, 53));
        let place = address.or_else(|_| text.parse()).map_err(|_| {
            format!("`{text}` is not an address: expected 10.1.53.1, 2001:db8:53::1, 127.0.0.1:5300 or [::1]:5300")
        })?;
        if place.ip().is_unspecified() {
            return Err(format!(
                "`{text}` would answer from whichever address the route picks: name each address to listen at"
            ));
        }
        Ok(Self(place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_may_be_left_out_and_a_wildcard_may_not_be_used() {
        let place = |text: &str| Place::try_from(text.to_owned()).map(|place| place.0.to_string());
        assert_eq!(place("10.1.53.1").as_deref(), Ok("10.1.53.1:53"));
        assert_eq!(place("2001:db8::1").as_deref(), Ok("[2001:db8::1]:53"));
        assert_eq!(place("[::1]:5300").as_deref(), Ok("[::1]:5300"));
        for text in ["0.0.0.0", "::", "[::]:53", "ns1", "10.1.53.1:dns"] {
            assert!(place(text).is_err(), "{text}");
        }
    }
}
