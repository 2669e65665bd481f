//! When each model was busy, in the trace event format that Perfetto and chrome://tracing read.

use serde_json::{Value, json};
use spec_runtime::stats::{Lane, RoundStats};
use std::time::Duration;

/// One document of all rounds. Times are microseconds since decoding began.
pub fn document(rounds: &[RoundStats]) -> Value {
    let lanes = [(0, "rounds"), (1, "target"), (2, "drafter"), (3, "host")];
    let mut events: Vec<Value> = lanes
        .iter()
        .map(|(lane, name)| json!({"ph": "M", "pid": 1, "tid": lane, "name": "thread_name", "args": {"name": name}}))
        .collect();
    for (i, round) in rounds.iter().enumerate() {
        let counts = json!({"drafted": round.drafted, "accepted": round.accepted, "emitted": round.emitted,
            "discarded": round.discarded});
        let to = round.start + round.total;
        events.push(event(0, &format!("round {i}"), round.start, to, counts));
        for span in &round.spans {
            let (lane, name) = match span.lane {
                Lane::Target => (1, "verify"),
                Lane::Drafter => (2, "draft"),
                Lane::Host => (3, "sample"),
            };
            events.push(event(lane, name, span.from, span.to, json!({"round": i})));
        }
    }
    json!({"displayTimeUnit": "ms", "traceEvents": events})
}

fn event(lane: u32, name: &str, from: Duration, to: Duration, args: Value) -> Value {
    let micros = |d: Duration| d.as_nanos() as f64 / 1e3;
    json!({"ph": "X", "pid": 1, "tid": lane, "name": name, "ts": micros(from), "dur": micros(to.saturating_sub(from)), "args": args})
}

#[cfg(test)]
mod tests {
    use super::*;
    use spec_runtime::stats::Span;

    #[test]
    fn rounds_and_lanes_become_events() {
        let us = Duration::from_micros;
        let span = |lane, from, to| Span {
            lane,
            from: us(from),
            to: us(to),
        };
        let round = RoundStats {
            start: us(100),
            total: us(50),
            drafted: 3,
            accepted: 2,
            emitted: 3,
            spans: vec![span(Lane::Drafter, 100, 120), span(Lane::Target, 121, 149)],
            ..RoundStats::default()
        };
        let document = document(&[round]);
        let events = document["traceEvents"].as_array().unwrap();
        let of = |lane: u32| -> Vec<&Value> {
            events
                .iter()
                .filter(|e| e["ph"] == "X" && e["tid"] == lane)
                .collect()
        };
        assert_eq!(
            (of(0).len(), of(1).len(), of(2).len(), of(3).len()),
            (1, 1, 1, 0)
        );
        assert_eq!(
            (&of(0)[0]["ts"], &of(0)[0]["dur"]),
            (&json!(100.0), &json!(50.0))
        );
        assert_eq!(of(0)[0]["args"]["accepted"], 2);
        assert_eq!(
            (&of(1)[0]["ts"], &of(1)[0]["dur"]),
            (&json!(121.0), &json!(28.0))
        );
        assert_eq!(events.iter().filter(|e| e["ph"] == "M").count(), 4);
    }
}
