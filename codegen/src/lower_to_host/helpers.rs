//! Generated private functions that decide what is accepted, one a signature and module.

use spec_dialect::ffi::{Element, Op, parse_op};
use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

/// The module whose symbols are visible at `op`.
pub(super) fn module_of(op: Op) -> Option<Op> {
    std::iter::successors(op.parent(), |o| o.parent()).find(|o| o.name() == "builtin.module")
}

/// The helpers made so far.
#[derive(Default)]
pub(super) struct Helpers {
    made: HashMap<(Op, String), String>,
    symbols: HashMap<Op, HashSet<String>>,
}

impl Helpers {
    /// The name of the helper for `kind` that code at `near` can call; makes it if need be.
    pub(super) fn name(&mut self, near: Op, kind: &Helper) -> String {
        let module = module_of(near).expect("code is in a module");
        let base = kind.base_name();
        let key = (module, base);
        if let Some(name) = self.made.get(&key) {
            return name.clone();
        }
        let symbols = self
            .symbols
            .entry(module)
            .or_insert_with(|| symbols(module));
        let name = unique(&key.1, |n| symbols.contains(n));
        symbols.insert(name.clone());
        let text = kind.text(&name);
        let func = parse_op(module.ctx(), &text, "spec-lower-to-host")
            .unwrap_or_else(|| panic!("the helper '{name}' does not parse"));
        module.body().expect("modules have a block").append(func);
        self.made.insert(key, name.clone());
        name
    }
}

/// The symbols that a module defines.
pub(super) fn symbols(module: Op) -> HashSet<String> {
    let ops = module.body().map(|b| b.ops()).unwrap_or_default();
    ops.into_iter()
        .filter_map(|o| o.symbol().map(str::to_owned))
        .collect()
}

/// `base`, or `base` with the first number behind it that makes it new.
pub(super) fn unique(base: &str, taken: impl Fn(&str) -> bool) -> String {
    let numbered = (0..).map(|i| format!("{base}_{i}"));
    std::iter::once(base.to_owned())
        .chain(numbered)
        .find(|n| !taken(n))
        .expect("numbers do not end")
}

/// A helper by its signature. `token`: type of token ids. `drafts`: how many. Distributions have `vocabulary` elements a row.
pub(super) enum Helper {
    /// `(drafts [g], choices [g + 1]) -> count`, the rule of `spec.accept`.
    Accept { drafts: u64, token: Element },
    /// `(weights [V], random [n], i) -> token`: inverse CDF at `random[i]`.
    Sample {
        vocabulary: u64,
        weight: Element,
        numbers: u64,
        number: Element,
        token: Element,
    },
    /// `(drafts [g], q [g, V], p [g + 1, V], random [2 g + 1]) -> (tokens [g + 1], count)`, g at least 1.
    Reject {
        drafts: u64,
        token: Element,
        vocabulary: u64,
        q: Element,
        p: Element,
        number: Element,
    },
}

/// Constants that all helpers share.
const PROLOGUE: &str = "
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %true = arith.constant true";

/// Further constants of those that compute with probabilities.
const NUMBERS: &str = "
  %false = arith.constant false
  %zero = arith.constant 0.0 : f64
  %one = arith.constant 1.0 : f64";

impl Helper {
    fn base_name(&self) -> String {
        match self {
            Helper::Accept { drafts, token } => format!("spec_accept_{drafts}x{token}"),
            Helper::Sample {
                vocabulary,
                weight,
                numbers,
                number,
                token,
            } => format!("spec_sample_{vocabulary}x{weight}_{numbers}x{number}_{token}"),
            Helper::Reject {
                drafts,
                token,
                vocabulary,
                q,
                p,
                number,
            } => format!("spec_reject_{drafts}x{token}_{vocabulary}x{q}_{p}_{number}"),
        }
    }

    fn text(&self, name: &str) -> String {
        match *self {
            Helper::Accept { drafts, token } => accept(name, drafts, token),
            Helper::Sample {
                vocabulary,
                weight,
                numbers,
                number,
                token,
            } => {
                let (w, r) = (
                    format!("tensor<{vocabulary}x{weight}>"),
                    format!("tensor<{numbers}x{number}>"),
                );
                let weight = element("w", "weights", "%x", &w, weight);
                let (total, chosen) = (total("total", &weight), choose(&weight));
                let u = element("u", "random", "%i", &r, number);
                format!(
                    "func.func private @{name}(%weights: {w}, %random: {r}, %i: index) -> {token} {{{PROLOGUE}{NUMBERS}
  %cv = arith.constant {vocabulary} : index{u}{total}{chosen}
  %token = arith.index_castui %chosen : index to {token}
  return %token : {token}
}}"
                )
            }
            Helper::Reject {
                drafts,
                token,
                vocabulary,
                q,
                p,
                number,
            } => Reject::new(drafts, token, vocabulary, (q, p, number)).text(name),
        }
    }
}

