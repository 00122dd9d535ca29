//! stdin: commands, and the dead man's switch.

use std::io::BufRead as _;
use std::process::exit;
use std::thread;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// The lines of stdin. At its end the harness is gone and the process exits at once, whatever else it is doing.
pub(crate) fn lines() -> std::io::Result<UnboundedReceiver<String>> {
    read(|| exit(0))
}

/// The lines of stdin, to its end. The caller ends the process.
pub(crate) fn lines_to_the_end() -> std::io::Result<UnboundedReceiver<String>> {
    read(|| ())
}

fn read(at_the_end: fn()) -> std::io::Result<UnboundedReceiver<String>> {
    let (sender, receiver) = unbounded_channel();
    thread::Builder::new().name("stdin".into()).spawn(move || {
        let mut stdin = std::io::stdin().lock();
        let mut line = Vec::new();
        // A last line without its end was cut off, and is no command.
        while matches!(stdin.read_until(b'\n', &mut line), Ok(1..)) && line.ends_with(b"\n") {
            if sender.send(String::from_utf8_lossy(&line).trim_end().to_owned()).is_err() {
                break;
            }
            line.clear();
        }
        at_the_end();
    })?;
    Ok(receiver)
}
