//! What nobody is to read: shown as `•••` wherever it is written, but to the daemons that need it.

use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

mod syntax;

pub(crate) use syntax::is_secret;

/// What is shown in place of a secret.
pub(crate) const SHOWN: &str = "•••";

/// From how many characters on a key is hidden wherever it is found.
const LONG: usize = 6;

/// A key.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Written")]
pub struct Secret(String);

/// As written. An error about what is no text must not quote it either.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Text(String),
    Other(serde::de::IgnoredAny),
}

impl TryFrom<Written> for Secret {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        match written {
            Written::Text(key) => Ok(Self(key)),
            Written::Other(_) => Err("a key is a text: expected quotes around it"),
        }
    }
}

impl Secret {
    /// The key itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether the key is so long that it stands for nothing else wherever it is found.
    fn is_long(&self) -> bool {
        self.0.chars().count() >= LONG
    }
}

impl From<&str> for Secret {
    fn from(key: &str) -> Self {
        Self(key.to_owned())
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(SHOWN)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(SHOWN)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(SHOWN)
    }
}

/// A text without the keys that stand in it where a daemon's or a scenario's syntax has them, whoever's they are.
#[must_use]
pub fn without_passwords(text: &str) -> String {
    replaced(text, |_| true, |_| SHOWN.to_owned())
}

/// A text that may quote these keys, without them. A short one is hidden only where it stands as a key: elsewhere it is a word.
#[must_use]
pub fn redact(text: &str, secrets: &[Secret]) -> String {
    let (long, short): (Vec<&Secret>, Vec<&Secret>) = secrets.iter().partition(|secret| secret.is_long());
    let mut text = text.to_owned();
    for secret in long {
        text = text.replace(&secret.0, SHOWN);
    }
    let is_short = |value: &str| {
        short.iter().any(|secret| {
            let rest = value.strip_prefix(&*secret.0).filter(|_| !secret.0.is_empty());
            rest.is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
        })
    };
    if short.is_empty() { text } else { replaced(&text, is_short, |_| SHOWN.to_owned()) }
}

/// The keys of a configuration file: to be hidden where its daemon quotes it. Comments have none.
#[must_use]
pub fn keys_of(text: &str) -> Vec<Secret> {
    let in_comment = |at: usize| {
        let line = text.get(..at).and_then(|before| before.rsplit('\n').next()).unwrap_or_default().trim_start();
        ["#", "//", "!", ";", "--"].iter().any(|mark| line.starts_with(mark))
    };
    let keys = syntax::keys(text).into_iter().filter(|range| !in_comment(range.start));
    let keys = keys.filter_map(|range| text.get(range)).flat_map(|key| key.lines().map(str::trim));
    keys.filter(|key| !key.is_empty()).map(Secret::from).collect()
}

/// A line of a scenario file with the keys in it made unreadable, and no other character moved: a caret points at it.
#[must_use]
pub(crate) fn without_keys(line: &str) -> String {
    replaced(line, |_| true, |key| "•".repeat(key.chars().count()))
}

