//! Greedy rounds of a toy language.

use crate::{i64s, ints, lowered, tensor};
use spec_runtime::accept::greedy;
use spec_testsuite::modelgen::run::{Input, execute};
use spec_testsuite::modelgen::{Element, Type};

/// Length of the toy models' caches.
const CONTEXT: usize = 24;

/// The toy language: the token behind `token` at `position` after the token `before` it. The drafter errs where
/// token mod 4 >= `skill`.
fn next(token: i64, before: i64, position: usize) -> i64 {
    (3 * token + before + position as i64) % 11
}

fn drafted(token: i64, before: i64, position: usize, skill: i64) -> i64 {
    next(token, before, position) + i64::from(token % 4 >= skill)
}

/// Drafter and target on devices of their own, each with a cache of the tokens seen, read at the position before; the host
/// runs one round (`@once`) or as many as fit (`@generate`). `POSITION` is the type of the position.
const TOY: &str = include_str!("toy.mlir.in");

const ROUND: &str = r#"
  %tokens, %count, %states:2 = spec.round greedy draft_length G last(%last : tensor<1xi64>) position(%pos : POSITION) draft(%dk : tensor<CTXx1xi64>) {
  ^bb0(%t: tensor<1xi64>, %p: POSITION, %k: tensor<CTXx1xi64>):
    %sent = spec.transfer %t from "cpu" to "gpu" : tensor<1xi64>
    %r:2 = spec.dispatch @gpu::@step(%sent, %p, %k, %skill) resident [2] keeps [1] : (tensor<1xi64>, POSITION, tensor<CTXx1xi64>, tensor<1xi64>) -> (tensor<1xi64>, tensor<CTXx1xi64>)
    %back = spec.transfer %r#0 from "gpu" to "cpu" : tensor<1xi64>
    spec.yield %back, %r#1 : tensor<1xi64>, tensor<CTXx1xi64>
  } verify(%tk : tensor<CTXx1xi64>) {
  ^bb0(%t: tensor<NEWxi64>, %p: POSITION, %k: tensor<CTXx1xi64>):
    %r:2 = spec.dispatch @cpu::@verify(%t, %p, %k) resident [2] keeps [1] : (tensor<NEWxi64>, POSITION, tensor<CTXx1xi64>) -> (tensor<NEWxi64>, tensor<CTXx1xi64>)
    spec.yield %r#0, %r#1 : tensor<NEWxi64>, tensor<CTXx1xi64>
  } : tensor<NEWxi64>
"#;

/// Without drafts there is no draft region, and the drafter's cache passes by.
const ROUND_WITHOUT_DRAFTS: &str = r#"
  %tokens, %count, %after = spec.round greedy draft_length 0 last(%last : tensor<1xi64>) position(%pos : POSITION) verify(%tk : tensor<CTXx1xi64>) {
  ^bb0(%t: tensor<NEWxi64>, %p: POSITION, %k: tensor<CTXx1xi64>):
    %r:2 = spec.dispatch @cpu::@verify(%t, %p, %k) resident [2] keeps [1] : (tensor<NEWxi64>, POSITION, tensor<CTXx1xi64>) -> (tensor<NEWxi64>, tensor<CTXx1xi64>)
    spec.yield %r#0, %r#1 : tensor<NEWxi64>, tensor<CTXx1xi64>
  } : tensor<NEWxi64>
  %states:2 = func.call @pair(%dk, %after) : (tensor<CTXx1xi64>, tensor<CTXx1xi64>) -> (tensor<CTXx1xi64>, tensor<CTXx1xi64>)
"#;

const PAIR: &str = r#"
func.func private @pair(%a: tensor<CTXx1xi64>, %b: tensor<CTXx1xi64>) -> (tensor<CTXx1xi64>, tensor<CTXx1xi64>) {
  return %a, %b : tensor<CTXx1xi64>, tensor<CTXx1xi64>
}
"#;

/// The toy module for `g` drafts and a type of position.
fn toy(g: usize, position: &str) -> String {
    let (round, pair) = if g == 0 {
        (ROUND_WITHOUT_DRAFTS, PAIR)
    } else {
        (ROUND, "")
    };
    let (to_index, from_i64) = match position {
        "index" => (
            "%zero_index = arith.constant 0 : index\n%index = arith.addi %at, %zero_index : index",
            "%pos = arith.index_cast %value : i64 to index",
        ),
        "i32" => (
            "%index = arith.index_cast %at : i32 to index",
            "%pos = arith.trunci %value : i64 to i32",
        ),
        _ => (
            "%scalar = tensor.extract %at[] : tensor<i64>\n%index = arith.index_cast %scalar : i64 to index",
            "%pos = tensor.from_elements %value : tensor<i64>",
        ),
    };
    let text = TOY.replace("ROUND", round) + pair;
    let text = text
        .replace("TO_INDEX", to_index)
        .replace("FROM_I64", from_i64)
        .replace("POSITION", position);
    text.replace("CTX", &CONTEXT.to_string())
        .replace("NEW", &(g + 1).to_string())
        .replace('G', &g.to_string())
}

