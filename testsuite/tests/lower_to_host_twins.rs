//! What `spec-lower-to-host` makes computes what the definition of `spec.round` says: hand-written modules over toy models
//! are lowered, run by the stock tools and compared with a plain simulation of the round.

use spec_runtime::accept::{Rows, greedy, rejection, sample};
use spec_testsuite::modelgen::run::{Input, execute};
use spec_testsuite::modelgen::{Element, Type, noise};
use spec_testsuite::tools::opt_text;

/// Length of the toy models' caches.
const CONTEXT: usize = 24;

fn lowered(module: &str) -> String {
    let ran = opt_text(&["--spec-lower-to-host"], module);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(!ran.stdout.contains("spec."), "{}", ran.stdout);
    ran.stdout
}

fn ints(values: &[f64]) -> Vec<i64> {
    values.iter().map(|v| *v as i64).collect()
}

fn tensor(dims: &[usize], element: Element, values: impl IntoIterator<Item = f64>) -> Input {
    Input::Dense(Type::tensor(dims, element), values.into_iter().collect())
}

fn i64s(values: &[i64]) -> Input {
    tensor(&[values.len()], Element::I64, values.iter().map(|v| *v as f64))
}

// ---------------------------------------------------------------------------------------------------- greedy

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
const TOY: &str = r#"
module @gpu attributes {spec.placement = #spec.placement<role = drafter, device = "gpu", units = 1, dtype = f32>} {
  func.func private @before(%cache: tensor<CTXx1xi64>, %at: index) -> i64 {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %zero = arith.constant 0 : i64
    %first = arith.cmpi eq, %at, %c0 : index
    %found = scf.if %first -> (i64) {
      scf.yield %zero : i64
    } else {
      %i = arith.subi %at, %c1 : index
      %value = tensor.extract %cache[%i, %c0] : tensor<CTXx1xi64>
      scf.yield %value : i64
    }
    return %found : i64
  }
  func.func @step(%t: tensor<1xi64>, %at: POSITION, %cache: tensor<CTXx1xi64>, %skill: tensor<1xi64>) -> (tensor<1xi64>, tensor<CTXx1xi64>) {
    %c0 = arith.constant 0 : index
    %c3 = arith.constant 3 : i64
    %c4 = arith.constant 4 : i64
    %c11 = arith.constant 11 : i64
    %row = tensor.expand_shape %t [[0, 1]] output_shape [1, 1] : tensor<1xi64> into tensor<1x1xi64>
    %seen = spec.commit %row into %cache at %at : POSITION dim 0 : tensor<1x1xi64> into tensor<CTXx1xi64>
    TO_INDEX
    %before = func.call @before(%seen, %index) : (tensor<CTXx1xi64>, index) -> i64
    %p = arith.index_cast %index : index to i64
    %token = tensor.extract %t[%c0] : tensor<1xi64>
    %0 = arith.muli %token, %c3 : i64
    %1 = arith.addi %0, %before : i64
    %2 = arith.addi %1, %p : i64
    %3 = arith.remsi %2, %c11 : i64
    %4 = arith.remsi %token, %c4 : i64
    %k = tensor.extract %skill[%c0] : tensor<1xi64>
    %errs = arith.cmpi sge, %4, %k : i64
    %5 = arith.extui %errs : i1 to i64
    %6 = arith.addi %3, %5 : i64
    %choice = tensor.from_elements %6 : tensor<1xi64>
    return %choice, %seen : tensor<1xi64>, tensor<CTXx1xi64>
  }
}
module @cpu attributes {spec.placement = #spec.placement<role = target, device = "cpu", units = 4, dtype = f32>} {
  func.func private @before(%cache: tensor<CTXx1xi64>, %at: index) -> i64 {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %zero = arith.constant 0 : i64
    %first = arith.cmpi eq, %at, %c0 : index
    %found = scf.if %first -> (i64) {
      scf.yield %zero : i64
    } else {
      %i = arith.subi %at, %c1 : index
      %value = tensor.extract %cache[%i, %c0] : tensor<CTXx1xi64>
      scf.yield %value : i64
    }
    return %found : i64
  }
  func.func @verify(%t: tensor<NEWxi64>, %at: POSITION, %cache: tensor<CTXx1xi64>) -> (tensor<NEWxi64>, tensor<CTXx1xi64>) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %n = arith.constant NEW : index
    %c3 = arith.constant 3 : i64
    %c11 = arith.constant 11 : i64
    %rows = tensor.expand_shape %t [[0, 1]] output_shape [NEW, 1] : tensor<NEWxi64> into tensor<NEWx1xi64>
    %seen = spec.commit %rows into %cache at %at : POSITION dim 0 : tensor<NEWx1xi64> into tensor<CTXx1xi64>
    TO_INDEX
    %empty = tensor.empty() : tensor<NEWxi64>
    %choices = scf.for %i = %c0 to %n step %c1 iter_args(%to = %empty) -> (tensor<NEWxi64>) {
      %place = arith.addi %index, %i : index
      %before = func.call @before(%seen, %place) : (tensor<CTXx1xi64>, index) -> i64
      %p = arith.index_cast %place : index to i64
      %token = tensor.extract %t[%i] : tensor<NEWxi64>
      %0 = arith.muli %token, %c3 : i64
      %1 = arith.addi %0, %before : i64
      %2 = arith.addi %1, %p : i64
      %3 = arith.remsi %2, %c11 : i64
      %filled = tensor.insert %3 into %to[%i] : tensor<NEWxi64>
      scf.yield %filled : tensor<NEWxi64>
    }
    return %choices, %seen : tensor<NEWxi64>, tensor<CTXx1xi64>
  }
}
func.func @round(%last: tensor<1xi64>, %pos: POSITION, %skill: tensor<1xi64>, %dk: tensor<CTXx1xi64>, %tk: tensor<CTXx1xi64>) -> (tensor<NEWxi64>, index, tensor<CTXx1xi64>, tensor<CTXx1xi64>) {
ROUND
  return %tokens, %count, %states#0, %states#1 : tensor<NEWxi64>, index, tensor<CTXx1xi64>, tensor<CTXx1xi64>
}
func.func @once(%last: tensor<1xi64>, %at: tensor<1xi64>, %skill: tensor<1xi64>, %dk: tensor<CTXx1xi64>, %tk: tensor<CTXx1xi64>) -> (tensor<NEWxi64>, tensor<1xi64>, tensor<CTXx1xi64>, tensor<CTXx1xi64>) {
  %c0 = arith.constant 0 : index
  %value = tensor.extract %at[%c0] : tensor<1xi64>
  FROM_I64
  %tokens, %count, %d, %t = func.call @round(%last, %pos, %skill, %dk, %tk) : (tensor<1xi64>, POSITION, tensor<1xi64>, tensor<CTXx1xi64>, tensor<CTXx1xi64>) -> (tensor<NEWxi64>, index, tensor<CTXx1xi64>, tensor<CTXx1xi64>)
  %n = arith.index_cast %count : index to i64
  %counts = tensor.from_elements %n : tensor<1xi64>
  return %tokens, %counts, %d, %t : tensor<NEWxi64>, tensor<1xi64>, tensor<CTXx1xi64>, tensor<CTXx1xi64>
}
func.func @generate(%first: tensor<1xi64>, %skill: tensor<1xi64>, %dk: tensor<CTXx1xi64>, %tk: tensor<CTXx1xi64>) -> (tensor<CTXxi64>, tensor<CTXxi64>, tensor<CTXx1xi64>, tensor<CTXx1xi64>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %new = arith.constant NEW : index
  %limit = arith.constant CTX : index
  %blank = arith.constant dense<-1> : tensor<CTXxi64>
  %end:7 = scf.while (%last = %first, %p = %c0, %r = %c0, %out = %blank, %counts = %blank, %d = %dk, %t = %tk) : (tensor<1xi64>, index, index, tensor<CTXxi64>, tensor<CTXxi64>, tensor<CTXx1xi64>, tensor<CTXx1xi64>) -> (tensor<1xi64>, index, index, tensor<CTXxi64>, tensor<CTXxi64>, tensor<CTXx1xi64>, tensor<CTXx1xi64>) {
    %need = arith.addi %p, %new : index
    %fits = arith.cmpi ule, %need, %limit : index
    scf.condition(%fits) %last, %p, %r, %out, %counts, %d, %t : tensor<1xi64>, index, index, tensor<CTXxi64>, tensor<CTXxi64>, tensor<CTXx1xi64>, tensor<CTXx1xi64>
  } do {
  ^bb0(%last: tensor<1xi64>, %p: index, %r: index, %out: tensor<CTXxi64>, %counts: tensor<CTXxi64>, %d: tensor<CTXx1xi64>, %t: tensor<CTXx1xi64>):
    %value = arith.index_cast %p : index to i64
    FROM_I64
    %tokens, %count, %d2, %t2 = func.call @round(%last, %pos, %skill, %d, %t) : (tensor<1xi64>, POSITION, tensor<1xi64>, tensor<CTXx1xi64>, tensor<CTXx1xi64>) -> (tensor<NEWxi64>, index, tensor<CTXx1xi64>, tensor<CTXx1xi64>)
    %out2 = scf.for %i = %c0 to %count step %c1 iter_args(%to = %out) -> (tensor<CTXxi64>) {
      %token = tensor.extract %tokens[%i] : tensor<NEWxi64>
      %place = arith.addi %p, %i : index
      %filled = tensor.insert %token into %to[%place] : tensor<CTXxi64>
      scf.yield %filled : tensor<CTXxi64>
    }
    %n = arith.index_cast %count : index to i64
    %counts2 = tensor.insert %n into %counts[%r] : tensor<CTXxi64>
    %final = arith.subi %count, %c1 : index
    %newest = tensor.extract %tokens[%final] : tensor<NEWxi64>
    %last2 = tensor.from_elements %newest : tensor<1xi64>
    %p2 = arith.addi %p, %count : index
    %r2 = arith.addi %r, %c1 : index
    scf.yield %last2, %p2, %r2, %out2, %counts2, %d2, %t2 : tensor<1xi64>, index, index, tensor<CTXxi64>, tensor<CTXxi64>, tensor<CTXx1xi64>, tensor<CTXx1xi64>
  }
  return %end#3, %end#4, %end#5, %end#6 : tensor<CTXxi64>, tensor<CTXxi64>, tensor<CTXx1xi64>, tensor<CTXx1xi64>
}
"#;

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
    let (round, pair) = if g == 0 { (ROUND_WITHOUT_DRAFTS, PAIR) } else { (ROUND, "") };
    let (to_index, from_i64) = match position {
        "index" => ("%zero_index = arith.constant 0 : index\n%index = arith.addi %at, %zero_index : index", "%pos = arith.index_cast %value : i64 to index"),
        "i32" => ("%index = arith.index_cast %at : i32 to index", "%pos = arith.trunci %value : i64 to i32"),
        _ => (
            "%scalar = tensor.extract %at[] : tensor<i64>\n%index = arith.index_cast %scalar : i64 to index",
            "%pos = tensor.from_elements %value : tensor<i64>",
        ),
    };
    let text = TOY.replace("ROUND", round) + pair;
    let text = text.replace("TO_INDEX", to_index).replace("FROM_I64", from_i64).replace("POSITION", position);
    text.replace("CTX", &CONTEXT.to_string()).replace("NEW", &(g + 1).to_string()).replace('G', &g.to_string())
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
fn simulate(g: usize, skill: i64, last: i64, position: usize, drafter: &[i64], target: &[i64]) -> State {
    let before = |cache: &[i64], at: usize| if at == 0 { 0 } else { cache[at - 1] };
    let (mut drafter, mut target) = (drafter.to_vec(), target.to_vec());
    let mut t = vec![last];
    for i in 0..g {
        drafter[position + i] = t[i];
        t.push(drafted(t[i], before(&drafter, position + i), position + i, skill));
    }
    target[position..=position + g].copy_from_slice(&t);
    let tokens: Vec<i64> = (0..=g).map(|i| next(t[i], before(&target, position + i), position + i)).collect();
    let count = greedy(&t[1..], &tokens).expect("one choice more");
    if g > 0 && count == g + 1 {
        drafter[position + g] = t[g];
    }
    State { tokens, count, drafter, target }
}

