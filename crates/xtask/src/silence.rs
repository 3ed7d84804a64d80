//! A run that says nothing for too long has hung: it is ended, so that what hung is read in its last
//! lines and not guessed from a run that never ends.

use anyhow::{Context, Result, bail};
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// Runs to the end, and hands on each line of stdout. What is silent for `longest` is ended with all
/// its children, which is an error that names the last line.
pub(crate) fn lines(
    command: &mut Command,
    longest: Duration,
    mut each: impl FnMut(&str),
) -> Result<ExitStatus> {
    let mut child = command.process_group(0).stdout(Stdio::piped()).spawn()?;
    let mut reader = BufReader::new(child.stdout.take().context("no output")?);
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        let mut line = Vec::new();
        while reader
            .read_until(b'\n', &mut line)
            .is_ok_and(|read| read > 0)
        {
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            line.clear();
            if sender.send(text).is_err() {
                return;
            }
        }
    });
    let mut last = String::new();
    loop {
        match lines.recv_timeout(longest) {
            Ok(line) => {
                each(&line);
                last = line;
            }
            Err(RecvTimeoutError::Disconnected) => return Ok(child.wait()?),
            Err(RecvTimeoutError::Timeout) => {
                end_group(child.id())?;
                child.wait()?;
                bail!("ended after {longest:?} without a word; the last was: {last}");
            }
        }
    }
}

pub(crate) fn end_group(leader: u32) -> Result<()> {
    let script = format!("kill -KILL -{leader}");
    crate::run::checked(Command::new("sh").args(["-c", &script]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    fn run(script: &str, longest: Duration) -> (Vec<String>, Result<ExitStatus>) {
        let mut said = Vec::new();
        let mut command = Command::new("sh");
        let ended = lines(command.args(["-c", script]), longest, |line| {
            said.push(line.to_owned());
        });
        (said, ended)
    }

    #[test]
    fn every_line_is_handed_on_and_the_status_is_that_of_the_program() {
        let (said, ended) = run("echo one; echo two; exit 3", Duration::from_secs(60));
        assert_eq!(said, ["one", "two"]);
        assert_eq!(ended.unwrap().code(), Some(3));
    }

    #[test]
    fn what_hangs_is_ended_with_its_children_and_its_last_line_named() {
        let (said, ended) = run("echo $$; sleep 600 & wait", Duration::from_millis(500));
        let group = said.first().unwrap();
        let error = ended.unwrap_err().to_string();
        assert!(
            error.ends_with(&format!("the last was: {group}")),
            "{error}"
        );
        let deadline = Instant::now() + Duration::from_secs(60);
        while is_alive(group) {
            assert!(Instant::now() < deadline, "somebody of the group is left");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn is_alive(group: &str) -> bool {
        let script = format!("kill -0 -{group} 2>/dev/null");
        let asked = Command::new("sh").args(["-c", &script]).status();
        asked.unwrap().success()
    }
}
