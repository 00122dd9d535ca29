//! What the daemons with a control socket have in common: commands, replies, and the question whether a command holds.

use crate::machine::Verb;

/// How one kind of daemon is spoken to. Pure: bytes in, bytes out.
pub(crate) trait Dialect: Send + 'static {
    /// One whole reply.
    type Reply: Send;

    /// The daemon, for people.
    const DAEMON: &'static str;

    /// What is said on a new connection, before anything else.
    fn hello(&self) -> Script;

    /// What makes the daemon announce, drain or withdraw all routes. Without lines, nothing is sent.
    fn command(&self, verb: Verb) -> Script;

    /// Asks how the routes stand.
    fn question(&self) -> Script;

    /// What must be asked besides, once the question is answered; none when the answer is enough.
    fn follow_up(&self, _verb: Verb, _replies: &[Self::Reply]) -> Option<Script> {
        None
    }

    /// Takes all news out of what was received: what the daemon says unasked when somebody changes something. Whether there were any.
    fn take_news(&self, _received: &mut Vec<u8>) -> bool {
        false
    }

    /// Whether it tells of changes, so that looking after them is only for what it keeps to itself.
    fn tells_news(&self) -> bool {
        false
    }

    /// Takes the first whole reply out of what was received; `None` when there is no whole one yet.
    fn take_reply(&self, received: &mut Vec<u8>) -> Result<Option<Self::Reply>, Complaint>;

    /// Who answered the hello, in its own words.
    fn greeted(&mut self, replies: &[Self::Reply]) -> Result<String, Complaint>;

    /// Whether the command was obeyed.
    fn obeyed(&self, verb: Verb, replies: &[Self::Reply]) -> Result<(), Complaint>;

    /// Whether the routes are as decided, from the replies to the question and what followed it.
    fn holds(&mut self, verb: Verb, replies: &[Self::Reply]) -> Result<Standing, Complaint>;
}

/// What is sent, and how many replies it brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Script {
    pub(crate) bytes: Vec<u8>,
    pub(crate) replies: usize,
}

impl Script {
    /// Lines with this byte after each, each of which is answered.
    pub(crate) fn of_lines(lines: &[String], end: u8) -> Self {
        let bytes = lines.iter().flat_map(|line| line.bytes().chain([end])).collect();
        Self { bytes, replies: lines.len() }
    }
}

/// How the routes stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Standing {
    /// As decided: what the daemon says.
    Holds(String),
    /// Not as decided, but that may come: what the daemon says.
    NotYet(String),
}

/// A reply that is no success.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Complaint {
    /// The daemon understands, and does not do it.
    #[error("{0}")]
    Refused(String),
    /// We do not understand the daemon: nothing it says on this connection counts any more.
    #[error("reply not understood: {0}")]
    Nonsense(String),
}
