//! The dialects of control sockets: what is asked of a daemon until its whole RIB is known.

use std::io::Result;

use protocol::ControlSocket;

use super::{bird, frr};

/// A connection to a daemon.
pub(super) enum Connection {
    Bird(bird::Connection),
    Frr(frr::Connection),
}

impl Connection {
    pub(super) async fn open(control: &ControlSocket) -> Result<Self> {
        Ok(match control {
            ControlSocket::Bird { path, .. } => Self::Bird(bird::Connection::open(path).await?),
            ControlSocket::Frr { path, .. } => Self::Frr(frr::Connection::open(path).await?),
        })
    }

    /// The RIB, in the daemon's own words.
    pub(super) async fn ask(&mut self, control: &ControlSocket) -> Result<String> {
        let mut text = String::new();
        match (self, control) {
            // Only BIRD knows which of its routes it merges for the kernel: so it is asked what it would write there.
            (Self::Bird(bird), ControlSocket::Bird { command, .. }) => {
                let protocols = bird.ask("show protocols").await?;
                let kernels = bird::kernels(&protocols);
                for kernel in &kernels {
                    text += &bird.ask(&format!("{command} {kernel}")).await?;
                }
                if kernels.is_empty() {
                    text = bird.ask("show route primary").await?;
                }
            }
            (Self::Frr(frr), ControlSocket::Frr { commands, .. }) => {
                for command in commands {
                    text += &frr.ask(command).await?;
                }
            }
            (Self::Bird(_), ControlSocket::Frr { .. }) | (Self::Frr(_), ControlSocket::Bird { .. }) => {
                return Err(std::io::ErrorKind::InvalidInput.into());
            }
        }
        Ok(text)
    }
}
