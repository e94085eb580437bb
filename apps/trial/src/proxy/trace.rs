//! What went over a connection last: a short memory of commands, replies and faults, asked when an answer was wrong.

use std::collections::VecDeque;

use crate::verdict::{TraceLine, Traced};

const KEPT: usize = 160;
const TEXT: usize = 72;
const FAULTS_KEPT: usize = 12;

/// The last lines of one connection. Writing one costs a copy of a few bytes.
#[derive(Debug, Default)]
pub struct Ring {
    lines: VecDeque<Line>,
    faults: VecDeque<TraceLine>,
}

#[derive(Debug)]
struct Line {
    at_ms: u64,
    what: Traced,
    frame: u64,
    text: [u8; TEXT],
    length: usize,
}

impl Ring {
    /// Remembers a frame's beginning.
    pub fn frame(&mut self, at_ms: u64, what: Traced, frame: u64, bytes: &[u8]) {
        if self.lines.len() == KEPT {
            self.lines.pop_front();
        }
        let length = bytes.len().min(TEXT);
        let mut text = [0; TEXT];
        text[..length].copy_from_slice(&bytes[..length]);
        self.lines.push_back(Line { at_ms, what, frame, text, length });
    }

    /// Remembers a fault: the first few for good, so that a trace tells of the cause even when it lies far back.
    pub fn fault(&mut self, at_ms: u64, frame: u64, name: &str) {
        self.frame(at_ms, Traced::Fault, frame, name.as_bytes());
        if self.faults.len() < FAULTS_KEPT {
            let text = name.to_owned();
            self.faults.push_back(TraceLine { at_ms, what: Traced::Fault, frame, text });
        }
    }

    /// Whether one of the last lines speaks of this.
    pub fn mentions(&self, word: &[u8]) -> bool {
        let has = |line: &Line| line.text[..line.length].windows(word.len()).any(|part| part == word);
        !word.is_empty() && self.lines.iter().any(has)
    }

    /// How many faults it remembers.
    pub fn faults(&self) -> usize {
        self.faults.len()
    }

    /// All of it, oldest first.
    pub fn lines(&self) -> Vec<TraceLine> {
        let is_kept = |fault: &&TraceLine| {
            self.lines.iter().any(|line| line.what == Traced::Fault && line.frame == fault.frame)
        };
        let forgotten = self.faults.iter().filter(|fault| !is_kept(fault)).cloned();
        let kept = self.lines.iter().map(|line| TraceLine {
            at_ms: line.at_ms,
            what: line.what,
            frame: line.frame,
            text: line.text[..line.length].escape_ascii().to_string(),
        });
        forgotten.chain(kept).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_remembered_after_the_frames_around_it_are_forgotten() {
        let mut ring = Ring::default();
        ring.fault(3, 7, "lose");
        for frame in 0..1000 {
            ring.frame(10 + frame, Traced::Reply, frame, b"$5\r\nhello\r\n");
        }
        let lines = ring.lines();
        assert_eq!((lines.len(), lines[0].text.as_str(), lines[0].frame), (KEPT + 1, "lose", 7));
        assert_eq!(lines[KEPT].text, "$5\\r\\nhello\\r\\n");
        assert!(ring.mentions(b"hello") && !ring.mentions(b"lose") && !ring.mentions(b""));
    }
}
