//! What all calls have in common: a context that goes out, a receipt that comes back.

use super::form::Formed;
use crate::session::Session;
use connectrpc::ConnectError;
use connectrpc::client::CallOptions;
use std::future::Future;
use vault_proto::v1;
use vault_proto::v1::__buffa::oneof::operate_request::Call;
use vault_proto::v1::__buffa::oneof::operate_response::Outcome;

/// Whether a call may be sent again when its first answer was lost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Repeat {
    /// It changes nothing.
    Reads,
    /// It changes something once, however often it is sent, by its idempotency key.
    Keyed,
    /// Each time is another use of the key, with an entry in the log.
    Uses,
}

/// One call of the protocol.
pub(crate) trait Rpc: Formed + Clone + Send + Sync + 'static {
    type Answer: Send;
    const REPEAT: Repeat;

    fn set_context(&mut self, context: v1::CallContext);

    fn receipt(answer: &Self::Answer) -> Option<&v1::Receipt>;

    /// As a call of its own.
    fn send(
        self,
        session: &Session,
        options: CallOptions,
    ) -> impl Future<Output = Result<Self::Answer, ConnectError>> + Send;

    /// As a call of an `Operate` stream; `None` if it cannot be one.
    fn operation(&self) -> Option<Call> {
        None
    }

    /// The answer to such a call; `None` if it is one to another question.
    fn outcome(_outcome: Outcome) -> Option<Self::Answer> {
        None
    }
}

/// Longer calls are calls of their own: a vault reads no longer ones from a stream.
const LONGEST: usize = vault_proto::OPERATE_MESSAGE - 64;

/// One call of a stream, if it is short enough for it.
fn short<M: buffa::Message + Clone>(message: &M, call: fn(Box<M>) -> Call) -> Option<Call> {
    let length = usize::try_from(message.encoded_len()).ok()?;
    (length <= LONGEST).then(|| call(Box::new(message.clone())))
}

macro_rules! rpcs {
    ($($repeat:ident $client:ident.$method:ident($request:ident) -> $answer:ident
        $(or $variant:ident)?;)*) => { $(
        impl Rpc for v1::$request {
            type Answer = v1::$answer;
            const REPEAT: Repeat = Repeat::$repeat;

            fn set_context(&mut self, context: v1::CallContext) {
                self.context = context.into();
            }

            fn receipt(answer: &v1::$answer) -> Option<&v1::Receipt> {
                answer.receipt.as_option()
            }

            async fn send(
                self,
                session: &Session,
                options: CallOptions,
            ) -> Result<v1::$answer, ConnectError> {
                let client = v1::$client::new(session.transport(), session.rpc_config());
                Ok(client.$method(self, options).await?.into_owned())
            }

            $(
                fn operation(&self) -> Option<Call> {
                    short(self, Call::$variant)
                }

                fn outcome(outcome: Outcome) -> Option<v1::$answer> {
                    match outcome {
                        Outcome::$variant(answer) => Some(*answer),
                        _ => None,
                    }
                }
            )?
        }
    )* };
}

rpcs! {
    Keyed KeyServiceClient.create_key_with_options(CreateKeyRequest) -> CreateKeyResponse;
    Reads KeyServiceClient.get_key_with_options(GetKeyRequest) -> GetKeyResponse;
    Reads KeyServiceClient.list_keys_with_options(ListKeysRequest) -> ListKeysResponse;
    Keyed KeyServiceClient.schedule_deletion_with_options(ScheduleDeletionRequest)
        -> ScheduleDeletionResponse;
    Keyed KeyServiceClient.cancel_deletion_with_options(CancelDeletionRequest)
        -> CancelDeletionResponse;
    Uses CryptoServiceClient.sign_with_options(SignRequest) -> SignResponse or Sign;
    Reads CryptoServiceClient.verify_with_options(VerifyRequest) -> VerifyResponse or Verify;
    Uses CryptoServiceClient.wrap_with_options(WrapRequest) -> WrapResponse or Wrap;
    Uses CryptoServiceClient.unwrap_with_options(UnwrapRequest) -> UnwrapResponse or Unwrap;
    Uses CryptoServiceClient.mac_with_options(MacRequest) -> MacResponse or Mac;
    Uses CryptoServiceClient.mac_verify_with_options(MacVerifyRequest) -> MacVerifyResponse
        or MacVerify;
    Reads CryptoServiceClient.get_public_key_with_options(GetPublicKeyRequest)
        -> GetPublicKeyResponse or GetPublicKey;
    Uses CryptoServiceClient.reconstruct_with_options(ReconstructRequest) -> ReconstructResponse
        or Reconstruct;
    Reads PolicyServiceClient.get_policy_with_options(GetPolicyRequest) -> GetPolicyResponse;
    Keyed PolicyServiceClient.update_policy_with_options(UpdatePolicyRequest)
        -> UpdatePolicyResponse;
    Reads PolicyServiceClient.simulate_with_options(SimulateRequest) -> SimulateResponse;
    Reads ApprovalServiceClient.begin_approval_with_options(BeginApprovalRequest)
        -> BeginApprovalResponse;
    Reads ApprovalServiceClient.issue_approval_token_with_options(IssueApprovalTokenRequest)
        -> IssueApprovalTokenResponse;
    Keyed ProfileServiceClient.stage_pending_profile_with_options(StagePendingProfileRequest)
        -> StagePendingProfileResponse;
    Reads ProfileServiceClient.list_pending_profiles_with_options(ListPendingProfilesRequest)
        -> ListPendingProfilesResponse;
    Keyed ProfileServiceClient.promote_pending_profile_with_options(PromotePendingProfileRequest)
        -> PromotePendingProfileResponse;
    Keyed ProfileServiceClient.revoke_pending_profile_with_options(RevokePendingProfileRequest)
        -> RevokePendingProfileResponse;
    Reads VaultServiceClient.who_am_i_with_options(WhoAmIRequest) -> WhoAmIResponse;
}