fn replaced(text: &str, is_key: impl Fn(&str) -> bool, by: impl Fn(&str) -> String) -> String {
    let (mut shown, mut from) = (String::new(), 0);
    for range in syntax::keys(text) {
        let key = text.get(range.clone()).unwrap_or_default();
        if is_key(key) {
            shown.push_str(text.get(from..range.start).unwrap_or_default());
            shown.push_str(&by(key));
            from = range.end;
        }
    }
    shown + text.get(from..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_text_can_be_shown(text in "[a-z \"'=:(){};,\\\\\n\r\t•]{0,20}(password|key|md5|secret|webserver\\(|-----BEGIN PRIVATE KEY-----)\\PC{0,30}") {
            prop_assert_eq!(without_keys(&text).chars().count(), text.chars().count());
            prop_assert!(without_passwords(&text).len() <= text.len() + 20 * SHOWN.len());
        }

        #[test]
        fn no_key_survives_in_any_daemons_syntax(key in "[A-Z][A-Z0-9+/]{0,30}={0,2}", nth in 0..SYNTAXES.len()) {
            let text = SYNTAXES[nth].replace("KEY", &key);
            let shown = without_passwords(&format!("asn 1;\n{text}\nasn 2;\n"));
            let expected = format!("asn 1;\n{}\nasn 2;\n", SYNTAXES[nth].replace("KEY", SHOWN));
            prop_assert_eq!(shown, expected);
        }
    }

    const SYNTAXES: [&str; 12] = [
        "md5 \"KEY\";",
        "md5-password 'KEY';",
        "md5-password KEY;",
        "password \"KEY\" { id 1; };",
        "secret \"KEY\";",
        " neighbor 10.0.0.1 password KEY",
        "  key-string KEY",
        "secret KEY;",
        "auth_pass KEY",
        "setKey(\"KEY\")",
        "api-key=KEY",
        "  api_key: KEY",
    ];

    #[test]
    fn a_secret_is_never_written() {
        let secret = Secret::from("the key");
        assert_eq!(format!("{secret} {secret:?}"), "••• •••");
        assert_eq!(serde_json::to_string(&secret).expect("JSON"), "\"•••\"");
        assert_eq!(redact("it is the key", &[secret]), "it is •••");
        assert_eq!(redact("text", &[Secret::from("")]), "text");
    }

    #[test]
    fn a_key_in_a_scenario_file_is_covered_in_place() {
        for (written, shown) in [
            (
                "peers.router = { md5 = \"k y\", hold-time = \"9s\" }",
                "peers.router = { md5 = \"•••\", hold-time = \"9s\" }",
            ),
            ("a.md5='k'\tb.md5 = 17", "a.md5='•'\tb.md5 = ••"),
            ("md5-base64 = true", "md5-base64 = true"),
            ("md5 = \"never ended", "md5 = \"•••••••••••"),
            ("asn = 1", "asn = 1"),
        ] {
            assert_eq!(without_keys(written), shown);
        }
        let error = toml::from_str::<std::collections::BTreeMap<String, Secret>>("md5 = 4711").expect_err("no text");
        assert!(!error.message().contains("4711"), "{error}");
    }

    #[test]
    fn passwords_of_given_files_are_not_shown() {
        for (given, shown) in [
            // ExaBGP 3.4, 4 and 5.
            ("  md5-password 'k e y';\n", "  md5-password '•••';\n"),
            ("  md5-password key;\n  md5-base64 false;\n", "  md5-password •••;\n  md5-base64 false;\n"),
            ("\tmd5 \"key\";", "\tmd5 \"•••\";"),
            ("\tmd5 key;", "\tmd5 •••;"),
            ("md5-password\n\t'key';", "md5-password\n\t'•••';"),
            // BIRD 2 and 3.
            ("\tpassword \"key\"; hold time 9;", "\tpassword \"•••\"; hold time 9;"),
            ("authentication md5; password \"key\" { id 1; };", "authentication md5; password \"•••\" { id 1; };"),
            (
                "authentication ao; keys { key { id 0; secret \"key\"; algorithm hmac sha1; }; };",
                "authentication ao; keys { key { id 0; secret \"•••\"; algorithm hmac sha1; }; };",
            ),
            ("password hex:00:11;", "password •••;"),
            ("passwords {\n password \"a\\\"b\";\n}", "passwords {\n password \"•••\";\n}"),
            // FRR.
            ("password key\nenable password key\n", "password •••\nenable password •••\n"),
            (" neighbor 10.0.0.1 password k;e y\n", " neighbor 10.0.0.1 password •••\n"),
            (" ip ospf message-digest-key 1 md5 key", " ip ospf message-digest-key 1 md5 •••"),
            (" ip ospf authentication-key key", " ip ospf authentication-key •••"),
            ("  key-string key", "  key-string •••"),
            (" ip rip authentication string key", " ip rip authentication string •••"),
            (" isis password clear key", " isis password •••"),
            ("service password-encryption\nrouter bgp 1", "service password-encryption\nrouter bgp 1"),
            // named and rndc, NSD, Knot.
            (
                "key \"name\" { algorithm hmac-md5; secret \"a2V5\"; };",
                "key \"name\" { algorithm hmac-md5; secret \"•••\"; };",
            ),
            ("key name { secret a2V5==; };", "key name { secret •••; };"),
            ("  secret: \"a2V5\"\n", "  secret: \"•••\"\n"),
            ("Private-key-format: v1.3\nPrivateKey: a2V5\n", "Private-key-format: v1.3\nPrivateKey: •••\n"),
            // keepalived.
            ("\tauth_type PASS\n\tauth_pass key\n", "\tauth_type PASS\n\tauth_pass •••\n"),
            // dnsdist.
            ("setKey(\"a2V5\")\ncontrolSocket('127.0.0.1:5199')", "setKey(\"•••\")\ncontrolSocket('127.0.0.1:5199')"),
            ("newServer({address=\"10.0.0.1\", key=\"k\"})", "newServer({address=\"10.0.0.1\", key=\"•••\"})"),
            ("webserver(\"127.0.0.1:8083\", \"pw\", \"key\")", "webserver(\"127.0.0.1:8083\", \"•••\", \"•••\")"),
            (
                "setWebserverConfig({password=\"p\", apiKey='k'})",
                "setWebserverConfig({password=\"•••\", apiKey='•••'})",
            ),
            // PowerDNS.
            ("api-key=key\nwebserver-password=k,e y\n", "api-key=•••\nwebserver-password=•••\n"),
            ("  api_key: key\n  password: key\n", "  api_key: •••\n  password: •••\n"),
            ("gmysql-password=key\ntsig=a:b:key", "gmysql-password=•••\ntsig=•••"),
            // JSON, TOML, a shell, PEM.
            ("{ \"password\" : \"key\", \"a\": 1 }", "{ \"password\" : \"•••\", \"a\": 1 }"),
            ("db.secret_token_2 = \"\"\"k\ney\"\"\"\na = 1", "db.secret_token_2 = \"\"\"•••\"\"\"\na = 1"),
            ("checker --api-key=key", "checker --api-key=•••"),
            (
                "-----BEGIN RSA PRIVATE KEY-----\na2V5\na2V5\n-----END RSA PRIVATE KEY-----\n",
                "-----BEGIN RSA PRIVATE KEY-----\n•••\n-----END RSA PRIVATE KEY-----\n",
            ),
            // What is no key.
            ("asn 1;\n", "asn 1;\n"),
            ("key \"rndc-key\";\nallow { key rndc-key; };", "key \"rndc-key\";\nallow { key rndc-key; };"),
            ("algorithm hmac-md5;", "algorithm hmac-md5;"),
            ("md5-base64 true;", "md5-base64 true;"),
            ("tls-key-file: /etc/key.pem", "tls-key-file: /etc/key.pem"),
        ] {
            assert_eq!(without_passwords(given), shown);
        }
    }

    #[test]
    fn a_short_key_is_a_word_unless_it_stands_as_a_key() {
        let secrets = [Secret::from("a"), Secret::from("bird")];
        let text = "a bird has started: line 3: unexpected md5-password \"bird\", password a; password abc";
        let shown = "a bird has started: line 3: unexpected md5-password \"•••\", password •••";
        assert_eq!(redact(text, &secrets), shown);
        assert_eq!(redact("a bird", &secrets), "a bird");
        assert_eq!(redact("password abc", &secrets), "password abc");
    }

    #[test]
    fn keys_of_a_file_are_found_and_those_of_comments_are_not() {
        let text = "# password of the peer\npassword \"sesame\";\nsecret other;\n";
        assert_eq!(keys_of(text), [Secret::from("sesame"), Secret::from("other")]);
    }
}
