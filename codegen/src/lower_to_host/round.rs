//! The ops of a round: `spec.transfer`, `spec.commit`, `spec.accept` and `spec.round` itself.

use super::helpers::{Helper, Helpers};
use crate::cursor::{Cursor, result};
use spec_dialect::ffi::{Block, Element, Op, Shape, Type, Value, new_block};
use spec_dialect::pass::Diagnostics;

const PASS: &str = "spec-lower-to-host";

/// `spec.transfer`: there is one memory.
pub(super) fn lower_transfer(op: Op) {
    if let Some(value) = op.operand(0) {
        replace(op, &[value]);
    }
}

/// `spec.commit`: rows inserted at the position.
pub(super) fn lower_commit(op: Op) {
    let at = Cursor::before(op);
    let dim = op.attr("dim").and_then(|a| a.as_i64());
    let dim = dim.expect("verified: spec.commit has a dim") as usize;
    let index = at.to_index(operand(op, 2));
    let rows = at.insert_rows(operand(op, 0), operand(op, 1), index, dim);
    replace(op, &[rows]);
}

/// `spec.accept`: a call of a helper.
pub(super) fn lower_accept(op: Op, helpers: &mut Helpers) {
    let (drafts, choices) = (operand(op, 0), operand(op, 1));
    let count = accept(Cursor::before(op), op, drafts, choices, helpers);
    replace(op, &[count]);
}

fn accept(at: Cursor, near: Op, drafts: Value, choices: Value, helpers: &mut Helpers) -> Value {
    let shape = drafts.ty().shape();
    let kind = Helper::Accept {
        drafts: size(&shape, 0),
        token: shape.element,
    };
    at.call(
        &helpers.name(near, &kind),
        &[drafts, choices],
        &[at.ty("index")],
    )[0]
}

/// A `spec.round` that can be lowered.
pub(super) struct Round {
    op: Op,
    drafts: u64,
    random: Option<Value>,
    draft: Option<Block>,
    verify: Block,
    draft_states: Vec<Value>,
    target_states: Vec<Value>,
}

impl Round {
    /// Checks what the op's verifier leaves open.
    pub(super) fn find(op: Op) -> Result<Op, Diagnostics> {
        Self::read(op)?.check()?;
        Ok(op)
    }

    /// Reads the op as it is now: the lowering of others replaces its operands.
    pub(super) fn read(op: Op) -> Result<Self, Diagnostics> {
        let block = |i: usize| op.region_blocks(i).first().copied();
        let bug = || {
            Diagnostics::at(
                op.loc(),
                format!(
                    "{PASS}: internal error, please report it with the input: this spec.round does not have the form that its verifier promises"
                ),
            )
        };
        let (draft, verify) = (block(0), block(1).ok_or_else(bug)?);
        let drafts = op
            .attr("draft_length")
            .and_then(|a| a.as_i64())
            .ok_or_else(bug)?;
        let states = |b: Block| b.args().len().saturating_sub(2);
        let (n_draft, n_target) = (draft.map_or(0, states), states(verify));
        let mut operands: Vec<Value> = op.operands().collect();
        let target_states = operands.split_off(operands.len() - n_target);
        let draft_states = operands.split_off(operands.len() - n_draft);
        Ok(Self {
            op,
            drafts: drafts as u64,
            random: operands.get(2).copied(),
            draft,
            verify,
            draft_states,
            target_states,
        })
    }

    fn check(&self) -> Result<(), Diagnostics> {
        let Some(random) = self.random else {
            return Ok(());
        };
        let drafted = self.draft.map(yielded);
        for ty in [Some(random.ty()), drafted, Some(yielded(self.verify))] {
            let element = ty.map(|t| t.shape().element);
            let known = matches!(
                element,
                None | Some(Element::Float(16 | 32 | 64) | Element::BFloat16)
            );
            if let (false, Some(ty)) = (known, ty) {
                let text = format!(
                    "{PASS}: {ty} in a rejection round: distributions and random numbers must be f16, bf16, f32 or f64"
                );
                return Err(Diagnostics::at(self.op.loc(), text));
            }
        }
        Ok(())
    }

    /// Writes the round out in a straight line, with the catch-up step under an `scf.if`.
    pub(super) fn lower(self, helpers: &mut Helpers) {
        let at = Cursor::before(self.op);
        let drafted = self.draft_all(at, helpers);
        let elements: Vec<Value> = drafted.tokens.iter().map(|t| at.only_element(*t)).collect();
        let inputs = at.tensor_of(&elements, self.verify.args()[0].ty());
        let verified = self.verify_all(at, inputs);
        let (tokens, count) = match self.random {
            None => (
                verified[0],
                self.greedy(at, &elements[1..], verified[0], helpers),
            ),
            Some(random) => {
                self.rejection(at, &elements[1..], &drafted, (verified[0], random), helpers)
            }
        };
        let states = self.catch_up(at, count, drafted);
        let mut results = vec![tokens, count];
        results.extend(states);
        results.extend(&verified[1..]);
        replace(self.op, &results);
    }

    /// Runs the drafter `drafts` times.
    fn draft_all(&self, at: Cursor, helpers: &mut Helpers) -> Drafted {
        let mut out = Drafted {
            tokens: vec![operand(self.op, 0)],
            distributions: vec![],
            states: self.draft_states.clone(),
        };
        for i in 0..self.drafts {
            let yielded = self.draft_once(at, i, &out);
            let token = match self.random {
                None => yielded[0],
                Some(random) => {
                    out.distributions.push(yielded[0]);
                    let number = at.index(i);
                    let token = self.sample(at, yielded[0], random, number, helpers);
                    at.tensor_of(&[token], out.tokens[0].ty())
                }
            };
            out.tokens.push(token);
            out.states = yielded[1..].to_vec();
        }
        out
    }

