//! Paths: templates, and what stands in their braces, parsed into identities.
//!
//! A text that is no identity is treated as one that does not exist, so that guessing teaches nothing.

use std::str::FromStr;

use keepsight_ids::{CameraId, EventId, GapId, HomeId, SegmentKind, SegmentNo, SessionId};

/// One step of a path template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Text(&'static str),
    Param(&'static str),
}

/// A path with parameters in braces: `/api/v1/homes/{home}`.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    text: &'static str,
    steps: Vec<Step>,
}

impl Template {
    pub(crate) fn new(text: &'static str) -> Self {
        let step = |part: &'static str| match part.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            Some(name) => Step::Param(name),
            None => Step::Text(part),
        };
        Self { text, steps: parts(text).map(step).collect() }
    }

    pub(crate) const fn text(&self) -> &'static str {
        self.text
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.steps.iter().filter_map(|step| match step {
            Step::Param(name) => Some(*name),
            Step::Text(_) => None,
        })
    }

    /// The parameters' texts when the path is of this form. Nothing is percent-decoded: no identity needs it.
    pub(crate) fn matches(&self, path: &str) -> Option<RawParams> {
        let mut found = Vec::new();
        let mut given = parts(path);
        for step in &self.steps {
            let part = given.next()?;
            match step {
                Step::Text(text) if *text == part => {}
                Step::Text(_) => return None,
                Step::Param(name) => found.push((*name, part.to_owned())),
            }
        }
        given.next().is_none().then_some(RawParams(found))
    }
}

fn parts(path: &str) -> impl Iterator<Item = &str> {
    path.strip_prefix('/').unwrap_or(path).split('/')
}

/// What stood in a template's braces, as text.
#[derive(Debug, Clone, Default)]
pub(crate) struct RawParams(Vec<(&'static str, String)>);

impl RawParams {
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(have, _)| *have == name).map(|(_, text)| text.as_str())
    }

    /// The parameter as an identity; `None` when it is absent or no identity.
    pub(crate) fn parse<T: FromStr>(&self, name: &str) -> Option<T> {
        self.text(name)?.parse().ok()
    }

    /// `Ok(None)` when the template has no such parameter, `Err` when it has and the text is no identity.
    pub(crate) fn optional<T: FromStr>(&self, name: &str) -> Result<Option<T>, NotAnId> {
        self.text(name).map(|text| text.parse().map_err(|_| NotAnId)).transpose()
    }
}

/// A path parameter that is not the text form of what belongs there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotAnId;

/// Path parameters of a route beyond its home and camera, which the gate decides about.
pub(crate) trait Params: Sized + Send + 'static {
    /// The names that the template must have.
    const NAMES: &'static [&'static str];
    /// `None` when a text is no identity of its kind.
    fn parse(raw: &RawParams) -> Option<Self>;
}

impl Params for () {
    const NAMES: &'static [&'static str] = &[];

    fn parse(_: &RawParams) -> Option<Self> {
        Some(())
    }
}

macro_rules! one_param {
    ($($name:literal: $ty:ty),* $(,)?) => {$(
        impl Params for $ty {
            const NAMES: &'static [&'static str] = &[$name];

            fn parse(raw: &RawParams) -> Option<Self> {
                raw.parse($name)
            }
        }
    )*};
}

one_param! {
    "event": EventId,
    "gap": GapId,
    "session": SessionId,
    "lookup": Lookup,
}

/// Which segment of which Event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SegmentRef {
    pub(crate) event: EventId,
    pub(crate) kind: SegmentKind,
    pub(crate) number: SegmentNo,
}

impl Params for SegmentRef {
    const NAMES: &'static [&'static str] = &["event", "kind", "number"];

    fn parse(raw: &RawParams) -> Option<Self> {
        let digits = raw.text("number")?;
        // One text form a number: no sign, no leading zeros.
        let number = digits.parse::<u32>().ok().filter(|number| number.to_string() == digits)?;
        Some(Self { event: raw.parse("event")?, kind: raw.parse("kind")?, number: SegmentNo(number) })
    }
}

/// The look-up part of a pairing code: 8 characters of upper-case Crockford base32.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Lookup(String);

impl Lookup {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Lookup {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let ok =
            text.len() == 8 && text.bytes().all(|byte| b"0123456789ABCDEFGHJKMNPQRSTVWXYZ".contains(&byte));
        if ok { Ok(Self(text.to_owned())) } else { Err(NotAnId) }
    }
}

/// The home and camera of a path, for the gate.
pub(crate) fn place(raw: &RawParams) -> Result<(Option<HomeId>, Option<CameraId>), NotAnId> {
    Ok((raw.optional("home")?, raw.optional("camera")?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_template_matches_its_own_form_only() {
        let template = Template::new("/api/v1/homes/{home}/events");
        let raw = template.matches("/api/v1/homes/x/events").unwrap();
        assert_eq!(raw.text("home"), Some("x"));
        for other in
            ["/api/v1/homes/x", "/api/v1/homes/x/events/", "/api/v1/homes/x/event", "//api/v1/homes/x/events"]
        {
            assert!(template.matches(other).is_none(), "{other}");
        }
    }

    #[test]
    fn a_number_has_one_text_form() {
        let event = EventId::from_bytes([1; 16]);
        let raw = |number: &str| {
            RawParams(vec![("event", event.to_string()), ("kind", "video".into()), ("number", number.into())])
        };
        assert!(SegmentRef::parse(&raw("10")).is_some());
        for other in ["", "+1", "01", "-1", "4294967296", "1 "] {
            assert!(SegmentRef::parse(&raw(other)).is_none(), "{other}");
        }
    }

    proptest! {
        #[test]
        fn any_path_is_matched_or_not_without_panic(path in ".{0,80}") {
            let template = Template::new("/agent/v1/cameras/{camera}/events/{event}/segments/{kind}/{number}");
            if let Some(raw) = template.matches(&path) {
                let _ = (place(&raw), SegmentRef::parse(&raw));
            }
        }
    }
}
