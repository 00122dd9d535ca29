//! What is in force, and what it means for the next query.

use std::fmt;
use std::time::Duration;

use hickory_proto::rr::LowerName;

use super::{Behaviour, Command, Effect, Serial, Transport};

/// A query, as far as it matters.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// How it came.
    pub transport: Transport,
    /// The name that it asks about; none when it does not ask about one.
    pub name: Option<&'a LowerName>,
}

/// What becomes of the answer to one query; the default is that it is as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Decision {
    /// There is none.
    pub silent: bool,
    /// It comes so much later.
    pub delay: Duration,
    /// It is SERVFAIL, REFUSED, NODATA or NXDOMAIN.
    pub instead: Option<Effect>,
    /// The serial in its SOA records: this one, or so much more.
    pub serial: Option<Serial>,
    /// Nothing but TC.
    pub truncated: bool,
    /// Without AA.
    pub no_aa: bool,
}

/// All that is in force, oldest first.
#[derive(Debug, Clone, Default)]
pub struct Force(Vec<Rule>);

#[derive(Debug, Clone)]
struct Rule {
    behaviour: Behaviour,
    /// Queries that it met.
    met: u64,
    /// Those that it struck.
    struck: u32,
    /// See [`super::Share::diffuse`].
    carry: u32,
}

impl Force {
    /// Does as told.
    pub fn tell(&mut self, command: Command) {
        match command {
            Command::Show => {}
            Command::Reset => self.0.clear(),
            Command::End(behaviour) => self.0.retain(|rule| !rule.behaviour.is_like(&behaviour)),
            Command::Begin(behaviour) => {
                self.0.retain(|rule| !rule.behaviour.is_like(&behaviour));
                self.0.push(Rule { behaviour, met: 0, struck: 0, carry: 0 });
            }
        }
    }

    /// What becomes of the answer to the next query.
    pub fn decide(&mut self, asked: &Asked<'_>) -> Decision {
        let mut decision = Decision::default();
        for rule in self.0.iter_mut().filter(|rule| rule.behaviour.meets(asked)) {
            rule.strike(&mut decision);
        }
        decision
    }
}

impl Rule {
    fn strike(&mut self, decision: &mut Decision) {
        let Behaviour { effect, share, seed, .. } = self.behaviour;
        let query = self.met;
        self.met += 1;
        let hit = match seed {
            None => share.diffuse(&mut self.carry),
            Some(seed) => share.includes(unit(seed, 2 * query)),
        };
        if !hit {
            return;
        }
        self.struck = self.struck.wrapping_add(1);
        match effect {
            Effect::Silence => decision.silent = true,
            Effect::Delay(delay) => decision.delay = delay.draw(unit(seed.unwrap_or(0), 2 * query + 1)),
            Effect::ServFail | Effect::Refuse | Effect::NoData | Effect::NxDomain => decision.instead = Some(effect),
            Effect::Serial(Serial::Fixed(serial)) => decision.serial = Some(Serial::Fixed(serial)),
            Effect::Serial(Serial::Jump(step)) => {
                decision.serial = Some(Serial::Jump(step.wrapping_mul(self.struck)));
            }
            Effect::Truncate => decision.truncated = true,
            Effect::NoAa => decision.no_aa = true,
        }
    }
}

/// The n-th number in [0, 1) of the series that belongs to the seed: SplitMix64, which can begin anywhere.
fn unit(seed: u64, n: u64) -> f64 {
    const GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;
    let mut z = seed.wrapping_mul(GAMMA).rotate_left(32).wrapping_add(n.wrapping_add(1).wrapping_mul(GAMMA));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^= z >> 31;
    // 53 bits are what a float holds.
    (z >> 11) as f64 / (1_u64 << 53) as f64
}

/// A line each, `in force: mute udp`.
impl fmt::Display for Force {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return writeln!(f, "in force: nothing");
        }
        self.0.iter().try_for_each(|rule| writeln!(f, "in force: {}", rule.behaviour))
    }
}

#[cfg(test)]
mod tests {
    use hickory_proto::rr::Name;
    use proptest::prelude::*;

    use super::*;

