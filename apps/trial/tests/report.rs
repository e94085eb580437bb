//! The report of a run with every outcome and with names that would break out of HTML and XML, read back by a parser.
//!
//! The page is left in the test's temporary folder, to be looked at.

use keepsight_trial::clients::Capabilities;
use keepsight_trial::proxy::FaultKind;
use keepsight_trial::report;
use keepsight_trial::verdict::{
    ClientVerdict, EventVerdict, FirstWrong, Goodput, Outcome, Phase, Sample, TraceLine, Traced, Trial, Wrong,
};
use roxmltree::{Document, Node, ParsingOptions};

const HOSTILE: &str = "\"><script>alert('1')</script>&amp;<!-- ]]> \u{0}\u{1b}[2J\u{202e}é";

fn timeline(wrong_during: u64) -> Vec<Sample> {
    let phase = |at| match at {
        0..=19 => Phase::Before,
        20..=49 => Phase::During,
        _ => Phase::After,
    };
    let sample = |at: u64| {
        let phase = phase(at);
        let during = phase == Phase::During;
        Sample {
            at_ms: (at + 1) * 50,
            phase,
            good: if during { 120 + at % 7 * 10 } else { 580 + at % 5 * 12 },
            errors: if during { 40 + at % 3 * 20 } else { 0 },
            wrong: if during && at % 4 == 1 { wrong_during } else { 0 },
        }
    };
    (0..80).map(sample).collect()
}

fn event(name: &str, outcome: Outcome) -> EventVerdict {
    let ran = !matches!(outcome, Outcome::NotApplicable(_) | Outcome::Broken(_));
    let wrong = if outcome == Outcome::Wrong { 12_739 } else { 0 };
    EventVerdict {
        event: name.into(),
        about: "One reply is lost; every later one on that connection comes a place too early.".into(),
        operations: if ran { 41_234 } else { 0 },
        answers: if ran { 39_314 } else { 0 },
        from_server: if ran { 12_000 } else { 0 },
        wrong,
        stale_after_invalidation: u64::from(outcome == Outcome::Stale) * 3,
        double_lease: None,
        errors: if ran { 1_920 } else { 0 },
        stalls: u64::from(outcome == Outcome::Stalled) * 5,
        cancelled: 0,
        time_until_healthy_ms: (ran && outcome != Outcome::NotHealed).then_some(180),
        reconnects: 1,
        goodput: Goodput { before: 12_080.4, during: 2_950.0, after: 11_990.0 },
        faults_injected: u64::from(ran && outcome != Outcome::NotInjected) * 30,
        fault_kinds: [(FaultKind::Lose, 30)].into(),
        steps: 1,
        first_wrong: (wrong > 0).then(first_wrong),
        error_kinds: vec![("timed out".into(), 1_900), (HOSTILE.into(), 20)],
        timeline: if ran { timeline(wrong / 8) } else { Vec::new() },
        outcome,
    }
}

fn first_wrong() -> FirstWrong {
    let line = |at_ms, what, frame, text: &str| TraceLine { at_ms, what, frame, text: text.into() };
    FirstWrong {
        kind: Wrong::Foreign,
        step: 3,
        at_ms: 1_204,
        asked: "GET t3:k17".into(),
        expected: "version 4 of t3:k17".into(),
        got: HOSTILE.into(),
        connection: Some(2),
        trace: vec![
            line(1_198, Traced::Command, 411, "GET t3:k16"),
            line(1_199, Traced::Command, 412, "GET t3:k17"),
            line(1_201, Traced::Fault, 411, "reply dropped"),
            line(1_203, Traced::Reply, 412, HOSTILE),
        ],
        replay: "keepsight-trial run --client redis-rs --events lost-reply --seed 7 --step 3".into(),
    }
}

fn client(name: &str, label: &str, version: &str, outcomes: Vec<Outcome>) -> ClientVerdict {
    let events = outcomes.into_iter().enumerate().map(|(at, outcome)| event(&format!("event-{at}"), outcome));
    ClientVerdict {
        name: name.into(),
        label: label.into(),
        version: version.into(),
        capabilities: Some(Capabilities { leases: false, ..Capabilities::STORE }),
        left_out: None,
        events: events.collect(),
    }
}

fn trial() -> Trial {
    let every = vec![
        Outcome::Passed,
        Outcome::Wrong,
        Outcome::Stale,
        Outcome::Stalled,
        Outcome::NotHealed,
        Outcome::NotInjected,
        Outcome::NotApplicable(HOSTILE.into()),
        Outcome::Broken(HOSTILE.into()),
    ];
    let good = || vec![Outcome::Passed; 8];
    let left_out =
        ClientVerdict { left_out: Some(HOSTILE.into()), ..client("ioredis", "ioredis", "", Vec::new()) };
    let mut hostile = client(HOSTILE, HOSTILE, HOSTILE, good());
    hostile.events[0].event = HOSTILE.into();
    hostile.events[0].about = HOSTILE.into();
    Trial {
        kit: HOSTILE.into(),
        seed: 7,
        step: None,
        server: HOSTILE.into(),
        started_unix_ms: 1_795_392_000_000,
        took_ms: 171_000,
        command: HOSTILE.into(),
        clients: vec![
            client("keepsight-cache", "keepsight-cache", "0.1.0", good()),
            client("redis-rs", "redis-rs (multiplexed)", "1.8.1", every),
            client("redis-py-4.5.1", "redis-py 4.5.1", "4.5.1", good()),
            hostile,
            left_out,
        ],
    }
}

/// What a hostile text looks like once it has been made harmless and read back.
fn shown() -> String {
    HOSTILE.replace('\u{0}', "\\x00").replace('\u{1b}', "\\x1b").replace('\u{202e}', "\\x202e")
}

