//! Reading the canonical form: what is not there reads as nothing.

use vault_encoding::Canonical;

const NOTHING: &Canonical = &Canonical::List(Vec::new());

/// The member of this name, or an empty list.
pub(crate) fn member<'a>(of: &'a Canonical, name: &str) -> &'a Canonical {
    of.get(name).unwrap_or(NOTHING)
}

/// The items of the member of this name.
pub(crate) fn members<'a>(of: &'a Canonical, name: &str) -> &'a [Canonical] {
    items(member(of, name))
}

/// The items of a list.
pub(crate) fn items(of: &Canonical) -> &[Canonical] {
    match of {
        Canonical::List(items) => items,
        Canonical::Text(_) | Canonical::Map(_) => &[],
    }
}

/// The text, or an empty one.
pub(crate) fn string(of: &Canonical) -> &str {
    of.as_text().unwrap_or_default()
}

/// The text of a member.
pub(crate) fn named<'a>(of: &'a Canonical, name: &str) -> &'a str {
    string(member(of, name))
}

/// The number of a member; none for `none`.
pub(crate) fn number(of: &Canonical, name: &str) -> Option<u64> {
    named(of, name).parse().ok()
}

/// The only member of an object: its name and its value.
pub(crate) fn choice(of: &Canonical) -> (&str, &Canonical) {
    match of {
        Canonical::Map(one) => one.iter().next().map_or(("", NOTHING), |(k, v)| (k, v)),
        Canonical::Text(_) | Canonical::List(_) => ("", NOTHING),
    }
}
