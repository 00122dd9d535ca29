//! BGP NOTIFICATION messages by name (RFC 4271, section 6; RFC 4486; RFC 8538).

/// Such as `Cease/Administrative Shutdown`.
#[must_use]
pub(super) fn name(code: u8, subcode: u8) -> String {
    let (error, subcodes): (&str, &[&str]) = match code {
        1 => ("Message Header Error", &["Connection Not Synchronized", "Bad Message Length", "Bad Message Type"]),
        2 => (
            "OPEN Message Error",
            &[
                "Unsupported Version Number",
                "Bad Peer AS",
                "Bad BGP Identifier",
                "Unsupported Optional Parameter",
                "",
                "Unacceptable Hold Time",
                "Unsupported Capability",
            ],
        ),
        3 => (
            "UPDATE Message Error",
            &[
                "Malformed Attribute List",
                "Unrecognized Well-known Attribute",
                "Missing Well-known Attribute",
                "Attribute Flags Error",
                "Attribute Length Error",
                "Invalid ORIGIN Attribute",
                "",
                "Invalid NEXT_HOP Attribute",
                "Optional Attribute Error",
                "Invalid Network Field",
                "Malformed AS_PATH",
            ],
        ),
        4 => ("Hold Timer Expired", &[]),
        5 => ("Finite State Machine Error", &[]),
        6 => (
            "Cease",
            &[
                "Maximum Number of Prefixes Reached",
                "Administrative Shutdown",
                "Peer De-configured",
                "Administrative Reset",
                "Connection Rejected",
                "Other Configuration Change",
                "Connection Collision Resolution",
                "Out of Resources",
                "Hard Reset",
            ],
        ),
        _ => return format!("{code}/{subcode}"),
    };
    let place = usize::from(subcode).checked_sub(1);
    match place.and_then(|place| subcodes.get(place)).filter(|name| !name.is_empty()) {
        Some(name) => format!("{error}/{name}"),
        None if subcode == 0 => error.to_owned(),
        None => format!("{error}/{subcode}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_have_names() {
        assert_eq!(name(2, 2), "OPEN Message Error/Bad Peer AS");
        assert_eq!(name(6, 2), "Cease/Administrative Shutdown");
        assert_eq!(name(4, 0), "Hold Timer Expired");
        assert_eq!(name(2, 5), "OPEN Message Error/5");
        assert_eq!(name(9, 1), "9/1");
    }
}