    /// The draft region on token t(i) at position p + i.
    fn draft_once(&self, at: Cursor, i: u64, so_far: &Drafted) -> Vec<Value> {
        let Some(block) = self.draft else {
            return vec![];
        };
        let position = at.advance(operand(self.op, 1), i);
        let mut args = vec![so_far.tokens[i as usize], position];
        args.extend(&so_far.states);
        at.copy_of(block, &args)
    }

    fn verify_all(&self, at: Cursor, inputs: Value) -> Vec<Value> {
        let mut args = vec![inputs, operand(self.op, 1)];
        args.extend(&self.target_states);
        at.copy_of(self.verify, &args)
    }

    fn greedy(&self, at: Cursor, drafts: &[Value], choices: Value, helpers: &mut Helpers) -> Value {
        if self.drafts == 0 {
            return at.index(1);
        }
        let drafts = at.tensor_of(drafts, self.draft_type(at));
        accept(at, self.op, drafts, choices, helpers)
    }

    fn draft_type(&self, at: Cursor) -> Type {
        let token = result(self.op, 0).ty().shape().element;
        at.ty(&format!("tensor<{}x{token}>", self.drafts))
    }

    /// Tokens and count by rejection sampling.
    fn rejection(
        &self,
        at: Cursor,
        drafts: &[Value],
        drafted: &Drafted,
        (p, random): (Value, Value),
        helpers: &mut Helpers,
    ) -> (Value, Value) {
        let token_type = result(self.op, 0).ty();
        let token = token_type.shape().element;
        let shape = p.ty().shape();
        let vocabulary = size(&shape, 1);
        if self.drafts == 0 {
            let row_type = at.ty(&format!("tensor<{vocabulary}x{}>", shape.element));
            let row = at.first_row(p, row_type);
            let chosen = self.sample(at, row, random, at.index(0), helpers);
            return (at.tensor_of(&[chosen], token_type), at.index(1));
        }
        let q_element = drafted.distributions[0].ty().shape().element;
        let q_type = at.ty(&format!("tensor<{}x{vocabulary}x{q_element}>", self.drafts));
        let q = at.stack(&drafted.distributions, q_type);
        let kind = Helper::Reject {
            drafts: self.drafts,
            token,
            vocabulary,
            q: q_element,
            p: shape.element,
            number: random.ty().shape().element,
        };
        let drafts = at.tensor_of(drafts, self.draft_type(at));
        let name = helpers.name(self.op, &kind);
        let out = at.call(
            &name,
            &[drafts, q, p, random],
            &[token_type, at.ty("index")],
        );
        (out[0], out[1])
    }

    /// A token drawn from `weights` [V] with `random[number]`.
    fn sample(
        &self,
        at: Cursor,
        weights: Value,
        random: Value,
        number: Value,
        helpers: &mut Helpers,
    ) -> Value {
        let (w, r) = (weights.ty().shape(), random.ty().shape());
        let token = result(self.op, 0).ty().shape().element;
        let kind = Helper::Sample {
            vocabulary: size(&w, 0),
            weight: w.element,
            numbers: size(&r, 0),
            number: r.element,
            token,
        };
        let name = helpers.name(self.op, &kind);
        at.call(&name, &[weights, random, number], &[at.element_type(token)])[0]
    }

    /// The draft states after the round: when all drafts were accepted, the drafter still has to see the last one.
    fn catch_up(&self, at: Cursor, count: Value, drafted: Drafted) -> Vec<Value> {
        if self.draft.is_none() {
            return vec![];
        }
        let all = at.equal(count, at.index(self.drafts + 1));
        let types: Vec<Type> = drafted.states.iter().map(|v| v.ty()).collect();
        let blocks = [(); 2].map(|()| new_block(&[], at.loc()));
        let seen = self.draft_once(at.at_end(blocks[0]), self.drafts, &drafted);
        for (block, values) in blocks.iter().zip([&seen[1..], &drafted.states]) {
            at.at_end(*block).op("scf.yield", values, &[], &[], &[]);
        }
        let regions = blocks.map(|b| vec![b]);
        at.op("scf.if", &[all], &types, &[], &regions)
            .results()
            .collect()
    }
}

/// What the drafter made: t(0) .. t(g), its distributions (rejection only), and its states.
struct Drafted {
    tokens: Vec<Value>,
    distributions: Vec<Value>,
    states: Vec<Value>,
}

/// The type of the first value that a region's terminator yields.
fn yielded(block: Block) -> Type {
    let first = block.terminator().and_then(|t| t.operand(0));
    first.expect("verified: spec.yield has operands").ty()
}

fn operand(op: Op, i: usize) -> Value {
    op.operand(i)
        .unwrap_or_else(|| panic!("{} has no operand {i}", op.name()))
}

fn size(shape: &Shape, i: usize) -> u64 {
    shape.dims.get(i).copied().flatten().unwrap_or(0)
}

fn replace(op: Op, values: &[Value]) {
    for (old, new) in op.results().zip(values) {
        old.replace_all_uses(*new);
    }
    op.erase();
}
