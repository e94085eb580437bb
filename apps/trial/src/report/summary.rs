//! The run in one line of JSON, the last line that the kit prints: for programs that read logs. Everything is in the JSON file.

use serde_json::{Map, Value, json};

use super::words::Totals;
use crate::verdict::{ClientVerdict, EventVerdict, Trial};

/// `{"trial":"all","seed":7,"clients":{"redis-py 4.5.1":{"operations":..,"wrong":..,"events":{..}}}}`; `trial` is `all` or the only event.
pub fn summary(trial: &Trial) -> String {
    let clients: Map<String, Value> =
        trial.clients.iter().map(|client| (client.label.clone(), one_client(client))).collect();
    json!({"trial": what(trial), "seed": trial.seed, "server": trial.server, "clients": clients}).to_string()
}

fn what(trial: &Trial) -> &str {
    match super::words::events(&trial.clients)[..] {
        [only] => only,
        _ => "all",
    }
}

fn one_client(client: &ClientVerdict) -> Value {
    if let Some(why) = &client.left_out {
        return json!({"left_out": why});
    }
    let sum = Totals::of(client);
    let events: Map<String, Value> =
        client.events.iter().map(|event| (event.event.clone(), one_event(event))).collect();
    json!({
        "version": client.version, "operations": sum.operations, "answers": sum.answers, "from_server": sum.from_server, "wrong": sum.wrong, "stale": sum.stale, "double_lease": sum.double_lease,
        "errors": sum.errors, "stalls": sum.stalls, "events": events,
    })
}

fn one_event(event: &EventVerdict) -> Value {
    let outcome = serde_json::to_value(&event.outcome).expect("an enum of texts");
    json!({
        "outcome": outcome["is"], "operations": event.operations, "answers": event.answers, "from_server": event.from_server, "wrong": event.wrong,
        "healthy_ms": event.time_until_healthy_ms, "reconnects": event.reconnects, "faults": event.faults_injected,
    })
}
