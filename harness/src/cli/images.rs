//! `cargo lab images`.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Subcommand;

use super::interrupt;
use super::progress::Bars;
use crate::builder::{self, State};
use crate::engine::{self, Engine};
use crate::image::{self, Recipe, catalog};
use crate::lab::LabError;

#[derive(Debug, Default, Subcommand)]
pub(super) enum Images {
    /// List them
    #[default]
    List,
    /// Build one of every version of every daemon
    Build,
    /// Remove all of them, and Debian's if we made it; what others made is not touched
    Remove {
        /// Only those that no lab of this checkout takes any more
        #[arg(long)]
        stale: bool,
    },
}

pub(super) async fn images(command: Images) -> anyhow::Result<ExitCode> {
    let interrupted = interrupt::interrupted()?;
    let engine = engine::connect().await?;
    let mut out = std::io::stdout();
    let work = async {
        match command {
            Images::List => list(engine.as_ref(), &mut out).await,
            Images::Build => {
                let tags = builder::ensure(engine.as_ref(), &every_version()?, &Bars::new()).await?;
                Ok(writeln!(out, "{} images ready", tags.len())?)
            }
            Images::Remove { stale } => {
                let removed = if stale {
                    builder::remove_stale(engine.as_ref(), &Bars::new()).await?
                } else {
                    builder::remove_all(engine.as_ref()).await?
                };
                for tag in &removed.removed {
                    writeln!(out, "removed  {tag}")?;
                }
                for (tag, error) in &removed.kept {
                    writeln!(out, "kept     {tag}: {error}")?;
                }
                Ok(())
            }
        }
    };
    tokio::select! {
        done = work => done?,
        signal = interrupted => return Err(LabError::Interrupted(signal).into()),
    }
    Ok(ExitCode::SUCCESS)
}

fn every_version() -> image::Result<Vec<Recipe>> {
    let parts = catalog::parts().iter();
    let versions = parts.flat_map(|part| part.versions.iter().map(|version| (part.name, version.version)));
    versions.map(|part| Recipe::of(&[part])).collect()
}

async fn list(engine: &dyn Engine, out: &mut impl std::io::Write) -> anyhow::Result<()> {
    let listed = builder::list(engine, &Bars::new()).await?;
    for image in &listed {
        let state = match image.state {
            State::Current => "",
            State::Stale => "  (stale)",
            State::Unknown => "  (unknown: the programs or Debian's image that went in are not here)",
        };
        writeln!(out, "{:<44} {:>6} MB  {}{state}", image.tag, image.size / 1_000_000, image.contents)?;
    }
    if listed.is_empty() {
        writeln!(out, "none; the next run builds what it needs")?;
    }
    Ok(())
}
