//! What bgpd answers.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::super::dialect::Complaint;
use super::lines::Prefix;
use crate::service::Attributes;

pub(super) const SUCCESS: u8 = 0;

/// A reply's text and status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(super) text: String,
    pub(super) status: u8,
}

/// How a prefix stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// bgpd has no path of its own.
    Absent,
    /// It has one that it does not use.
    NotValid,
    /// It has one, with other attributes than it was told.
    Otherwise,
    /// It has one, and these neighbours know it: they have it in their adj-RIB-out.
    Valid(Vec<String>),
}

/// Takes the first whole reply: text, three NULs, a status.
pub(super) fn take(received: &mut Vec<u8>) -> Result<Option<Reply>, Complaint> {
    let Some(length) = received.iter().position(|&byte| byte == 0) else {
        return Ok(None);
    };
    let Some(&[first, second, third, status]) = received.get(length..length + 4) else {
        return Ok(None);
    };
    if [first, second, third] != [0; 3] {
        return Err(Complaint::Nonsense(format!("expected three NULs, found {first}, {second}, {third}")));
    }
    let text = String::from_utf8_lossy(&received[..length]).trim().to_owned();
    received.drain(..length + 4);
    Ok(Some(Reply { text, status }))
}

/// How the prefix stands, if it is to carry these.
pub(super) fn route(prefix: &Prefix, carried: Option<&Attributes>, reply: &Reply) -> Result<Route, Complaint> {
    let line = prefix.question();
    let answer = object(&line, reply)?;
    if answer.is_empty() {
        return Ok(Route::Absent);
    }
    let paths = match (answer.get("prefix"), answer.get("paths")) {
        (Some(Value::String(found)), Some(Value::Array(paths))) if *found == prefix.text => paths,
        _ => return Err(nonsense(&line, reply)),
    };
    let carries = |path: &Value, attributes: &Attributes| {
        let is_as_told = |key: &str, told: Option<u32>| told.is_none_or(|told| path[key] == told);
        is_as_told("metric", attributes.med) && is_as_told("locPrf", attributes.local_pref)
    };
    let told = answer.get("advertisedTo").and_then(Value::as_object);
    Ok(match paths.iter().find(|path| path["sourced"] == true && path["local"] == true) {
        None => Route::Absent,
        Some(path) if path["valid"] != true => Route::NotValid,
        Some(path) if !carried.is_none_or(|attributes| carries(path, attributes)) => Route::Otherwise,
        Some(_) => Route::Valid(told.into_iter().flat_map(Map::keys).cloned().collect()),
    })
}

/// The neighbours that are configured, of all families, and those of them whose sessions are up.
pub(super) fn neighbors(line: &str, reply: &Reply) -> Result<(Vec<String>, Vec<String>), Complaint> {
    let answer = object(line, reply)?;
    let peers = answer.values().filter_map(|family| family.get("peers")?.as_object()).flatten();
    // A dynamic one goes with its session, and cannot be shut down.
    let all: BTreeMap<_, _> = peers.filter(|(_, peer)| peer["dynamicPeer"] != true).collect();
    let up = all.iter().filter(|(_, peer)| peer["state"] == "Established").map(|(name, _)| (*name).clone()).collect();
    Ok((all.into_keys().cloned().collect(), up))
}

pub(super) fn object(line: &str, reply: &Reply) -> Result<Map<String, Value>, Complaint> {
    match serde_json::from_str(&reply.text) {
        Ok(Value::Object(answer)) if reply.status == SUCCESS && !answer.contains_key("warning") => Ok(answer),
        Ok(Value::Object(_)) => Err(refusal(line, reply)),
        _ if reply.status != SUCCESS => Err(refusal(line, reply)),
        _ => Err(nonsense(line, reply)),
    }
}

fn nonsense(line: &str, reply: &Reply) -> Complaint {
    Complaint::Nonsense(format!("`{line}`: expected JSON about it, found `{}`", reply.text))
}

pub(super) fn refusal(line: &str, reply: &Reply) -> Complaint {
    let text = reply.text.split_whitespace().collect::<Vec<_>>().join(" ");
    let hint = if text.contains("instance not found") {
        "; hint: expected `router bgp` in frr.conf"
    } else if text.contains("AS is") {
        "; hint: give that AS number as --asn"
    } else {
        ""
    };
    Complaint::Refused(format!("`{line}`: {text} (status {}){hint}", reply.status))
}
