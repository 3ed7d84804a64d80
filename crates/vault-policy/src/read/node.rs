//! A value of a document and where it stands.

use super::Shape;
use crate::check;
use crate::error::{Fault, PolicyError};
use crate::model::KeyPolicy;
use crate::write::NONE;
use std::collections::BTreeMap;
use std::str::FromStr;
use vault_encoding::Json;

/// A value and its path.
pub(super) struct Node<'a> {
    json: &'a Json,
    path: String,
}

/// An object without unknown members.
pub(super) struct Object<'a> {
    members: &'a BTreeMap<String, Json>,
    path: String,
}

impl<'a> Node<'a> {
    pub(super) fn root(json: &'a Json) -> Self {
        Self {
            json,
            path: String::new(),
        }
    }

    pub(super) fn fault(&self, fault: Fault) -> PolicyError {
        fault.at(self.path.clone())
    }

    fn expected(&self, what: &'static str) -> PolicyError {
        self.fault(Fault::Expected(what))
    }

    /// The object, if it has every required member and no unknown one.
    pub(super) fn object(&self, shape: &Shape) -> Result<Object<'a>, PolicyError> {
        let Json::Map(members) = self.json else {
            return Err(self.expected("an object"));
        };
        let object = Object {
            members,
            path: self.path.clone(),
        };
        if let Some(name) = members
            .keys()
            .find(|name| !shape.members.contains(&name.as_str()))
        {
            return Err(Fault::UnknownMember.at(object.path_of(&printable(name))));
        }
        match shape
            .required
            .iter()
            .find(|name| !members.contains_key(**name))
        {
            Some(name) => Err(Fault::Missing.at(object.path_of(name))),
            None => Ok(object),
        }
    }

    /// Every item of the list, read by `read`.
    pub(super) fn each<T, C: FromIterator<T>>(
        &self,
        read: impl Fn(Node<'a>) -> Result<T, PolicyError>,
    ) -> Result<C, PolicyError> {
        let Json::List(items) = self.json else {
            return Err(self.expected("a list"));
        };
        let nodes = items.iter().enumerate();
        nodes
            .map(|(index, json)| {
                read(Node {
                    json,
                    path: format!("{}[{index}]", self.path),
                })
            })
            .collect()
    }

    pub(super) fn is_empty_list(&self) -> bool {
        matches!(self.json, Json::List(items) if items.is_empty())
    }

    /// The text of a string, a number or a boolean.
    pub(super) fn scalar(&self) -> Option<&'a str> {
        match self.json {
            Json::Text(text) | Json::Number(text) => Some(text),
            Json::Bool(true) => Some("true"),
            Json::Bool(false) => Some("false"),
            Json::Null | Json::List(_) | Json::Map(_) => None,
        }
    }

    pub(super) fn text(&self) -> Result<&'a str, PolicyError> {
        self.json.as_text().ok_or_else(|| self.expected("a string"))
    }

    pub(super) fn identity(&self) -> Result<String, PolicyError> {
        let text = self.text()?;
        check::identity(text, &self.path)?;
        Ok(text.to_owned())
    }

    /// A string that `find` knows.
    pub(super) fn named<T>(
        &self,
        what: &'static str,
        find: impl Fn(&str) -> Option<T>,
    ) -> Result<T, PolicyError> {
        find(self.text()?).ok_or_else(|| self.expected(what))
    }

    /// A whole number: digits, as a string or as a number.
    pub(super) fn number<T: FromStr>(&self) -> Result<T, PolicyError> {
        let digits = self
            .scalar()
            .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        digits
            .and_then(|digits| digits.parse().ok())
            .ok_or_else(|| self.expected("a whole number in range"))
    }

    pub(super) fn boolean(&self) -> Result<bool, PolicyError> {
        match self.scalar() {
            Some("true") => Ok(true),
            Some("false") => Ok(false),
            _ => Err(self.expected("true or false")),
        }
    }
}

impl<'a> Object<'a> {
    fn path_of(&self, name: &str) -> String {
        match self.path.as_str() {
            "" => name.to_owned(),
            path => format!("{path}.{name}"),
        }
    }

    pub(super) fn fault(&self, fault: Fault) -> PolicyError {
        fault.at(self.path.clone())
    }

    /// The member, present or left to its default.
    pub(super) fn optional(&self, name: &str) -> Option<Node<'a>> {
        self.members.get(name).map(|json| Node {
            json,
            path: self.path_of(name),
        })
    }

    pub(super) fn required(&self, name: &str) -> Result<Node<'a>, PolicyError> {
        self.optional(name)
            .ok_or_else(|| Fault::Missing.at(self.path_of(name)))
    }

    /// The scalar, unless it is left out or written as `none`.
    pub(super) fn given(&self, name: &str) -> Option<Node<'a>> {
        self.optional(name)
            .filter(|node| node.json.as_text() != Some(NONE))
    }

    /// The names of the members that are there.
    pub(super) fn names(&self) -> impl Iterator<Item = &'a str> {
        self.members.keys().map(String::as_str)
    }
}

/// A name that is not of the format, so that it can stand in a message.
fn printable(name: &str) -> String {
    name.escape_debug().take(KeyPolicy::MAX_NAME).collect()
}
