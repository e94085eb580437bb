//! Text from outside, made harmless for HTML and XML, in an element as well as in a quoted attribute.

use std::fmt::{Display, Formatter, Result, Write};

/// Shows a text so that it reads the same in HTML and XML. What XML can't hold at all is shown by its number: `\x00`.
pub struct Safe<'a>(pub &'a str);

impl Display for Safe<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        self.0.chars().try_for_each(|c| match c {
            '&' => out.write_str("&amp;"),
            '<' => out.write_str("&lt;"),
            '>' => out.write_str("&gt;"),
            '"' => out.write_str("&quot;"),
            '\'' => out.write_str("&#39;"),
            '\n' | '\t' => out.write_char(c),
            // Control characters, and those that turn the direction of the text around them.
            c if c.is_control() || turns(c) || matches!(c, '\u{fffe}' | '\u{ffff}') => {
                write!(out, "\\x{:02x}", u32::from(c))
            }
            c => out.write_char(c),
        })
    }
}

fn turns(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
}

/// The part of a name that can stand in an `id` and after `#`.
pub fn anchor(parts: &[&str]) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    parts.join("--").chars().map(safe).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_ends_an_element_or_an_attribute() {
        let hostile = "<b>&\"'\u{0}\r\u{202e}]]>é\n";
        assert_eq!(Safe(hostile).to_string(), "&lt;b&gt;&amp;&quot;&#39;\\x00\\x0d\\x202e]]&gt;é\n");
    }

    #[test]
    fn an_anchor_is_plain() {
        assert_eq!(anchor(&["redis-py 4.5.1", "A \"B\""]), "redis-py-4-5-1--a--b-");
    }
}
