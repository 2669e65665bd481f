//! A generation loop that calls both models.

use super::abi::{ArgInfo, Role};
use super::forms::{LoopKind, ModelSpec, Pair};
use super::frame::{Frame, Part, cache_results, pack, tokens_result, unpack};
use super::function::FunctionText;
use super::model::Caches;
use super::text::{Element, Type, Value};

/// Where a round finds what the loop carries: token, output, position, tokens produced, caches of both models.
#[derive(Clone, Copy)]
struct Carried {
    layers: [usize; 2],
}

impl Carried {
    fn caches(self, values: &[Value], model: usize) -> Caches {
        let start = 4 + model * 2 * self.layers[0];
        unpack(&values[start..], self.layers[model])
    }
}

/// `@generate`: tokens, the count of those that are valid, and all caches.
pub(super) fn generate(
    pair: &Pair,
    functions: &[FunctionText],
    kind: LoopKind,
    tokens: usize,
) -> FunctionText {
    let n = pair.draft_calls;
    let mut frame = Frame::new(&[&pair.drafter, &pair.target]);
    let (drafter, d_caches) = frame.part(pair.drafter.with_tokens(1), 0, functions.first());
    let (target, t_caches) = frame.part(pair.target.with_tokens(n + 1), 1, functions.get(1));
    let most = if kind == LoopKind::For {
        tokens * (n + 1)
    } else {
        tokens
    };
    let out = frame.ops.fill(0.0, &[most + n + 1], frame.int);
    let zero = frame.ops.b.int(0, Element::Index);
    let mut init = vec![frame.token.clone(), out, frame.position.clone(), zero];
    let carried = Carried {
        layers: [d_caches.k.len(), t_caches.k.len()],
    };
    pack(&d_caches, &mut init);
    pack(&t_caches, &mut init);
    let open = match kind {
        LoopKind::For => frame.ops.open_for(tokens, &init),
        LoopKind::While => frame.ops.open_while(&init, 3, tokens),
    };
    let next = one_round(&mut frame, [&drafter, &target], n, carried, &open.args);
    let results = frame.ops.close(open, &next);
    let count = ArgInfo {
        role: Role::Count,
        ty: results[3].ty.clone(),
        model: 1,
    };
    let mut listed = vec![tokens_result(&results[1], 1), (count, results[3].clone())];
    listed.extend(cache_results(
        &drafter.spec,
        &carried.caches(&results, 0),
        0,
    ));
    listed.extend(cache_results(&target.spec, &carried.caches(&results, 1), 1));
    frame.finish("generate", &listed)
}

/// `@generate` of one model: `scf.for` over `tokens` tokens, each appended to the output; the tokens and the caches.
pub(super) fn greedy(model: &ModelSpec, callee: &FunctionText, tokens: usize) -> FunctionText {
    let mut frame = Frame::new(&[model]);
    let (part, caches) = frame.part(model.with_tokens(1), 0, Some(callee));
    let split = caches.k.len();
    let mut init = vec![
        frame.token.clone(),
        frame.ops.fill(0.0, &[tokens], frame.int),
    ];
    pack(&caches, &mut init);
    let position = frame.position.clone();
    let open = frame.ops.open_for(tokens, &init);
    let at = frame.ops.b.scalar("arith.addi", &[&position, &open.index]);
    let step = frame.step(&part, &open.args[0], &at, &unpack(&open.args[2..], split));
    let out = frame.put(&step.tokens, &open.args[1], &open.index);
    let mut next = vec![step.tokens, out];
    pack(&step.caches, &mut next);
    let results = frame.ops.close(open, &next);
    let mut listed = vec![tokens_result(&results[1], 0)];
    listed.extend(cache_results(&part.spec, &unpack(&results[2..], split), 0));
    frame.finish("generate", &listed)
}

/// Draft, verify, accept the common start and the target's own token behind it.
///
/// The drafter never sees its last token when all are accepted, so one row of its cache stays empty then: that may cost
/// acceptance, never correctness.
fn one_round(
    frame: &mut Frame,
    [drafter, target]: [&Part; 2],
    n: usize,
    carried: Carried,
    args: &[Value],
) -> Vec<Value> {
    let [token, out, position, produced] = [0, 1, 2, 3].map(|i| &args[i]);
    let (drafted, d_caches) =
        frame.draft_loop(drafter, n, token, position, &carried.caches(args, 0));
    let step = frame.step(target, &drafted, position, &carried.caches(args, 1));
    let accepted = accept(frame, &drafted, &step.tokens, n);
    let out = frame.put(&step.tokens, out, produced);
    let last = frame.ops.extract(&step.tokens, &[&accepted]);
    let one = Type::tensor(&[1], last.element());
    let text = format!("tensor.from_elements {last} : {one}");
    let token = frame.ops.b.op(one, text);
    let more = frame.plus(&accepted, 1);
    let position = frame.ops.b.scalar("arith.addi", &[position, &more]);
    let produced = frame.ops.b.scalar("arith.addi", &[produced, &more]);
    let mut next = vec![token, out, position, produced];
    pack(&d_caches, &mut next);
    pack(&step.caches, &mut next);
    next
}

/// How many drafted tokens the target agrees with before the first it does not.
fn accept(frame: &mut Frame, drafted: &Value, verified: &Value, n: usize) -> Value {
    let zero = frame.ops.b.int(0, Element::Index);
    let yes = frame
        .ops
        .b
        .constant_text("true", &Type::scalar(Element::I1));
    let open = frame.ops.open_for(n, &[zero, yes]);
    let slot = frame.plus(&open.index, 1);
    let guess = frame.ops.extract(drafted, &[&slot]);
    let truth = frame.ops.extract(verified, &[&open.index]);
    let same = frame.ops.b.compare("arith.cmpi eq", &guess, &truth);
    let still = frame.ops.b.scalar("arith.andi", &[&open.args[1], &same]);
    let more = frame.plus(&open.args[0], 1);
    let count = frame.ops.b.select(&still, &more, &open.args[0]);
    frame.ops.close(open, &[count, still])[0].clone()
}
