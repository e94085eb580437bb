//! Where a RESP frame ends: RESP2 and RESP3, incremental, without looking at what a frame says.
//!
//! It is not a parser: it answers one question, so that a fault can hit exactly one reply. A stream that isn't RESP is handed on as it
//! comes ([`Scan::Alien`]); the proxy must not be the one to break it.

/// Finds the end of one frame after the other. Bytes already looked at are not looked at again.
#[derive(Debug, Default)]
pub struct Scanner {
    at: usize,
    open: u64,
    needs: usize,
}

/// What the scanner saw.
#[derive(Debug, PartialEq, Eq)]
pub enum Scan {
    /// The frame at the buffer's beginning has this length.
    Frame(usize),
    /// The frame is not complete yet.
    Partial,
    /// This is no RESP.
    Alien,
}

impl Scanner {
    /// Looks for the end of the frame at the beginning of `buffer`, which holds what it held before and perhaps more behind it. After
    /// [`Scan::Frame`] the next call is about the next frame, which must then be at the beginning.
    pub fn scan(&mut self, buffer: &[u8]) -> Scan {
        if self.at == 0 {
            self.open = 1;
        }
        self.needs = 0;
        while self.open > 0 {
            match element(&buffer[self.at.min(buffer.len())..]) {
                Element::Partial => return Scan::Partial,
                Element::Alien => return Scan::Alien,
                Element::Whole { length, children, is_prefix } => {
                    if self.at + length > buffer.len() {
                        self.needs = self.at + length;
                        return Scan::Partial;
                    }
                    self.at += length;
                    self.open += children;
                    self.open -= u64::from(!is_prefix);
                }
            }
        }
        let length = std::mem::take(&mut self.at);
        Scan::Frame(length)
    }

    /// After [`Scan::Partial`]: how many bytes are still to come at least, of a frame that began with this many.
    pub const fn lacks(&self, have: usize) -> usize {
        self.needs.saturating_sub(have)
    }
}

enum Element {
    Partial,
    Alien,
    Whole { length: usize, children: u64, is_prefix: bool },
}

fn element(bytes: &[u8]) -> Element {
    let Some(&kind) = bytes.first() else { return Element::Partial };
    if !b"+-:$*_,#!=(%~>|".contains(&kind) {
        return Element::Alien;
    }
    // No header line is longer than a simple string or error; those of a server stay far below this.
    let Some(end) = bytes.iter().take(64 << 10).position(|&byte| byte == b'\n') else {
        return if bytes.len() < 64 << 10 { Element::Partial } else { Element::Alien };
    };
    let line = end + 1;
    let plain = Element::Whole { length: line, children: 0, is_prefix: false };
    if !b"$!=*~>%|".contains(&kind) {
        return plain;
    }
    let Some(count) = number(&bytes[1..end]) else { return Element::Alien };
    let Ok(count) = u64::try_from(count) else { return plain };
    match kind {
        b'$' | b'!' | b'=' => match usize::try_from(count) {
            Ok(size) if size <= 1 << 30 => {
                Element::Whole { length: line + size + 2, children: 0, is_prefix: false }
            }
            _ => Element::Alien,
        },
        b'*' | b'~' | b'>' => Element::Whole { length: line, children: count, is_prefix: false },
        _ => Element::Whole { length: line, children: count.saturating_mul(2), is_prefix: kind == b'|' },
    }
}

fn number(line: &[u8]) -> Option<i64> {
    std::str::from_utf8(line).ok()?.trim_end().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(bytes: &[u8]) -> Vec<usize> {
        let (mut scanner, mut rest, mut found) = (Scanner::default(), bytes, Vec::new());
        while let Scan::Frame(length) = scanner.scan(rest) {
            found.push(length);
            rest = &rest[length..];
        }
        assert!(rest.is_empty(), "{} bytes are left over", rest.len());
        found
    }

    const STREAM: &[u8] = b"+OK\r\n$3\r\nabc\r\n$-1\r\n*2\r\n*1\r\n:1\r\n$0\r\n\r\n*-1\r\n-ERR no\r\n%1\r\n+a\r\n_\r\n>2\r\n+message\r\n#t\r\n|1\r\n+k\r\n,1.5\r\n:7\r\n";

    #[test]
    fn every_kind_of_frame_ends_where_it_ends() {
        assert_eq!(frames(STREAM), [5, 9, 5, 18, 5, 9, 11, 18, 18]);
    }

    #[test]
    fn a_frame_that_comes_byte_by_byte_ends_at_the_same_byte() {
        let mut scanner = Scanner::default();
        let (mut from, mut found) = (0, Vec::new());
        for to in 1..=STREAM.len() {
            if let Scan::Frame(length) = scanner.scan(&STREAM[from..to]) {
                assert_eq!(from + length, to);
                found.push(length);
                from = to;
            }
        }
        assert_eq!(found, frames(STREAM));
    }

    #[test]
    fn what_a_frame_lacks_is_known_from_its_lengths() {
        let mut scanner = Scanner::default();
        let begun = b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1000\r\nabc";
        assert_eq!((scanner.scan(begun), scanner.lacks(begun.len())), (Scan::Partial, 1000 - 3 + 2));
        let header_only = b"*3\r\n$3\r\nSET\r\n$1";
        let mut scanner = Scanner::default();
        assert_eq!((scanner.scan(header_only), scanner.lacks(header_only.len())), (Scan::Partial, 0));
    }

    #[test]
    fn what_is_no_resp_is_called_so() {
        assert_eq!(Scanner::default().scan(b"HTTP/1.1 200 OK\r\n"), Scan::Alien);
        assert_eq!(Scanner::default().scan(b"$x\r\n"), Scan::Alien);
        assert_eq!(Scanner::default().scan(b"$9999999999999\r\n"), Scan::Alien);
    }
}