/// What a round leaves behind.
#[derive(Debug, PartialEq)]
struct State {
    tokens: Vec<i64>,
    count: usize,
    drafter: Vec<i64>,
    target: Vec<i64>,
}

/// One round by the definition, dead cache rows included.
fn simulate(
    g: usize,
    skill: i64,
    last: i64,
    position: usize,
    drafter: &[i64],
    target: &[i64],
) -> State {
    let before = |cache: &[i64], at: usize| if at == 0 { 0 } else { cache[at - 1] };
    let (mut drafter, mut target) = (drafter.to_vec(), target.to_vec());
    let mut t = vec![last];
    for i in 0..g {
        drafter[position + i] = t[i];
        t.push(drafted(
            t[i],
            before(&drafter, position + i),
            position + i,
            skill,
        ));
    }
    target[position..=position + g].copy_from_slice(&t);
    let tokens: Vec<i64> = (0..=g)
        .map(|i| next(t[i], before(&target, position + i), position + i))
        .collect();
    let count = greedy(&t[1..], &tokens).expect("one choice more");
    if g > 0 && count == g + 1 {
        drafter[position + g] = t[g];
    }
    State {
        tokens,
        count,
        drafter,
        target,
    }
}

fn caches() -> (Vec<i64>, Vec<i64>) {
    let cache = |seed: i64| (0..CONTEXT as i64).map(|i| (i * 7 + seed) % 10).collect();
    (cache(1), cache(1))
}

fn cache(values: &[i64]) -> Input {
    tensor(
        &[CONTEXT, 1],
        Element::I64,
        values.iter().map(|v| *v as f64),
    )
}

fn run_once(module: &str, g: usize, (skill, last, position): (i64, i64, usize)) -> State {
    let (d, t) = caches();
    let args = [
        i64s(&[last]),
        i64s(&[position as i64]),
        i64s(&[skill]),
        cache(&d),
        cache(&t),
    ];
    let of = |dims: &[usize]| Type::tensor(dims, Element::I64);
    let results = [of(&[g + 1]), of(&[1]), of(&[CONTEXT, 1]), of(&[CONTEXT, 1])];
    let out = execute(module, "once", &args, &results).expect("it runs");
    State {
        tokens: ints(&out[0]),
        count: out[1][0] as usize,
        drafter: ints(&out[2]),
        target: ints(&out[3]),
    }
}

/// One round: compares everything, and says how many were accepted.
fn check_once(g: usize, position_type: &str, case: (i64, i64, usize)) -> usize {
    let found = run_once(&lowered(&toy(g, position_type)), g, case);
    let (d, t) = caches();
    let (skill, last, position) = case;
    assert_eq!(
        found,
        simulate(g, skill, last, position, &d, &t),
        "{g} {case:?}"
    );
    found.count - 1
}

#[test]
fn all_accepted_and_caught_up() {
    assert_eq!(check_once(3, "index", (4, 5, 6)), 3);
}

#[test]
fn none_accepted() {
    assert_eq!(check_once(3, "tensor<i64>", (0, 5, 6)), 0);
}

#[test]
fn some_accepted() {
    let accepted: Vec<usize> = (0..6)
        .map(|last| check_once(4, "i32", (2, last, 0)))
        .collect();
    assert!(accepted.iter().any(|a| (1..4).contains(a)), "{accepted:?}");
}

#[test]
fn no_drafts() {
    assert_eq!(check_once(0, "tensor<i64>", (4, 5, 6)), 0);
}

/// Rounds until the context is full: whatever the drafter is worth, the tokens are the target's own.
#[test]
fn rounds_in_a_loop() {
    let mut texts = vec![];
    for (g, skill) in [(0, 4), (1, 2), (3, 2), (3, 4), (5, 0)] {
        let (d, t) = caches();
        let args = [i64s(&[5]), i64s(&[skill]), cache(&d), cache(&t)];
        let of = |dims: &[usize]| Type::tensor(dims, Element::I64);
        let results = [
            of(&[CONTEXT]),
            of(&[CONTEXT]),
            of(&[CONTEXT, 1]),
            of(&[CONTEXT, 1]),
        ];
        let found =
            execute(&lowered(&toy(g, "index")), "generate", &args, &results).expect("it runs");
        let (mut out, mut counts, mut s) = (
            vec![],
            vec![],
            State {
                tokens: vec![5],
                count: 1,
                drafter: d,
                target: t,
            },
        );
        while out.len() + g < CONTEXT {
            s = simulate(
                g,
                skill,
                s.tokens[s.count - 1],
                out.len(),
                &s.drafter,
                &s.target,
            );
            out.extend(&s.tokens[..s.count]);
            counts.push(s.count as i64);
        }
        let filled = |mut v: Vec<i64>| {
            v.resize(CONTEXT, -1);
            v
        };
        texts.push(out.clone());
        let expected = [filled(out), filled(counts), s.drafter, s.target];
        let found: Vec<Vec<i64>> = found.iter().map(|v| ints(v)).collect();
        assert_eq!(found, expected, "draft length {g}, skill {skill}");
    }
    let alone = &texts[0];
    assert!(
        texts
            .iter()
            .all(|t| alone.starts_with(&t[..t.len().min(alone.len())]))
    );
}
