//! The run as one page that needs nothing else: no script, no font, no picture from elsewhere. It is well-formed XML too, which its test uses.

use super::chart::chart;
use super::escape::{Safe, anchor};
use super::words::{
    Tone, Totals, brief, count, count_or_dash, duration, events, find, full_name, healing, kind, patience,
    rate, sentence, was_run,
};
use crate::verdict::{ClientVerdict, EventVerdict, FirstWrong, Outcome, TraceLine, Traced, Trial};

/// The whole run as HTML.
pub fn html(trial: &Trial) -> String {
    let run: Vec<&ClientVerdict> = trial.clients.iter().filter(|client| client.left_out.is_none()).collect();
    let style = include_str!("page.css");
    let clients: String = run.iter().map(|client| one_client(client)).collect();
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <title>Cache clients on trial, seed {seed}</title>\n<style>\n{style}</style>\n</head>\n<body>\n{head}<main>\n{matrix}{totals}{legend}{clients}{left_out}</main>\n</body>\n</html>\n",
        seed = trial.seed,
        head = head(trial, &run),
        matrix = matrix(trial, &run),
        totals = totals(&run),
        legend = legend(),
        left_out = left_out(trial),
    )
}

fn head(trial: &Trial, run: &[&ClientVerdict]) -> String {
    format!(
        "<header>\n<h1>Cache clients on trial</h1>\n<p class=\"lead\">{}</p>\n\
         <p class=\"quiet\">{} behind a fault proxy, seed {}, kit {}, {}, {}.</p>\n<code class=\"command\">{}</code>\n</header>\n",
        Safe(&lead(run)),
        Safe(&trial.server),
        trial.seed,
        Safe(&trial.kit),
        date(trial.started_unix_ms),
        duration(trial.took_ms),
        Safe(&trial.command)
    )
}

/// What the page says, for somebody who reads one sentence.
fn lead(run: &[&ClientVerdict]) -> String {
    let judged: u64 = run.iter().map(|client| Totals::of(client).operations).sum();
    let mixed: Vec<String> =
        run.iter().filter(|client| Totals::of(client).wrong > 0).map(|client| full_name(client)).collect();
    let who = match &mixed[..] {
        [] => "None of them took a wrong answer for right.".to_owned(),
        [one] => format!("{one} took wrong answers for right."),
        [many @ .., last] => format!("{} and {last} took wrong answers for right.", many.join(", ")),
    };
    format!("{} clients, {} judged answers. {who}", run.len(), count(judged))
}

fn date(unix_ms: i64) -> String {
    let day =
        jiff::Timestamp::from_millisecond(unix_ms).map(|at| at.strftime("%Y-%m-%d %H:%M UTC").to_string());
    day.unwrap_or_else(|_| "at an unknown time".into())
}

fn cell_class(event: &EventVerdict) -> &'static str {
    match Tone::of(&event.outcome) {
        Tone::Good => "good-cell",
        Tone::Wrong => "wrong-cell",
        Tone::Poor => "poor-cell",
        Tone::None => "none-cell",
    }
}

fn matrix(trial: &Trial, run: &[&ClientVerdict]) -> String {
    let heading = |client: &&ClientVerdict| {
        let name = full_name(client);
        let (label, version) = name.rsplit_once(' ').unwrap_or((&name, ""));
        format!(
            "<th scope=\"col\"><a href=\"#{}\">{}</a> <span class=\"quiet\">{}</span></th>",
            anchor(&[&client.name]),
            Safe(label),
            Safe(version)
        )
    };
    let row = |event: &str| {
        let about =
            run.iter().find_map(|client| find(client, event)).map_or("", |found| found.about.as_str());
        let cells: String = run.iter().map(|client| cell(client, event)).collect();
        format!("<tr><th scope=\"row\" title=\"{}\">{}</th>{cells}</tr>\n", Safe(about), Safe(event))
    };
    section(
        "events",
        "Every client in every event",
        &format!(
            "<div class=\"scroll\" role=\"region\" aria-label=\"Every client in every event\" tabindex=\"0\"><table class=\"matrix\"><thead><tr><th scope=\"col\">Event</th>{}</tr></thead><tbody>\n{}</tbody></table></div>\n",
            run.iter().map(heading).collect::<String>(),
            events(&trial.clients).into_iter().map(row).collect::<String>()
        ),
    )
}

fn cell(client: &ClientVerdict, event: &str) -> String {
    let Some(verdict) = find(client, event) else {
        return "<td class=\"none-cell\"><a>not run</a></td>".into();
    };
    let href = anchor(&[&client.name, event]);
    let (class, words) = (cell_class(verdict), brief(verdict));
    format!("<td class=\"{class}\"><a href=\"#{href}\">{}</a></td>", Safe(&words))
}

