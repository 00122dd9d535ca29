//! Marks: a barrier through every observer. A mark is done when each observer has reported all that the kernel had queued for it when
//! the mark came. An observer joins [`Marks`], receives a [`Pass`] for each mark, and drops it when its reports are out.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, timeout_at};

/// How long each stage of a mark may take. A daemon that hangs has no answer for a second, twice at worst: once for the question that is
/// under way, once for the mark's own.
pub(crate) const PATIENCE: Duration = Duration::from_secs(3);

/// When an observer's turn is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// First those that read what the kernel has queued.
    Kernel,
    /// Then those that ask daemons: what they find may follow from what the kernel had queued.
    Daemons,
}

/// All observers that a mark passes through.
#[derive(Clone, Default)]
pub(crate) struct Marks(Arc<Mutex<Members>>);

#[derive(Default)]
struct Members {
    next: u64,
    members: BTreeMap<u64, Member>,
}

struct Member {
    name: String,
    stage: Stage,
    tell: Box<dyn Fn(Pass) + Send>,
}

/// An observer's membership, which ends when it is dropped.
pub(crate) struct Membership {
    marks: Marks,
    id: u64,
}

/// A mark at one observer: dropped when the observer has let it pass.
#[derive(Debug)]
pub(crate) struct Pass {
    id: u64,
    passed: UnboundedSender<u64>,
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.passed.send(self.id).ok();
    }
}

/// The marks that come to an observer that is a task.
pub(crate) struct Passes {
    coming: UnboundedReceiver<Pass>,
    _membership: Membership,
}

impl Passes {
    /// The next mark.
    pub(crate) async fn next(&mut self) -> Pass {
        match self.coming.recv().await {
            Some(pass) => pass,
            // The sender lives in the membership.
            None => std::future::pending().await,
        }
    }

    /// The next mark, if one has come.
    pub(crate) fn try_next(&mut self) -> Option<Pass> {
        self.coming.try_recv().ok()
    }
}

impl Marks {
    /// Adds an observer that calls for its marks itself.
    pub(crate) fn join(&self, stage: Stage, name: impl Into<String>) -> Passes {
        let (sender, coming) = unbounded_channel();
        let tell = move |pass| drop(sender.send(pass));
        Passes { coming, _membership: self.join_with(stage, name, tell) }
    }

    /// Adds an observer that `tell` passes marks to. `tell` must not wait.
    pub(crate) fn join_with(
        &self,
        stage: Stage,
        name: impl Into<String>,
        tell: impl Fn(Pass) + Send + 'static,
    ) -> Membership {
        let mut members = self.members();
        let id = members.next;
        members.next += 1;
        members.members.insert(id, Member { name: name.into(), stage, tell: Box::new(tell) });
        Membership { marks: self.clone(), id }
    }

    /// Passes a mark through every observer of a stage; returns the names of those that have not let it pass after `patience`.
    pub(crate) async fn pass(&self, stage: Stage, patience: Duration) -> Vec<String> {
        let until = Instant::now() + patience;
        let (passed, mut done) = unbounded_channel();
        let mut waiting = BTreeMap::new();
        {
            let members = self.members();
            for (&id, member) in members.members.iter().filter(|(_, member)| member.stage == stage) {
                waiting.insert(id, member.name.clone());
                (member.tell)(Pass { id, passed: passed.clone() });
            }
        }
        drop(passed);
        while !waiting.is_empty() {
            match timeout_at(until, done.recv()).await {
                Ok(Some(id)) => drop(waiting.remove(&id)),
                Ok(None) | Err(_) => break,
            }
        }
        waiting.into_values().collect()
    }

    fn members(&self) -> MutexGuard<'_, Members> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        // Outside of the lock: a member may hold marks, whose end needs no lock, or other members.
        let member = self.marks.members().members.remove(&self.id);
        drop(member);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_mark_waits_for_every_observer_of_its_stage_and_for_no_other() {
        let marks = Marks::default();
        let mut kernel = [marks.join(Stage::Kernel, "one"), marks.join(Stage::Kernel, "two")];
        let _daemon = marks.join(Stage::Daemons, "rib");
        let (patience, observe) = (Duration::from_secs(60), async {
            for observer in &mut kernel {
                drop(observer.next().await);
            }
        });
        let (late, ()) = tokio::join!(marks.pass(Stage::Kernel, patience), observe);
        assert_eq!(late, [""; 0]);
    }

    #[tokio::test]
    async fn an_observer_that_does_not_settle_is_named() {
        let marks = Marks::default();
        let (mut held, _silent) = (marks.join(Stage::Kernel, "held"), marks.join(Stage::Kernel, "silent"));
        let mut quick = marks.join(Stage::Kernel, "quick");
        let (late, (_pass, ())) = tokio::join!(marks.pass(Stage::Kernel, Duration::from_millis(20)), async {
            drop(quick.next().await);
            (held.next().await, ())
        });
        assert_eq!(late, ["held", "silent"]);
    }

    #[tokio::test]
    async fn an_observer_that_has_ended_is_not_waited_for() {
        let marks = Marks::default();
        drop(marks.join(Stage::Kernel, "before"));
        let during = marks.join(Stage::Kernel, "during");
        let (late, ()) = tokio::join!(marks.pass(Stage::Kernel, Duration::from_secs(60)), async { drop(during) });
        assert_eq!(late, [""; 0]);
    }
}
