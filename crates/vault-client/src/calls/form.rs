//! The canonical request of each call: docs/audit-log.md says what stands in it.

#[cfg(test)]
mod tests;

use crate::receipt::Form;
use vault_encoding::Canonical;
use vault_proto::v1;
use vault_proto::v1::__buffa::oneof::operate_request::Call;
use vault_proto::v1::__buffa::oneof::{sign_request, verify_request};
use vault_proto::v1::SignatureFormat;

/// A call, as an entry of the log commits to it.
pub(crate) trait Formed {
    /// `None` of a call that is never logged.
    fn form(&self) -> Option<Form>;
}

macro_rules! formed {
    ($($request:ident($self:ident) $form:expr;)*) => { $(
        impl Formed for v1::$request {
            fn form(&self) -> Option<Form> {
                let $self = self;
                $form
            }
        }
    )* };
}

formed! {
    CreateKeyRequest(asked) Some(creation(asked));
    GetKeyRequest(asked) Some(Form::about("get_key", &asked.key));
    ListKeysRequest(_asked) None;
    ScheduleDeletionRequest(asked) Some(
        Form::about("delete_key", &asked.key).number("window", asked.window)
    );
    CancelDeletionRequest(asked) Some(Form::about("cancel_deletion", &asked.key));
    SignRequest(asked) sign(asked);
    VerifyRequest(asked) verify(asked);
    WrapRequest(asked) Some(
        Form::about("wrap", &asked.key)
            .bytes("aad", &asked.aad)
            .bytes("payload", &asked.plaintext)
    );
    UnwrapRequest(asked) Some(
        Form::about("unwrap", &asked.key)
            .bytes("aad", &asked.aad)
            .bytes("payload", &asked.ciphertext)
    );
    MacRequest(asked) Some(Form::about("mac", &asked.key).bytes("payload", &asked.message));
    MacVerifyRequest(asked) Some(
        Form::about("mac_verify", &asked.key)
            .bytes("payload", &asked.message)
            .digest("tag", &asked.tag)
            .number("version", asked.version)
    );
    GetPublicKeyRequest(asked) Some(
        Form::about("get_public_key", &asked.key).number("version", asked.version)
    );
    ReconstructRequest(asked) Some(Form::about("reconstruct", &asked.key));
    GetPolicyRequest(asked) Some(Form::about("get_policy", &asked.key));
    UpdatePolicyRequest(asked) Some(
        Form::about("update_policy", &asked.key)
            .number("expected_version", asked.expected_version)
            .bytes("policy", &asked.policy)
    );
    SimulateRequest(asked) Some(
        Form::about("simulate", &asked.key).bytes("request", &asked.request)
    );
    BeginApprovalRequest(asked) Some(
        Form::about("begin_approval", &asked.key)
            .bytes("request", &asked.request)
            .number("valid_for", asked.valid_for)
    );
    IssueApprovalTokenRequest(asked) Some(
        Form::about("issue_approval", &asked.key).bytes("statement", &asked.statement)
    );
    StagePendingProfileRequest(asked) Some(
        Form::about("stage_profile", &asked.key).bytes("profile", &asked.profile)
    );
    ListPendingProfilesRequest(asked) Some(Form::about("list_profiles", &asked.key));
    PromotePendingProfileRequest(asked) Some(
        Form::about("promote_profile", &asked.key)
            .number("expected_version", asked.expected_version)
            .hex("profile_digest", &asked.profile_digest)
    );
    RevokePendingProfileRequest(asked) Some(
        Form::about("revoke_profile", &asked.key).hex("profile_digest", &asked.profile_digest)
    );
    WhoAmIRequest(_asked) None;
}

impl Formed for Call {
    fn form(&self) -> Option<Form> {
        match self {
            Self::Sign(asked) => asked.form(),
            Self::Verify(asked) => asked.form(),
            Self::Wrap(asked) => asked.form(),
            Self::Unwrap(asked) => asked.form(),
            Self::Mac(asked) => asked.form(),
            Self::MacVerify(asked) => asked.form(),
            Self::GetPublicKey(asked) => asked.form(),
            Self::Reconstruct(asked) => asked.form(),
        }
    }
}

fn creation(asked: &v1::CreateKeyRequest) -> Form {
    let labels = asked.labels.iter().map(|label| {
        Canonical::map([
            ("name", Canonical::text(&label.name)),
            ("value", Canonical::text(&label.value)),
        ])
    });
    let key_type = vault_proto::key_type(asked.r#type).map_or("", |known| known.name());
    let form = Form::creation("create_key", &asked.handle)
        .value("labels", Canonical::list(labels))
        .text("name", &asked.name)
        .bytes("policy", &asked.policy)
        .text("type", key_type);
    match asked.share.is_empty() {
        true => form,
        false => form.bytes("share", &asked.share),
    }
}

fn sign(asked: &v1::SignRequest) -> Option<Form> {
    use sign_request::Input;
    let (operation, payload) = match asked.input.as_ref()? {
        Input::Message(bytes) => ("sign", bytes),
        Input::Digest(bytes) => ("sign_digest", bytes),
    };
    let form = Form::about(operation, &asked.key).bytes("payload", payload);
    Some(form.text("signature_format", format(asked.format)))
}

fn verify(asked: &v1::VerifyRequest) -> Option<Form> {
    use verify_request::Input;
    let (input, payload) = match asked.input.as_ref()? {
        Input::Message(bytes) => ("message", bytes),
        Input::Digest(bytes) => ("digest", bytes),
    };
    let form = Form::about("verify", &asked.key)
        .text("input", input)
        .bytes("payload", payload)
        .text("signature_format", format(asked.format))
        .digest("signature", &asked.signature);
    Some(form.number("version", asked.version))
}

fn format(format: buffa::EnumValue<SignatureFormat>) -> &'static str {
    match format.as_known() {
        Some(SignatureFormat::SIGNATURE_FORMAT_DER) => "der",
        _ => "p1363",
    }
}
