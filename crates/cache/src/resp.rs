//! RESP2, the protocol of Redis and Valkey: frames from bytes, commands to bytes. No IO.
//!
//! [`Tokens`] reads one element at a time in place, so that a large reply is never looked at twice and never copied; [`Frame`] is a whole reply for those who
//! want one. Everything has a limit: length, count, depth. What is not RESP2 (RESP3's types too: nobody here says HELLO 3) is an error, after which no byte of that
//! stream may be believed.

use bytes::{Buf, BufMut, Bytes, BytesMut};

/// What a peer may send at most.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of one bulk string.
    pub bulk: usize,
    /// Elements of one array.
    pub elements: usize,
    /// Arrays within arrays.
    pub depth: usize,
    /// Bytes of one line: errors, simple strings, numbers.
    pub line: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bulk: 16 << 20, elements: 1 << 16, depth: 8, line: 4_096 }
    }
}

/// Why a stream is not believed any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RespError {
    /// A frame starts with a byte that RESP2 does not have.
    #[error("not a RESP2 frame")]
    UnknownType,
    /// A length or number is not one.
    #[error("not a number")]
    NotANumber,
    /// A bulk string does not end where it said.
    #[error("a bulk string does not end where it said")]
    BadEnd,
    /// Larger, longer or deeper than the limits.
    #[error("beyond a limit")]
    TooLarge,
}

/// One element of the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    /// An array of so many elements begins; `None` is the null array.
    Array(Option<usize>),
    /// A bulk string; `None` is the null bulk string.
    Bulk(Option<Bytes>),
    /// `+text`.
    Simple(Bytes),
    /// `-text`.
    Error(Bytes),
    /// `:number`.
    Integer(i64),
}

/// Reads tokens from a buffer that grows.
#[derive(Debug, Default, Clone)]
pub struct Tokens {
    limits: Limits,
    // No token can be complete before the buffer is so long.
    needed: usize,
}

impl Tokens {
    /// A reader with these limits.
    pub fn new(limits: Limits) -> Self {
        Self { limits, needed: 0 }
    }

    /// Whether a bulk string has begun to come and is not complete.
    pub fn is_within_bulk(&self) -> bool {
        self.needed > 0
    }

    /// Takes the next token off the buffer; `None` until it is complete.
    ///
    /// # Errors
    /// The stream is not RESP2 or beyond a limit: it must be closed.
    pub fn next(&mut self, buffer: &mut BytesMut) -> Result<Option<Token>, RespError> {
        if buffer.len() < self.needed.max(1) {
            return Ok(None);
        }
        let kind = buffer[0];
        if !b"*$+-:".contains(&kind) {
            return Err(RespError::UnknownType);
        }
        let Some(line) = self.line(buffer)? else { return Ok(None) };
        match kind {
            b'$' => return self.bulk(buffer, line),
            b'*' => {
                let count = length(&buffer[1..line], self.limits.elements)?;
                skip_line(buffer, line);
                return Ok(Some(Token::Array(count)));
            }
            b':' => {
                let number = number(&buffer[1..line])?;
                skip_line(buffer, line);
                return Ok(Some(Token::Integer(number)));
            }
            _ => {}
        }
        let mut text = buffer.split_to(line + 2);
        text.truncate(line);
        text.advance(1);
        let text = text.freeze();
        Ok(Some(if kind == b'+' { Token::Simple(text) } else { Token::Error(text) }))
    }

    /// Where the first line ends, if it is there; its CRLF follows.
    fn line(&self, buffer: &BytesMut) -> Result<Option<usize>, RespError> {
        let seen = &buffer[..buffer.len().min(self.limits.line + 1)];
        match seen.iter().position(|byte| *byte == b'\r') {
            Some(at) => match buffer.get(at + 1) {
                Some(b'\n') => Ok(Some(at)),
                Some(_) => Err(RespError::BadEnd),
                None => Ok(None),
            },
            None if seen.len() > self.limits.line => Err(RespError::TooLarge),
            None => Ok(None),
        }
    }

    fn bulk(&mut self, buffer: &mut BytesMut, line: usize) -> Result<Option<Token>, RespError> {
        let Some(length) = length(&buffer[1..line], self.limits.bulk)? else {
            skip_line(buffer, line);
            return Ok(Some(Token::Bulk(None)));
        };
        let (start, end) = (line + 2, line + 2 + length);
        if buffer.len() < end + 2 {
            self.needed = end + 2;
            return Ok(None);
        }
        self.needed = 0;
        if &buffer[end..end + 2] != b"\r\n" {
            return Err(RespError::BadEnd);
        }
        let mut whole = buffer.split_to(end + 2);
        whole.truncate(end);
        whole.advance(start);
        Ok(Some(Token::Bulk(Some(whole.freeze()))))
    }
}

fn skip_line(buffer: &mut BytesMut, line: usize) {
    buffer.advance(line + 2);
}

/// A length; `-1` is none.
fn length(digits: &[u8], most: usize) -> Result<Option<usize>, RespError> {
    if digits == b"-1" {
        return Ok(None);
    }
    if digits.first() == Some(&b'+') || digits.first() == Some(&b'-') {
        return Err(RespError::NotANumber);
    }
    let length = usize::try_from(number(digits)?).map_err(|_| RespError::NotANumber)?;
    if length > most { Err(RespError::TooLarge) } else { Ok(Some(length)) }
}

fn number(digits: &[u8]) -> Result<i64, RespError> {
    let text = std::str::from_utf8(digits).map_err(|_| RespError::NotANumber)?;
    text.parse().map_err(|_| RespError::NotANumber)
}

