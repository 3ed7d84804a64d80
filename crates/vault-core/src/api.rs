//! What can be asked of a vault and what it answers: the wire's messages without the wire.

mod answer;
mod refusal;
mod request;

pub use answer::{Answer, Head, Identity, KeyInfo, KeyState, LoggedLeaf, Receipt, Reply};
pub use refusal::{Blame, Code, Refusal, Retry};
pub use request::{
    CallContext, CreateKey, KeyRef, Label, ListKeys, Mac, MacVerify, Payload, Request,
    ScheduleDeletion, SeenHead, Sign, Unwrap, Verify, Wrap,
};
pub use vault_keys::SignatureFormat;