fn caches() -> (Vec<i64>, Vec<i64>) {
    let cache = |seed: i64| (0..CONTEXT as i64).map(|i| (i * 7 + seed) % 10).collect();
    (cache(1), cache(1))
}

fn cache(values: &[i64]) -> Input {
    tensor(&[CONTEXT, 1], Element::I64, values.iter().map(|v| *v as f64))
}

fn run_once(module: &str, g: usize, (skill, last, position): (i64, i64, usize)) -> State {
    let (d, t) = caches();
    let args = [i64s(&[last]), i64s(&[position as i64]), i64s(&[skill]), cache(&d), cache(&t)];
    let of = |dims: &[usize]| Type::tensor(dims, Element::I64);
    let results = [of(&[g + 1]), of(&[1]), of(&[CONTEXT, 1]), of(&[CONTEXT, 1])];
    let out = execute(module, "once", &args, &results).expect("it runs");
    State { tokens: ints(&out[0]), count: out[1][0] as usize, drafter: ints(&out[2]), target: ints(&out[3]) }
}

/// One round: compares everything, and says how many were accepted.
fn check_once(g: usize, position_type: &str, case: (i64, i64, usize)) -> usize {
    let found = run_once(&lowered(&toy(g, position_type)), g, case);
    let (d, t) = caches();
    let (skill, last, position) = case;
    assert_eq!(found, simulate(g, skill, last, position, &d, &t), "{g} {case:?}");
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
    let accepted: Vec<usize> = (0..6).map(|last| check_once(4, "i32", (2, last, 0))).collect();
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
        let results = [of(&[CONTEXT]), of(&[CONTEXT]), of(&[CONTEXT, 1]), of(&[CONTEXT, 1])];
        let found = execute(&lowered(&toy(g, "index")), "generate", &args, &results).expect("it runs");
        let (mut out, mut counts, mut s) = (vec![], vec![], State { tokens: vec![5], count: 1, drafter: d, target: t });
        while out.len() + g < CONTEXT {
            s = simulate(g, skill, s.tokens[s.count - 1], out.len(), &s.drafter, &s.target);
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
    assert!(texts.iter().all(|t| alone.starts_with(&t[..t.len().min(alone.len())])));
}

// ------------------------------------------------------------------------------------------------- rejection

/// Markov chains over 4 tokens: the row of a table is the distribution of the next token. `@many` runs ROUNDS rounds, each
/// with its own random numbers, from one token.
const CHAINS: &str = r#"
func.func @many(%first: tensor<1xi64>, %qs: tensor<4x4xQTYPE>, %ps: tensor<4x4xPTYPE>, %numbers: tensor<ROUNDSxWIDTHxf32>) -> (tensor<ROUNDSxNEWxi64>, tensor<ROUNDSxi64>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %new = arith.constant NEW : index
  %rounds = arith.constant ROUNDS : index
  %empty = tensor.empty() : tensor<ROUNDSxNEWxi64>
  %none = tensor.empty() : tensor<ROUNDSxi64>
  %out:2 = scf.for %r = %c0 to %rounds step %c1 iter_args(%to = %empty, %counts = %none) -> (tensor<ROUNDSxNEWxi64>, tensor<ROUNDSxi64>) {
    %u = tensor.extract_slice %numbers[%r, 0] [1, WIDTH] [1, 1] : tensor<ROUNDSxWIDTHxf32> to tensor<WIDTHxf32>
    %tokens, %count = spec.round rejection draft_length G last(%first : tensor<1xi64>) position(%c0 : index) random(%u : tensor<WIDTHxf32>) DRAFT verify() {
    ^bb0(%t: tensor<NEWxi64>, %p: index):
      %start = tensor.empty() : tensor<NEWx4xPTYPE>
      %all = scf.for %i = %c0 to %new step %c1 iter_args(%rows = %start) -> (tensor<NEWx4xPTYPE>) {
        %token = tensor.extract %t[%i] : tensor<NEWxi64>
        %x = arith.index_cast %token : i64 to index
        %row = tensor.extract_slice %ps[%x, 0] [1, 4] [1, 1] : tensor<4x4xPTYPE> to tensor<4xPTYPE>
        %filled = tensor.insert_slice %row into %rows[%i, 0] [1, 4] [1, 1] : tensor<4xPTYPE> into tensor<NEWx4xPTYPE>
        scf.yield %filled : tensor<NEWx4xPTYPE>
      }
      spec.yield %all : tensor<NEWx4xPTYPE>
    } : tensor<NEWxi64>
    %n = arith.index_cast %count : index to i64
    %counts2 = tensor.insert %n into %counts[%r] : tensor<ROUNDSxi64>
    %to2 = tensor.insert_slice %tokens into %to[%r, 0] [1, NEW] [1, 1] : tensor<NEWxi64> into tensor<ROUNDSxNEWxi64>
    scf.yield %to2, %counts2 : tensor<ROUNDSxNEWxi64>, tensor<ROUNDSxi64>
  }
  return %out#0, %out#1 : tensor<ROUNDSxNEWxi64>, tensor<ROUNDSxi64>
}
"#;

const CHAIN_DRAFT: &str = r#"draft() {
    ^bb0(%t: tensor<1xi64>, %p: index):
      %token = tensor.extract %t[%c0] : tensor<1xi64>
      %x = arith.index_cast %token : i64 to index
      %row = tensor.extract_slice %qs[%x, 0] [1, 4] [1, 1] : tensor<4x4xQTYPE> to tensor<4xQTYPE>
      spec.yield %row : tensor<4xQTYPE>
    }"#;