fn accept(name: &str, g: u64, token: Element) -> String {
    let (drafts, choices) = (
        format!("tensor<{g}x{token}>"),
        format!("tensor<{}x{token}>", g + 1),
    );
    format!(
        "func.func private @{name}(%drafts: {drafts}, %choices: {choices}) -> index {{{PROLOGUE}
  %cg = arith.constant {g} : index
  %n, %open = scf.for %i = %c0 to %cg step %c1 iter_args(%m = %c0, %o = %true) -> (index, i1) {{
    %draft = tensor.extract %drafts[%i] : {drafts}
    %choice = tensor.extract %choices[%i] : {choices}
    %same = arith.cmpi eq, %draft, %choice : {token}
    %still = arith.andi %o, %same : i1
    %more = arith.addi %m, %c1 : index
    %next = arith.select %still, %more, %m : index
    scf.yield %next, %still : index, i1
  }}
  %count = arith.addi %n, %c1 : index
  return %count : index
}}"
    )
}

/// `%out = tensor[indices]` as f64.
fn element(out: &str, tensor: &str, indices: &str, ty: &str, element: Element) -> String {
    match element {
        Element::Float(64) => format!("\n    %{out} = tensor.extract %{tensor}[{indices}] : {ty}"),
        _ => format!(
            "\n    %{out}_narrow = tensor.extract %{tensor}[{indices}] : {ty}
    %{out} = arith.extf %{out}_narrow : {element} to f64"
        ),
    }
}

/// `%out` = the sum over the vocabulary of `%w`, which the lines `weight` compute from `%x`.
fn total(out: &str, weight: &str) -> String {
    format!(
        "
  %{out} = scf.for %x = %c0 to %cv step %c1 iter_args(%s = %zero) -> (f64) {{{weight}
    %sum = arith.addf %s, %w : f64
    scf.yield %sum : f64
  }}"
    )
}

/// `%chosen` = the first `%x` at which the sum of the weights exceeds `%u` times `%total`; should rounding hide it, the
/// last one of positive weight.
fn choose(weight: &str) -> String {
    format!(
        "
  %threshold = arith.mulf %u, %total : f64
  %chosen, %all_weights, %was_found = scf.for %x = %c0 to %cv step %c1 iter_args(%k = %c0, %s = %zero, %found = %false) -> (index, f64, i1) {{{weight}
    %sum = arith.addf %s, %w : f64
    %positive = arith.cmpf ogt, %w, %zero : f64
    %open = arith.xori %found, %true : i1
    %take = arith.andi %positive, %open : i1
    %best = arith.select %take, %x, %k : index
    %hit = arith.cmpf olt, %threshold, %sum : f64
    %done = arith.ori %found, %hit : i1
    scf.yield %best, %sum, %done : index, f64, i1
  }}"
    )
}

/// The pieces of the rejection helper. Rows are normalised by their sums `P` and `Q`, so that rows rounded to f16 are
/// sampled exactly too: accept if u q / Q < p / P, resample from max(0, p Q - q P).
struct Reject {
    g: u64,
    token: Element,
    vocabulary: u64,
    types: [String; 4],
    elements: (Element, Element, Element),
}

impl Reject {
    fn new(g: u64, token: Element, v: u64, elements: (Element, Element, Element)) -> Self {
        let (q, p, number) = elements;
        let types = [
            format!("tensor<{g}x{token}>"),
            format!("tensor<{g}x{v}x{q}>"),
            format!("tensor<{}x{v}x{p}>", g + 1),
            format!("tensor<{}x{number}>", 2 * g + 1),
        ];
        Self {
            g,
            token,
            vocabulary: v,
            types,
            elements,
        }
    }

    fn p(&self, out: &str, row: &str) -> String {
        element(
            out,
            "p",
            &format!("{row}, %x"),
            &self.types[2],
            self.elements.1,
        )
    }

