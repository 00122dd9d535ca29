//! Commands, read from text.

use std::str::FromStr;

use super::{Behaviour, Delay, Effect, Names, Serial, Share, Transport};
use crate::span::Span;

/// A command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Say what is in force.
    Show,
    /// Nothing is in force any more.
    Reset,
    /// This is in force no more.
    End(Behaviour),
    /// This is in force.
    Begin(Behaviour),
}

/// A command that was not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot read `{command}`: {problem}\nhint: `anycast-hickory tell --help` lists all commands")]
pub struct Misread {
    /// The command.
    pub command: String,
    /// What is wrong with it.
    pub problem: String,
}

impl FromStr for Command {
    type Err = Misread;

    fn from_str(text: &str) -> Result<Self, Misread> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let command = match words.as_slice() {
            ["show"] => Ok(Self::Show),
            ["reset"] => Ok(Self::Reset),
            ["reset", rest @ ..] => behaviour(rest).map(Self::End),
            words => behaviour(words).map(Self::Begin),
        };
        command.map_err(|problem| Misread { command: text.trim().to_owned(), problem })
    }
}

fn behaviour(words: &[&str]) -> Result<Behaviour, String> {
    let (effect, mut rest) = effect(words)?;
    let mut read = Behaviour { effect, share: Share::ALL, seed: None, transport: None, names: Names::default() };
    while let [word, more @ ..] = rest {
        rest = more;
        match (*word, more) {
            ("udp", _) if read.transport.is_none() => read.transport = Some(Transport::Udp),
            ("tcp", _) if read.transport.is_none() => read.transport = Some(Transport::Tcp),
            ("seed", [seed, more @ ..]) if read.seed.is_none() => {
                read.seed = Some(number(seed)?);
                rest = more;
            }
            ("for", [_, ..]) => {
                read.names = Names::read(more)?;
                rest = &[];
            }
            ("for", []) => return Err("`for` is followed by names".to_owned()),
            (word, _) => match word.strip_suffix('%') {
                Some(percent) if read.share == Share::ALL => read.share = percent.parse()?,
                _ => return Err(unexpected(word)),
            },
        }
    }
    if read.effect == Effect::Truncate && read.transport == Some(Transport::Tcp) {
        return Err("nothing is truncated over TCP".to_owned());
    }
    Ok(read)
}

fn effect<'w, 't>(words: &'w [&'t str]) -> Result<(Effect, &'w [&'t str]), String> {
    Ok(match words {
        ["mute" | "drop", rest @ ..] => (Effect::Silence, rest),
        ["delay", "exponential", mean, rest @ ..] => (Effect::Delay(Delay::Exponential(mean.parse()?)), rest),
        ["delay", span, rest @ ..] => (Effect::Delay(delay(span)?), rest),
        ["servfail", rest @ ..] => (Effect::ServFail, rest),
        ["refuse", rest @ ..] => (Effect::Refuse, rest),
        ["nodata", rest @ ..] => (Effect::NoData, rest),
        ["nxdomain", rest @ ..] => (Effect::NxDomain, rest),
        ["serial", serial, rest @ ..] => match serial.strip_prefix('+') {
            Some(step) => (Effect::Serial(Serial::Jump(number(step)?)), rest),
            None => (Effect::Serial(Serial::Fixed(number(serial)?)), rest),
        },
        ["truncate", rest @ ..] => (Effect::Truncate, rest),
        ["no-aa", rest @ ..] => (Effect::NoAa, rest),
        ["delay"] => return Err("`delay` is followed by a time span, such as 200ms or 10ms..200ms".to_owned()),
        ["serial"] => return Err("`serial` is followed by a number, or by + and a number".to_owned()),
        [word, ..] => {
            return Err(format!(
                "there is no `{word}`: expected show, reset, mute, drop, delay, servfail, refuse, nodata, nxdomain, serial, \
                 truncate or no-aa"
            ));
        }
        [] => return Err("there is nothing".to_owned()),
    })
}

