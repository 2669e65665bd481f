//! Rejection sampling over Markov chains, round by round against the runtime's rules, and its distribution.

use crate::{i64s, ints, lowered, tensor};
use spec_runtime::accept::{Rows, rejection, sample};
use spec_testsuite::modelgen::run::execute;
use spec_testsuite::modelgen::{Element, Type, noise};

/// Markov chains over 4 tokens: the row of a table is the distribution of the next token. `@many` runs ROUNDS rounds, each
/// with its own random numbers, from one token.
const CHAINS: &str = include_str!("chains.mlir.in");

const CHAIN_DRAFT: &str = r#"draft() {
    ^bb0(%t: tensor<1xi64>, %p: index):
      %token = tensor.extract %t[%c0] : tensor<1xi64>
      %x = arith.index_cast %token : i64 to index
      %row = tensor.extract_slice %qs[%x, 0] [1, 4] [1, 1] : tensor<4x4xQTYPE> to tensor<4xQTYPE>
      spec.yield %row : tensor<4xQTYPE>
    }"#;

const Q: [f64; 16] = [
    0.7, 0.1, 0.1, 0.1, 0.25, 0.25, 0.25, 0.25, 0.0, 0.0, 0.5, 0.5, 0.1, 0.2, 0.3, 0.4,
];
const P: [f64; 16] = [
    0.1, 0.2, 0.3, 0.4, 0.0, 0.5, 0.25, 0.25, 0.4, 0.1, 0.1, 0.4, 0.1, 0.2, 0.3, 0.4,
];

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
        let unit = |i: usize| (noise(11, 0, i as u64) + 1.0) / 2.0;
        (0..n)
            .map(|i| (unit(i) as f32).min(1.0 - f32::EPSILON / 2.0))
            .collect()
    }

    /// The module's tokens (rounds x (g + 1)) and counts.
    fn run(&self, numbers: &[f32]) -> (Vec<i64>, Vec<i64>) {
        let Self { g, rounds, q, p } = *self;
        let draft = if g == 0 { "" } else { CHAIN_DRAFT };
        let text = CHAINS
            .replace("DRAFT", draft)
            .replace("QTYPE", q.name())
            .replace("PTYPE", p.name());
        let text = text
            .replace("ROUNDS", &rounds.to_string())
            .replace("WIDTH", &(2 * g + 1).to_string());
        let text = text
            .replace("NEW", &(g + 1).to_string())
            .replace('G', &g.to_string());
        let args = [
            i64s(&[0]),
            tensor(&[4, 4], q, Q),
            tensor(&[4, 4], p, P),
            tensor(
                &[rounds, 2 * g + 1],
                Element::F32,
                numbers.iter().map(|u| f64::from(*u)),
            ),
        ];
        let results = [
            Type::tensor(&[rounds, g + 1], Element::I64),
            Type::tensor(&[rounds], Element::I64),
        ];
        let out = execute(&lowered(&text), "many", &args, &results).expect("it runs");
        (ints(&out[0]), ints(&out[1]))
    }

    /// The same round by the runtime's rules.
    fn simulate(&self, u: &[f32]) -> Vec<i64> {
        let row = |table: &[f64], element: Element, token: u32| -> Vec<f32> {
            table[4 * token as usize..][..4]
                .iter()
                .map(|x| element.round(*x) as f32)
                .collect()
        };
        let (mut tokens, mut qs, mut ps) = (vec![0_u32], vec![], vec![]);
        for (i, number) in u[..self.g].iter().enumerate() {
            qs.extend(row(&Q, self.q, tokens[i]));
            let rows = Rows::new(&qs, 4).expect("distributions");
            tokens.push(sample(&rows, i, *number).expect("a row"));
        }
        tokens.iter().for_each(|t| ps.extend(row(&P, self.p, *t)));
        let (q, p) = (
            Rows::new(&qs, 4).expect("distributions"),
            Rows::new(&ps, 4).expect("distributions"),
        );
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
            assert_eq!(
                found,
                expected,
                "round {r}: {:?}",
                &numbers[r * width..][..width]
            );
            for (before, token) in [&0].into_iter().chain(found).zip(found) {
                seen[*before as usize][*token as usize] += 1;
            }
        }
        for (before, counts) in seen.iter().enumerate() {
            let chi = chi_square(counts, &P[4 * before..][..4]);
            assert!(
                chi < CRITICAL,
                "after {before}: {counts:?}, chi-square {chi}"
            );
        }
        if self.g > 0 {
            assert!(
                chi_square(&seen[0], &Q[..4]) > CRITICAL,
                "the drafter's distribution must be told apart"
            );
            assert!(
                seen[1..].iter().all(|c| c.iter().sum::<u32>() > 100),
                "{seen:?}"
            );
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
    Chains {
        g: 3,
        rounds: 4000,
        q: Element::F32,
        p: Element::F32,
    }
    .check();
}

#[test]
fn rejection_extends_half_precision() {
    Chains {
        g: 2,
        rounds: 3000,
        q: Element::F16,
        p: Element::BF16,
    }
    .check();
}

#[test]
fn rejection_without_drafts_samples_the_target() {
    Chains {
        g: 0,
        rounds: 1000,
        q: Element::F32,
        p: Element::F64,
    }
    .check();
}
