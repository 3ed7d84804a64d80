//! `audit follow`: entries as they come. Each is printed after it was proven to be of a signed head
//! that extends all heads before, and the place is kept after it was printed: a stop loses none.

use super::audit_entry::{parse, row, to_json};
use crate::cli::{AuditFollow, OutputFormat};
use crate::context::Context;
use crate::output::{Human, Output, printable_line};
use crate::signals::Signals;
use serde_json::Value;
use std::io::{self, ErrorKind, Write};
use std::time::Duration;
use vault_audit::Entry;
use vault_client::{Error, ErrorCode, HeadStore, LogPage, LogReader, Result, Retry};
use vault_policy::VaultId;

/// A signal is the way to end.
pub(crate) async fn run(context: &Context, args: AuditFollow) -> Result<Output> {
    let mut signals = Signals::listen();
    tokio::select! {
        outcome = follow(context, &args) => outcome?,
        () = signals.stop() => {}
    }
    Ok(Output {
        stdout_taken: true,
        ..Output::new(Value::Null, Human::Silent)
    })
}

async fn follow(context: &Context, args: &AuditFollow) -> Result<()> {
    let connected = context.connect().await?;
    let heads = HeadStore::new(context.config()?.state_dir()?);
    let vault = connected.peer.vault_id;
    let reader = match heads.position(&vault, &args.name)? {
        None => LogReader::new(connected.client),
        Some(at) => LogReader::resume(connected.client, at.frontier, Some(at.head)),
    };
    let mut follower = Follower {
        context,
        args,
        heads,
        vault,
        reader,
    };
    loop {
        match follower.catch_up().await {
            Ok(Read::Stopped) => return Ok(()),
            Ok(Read::All) if args.once => return Ok(()),
            Err(error) if args.once || error.retry == Retry::Never => return Err(error),
            Ok(Read::All) => {}
            Err(error) => context.note_failure(&vault, &error),
        }
        tokio::time::sleep(Duration::from_secs(args.interval)).await;
    }
}

enum Read {
    /// Everything up to the head.
    All,
    /// Whoever read the output has gone.
    Stopped,
}

struct Follower<'a> {
    context: &'a Context,
    args: &'a AuditFollow,
    heads: HeadStore,
    vault: VaultId,
    reader: LogReader,
}

impl Follower<'_> {
    async fn catch_up(&mut self) -> Result<Read> {
        self.reader.advance().await?;
        while let Some(page) = self.reader.next(u64::MAX).await? {
            match self.print(&page) {
                Ok(()) => self.keep()?,
                Err(Printing::Unread) => return Ok(Read::Stopped),
                Err(Printing::Failed(error)) => return Err(error),
            }
        }
        // Also where nothing was new: the head may have been proven to extend one more.
        self.keep()?;
        Ok(Read::All)
    }

    fn keep(&self) -> Result<()> {
        match self.reader.position() {
            Some(position) => self
                .heads
                .keep_position(&self.vault, &self.args.name, &position),
            None => Ok(()),
        }
    }

    fn print(&self, page: &LogPage) -> Result<(), Printing> {
        let entries = parse(page).map_err(Printing::Failed)?;
        let mut text = String::new();
        for (index, entry) in &entries {
            text.push_str(&self.line(*index, entry));
            text.push('\n');
        }
        let mut out = io::stdout().lock();
        let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        written.map_err(|error| match error.kind() {
            ErrorKind::BrokenPipe => Printing::Unread,
            _ => Printing::Failed(Error::new(ErrorCode::Internal).detail(error)),
        })
    }

    fn line(&self, index: u64, entry: &Entry) -> String {
        match self.context.global.output {
            OutputFormat::Json => to_json(index, entry).to_string(),
            OutputFormat::Table => printable_line(&row(index, entry).join("  ")),
        }
    }
}

enum Printing {
    Unread,
    Failed(Error),
}
