//! The control socket: one JSON object a line asks, one a line answers.
//!
//! ```text
//! -> {"order":"drain","service":"anycastdns","reason":"kernel update","wait":true}
//! <- {"status":{...}}
//! -> {"order":"status"}
//! <- {"status":{...}}
//! -> {"order":"resume","service":"no-such"}
//! <- {"refused":"..."}
//! ```
//!
//! Nobody who connects can hold the watchdog up: clients, lines and times are bounded.

use std::fs::{self, Permissions};
use std::io::{self, ErrorKind};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixStream as StdStream;
use std::path::{Path, PathBuf};
use std::task::Context;
use std::time::Duration;

use nix::sys::socket::{self, AddressFamily, SockFlag, SockType, UnixAddr};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::timeout;

use super::orders::{Answer, Order, Orders};
use super::status::{Operator, ServiceStatus, Status};
use super::visitors::receive;

#[cfg(test)]
mod tests;

/// Where the socket is by default. Its folder is the service's own, so that it need not be root's.
pub const SOCKET: &str = "/run/anycast-watchdog/control.sock";

/// Who may connect: the owner and the group, who also own the process.
const MODE: u32 = 0o660;

/// No order is longer, in bytes.
const LINE: u64 = 4096;

/// A client has so long to say something, and so long to take an answer.
const SLOW: Duration = Duration::from_secs(5);

/// Why there is no control socket.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// Somebody answers there.
    #[error(
        "{}: expected no other watchdog at this control socket, found one that answers\nhint: end it first, or name \
         another socket with --control",
        .0.display()
    )]
    Alive(PathBuf),
    /// There is something, and it is no socket.
    #[error("{}: expected nothing or an old control socket, found another kind of file\nhint: name another socket with --control", .0.display())]
    NoSocket(PathBuf),
    /// The operating system refuses.
    #[error("{}: expected to {} there, found: {error}\nhint: its folder must exist and be ours: RuntimeDirectory= in a \
             systemd unit; or name another socket with --control", path.display(), what)]
    Refused {
        /// The socket.
        path: PathBuf,
        /// What was tried.
        what: &'static str,
        /// What the operating system says.
        error: io::Error,
    },
}

/// What a client sends: an order, and how to answer it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The order.
    #[serde(flatten)]
    pub order: Order,
    /// Whether a drain is answered only when its services are withdrawn.
    #[serde(default)]
    pub wait: bool,
}

/// The socket; it goes when this goes.
#[derive(Debug)]
pub struct Control {
    path: PathBuf,
    server: tokio::task::JoinHandle<()>,
}

impl Control {
    /// Opens the socket, and serves whoever connects until it is dropped. Needs a runtime.
    ///
    /// A socket that a dead predecessor has left is replaced.
    ///
    /// # Errors
    /// When another watchdog is alive there, or there can be no socket.
    pub fn open(path: &Path, orders: Orders) -> Result<Self, ControlError> {
        let listener = listen(path)?;
        Ok(Self { path: path.to_owned(), server: tokio::spawn(serve(listener, orders)) })
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.server.abort();
        // If somebody has removed it already, so much the better.
        fs::remove_file(&self.path).ok();
    }
}

/// Bound under another name and then renamed: at no time can more than [`MODE`] allows connect, and who connects always
/// finds either the predecessor's socket or ours.
fn listen(path: &Path) -> Result<UnixListener, ControlError> {
    let refused = |what| move |error| ControlError::Refused { path: path.to_owned(), what, error };
    match fs::symlink_metadata(path) {
        Ok(found) if !found.file_type().is_socket() => return Err(ControlError::NoSocket(path.to_owned())),
        Ok(_) if is_alive(path) => return Err(ControlError::Alive(path.to_owned())),
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(refused("look")(error)),
        Ok(_) | Err(_) => {}
    }
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}", std::process::id()));
    let ours = PathBuf::from(name);
    if let Some(folder) = path.parent().filter(|folder| !folder.exists()) {
        fs::create_dir(folder).map_err(refused("make the folder"))?;
    }
    // A predecessor with our process id.
    fs::remove_file(&ours).ok();
    let listener = UnixListener::bind(&ours).map_err(refused("bind a socket"))?;
    let put = fs::set_permissions(&ours, Permissions::from_mode(MODE)).and_then(|()| fs::rename(&ours, path));
    if let Err(error) = put {
        fs::remove_file(&ours).ok();
        return Err(refused("put a socket")(error));
    }
    Ok(listener)
}

