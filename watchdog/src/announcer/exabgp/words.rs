//! ExaBGP's commands, by its versions, for static routes by their watchdog's name or for routes said in full.

use std::net::IpAddr;

use crate::machine::Verb;
use crate::service::{Attributes, ExabgpDialect, Service, Through};

/// How one service's routes are spoken of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Words {
    pub(crate) dialect: ExabgpDialect,
    routes: Routes,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Routes {
    /// ExaBGP's own static routes with `watchdog NAME`.
    Named(String),
    /// Announced in full, withdrawn by the prefix.
    Said { up: Vec<String>, drained: Vec<String>, withdrawn: Vec<String> },
}

impl Words {
    /// For the service, if it goes through ExaBGP.
    ///
    /// # Errors
    /// What it asks for and ExaBGP cannot do.
    pub(crate) fn new(service: &Service) -> Result<Option<Self>, String> {
        let Through::Exabgp { next_hop, dialect } = &service.through else {
            return Ok(None);
        };
        let routes = match next_hop {
            None => Routes::Named(service.name.clone()),
            Some(hops) => Routes::Said {
                up: said(service, hops, &service.up)?,
                drained: said(service, hops, &super::super::drained(service))?,
                withdrawn: said(service, hops, &Attributes::default())?,
            },
        };
        Ok(Some(Self { dialect: *dialect, routes }))
    }

    /// The name of the watchdog that the static routes carry; none when the routes are said in full.
    pub(crate) fn watchdog(&self) -> Option<&str> {
        match &self.routes {
            Routes::Named(name) => Some(name),
            Routes::Said { .. } => None,
        }
    }

    /// What carries the verb out, when drained static routes may be announced over the others or not.
    ///
    /// ExaBGP withdraws by the prefix, whatever the attributes: with both announced, a `withdraw` of either takes the prefix
    /// back. So a drain announces over what is there, which replaces it (RFC 4271, section 3.1), and withdraws nothing: who
    /// has no routes `NAME-drained` keeps the others announced.
    pub(crate) fn commands(&self, verb: Verb, may_be_drained: bool) -> Vec<String> {
        let commands: Vec<(&str, String)> = match &self.routes {
            Routes::Named(name) => {
                let (all, drained) = (format!("watchdog {name}"), format!("watchdog {name}-drained"));
                match (verb, may_be_drained) {
                    (Verb::Announce, false) => vec![("announce", all)],
                    // Else ExaBGP, for which the routes beneath are announced still, would do nothing.
                    (Verb::Announce, true) => vec![("withdraw", drained), ("withdraw", all.clone()), ("announce", all)],
                    (Verb::Drain, _) => vec![("announce", drained)],
                    (Verb::Withdraw, false) => vec![("withdraw", all)],
                    (Verb::Withdraw, true) => vec![("withdraw", all), ("withdraw", drained)],
                }
            }
            Routes::Said { up, drained, withdrawn } => {
                let (word, routes) = match verb {
                    Verb::Announce => ("announce", up),
                    Verb::Drain => ("announce", drained),
                    Verb::Withdraw => ("withdraw", withdrawn),
                };
                routes.iter().map(|route| (word, route.clone())).collect()
            }
        };
        let to = if self.dialect == ExabgpDialect::V6 { "peer * " } else { "" };
        commands.into_iter().map(|(word, routes)| format!("{to}{word} {routes}")).collect()
    }
}

/// `route PREFIX next-hop HOP ATTRIBUTES`, for each address.
fn said(service: &Service, hops: &str, attributes: &Attributes) -> Result<Vec<String>, String> {
    if attributes.prepend > 0 {
        return Err(format!(
            "{}: expected no `prepend` for routes that ExaBGP is told in full, found {}: it takes a whole AS path, and \
             which AS it is in is in its own configuration\nhint: `med` or `communities`, or static routes in exabgp.conf",
            service.name, attributes.prepend
        ));
    }
    let tail = attributes_text(attributes);
    let route = |address: &IpAddr| {
        let hop = hop_for(address, hops).ok_or_else(|| {
            format!(
                "{}: expected a next hop for {address}, of the same family or `self`, found `{hops}`\nhint: one for each \
                 family, as in `10.1.53.11 2001:db8:53::11`",
                service.name
            )
        })?;
        Ok(format!("route {} next-hop {hop}{tail}", super::super::prefix(address)))
    };
    service.addresses.iter().map(route).collect()
}

