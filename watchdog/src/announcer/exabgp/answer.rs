//! What ExaBGP writes on our stdin, line by line.

/// One line, as far as it concerns us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    /// The end of a good answer.
    Done,
    /// The answer to what was not understood, or cannot be done.
    Error,
    /// A route that a neighbour is to have, of `show adj-rib out extensive`.
    Route(Route),
    /// A neighbour whose session is up, of `show neighbor summary`, or of 3.4's `show neighbor status`.
    Established(String),
    /// Which version it is.
    Version(String),
    /// It ends.
    Shutdown,
    /// Events, headings, and what else there may be.
    Other,
}

/// A route in the adj-RIB-out: what a neighbour knows, or will know once its session is up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) neighbor: String,
    pub(super) prefix: String,
    /// As ExaBGP writes them.
    pub(super) attributes: String,
}

/// Reads a line. Versions 4 and 5 write the same, but for `neighbor`, which 5 leaves out where it is brief; 3.4 names no family;
/// 6 answers in JSON.
pub(super) fn read(line: &str) -> Said {
    let mut words = line.split([' ', '\t', ':']).filter(|word| !word.is_empty());
    match words.next() {
        Some("done") => Said::Done,
        Some("error") => Said::Error,
        Some("shutdown") => Said::Shutdown,
        Some("exabgp") => words.next().map_or(Said::Other, |version| Said::Version(version.to_owned())),
        Some("{") if line.contains(r#""answer": "done""#) => Said::Done,
        Some("{") if line.contains(r#""answer": "error""#) => Said::Error,
        _ => route(line).map(Said::Route).or_else(|| established(line).map(Said::Established)).unwrap_or(Said::Other),
    }
}

/// `neighbor 10.1.53.254 local-ip ... family-allowed in-open ipv4 unicast 10.1.53.1/32 next-hop ...`, in 3.4 without the family,
/// or in 5 without all between the neighbour's address and the family.
fn route(line: &str) -> Option<Route> {
    let words: Vec<_> = line.split_whitespace().collect();
    // 3.4 says it twice.
    let heading = words.iter().take_while(|word| **word == "neighbor").count();
    let (neighbor, rest) = words[heading..].split_first()?;
    let rest = match rest {
        // Of a route that was received, or sent, an event tells in other words.
        ["local-ip", rest @ ..] => rest.get(rest.iter().position(|word| *word == "family-allowed")? + 2..)?,
        rest => rest,
    };
    let (prefix, attributes) = match rest {
        ["ipv4" | "ipv6", "unicast", prefix, attributes @ ..] => (prefix, attributes),
        [prefix, "next-hop", ..] => (prefix, &rest[1..]),
        _ => return None,
    };
    prefix.contains('/').then(|| Route {
        neighbor: (*neighbor).to_owned(),
        prefix: (*prefix).to_owned(),
        attributes: attributes.join(" "),
    })
}

/// `10.1.53.254  64601  0:00:23 established  12  0`, or `neighbor 10.1.53.254 local-ip ... state Established`.
fn established(line: &str) -> Option<String> {
    let words: Vec<_> = line.split_whitespace().collect();
    match words.as_slice() {
        [neighbor, asn, _, "established", ..] if asn.parse::<u32>().is_ok() => Some((*neighbor).to_owned()),
        ["neighbor", neighbor, "local-ip", .., "state", "Established"] => Some((*neighbor).to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recognises_what_concerns_us() {
        for (line, said) in [
            ("done", Said::Done),
            ("error", Said::Error),
            ("error: no neighbour", Said::Error),
            ("{ \"answer\": \"done\", \"message\": \"command completed\" }", Said::Done),
            ("{ \"answer\": \"error\", \"message\": \"none\" }", Said::Error),
            ("shutdown 4711 1", Said::Shutdown),
            ("", Said::Other),
            ("{ \"exabgp\": \"5.0.0\", \"type\": \"state\" }", Said::Other),
            ("neighbor 10.1.53.254 up", Said::Other),
            ("neighbor 10.1.53.254 receive update announced 10.1.53.1/32 next-hop 10.1.53.254", Said::Other),
            ("10.1.53.254       64602        down idle                  0          0", Said::Other),
            ("10.1.53.254  64601  0:00:24 established  10  0", Said::Established("10.1.53.254".to_owned())),
            ("exabgp 3.4.28", Said::Version("3.4.28".to_owned())),
            (
                "neighbor 10.1.53.254 local-ip 10.1.53.11 local-as 64601 peer-as 64601 router-id 10.1.53.11 family-allowed \
                 in-open negotiated [ ipv4/unicast ipv6/unicast ] state Idle",
                Said::Other,
            ),
        ] {
            assert_eq!(read(line), said, "{line}");
        }
    }

    #[test]
    fn routes_are_read_from_long_and_brief_lines() {
        let route = |attributes: &str| {
            Said::Route(Route {
                neighbor: "10.1.53.254".to_owned(),
                prefix: "2001:db8:53::1/128".to_owned(),
                attributes: attributes.to_owned(),
            })
        };
        let long = "neighbor 10.1.53.254 local-ip 10.1.53.11 local-as 64601 peer-as 64601 router-id 10.1.53.11 \
                    family-allowed in-open ipv6 unicast 2001:db8:53::1/128 next-hop 2001:db8:53::11 med 500";
        assert_eq!(read(long), route("next-hop 2001:db8:53::11 med 500"));
        let old = long.replace("ipv6 unicast ", "").replace("neighbor ", "neighbor neighbor ");
        assert_eq!(read(&old), read(long));
        let brief = "10.1.53.254 ipv6 unicast 2001:db8:53::1/128 next-hop 2001:db8:53::11";
        assert_eq!(read(brief), route("next-hop 2001:db8:53::11"));
        assert_eq!(read(&format!("neighbor {brief}")), read(brief));
    }
}