/// A whole reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// `*`; `None` is the null array.
    Array(Option<Vec<Frame>>),
    /// `$`; `None` is the null bulk string.
    Bulk(Option<Bytes>),
    /// `+`.
    Simple(Bytes),
    /// `-`.
    Error(Bytes),
    /// `:`.
    Integer(i64),
}

/// Reads whole frames: commands and replies alike.
#[derive(Debug, Default)]
pub struct Frames {
    tokens: Tokens,
    // Arrays that have begun, outermost first: how many elements they will have, and those that are there.
    open: Vec<(usize, Vec<Frame>)>,
}

impl Frames {
    /// A reader with these limits.
    pub fn new(limits: Limits) -> Self {
        Self { tokens: Tokens::new(limits), open: Vec::new() }
    }

    /// Takes the next frame off the buffer; `None` until it is complete.
    ///
    /// # Errors
    /// The stream is not RESP2 or beyond a limit: it must be closed.
    pub fn next(&mut self, buffer: &mut BytesMut) -> Result<Option<Frame>, RespError> {
        while let Some(token) = self.tokens.next(buffer)? {
            let mut frame = match token {
                Token::Array(Some(count)) if count > 0 => {
                    if self.open.len() >= self.tokens.limits.depth {
                        return Err(RespError::TooLarge);
                    }
                    // The count is the peer's word: room is made as elements arrive.
                    self.open.push((count, Vec::new()));
                    continue;
                }
                Token::Array(count) => Frame::Array(count.map(|_| Vec::new())),
                Token::Bulk(bytes) => Frame::Bulk(bytes),
                Token::Simple(text) => Frame::Simple(text),
                Token::Error(text) => Frame::Error(text),
                Token::Integer(number) => Frame::Integer(number),
            };
            loop {
                let Some((count, elements)) = self.open.last_mut() else { return Ok(Some(frame)) };
                elements.push(frame);
                if elements.len() < *count {
                    break;
                }
                let (_, elements) = self.open.pop().expect("it was just there");
                frame = Frame::Array(Some(elements));
            }
        }
        Ok(None)
    }
}

impl Frame {
    /// Appends the frame's bytes.
    pub fn write(&self, out: &mut BytesMut) {
        match self {
            Self::Array(None) => out.put_slice(b"*-1\r\n"),
            Self::Array(Some(elements)) => {
                put_length(out, b'*', elements.len());
                elements.iter().for_each(|element| element.write(out));
            }
            Self::Bulk(None) => out.put_slice(b"$-1\r\n"),
            Self::Bulk(Some(bytes)) => put_bulk(out, bytes),
            Self::Simple(text) => put_line(out, b'+', text),
            Self::Error(text) => put_line(out, b'-', text),
            Self::Integer(number) => put_line(out, b':', number.to_string().as_bytes()),
        }
    }
}

/// Appends a command's header: so many arguments follow, the command's name included.
pub fn put_command(out: &mut BytesMut, arguments: usize) {
    put_length(out, b'*', arguments);
}

/// Appends one argument.
pub fn put_bulk(out: &mut BytesMut, bytes: &[u8]) {
    put_length(out, b'$', bytes.len());
    out.put_slice(bytes);
    out.put_slice(b"\r\n");
}

fn put_line(out: &mut BytesMut, kind: u8, text: &[u8]) {
    out.put_u8(kind);
    out.put_slice(text);
    out.put_slice(b"\r\n");
}

fn put_length(out: &mut BytesMut, kind: u8, mut length: usize) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (length % 10) as u8;
        length /= 10;
        if length == 0 {
            break;
        }
    }
    put_line(out, kind, &digits[at..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Vec<Frame>, RespError> {
        let mut frames = Frames::new(Limits { bulk: 64, elements: 8, depth: 2, line: 32 });
        let mut buffer = BytesMut::from(bytes);
        let mut all = Vec::new();
        while let Some(frame) = frames.next(&mut buffer)? {
            all.push(frame);
        }
        Ok(all)
    }

    #[test]
    fn every_kind_of_frame_is_read_byte_by_byte() {
        let bytes =
            b"+OK\r\n-ERR no\r\n:-12\r\n$3\r\na\r\n\r\n$-1\r\n*2\r\n$0\r\n\r\n*1\r\n:1\r\n*-1\r\n*0\r\n";
        let whole = read(bytes).unwrap();
        assert_eq!(whole.len(), 8);
        let mut frames = Frames::default();
        let (mut buffer, mut slowly) = (BytesMut::new(), Vec::new());
        for byte in bytes {
            buffer.put_u8(*byte);
            slowly.extend(frames.next(&mut buffer).unwrap());
        }
        assert_eq!(slowly, whole);
        let mut again = BytesMut::new();
        whole.iter().for_each(|frame| frame.write(&mut again));
        assert_eq!(&again[..], bytes);
    }

    #[test]
    fn what_is_not_resp2_is_refused() {
        for bad in [
            "_\r\n",
            ">1\r\n+x\r\n",
            "%1\r\n",
            "hello\r\n",
            "$x\r\n",
            "$+1\r\na\r\n",
            "$-2\r\n",
            "$1\r\nab\r\n",
            ":1.5\r\n",
            ":\r\n",
            "*-3\r\n",
            "+O\rK\r\n",
        ] {
            assert!(read(bad.as_bytes()).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn limits_hold_before_anything_is_kept() {
        assert_eq!(read(b"$65\r\n"), Err(RespError::TooLarge));
        assert_eq!(read(b"*9\r\n"), Err(RespError::TooLarge));
        assert_eq!(read(b"*1\r\n*1\r\n*1\r\n"), Err(RespError::TooLarge));
        assert_eq!(read(&[b'+'; 40]), Err(RespError::TooLarge));
        assert_eq!(read(b"$18446744073709551616\r\n"), Err(RespError::NotANumber));
    }
}
