//! The published schema against the vectors, by the keywords of JSON Schema that it uses.
//! `pattern` is not judged: the reader's own checks of those texts are in the vectors.

use crate::support::{items, parse, text};
use vault_encoding::Json;

struct Schema(Json);

impl Schema {
    fn published() -> Self {
        Self(parse(include_str!("../../schema/key-policy.schema.json")))
    }

    fn accepts(&self, document: &Json) -> bool {
        self.valid(&self.0, document)
    }

    fn valid(&self, schema: &Json, value: &Json) -> bool {
        let Json::Map(keywords) = schema else {
            panic!("{schema:?}")
        };
        keywords
            .iter()
            .all(|(keyword, rule)| self.keyword(schema, keyword, rule, value))
    }

    fn keyword(&self, schema: &Json, keyword: &str, rule: &Json, value: &Json) -> bool {
        match (keyword, value) {
            ("$schema" | "$id" | "$defs" | "title" | "description" | "default" | "pattern", _) => {
                true
            }
            ("$ref", _) => self.valid(self.definition(rule), value),
            ("const", _) => rule == value,
            ("enum", _) => items(rule).contains(value),
            ("anyOf", _) => items(rule).iter().any(|one| self.valid(one, value)),
            ("not", _) => !self.valid(rule, value),
            ("type", _) => rule.as_text() == Some(kind(value)),
            ("minimum", Json::Number(digits)) => !digits.starts_with('-'),
            ("minLength", Json::Text(text)) => text.chars().count() >= count(rule),
            ("maxLength", Json::Text(text)) => text.chars().count() <= count(rule),
            ("items", Json::List(list)) => list.iter().all(|item| self.valid(rule, item)),
            ("minItems", Json::List(list)) => list.len() >= count(rule),
            ("maxItems", Json::List(list)) => list.len() <= count(rule),
            ("minProperties", Json::Map(members)) => members.len() >= count(rule),
            ("maxProperties", Json::Map(members)) => members.len() <= count(rule),
            ("required", Json::Map(_)) => has_all(value, rule),
            ("dependentRequired", Json::Map(_)) => {
                let Json::Map(rules) = rule else {
                    panic!("{rule:?}")
                };
                rules
                    .iter()
                    .all(|(name, rule)| value.get(name).is_none() || has_all(value, rule))
            }
            ("properties", Json::Map(members)) => members.iter().all(|(name, member)| {
                rule.get(name)
                    .is_none_or(|schema| self.valid(schema, member))
            }),
            ("additionalProperties", Json::Map(members)) => {
                let known = schema.get("properties").unwrap();
                members.keys().all(|name| known.get(name).is_some())
            }
            (
                "minimum"
                | "minLength"
                | "maxLength"
                | "items"
                | "minItems"
                | "maxItems"
                | "minProperties"
                | "maxProperties"
                | "required"
                | "dependentRequired"
                | "properties"
                | "additionalProperties",
                _,
            ) => true,
            _ => panic!("keyword {keyword} is not judged"),
        }
    }

    fn definition(&self, reference: &Json) -> &Json {
        let name = reference
            .as_text()
            .unwrap()
            .strip_prefix("#/$defs/")
            .unwrap();
        self.0.get("$defs").unwrap().get(name).unwrap()
    }
}

fn kind(value: &Json) -> &'static str {
    match value {
        Json::Null => "null",
        Json::Bool(_) => "boolean",
        Json::Number(digits) if digits.contains(['.', 'e', 'E']) => "number",
        Json::Number(_) => "integer",
        Json::Text(_) => "string",
        Json::List(_) => "array",
        Json::Map(_) => "object",
    }
}

fn count(rule: &Json) -> usize {
    usize::try_from(rule.as_u64().unwrap()).unwrap()
}

fn has_all(value: &Json, names: &Json) -> bool {
    items(names)
        .iter()
        .all(|name| value.get(name.as_text().unwrap()).is_some())
}

#[test]
fn the_schema_accepts_what_people_write_and_its_canonical_form() {
    let schema = Schema::published();
    let vectors = parse(include_str!("../../../../vectors/policy/canonical.json"));
    for case in items(&vectors) {
        assert!(
            schema.accepts(case.get("document").unwrap()),
            "{}",
            text(case, "name")
        );
        assert!(
            schema.accepts(&parse(text(case, "canonical"))),
            "{}",
            text(case, "name")
        );
    }
    let vectors = parse(include_str!("../../../../vectors/policy/validation.json"));
    for case in items(&vectors) {
        assert!(
            schema.accepts(case.get("document").unwrap()),
            "{}",
            text(case, "name")
        );
    }
}

#[test]
fn the_schema_refuses_every_fault_of_shape() {
    let schema = Schema::published();
    let vectors = parse(include_str!(
        "../../../../vectors/policy/refused-documents.json"
    ));
    let shape = [
        "not_enforced",
        "unknown_format",
        "missing",
        "unknown_member",
        "no_measurement",
    ];
    let (of_shape, others): (Vec<_>, Vec<_>) = items(&vectors)
        .iter()
        .partition(|case| shape.contains(&text(case, "code")));
    assert!(of_shape.len() > 20);
    for case in of_shape {
        assert!(
            !schema.accepts(case.get("document").unwrap()),
            "{}",
            text(case, "name")
        );
    }
    let refused = others
        .iter()
        .filter(|case| !schema.accepts(case.get("document").unwrap()));
    assert!(refused.count() > 10);
}

#[test]
fn the_schema_knows_exactly_the_operations_that_there_are() {
    let schema = Schema::published();
    let operations = schema.0.get("$defs").unwrap().get("operation").unwrap();
    let listed: Vec<_> = items(operations.get("enum").unwrap())
        .iter()
        .map(|name| name.as_text().unwrap())
        .collect();
    assert_eq!(
        listed,
        vault_policy::Operation::ALL.map(|known| known.name())
    );
}
