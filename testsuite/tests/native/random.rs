//! Random functions on tensors of i32, whose results are exact: arithmetic into fresh and used tensors, slices, reshapes, transposition,
//! concatenation, loops of run-time length, branches and selections.

use std::fmt::Write as _;

const A: usize = 0; // 4x8, of which the others are parts and reshapes
const B: usize = 1;
const C: usize = 2;
const D: usize = 3;

/// Types by number, with their dimensions.
pub const SHAPES: [(&str, &[usize]); 4] = [
    ("tensor<4x8xi32>", &[4, 8]),
    ("tensor<32xi32>", &[32]),
    ("tensor<2x8xi32>", &[2, 8]),
    ("tensor<8x4xi32>", &[8, 4]),
];

/// Shapes of the tensor arguments; then come `%n: index` (trips), `%p: index` (0 to 2) and `%which: index` (0 or 1).
pub const ARGS: [usize; 5] = [A, A, B, C, D];

/// A function, and the shapes of its results.
pub struct Random {
    pub text: String,
    pub results: Vec<usize>,
}

struct Writer {
    state: u64,
    text: String,
    next: usize,
}

type Scope = Vec<(String, usize)>;

/// Function `name` from a seed.
pub fn function(name: &str, seed: u64) -> Random {
    let mut w = Writer {
        state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
        text: String::new(),
        next: 0,
    };
    let mut scope: Scope = (ARGS.iter().enumerate())
        .map(|(i, shape)| (format!("%a{i}"), *shape))
        .collect();
    let n = 4 + w.below(10);
    w.ops(&mut scope, n, 2);
    let returned: Scope = (0..1 + w.below(4)).map(|_| w.any(&scope)).collect();
    let args: Vec<String> = (ARGS.iter().enumerate())
        .map(|(i, shape)| format!("%a{i}: {}", SHAPES[*shape].0))
        .collect();
    let names: Vec<&str> = returned.iter().map(|(n, _)| n.as_str()).collect();
    let types: Vec<&str> = returned.iter().map(|(_, s)| SHAPES[*s].0).collect();
    let (names, types) = (names.join(", "), types.join(", "));
    let text = format!(
        "func.func @{name}({}, %n: index, %p: index, %which: index) -> ({types}) {{\n%c0 = arith.constant 0 : index\n\
         %c1 = arith.constant 1 : index\n%seven = arith.constant 7 : i32\n%c = arith.cmpi ne, %which, %c0 : index\n{}return {names} : {types}\n}}\n",
        args.join(", "),
        w.text
    );
    Random {
        text,
        results: returned.into_iter().map(|(_, s)| s).collect(),
    }
}

