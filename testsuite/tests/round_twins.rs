//! Speculation loses nothing: rounds of the generated `@spec_round`, one after another from position 0, give token for token
//! what plain greedy decoding of the target gives. Stock `mlir-opt` and `mlir-runner` run the rounds; the expected text is
//! the model generator's f64 reference.
//!
//! The rounds stay away from the end of the context: position + g + 1 must not exceed it, says the dialect, and a target
//! that takes more tokens a call than the round has needs room for the padding as well.

use spec_runtime::accept::{Rows, rejection, sample};
use spec_testsuite::modelgen::run::{Call, Input, execute_all};
use spec_testsuite::modelgen::{
    Abi, ArgInfo, CacheForm, Config, Element, Exporter, Form, ModelSpec, Naming, Output, Pair,
    Position, Reference, Role, Style, Type, Weights, build, noise, useful_target, weight_data,
};
use spec_testsuite::tools::opt_text;
use std::collections::BTreeSet;

/// Tokens to produce, at least.
const TOKENS: usize = 12;
/// Space for tokens in the driver.
const SPACE: usize = 32;

/// The useful pair, with room for the longest rounds: the first `layers` layers draft for all four.
fn pair(layers: usize, drafter: Style, target: Style) -> Pair {
    let config = Config {
        context: 24,
        ..useful_target()
    };
    Pair {
        drafter: ModelSpec::new(config.with_layers(layers), drafter),
        target: ModelSpec::new(config, target),
        draft_calls: 0,
    }
}

fn same(layers: usize, style: Style) -> Pair {
    pair(layers, style.clone(), style)
}

fn slice(exporter: Exporter) -> Style {
    Style {
        cache: CacheForm::Slice,
        ..Style::of(exporter)
    }
}

/// Calls `@spec_round` until there are enough tokens: the text, how many tokens each round gave, and the number of rounds.
const DRIVER: &str = r#"
  func.func @drive(%first: tensor<1xTOKEN>ARGUMENTS) -> (tensor<SPACExTOKEN>, tensor<SPACExi64>, tensor<1xi64>) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %enough = arith.constant ENOUGH : index
    %blank = arith.constant dense<-1> : tensor<SPACExTOKEN>
    %none = arith.constant dense<0> : tensor<SPACExi64>
    %end:N = scf.while (%last = %first, %p = %c0, %r = %c0, %out = %blank, %counts = %noneSTART) : (TYPES) -> (TYPES) {
      %more = arith.cmpi slt, %p, %enough : index
      scf.condition(%more) %last, %p, %r, %out, %countsLOOP : TYPES
    } do {
    ^bb0(%last: tensor<1xTOKEN>, %p: index, %r: index, %out: tensor<SPACExTOKEN>, %counts: tensor<SPACExi64>BODY):
      %value = arith.index_cast %p : index to i64
      %position = tensor.from_elements %value : tensor<i64>
      %round:M = func.call @spec_round(%last, %positionLOOPWEIGHTS) : (tensor<1xTOKEN>, tensor<i64>STATEWEIGHTTYPES) -> (tensor<NEWxTOKEN>, indexSTATETYPES)
      %out2 = tensor.insert_slice %round#0 into %out[%p] [NEW] [1] : tensor<NEWxTOKEN> into tensor<SPACExTOKEN>
      %n = arith.index_cast %round#1 : index to i64
      %counts2 = tensor.insert %n into %counts[%r] : tensor<SPACExi64>
      %final = arith.subi %round#1, %c1 : index
      %newest = tensor.extract %round#0[%final] : tensor<NEWxTOKEN>
      %last2 = tensor.from_elements %newest : tensor<1xTOKEN>
      %p2 = arith.addi %p, %round#1 : index
      %r2 = arith.addi %r, %c1 : index
      scf.yield %last2, %p2, %r2, %out2, %counts2ROUNDSTATES : TYPES
    }
    %rounds = arith.index_cast %end#2 : index to i64
    %result = tensor.from_elements %rounds : tensor<1xi64>
    return %end#3, %end#4, %result : tensor<SPACExTOKEN>, tensor<SPACExi64>, tensor<1xi64>
  }
"#;

