//! A home's update stream: server-sent events, one [`Update`] each.

use http_body_util::BodyExt;
use keepsight_ids::HomeId;
use keepsight_wire::people::Update;

use crate::{Body, Person, PersonError};

/// The longest message; more is no message of ours.
const MESSAGE_MOST: usize = 64 * 1024;

/// An open update stream.
pub struct UpdateStream {
    body: Body,
    parser: Parser,
}

impl std::fmt::Debug for UpdateStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("UpdateStream")
    }
}

impl Person {
    /// Opens the home's update stream.
    ///
    /// # Errors
    /// [`PersonError::Refused`] and the connection's.
    pub async fn updates(&self, home: HomeId) -> Result<UpdateStream, PersonError> {
        let answer = self.api.stream(&format!("/homes/{home}/updates")).await?;
        Ok(UpdateStream { body: answer.into_body(), parser: Parser::default() })
    }
}

impl UpdateStream {
    /// The next update; nothing when the stream has ended.
    ///
    /// # Errors
    /// [`PersonError::Unreachable`] when the connection breaks, [`PersonError::Unreadable`] for something that is no update.
    pub async fn next(&mut self) -> Result<Option<Update>, PersonError> {
        loop {
            if let Some(data) = self.parser.message()? {
                return serde_json::from_str(&data).map(Some).map_err(|why| unreadable(&why.to_string()));
            }
            let Some(frame) = self.body.frame().await else { return Ok(None) };
            let frame = frame.map_err(|why| PersonError::Unreachable(why.to_string()))?;
            if let Some(bytes) = frame.data_ref() {
                self.parser.push(bytes);
            }
        }
    }
}

fn unreadable(why: &str) -> PersonError {
    PersonError::Unreadable { path: "updates".into(), why: why.into() }
}

/// Takes bytes as they come and gives whole messages: the joined `data` lines of each event named `update`.
#[derive(Debug, Default)]
struct Parser {
    bytes: Vec<u8>,
    name: String,
    data: Vec<String>,
}

impl Parser {
    fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    fn message(&mut self) -> Result<Option<String>, PersonError> {
        while let Some(end) = self.bytes.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.bytes.drain(..=end).collect();
            let line = String::from_utf8(line).map_err(|_| unreadable("not UTF-8"))?;
            if let Some(message) = self.line(line.trim_end_matches(['\r', '\n'])) {
                return Ok(Some(message));
            }
        }
        let held = self.bytes.len() + self.data.iter().map(String::len).sum::<usize>();
        if held > MESSAGE_MOST { Err(unreadable("a message without an end")) } else { Ok(None) }
    }

    fn line(&mut self, line: &str) -> Option<String> {
        if line.is_empty() {
            let (name, data) = (std::mem::take(&mut self.name), std::mem::take(&mut self.data));
            return (name == "update" && !data.is_empty()).then(|| data.join("\n"));
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.name),
            "data" => self.data.push(value.to_owned()),
            // A comment (an empty field), which keeps the connection alive, or a field that says nothing here.
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(parser: &mut Parser) -> Vec<String> {
        std::iter::from_fn(|| parser.message().unwrap()).collect()
    }

    #[test]
    fn messages_come_out_whole_however_they_are_cut() {
        let text = b": alive\n\nevent: update\r\ndata: {\"kind\":\"hello\"}\r\n\r\nevent: other\ndata: x\n\nevent: update\ndata: a\ndata: b\n\n";
        for cut in 0..text.len() {
            let mut parser = Parser::default();
            parser.push(&text[..cut]);
            let mut messages = all(&mut parser);
            parser.push(&text[cut..]);
            messages.extend(all(&mut parser));
            assert_eq!(messages, ["{\"kind\":\"hello\"}", "a\nb"]);
        }
    }

    #[test]
    fn an_unfinished_message_gives_nothing_and_an_endless_one_is_refused() {
        let mut parser = Parser::default();
        parser.push(b"event: update\ndata: {}\n");
        assert_eq!(parser.message().unwrap(), None);
        parser.push(&vec![b'x'; MESSAGE_MOST + 1]);
        assert!(matches!(parser.message(), Err(PersonError::Unreadable { .. })));
    }
}
