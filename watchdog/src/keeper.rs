//! The lease: a process that does nothing but see whether the watching one lives.
//!
//! The program starts itself once more. The child watches, and shows a sign of life over a pipe. When it hangs it is killed, and
//! when it has died another is started, whose first words withdraw. So routes are left standing for the length of the lease
//! at the most. When the keeper is killed the kernel ends the child, which withdraws.
//!
//! A sign of life is the time at which it was given. The keeper sleeps until the lease that began with the last one is over, and only
//! then looks whether there is a later one: it wakes up about once in a lease, not at every sign.

use std::env;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitCode, ExitStatus};
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{SigSet, SigmaskHow, Signal, kill, sigprocmask};
use nix::sys::signalfd::SignalFd;
use nix::time::{ClockId, clock_gettime};
use nix::unistd::{Pid, close, getppid, pipe2};

/// By this the child knows the number of its end of the pipe.
const PIPE: &str = "ANYCAST_WATCHDOG_LEASE";

/// By this, its parent.
const KEEPER: &str = "ANYCAST_WATCHDOG_KEEPER";

/// Signs of life in the time of one lease.
const BEATS: u32 = 4;

/// The bytes of one.
const BEAT: usize = size_of::<u64>();

/// From the death of one child to the start of the next: the first is at once.
const PAUSES: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(10)];

/// A child that has lived so long did not die of how it was started.
const LIVED: Duration = Duration::from_secs(60);

/// What is told to end has so long to say farewell.
const FAREWELL: Duration = Duration::from_secs(2);

/// The child's side.
#[derive(Debug)]
pub struct Lease {
    pipe: File,
    length: Duration,
    renewed: Option<Instant>,
}

impl Lease {
    /// The pipe of the lease that we live by, if we are the child. From now on our parent's end ends us.
    ///
    /// # Errors
    /// When the pipe is not there, or the parent is gone already.
    pub fn pipe_from_env() -> io::Result<Option<File>> {
        let (Ok(number), Ok(keeper)) = (env::var(PIPE), env::var(KEEPER)) else { return Ok(None) };
        set_pdeathsig(Signal::SIGTERM)?;
        // The keeper has blocked what it hands on, and we were started like that.
        sigprocmask(SigmaskHow::SIG_UNBLOCK, Some(&handed_on()), None)?;
        if getppid().to_string() != keeper {
            return Err(io::Error::other("the keeper is gone"));
        }
        let number: RawFd = number.parse().map_err(io::Error::other)?;
        let again = Path::new("/proc/self/fd").join(number.to_string());
        let pipe = OpenOptions::new().write(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(again)?;
        // The commands that we start must not hold it when we are gone.
        close(number)?;
        Ok(Some(pipe))
    }

    /// A lease of that length, renewed over the pipe.
    #[must_use]
    pub fn new(pipe: File, length: Duration) -> Self {
        Self { pipe, length, renewed: None }
    }

    /// A sign of life; to be called whenever we are awake: it is given when about half the time to the next one is over.
    pub fn renew(&mut self) {
        let now = Instant::now();
        if self.renewed.is_none_or(|renewed| renewed + self.length / BEATS / 2 <= now) {
            self.renewed = Some(now);
            let now = u64::try_from(clock().as_nanos()).unwrap_or_default();
            // Full: the keeper does not run, and has nothing to say. Gone: the kernel has told us, too.
            self.pipe.write_all(&now.to_ne_bytes()).ok();
        }
    }

    /// When a sign of life is due, if nothing else wakes us before.
    #[must_use]
    pub fn due(&self) -> Instant {
        self.renewed.map_or_else(Instant::now, |renewed| renewed + self.length / BEATS)
    }
}

/// A clock that both processes have (`clock_gettime(2)`).
fn clock() -> Duration {
    clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(Duration::ZERO, Duration::from)
}

/// Why a child is no more.
enum End {
    Exited(ExitStatus),
    Hung,
}

/// Starts the child, over and over, until it ends of its own will or we are told to end.
///
/// # Errors
/// When it cannot be started.
pub fn keep(lease: Duration) -> io::Result<ExitCode> {
    sigprocmask(SigmaskHow::SIG_BLOCK, Some(&handed_on()), None)?;
    let signals = SignalFd::new(&handed_on())?;
    let [shortest, longest] = PAUSES;
    let mut pause = Duration::ZERO;
    let mut pending = None;
    loop {
        let born = Instant::now();
        let (mut child, mut beats) = start()?;
        let why = match watch(&mut child, &mut beats, &signals, lease, pending)? {
            End::Exited(status) => match status.code() {
                // It has said farewell by itself.
                Some(code @ 0..=99) => return Ok(ExitCode::from(u8::try_from(code).unwrap_or(1))),
                Some(code) => format!("ended with status {code}"),
                None => format!("was killed by signal {}", status.signal().unwrap_or_default()),
            },
            End::Hung => {
                child.kill()?;
                child.wait()?;
                format!("has shown no sign of life for {} ms", lease.as_millis())
            }
        };
        pause = if born.elapsed() > LIVED { Duration::ZERO } else { pause };
        eprintln!("anycast-watchdog: ERROR: the watching process {why}: starting another, which withdraws first");
        pending = wait_for(&signals, pause)?;
        pause = (pause * 2).clamp(shortest, longest);
    }
}

fn handed_on() -> SigSet {
    [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP].into_iter().collect()
}

fn start() -> io::Result<(Child, File)> {
    let (ours, childs) = pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)?;
    // The child finds it by its number.
    fcntl(&childs, FcntlArg::F_SETFD(FdFlag::empty()))?;
    // By its own name, as `ps` shows it; by what runs, when another version has taken the name.
    let program = env::current_exe().ok().filter(|program| program.exists());
    let child = Command::new(program.unwrap_or_else(|| "/proc/self/exe".into()))
        .arg0(env::args_os().next().unwrap_or_default())
        .args(env::args_os().skip(1))
        .env(PIPE, childs.as_raw_fd().to_string())
        .env(KEEPER, std::process::id().to_string())
        .spawn()?;
    Ok((child, File::from(ours)))
}