fn joined(items: impl IntoIterator<Item = String>) -> String {
    items.into_iter().map(|i| format!(", {i}")).collect()
}

/// The driver for states (caches) and weights of these types.
fn driver(token: &str, new: usize, states: &[Type], weights: &[Type]) -> String {
    let named = |list: &[Type], prefix: &str| -> Vec<String> {
        (0..list.len()).map(|i| format!("%{prefix}{i}")).collect()
    };
    let typed = |list: &[Type], prefix: &str| -> Vec<String> {
        list.iter()
            .enumerate()
            .map(|(i, t)| format!("%{prefix}{i}: {t}"))
            .collect()
    };
    let texts = |list: &[Type]| -> Vec<String> { list.iter().map(Type::to_string).collect() };
    let n = states.len();
    let carried = joined(texts(states));
    let types = format!(
        "tensor<1x{token}>, index, index, tensor<{SPACE}x{token}>, tensor<{SPACE}xi64>{carried}"
    );
    let start = (0..n).map(|i| format!("%s{i} = %state{i}"));
    let loop_weights = named(states, "s")
        .into_iter()
        .chain(named(weights, "weight"));
    let round_states = (2..n + 2).map(|i| format!("%round#{i}"));
    DRIVER
        .replace(
            "STATEWEIGHTTYPES",
            &joined(texts(states).into_iter().chain(texts(weights))),
        )
        .replace("STATETYPES", &carried)
        .replace("ROUNDSTATES", &joined(round_states))
        .replace("LOOPWEIGHTS", &joined(loop_weights))
        .replace(
            "ARGUMENTS",
            &joined(
                typed(states, "state")
                    .into_iter()
                    .chain(typed(weights, "weight")),
            ),
        )
        .replace("TYPES", &types)
        .replace("START", &joined(start))
        .replace("LOOP", &joined(named(states, "s")))
        .replace("BODY", &joined(typed(states, "s")))
        .replace(":N =", &format!(":{} =", n + 5))
        .replace(":M =", &format!(":{} =", n + 2))
        .replace("NEW", &new.to_string())
        .replace("TOKEN", token)
        .replace("SPACE", &SPACE.to_string())
        .replace("ENOUGH", &TOKENS.to_string())
}

/// States or weights of a function, in the order of its arguments.
fn some(abi: &Abi, wanted: fn(&Role) -> bool) -> Vec<&ArgInfo> {
    abi.args.iter().filter(|a| wanted(&a.role)).collect()
}

fn is_state(role: &Role) -> bool {
    matches!(role, Role::Keys(_) | Role::Values(_))
}

fn is_weight(role: &Role) -> bool {
    matches!(role, Role::Weight(_))
}

/// A case: how the module is written and how it is planned.
struct Case<'a> {
    pair: Pair,
    /// Tokens that the target's function takes a call.
    width: usize,
    /// Draft length of the plan.
    g: usize,
    options: &'a str,
}