fn section(id: &str, title: &str, body: &str) -> String {
    format!(
        "<section aria-labelledby=\"{id}-h\" id=\"{id}\">\n<h2 id=\"{id}-h\">{}</h2>\n{body}</section>\n",
        Safe(title)
    )
}

fn totals(run: &[&ClientVerdict]) -> String {
    let headings =
        ["Answers judged", "Wrong", "Stale", "Double leases", "Errors", "Stalls", "Slowest healing"];
    let heads: String =
        headings.iter().map(|text| format!("<th scope=\"col\" class=\"number\">{text}</th>")).collect();
    let row = |client: &&ClientVerdict| {
        let sum = Totals::of(client);
        let cells = [
            (count(sum.operations), false),
            (count(sum.wrong), sum.wrong > 0),
            (count(sum.stale), sum.is_stale),
            (count_or_dash(sum.double_lease), sum.double_lease.is_some_and(|leases| leases > 0)),
            (count(sum.errors), false),
            (count(sum.stalls), false),
            (sum.healing(), sum.never_healed > 0),
        ];
        let cells: String = cells
            .iter()
            .map(|(text, bad)| {
                format!("<td class=\"number{}\">{}</td>", if *bad { " bad" } else { "" }, Safe(text))
            })
            .collect();
        format!("<tr><th scope=\"row\">{}</th>{cells}</tr>\n", Safe(&full_name(client)))
    };
    section(
        "totals",
        "What it adds up to",
        &format!(
            "<p class=\"quiet\">Errors are allowed: a client that does not know should say so. A wrong answer is not, and neither is one that is stale after an acknowledged invalidation, unless the server itself went back in time. Not healed means: not healthy again within {} of the fault's end; some clients wait longer on purpose, behind a circuit breaker.</p>\n\
             <div class=\"scroll\" role=\"region\" aria-label=\"Totals\" tabindex=\"0\"><table><thead><tr><th scope=\"col\">Client</th>{heads}</tr></thead><tbody>\n{}</tbody></table></div>\n",
            patience(),
            run.iter().map(row).collect::<String>()
        ),
    )
}

fn legend() -> String {
    let items = [
        (
            "<path class=\"good-area\" d=\"M0 5H28V16H0Z\"/><path class=\"good\" d=\"M0 5H28\"/>",
            "good answers per second",
        ),
        ("<path class=\"errors\" d=\"M0 9H28\"/>", "errors and stalls per second"),
        (
            "<g class=\"wrong\"><rect x=\"11\" y=\"8\" width=\"6\" height=\"8\"/><path d=\"M14 7l-3.5 -6h7z\"/></g>",
            "wrong answers, never drawn too small to see",
        ),
        ("<rect class=\"fault\" width=\"28\" height=\"16\"/>", "the fault is on"),
        ("<path class=\"healthy\" d=\"M14 0V16\"/>", "healthy again"),
    ];
    let item = |(drawing, words): (&str, &str)| {
        format!("<li><svg viewBox=\"0 0 28 16\" aria-hidden=\"true\">{drawing}</svg>{words}</li>")
    };
    section(
        "reading",
        "How to read the charts",
        &format!("<ul class=\"legend\">{}</ul>\n", items.into_iter().map(item).collect::<String>()),
    )
}

fn one_client(client: &ClientVerdict) -> String {
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
        ("judged", count(event.operations), false),
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
    facts.push(("faults", count(event.faults_injected), event.outcome == Outcome::NotInjected));
    facts.push(("healthy after", healing(event), event.time_until_healthy_ms.is_none()));
    let fact = |(name, value, bad): &(&str, String, bool)| {
        format!(
            "<div{}><dt>{name}</dt><dd>{}</dd></div>",
            if *bad { " class=\"bad\"" } else { "" },
            Safe(value)
        )
    };
    let errors: Vec<String> =
        event.error_kinds.iter().map(|(text, number)| format!("{} × {text}", count(*number))).collect();
    let errors = if errors.is_empty() {
        String::new()
    } else {
        format!("<p class=\"small quiet\">{}</p>\n", Safe(&errors.join("; ")))
    };
    format!("<dl class=\"facts small\">{}</dl>\n{errors}", facts.iter().map(fact).collect::<String>())
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

fn left_out(trial: &Trial) -> String {
    let item = |client: &ClientVerdict| {
        client.left_out.as_ref().map(|why| format!("<li>{}: {}</li>\n", Safe(&full_name(client)), Safe(why)))
    };
    let items: String = trial.clients.iter().filter_map(item).collect();
    if items.is_empty() { items } else { section("left-out", "Left out", &format!("<ul>\n{items}</ul>\n")) }
}