/// `pending`: a signal that came while there was no child. It is told once it shows that it is there, having withdrawn.
fn watch(
    child: &mut Child,
    beats: &mut File,
    signals: &SignalFd,
    lease: Duration,
    mut pending: Option<Signal>,
) -> io::Result<End> {
    let pid = Pid::from_raw(i32::try_from(child.id()).map_err(io::Error::other)?);
    let mut over = clock() + lease;
    let mut grace = true;
    let mut told_to_end = false;
    loop {
        // That the pipe is closed wakes us in any case; a sign of life only if it is waited for.
        let awaited = if pending.is_some() { PollFlags::POLLIN } else { PollFlags::empty() };
        let mut fds = [PollFd::new(signals.as_fd(), PollFlags::POLLIN), PollFd::new(beats.as_fd(), awaited)];
        match poll(&mut fds, until(over)) {
            Err(nix::errno::Errno::EINTR) => continue,
            ready => ready?,
        };
        let mut signal = if fds[0].any().unwrap_or(false) { read(signals)? } else { None };
        let is_over = clock() >= over;
        match latest(beats)? {
            Latest::Gone => return Ok(End::Exited(child.wait()?)),
            Latest::Beat(at) => {
                signal = signal.or_else(|| pending.take());
                grace = true;
                if !told_to_end {
                    over = at + lease;
                }
            }
            Latest::None => {}
        }
        if is_over && clock() >= over {
            // Who was not awake has not missed anything: one more look.
            let was_late = clock() - over > lease / BEATS;
            if !(grace && was_late && !told_to_end) {
                return Ok(End::Hung);
            }
            grace = false;
            over = clock() + lease / BEATS;
        }
        if let Some(signal) = signal {
            // It may have ended by itself.
            kill(pid, signal).ok();
            if signal != Signal::SIGHUP {
                told_to_end = true;
                over = clock() + FAREWELL;
            }
        }
    }
}

/// What the child has last said.
enum Latest {
    /// It gave a sign of life at this time of our clock.
    Beat(Duration),
    /// Nothing new.
    None,
    /// It has no end of the pipe any more: it is dead.
    Gone,
}

/// Takes in all that is in the pipe.
fn latest(beats: &mut File) -> io::Result<Latest> {
    let mut latest = Latest::None;
    let mut buffer = [0; 64 * BEAT];
    loop {
        match beats.read(&mut buffer) {
            Ok(0) => return Ok(Latest::Gone),
            // They are written whole, and read whole (`pipe(7)`, PIPE_BUF).
            Ok(length) => {
                if let Some(last) = buffer[..length].last_chunk() {
                    latest = Latest::Beat(Duration::from_nanos(u64::from_ne_bytes(*last)));
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(latest),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Not before that time: `poll` counts whole milliseconds.
fn until(time: Duration) -> PollTimeout {
    let left = time.saturating_sub(clock()) + Duration::from_millis(1);
    PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)
}

/// Waits, or until a signal ends the wait: which.
fn wait_for(signals: &SignalFd, pause: Duration) -> io::Result<Option<Signal>> {
    let mut fds = [PollFd::new(signals.as_fd(), PollFlags::POLLIN)];
    let timeout = PollTimeout::try_from(pause).unwrap_or(PollTimeout::MAX);
    if poll(&mut fds, timeout).unwrap_or(0) == 0 {
        return Ok(None);
    }
    read(signals)
}

fn read(signals: &SignalFd) -> io::Result<Option<Signal>> {
    let number = signals.read_signal()?.and_then(|info| i32::try_from(info.ssi_signo).ok());
    Ok(number.and_then(|number| Signal::try_from(number).ok()))
}