impl Case<'_> {
    /// The partitioned module, lowered to one host.
    fn lowered(&self, form: &Form) -> String {
        let options = format!(
            "soc=imx95 context=0 alpha=0.99 profile=tests/round_twins/free_drafter.toml max-draft-length={} force-drafter=gpu \
             force-target=cpu:6 {}",
            self.g, self.options
        );
        let ran = opt_text(&[&format!("--spec-partition={options}")], &build(form).text);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        let plan = format!("draft_length = {},", self.g);
        assert!(
            ran.stdout.contains(&plan),
            "the plan is for another draft length than {}",
            self.g
        );
        assert!(ran.stdout.contains("@spec_round("), "{}", ran.stderr);
        let lowered = opt_text(&["--spec-lower-to-host"], &ran.stdout);
        assert_eq!(lowered.code, Some(0), "{}", lowered.stderr);
        lowered.stdout
    }

    fn run(&self) -> Vec<usize> {
        let pair = Pair {
            draft_calls: self.width - 1,
            ..self.pair.clone()
        };
        self.run_form(&Form::TwoFunctions(pair, Naming::Neutral), ["f0", "f1"])
    }

    /// Runs rounds, compares the text with the target's, and returns how many tokens each round gave. `names` are the
    /// functions of drafter and target.
    fn run_form(&self, form: &Form, names: [&str; 2]) -> Vec<usize> {
        let module = build(form);
        let both = [
            (&self.pair.drafter, names[0]),
            (&self.pair.target, names[1]),
        ];
        let sides = &both[usize::from(self.g == 0)..];
        let abis: Vec<&Abi> = sides
            .iter()
            .map(|s| module.abi(s.1).expect("the function is there"))
            .collect();
        let types = |wanted: fn(&Role) -> bool| -> Vec<Type> {
            abis.iter()
                .flat_map(|a| some(a, wanted))
                .map(|a| a.ty.clone())
                .collect()
        };
        let (states, weights) = (types(is_state), types(is_weight));
        let token = self.pair.target.style.index_type;
        let driver = driver(token.name(), self.g + 1, &states, &weights);
        let text = self
            .lowered(form)
            .replacen("module {\n", &format!("module {{{driver}"), 1);
        let mut args = vec![Input::Dense(
            Type::tensor(&[1], token),
            vec![self.prompt() as f64],
        )];
        args.extend(states.iter().map(|t| Input::Zero(t.clone())));
        args.extend(self.weights(&abis));
        let of = |n: usize, e: Element| Type::tensor(&[n], e);
        let results = vec![
            of(SPACE, token),
            of(SPACE, Element::I64),
            of(1, Element::I64),
        ];
        let call = Call {
            entry: "drive".into(),
            args,
            results,
        };
        let found = execute_all(&text, &[call]).expect("runs").remove(0);
        let counts: Vec<usize> = found[1][..found[2][0] as usize]
            .iter()
            .map(|c| *c as usize)
            .collect();
        assert!(
            counts.iter().all(|c| (1..=self.g + 1).contains(c)),
            "{counts:?}"
        );
        let n = counts.iter().sum::<usize>();
        assert!(n >= TOKENS);
        let found: Vec<usize> = found[0][..n].iter().map(|t| *t as usize).collect();
        let expected = self.greedy(self.prompt(), n);
        assert!(
            distinct(&expected) > 4,
            "the text must say something: {expected:?}"
        );
        assert_eq!(found, expected, "rounds of {counts:?}");
        counts
    }

    /// The weights that the functions take, those of the target's last.
    fn weights(&self, abis: &[&Abi]) -> Vec<Input> {
        let both = [&self.pair.drafter, &self.pair.target];
        let sides = &both[2 - abis.len()..];
        let of = |(spec, abi): (&&ModelSpec, &&Abi)| -> Vec<Input> {
            let weight = |a: &ArgInfo| match &a.role {
                Role::Weight(w) => Some(Input::Dense(
                    a.ty.clone(),
                    weight_data(&spec.config, &spec.style, w),
                )),
                _ => None,
            };
            abi.args.iter().filter_map(weight).collect()
        };
        sides.iter().zip(abis).flat_map(of).collect()
    }

    /// The first `n` tokens of the target alone.
    fn greedy(&self, prompt: usize, n: usize) -> Vec<usize> {
        let mut reference = Reference::new(&self.pair.target.config, &self.pair.target.style);
        let mut token = prompt;
        (0..n)
            .map(|i| {
                token = reference.greedy(&[token], i)[0];
                token
            })
            .collect()
    }

    /// The first token with the least monotonous text behind it.
    fn prompt(&self) -> usize {
        let vocabulary = self.pair.target.config.vocabulary;
        let best = (0..vocabulary)
            .rev()
            .max_by_key(|p| distinct(&self.greedy(*p, TOKENS)));
        best.expect("a vocabulary")
    }
}

fn distinct(tokens: &[usize]) -> usize {
    tokens.iter().collect::<BTreeSet<_>>().len()
}

fn case(pair: Pair, g: usize) -> Case<'static> {
    Case {
        pair,
        width: g + 1,
        g,
        options: "",
    }
}

/// Every drafter is right part of the time: rounds of different length, and the better drafter needs fewer.
#[test]
fn drafters_of_one_to_three_layers() {
    let rounds: Vec<usize> = (1..=3)
        .map(|layers| {
            let counts = case(same(layers, Style::of(Exporter::Torch)), 3).run();
            assert!(
                layers == 1 || counts.iter().any(|c| *c != counts[0]),
                "{layers} layers: {counts:?}"
            );
            counts.len()
        })
        .collect();
    assert!(rounds[0] > rounds[2], "{rounds:?}");
}

