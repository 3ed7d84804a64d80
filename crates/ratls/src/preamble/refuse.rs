//! Why one end refuses the other.

/// The reason inside a Refuse frame. Coarse on purpose: the details stay with whoever refuses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reason {
    /// A frame that does not parse.
    Malformed,
    /// A version of the preamble that is not spoken.
    Version,
    /// A frame that is not the next one.
    Unexpected,
    /// A frame longer than its kind allows.
    TooLarge,
    /// The preamble took too long.
    TimedOut,
    /// Too many preambles at once; later is fine.
    Busy,
    /// The platform gave no quote; later may be fine.
    QuoteUnavailable,
    /// No certificate where evidence needs one, or one that does not read as an RA-TLS leaf.
    Certificate,
    /// Claims of another key, another role, or other than those of the certificate.
    Claims,
    /// The evidence is not bound to this connection.
    Binding,
    /// The evidence does not pass its appraisal.
    Evidence,
    /// Genuine evidence of somebody else than was asked for.
    NotExpected,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 12] = [
        Self::Malformed,
        Self::Version,
        Self::Unexpected,
        Self::TooLarge,
        Self::TimedOut,
        Self::Busy,
        Self::QuoteUnavailable,
        Self::Certificate,
        Self::Claims,
        Self::Binding,
        Self::Evidence,
        Self::NotExpected,
    ];

    /// Its number on the wire.
    pub fn number(self) -> u16 {
        match self {
            Self::Malformed => 1,
            Self::Version => 2,
            Self::Unexpected => 3,
            Self::TooLarge => 4,
            Self::TimedOut => 5,
            Self::Busy => 6,
            Self::QuoteUnavailable => 7,
            Self::Certificate => 8,
            Self::Claims => 9,
            Self::Binding => 10,
            Self::Evidence => 11,
            Self::NotExpected => 12,
        }
    }

    /// The reason of this number.
    pub fn from_number(number: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.number() == number)
    }

    /// Stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Version => "version",
            Self::Unexpected => "unexpected",
            Self::TooLarge => "too_large",
            Self::TimedOut => "timed_out",
            Self::Busy => "busy",
            Self::QuoteUnavailable => "quote_unavailable",
            Self::Certificate => "certificate",
            Self::Claims => "claims",
            Self::Binding => "binding",
            Self::Evidence => "evidence",
            Self::NotExpected => "not_expected",
        }
    }

    /// Whether the same attempt may succeed later.
    pub fn is_transient(self) -> bool {
        matches!(self, Self::TimedOut | Self::Busy | Self::QuoteUnavailable)
    }
}
