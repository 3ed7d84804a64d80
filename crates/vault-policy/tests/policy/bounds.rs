//! Every bound of the format, at both of its ends; and what lint says.

use vault_encoding::{Hash, Json, Limits};
use vault_policy::{
    AttestationProfile, CallerIdentity, Condition, Fault, Invalid, KeyPolicy, KeyType, Measurement,
    NamedCaller, OidcSubject, Operation, PolicyError, PolicyFields, PrincipalName, Rule, TcbRule,
    TemplateArgs, TimeWindow, UnixSeconds, VaultTime, lint, template, validate,
};

fn subject(subject: String) -> OidcSubject {
    OidcSubject {
        issuer: "https://issuer.test".to_owned(),
        subject,
    }
}

fn fields() -> PolicyFields {
    let args = TemplateArgs::new(subject("ann".to_owned()), KeyType::P256Signing);
    template("owner", &args).unwrap().fields().clone()
}

fn fault(fields: PolicyFields) -> Option<Fault> {
    KeyPolicy::from_fields(fields)
        .err()
        .map(|error| error.fault)
}

fn window() -> Condition {
    Condition::TimeWindow(TimeWindow {
        from: Some(UnixSeconds(1)),
        until: None,
    })
}

fn rule(name: String, condition: Condition) -> Rule {
    Rule {
        name,
        operations: [Operation::Sign].into(),
        principals: [PrincipalName::Owner].into(),
        condition,
    }
}

#[test]
fn eight_levels_of_conditions_and_no_more() {
    let nest = |levels| (1..levels).fold(window(), |inner, _| Condition::All(vec![inner]));
    for (levels, expected) in [
        (8, None),
        (9, Some(Fault::TooDeep)),
        (500, Some(Fault::TooDeep)),
    ] {
        let mut fields = fields();
        fields.operations[0].condition = nest(levels);
        assert_eq!(fault(fields), expected, "{levels}");
    }
}

#[test]
fn a_document_nested_without_end_is_refused_and_not_followed() {
    let condition = (0..5000).fold("{\"all\":[]}".to_owned(), |inner, _| {
        format!("{{\"not\":{inner}}}")
    });
    let text = format!(
        "{{\"format\":\"{}\",\"principals\":{{\"owner\":{{\"issuer\":\"i\",\"subject\":\"s\"}}}},\
         \"operations\":[{{\"name\":\"r\",\"operations\":[\"sign\"],\"principals\":[\"owner\"],\
         \"condition\":{condition}}}]}}",
        KeyPolicy::FORMAT
    );
    let limits = Limits {
        bytes: 1 << 20,
        depth: 6000,
        nodes: 1 << 20,
    };
    let json = Json::parse(text.as_bytes(), limits).unwrap();
    assert_eq!(
        KeyPolicy::from_json(&json).map_err(|error| error.fault),
        Err(Fault::TooDeep)
    );
    let canonical = KeyPolicy::from_canonical(text.as_bytes());
    assert_eq!(canonical.map_err(|error| error.code()), Err("json"));
}

#[test]
fn two_hundred_and_fifty_six_conditions_in_the_whole_policy_and_no_more() {
    for (windows, expected) in [(253, None), (254, Some(Fault::TooMany { limit: 256 }))] {
        let mut fields = fields();
        fields.operations[0].condition = Condition::Any(vec![window(); windows]);
        fields
            .operations
            .push(rule("second".to_owned(), Condition::All(vec![window()])));
        assert_eq!(fault(fields), expected, "{windows}");
    }
}

#[test]
fn sixty_four_rules_and_no_more() {
    for (rules, expected) in [(64, None), (65, Some(Fault::TooMany { limit: 64 }))] {
        let mut fields = fields();
        fields.operations = (0..rules)
            .map(|index| rule(format!("r{index}"), Condition::always()))
            .collect();
        assert_eq!(fault(fields), expected, "{rules}");
    }
}

#[test]
fn names_and_identities_have_1_to_256_bytes() {
    for (length, expected) in [
        (0, Some(Fault::BadIdentity)),
        (1, None),
        (256, None),
        (257, Some(Fault::BadIdentity)),
    ] {
        let text = "n".repeat(length);
        let changes: [fn(&mut PolicyFields, String); 3] = [
            |fields, text| fields.principals.owner.subject.issuer = text,
            |fields, text| fields.principals.owner.subject.subject = text,
            |fields, text| fields.operations[0].name = text,
        ];
        for change in changes {
            let mut fields = fields();
            change(&mut fields, text.clone());
            assert_eq!(fault(fields), expected, "{length}");
        }
    }
}

