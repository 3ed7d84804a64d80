//! One file per command.

mod approve_json;
mod approve_list;
mod approve_register;
mod approve_request;
mod approve_review;
mod approve_show;
mod approve_sign;
mod approve_simulate;
mod approve_what;
mod approve_words;
mod audit_entry;
mod audit_evidence;
mod audit_export;
mod audit_export_lines;
mod audit_export_tiles;
mod audit_follow;
mod audit_offline;
mod audit_read;
mod audit_verify;
mod completion;
mod constellation_file;
mod constellation_keys;
mod constellation_manifest;
mod constellation_members;
mod constellation_reconfigure;
mod doctor;
mod evidence_files;
mod key_cancel_deletion;
mod key_create;
mod key_delete;
mod key_holders;
mod key_json;
mod key_list;
mod key_mac;
mod key_show;
pub(crate) mod key_sign;
mod key_unwrap;
mod key_verify;
mod key_wrap;
mod memory;
mod owner_export;
mod owner_import;
mod policy_diff;
mod policy_edit;
mod policy_explain;
mod policy_lint;
mod policy_show;
mod policy_simulate;
mod policy_template;
mod profile_list;
mod profile_promote;
mod profile_revoke;
mod profile_stage;
mod secret_adopt;
mod secret_json;
mod secret_list;
mod secret_out_dir;
mod secret_reconstruct;
mod secret_recover;
mod secret_refresh;
mod secret_repair;
mod secret_split;
mod secret_vaults;
mod vault_evidence;
mod vault_inspect;
mod vault_list;
mod whoami;

use crate::cli::{
    ApproveCommand, AuditCommand, Cli, Command, ConstellationCommand, KeyCommand, OwnerCommand,
    PolicyCommand, ProfileCommand, SecretCommand, VaultCommand,
};
use crate::context::Context;
use crate::output::Output;
use vault_client::Result;

/// Runs one command.
pub(crate) async fn run(cli: Cli) -> Result<Output> {
    let context = Context::new(cli.global);
    let outcome = dispatch(&context, cli.command).await;
    context.with_what_was_found(outcome)
}

async fn dispatch(context: &Context, command: Command) -> Result<Output> {
    match command {
        #[cfg(feature = "dev")]
        Command::Demo(args) => crate::demo::run(context, args).await,
        #[cfg(feature = "dev")]
        Command::Dev(args) => crate::dev::run(context, args).await,
        Command::Vault(command) => vault(context, command).await,
        Command::Constellation(command) => constellation(context, command).await,
        Command::Key(command) => key(context, command).await,
        Command::Secret(command) => secret(context, command).await,
        Command::Owner(command) => owner(context, command),
        Command::Policy(command) => policy(context, command).await,
        Command::Approve(command) => approve(context, command).await,
        Command::Profile(command) => profile(context, command).await,
        Command::Audit(command) => audit(context, command).await,
        Command::Doctor => doctor::run(context).await,
        Command::Whoami => whoami::run(context).await,
        Command::Completion { shell } => completion::run(shell),
        #[cfg(feature = "dev")]
        Command::VaultChild(args) => crate::dev::vault_child(args).await,
        #[cfg(feature = "dev")]
        Command::IssuerChild(args) => crate::dev::issuer_child(args).await,
        #[cfg(feature = "dev")]
        Command::RegistryChild(args) => crate::dev::registry_child(args).await,
        #[cfg(feature = "dev")]
        Command::RelayChild(args) => crate::dev::relay_child(args).await,
        #[cfg(feature = "dev")]
        Command::SharesChild(args) => crate::demo::shares_child(context, args).await,
        #[cfg(feature = "dev")]
        Command::ThiefChild(args) => crate::demo::thief_child(args).await,
        #[cfg(feature = "dev")]
        Command::CallerChild(args) => crate::dev::caller_child(context, args).await,
    }
}

async fn vault(context: &Context, command: VaultCommand) -> Result<Output> {
    match command {
        VaultCommand::List => vault_list::run(context).await,
        VaultCommand::Inspect { id, verify_config } => {
            vault_inspect::run(context, id, verify_config).await
        }
        VaultCommand::Evidence(command) => vault_evidence::run(context, command),
    }
}

