//! The sessions of a bird.conf.

use std::net::{IpAddr, Ipv4Addr};

use super::{Family, File, Language, Protocol, Statement, parse};
use crate::declared::{Declared, asn};

pub(in super::super) fn declared(text: &str) -> Vec<Declared> {
    let statements = parse(text, Language::Bird).unwrap_or_default();
    let id = statements.iter().find(|statement| statement.starts(&["router", "id"]));
    let id = id.and_then(|statement| statement.word(2).parse().ok());
    let file = File::of(&statements, "");
    file.of_kind("bgp").filter(|protocol| !protocol.is_disabled()).filter_map(|protocol| one(protocol, id)).collect()
}

fn one(protocol: &Protocol<'_>, router_id: Option<Ipv4Addr>) -> Option<Declared> {
    let neighbor = protocol.statements.iter().find(|statement| address(statement, "neighbor").is_some())?;
    let local = protocol.get(&["local"]);
    let local_as = local.and_then(number);
    let source = protocol.get(&["source", "address"]).and_then(|statement| statement.word(2).parse().ok());
    let has_key = protocol.get(&["password"]).is_some();
    let channels = Family::ALL.map(|family| protocol.channel(family).is_some());
    let own_id = protocol.get(&["router", "id"]).and_then(|statement| statement.word(2).parse().ok());
    Some(Declared {
        line: protocol.line,
        peer: address(neighbor, "neighbor")?,
        local: source.or_else(|| local.and_then(|statement| address(statement, "local"))),
        local_as,
        peer_as: number(neighbor).or_else(|| local_as.filter(|_| has_word(neighbor, "internal"))),
        router_id: own_id.or(router_id),
        has_key: (has_key || protocol.complete).then_some(has_key),
        families: (protocol.complete || channels == [true, true]).then_some(channels),
    })
}

/// `neighbor ADDRESS ...`; BIRD writes a scoped one as `fe80::1%eth0`.
fn address(statement: &Statement, keyword: &str) -> Option<IpAddr> {
    let address = statement.starts(&[keyword]).then(|| statement.word(1))?;
    address.split('%').next()?.parse().ok()
}

/// `... as NUMBER`.
fn number(statement: &Statement) -> Option<u32> {
    let at = statement.words.iter().position(|word| word.text == "as")?;
    asn(statement.word(at + 1))
}

fn has_word(statement: &Statement, word: &str) -> bool {
    statement.words.iter().any(|own| own.text == word)
}
