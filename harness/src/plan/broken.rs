//! What is broken at each step of a scenario: a fault that finds its daemon dead, or itself in force, is refused before the run.

use crate::fault::Fault;
use crate::value::Role;

/// The faults in force, with the number of the step that injected each, counted from 1.
#[derive(Default)]
pub(super) struct Broken<'s>(Vec<(usize, &'s Fault)>);

impl<'s> Broken<'s> {
    /// Injects a fault.
    ///
    /// # Errors
    /// It is in force already, or the daemon that it is about was ended by an earlier fault.
    pub(super) fn inject(&mut self, step: usize, fault: &'s Fault) -> Result<(), String> {
        let here = || self.0.iter().filter(|(_, before)| before.on == fault.on);
        if let Some((number, _)) = here().find(|(_, before)| *before == fault) {
            return Err(format!("step {number} did this already: expected `heal = \"all\"` between the two"));
        }
        let ended =
            |role: &Role| here().find(|(_, before)| before.ends(*role)).map(|(number, before)| (*role, number, before));
        let needed = Role::ALL.iter().filter(|role| fault.needs(**role));
        if let Some((role, number, before)) = needed.filter_map(ended).next() {
            return Err(format!(
                "its {role} does not run: step {number} (`{before}`) ended it; expected `heal = \"all\"` between the two"
            ));
        }
        self.0.push((step, fault));
        Ok(())
    }

    /// Mends everything.
    pub(super) fn heal(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::{Answers, Breaks, Cut, Hang, Kill, Machine, Shutdown, Stop};

    fn inject(faults: &[Fault]) -> Result<(), String> {
        let mut broken = Broken::default();
        faults.iter().enumerate().try_for_each(|(nth, fault)| broken.inject(nth + 1, fault))
    }

    fn on(breaks: Breaks) -> Fault {
        Fault::on("ns1", breaks)
    }

    fn kill(role: Role) -> Fault {
        on(Breaks::Kill(Kill(role)))
    }

    #[test]
    fn a_dead_daemon_is_neither_killed_nor_told_anything() {
        let dead = |first: Fault, then: Breaks| inject(&[first, on(then)]).expect_err("it does not run");
        let expected = "its resolver does not run: step 1 (`kill resolver on ns1`) ended it; \
                        expected `heal = \"all\"` between the two";
        assert_eq!(dead(kill(Role::Resolver), Breaks::Stop(Stop(Role::Resolver))), expected);
        assert_eq!(dead(kill(Role::Resolver), Breaks::Answers(Answers("mute".to_owned()))), expected);
        let crash = on(Breaks::Machine(Machine::Crash));
        assert!(dead(crash.clone(), Breaks::Hang(Hang(Role::Speaker))).starts_with("its speaker does not run"));
        assert!(dead(crash, Breaks::Shutdown(Shutdown("router".to_owned()))).contains("does not run"));
    }

    #[test]
    fn what_is_in_force_is_not_done_twice() {
        let twice = |fault: Fault| inject(&[fault.clone(), fault]).expect_err("it is in force");
        let expected = "step 1 did this already: expected `heal = \"all\"` between the two";
        assert_eq!(twice(kill(Role::Resolver)), expected);
        assert_eq!(twice(on(Breaks::Cut(Cut("servers".to_owned())))), expected);
    }

    #[test]
    fn other_faults_go_together() {
        let hang = || on(Breaks::Hang(Hang(Role::Resolver)));
        assert_eq!(inject(&[hang(), on(Breaks::Stop(Stop(Role::Resolver)))]), Ok(()));
        assert_eq!(inject(&[kill(Role::Resolver), kill(Role::Speaker)]), Ok(()));
        assert_eq!(inject(&[kill(Role::Resolver), Fault::on("ns2", Breaks::Kill(Kill(Role::Resolver)))]), Ok(()));
        let mut broken = Broken::default();
        let fault = kill(Role::Resolver);
        assert_eq!(broken.inject(1, &fault), Ok(()));
        broken.heal();
        assert_eq!(broken.inject(3, &fault), Ok(()));
    }
}