/// Of the next hops, one for each family or a word such as `self`, the one for this address.
fn hop_for<'h>(address: &IpAddr, hops: &'h str) -> Option<&'h str> {
    hops.split([' ', ',']).filter(|hop| !hop.is_empty()).find(|hop| match hop.parse::<IpAddr>() {
        Ok(hop) => hop.is_ipv4() == address.is_ipv4(),
        Err(_) => true,
    })
}

fn attributes_text(Attributes { med, local_pref, communities, prepend: _ }: &Attributes) -> String {
    let mut parts = Vec::new();
    parts.extend(med.map(|med| format!(" med {med}")));
    parts.extend(local_pref.map(|preference| format!(" local-preference {preference}")));
    if !communities.is_empty() {
        parts.push(format!(" community [ {} ]", communities.join(" ")));
    }
    parts.concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::announcer::tests::service;

    fn words(next_hop: Option<&str>, dialect: ExabgpDialect) -> Words {
        let service = Service {
            drained: Attributes { med: Some(500), communities: vec!["65535:0".to_owned()], ..Attributes::default() },
            ..service(Through::Exabgp { next_hop: next_hop.map(str::to_owned), dialect })
        };
        Words::new(&service).unwrap().unwrap()
    }

    #[test]
    fn a_drain_by_name_withdraws_nothing_and_its_end_leaves_nothing_drained() {
        let said = |verb, may_be_drained| words(None, ExabgpDialect::V4).commands(verb, may_be_drained).join(", ");
        assert_eq!(said(Verb::Announce, false), "announce watchdog dns");
        assert_eq!(said(Verb::Drain, false), "announce watchdog dns-drained");
        let announced_again = "withdraw watchdog dns-drained, withdraw watchdog dns, announce watchdog dns";
        assert_eq!(said(Verb::Announce, true), announced_again);
        assert_eq!(said(Verb::Withdraw, true), "withdraw watchdog dns, withdraw watchdog dns-drained");
        assert_eq!(said(Verb::Withdraw, false), "withdraw watchdog dns");
    }

    #[test]
    fn routes_in_full_carry_the_attributes_of_the_state() {
        let words = words(Some("10.1.53.11 2001:db8:53::11"), ExabgpDialect::V4);
        assert_eq!(
            words.commands(Verb::Announce, true),
            [
                "announce route 10.1.53.1/32 next-hop 10.1.53.11",
                "announce route 2001:db8:53::1/128 next-hop 2001:db8:53::11",
            ]
        );
        assert_eq!(
            words.commands(Verb::Drain, true),
            [
                "announce route 10.1.53.1/32 next-hop 10.1.53.11 med 500 community [ 65535:0 ]",
                "announce route 2001:db8:53::1/128 next-hop 2001:db8:53::11 med 500 community [ 65535:0 ]",
            ]
        );
        assert_eq!(
            words.commands(Verb::Withdraw, true)[1],
            "withdraw route 2001:db8:53::1/128 next-hop 2001:db8:53::11"
        );
        let self_is_of_both = hop_for(&"::1".parse().unwrap(), "10.0.0.1,self");
        assert_eq!(self_is_of_both, Some("self"));
    }

    #[test]
    fn version_6_names_the_peers() {
        let words = words(None, ExabgpDialect::V6);
        assert_eq!(words.commands(Verb::Withdraw, false), ["peer * withdraw watchdog dns"]);
    }

    #[test]
    fn what_cannot_be_said_is_refused() {
        let exabgp =
            |hops: &str| service(Through::Exabgp { next_hop: Some(hops.to_owned()), dialect: ExabgpDialect::V4 });
        let error = Words::new(&exabgp("10.1.53.11")).unwrap_err();
        assert!(error.starts_with("dns: expected a next hop for 2001:db8:53::1, "), "{error}");
        let drained = Attributes { prepend: 3, ..Attributes::default() };
        let error = Words::new(&Service { drained, ..exabgp("self") }).unwrap_err();
        assert!(error.contains("hint: "), "{error}");
    }
}
