//! One round with both models inlined.

use super::forms::Pair;
use super::frame::{Frame, Part, cache_results, head_result, pack, tokens_result, unpack};
use super::function::FunctionText;
use super::model::Caches;
use super::text::{Element, Value};

impl Frame {
    /// The drafter gamma times from `token`: `[token, d1 .. dn]` and its caches.
    pub(super) fn draft_loop(
        &mut self,
        part: &Part,
        n: usize,
        token: &Value,
        position: &Value,
        caches: &Caches,
    ) -> (Value, Caches) {
        let zero = self.ops.b.int(0, Element::Index);
        let empty = self.ops.fill(0.0, &[n + 1], self.int);
        let mut carried = vec![token.clone(), self.put(token, &empty, &zero)];
        pack(caches, &mut carried);
        let split = caches.k.len();
        let open = self.ops.open_for(n, &carried);
        let at = self.ops.b.scalar("arith.addi", &[position, &open.index]);
        let step = self.step(part, &open.args[0], &at, &unpack(&open.args[2..], split));
        let slot = self.plus(&open.index, 1);
        let buffer = self.put(&step.tokens, &open.args[1], &slot);
        let mut next = vec![step.tokens, buffer];
        pack(&step.caches, &mut next);
        let results = self.ops.close(open, &next);
        (results[1].clone(), unpack(&results[2..], split))
    }
}

/// `@main` of one round: drafted tokens `[gamma + 1]` (the first is the argument), the target's head, all caches.
fn round(pair: &Pair, in_loop: bool) -> FunctionText {
    let n = pair.draft_calls;
    let mut frame = Frame::new(&[&pair.drafter, &pair.target]);
    let (drafter, mut d_caches) = frame.part(pair.drafter.with_tokens(1), 0, None);
    let (target, t_caches) = frame.part(pair.target.with_tokens(n + 1), 1, None);
    let (token, position) = (frame.token.clone(), frame.position.clone());
    let drafted = if in_loop {
        let (drafted, caches) = frame.draft_loop(&drafter, n, &token, &position, &d_caches);
        d_caches = caches;
        drafted
    } else {
        let mut tokens = vec![token];
        for i in 0..n {
            let at = frame.plus(&position, i as i64);
            let step = frame.step(&drafter, &tokens[i], &at, &d_caches);
            d_caches = step.caches;
            tokens.push(step.tokens);
        }
        frame.ops.concat(0, &tokens.iter().collect::<Vec<_>>())
    };
    let step = frame.step(&target, &drafted, &position, &t_caches);
    let mut results = vec![tokens_result(&drafted, 0), head_result(&target, &step)];
    results.extend(cache_results(&drafter.spec, &d_caches, 0));
    results.extend(cache_results(&target.spec, &step.caches, 1));
    frame.finish("main", &results)
}

/// Both models inlined, the drafter unrolled.
pub(super) fn unrolled(pair: &Pair) -> FunctionText {
    round(pair, false)
}

/// Both models inlined, the drafter in a loop.
pub(super) fn looped(pair: &Pair) -> FunctionText {
    round(pair, true)
}