/// Only a socket that nobody listens on refuses; one with a full queue, or of another user, has an owner.
fn is_alive(path: &Path) -> bool {
    let is_dead = |error: io::Error| matches!(error.kind(), ErrorKind::ConnectionRefused | ErrorKind::NotFound);
    !connect(path).is_err_and(is_dead)
}

/// Connects, or says at once why not: the standard library would wait while the queue of a watchdog that hangs is full.
pub(super) fn connect(path: &Path) -> io::Result<StdStream> {
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    let socket = socket::socket(AddressFamily::Unix, SockType::Stream, flags, None)?;
    socket::connect(socket.as_raw_fd(), &UnixAddr::new(path)?)?;
    let stream = StdStream::from(socket);
    stream.set_nonblocking(false)?;
    Ok(stream)
}

async fn serve(listener: UnixListener, orders: Orders) {
    let accept = |cx: &mut Context<'_>| listener.poll_accept(cx).map_ok(|(client, _)| client);
    let serve = |client| {
        let orders = orders.clone();
        async move {
            tokio::select! {
                // Whoever is too slow, or talks nonsense, is hung up on: there is nobody to tell.
                _ = talk(client, orders.clone()) => {}
                () = orders.over() => {}
            }
        }
    };
    receive(accept, serve).await;
}

async fn talk(client: UnixStream, mut orders: Orders) -> io::Result<()> {
    let (from, mut to) = client.into_split();
    let mut from = BufReader::new(from);
    loop {
        let mut line = Vec::new();
        let length = timeout(SLOW, (&mut from).take(LINE).read_until(b'\n', &mut line)).await??;
        if length == 0 {
            return Ok(());
        }
        let answer = match serde_json::from_slice::<Request>(&line) {
            Ok(request) => obey(request, &mut orders).await,
            Err(error) => Answer::Refused(format!(
                "expected one JSON object a line, of at most {LINE} bytes, such as {{\"order\":\"status\"}}, found: {error}"
            )),
        };
        let mut text = serde_json::to_vec(&answer)?;
        text.push(b'\n');
        timeout(SLOW, to.write_all(&text)).await??;
        if line.last() != Some(&b'\n') {
            // The end, or the rest of a line that is too long.
            return Ok(());
        }
    }
}

async fn obey(Request { order, wait }: Request, orders: &mut Orders) -> Answer {
    let waits_for = match &order {
        Order::Drain { service, .. } if wait => Some(service.clone()),
        _ => None,
    };
    let answer = orders.ask(order).await;
    let (Some(service), Ok(Answer::Status(mut status))) = (waits_for, answer.clone()) else {
        return answer.unwrap_or_else(|error| Answer::Refused(error.to_string()));
    };
    loop {
        match is_over(&status, service.as_deref()) {
            Some(Ok(())) => return Answer::Status(status),
            Some(Err(reason)) => return Answer::Refused(reason),
            None => {}
        }
        let next = match orders.decided().await {
            Ok(()) => orders.ask(Order::Status).await,
            Err(gone) => Err(gone),
        };
        status = match next {
            Ok(Answer::Status(status)) => status,
            Ok(refused) => return refused,
            Err(error) => return Answer::Refused(error.to_string()),
        };
    }
}

/// Whether a drain has come to its end: withdrawn, or called off by somebody else. `None`: not yet.
fn is_over(status: &Status, service: Option<&str>) -> Option<Result<(), String>> {
    let mut drained = status.services.iter().filter(|one| service.is_none_or(|name| name == one.name));
    if drained.clone().all(ServiceStatus::is_withdrawn) {
        return Some(Ok(()));
    }
    let resumed = drained.find(|one| one.operator == Operator::None && !one.is_withdrawn())?;
    Some(Err(format!("{}: expected to be withdrawn, found that somebody resumed it", resumed.name)))
}
