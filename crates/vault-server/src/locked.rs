//! Why a vault answers nothing but who it is, in words: the reason, a code that stays, and what to do next.

use vault_core::BootError;
use vault_store::{LockedReason, OpenError, ReadError, StorageError};

/// Why a vault answers nothing but who it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum Locked {
    #[error("the platform gave no sealing key")]
    NoSealingKey,
    #[error(transparent)]
    Root(LockedReason),
    #[error("root.sealed holds no identity that this build knows")]
    Identity,
    #[error("the trust configuration is not the one that is sealed; governance can change it")]
    TrustConfiguration,
    #[error("the configuration names another constellation than the one that is sealed")]
    Constellation,
    #[error("the log is older than the trust configuration that is sealed beside it")]
    OlderLog,
    #[error("the disk is full; the vault opens when there is space")]
    NoSpace,
    #[error(transparent)]
    Store(OpenError),
    #[error(transparent)]
    Log(BootError),
    #[error(transparent)]
    Read(ReadError),
}

impl Locked {
    /// A name that stays, as `docs/operations.md` lists them.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::NoSealingKey => "no_sealing_key",
            Self::Root(LockedReason::MissingRoot) => "missing_root",
            Self::Root(LockedReason::OtherPlatform) => "other_platform",
            Self::Root(LockedReason::OlderCpu) => "older_cpu",
            Self::Root(LockedReason::OlderBuild) => "older_build",
            Self::Root(LockedReason::DamagedRoot) => "damaged_root",
            Self::Root(LockedReason::UnknownFormat)
            | Self::Identity
            | Self::Store(OpenError::Storage(StorageError::UnknownFormat { .. })) => "later_format",
            Self::TrustConfiguration => "trust_configuration",
            Self::Constellation => "other_constellation",
            Self::OlderLog | Self::Store(OpenError::Cut { .. }) => "older_log",
            Self::NoSpace => "no_space",
            Self::Store(_) | Self::Read(_) => "damaged_log",
            Self::Log(_) => "log_refused",
        }
    }

    /// What whoever runs the machine does about it.
    pub(crate) fn next(&self) -> &'static str {
        match self.code() {
            "no_sealing_key" => "give the enclave its sealing key and start it again",
            "missing_root" => "put root.sealed of this folder back from its backup",
            "other_platform" => {
                "start this folder with the build and on the machine that sealed it, or give it up and \
                 repair its secrets and keys from the other vaults"
            }
            "older_cpu" => "bring this machine's microcode up to date, then start again",
            "older_build" | "later_format" => {
                "start this folder with the later build that wrote it"
            }
            "damaged_root" => "put root.sealed of this folder back from its backup",
            "trust_configuration" => {
                "go back to the configuration that is sealed, or let governance sign this one: \
                 evault constellation reconfigure"
            }
            "other_constellation" => "go back to the configuration that is sealed",
            "older_log" => "put the newest copy of the log back beside root.sealed",
            "no_space" => "make space on the disk of data_dir; the vault opens by itself",
            _ => "put a copy of the log from before the damage back; clients see what is lost",
        }
    }

    /// All of it in one line.
    pub(crate) fn told(&self) -> String {
        format!("{self} [{}]; next: {}", self.code(), self.next())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Locked; 13] = [
        Locked::NoSealingKey,
        Locked::Root(LockedReason::MissingRoot),
        Locked::Root(LockedReason::OtherPlatform),
        Locked::Root(LockedReason::OlderCpu),
        Locked::Root(LockedReason::OlderBuild),
        Locked::Root(LockedReason::DamagedRoot),
        Locked::Root(LockedReason::UnknownFormat),
        Locked::TrustConfiguration,
        Locked::Constellation,
        Locked::OlderLog,
        Locked::NoSpace,
        Locked::Store(OpenError::Damaged { group: 3 }),
        Locked::Log(BootError::Snapshot),
    ];

    #[test]
    fn each_reason_has_a_code_of_its_own_that_the_operators_page_explains() {
        let page = include_str!("../../../docs/operations.md");
        let mut codes: Vec<_> = ALL.iter().map(Locked::code).collect();
        for code in &codes {
            assert!(page.contains(&format!("`{code}`")), "{code}");
        }
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), ALL.len());
    }

    #[test]
    fn what_is_told_holds_reason_code_and_what_to_do() {
        for locked in ALL {
            let told = locked.told();
            let (why, next) = told.split_once("; next: ").unwrap();
            assert!(why.starts_with(&locked.to_string()), "{told}");
            assert!(why.ends_with(&format!("[{}]", locked.code())), "{told}");
            assert!(next.len() > 20, "{told}");
        }
    }
}
