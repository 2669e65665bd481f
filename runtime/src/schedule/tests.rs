//! Schedules that contradict themselves are refused; barriers are where data needs them and nowhere else.

use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};

fn span(buffer: Buffer, offset: u64, bytes: u64, access: Access) -> Span {
    Span {
        buffer,
        offset,
        bytes,
        access,
    }
}

/// A schedule with all that the format has.
pub(crate) fn example() -> Schedule {
    let kernel = |entry: &str, bindings, push_words| KernelInfo {
        entry: entry.to_owned(),
        bindings,
        push_words,
        workgroup: [64, 1, 1],
    };
    Schedule {
        workspace_bytes: 1024,
        constants_bytes: 512,
        kernels: vec![kernel("embed", 3, 2), kernel("norm", 2, 0)],
        dispatches: vec![
            Dispatch {
                kernel: 0,
                groups: [4, 1, 1],
                barrier: false,
                spans: vec![
                    span(Buffer::Argument(1), 0, 8, Access::Read),
                    span(Buffer::Workspace, 256, 768, Access::Write),
                    span(Buffer::Workspace, 0, 4, Access::ReadWrite),
                ],
                push: vec![0, 7],
            },
            Dispatch {
                kernel: 1,
                groups: [1, 2, 1],
                barrier: true,
                spans: vec![
                    span(Buffer::Workspace, 256, 256, Access::ReadWrite),
                    span(Buffer::Constants, 256, 256, Access::Read),
                ],
                push: vec![],
            },
        ],
    }
}

#[test]
fn a_schedule_survives_json() {
    let text = serde_json::to_string(&example()).expect("JSON");
    assert_eq!(Schedule::from_json(&text).expect("the same"), example());
    let spans: Value = serde_json::to_value(example().dispatches[0].spans[0]).expect("JSON");
    let wanted = json!({"buffer": {"argument": 1}, "offset": 0, "bytes": 8, "access": "read"});
    assert_eq!(spans, wanted);
}

#[test]
fn the_schema_names_every_field() {
    let schema = schemars::schema_for!(Schedule).to_value().to_string();
    for field in [
        "workspace_bytes",
        "constants_bytes",
        "push_words",
        "workgroup",
        "groups",
        "barrier",
        "read_write",
        "argument",
    ] {
        assert!(schema.contains(&format!("\"{field}\"")), "{field}");
    }
}

#[test]
fn arguments_are_as_long_as_their_longest_span() {
    let mut schedule = example();
    let late = span(Buffer::Argument(3), 512, 100, Access::Write);
    schedule.dispatches[1].spans[0] = late;
    let unused = ArgumentUse::default();
    let one = |bytes, written| ArgumentUse { bytes, written };
    assert_eq!(
        schedule.arguments(),
        [unused, one(8, false), unused, one(612, true)]
    );
}

/// The message for the example after an edit of its JSON.
fn message(edit: impl FnOnce(&mut Value)) -> String {
    let mut value = serde_json::to_value(example()).expect("JSON");
    edit(&mut value);
    let error = Schedule::from_json(&value.to_string()).expect_err("edited");
    error.to_string()
}

