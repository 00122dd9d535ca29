//! How health checkers without a DNS check of their own are told to check: by a command, as their users write it.

use std::net::IpAddr;

use crate::spec::Span;

/// dig succeeds with SERVFAIL too: only an answer counts. What it says beside answers begins with `;`.
pub(super) fn command(address: IpAddr, zone: &str) -> String {
    format!("dig +time=1 +tries=1 +short @{address} {zone} SOA | grep -q '^[^;]'")
}

/// Seconds, as their options and files take them.
pub(super) fn seconds(span: Span) -> String {
    span.0.as_secs_f64().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_have_a_fraction_when_they_need_one() {
        assert_eq!([1000, 200, 1500].map(|ms| seconds(Span::ms(ms))), ["1", "0.2", "1.5"]);
    }
}
