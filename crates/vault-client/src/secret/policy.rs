//! The policy of a secret's shares, as vaults tell it and as a generation may be stored under.

/// The policy that at least `threshold` vaults tell, byte for byte, one answer of each vault.
/// `None` if there is no such policy, or more than one: fewer than `threshold` vaults cannot
/// have another one taken for it.
pub fn agreed_policy(answers: &[Vec<u8>], threshold: u8) -> Option<Vec<u8>> {
    let told = |policy: &Vec<u8>| answers.iter().filter(|answer| *answer == policy).count();
    let mut agreed = answers
        .iter()
        .filter(|policy| told(policy) >= usize::from(threshold));
    let first = agreed.next()?;
    agreed.all(|policy| policy == first).then(|| first.clone())
}

#[cfg(test)]
mod tests {
    use super::agreed_policy;

    fn answers(of: &[&str]) -> Vec<Vec<u8>> {
        of.iter().map(|policy| policy.as_bytes().to_vec()).collect()
    }

    #[test]
    fn a_policy_is_agreed_on_by_the_threshold_and_by_no_fewer() {
        let told = answers(&["a", "forged", "a"]);
        assert_eq!(agreed_policy(&told, 2), Some(b"a".to_vec()));
        assert_eq!(agreed_policy(&told, 3), None);
        assert_eq!(agreed_policy(&[], 0), None);
    }

    #[test]
    fn of_two_policies_that_the_threshold_tells_none_is_taken() {
        let told = answers(&["a", "b", "b", "a"]);
        assert_eq!(agreed_policy(&told, 2), None);
        assert_eq!(agreed_policy(&told, 1), None);
    }
}
