//! Keeps the published schema true to the reader.

use super::Shape;
use crate::evidence::TcbStatus;
use crate::model::KeyPolicy;
use crate::operation::Operation;
use std::collections::BTreeSet;
use vault_encoding::{Json, Limits};

const LIMITS: Limits = Limits {
    bytes: 1 << 20,
    depth: 64,
    nodes: 100_000,
};

fn schema() -> Json {
    let text = include_str!("../../schema/key-policy.schema.json");
    Json::parse(text.as_bytes(), LIMITS).unwrap()
}

fn names(json: Option<&Json>) -> BTreeSet<&str> {
    match json {
        Some(Json::Map(members)) => members.keys().map(String::as_str).collect(),
        Some(Json::List(items)) => items.iter().filter_map(Json::as_text).collect(),
        _ => BTreeSet::new(),
    }
}

#[test]
fn the_schema_has_exactly_the_members_that_the_reader_knows() {
    let schema = schema();
    let defs = schema.get("$defs").unwrap();
    for shape in Shape::ALL {
        let object = if shape.name.is_empty() {
            &schema
        } else {
            defs.get(shape.name).unwrap()
        };
        let members = names(object.get("properties"));
        assert_eq!(
            members,
            shape.members.iter().copied().collect(),
            "{}",
            shape.name
        );
        assert_eq!(
            names(object.get("required")),
            shape.required.iter().copied().collect(),
            "{}",
            shape.name
        );
        assert_eq!(
            object.get("additionalProperties"),
            Some(&Json::Bool(false)),
            "{}",
            shape.name
        );
    }
    let Json::Map(defs) = defs else {
        panic!("{defs:?}")
    };
    let objects = defs
        .values()
        .filter(|def| def.get("properties").is_some())
        .count();
    assert_eq!(objects + 1, Shape::ALL.len());
}

#[test]
fn the_schema_has_exactly_the_words_that_the_reader_knows() {
    let schema = schema();
    let defs = schema.get("$defs").unwrap();
    let operations = names(defs.get("operation").unwrap().get("enum"));
    assert_eq!(
        operations,
        Operation::ALL.iter().map(|op| op.name()).collect()
    );
    let tcb = defs
        .get("tcb")
        .unwrap()
        .get("properties")
        .unwrap()
        .get("statuses")
        .unwrap();
    let statuses = names(tcb.get("items").unwrap().get("enum"));
    assert_eq!(
        statuses,
        TcbStatus::ALL.iter().map(|status| status.name()).collect()
    );
    let format = schema.get("properties").unwrap().get("format").unwrap();
    assert_eq!(
        format.get("const").unwrap().as_text(),
        Some(KeyPolicy::FORMAT)
    );
    let rules = schema.get("properties").unwrap().get("operations").unwrap();
    assert_eq!(
        rules.get("maxItems").unwrap().as_u64(),
        Some(KeyPolicy::MAX_RULES as u64)
    );
}