    fn told(commands: &[&str]) -> Force {
        let mut force = Force::default();
        for command in commands {
            force.tell(command.parse().unwrap());
        }
        force
    }

    fn decide(force: &mut Force, transport: Transport, name: &str) -> Decision {
        let name = Name::from_ascii(name).unwrap().into();
        force.decide(&Asked { transport, name: Some(&name) })
    }

    fn udp(force: &mut Force) -> Decision {
        decide(force, Transport::Udp, "example.test.")
    }

    #[test]
    fn only_the_queries_that_are_meant() {
        let mut force = told(&["mute udp", "nodata for www.example.test", "truncate"]);
        let www = decide(&mut force, Transport::Tcp, "www.example.test.");
        assert_eq!(www, Decision { instead: Some(Effect::NoData), ..Decision::default() });
        assert_eq!(udp(&mut force), Decision { silent: true, truncated: true, ..Decision::default() });
    }

    #[test]
    fn like_replaces_like_and_the_later_one_wins() {
        let mut force = told(&["servfail", "delay 1s", "refuse", "delay 2s", "serial 7", "servfail 50% tcp"]);
        let all = "in force: servfail\nin force: refuse\nin force: delay 2s\nin force: serial 7\nin force: servfail 50% tcp\n";
        assert_eq!(force.to_string(), all);
        let decision = udp(&mut force);
        assert_eq!(decision.instead, Some(Effect::Refuse));
        assert_eq!(decision.delay, Duration::from_secs(2));
        force.tell("reset delay 9s".parse().unwrap());
        force.tell("reset mute".parse().unwrap());
        assert_eq!(udp(&mut force).delay, Duration::ZERO);
        force.tell("show".parse().unwrap());
        assert_eq!(udp(&mut force).instead, Some(Effect::Refuse));
        force.tell("reset".parse().unwrap());
        assert_eq!(udp(&mut force), Decision::default());
        assert_eq!(force.to_string(), "in force: nothing\n");
    }

    #[test]
    fn a_share_counts_only_the_queries_that_it_met() {
        let mut force = told(&["drop 50% udp"]);
        let silent = [Transport::Udp, Transport::Tcp, Transport::Udp, Transport::Tcp, Transport::Udp, Transport::Udp]
            .map(|transport| decide(&mut force, transport, "a.test.").silent);
        assert_eq!(silent, [false, false, true, false, false, true]);
    }

    #[test]
    fn a_serial_jumps_at_every_answer() {
        let mut force = told(&["serial +10"]);
        let serials: Vec<_> = (0..3).map(|_| udp(&mut force).serial).collect();
        assert_eq!(serials, [Some(Serial::Jump(10)), Some(Serial::Jump(20)), Some(Serial::Jump(30))]);
    }

    #[test]
    fn a_drawn_share_and_a_drawn_delay_are_about_right() {
        const QUERIES: u32 = 20_000;
        let mut force = told(&["drop 30% seed 5", "delay exponential 100ms seed 5"]);
        let decisions: Vec<_> = (0..QUERIES).map(|_| udp(&mut force)).collect();
        let silent = decisions.iter().filter(|decision| decision.silent).count();
        assert!((5_700..6_300).contains(&silent), "{silent}");
        let mean = decisions.iter().map(|decision| decision.delay).sum::<Duration>() / QUERIES;
        assert!((95..105).contains(&mean.as_millis()), "{mean:?}");
    }

    proptest! {
        #[test]
        fn the_same_seed_gives_the_same_series(seed: u64, other: u64) {
            let series = |seed: u64| {
                let mut force = told(&[&format!("drop 50% seed {seed}"), &format!("delay 0s..1s seed {seed}")]);
                (0..64).map(|_| udp(&mut force)).collect::<Vec<_>>()
            };
            prop_assert_eq!(series(seed), series(seed));
            prop_assert_eq!(series(seed) == series(other), seed == other);
        }

        #[test]
        fn delays_stay_between_their_ends(seed: u64, queries in 1_usize..50) {
            let mut force = told(&[&format!("delay 10ms..20ms seed {seed}")]);
            for _ in 0..queries {
                prop_assert!((10..=20).contains(&udp(&mut force).delay.as_millis()));
            }
        }
    }
}
