//! Wakes an observer's thread that waits in poll(2), and hands it marks.

use std::mem;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Mutex, PoisonError};

use nix::sys::eventfd::{EfdFlags, EventFd};

use crate::mark::Pass;

/// A descriptor that is readable when something was left behind it.
pub(crate) struct Bell<T> {
    event: EventFd,
    left: Mutex<Vec<T>>,
}

/// A bell that announces marks.
pub(crate) type MarkBell = Bell<Pass>;

impl<T> Bell<T> {
    pub(crate) fn new() -> nix::Result<Arc<Self>> {
        let event = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?;
        Ok(Arc::new(Self { event, left: Mutex::default() }))
    }

    /// Leaves something, and wakes the thread.
    pub(crate) fn ring(&self, what: T) {
        self.left.lock().unwrap_or_else(PoisonError::into_inner).push(what);
        // It fails only when the counter is full, and then the thread is awake.
        self.event.write(1).ok();
    }

    /// All that was left.
    pub(crate) fn answer(&self) -> Vec<T> {
        self.event.read().ok();
        mem::take(&mut *self.left.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<T> AsFd for Bell<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.event.as_fd()
    }
}
