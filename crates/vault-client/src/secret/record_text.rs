//! The text of a record: canonical JSON of strings, authenticated under the owner key.

use super::owner::OwnerKey;
use super::record::{Begun, Member, Preparing, SetId, SetRecord};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use vault_encoding::{Canonical, Domain, Hash, Limits, text};

const FORMAT: &str = "enclave-vaults/secret-set/v1";
const LIMITS: Limits = Limits {
    bytes: 1 << 20,
    depth: 8,
    nodes: 16_384,
};

impl SetRecord {
    /// `{"record":…,"tag":…}`; the tag covers the canonical text of the record.
    pub fn to_bytes(&self, owner: &OwnerKey) -> Vec<u8> {
        let record = self.to_canonical();
        let tag = tag(owner, &record);
        let tag = Canonical::text(text::hex(&tag));
        Canonical::map([("record", record), ("tag", tag)]).to_bytes()
    }

    /// The record in this text, if it is authentic under this owner key.
    pub fn from_bytes(bytes: &[u8], owner: &OwnerKey) -> Option<Self> {
        let file = Canonical::from_bytes(bytes, LIMITS).ok()?;
        let record = file.get("record")?;
        let given: [u8; 32] = text::unhex(file.get("tag")?.as_text()?)?;
        verify_slices_are_equal(&given, &tag(owner, record)).ok()?;
        let parsed = Self::from_canonical(record)?;
        (parsed.to_canonical() == *record).then_some(parsed)
    }

    /// The record in the canonical text of a record alone, without a tag: for looking into a
    /// file whose owner key is lost. Anybody may have written it.
    pub fn read_unauthenticated(bytes: &[u8]) -> Option<Self> {
        let record = Canonical::from_bytes(bytes, LIMITS).ok()?;
        let parsed = Self::from_canonical(&record)?;
        (parsed.to_canonical() == record).then_some(parsed)
    }

    fn to_canonical(&self) -> Canonical {
        let (preparing, prepared): (u32, &[Member]) = match &self.preparing {
            Some(Preparing {
                generation,
                members,
            }) => (*generation, members),
            None => (0, &[]),
        };
        let mut record = Canonical::map([
            ("format", Canonical::text(FORMAT)),
            ("generation", Canonical::text(self.generation)),
            ("last_generation", Canonical::text(self.last_generation)),
            ("members", places(&self.members)),
            ("name", Canonical::text(&self.name)),
            ("policy", Canonical::text(text::base64url(&self.policy))),
            ("prepared", places(prepared)),
            ("preparing", Canonical::text(preparing)),
            ("retired", places(&self.retired)),
            ("set_id", Canonical::text(self.set_id)),
            ("shares", Canonical::text(self.shares)),
            ("threshold", Canonical::text(self.threshold)),
        ]);
        // Left out where there is none, as in most records.
        if let Canonical::Map(members) = &mut record
            && !self.begun.is_empty()
        {
            members.insert("begun".to_owned(), begun(&self.begun));
        }
        record
    }

    fn from_canonical(record: &Canonical) -> Option<Self> {
        let field = |name| record.get(name)?.as_text();
        if field("format")? != FORMAT {
            return None;
        }
        let preparing = match field("preparing")?.parse().ok()? {
            0 => None,
            generation => Some(Preparing {
                generation,
                members: read_places(record.get("prepared")?)?,
            }),
        };
        Some(Self {
            name: field("name")?.to_owned(),
            set_id: SetId(text::unhex(field("set_id")?)?),
            threshold: field("threshold")?.parse().ok()?,
            generation: field("generation")?.parse().ok()?,
            last_generation: field("last_generation")?.parse().ok()?,
            shares: field("shares")?.parse().ok()?,
            members: read_places(record.get("members")?)?,
            policy: text::unbase64url(field("policy")?)?,
            preparing,
            retired: read_places(record.get("retired")?)?,
            begun: match record.get("begun") {
                Some(list) => read_begun(list)?,
                None => Vec::new(),
            },
        })
    }
}

fn tag(owner: &OwnerKey, record: &Canonical) -> [u8; 32] {
    *owner.derive(Domain::SecretSet, &[&record.to_bytes()])
}

fn places(members: &[Member]) -> Canonical {
    Canonical::list(members.iter().map(|member| {
        Canonical::map([
            ("handle", Canonical::text(member.handle)),
            ("vault_id", Canonical::text(member.vault_id)),
        ])
    }))
}

fn begun(begun: &[Begun]) -> Canonical {
    Canonical::list(begun.iter().map(|Begun { place, digest }| {
        Canonical::map([
            ("digest", Canonical::text(digest)),
            ("handle", Canonical::text(place.handle)),
            ("vault_id", Canonical::text(place.vault_id)),
        ])
    }))
}

fn read_begun(list: &Canonical) -> Option<Vec<Begun>> {
    let Canonical::List(items) = list else {
        return None;
    };
    let begun = items.iter().map(|item| {
        Some(Begun {
            place: read_place(item)?,
            digest: Hash::from_hex(item.get("digest")?.as_text()?)?,
        })
    });
    begun.collect()
}

fn read_places(list: &Canonical) -> Option<Vec<Member>> {
    let Canonical::List(items) = list else {
        return None;
    };
    items.iter().map(read_place).collect()
}

fn read_place(item: &Canonical) -> Option<Member> {
    Some(Member {
        vault_id: item.get("vault_id")?.as_text()?.parse().ok()?,
        handle: item.get("handle")?.as_text()?.parse().ok()?,
    })
}
