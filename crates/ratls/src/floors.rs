//! The newest collateral seen: older collateral is refused even while it is valid.

use crate::error::FloorFault;
use crate::quote::Body;
use std::collections::BTreeMap;

/// Floors of one processor family.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct FamilyFloor {
    /// `tcbEvaluationDataNumber`.
    pub tcb_evaluation_data_number: u32,
    /// CRL number of the CA that issues this family's PCK certificates.
    pub pck_crl: u32,
}

/// What collateral may not fall below. The keeper seals them and only ever raises them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Floors {
    /// CRL number of the root CA.
    pub root_crl: u32,
    /// Of SGX collateral, by FMSPC.
    pub families: BTreeMap<[u8; 6], FamilyFloor>,
    /// Of TDX collateral, by FMSPC. Its TCB info is published on its own, under numbers of its own.
    pub td_families: BTreeMap<[u8; 6], FamilyFloor>,
}

/// The numbers of one piece of collateral, after its signatures were verified.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct CollateralNumbers {
    pub(crate) body: Body,
    pub(crate) fmspc: [u8; 6],
    pub(crate) root_crl: u32,
    pub(crate) family: FamilyFloor,
}

impl Floors {
    /// The floors after this collateral, or why it lies below them.
    pub(crate) fn raised_by(&self, seen: &CollateralNumbers) -> Result<Self, FloorFault> {
        let families = match seen.body {
            Body::Enclave => &self.families,
            Body::Td => &self.td_families,
        };
        let floor = families.get(&seen.fmspc).copied().unwrap_or_default();
        if seen.family.tcb_evaluation_data_number < floor.tcb_evaluation_data_number {
            return Err(FloorFault::TcbEvaluationDataNumber);
        }
        if seen.family.pck_crl < floor.pck_crl {
            return Err(FloorFault::PckCrl);
        }
        if seen.root_crl < self.root_crl {
            return Err(FloorFault::RootCrl);
        }
        let mut raised = self.clone();
        raised.root_crl = seen.root_crl;
        let families = match seen.body {
            Body::Enclave => &mut raised.families,
            Body::Td => &mut raised.td_families,
        };
        families.insert(seen.fmspc, seen.family);
        Ok(raised)
    }

    /// Raises these floors to the higher of both.
    pub fn merge(&mut self, other: &Self) {
        self.root_crl = self.root_crl.max(other.root_crl);
        merge(&mut self.families, &other.families);
        merge(&mut self.td_families, &other.td_families);
    }
}

type Families = BTreeMap<[u8; 6], FamilyFloor>;

fn merge(families: &mut Families, other: &Families) {
    for (fmspc, seen) in other {
        let floor = families.entry(*fmspc).or_default();
        floor.tcb_evaluation_data_number = floor
            .tcb_evaluation_data_number
            .max(seen.tcb_evaluation_data_number);
        floor.pck_crl = floor.pck_crl.max(seen.pck_crl);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(tcb: u32, pck_crl: u32, root_crl: u32) -> CollateralNumbers {
        CollateralNumbers {
            body: Body::Enclave,
            fmspc: [1; 6],
            root_crl,
            family: FamilyFloor {
                tcb_evaluation_data_number: tcb,
                pck_crl,
            },
        }
    }

    #[test]
    fn a_floor_rises_and_refuses_what_lies_below() {
        let floors = Floors::default().raised_by(&seen(5, 6, 7)).unwrap();
        assert_eq!(floors.raised_by(&seen(5, 6, 7)).as_ref(), Ok(&floors));
        let below = [
            (seen(4, 6, 7), FloorFault::TcbEvaluationDataNumber),
            (seen(5, 5, 7), FloorFault::PckCrl),
            (seen(5, 6, 6), FloorFault::RootCrl),
        ];
        for (numbers, fault) in below {
            assert_eq!(floors.raised_by(&numbers), Err(fault));
        }
        let mut other = seen(1, 1, 8);
        other.fmspc = [2; 6];
        let both = floors.raised_by(&other).unwrap();
        assert_eq!((both.root_crl, both.families.len()), (8, 2));
    }

    #[test]
    fn floors_of_enclaves_and_of_trust_domains_are_apart() {
        let of_td = |tcb| CollateralNumbers {
            body: Body::Td,
            ..seen(tcb, 6, 7)
        };
        let floors = Floors::default().raised_by(&seen(5, 6, 7)).unwrap();
        let both = floors.raised_by(&of_td(4)).unwrap();
        assert_eq!(both.families, floors.families);
        let fault = FloorFault::TcbEvaluationDataNumber;
        assert_eq!(both.raised_by(&of_td(3)), Err(fault));
        let mut merged = floors;
        merged.merge(&both);
        assert_eq!(merged, both);
    }

    #[test]
    fn merging_keeps_the_higher_of_both() {
        let mut floors = Floors::default().raised_by(&seen(5, 6, 7)).unwrap();
        floors.merge(&Floors::default().raised_by(&seen(9, 1, 8)).unwrap());
        let family = floors.families[&[1; 6]];
        assert_eq!(floors.root_crl, 8);
        assert_eq!((family.tcb_evaluation_data_number, family.pck_crl), (9, 6));
    }
}
