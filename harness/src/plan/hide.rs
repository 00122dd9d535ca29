//! Command lines and environments of daemons as anybody may read them.

use std::collections::BTreeMap;

use protocol::Daemon;
use serde::{Serialize, Serializer};

use crate::secret::{SHOWN, Secret, is_secret, keys_of, without_passwords};

/// The environment without what its names say is secret.
pub(super) fn env(env: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let shown = |(name, value): (&String, &String)| {
        let value = if is_secret(name) { Secret::from(&**value).to_string() } else { without_passwords(value) };
        (name.clone(), value)
    };
    env.iter().map(shown).collect()
}

/// The words of a command line without keys: what is assigned to an option, and the word behind one.
pub(super) fn argv(argv: &[String]) -> Vec<String> {
    let words: Vec<&str> = argv.iter().map(String::as_str).collect();
    let keys = keys(&words);
    argv.iter()
        .map(
            |word| if keys.iter().any(|key| key.reveal() == word) { SHOWN.to_owned() } else { without_passwords(word) },
        )
        .collect()
}

/// The keys on a command line.
pub(super) fn keys(words: &[&str]) -> Vec<Secret> {
    let assigned = words.iter().flat_map(|word| keys_of(word));
    let is_option = |word: &str| word.starts_with('-') && !word.contains(['=', ' ']) && is_secret(word);
    let behind = words.windows(2).filter_map(|pair| match pair {
        [option, key] if is_option(option) => Some(Secret::from(*key)),
        _ => None,
    });
    // An option without dashes: `checker secret=KEY`.
    let plain = words.iter().filter_map(|word| word.split_once('=').filter(|(name, _)| is_secret(name)));
    behind.chain(plain.map(|(_, key)| Secret::from(key))).chain(assigned).collect()
}

/// Daemons without their keys, to be written down.
pub(super) fn daemons<S: Serializer>(daemons: &[Daemon], serializer: S) -> Result<S::Ok, S::Error> {
    let shown = |daemon: &Daemon| Daemon { argv: argv(&daemon.argv), env: env(&daemon.env), ..daemon.clone() };
    daemons.iter().map(shown).collect::<Vec<_>>().serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_on_a_command_line_are_hidden() {
        for (given, shown) in [
            ("checker --api-key=k -v", "checker --api-key=••• -v"),
            ("checker --token k -v", "checker --token ••• -v"),
            ("named -g -c /etc/named.conf", "named -g -c /etc/named.conf"),
        ] {
            let words: Vec<String> = given.split(' ').map(str::to_owned).collect();
            assert_eq!(argv(&words).join(" "), shown);
        }
    }

    #[test]
    fn variables_that_are_named_like_keys_are_hidden() {
        let given = [("API_TOKEN", "k"), ("exabgp_api_ack", "false"), ("URL", "http://a/?password=k")];
        let given = given.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let shown: Vec<String> = env(&given).into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(shown, ["API_TOKEN=•••", "URL=http://a/?password=•••", "exabgp_api_ack=false"]);
    }
}
