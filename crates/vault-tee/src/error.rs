//! What a platform may fail at.

/// Why there is no quote.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum QuoteError {
    /// The quoting service gave no answer in time. A later try may succeed.
    #[error("the quoting service did not answer in time")]
    Timeout,
    /// The quoting service refused or is not there.
    #[error("the quoting service is not available")]
    Unavailable,
    /// The quote does not carry the report data that was asked for.
    #[error("the quote does not carry the report data that was asked for")]
    WrongReportData,
    /// The host supplied no collateral for this platform, or none that can be read.
    #[error("there is no collateral for this platform")]
    NoCollateral,
}

/// Why there is no sealing root.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SealError {
    /// The platform gave no key.
    #[error("the platform gave no sealing key")]
    Unavailable,
}

/// Why the host's clock is of no use.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TimeError {
    /// It could not be read, or lies before 1970.
    #[error("the host's clock cannot be read")]
    Unreadable,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_fault_has_a_message_of_its_own() {
        let messages = [
            QuoteError::Timeout.to_string(),
            QuoteError::Unavailable.to_string(),
            QuoteError::WrongReportData.to_string(),
            QuoteError::NoCollateral.to_string(),
            SealError::Unavailable.to_string(),
            TimeError::Unreadable.to_string(),
        ];
        assert_eq!(
            messages.iter().collect::<BTreeSet<_>>().len(),
            messages.len()
        );
    }
}