fn named<'a, 'b>(document: &'a Document<'b>, name: &'static str) -> impl Iterator<Item = Node<'a, 'b>> {
    document.descendants().filter(move |node| node.has_tag_name(name))
}

fn text(node: Node<'_, '_>) -> String {
    node.descendants().filter(Node::is_text).filter_map(|child| child.text()).collect()
}

#[test]
fn the_page_is_well_formed_and_nothing_in_it_runs() {
    let page = report::html(&trial());
    std::fs::write(format!("{}/report.html", env!("CARGO_TARGET_TMPDIR")), &page).unwrap();
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    let document = Document::parse_with_options(&page, options).unwrap();
    for node in document.descendants().filter(Node::is_element) {
        let name = node.tag_name().name();
        assert!(!matches!(name, "script" | "iframe" | "object" | "img" | "link" | "base" | "form"), "{name}");
        for attribute in node.attributes() {
            let (name, value) = (attribute.name(), attribute.value());
            assert!(!name.starts_with("on") && name != "src" && name != "style", "{name}={value}");
            assert!(name != "href" || value.starts_with('#'), "{name}={value}");
        }
    }
    let heading = named(&document, "h2").map(text).filter(|heading| heading.contains(&shown())).count();
    assert_eq!(heading, 1, "the hostile client has its heading, to the letter");
}

#[test]
fn every_link_of_the_page_leads_somewhere_and_every_id_is_its_own() {
    let page = report::html(&trial());
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    let document = Document::parse_with_options(&page, options).unwrap();
    let mut ids: Vec<&str> = document.descendants().filter_map(|node| node.attribute("id")).collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all, "no id twice");
    for link in named(&document, "a").filter_map(|link| link.attribute("href")) {
        assert!(ids.contains(&&link[1..]), "{link}");
    }
    for name in document.descendants().filter_map(|node| node.attribute("aria-labelledby")) {
        assert!(name.split(' ').all(|id| ids.contains(&id)), "{name}");
    }
}

#[test]
fn every_chart_has_a_title_and_says_in_words_what_it_shows() {
    let page = report::html(&trial());
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    let document = Document::parse_with_options(&page, options).unwrap();
    let charts: Vec<_> = named(&document, "svg").filter(|svg| svg.attribute("role") == Some("img")).collect();
    let run =
        trial().clients.iter().flat_map(|client| &client.events).filter(|event| event.operations > 0).count();
    assert_eq!(charts.len(), run);
    for chart in &charts {
        let said =
            |name: &str| chart.children().find(|node| node.has_tag_name(name)).map(text).unwrap_or_default();
        assert!(said("title").contains("over time") && said("desc").contains("12,080 before"));
    }
    let red =
        charts.iter().filter(|chart| chart.children().any(|part| part.attribute("class") == Some("wrong")));
    assert_eq!(red.count(), 1, "only the event with wrong answers has red marks");
}

#[test]
fn junit_counts_what_it_lists_and_keeps_hostile_names_as_they_are() {
    let xml = report::junit(&trial());
    let document = Document::parse(&xml).unwrap();
    let suites: Vec<_> = named(&document, "testsuite").collect();
    assert_eq!(suites.len(), 5);
    for suite in &suites {
        let count = |name| suite.descendants().filter(|node| node.has_tag_name(name)).count().to_string();
        for (attribute, element) in
            [("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")]
        {
            assert_eq!(suite.attribute(attribute), Some(&*count(element)), "{attribute}");
        }
    }
    let number = |name| suites[1].attribute(name).unwrap().to_owned();
    assert_eq!(
        [number("tests"), number("failures"), number("errors"), number("skipped")],
        ["8", "4", "2", "1"]
    );
    assert_eq!(suites[4].attribute("skipped"), Some("1"), "a client that is left out is seen");
    assert!(suites[3].attribute("name").unwrap().contains(&shown().replace('\n', " ")));
    assert!(text(suites[1]).contains("replay: keepsight-trial run --client redis-rs"));
}

#[test]
fn the_table_says_every_outcome_and_moves_no_cursor() {
    let table = report::table(&trial());
    for words in [
        "ok",
        "12,739 wrong",
        "3 stale",
        "5 stalled",
        "not healed",
        "no fault",
        "not applicable",
        "broken",
        "left out",
    ] {
        assert!(table.contains(words), "{words}");
    }
    assert!(!table.contains('\u{1b}') && !table.contains('\u{0}'));
    let columns = |line: &str| line.find("12,739 wrong");
    let places: Vec<_> = table.lines().filter(|line| line.contains("41,234")).filter_map(columns).collect();
    assert_eq!(places.len(), 1);
}

#[test]
fn the_last_line_is_one_line_of_json() {
    let line = report::summary(&trial());
    assert!(!line.contains('\n'));
    let value: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&value["trial"], &value["seed"]), (&"all".into(), &7.into()));
    let clients = &value["clients"];
    assert_eq!(clients["keepsight-cache"]["wrong"], 0);
    assert_eq!(clients["redis-py 4.5.1"]["operations"], 8 * 41_234);
    assert_eq!(clients["redis-py 4.5.1"]["answers"], 8 * 39_314);
    assert_eq!(clients["redis-py 4.5.1"]["from_server"], 8 * 12_000);
    assert_eq!(clients["redis-rs (multiplexed)"]["events"]["event-1"]["outcome"], "wrong");
    assert_eq!(clients["keepsight-cache"]["events"]["event-0"]["reconnects"], 1);
    assert_eq!(clients["ioredis"]["left_out"], HOSTILE);
}