/// A policy whose canonical form has this many bytes: callers, their issuers filled up.
fn of_length(length: usize) -> Result<KeyPolicy, PolicyError> {
    let mut fields = fields();
    let caller = |index| NamedCaller {
        id: format!("c{index}"),
        identity: CallerIdentity::Oidc(subject("s".repeat(256))),
    };
    fields.principals.callers = (0..130).map(caller).collect();
    let plain = KeyPolicy::from_fields(fields.clone()).unwrap();
    let mut left = length - plain.canonical_bytes().len();
    for caller in &mut fields.principals.callers {
        if let CallerIdentity::Oidc(oidc) = &mut caller.identity {
            let more = left.min(256 - oidc.issuer.len());
            oidc.issuer.push_str(&"x".repeat(more));
            left -= more;
        }
    }
    assert_eq!(left, 0);
    KeyPolicy::from_fields(fields)
}

#[test]
fn the_canonical_form_has_64_kib_and_no_more() {
    let full = of_length(KeyPolicy::MAX_BYTES).unwrap();
    assert_eq!(full.canonical_bytes().len(), KeyPolicy::MAX_BYTES);
    assert_eq!(KeyPolicy::from_canonical(full.canonical_bytes()), Ok(full));
    let longer = of_length(KeyPolicy::MAX_BYTES + 1);
    assert_eq!(
        longer,
        Err(PolicyError {
            path: String::new(),
            fault: Fault::TooLong
        })
    );
}

fn lint_codes(document: &str) -> Vec<String> {
    let limits = Limits {
        bytes: 1 << 16,
        depth: 32,
        nodes: 1000,
    };
    let json = Json::parse(document.as_bytes(), limits).unwrap();
    let findings = lint(&KeyPolicy::from_json(&json).unwrap());
    findings
        .into_iter()
        .map(|finding| format!("{} {} {}", finding.code, finding.rule, finding.condition))
        .collect()
}