impl Writer {
    fn below(&mut self, n: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state >> 33) as usize % n
    }

    fn any(&mut self, scope: &Scope) -> (String, usize) {
        let i = self.below(scope.len());
        scope[i].clone()
    }

    /// A value of that shape: there is one, as the arguments have all shapes.
    fn of(&mut self, scope: &Scope, shape: usize) -> String {
        let fitting: Vec<&str> = (scope.iter())
            .filter(|(_, s)| *s == shape)
            .map(|(n, _)| n.as_str())
            .collect();
        // recent ones more often
        let i = self.below(fitting.len()).max(self.below(fitting.len()));
        fitting[i].to_owned()
    }

    fn fresh(&mut self) -> String {
        self.next += 1;
        format!("%v{}", self.next)
    }

    fn line(&mut self, text: std::fmt::Arguments) {
        let _ = writeln!(self.text, "{text}");
    }

    fn empty(&mut self, shape: usize) -> String {
        let name = self.fresh();
        self.line(format_args!(
            "{name} = tensor.empty() : {}",
            SHAPES[shape].0
        ));
        name
    }

    /// Something to write into: new, or a value that may be used elsewhere.
    fn destination(&mut self, scope: &Scope, shape: usize) -> String {
        if self.below(2) == 0 {
            self.empty(shape)
        } else {
            self.of(scope, shape)
        }
    }

    fn ops(&mut self, scope: &mut Scope, n: usize, depth: usize) {
        for _ in 0..n {
            let choices = if depth > 0 { 12 } else { 9 };
            match self.below(choices) {
                0..=2 => self.arithmetic(scope),
                3 => self.slice(scope),
                4 => self.insertion(scope),
                5 => self.reshape(scope),
                6 => self.transposition(scope),
                7 => self.concatenation(scope),
                8 => self.selection(scope),
                9 | 10 => self.repeat(scope, depth),
                _ => self.branch(scope, depth),
            }
        }
    }

    fn arithmetic(&mut self, scope: &mut Scope) {
        let (x, shape) = self.any(scope);
        let y = self.of(scope, shape);
        let out = self.destination(scope, shape);
        let (name, ty) = (self.fresh(), SHAPES[shape].0);
        match self.below(4) {
            0 => self.line(format_args!(
                "{name} = linalg.fill ins(%seven : i32) outs({out} : {ty}) -> {ty}"
            )),
            op => {
                let op = ["add", "sub", "mul"][op - 1];
                self.line(format_args!(
                    "{name} = linalg.{op} ins({x}, {y} : {ty}, {ty}) outs({out} : {ty}) -> {ty}"
                ));
            }
        }
        scope.push((name, shape));
    }

    fn offset(&mut self) -> &'static str {
        ["%p", "0", "2"][self.below(3)]
    }

    fn slice(&mut self, scope: &mut Scope) {
        let (x, at, name) = (self.of(scope, A), self.offset(), self.fresh());
        let (from, to) = (SHAPES[A].0, SHAPES[C].0);
        self.line(format_args!(
            "{name} = tensor.extract_slice {x}[{at}, 0] [2, 8] [1, 1] : {from} to {to}"
        ));
        scope.push((name, C));
    }

    fn insertion(&mut self, scope: &mut Scope) {
        let (x, into) = (self.of(scope, C), self.of(scope, A));
        let (at, name) = (self.offset(), self.fresh());
        let (from, to) = (SHAPES[C].0, SHAPES[A].0);
        self.line(format_args!(
            "{name} = tensor.insert_slice {x} into {into}[{at}, 0] [2, 8] [1, 1] : {from} into {to}"
        ));
        scope.push((name, A));
    }

    fn reshape(&mut self, scope: &mut Scope) {
        let (a, b) = (SHAPES[A].0, SHAPES[B].0);
        let name = self.fresh();
        if self.below(2) == 0 {
            let x = self.of(scope, A);
            self.line(format_args!(
                "{name} = tensor.collapse_shape {x} [[0, 1]] : {a} into {b}"
            ));
            scope.push((name, B));
        } else {
            let x = self.of(scope, B);
            self.line(format_args!(
                "{name} = tensor.expand_shape {x} [[0, 1]] output_shape [4, 8] : {b} into {a}"
            ));
            scope.push((name, A));
        }
    }

    fn transposition(&mut self, scope: &mut Scope) {
        let (from, to) = if self.below(2) == 0 { (A, D) } else { (D, A) };
        let (x, out, name) = (
            self.of(scope, from),
            self.destination(scope, to),
            self.fresh(),
        );
        let (a, b) = (SHAPES[from].0, SHAPES[to].0);
        self.line(format_args!(
            "{name} = linalg.transpose ins({x} : {a}) outs({out} : {b}) permutation = [1, 0]"
        ));
        scope.push((name, to));
    }

    fn concatenation(&mut self, scope: &mut Scope) {
        let (x, y, name) = (self.of(scope, C), self.of(scope, C), self.fresh());
        let (part, all) = (SHAPES[C].0, SHAPES[A].0);
        self.line(format_args!(
            "{name} = tensor.concat dim(0) {x}, {y} : ({part}, {part}) -> {all}"
        ));
        scope.push((name, A));
    }

    fn selection(&mut self, scope: &mut Scope) {
        let (x, shape) = self.any(scope);
        let (y, name) = (self.of(scope, shape), self.fresh());
        self.line(format_args!(
            "{name} = arith.select %c, {x}, {y} : {}",
            SHAPES[shape].0
        ));
        scope.push((name, shape));
    }

    fn repeat(&mut self, scope: &mut Scope, depth: usize) {
        let carried: Scope = (0..1 + self.below(2)).map(|_| self.any(scope)).collect();
        let (loop_name, n) = (self.fresh(), carried.len());
        let mut inner = scope.clone();
        let mut inits = vec![];
        for (init, shape) in &carried {
            let arg = self.fresh();
            inits.push(format!("{arg} = {init}"));
            inner.push((arg, *shape));
        }
        let types: Vec<&str> = carried.iter().map(|(_, s)| SHAPES[*s].0).collect();
        let (inits, types) = (inits.join(", "), types.join(", "));
        let i = self.fresh();
        self.line(format_args!(
            "{loop_name}:{n} = scf.for {i} = %c0 to %n step %c1 iter_args({inits}) -> ({types}) {{"
        ));
        let ops = 1 + self.below(4);
        self.ops(&mut inner, ops, depth - 1);
        let yielded: Vec<String> = carried.iter().map(|(_, s)| self.of(&inner, *s)).collect();
        self.line(format_args!(
            "scf.yield {} : {types}\n}}",
            yielded.join(", ")
        ));
        scope.extend(
            (carried.iter().enumerate()).map(|(i, (_, s))| (format!("{loop_name}#{i}"), *s)),
        );
    }

    fn branch(&mut self, scope: &mut Scope, depth: usize) {
        let (_, shape) = self.any(scope);
        let (name, ty) = (self.fresh(), SHAPES[shape].0);
        self.line(format_args!("{name} = scf.if %c -> ({ty}) {{"));
        for end in ["} else {", "}"] {
            let mut inner = scope.clone();
            let ops = self.below(4);
            self.ops(&mut inner, ops, depth - 1);
            let yielded = self.of(&inner, shape);
            self.line(format_args!("scf.yield {yielded} : {ty}\n{end}"));
        }
        scope.push((name, shape));
    }
}
