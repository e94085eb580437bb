//! One client's part of the page: a card with a chart for each event, and the first wrong answers with what led to them.

use super::chart::chart;
use super::escape::{Safe, anchor};
use super::html::{cell_class, section};
use super::words::{Tone, brief, count, duration, full_name, healing, kind, rate, sentence, was_run};
use crate::verdict::{ClientVerdict, EventVerdict, FirstWrong, Outcome, TraceLine, Traced};

const ERROR_KINDS: usize = 4;
const ERROR_CHARS: usize = 90;

/// All that the page says of one client.
pub fn one_client(client: &ClientVerdict) -> String {
    let id = anchor(&[&client.name]);
    let cards: String = client.events.iter().map(|event| card(client, event)).collect();
    let traces: String = client.events.iter().filter_map(|event| trace(client, event)).collect();
    let traces = if traces.is_empty() {
        traces
    } else {
        format!("<h3 class=\"traces\">First wrong answers</h3>\n{traces}")
    };
    section(
        &id,
        &full_name(client),
        &format!("{}<div class=\"cards\">\n{cards}</div>\n{traces}", abilities(client)),
    )
}

fn abilities(client: &ClientVerdict) -> String {
    let Some(can) = client.capabilities else { return String::new() };
    let lacks: Vec<&str> = [
        (can.leases, "it has no leases"),
        (can.cancellation, "its calls can't be given up"),
        (can.pipelines, "each of its connections carries one call at a time"),
    ]
    .into_iter()
    .filter_map(|(has, what)| (!has).then_some(what))
    .collect();
    if lacks.is_empty() {
        return String::new();
    }
    format!("<p class=\"quiet\">Not everything applies to it: {}.</p>\n", lacks.join(", "))
}

fn card(client: &ClientVerdict, event: &EventVerdict) -> String {
    let id = anchor(&[&client.name, &event.event]);
    let wrong = if Tone::of(&event.outcome) == Tone::Wrong { " class=\"is-wrong\"" } else { "" };
    let body = if was_run(event) {
        chart(&id, &full_name(client), event) + &facts(event)
    } else {
        format!("<p>{}</p>\n", Safe(&sentence(event)))
    };
    format!(
        "<article id=\"{id}\"{wrong}>\n<div class=\"card-head\"><h3>{}</h3><span class=\"chip {}\">{}</span></div>\n<p class=\"small quiet\">{}</p>\n{body}</article>\n",
        Safe(&event.event),
        cell_class(event),
        Safe(&brief(event)),
        Safe(&event.about)
    )
}

fn facts(event: &EventVerdict) -> String {
    let goodput = format!(
        "{} → {} → {}",
        rate(event.goodput.before),
        rate(event.goodput.during),
        rate(event.goodput.after)
    );
    let mut facts = vec![
        ("good per second", goodput, false),
        ("calls", count(event.operations), false),
        ("answers judged", count(event.answers), false),
        ("wrong", count(event.wrong), event.wrong > 0),
    ];
    let more = [
        ("stale", event.stale_after_invalidation, event.outcome == Outcome::Stale),
        ("double leases", event.double_lease.unwrap_or(0), true),
        ("errors", event.errors, false),
        ("stalls", event.stalls, false),
        ("given up", event.cancelled, false),
    ];
    facts.extend(
        more.into_iter()
            .filter(|(_, number, _)| *number > 0)
            .map(|(name, number, bad)| (name, count(number), bad)),
    );
    if event.faults_injected > 0 || event.outcome == Outcome::NotInjected {
        facts.push(("faults", count(event.faults_injected), event.outcome == Outcome::NotInjected));
        facts.push(("healthy after", healing(event), event.time_until_healthy_ms.is_none()));
        facts.push(("reconnects", count(event.reconnects), false));
    }
    let fact = |(name, value, bad): &(&str, String, bool)| {
        format!(
            "<div{}><dt>{name}</dt><dd>{}</dd></div>",
            if *bad { " class=\"bad\"" } else { "" },
            Safe(value)
        )
    };
    let list = facts.iter().map(fact).collect::<String>();
    format!("<dl class=\"facts small\">{list}</dl>\n{}", errors(event))
}

/// The most frequent errors, shortened: the JSON has them whole.
fn errors(event: &EventVerdict) -> String {
    let short = |text: &str| match text.char_indices().nth(ERROR_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    };
    let kinds = event.error_kinds.iter().take(ERROR_KINDS);
    let kinds: Vec<String> =
        kinds.map(|(text, number)| format!("{} × {}", count(*number), short(text))).collect();
    if kinds.is_empty() {
        return String::new();
    }
    format!("<p class=\"small quiet\">{}</p>\n", Safe(&kinds.join("; ")))
}

fn trace(client: &ClientVerdict, event: &EventVerdict) -> Option<String> {
    let first = event.first_wrong.as_ref()?;
    let is_first = client.events.iter().find_map(|other| other.first_wrong.as_ref().map(|_| &other.event))
        == Some(&event.event);
    let open = if is_first { " open=\"open\"" } else { "" };
    Some(format!(
        "<details class=\"is-wrong\"{open}><summary>{}: {}, {} into step {}</summary>\n{}{}<p>Replay it:</p><code class=\"command\">{}</code>\n</details>\n",
        Safe(&event.event),
        kind(first.kind),
        duration(first.at_ms),
        first.step,
        compare(first),
        trace_table(first),
        Safe(&first.replay)
    ))
}

fn compare(first: &FirstWrong) -> String {
    let on = first.connection.map_or(String::new(), |number| format!("<dt>connection</dt><dd>{number}</dd>"));
    format!(
        "<dl class=\"compare\"><dt>asked</dt><dd><code>{}</code></dd><dt>expected</dt><dd><code>{}</code></dd><dt>got</dt><dd class=\"bad\"><code>{}</code></dd>{on}</dl>\n",
        Safe(&first.asked),
        Safe(&first.expected),
        Safe(&first.got)
    )
}

fn trace_table(first: &FirstWrong) -> String {
    if first.trace.is_empty() {
        return String::new();
    }
    let rows: String = first.trace.iter().map(trace_row).collect();
    format!(
        "<div class=\"scroll\" role=\"region\" aria-label=\"Trace of the connection\" tabindex=\"0\"><table class=\"trace small\"><thead><tr><th scope=\"col\" class=\"number\">ms</th><th scope=\"col\" class=\"narrow\">what</th><th scope=\"col\" class=\"number\">frame</th><th scope=\"col\">text</th></tr></thead><tbody>\n{rows}</tbody></table></div>\n"
    )
}

fn trace_row(line: &TraceLine) -> String {
    let (class, what) = match line.what {
        Traced::Command => ("", "→ command"),
        Traced::Reply => ("", "← reply"),
        Traced::Fault => (" class=\"is-fault\"", "fault"),
    };
    format!(
        "<tr{class}><td class=\"number\">{}</td><td>{what}</td><td class=\"number\">{}</td><td><code>{}</code></td></tr>\n",
        line.at_ms,
        line.frame,
        Safe(&line.text)
    )
}