#[test]
fn lint_says_of_each_way_in_which_a_profile_takes_weak_platforms() {
    let measurement = "ab".repeat(32);
    let wide = |tcb: &str| {
        let document = format!(
            r#"{{"format":"enclave-vaults/key-policy/v1",
            "principals":{{"owner":{{"issuer":"i","subject":"s"}},
                "tees":[{{"name":"exact","mrenclave":"{measurement}","platforms":["{measurement}"],
                          "tcb":{tcb}}}]}},
            "operations":[{{"name":"a","operations":["sign"],"principals":["exact"]}}]}}"#
        );
        lint_codes(&document)
    };
    let weak = ["wide_tcb  tees.exact"];
    assert_eq!(wide(r#"{"statuses":["UpToDate"]}"#), [""; 0]);
    assert_eq!(wide(r#"{"statuses":["UpToDate","OutOfDate"]}"#), weak);
    assert_eq!(wide(r#"{"advisories":["INTEL-SA-00001"]}"#), weak);
    assert_eq!(wide(r#"{"grace":"1"}"#), weak);
}

#[test]
fn lint_names_the_rule_and_the_place_of_every_remark() {
    let measurement = "ab".repeat(32);
    let document = format!(
        r#"{{"format":"enclave-vaults/key-policy/v1",
        "principals":{{"owner":{{"issuer":"i","subject":"s"}},
            "callers":[{{"id":"ci","oidc":{{"issuer":"i","subject":"ci"}}}},
                       {{"id":"ghost","oidc":{{"issuer":"i","subject":"g"}}}}],
            "tees":[{{"name":"exact","mrenclave":"{measurement}","platforms":["{measurement}"]}},
                    {{"name":"fleet","mrsigner":"{measurement}","isv_prod_id":1,"min_isv_svn":2,
                      "tcb":{{"statuses":["UpToDate","SWHardeningNeeded"]}}}}]}},
        "operations":[
            {{"name":"a","operations":["sign"],"principals":["owner","exact"]}},
            {{"name":"b","operations":["sign","verify"],"principals":["ci"],
              "condition":{{"all":[{{"attestation_matches":{{"profile":"fleet"}}}},{{"any":[]}}]}}}},
            {{"name":"c","operations":["sign"],"principals":["any"]}},
            {{"name":"d","operations":["sign"],"principals":["any"],
              "condition":{{"time_window":{{"from":1}}}}}}],
        "usage":{{"operations":["sign"]}},
        "lifecycle":{{"sealed_forever":true}}}}"#
    );
    assert_eq!(
        lint_codes(&document),
        [
            "sealed_forever  ",
            "unused_principal  callers.ghost",
            "profile_any_platform  tees.fleet",
            "profile_by_signer  tees.fleet",
            "wide_tcb  tees.fleet",
            "no_effect c ",
            "rule_beyond_usage b ",
            "sheddable_condition b all",
            "never_true b all[1].any",
        ]
    );
}

#[test]
fn lint_says_whom_managers_cannot_hold_back_and_what_one_lost_manager_blocks() {
    let document = |mutability: &str, oidc: &str| {
        let key = |letter: &str| {
            format!(
                r#"{{"fido2":{{"algorithm":"eddsa","credential_id":"{}","origins":["o"],"public_key":"{}","rp_id":"r"}}}}"#,
                letter.repeat(4),
                letter.repeat(42) + "A"
            )
        };
        format!(
            r#"{{"format":"enclave-vaults/key-policy/v1",
            "principals":{{"owner":{{"issuer":"i","subject":"s"}},
                "managers":[{{"id":"bob","credentials":[{}]}},{{"id":"carl","credentials":[{}]}}]}},
            "operations":[{{"name":"a","operations":["sign"],"principals":["owner"],
                "condition":{{"manager_approval":{{"managers":["bob","carl"],"oidc":"{oidc}"}}}}}}],
            "mutability":{{{mutability}}}}}"#,
            key("A"),
            key("B")
        )
    };
    assert!(lint_codes(&document("", "refused")).is_empty());
    let two = r#""operations":{"quorum":{"threshold":2}},"principals.managers":"owner""#;
    assert_eq!(
        lint_codes(&document(two, "allowed")),
        [
            "owner_overrules_managers  mutability.principals.managers",
            "no_spare_manager  mutability.operations",
            "approval_by_token a manager_approval",
        ]
    );
    let callers = r#""principals.callers":"owner","principals.mtls":"owner""#;
    assert_eq!(
        lint_codes(&document(callers, "refused")),
        [
            "owner_names_callers  mutability.principals.callers",
            "owner_names_callers  mutability.principals.mtls",
        ]
    );
    let never = document("", r#"refused","fresh_for":"0"#);
    assert_eq!(lint_codes(&never), ["never_fresh a manager_approval"]);
}

#[test]
fn a_message_shows_unknown_names_escaped_and_cut() {
    let json = Json::Map([(format!("a\n{}", "b".repeat(1000)), Json::Null)].into());
    let error = KeyPolicy::from_json(&json).unwrap_err();
    assert_eq!(error.path, format!("a\\n{}", "b".repeat(253)));
    assert!(!error.to_string().contains('\n'));
}

#[test]
fn the_search_for_an_allowed_call_ends_undecided_where_nobody_would_look_further() {
    let mut fields = fields();
    let profile = |index: u8| AttestationProfile {
        name: format!("t{index}"),
        mrenclave: Some(Measurement(Hash([index; 32]))),
        signer: None,
        mrtd: None,
        rtmrs: [].into(),
        config_merkle_root: None,
        required_oids: [].into(),
        platforms: [].into(),
        tcb: TcbRule::default(),
    };
    fields.principals.tees = (0..100).map(profile).collect();
    let rule = &mut fields.operations[0];
    rule.principals = (0..100)
        .map(|index| PrincipalName::Id(format!("t{index}")))
        .collect();
    let windows = (0..250).map(|second| {
        Condition::TimeWindow(TimeWindow {
            from: Some(UnixSeconds(second * 10)),
            until: None,
        })
    });
    let never = Condition::Any(Vec::new());
    rule.condition = Condition::All(windows.chain([never]).collect());
    let policy = KeyPolicy::from_fields(fields).unwrap();
    let refused = validate(&policy, KeyType::P256Signing, VaultTime::Unknown);
    assert_eq!(
        refused,
        Err(Invalid::Undecided {
            operation: Operation::Sign
        })
    );
}

#[test]
fn a_policy_of_as_many_approvals_and_managers_as_can_be_written_is_searched_in_bounded_work() {
    let key = |n: usize| {
        let bytes = |length: usize| vault_encoding::text::base64url(&vec![n as u8; length]);
        format!(
            r#"{{"fido2":{{"algorithm":"eddsa","credential_id":"{}","origins":["o"],"public_key":"{}","rp_id":"r"}}}}"#,
            bytes(2),
            bytes(32)
        )
    };
    let persons = (0..32).map(|n| {
        let keys = (0..4).map(|k| key(4 * n + k)).collect::<Vec<_>>();
        format!(r#"{{"id":"m{n}","credentials":[{}]}}"#, keys.join(","))
    });
    let ask = |n: usize| format!(r#"{{"manager_approval":{{"managers":["m{n}"],"threshold":2}}}}"#);
    let asks = (0..240).map(|n| ask(n % 32)).collect::<Vec<_>>();
    let document = format!(
        r#"{{"format":"enclave-vaults/key-policy/v1",
            "principals":{{"owner":{{"issuer":"i","subject":"s"}},"managers":[{}]}},
            "operations":[{{"name":"r","operations":["sign"],"principals":["owner"],
                "condition":{{"any":[{}]}}}}]}}"#,
        persons.collect::<Vec<_>>().join(","),
        asks.join(",")
    );
    let limits = Limits {
        bytes: 1 << 17,
        depth: 32,
        nodes: 1 << 15,
    };
    let json = Json::parse(document.as_bytes(), limits).unwrap();
    let policy = KeyPolicy::from_json(&json).unwrap();
    let refused = validate(&policy, KeyType::P256Signing, VaultTime::Unknown);
    assert_eq!(refused.unwrap_err().code(), "undecided");
}

#[test]
fn a_profile_requires_as_many_claims_as_evidence_can_have_and_no_more() {
    let with = |count: usize| {
        let oids = (0..count).map(|n| format!(r#"{{"oid":"1.{n}","value":""}}"#));
        let oids = oids.collect::<Vec<_>>().join(",");
        let document = format!(
            r#"{{"format":"enclave-vaults/key-policy/v1",
                "principals":{{"owner":{{"issuer":"i","subject":"s"}},
                    "tees":[{{"name":"t","mrenclave":"{}","required_oids":[{oids}]}}]}},
                "operations":[{{"name":"r","operations":["sign"],"principals":["t"]}}]}}"#,
            "0".repeat(64)
        );
        let limits = Limits {
            bytes: 1 << 16,
            depth: 32,
            nodes: 1 << 15,
        };
        KeyPolicy::from_json(&Json::parse(document.as_bytes(), limits).unwrap())
    };
    assert!(with(32).is_ok());
    let fault = with(33).map(|_| ()).unwrap_err().fault;
    assert_eq!(fault, Fault::TooMany { limit: 32 });
}

/// Peak of the memory that this process ever held, in KiB.
#[expect(
    clippy::disallowed_methods,
    reason = "a test may measure its own process"
)]
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn a_policy_of_many_callers_and_roles_is_searched_in_bounded_memory() {
    let callers = (0..500).flat_map(|n| {
        [
            format!(r#"{{"id":"a{n}","oidc":{{"issuer":"i","subject":"a{n}"}}}}"#),
            format!(r#"{{"id":"b{n}","role":{{"issuer":"i","role":"b{n}"}}}}"#),
        ]
    });
    let ids = (0..500).map(|n| format!(r#""a{n}","b{n}""#));
    let document = format!(
        r#"{{"format":"enclave-vaults/key-policy/v1",
            "principals":{{"owner":{{"issuer":"i","subject":"s"}},"callers":[{}]}},
            "operations":[
                {{"name":"grant","operations":["sign"],"principals":[{}]}},
                {{"name":"never","operations":["sign"],"principals":["any"],"condition":{{"any":[]}}}}]}}"#,
        callers.collect::<Vec<_>>().join(","),
        ids.collect::<Vec<_>>().join(",")
    );
    let limits = Limits {
        bytes: 1 << 17,
        depth: 32,
        nodes: 1 << 15,
    };
    let json = Json::parse(document.as_bytes(), limits).unwrap();
    let policy = KeyPolicy::from_json(&json).unwrap();
    let before = peak();
    assert!(validate(&policy, KeyType::P256Signing, VaultTime::Unknown).is_err());
    let grown = peak().saturating_sub(before);
    assert!(grown < 32 << 10, "{grown} KiB");
}
