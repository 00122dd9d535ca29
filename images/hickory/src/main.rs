//! `anycast-hickory`: a name server that misbehaves on command, and the client that commands it.

use std::process::ExitCode;

use anycast_hickory::options::{Command, Options};
use anycast_hickory::{config, control, serve};
use anyhow::Context;
use clap::Parser;
use tokio::runtime::Builder;

fn main() -> ExitCode {
    match start(Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("anycast-hickory: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start(options: Options) -> anyhow::Result<()> {
    match options.command {
        Command::Serve { config } => {
            let config = config::read(&config)?;
            // One thread is enough: an answer takes microseconds.
            let runtime = Builder::new_current_thread().enable_all().build().context("cannot start the runtime")?;
            runtime.block_on(serve::serve(config, &options.socket))
        }
        Command::Tell { words } => {
            print!("{}", control::client::tell(&options.socket, &words.join(" "))?);
            Ok(())
        }
    }
}