/// Drafting with the target itself: all is accepted, and every round ends with the catch-up step.
#[test]
fn a_perfect_drafter_is_always_accepted() {
    let mut pair = same(4, Style::of(Exporter::Generic));
    pair.target.config.layers = 4;
    let form = Pair {
        draft_calls: 2,
        ..pair.clone()
    };
    let c = case(pair, 2);
    let counts = c.run_form(
        &Form::TwoFunctions(form, Naming::Telling),
        ["draft", "verify"],
    );
    assert!(counts.iter().all(|c| *c == 3), "{counts:?}");
}

#[test]
fn draft_lengths() {
    for g in [1, 2, 4, 6] {
        let counts = case(same(2, slice(Exporter::Torch)), g).run();
        assert!(
            counts.iter().any(|c| *c > 1),
            "draft length {g}: {counts:?}"
        );
    }
}

#[test]
fn exporters() {
    for exporter in [
        Exporter::Jax,
        Exporter::Generic,
        Exporter::Onnx,
        Exporter::Loop,
    ] {
        let counts = case(same(3, Style::of(exporter)), 3).run();
        assert!(counts.iter().any(|c| *c > 1), "{exporter:?}: {counts:?}");
    }
}

/// Keys and values come back in another order than they go in by; with the defaults above, as whole caches and as rows.
#[test]
fn swapped_caches() {
    for (exporter, cache) in [
        (Exporter::Generic, CacheForm::Rows),
        (Exporter::Loop, CacheForm::Slice),
    ] {
        let style = Style {
            cache,
            ..Style::of(exporter)
        };
        let counts = case(same(3, style), 2).run();
        assert!(
            counts.iter().any(|c| *c > 1),
            "{exporter:?} {cache:?}: {counts:?}"
        );
    }
}

/// Drafter and target of different exporters, with tokens of i32 on one side and i64 on the other.
#[test]
fn mixed_pairs() {
    let i32s = |style: Style| Style {
        index_type: Element::I32,
        ..style
    };
    let literal = |style: Style| Style {
        weights: Weights::Literal,
        ..style
    };
    let token = |style: Style| Style {
        output: Output::Token,
        ..style
    };
    let [torch, onnx, generic] =
        [Exporter::Torch, Exporter::Onnx, Exporter::Generic].map(Style::of);
    let (jax, looped) = (Style::of(Exporter::Jax), Style::of(Exporter::Loop));
    let table = |style: Style| Style {
        position: Position::RopeTable,
        ..style
    };
    for pair in [
        pair(2, table(onnx.clone()), table(Style::of(Exporter::Loop))),
        pair(2, table(torch.clone()), table(jax.clone())),
        pair(2, i32s(torch.clone()), literal(onnx)),
        pair(2, generic, token(jax)),
        pair(2, token(looped), i32s(torch)),
    ] {
        case(pair, 3).run();
    }
}

/// A target that takes more tokens a call than the round has.
#[test]
fn padded_verification() {
    for style in [Style::of(Exporter::Torch), slice(Exporter::Onnx)] {
        Case {
            width: 8,
            ..case(same(3, style), 2)
        }
        .run();
    }
}

/// A target that takes fewer: several calls a verification, the last one padded for width 2.
#[test]
fn several_calls_a_verification() {
    for (width, g) in [(1, 3), (2, 4)] {
        Case {
            width,
            options: "any-entry=true",
            ..case(same(3, Style::of(Exporter::Torch)), g)
        }
        .run();
    }
}

#[test]
fn no_drafts() {
    let counts = case(same(2, Style::of(Exporter::Jax)), 0).run();
    assert!(counts.iter().all(|c| *c == 1), "{counts:?}");
}

/// Two entry points of the target: the round uses the one that takes all tokens.
#[test]
fn decode_verify_and_drafter() {
    let pair = same(3, Style::of(Exporter::Torch));
    let form = Form::DecodeVerifyDrafter(Pair {
        draft_calls: 3,
        ..pair.clone()
    });
    case(pair, 3).run_form(&form, ["draft", "verify"]);
}