async fn constellation(context: &Context, command: ConstellationCommand) -> Result<Output> {
    match command {
        ConstellationCommand::NewId => constellation_keys::new_id(),
        ConstellationCommand::Keygen { out } => constellation_keys::keygen(&out),
        ConstellationCommand::Init(args) => constellation_manifest::init(context, args),
        ConstellationCommand::Show => constellation_manifest::show(context),
        ConstellationCommand::Update(args) => constellation_manifest::update(context, args),
        ConstellationCommand::Sign(args) => constellation_manifest::sign(context, args),
        ConstellationCommand::Reconfigure(args) => {
            constellation_reconfigure::run(context, args).await
        }
    }
}

async fn key(context: &Context, command: KeyCommand) -> Result<Output> {
    match command {
        KeyCommand::Create(args) => key_create::run(context, args).await,
        KeyCommand::List(args) => key_list::run(context, args).await,
        KeyCommand::Show(args) => key_show::run(context, args).await,
        KeyCommand::Sign(args) => key_sign::run(context, args).await,
        KeyCommand::Verify(args) => key_verify::run(context, args).await,
        KeyCommand::Wrap(args) => key_wrap::run(context, args).await,
        KeyCommand::Unwrap(args) => key_unwrap::run(context, args).await,
        KeyCommand::Mac(args) => key_mac::run(context, args).await,
        KeyCommand::Delete(args) => key_delete::run(context, args).await,
        KeyCommand::CancelDeletion(args) => key_cancel_deletion::run(context, args).await,
    }
}

async fn secret(context: &Context, command: SecretCommand) -> Result<Output> {
    match command {
        SecretCommand::Split(args) => secret_split::run(context, args).await,
        SecretCommand::Reconstruct(args) => secret_reconstruct::run(context, args).await,
        SecretCommand::Refresh(args) => secret_refresh::run(context, args).await,
        SecretCommand::Repair(args) => secret_repair::run(context, args).await,
        SecretCommand::List => secret_list::run(context),
        SecretCommand::Recover(args) => secret_recover::run(context, args).await,
    }
}

fn owner(context: &Context, command: OwnerCommand) -> Result<Output> {
    match command {
        OwnerCommand::Export { file } => owner_export::run(context, file),
        OwnerCommand::Import { file } => owner_import::run(context, file),
    }
}

async fn policy(context: &Context, command: PolicyCommand) -> Result<Output> {
    match command {
        PolicyCommand::Template(args) => policy_template::run(args),
        PolicyCommand::Show(args) => policy_show::run(context, args).await,
        PolicyCommand::Lint(args) => policy_lint::run(args),
        PolicyCommand::Diff(args) => policy_diff::run(args),
        PolicyCommand::Explain(args) => policy_explain::run(args),
        PolicyCommand::Simulate(args) => policy_simulate::run(args),
        PolicyCommand::Edit(args) => policy_edit::run(context, args).await,
    }
}

async fn approve(context: &Context, command: ApproveCommand) -> Result<Output> {
    match command {
        ApproveCommand::Request(args) => approve_request::run(context, &args).await,
        ApproveCommand::List(args) => approve_list::run(context, args).await,
        ApproveCommand::Show(args) => approve_show::run(context, args).await,
        ApproveCommand::Sign(args) => approve_sign::run(context, args).await,
        ApproveCommand::Register(args) => approve_register::run(context, &args),
    }
}

async fn profile(context: &Context, command: ProfileCommand) -> Result<Output> {
    match command {
        ProfileCommand::Stage(args) => profile_stage::run(context, args).await,
        ProfileCommand::List(args) => profile_list::run(context, args).await,
        ProfileCommand::Promote(args) => profile_promote::run(context, args).await,
        ProfileCommand::Revoke(args) => profile_revoke::run(context, args).await,
    }
}

async fn audit(context: &Context, command: AuditCommand) -> Result<Output> {
    match command {
        AuditCommand::Read(args) => audit_read::run(context, args).await,
        AuditCommand::Verify(args) => audit_verify::run(context, args).await,
        AuditCommand::Follow(args) => audit_follow::run(context, args).await,
        AuditCommand::Export(args) => audit_export::run(context, args).await,
    }
}
