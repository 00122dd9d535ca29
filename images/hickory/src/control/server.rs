//! The end that listens.

use std::io;
use std::os::unix::net::UnixStream as Probe;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, bail};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};

use super::{ERROR, LONGEST, OK};
use crate::behaviour::{Command, Force};

/// The socket; its file goes with it.
pub struct Control {
    listener: UnixListener,
    path: PathBuf,
}

impl Control {
    /// Listens there, also where a server that was killed left its socket.
    ///
    /// # Errors
    /// The place cannot be used, or another server uses it.
    pub fn bind(path: &Path) -> anyhow::Result<Self> {
        if Probe::connect(path).is_ok() {
            bail!("another server listens at {}\nhint: `--socket PATH` names another place", path.display());
        }
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot replace {}", path.display()))?;
            }
            _ => {}
        }
        let listener = UnixListener::bind(path).with_context(|| format!("cannot listen at {}", path.display()))?;
        Ok(Self { listener, path: path.to_owned() })
    }

    /// Does as told, for ever.
    ///
    /// # Errors
    /// When nobody can connect any more.
    pub async fn listen(&self, force: &Arc<Mutex<Force>>) -> io::Result<()> {
        loop {
            let (stream, _) = self.listener.accept().await?;
            let force = Arc::clone(force);
            tokio::spawn(async move {
                // Whoever went away needs no answer.
                obey(stream, &force).await.ok();
            });
        }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        std::fs::remove_file(&self.path).ok();
    }
}

async fn obey(mut stream: UnixStream, force: &Mutex<Force>) -> io::Result<()> {
    let (read, mut write) = stream.split();
    let mut line = String::new();
    BufReader::new(read.take(LONGEST)).read_line(&mut line).await?;
    let answer = match line.parse::<Command>() {
        Ok(command) => {
            let mut force = force.lock().unwrap_or_else(PoisonError::into_inner);
            force.tell(command);
            eprint!("anycast-hickory: told `{}`\n{force}", line.trim());
            format!("{OK}{force}")
        }
        Err(error) => format!("{ERROR}{error}\n"),
    };
    write.write_all(answer.as_bytes()).await
}