/// Probabilities of the next token after each of `tokens`, in f32 as the device functions compute them.
fn distributions(spec: &ModelSpec, tokens: &[usize]) -> Vec<f32> {
    let rows = Reference::new(&spec.config, &spec.style).forward(tokens, 0);
    let softmax = |row: &Vec<f64>| -> Vec<f32> {
        let most = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let exp: Vec<f64> = row.iter().map(|x| (x - most).exp()).collect();
        let sum: f64 = exp.iter().sum();
        exp.iter().map(|e| (e / sum) as f32).collect()
    };
    rows.iter().flat_map(softmax).collect()
}

/// A round of rejection sampling from position 0, by the runtime's rules.
fn sampled(pair: &Pair, g: usize, first: usize, numbers: &[f32]) -> Vec<usize> {
    let v = pair.target.config.vocabulary;
    let mut tokens = vec![first];
    for (i, number) in numbers[..g].iter().enumerate() {
        let q = distributions(&pair.drafter, &tokens);
        let rows = Rows::new(&q, v).expect("distributions");
        tokens.push(sample(&rows, i, *number).expect("a row") as usize);
    }
    let q = distributions(&pair.drafter, &tokens[..g]);
    let p = distributions(&pair.target, &tokens);
    let [q, p] = [&q, &p].map(|d| Rows::new(d, v).expect("distributions"));
    let drafts: Vec<u32> = tokens[1..].iter().map(|t| *t as u32).collect();
    let out = rejection(&drafts, &q, &p, &numbers[g..]).expect("good input");
    let kept = drafts[..out.accepted].iter().chain([&out.last]);
    kept.map(|t| *t as usize).collect()
}

/// With `sampling=rejection` the device functions give distributions, and a round is what the runtime's rules make of them.
#[test]
fn rejection_sampling() {
    const G: usize = 3;
    let options = "sampling=rejection";
    let c = Case {
        options,
        ..case(same(2, Style::of(Exporter::Torch)), G)
    };
    let form = Form::TwoFunctions(
        Pair {
            draft_calls: G,
            ..c.pair.clone()
        },
        Naming::Neutral,
    );
    let module = build(&form);
    let abis = ["f0", "f1"].map(|f| module.abi(f).expect("the function is there"));
    let states: Vec<Type> = abis
        .iter()
        .flat_map(|a| some(a, is_state))
        .map(|a| a.ty.clone())
        .collect();
    let int =
        |dims: &[usize], v: usize| Input::Dense(Type::tensor(dims, Element::I64), vec![v as f64]);
    let random = Type::tensor(&[2 * G + 1], Element::F32);
    let numbers = |round: u64| -> Vec<f32> {
        let number = |i| ((noise(5, round, i) + 1.0) / 2.0) as f32;
        (0..2 * G as u64 + 1)
            .map(number)
            .map(|u| u.min(0.999))
            .collect()
    };
    let call = |round: u64| {
        let mut args = vec![int(&[1], 7 * round as usize), int(&[], 0)];
        args.push(Input::Dense(
            random.clone(),
            numbers(round).iter().map(|u| f64::from(*u)).collect(),
        ));
        args.extend(states.iter().map(|t| Input::Zero(t.clone())));
        args.extend(c.weights(&abis));
        let mut results = vec![
            Type::tensor(&[G + 1], Element::I64),
            Type::scalar(Element::Index),
        ];
        results.extend(states.iter().cloned());
        Call {
            entry: "spec_round".into(),
            args,
            results,
        }
    };
    let calls: Vec<Call> = (0..6).map(call).collect();
    let found = execute_all(&c.lowered(&form), &calls).expect("runs");
    let rounds: Vec<Vec<usize>> = found
        .iter()
        .map(|r| {
            r[0][..r[1][0] as usize]
                .iter()
                .map(|t| *t as usize)
                .collect()
        })
        .collect();
    let expected: Vec<Vec<usize>> = (0..6)
        .map(|r| sampled(&c.pair, G, 7 * r as usize, &numbers(r)))
        .collect();
    assert_eq!(rounds, expected);
    assert!(
        rounds.iter().any(|r| r.len() != rounds[0].len()),
        "{rounds:?}"
    );
}
