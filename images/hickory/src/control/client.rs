//! The end that tells.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};

use super::{ERROR, OK};
use crate::behaviour::Command;

/// How long a server may take that lives.
const PATIENCE: Duration = Duration::from_secs(5);

/// Tells the server; gives what is in force then.
///
/// # Errors
/// There is no server, it says nothing, or it did not understand.
pub fn tell(socket: &Path, command: &str) -> anyhow::Result<String> {
    // What nobody would understand need not be sent.
    command.parse::<Command>()?;
    let path = socket.display();
    let mut stream = UnixStream::connect(socket).with_context(|| {
        format!("no server listens at {path}\nhint: `--socket PATH` is where it was told to listen")
    })?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut answer = String::new();
    let exchange = stream
        .write_all(format!("{command}\n").as_bytes())
        .and_then(|()| stream.shutdown(Shutdown::Write))
        .and_then(|()| stream.read_to_string(&mut answer));
    exchange.with_context(|| format!("the server at {path} did not answer within {PATIENCE:?}: it may hang"))?;
    if let Some(in_force) = answer.strip_prefix(OK) {
        return Ok(in_force.to_owned());
    }
    match answer.strip_prefix(ERROR) {
        Some(error) => bail!("{}", error.trim_end()),
        None => bail!("the server at {path} ended before it answered"),
    }
}