    fn q(&self, out: &str, row: &str) -> String {
        element(
            out,
            "q",
            &format!("{row}, %x"),
            &self.types[1],
            self.elements.0,
        )
    }

    fn random(&self, at: &str) -> String {
        element("u", "random", at, &self.types[3], self.elements.2)
    }

    /// `%w = max(0, p[n, x] * a - q[row, x] * b)`.
    fn residual(&self, a: &str, b: &str) -> String {
        let (px, qx) = (self.p("px", "%n"), self.q("qx", "%row"));
        format!(
            "{px}{qx}
    %pa = arith.mulf %px, {a} : f64
    %qb = arith.mulf %qx, {b} : f64
    %rest = arith.subf %pa, %qb : f64
    %some = arith.cmpf ogt, %rest, %zero : f64
    %w = arith.select %some, %rest, %zero : f64"
        )
    }

    /// `%n` = the number of leading drafts that are accepted.
    fn leading(&self) -> String {
        let Self { token, types, .. } = self;
        let mut out = format!(
            "
  %n, %open_end = scf.for %i = %c0 to %cg step %c1 iter_args(%m = %c0, %o = %true) -> (index, i1) {{
    %draft = tensor.extract %drafts[%i] : {}",
            types[0]
        );
        out += &total("sum_p", &self.p("w", "%i"));
        out += &total("sum_q", &self.q("w", "%i"));
        let (px, qx, u) = (self.p("px", "%i"), self.q("qx", "%i"), self.random("%j"));
        let _ = write!(
            out,
            "
    %x = arith.index_castui %draft : {token} to index
    %j = arith.addi %i, %cg : index{px}{qx}{u}
    %uq = arith.mulf %u, %qx : f64
    %left = arith.mulf %uq, %sum_p : f64
    %right = arith.mulf %px, %sum_q : f64
    %ok = arith.cmpf olt, %left, %right : f64
    %still = arith.andi %o, %ok : i1
    %more = arith.addi %m, %c1 : index
    %next = arith.select %still, %more, %m : index
    scf.yield %next, %still : index, i1
  }}"
        );
        out
    }

    /// `%chosen` = the token behind the accepted ones: from the residual, or from p if all were accepted (or if rounding
    /// left no residual).
    fn last(&self) -> String {
        let mut out = format!(
            "
  %all = arith.cmpi eq, %n, %cg : index
  %last_draft = arith.constant {} : index
  %row = arith.minui %n, %last_draft : index",
            self.g - 1
        );
        out += &total("total_p", &self.p("w", "%n"));
        out += &total("total_q", &self.q("w", "%row"));
        out += "
  %a0 = arith.select %all, %one, %total_q : f64
  %b0 = arith.select %all, %zero, %total_p : f64";
        out += &total("residual", &self.residual("%a0", "%b0"));
        out += "
  %nothing = arith.cmpf ole, %residual, %zero : f64
  %a = arith.select %nothing, %one, %a0 : f64
  %b = arith.select %nothing, %zero, %b0 : f64";
        let weight = self.residual("%a", "%b");
        out += &total("total", &weight);
        out += "\n  %c2g = arith.addi %cg, %cg : index";
        out += &self.random("%c2g");
        out += &choose(&weight);
        out
    }

    fn text(&self, name: &str) -> String {
        let Self {
            g,
            token,
            vocabulary,
            types: [drafts, q, p, random],
            ..
        } = self;
        let (leading, last) = (self.leading(), self.last());
        let tokens = format!("tensor<{}x{token}>", g + 1);
        format!(
            "func.func private @{name}(%drafts: {drafts}, %q: {q}, %p: {p}, %random: {random}) -> ({tokens}, index) {{{PROLOGUE}{NUMBERS}
  %cg = arith.constant {g} : index
  %cv = arith.constant {vocabulary} : index
  %dead = arith.constant dense<0> : {tokens}{leading}{last}
  %accepted = scf.for %i = %c0 to %n step %c1 iter_args(%to = %dead) -> ({tokens}) {{
    %draft = tensor.extract %drafts[%i] : {drafts}
    %filled = tensor.insert %draft into %to[%i] : {tokens}
    scf.yield %filled : {tokens}
  }}
  %token = arith.index_castui %chosen : index to {token}
  %tokens = tensor.insert %token into %accepted[%n] : {tokens}
  %count = arith.addi %n, %c1 : index
  return %tokens, %count : {tokens}, index
}}"
        )
    }
}
