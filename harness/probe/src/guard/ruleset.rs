//! A table of the kernel that lives as long as this process: `nft -i`, which owns it.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

/// How long `nft` may take for one command.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) struct Ruleset {
    table: String,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    complaints: Lines<BufReader<ChildStderr>>,
    _nft: Child,
}

impl Ruleset {
    /// Adds a table of this name that no other process can change.
    ///
    /// # Errors
    /// There is no `nft`, the kernel has no table owners (Linux 5.12), or the table is there already.
    pub(super) async fn open(table: &str) -> anyhow::Result<Self> {
        let mut command = Command::new("nft");
        command.arg("-i").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut nft = command.spawn().context("could not run `nft -i`")?;
        let input = nft.stdin.take().context("nft has no stdin")?;
        let output = BufReader::new(nft.stdout.take().context("nft has no stdout")?).lines();
        let complaints = BufReader::new(nft.stderr.take().context("nft has no stderr")?).lines();
        let mut ruleset = Self { table: table.to_owned(), input, output, complaints, _nft: nft };
        ruleset.add(&format!("add table netdev {table} {{ flags owner; }}")).await?;
        Ok(ruleset)
    }

    pub(super) fn table(&self) -> &str {
        &self.table
    }

    /// Has commands carried out, one a line.
    ///
    /// # Errors
    /// What `nft` said of them.
    pub(super) async fn add(&mut self, commands: &str) -> anyhow::Result<()> {
        // A listing says that what came before it was carried out: `nft -i` is silent about success.
        let lines = format!("{commands}\nlist table netdev {}\n", self.table);
        self.input.write_all(lines.as_bytes()).await.context("`nft -i` has ended")?;
        self.input.flush().await?;
        match timeout(PATIENCE, self.answer()).await {
            Ok(answer) => answer.with_context(|| format!("`{commands}`")),
            Err(_) => bail!("`{commands}`: nft did not answer within {} s", PATIENCE.as_secs()),
        }
    }

    async fn answer(&mut self) -> anyhow::Result<()> {
        let mut error = None;
        loop {
            tokio::select! {
                biased;
                line = self.complaints.next_line() => {
                    let line = line?.context("`nft -i` has ended")?;
                    if line.contains("Error:") {
                        error.get_or_insert(line);
                    }
                }
                line = self.output.next_line() => {
                    // The listing ends with a brace in the first column.
                    if line?.context("`nft -i` has ended")? == "}" {
                        return error.map_or(Ok(()), |error| Err(anyhow::anyhow!(error)));
                    }
                }
            }
        }
    }
}
