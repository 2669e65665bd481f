//! Random functions on memrefs of i32: buffers are added up, copied and transposed, through views of a cache at a run-time place, of a
//! stack, and of each other, in place and in loops.

use std::fmt::Write as _;

/// Sizes of the arguments, all updated; then come `%n: index` (trips) and `%p: index` (0 to 13).
pub const ARGS: [&[usize]; 5] = [&[3, 4, 8], &[4, 3, 8], &[3, 32], &[4, 16, 8], &[2, 4, 3, 8]];

/// Tokens first, heads first, and one row for each token.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Tokens,
    Heads,
    Rows,
}
use Kind::{Heads, Rows, Tokens};

impl Kind {
    fn plain(self) -> &'static str {
        match self {
            Tokens => "memref<3x4x8xi32>",
            Heads => "memref<4x3x8xi32>",
            Rows => "memref<3x32xi32>",
        }
    }
}

#[derive(Clone)]
struct Buffer {
    name: String,
    kind: Kind,
    ty: String,
    /// The allocation or argument that it is of.
    root: String,
}

struct Writer {
    state: u64,
    text: String,
    next: usize,
}

type Scope = Vec<Buffer>;

/// Function `name` from a seed.
pub fn function(name: &str, seed: u64) -> String {
    let mut w = Writer {
        state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
        text: String::new(),
        next: 0,
    };
    let mut scope: Scope = [Tokens, Heads, Rows]
        .into_iter()
        .enumerate()
        .map(|(i, k)| w.whole(&format!("%a{i}"), k))
        .collect();
    let n = 5 + w.below(8);
    w.ops(&mut scope, n, 1);
    let dims = |sizes: &[usize]| sizes.iter().map(|d| format!("{d}x")).collect::<String>();
    let types: Vec<String> = ARGS
        .iter()
        .map(|a| format!("memref<{}i32>", dims(a)))
        .collect();
    let args: Vec<String> = types
        .iter()
        .enumerate()
        .map(|(i, t)| format!("%a{i}: {t}"))
        .collect();
    let names: Vec<String> = (0..ARGS.len()).map(|i| format!("%a{i}")).collect();
    let (args, names, types) = (args.join(", "), names.join(", "), types.join(", "));
    format!(
        "func.func @{name}({args}, %n: index, %p: index) -> ({types}) {{\n%c0 = arith.constant 0 : index\n%c1 = arith.constant 1 : index\n\
         {}return {names} : {types}\n}}\n",
        w.text
    )
}