fn delay(text: &str) -> Result<Delay, String> {
    let Some((low, high)) = text.split_once("..") else { return Ok(Delay::Fixed(text.parse()?)) };
    let (low, high): (Span, Span) = (low.parse()?, high.parse()?);
    if low > high {
        return Err(format!("`{text}` ends before it begins"));
    }
    Ok(Delay::Uniform(low, high))
}

fn number<N: FromStr>(text: &str) -> Result<N, String> {
    let digits = text.bytes().all(|octet| octet.is_ascii_digit());
    text.parse().ok().filter(|_| digits).ok_or_else(|| format!("`{text}` is not a number that fits"))
}

fn unexpected(word: &str) -> String {
    format!(
        "unexpected `{word}`: after the effect come a share such as 50%, `seed N`, `udp` or `tcp`, and `for NAME ...`"
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("mute", "mute")]
    #[case("drop 100%", "mute")]
    #[case("mute udp", "mute udp")]
    #[case("drop 30% tcp for a.test b.test", "drop 30% tcp for a.test b.test")]
    #[case("delay 200ms", "delay 200ms")]
    #[case("delay 1500ms udp", "delay 1500ms udp")]
    #[case("delay 10ms..0.2s seed 7", "delay 10ms..200ms seed 7")]
    #[case("delay exponential 50ms seed 1", "delay exponential 50ms seed 1")]
    #[case("servfail udp 12.50%", "servfail 12.5% udp")]
    #[case("refuse 50% seed 3 for WWW.Example.test.", "refuse 50% seed 3 for www.example.test")]
    #[case("nodata for *.example.test", "nodata for *.example.test")]
    #[case("  nxdomain\tfor .", "nxdomain for .")]
    #[case("serial 7", "serial 7")]
    #[case("serial +1000", "serial +1000")]
    #[case("truncate", "truncate")]
    #[case("no-aa 50%", "no-aa 50%")]
    fn commands_read_and_print(#[case] text: &str, #[case] printed: &str) {
        let Ok(Command::Begin(behaviour)) = text.parse() else { panic!("{:?}", text.parse::<Command>()) };
        assert_eq!(behaviour.to_string(), printed);
        assert_eq!(printed.parse(), Ok(Command::Begin(behaviour.clone())), "what is printed reads back");
        assert_eq!(format!("reset {text}").parse(), Ok(Command::End(behaviour)));
    }

    #[rstest]
    #[case("", "there is nothing")]
    #[case("mutte udp", "there is no `mutte`")]
    #[case("reset mutte", "there is no `mutte`")]
    #[case("show all", "there is no `show`")]
    #[case("mute udp tcp", "unexpected `tcp`")]
    #[case("mute 50% 20%", "unexpected `20%`")]
    #[case("mute on udp", "unexpected `on`")]
    #[case("drop 0%", "`0%` is not a share")]
    #[case("delay", "followed by a time span")]
    #[case("delay 5", "`5` is not a time span")]
    #[case("delay 2s..1s", "ends before it begins")]
    #[case("serial", "followed by a number")]
    #[case("serial 4294967296", "not a number that fits")]
    #[case("serial ++1", "not a number that fits")]
    #[case("servfail seed x", "`x` is not a number")]
    #[case("truncate tcp", "nothing is truncated over TCP")]
    #[case("nodata for", "`for` is followed by names")]
    #[case("nodata for a..b", "`a..b` is not a name")]
    fn what_is_wrong_is_said(#[case] text: &str, #[case] problem: &str) {
        let error = text.parse::<Command>().unwrap_err().to_string();
        assert!(error.contains(problem) && error.contains("hint: "), "{error}");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,60}") {
            if let Ok(Command::Begin(behaviour)) = text.parse::<Command>() {
                prop_assert_eq!(behaviour.to_string().parse(), Ok(Command::Begin(behaviour)));
            }
        }
    }
}
