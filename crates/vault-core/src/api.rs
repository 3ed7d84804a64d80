//! What can be asked of a vault and what it answers: the wire's messages without the wire.

mod answer;
mod refusal;
mod request;

pub use answer::{
    Answer, Head, Identity, KeyInfo, KeyState, LoggedLeaf, PendingProfile, Receipt, Reply,
    Simulated,
};
pub use refusal::{Blame, Code, Refusal, Retry};
pub use request::{
    CallContext, CreateKey, KeyRef, Label, ListKeys, Mac, MacVerify, Payload, PromoteProfile,
    Request, RevokeProfile, ScheduleDeletion, SeenHead, Sign, StageProfile, Unwrap, UpdatePolicy,
    Verify, Wrap,
};
pub use vault_keys::SignatureFormat;