impl Writer {
    fn below(&mut self, n: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state >> 33) as usize % n
    }

    fn fresh(&mut self) -> String {
        self.next += 1;
        format!("%v{}", self.next)
    }

    fn line(&mut self, text: std::fmt::Arguments) {
        let _ = writeln!(self.text, "{text}");
    }

    fn whole(&self, name: &str, kind: Kind) -> Buffer {
        let (name, ty) = (name.to_owned(), kind.plain().to_owned());
        Buffer {
            root: name.clone(),
            name,
            kind,
            ty,
        }
    }

    fn alloc(&mut self, kind: Kind) -> Buffer {
        let name = self.fresh();
        self.line(format_args!("{name} = memref.alloc() : {}", kind.plain()));
        self.whole(&name, kind)
    }

    /// One of the buffers that `fits`, recent ones more often; the arguments have all kinds.
    fn pick(&mut self, scope: &Scope, fits: impl Fn(&Buffer) -> bool) -> Option<Buffer> {
        let fitting: Vec<&Buffer> = scope.iter().filter(|b| fits(b)).collect();
        if fitting.is_empty() {
            return None;
        }
        let i = self.below(fitting.len()).max(self.below(fitting.len()));
        Some(fitting[i].clone())
    }

    fn ops(&mut self, scope: &mut Scope, n: usize, depth: usize) {
        for _ in 0..n {
            match self.below(if depth > 0 { 12 } else { 11 }) {
                0..=2 => self.addition(scope),
                3 | 4 => self.copy(scope),
                5..=7 => self.transposition(scope),
                8 => self.reshape(scope),
                9 | 10 => self.part(scope),
                _ => self.repeat(scope, depth),
            }
        }
    }

    /// Into a new buffer more often than into a used one.
    fn target(&mut self, scope: &mut Scope, kind: Kind, not: &str) -> Buffer {
        let used = self
            .pick(scope, |b| b.kind == kind && b.root != not)
            .filter(|_| self.below(3) == 0);
        used.unwrap_or_else(|| {
            let new = self.alloc(kind);
            scope.push(new.clone());
            new
        })
    }

    fn addition(&mut self, scope: &mut Scope) {
        let kind = [Tokens, Heads, Rows][self.below(3)];
        let (Some(x), Some(y)) = (
            self.pick(scope, |b| b.kind == kind),
            self.pick(scope, |b| b.kind == kind),
        ) else {
            return;
        };
        let to = self.target(scope, kind, "");
        self.line(format_args!(
            "linalg.add ins({}, {} : {}, {}) outs({} : {})",
            x.name, y.name, x.ty, y.ty, to.name, to.ty
        ));
    }

    fn copy(&mut self, scope: &mut Scope) {
        let Some(x) = self.pick(scope, |_| true) else {
            return;
        };
        let to = self.target(scope, x.kind, &x.root);
        match self.below(2) {
            0 => self.line(format_args!(
                "memref.copy {}, {} : {} to {}",
                x.name, to.name, x.ty, to.ty
            )),
            _ => self.line(format_args!(
                "linalg.copy ins({} : {}) outs({} : {})",
                x.name, x.ty, to.name, to.ty
            )),
        }
    }

    fn transposition(&mut self, scope: &mut Scope) {
        let (from, to) = [(Tokens, Heads), (Heads, Tokens)][self.below(2)];
        let Some(x) = self.pick(scope, |b| b.kind == from) else {
            return;
        };
        let to = self.target(scope, to, &x.root);
        self.line(format_args!(
            "linalg.transpose ins({} : {}) outs({} : {}) permutation = [1, 0, 2]",
            x.name, x.ty, to.name, to.ty
        ));
    }

    fn reshape(&mut self, scope: &mut Scope) {
        let (from, to) = [(Tokens, Rows), (Rows, Tokens)][self.below(2)];
        let Some(x) = self.pick(scope, |b| b.kind == from && b.ty == from.plain()) else {
            return;
        };
        let (name, (a, b)) = (self.fresh(), (from.plain(), to.plain()));
        match to {
            Rows => self.line(format_args!("{name} = memref.collapse_shape {} [[0], [1, 2]] : {a} into {b}", x.name)),
            _ => self.line(format_args!(
                "{name} = memref.expand_shape {} [[0], [1, 2]] output_shape [3, 4, 8] : {a} into {b}",
                x.name
            )),
        }
        scope.push(Buffer {
            root: x.root,
            ..self.whole(&name, to)
        });
    }

    /// Rows of the cache, or a layer of the stack.
    fn part(&mut self, scope: &mut Scope) {
        let name = self.fresh();
        let (root, at, ty) = match self.below(4) {
            0 => (
                "%a3",
                "[0, %p, 0] [4, 3, 8] [1, 1, 1]",
                "strided<[128, 8, 1], offset: ?>",
            ),
            1 => (
                "%a3",
                "[0, 5, 0] [4, 3, 8] [1, 1, 1]",
                "strided<[128, 8, 1], offset: 40>",
            ),
            2 => (
                "%a4",
                "[0, 0, 0, 0] [1, 4, 3, 8] [1, 1, 1, 1]",
                "strided<[24, 8, 1]>",
            ),
            _ => (
                "%a4",
                "[1, 0, 0, 0] [1, 4, 3, 8] [1, 1, 1, 1]",
                "strided<[24, 8, 1], offset: 96>",
            ),
        };
        let whole = ["memref<4x16x8xi32>", "memref<2x4x3x8xi32>"][usize::from(root == "%a4")];
        let ty = format!("memref<4x3x8xi32, {ty}>");
        self.line(format_args!(
            "{name} = memref.subview {root}{at} : {whole} to {ty}"
        ));
        scope.push(Buffer {
            name,
            kind: Heads,
            ty,
            root: root.to_owned(),
        });
    }

    fn repeat(&mut self, scope: &mut Scope, depth: usize) {
        let (name, n) = (self.fresh(), 2 + self.below(4));
        self.line(format_args!("scf.for {name} = %c0 to %n step %c1 {{"));
        let mut inner = scope.clone();
        self.ops(&mut inner, n, depth - 1);
        self.line(format_args!("}}"));
    }
}
