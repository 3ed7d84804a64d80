//! A token from a command's output, for identity providers that have their own tool.

use super::{AccessToken, TokenFuture, TokenSource};
use crate::error::{Error, ErrorCode, Result};
use std::process::Stdio;
use std::time::Duration;

/// Longest time the command may take.
const DEADLINE: Duration = Duration::from_secs(60);

/// A program and its arguments; it prints one token. No shell is involved.
#[derive(Clone, Debug)]
pub struct TokenCommand(pub Vec<String>);

impl TokenCommand {
    async fn run(&self) -> Result<AccessToken> {
        let [program, arguments @ ..] = self.0.as_slice() else {
            return Err(Error::new(ErrorCode::ConfigInvalid).detail("token_command is empty"));
        };
        let output = tokio::process::Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .output();
        let output = tokio::time::timeout(DEADLINE, output)
            .await
            .map_err(|_| failed(program, "took longer than a minute"))?
            .map_err(|error| failed(program, error))?;
        if !output.status.success() {
            return Err(failed(program, output.status));
        }
        match std::str::from_utf8(&output.stdout).map(str::trim) {
            Ok(text) if !text.is_empty() => Ok(AccessToken::new(text, None)),
            _ => Err(failed(program, "printed no token")),
        }
    }
}

impl TokenSource for TokenCommand {
    fn token(&self) -> TokenFuture<'_> {
        Box::pin(self.run())
    }
}

fn failed(program: &str, why: impl std::fmt::Display) -> Error {
    Error::new(ErrorCode::Unauthenticated).detail(format_args!("token_command {program}: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(words: &[&str]) -> TokenCommand {
        TokenCommand(words.iter().map(|word| (*word).to_owned()).collect())
    }

    #[tokio::test]
    async fn the_output_is_the_token_and_a_failure_says_which_command() {
        let token = command(&["echo", "abc"]).token().await.unwrap();
        assert_eq!(token.header().unwrap(), "Bearer abc");
        for (words, code) in [
            (vec!["false"], ErrorCode::Unauthenticated),
            (vec!["true"], ErrorCode::Unauthenticated),
            (vec![], ErrorCode::ConfigInvalid),
        ] {
            assert_eq!(
                command(&words).token().await.unwrap_err().code,
                code,
                "{words:?}"
            );
        }
    }
}