const Q: [f64; 16] = [0.7, 0.1, 0.1, 0.1, 0.25, 0.25, 0.25, 0.25, 0.0, 0.0, 0.5, 0.5, 0.1, 0.2, 0.3, 0.4];
const P: [f64; 16] = [0.1, 0.2, 0.3, 0.4, 0.0, 0.5, 0.25, 0.25, 0.4, 0.1, 0.1, 0.4, 0.1, 0.2, 0.3, 0.4];

/// The critical value of chi-square with 3 degrees of freedom at 0.0001.
const CRITICAL: f64 = 21.11;

struct Chains {
    g: usize,
    rounds: usize,
    q: Element,
    p: Element,
}

impl Chains {
    /// Random numbers, row by row, as the module sees them.
    fn numbers(&self) -> Vec<f32> {
        let n = self.rounds * (2 * self.g + 1);
        let unit = |i: usize| (noise(11, i as u64) + 1.0) / 2.0;
        (0..n).map(|i| (unit(i) as f32).min(1.0 - f32::EPSILON / 2.0)).collect()
    }

    /// The module's tokens (rounds x (g + 1)) and counts.
    fn run(&self, numbers: &[f32]) -> (Vec<i64>, Vec<i64>) {
        let Self { g, rounds, q, p } = *self;
        let draft = if g == 0 { "" } else { CHAIN_DRAFT };
        let text = CHAINS.replace("DRAFT", draft).replace("QTYPE", q.name()).replace("PTYPE", p.name());
        let text = text.replace("ROUNDS", &rounds.to_string()).replace("WIDTH", &(2 * g + 1).to_string());
        let text = text.replace("NEW", &(g + 1).to_string()).replace('G', &g.to_string());
        let args = [
            i64s(&[0]),
            tensor(&[4, 4], q, Q),
            tensor(&[4, 4], p, P),
            tensor(&[rounds, 2 * g + 1], Element::F32, numbers.iter().map(|u| f64::from(*u))),
        ];
        let results = [Type::tensor(&[rounds, g + 1], Element::I64), Type::tensor(&[rounds], Element::I64)];
        let out = execute(&lowered(&text), "many", &args, &results).expect("it runs");
        (ints(&out[0]), ints(&out[1]))
    }

