//! Text of others (vaults, relays, issuers) on its way into an error.

/// Of one text, in characters.
const LONGEST: usize = 300;

/// So much of it that none moves a terminal's cursor or turns the direction of writing.
pub(crate) fn foreign(text: &str) -> String {
    let moves = |c: char| c.is_control() || turns(c);
    text.chars().filter(|c| !moves(*c)).take(LONGEST).collect()
}

/// Line and paragraph separators, and Unicode's bidirectional controls (UAX #9, 2).
fn turns(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_or_turns_is_left_out_and_the_rest_has_an_end() {
        let text = foreign("no\u{1b}[2J\r\n\u{7f}\u{85}\u{202e}\u{2066}\u{61c}\u{2028} größer");
        assert_eq!(text, "no[2J größer");
        assert_eq!(foreign(&"é".repeat(301)).chars().count(), 300);
    }
}