#[test]
fn edited_schedules_are_refused() {
    let table: &[(&str, Value, &str)] = &[
        ("/workspace_bytes", json!(3), "the workspace has 3 bytes"),
        (
            "/workspace_bytes",
            json!(u64::MAX),
            "the workspace of 18446744073709551615 bytes cannot",
        ),
        (
            "/workspace_bytes",
            json!(1000),
            "dispatch 0, binding 1, in the workspace: 768 bytes at 256, but it ends at 1000",
        ),
        (
            "/constants_bytes",
            json!(256),
            "dispatch 1, binding 1, in the constants: 256 bytes at 256, but it ends at 256",
        ),
        ("/constants_bytes", json!(-1), "not a schedule"),
        (
            "/kernels/1/entry",
            json!("embed"),
            "kernel 1 (\"embed\"): another kernel has the same name",
        ),
        ("/kernels/1/entry", json!(""), "this is not a name"),
        ("/kernels/1/entry", json!("a\0b"), "this is not a name"),
        (
            "/kernels/0/push_words",
            json!(33),
            "33 push words, 32 at most",
        ),
        (
            "/kernels/0/push_words",
            json!(1),
            "dispatch 0: 2 push words for the 1 of \"embed\"",
        ),
        (
            "/kernels/0/bindings",
            json!(4),
            "dispatch 0: 3 spans for the 4 of \"embed\"",
        ),
        (
            "/kernels/0/workgroup",
            json!([64, 0, 1]),
            "workgroups of [64, 0, 1]",
        ),
        (
            "/kernels/0/workgroup",
            json!([65536, 65536, 1]),
            "workgroups of [65536, 65536, 1]",
        ),
        ("/kernels/0/workgroup", json!([64, 1]), "not a schedule"),
        (
            "/dispatches/1/kernel",
            json!(2),
            "dispatch 1: there is no kernel 2, only 2",
        ),
        (
            "/dispatches/1/groups",
            json!([1, 0, 1]),
            "no workgroups: [1, 0, 1]",
        ),
        (
            "/dispatches/0/spans/1/offset",
            json!(128),
            "offset 128 is not a multiple of 256",
        ),
        (
            "/dispatches/0/spans/1/bytes",
            json!(0),
            "binding 1, in the workspace: it has no bytes",
        ),
        (
            "/dispatches/0/spans/1/bytes",
            json!(u64::MAX),
            "bytes at 256 cannot be addressed",
        ),
        (
            "/dispatches/0/spans/0/bytes",
            json!(u64::MAX),
            "in argument 1: 18446744073709551615 bytes at 0",
        ),
        (
            "/dispatches/0/spans/0/buffer",
            json!({"argument": 1 << 20}),
            "no function has 1048576 arguments",
        ),
        (
            "/dispatches/0/spans/0/buffer",
            json!("stack"),
            "not a schedule",
        ),
        (
            "/dispatches/1/spans/1/access",
            json!("read_write"),
            "constants are not written",
        ),
        (
            "/dispatches/1/spans/1",
            json!({"buffer": "constants", "offset": 0, "bytes": 4, "access": "read", "x": 1}),
            "unknown field",
        ),
    ];
    for (place, value, wanted) in table {
        let found = message(|v| *v.pointer_mut(place).expect(place) = value.clone());
        assert!(found.contains(wanted), "{place}: {found}");
    }
    let found = message(|v| v["dispatches"][0]["barrier"] = json!(true));
    assert!(found.contains("dispatch 0: it is the first one"), "{found}");
    let found = message(|v| drop(v.as_object_mut().expect("a table").remove("kernels")));
    assert!(found.contains("missing field `kernels`"), "{found}");
}

impl Schedule {
    /// Whether two dispatches are in conflict, without the tricks of `hazards`.
    fn conflict(&self, a: usize, b: usize) -> bool {
        let (a, b) = (&self.dispatches[a].spans, &self.dispatches[b].spans);
        a.iter().any(|x| {
            b.iter().any(|y| {
                let bytes = |s: &Span| s.offset..s.offset + s.bytes;
                x.buffer == y.buffer
                    && (x.access != Access::Read || y.access != Access::Read)
                    && bytes(x).any(|i| bytes(y).contains(&i))
            })
        })
    }

    /// Whether no two dispatches of a stretch without barriers are in conflict.
    fn is_safe(&self, barriers: &[bool]) -> bool {
        let part = |i: usize| barriers[..=i].iter().filter(|b| **b).count();
        let n = self.dispatches.len();
        let mut pairs = (0..n).flat_map(|a| (a + 1..n).map(move |b| (a, b)));
        pairs.all(|(a, b)| part(a) != part(b) || !self.conflict(a, b))
    }
}

prop_compose! {
    fn any_span()(
        buffer in prop_oneof![Just(Buffer::Workspace), (0..2u32).prop_map(Buffer::Argument)],
        offset in 0..3u64,
        bytes in 1..600u64,
        access in prop_oneof![Just(Access::Read), Just(Access::Read), Just(Access::Write), Just(Access::ReadWrite)],
    ) -> Span {
        span(buffer, offset * 256, bytes, access)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Against all ways to place barriers.
    #[test]
    fn barriers_are_enough_and_as_few_as_can_be(spans in prop::collection::vec(prop::collection::vec(any_span(), 1..3), 1..7)) {
        let dispatch = |spans: Vec<Span>| Dispatch {
            kernel: 0,
            groups: [1; 3],
            barrier: false,
            spans,
            push: vec![],
        };
        let mut schedule = Schedule {
            dispatches: spans.into_iter().map(dispatch).collect(),
            ..Schedule::default()
        };
        let n = schedule.dispatches.len();
        prop_assert_eq!(schedule.hazards().is_empty(), schedule.is_safe(&vec![false; n]));
        schedule.place_barriers();
        prop_assert_eq!(schedule.hazards(), vec![]);
        let placed: Vec<bool> = schedule.dispatches.iter().map(|d| d.barrier).collect();
        prop_assert!(schedule.is_safe(&placed));
        let count = placed.iter().filter(|b| **b).count();
        let ways = (0..1u32 << n).map(|way| (0..n).map(|i| way >> i & 1 == 1).collect::<Vec<_>>());
        let fewest = ways.filter(|w| schedule.is_safe(w)).map(|w| w.iter().filter(|b| **b).count()).min();
        prop_assert_eq!(Some(count), fewest);
    }
}
