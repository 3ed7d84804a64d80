//! `policy template`

use crate::cli::{PolicyTemplate, TextFormat};
use crate::commands::policy_lint::host_time;
use crate::context::usage;
use crate::manager_source::{authenticator, managers};
use crate::output::{Human, Output};
use crate::policy_source;
use serde_json::{Value, json};
use vault_client::{Error, ErrorCode, Result};
use vault_policy::{
    IssuerRole, KeyPolicy, OidcSubject, TEMPLATES, TdMeasurement, TemplateArgs, template, validate,
};

pub(crate) fn run(args: PolicyTemplate) -> Result<Output> {
    let Some(name) = &args.name else {
        return Ok(list());
    };
    let refused = |why: String| {
        Error::new(ErrorCode::InvalidArgument)
            .detail(format_args!("{name}: {why}"))
            .next("evault policy template")
    };
    let policy =
        template(name, &template_args(&args)?).map_err(|error| refused(error.to_string()))?;
    // What no vault would take is no start.
    validate(&policy, args.key_type.into(), host_time())
        .map_err(|invalid| refused(invalid.to_string()))?;
    show(&policy, args.format)
}

fn template_args(args: &PolicyTemplate) -> Result<TemplateArgs> {
    let issuer = args.owner_issuer.clone();
    let subject = |subject: &str| OidcSubject {
        issuer: issuer.clone(),
        subject: subject.into(),
    };
    let mut wanted = TemplateArgs::new(subject(&args.owner_subject), args.key_type.into());
    wanted.service = args.service.as_deref().map(subject);
    wanted.role = args.role.as_ref().map(|role| IssuerRole {
        issuer: issuer.clone(),
        role: role.clone(),
    });
    wanted.mrenclave = match &args.mrenclave {
        Some(hex) => Some(hex.parse().map_err(usage)?),
        None => None,
    };
    for platform in &args.platforms {
        wanted.platforms.insert(platform.parse().map_err(usage)?);
    }
    wanted.managers = managers(&args.managers, &issuer)?;
    wanted.threshold = args.threshold;
    wanted.second_factor = match &args.second_factor {
        Some(path) => Some(authenticator(path)?),
        None => None,
    };
    domain(args, &mut wanted)?;
    Ok(wanted)
}

fn domain(args: &PolicyTemplate, wanted: &mut TemplateArgs) -> Result<()> {
    wanted.mrtd = match &args.mrtd {
        Some(hex) => Some(hex.parse().map_err(usage)?),
        None => None,
    };
    for rtmr in &args.rtmr {
        let (index, hex) = rtmr
            .split_once('=')
            .ok_or_else(|| usage("expected an index, `=`, and 96 hex digits"))?;
        let value: TdMeasurement = hex.parse().map_err(usage)?;
        wanted.rtmrs.insert(index.parse().map_err(usage)?, value);
    }
    Ok(())
}

fn list() -> Output {
    let templates: Vec<Value> = TEMPLATES
        .iter()
        .map(|template| json!({ "name": template.name, "about": template.about }))
        .collect();
    let rows = TEMPLATES
        .iter()
        .map(|template| vec![template.name.to_owned(), template.about.to_owned()])
        .collect();
    Output::new(
        json!({ "templates": templates }),
        Human::Table {
            head: vec!["name", "about"],
            rows,
        },
    )
}

/// A policy with its hash.
pub(crate) fn show(policy: &KeyPolicy, format: TextFormat) -> Result<Output> {
    let canonical = policy.to_canonical();
    let value = policy_source::to_value(&canonical);
    let text = match format {
        TextFormat::Yaml => policy_source::to_yaml(&canonical)?,
        TextFormat::Json => serde_json::to_string_pretty(&value)
            .map_err(|error| Error::new(ErrorCode::Internal).detail(error))?,
    };
    let json = json!({ "policy": value, "policy_hash": policy.hash().to_string() });
    Ok(Output::new(json, Human::Text(text)))
}