    /// The same round by the runtime's rules.
    fn simulate(&self, u: &[f32]) -> Vec<i64> {
        let row = |table: &[f64], element: Element, token: u32| -> Vec<f32> {
            table[4 * token as usize..][..4].iter().map(|x| element.round(*x) as f32).collect()
        };
        let (mut tokens, mut qs, mut ps) = (vec![0_u32], vec![], vec![]);
        for (i, number) in u[..self.g].iter().enumerate() {
            qs.extend(row(&Q, self.q, tokens[i]));
            let rows = Rows::new(&qs, 4).expect("distributions");
            tokens.push(sample(&rows, i, *number).expect("a row"));
        }
        tokens.iter().for_each(|t| ps.extend(row(&P, self.p, *t)));
        let (q, p) = (Rows::new(&qs, 4).expect("distributions"), Rows::new(&ps, 4).expect("distributions"));
        let out = rejection(&tokens[1..], &q, &p, &u[self.g..]).expect("good input");
        let kept = tokens[1..=out.accepted].iter().chain([&out.last]);
        kept.map(|t| i64::from(*t)).collect()
    }

    /// Every round equals the runtime's; tokens follow the target's chain.
    fn check(&self) {
        let numbers = self.numbers();
        let (tokens, counts) = self.run(&numbers);
        let width = 2 * self.g + 1;
        let mut seen = [[0_u32; 4]; 4];
        for (r, count) in counts.iter().enumerate() {
            let found = &tokens[r * (self.g + 1)..][..*count as usize];
            let expected = self.simulate(&numbers[r * width..][..width]);
            assert_eq!(found, expected, "round {r}: {:?}", &numbers[r * width..][..width]);
            for (before, token) in [&0].into_iter().chain(found).zip(found) {
                seen[*before as usize][*token as usize] += 1;
            }
        }
        for (before, counts) in seen.iter().enumerate() {
            let chi = chi_square(counts, &P[4 * before..][..4]);
            assert!(chi < CRITICAL, "after {before}: {counts:?}, chi-square {chi}");
        }
        if self.g > 0 {
            assert!(chi_square(&seen[0], &Q[..4]) > CRITICAL, "the drafter's distribution must be told apart");
            assert!(seen[1..].iter().all(|c| c.iter().sum::<u32>() > 100), "{seen:?}");
        }
    }
}

fn chi_square(counts: &[u32; 4], p: &[f64]) -> f64 {
    let n = f64::from(counts.iter().sum::<u32>());
    let term = |(c, p): (&u32, &f64)| match n * p {
        0.0 => f64::from(*c) * f64::INFINITY,
        e => (f64::from(*c) - e).powi(2) / e,
    };
    counts.iter().zip(p).map(term).filter(|t| !t.is_nan()).sum()
}

#[test]
fn rejection_samples_the_target() {
    Chains { g: 3, rounds: 4000, q: Element::F32, p: Element::F32 }.check();
}

#[test]
fn rejection_extends_half_precision() {
    Chains { g: 2, rounds: 3000, q: Element::F16, p: Element::BF16 }.check();
}

#[test]
fn rejection_without_drafts_samples_the_target() {
    Chains { g: 0, rounds: 1000, q: Element::F32, p: Element::F64 }.check();
}
