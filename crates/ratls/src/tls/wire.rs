//! Whole frames over a stream: one write a frame, nothing read beyond it.

use crate::preamble::{Frame, FrameError, HEADER_LENGTH, Header, Reason};
use std::io::ErrorKind;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// How long a refusing end waits for its last words to leave.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Why no frame was read or written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum WireError {
    /// The peer sent something that is not a frame.
    #[error("what the peer sent is not a preamble frame: {0}")]
    Frame(#[from] FrameError),
    /// The connection ended.
    #[error("the connection ended within the preamble")]
    Closed,
    /// The connection failed.
    #[error("the connection failed within the preamble: {0}")]
    Io(ErrorKind),
}

impl From<std::io::Error> for WireError {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => {
                Self::Closed
            }
            kind => Self::Io(kind),
        }
    }
}

/// Reads one frame. Memory is bounded by the length that the kind of frame allows.
pub(super) async fn read_frame<S: AsyncRead + Unpin>(stream: &mut S) -> Result<Frame, WireError> {
    let mut header = [0; HEADER_LENGTH];
    stream.read_exact(&mut header).await?;
    let header = Header::parse(&header)?;
    let mut payload = vec![0; header.payload_length()];
    stream.read_exact(&mut payload).await?;
    Ok(Frame::parse(header, &payload)?)
}

/// Writes one frame with one write.
pub(super) async fn write_frame<S: AsyncWrite + Unpin>(
    stream: &mut S,
    frame: &Frame,
) -> Result<(), WireError> {
    stream.write_all(&frame.encode()).await?;
    Ok(stream.flush().await?)
}

/// Says why, and closes. What the peer does with it does not matter here.
pub(super) async fn refuse<S: AsyncWrite + Unpin>(stream: &mut S, reason: Reason) {
    let last_words = async {
        if write_frame(stream, &Frame::Refuse(reason)).await.is_ok() {
            stream.shutdown().await.ok();
        }
    };
    tokio::time::timeout(LAST_WORDS, last_words).await.ok();
}
