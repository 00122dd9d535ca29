//! What the routes carry, out of texts that go to ExaBGP as they are.

use crate::service::Attributes;

use super::{Flags, HealthcheckError};

/// The names that ExaBGP knows (RFC 1997, RFC 3765, RFC 7999, RFC 8326).
const WELL_KNOWN: [(&str, &str); 7] = [
    ("no-export", "65535:65281"),
    ("no-advertise", "65535:65282"),
    ("no-export-subconfed", "65535:65283"),
    ("no-peer", "65535:65284"),
    ("nopeer", "65535:65284"),
    ("blackhole", "65535:666"),
    ("graceful-shutdown", "65535:0"),
];

/// The health checker's states in which something is announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Up,
    Down,
    Disabled,
}

/// What the route of the address with this number, from 0, carries in a state.
pub(super) fn attributes(flags: &Flags, state: State, number: u32) -> Result<Attributes, HealthcheckError> {
    let (metric, as_path, community, disabled) = (
        match state {
            State::Up => flags.up_metric,
            State::Down => flags.down_metric,
            State::Disabled => flags.disabled_metric,
        },
        match state {
            State::Up => ("--up-as-path", &flags.up_as_path),
            State::Down => ("--down-as-path", &flags.down_as_path),
            State::Disabled => ("--disabled-as-path", &flags.disabled_as_path),
        },
        ("--community", &flags.community),
        ("--disabled-community", &flags.disabled_community),
    );
    let (flag, as_path) = if as_path.1.is_some() { as_path } else { ("--as-path", &flags.as_path) };
    let (named, texts) = if state == State::Up || disabled.1.is_none() { community } else { disabled };
    refuse_path(flag, as_path.as_deref().unwrap_or_default())?;
    Ok(Attributes {
        med: Some(metric.saturating_add(number.saturating_mul(flags.increase))),
        local_pref: u32::try_from(flags.local_preference).ok(),
        communities: communities(named, texts.as_deref().unwrap_or_default())?,
        prepend: 0,
    })
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_whitespace() || matches!(c, '[' | ']' | ',')).filter(|word| !word.is_empty())
}

fn communities(flag: &'static str, text: &str) -> Result<Vec<String>, HealthcheckError> {
    let one = |word: &str| {
        if let Some((_, number)) = WELL_KNOWN.iter().find(|(name, _)| *name == word) {
            return Ok((*number).to_owned());
        }
        let is_number = |part: &str| part.parse::<u16>().is_ok();
        match word.split_once(':') {
            Some((asn, value)) if is_number(asn) && is_number(value) => Ok(word.to_owned()),
            _ => Err(HealthcheckError::Value {
                flag,
                expected: "communities such as 64500:1, or well-known ones such as no-export, divided by blanks",
                found: word.to_owned(),
                hint: "other kinds of communities: set them in exabgp.conf, or by the neighbour's import policy",
            }),
        }
    };
    words(text).map(one).collect()
}

/// One AS, ours, is what routes carry anyhow. More would be prepended, which nobody does whom routes are said in full.
fn refuse_path(flag: &'static str, text: &str) -> Result<(), HealthcheckError> {
    let mut hops = words(text);
    let is_ours = hops.next().is_none_or(|hop| hop.parse::<u32>().is_ok()) && hops.next().is_none();
    if is_ours {
        return Ok(());
    }
    Err(HealthcheckError::Value {
        flag,
        expected: "our own AS number, once: what is said to ExaBGP carries no other path",
        found: text.to_owned(),
        hint: "put the route with its as-path into exabgp.conf as static, with `watchdog NAME withdraw`, and the one for \
               bad times with `watchdog NAME-drained withdraw`; or use a metric or a community",
    })
}
