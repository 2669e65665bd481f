//! Raised models compute what the f64 reference computes: the named ops are replaced by loops that follow their definition
//! word for word, and the module is run.

use spec_testsuite::modelgen::{
    Config, EXPORTERS, FunctionText, Host, ModelSpec, Output, Reference, argmax, catalogue,
    function,
};
use spec_testsuite::tools::opt_text;
use std::fmt::Write;

const TOKENS: [usize; 5] = [3, 41, 7, 7, 60];

/// A model op of the raised text.
struct Line<'a> {
    text: &'a str,
    result: &'a str,
}

impl<'a> Line<'a> {
    /// Names and types in `key(...)`.
    fn group(&self, key: &str) -> Vec<(&'a str, &'a str)> {
        let Some(start) = self.text.find(&format!(" {key}(")) else {
            return vec![];
        };
        let inner = &self.text[start + key.len() + 2..];
        let inner = &inner[..inner.find(')').expect("closed")];
        let (names, types) = inner.split_once(" : ").unwrap_or((inner, ""));
        let types: Vec<&str> = types.split(", ").collect();
        names
            .split(", ")
            .enumerate()
            .map(|(i, n)| (n, types.get(i).copied().unwrap_or("")))
            .collect()
    }
    /// The number behind a word.
    fn number(&self, key: &str) -> Option<f64> {
        let mut words = self.text.split(' ');
        words.find(|w| *w == key)?;
        words.next()?.parse().ok()
    }
    fn has(&self, word: &str) -> bool {
        self.text.split(' ').any(|w| w == word)
    }
}

fn dims(ty: &str) -> Vec<i64> {
    let inner = ty.trim_start_matches("tensor<").trim_end_matches('>');
    inner.split('x').filter_map(|d| d.parse().ok()).collect()
}

/// A function that computes one element of the result.
struct Code {
    text: String,
    next: usize,
}

impl Code {
    fn op(&mut self, text: &str) -> String {
        self.next += 1;
        let name = format!("%e{}", self.next);
        let _ = writeln!(self.text, "{name} = {text}");
        name
    }
    fn float(&mut self, v: f64) -> String {
        self.op(&format!("arith.constant {v:.12e} : f32"))
    }
    fn index(&mut self, v: i64) -> String {
        self.op(&format!("arith.constant {v} : index"))
    }
    fn bin(&mut self, f: &str, a: &str, b: &str) -> String {
        self.op(&format!("arith.{f} {a}, {b} : f32"))
    }
    fn ibin(&mut self, f: &str, a: &str, b: i64) -> String {
        let b = self.index(b);
        self.op(&format!("arith.{f} {a}, {b} : index"))
    }
    fn un(&mut self, f: &str, a: &str) -> String {
        self.op(&format!("math.{f} {a} : f32"))
    }
    /// An element, as f32.
    fn at(&mut self, (name, ty): (&str, &str), index: &[&str]) -> String {
        let v = self.op(&format!(
            "tensor.extract {name}[{}] : {ty}",
            index.join(", ")
        ));
        if ty.ends_with("xi8>") {
            self.op(&format!("arith.sitofp {v} : i8 to f32"))
        } else {
            v
        }
    }
    /// A loop with one number carried.
    fn sum(
        &mut self,
        n: i64,
        start: f64,
        body: impl FnOnce(&mut Code, &str, &str) -> String,
    ) -> String {
        let (lo, hi, step, init) = (
            self.index(0),
            self.index(n),
            self.index(1),
            self.float(start),
        );
        self.next += 1;
        let id = self.next;
        let _ = writeln!(
            self.text,
            "%l{id} = scf.for %i{id} = {lo} to {hi} step {step} iter_args(%a{id} = {init}) -> (f32) {{"
        );
        let value = body(self, &format!("%i{id}"), &format!("%a{id}"));
        let _ = writeln!(self.text, "scf.yield {value} : f32\n}}");
        format!("%l{id}")
    }
}

fn generate(
    line: &Line,
    ty: &str,
    code: &mut Code,
    body: impl FnOnce(&mut Code, &[&str]) -> String,
) {
    let rank = dims(ty).len();
    code.next += 1;
    let names: Vec<String> = (0..rank).map(|d| format!("%g{}_{d}", code.next)).collect();
    let args: Vec<String> = names.iter().map(|n| format!("{n}: index")).collect();
    let _ = writeln!(
        code.text,
        "{} = tensor.generate {{\n^bb0({}):",
        line.result,
        args.join(", ")
    );
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let value = body(code, &names);
    let element = ty.rsplit('x').next().unwrap_or("").trim_end_matches('>');
    let _ = writeln!(code.text, "tensor.yield {value} : {element}\n}} : {ty}");
}

fn linear(l: &Line, ty: &str, c: &mut Code) {
    let (ins, scale, bias) = (l.group("ins"), l.group("scale"), l.group("bias"));
    let k = dims(ins[0].1)[1];
    generate(l, ty, c, |c, ix| {
        let sum = c.sum(k, 0.0, |c, k, acc| {
            let x = c.at(ins[0], &[ix[0], k]);
            let w = if l.has("out_in") {
                c.at(ins[1], &[ix[1], k])
            } else {
                c.at(ins[1], &[k, ix[1]])
            };
            let p = c.bin("mulf", &x, &w);
            c.bin("addf", acc, &p)
        });
        let sum = match scale[..] {
            [s] => {
                let s = c.at(s, &[ix[1]]);
                c.bin("mulf", &sum, &s)
            }
            _ => sum,
        };
        match bias[..] {
            [b] => {
                let b = c.at(b, &[ix[1]]);
                c.bin("addf", &sum, &b)
            }
            _ => sum,
        }
    });
}

fn norm(l: &Line, ty: &str, c: &mut Code) {
    let (ins, bias) = (l.group("ins"), l.group("bias"));
    let n = dims(ty)[1];
    generate(l, ty, c, |c, ix| {
        let count = c.float(n as f64);
        let mean = c.sum(n, 0.0, |c, k, acc| {
            let x = c.at(ins[0], &[ix[0], k]);
            c.bin("addf", acc, &x)
        });
        let mean = if l.has("layer") {
            c.bin("divf", &mean, &count)
        } else {
            c.float(0.0)
        };
        let square = c.sum(n, 0.0, |c, k, acc| {
            let x = c.at(ins[0], &[ix[0], k]);
            let d = c.bin("subf", &x, &mean);
            let q = c.bin("mulf", &d, &d);
            c.bin("addf", acc, &q)
        });
        let var = c.bin("divf", &square, &count);
        let eps = c.float(l.number("eps").expect("eps"));
        let sum = c.bin("addf", &var, &eps);
        let r = c.un("rsqrt", &sum);
        let x = c.at(ins[0], ix);
        let x = c.bin("subf", &x, &mean);
        let w = c.at(ins[1], &[ix[1]]);
        let offset = c.float(l.number("weight_offset").unwrap_or(0.0));
        let w = c.bin("addf", &w, &offset);
        let y = c.bin("mulf", &x, &r);
        let y = c.bin("mulf", &y, &w);
        match bias[..] {
            [b] => {
                let b = c.at(b, &[ix[1]]);
                c.bin("addf", &y, &b)
            }
            _ => y,
        }
    });
}

fn rope(l: &Line, ty: &str, c: &mut Code) {
    let ins = l.group("ins");
    let d = dims(ty)[2];
    generate(l, ty, c, |c, ix| {
        let m = if l.number("token_dim") == Some(0.0) {
            ix[0]
        } else {
            ix[1]
        };
        let (pair, which) = if l.has("half") {
            (c.ibin("remui", ix[2], d / 2), c.ibin("divui", ix[2], d / 2))
        } else {
            (c.ibin("divui", ix[2], 2), c.ibin("remui", ix[2], 2))
        };
        let (a, b) = if l.has("half") {
            (pair.clone(), c.ibin("addi", &pair, d / 2))
        } else {
            let two = c.ibin("muli", &pair, 2);
            (two.clone(), c.ibin("addi", &two, 1))
        };
        let (a, b) = (
            c.at(ins[0], &[ix[0], ix[1], &a]),
            c.at(ins[0], &[ix[0], ix[1], &b]),
        );
        let (cos, sin) = (c.at(ins[1], &[m, &pair]), c.at(ins[2], &[m, &pair]));
        let (ac, bs) = (c.bin("mulf", &a, &cos), c.bin("mulf", &b, &sin));
        let (bc, as_) = (c.bin("mulf", &b, &cos), c.bin("mulf", &a, &sin));
        let (first, second) = (c.bin("subf", &ac, &bs), c.bin("addf", &bc, &as_));
        let zero = c.index(0);
        let is_first = c.op(&format!("arith.cmpi eq, {which}, {zero} : index"));
        c.op(&format!("arith.select {is_first}, {first}, {second} : f32"))
    });
}

fn attention(l: &Line, ty: &str, c: &mut Code) {
    let (ins, new, position, mask) = (
        l.group("ins"),
        l.group("new"),
        l.group("position"),
        l.group("mask"),
    );
    let (q, k, v) = (ins[0], ins[1], ins[2]);
    let head_major = l.has("head_major");
    let (kd, qd) = (dims(k.1), dims(q.1));
    let (kv, cache) = if head_major {
        (kd[0], kd[1])
    } else {
        (kd[1], kd[0])
    };
    let (heads, tokens, d) = (qd[0], qd[1], qd[2]);
    let total = if new.is_empty() {
        cache
    } else {
        cache + tokens
    };
    generate(l, ty, c, |c, ix| {
        let (h, m) = (ix[0], ix[1]);
        let group = c.ibin("divui", h, heads / kv);
        // an element of keys or values at row t
        let row = |c: &mut Code, old: (&str, &str), new: Option<(&str, &str)>, t: &str, e: &str| {
            let last = c.index(cache - 1);
            let o = c.op(&format!("arith.minui {t}, {last} : index"));
            let order = |t: &str| {
                if head_major {
                    [group.clone(), t.to_owned(), e.to_owned()]
                } else {
                    [t.to_owned(), group.clone(), e.to_owned()]
                }
            };
            let at = order(&o);
            let x = c.at(old, &[&at[0], &at[1], &at[2]]);
            let Some(new) = new else { return x };
            let n = c.ibin("subi", t, cache);
            let zero = c.index(0);
            let n = c.op(&format!("arith.maxsi {n}, {zero} : index"));
            let at = order(&n);
            let y = c.at(new, &[&at[0], &at[1], &at[2]]);
            let is_old = c.op(&format!("arith.cmpi ule, {t}, {last} : index"));
            c.op(&format!("arith.select {is_old}, {x}, {y} : f32"))
        };
        let score = |c: &mut Code, t: &str| {
            let dot = c.sum(d, 0.0, |c, e, acc| {
                let x = c.at(q, &[h, m, e]);
                let y = row(c, k, new.first().copied(), t, e);
                let p = c.bin("mulf", &x, &y);
                c.bin("addf", acc, &p)
            });
            let scale = c.float(l.number("scale").expect("scale"));
            let s = c.bin("mulf", &dot, &scale);
            if let [mask] = mask[..] {
                let x = c.at(mask, &[m, t]);
                return c.bin("addf", &s, &x);
            }
            let p = position[0].0;
            let visible = if new.is_empty() {
                let last = c.op(&format!("arith.addi {p}, {m} : index"));
                c.op(&format!("arith.cmpi ule, {t}, {last} : index"))
            } else {
                let old = c.op(&format!("arith.cmpi ult, {t}, {p} : index"));
                let n = c.ibin("subi", t, cache);
                let own = c.op(&format!("arith.cmpi ule, {n}, {m} : index"));
                c.op(&format!("arith.ori {old}, {own} : i1"))
            };
            let hidden = c.float(-1e30);
            c.op(&format!("arith.select {visible}, {s}, {hidden} : f32"))
        };
        let max = c.sum(total, -3e38, |c, t, acc| {
            let s = score(c, t);
            c.bin("maximumf", acc, &s)
        });
        let weighted = |c: &mut Code, values: bool| {
            c.sum(total, 0.0, |c, t, acc| {
                let s = score(c, t);
                let s = c.bin("subf", &s, &max);
                let mut e = c.un("exp", &s);
                if values {
                    let x = row(c, v, new.get(1).copied(), t, ix[2]);
                    e = c.bin("mulf", &e, &x);
                }
                c.bin("addf", acc, &e)
            })
        };
        let (sum, all) = (weighted(c, false), weighted(c, true));
        c.bin("divf", &all, &sum)
    });
}

fn activation(l: &Line, ty: &str, c: &mut Code) {
    let (ins, up) = (l.group("ins"), l.group("gates"));
    generate(l, ty, c, |c, ix| {
        let x = c.at(ins[0], ix);
        let y = if l.has("silu") {
            let one = c.float(1.0);
            let n = c.op(&format!("arith.negf {x} : f32"));
            let e = c.un("exp", &n);
            let e = c.bin("addf", &one, &e);
            c.bin("divf", &x, &e)
        } else {
            assert!(l.has("gelu_tanh"), "{}", l.text);
            let (a, b) = (
                c.float(0.044_715),
                c.float((2.0 / std::f64::consts::PI).sqrt()),
            );
            let (half, one) = (c.float(0.5), c.float(1.0));
            let x2 = c.bin("mulf", &x, &x);
            let x3 = c.bin("mulf", &x2, &x);
            let x3 = c.bin("mulf", &x3, &a);
            let s = c.bin("addf", &x, &x3);
            let s = c.bin("mulf", &s, &b);
            let t = c.un("tanh", &s);
            let t = c.bin("addf", &one, &t);
            let t = c.bin("mulf", &t, &x);
            c.bin("mulf", &t, &half)
        };
        match up[..] {
            [u] => {
                let u = c.at(u, ix);
                c.bin("mulf", &y, &u)
            }
            _ => y,
        }
    });
}

fn embedding(l: &Line, ty: &str, c: &mut Code) {
    let ins = l.group("ins");
    let element = if ins[0].1.ends_with("xi64>") {
        "i64"
    } else {
        "i32"
    };
    generate(l, ty, c, |c, ix| {
        let id = c.op(&format!(
            "tensor.extract {}[{}] : {}",
            ins[0].0, ix[0], ins[0].1
        ));
        let id = c.op(&format!("arith.index_cast {id} : {element} to index"));
        c.at(ins[1], &[&id, ix[1]])
    });
}

fn largest(l: &Line, ty: &str, c: &mut Code) {
    let ins = l.group("ins");
    let n = dims(ins[0].1)[1];
    let element = if ty.ends_with("xi64>") { "i64" } else { "i32" };
    generate(l, ty, c, |c, ix| {
        let max = c.sum(n, -3e38, |c, k, acc| {
            let x = c.at(ins[0], &[ix[0], k]);
            c.bin("maximumf", acc, &x)
        });
        // the smallest index that has it
        let place = c.sum(n, 1e9, |c, k, acc| {
            let x = c.at(ins[0], &[ix[0], k]);
            let is = c.op(&format!("arith.cmpf oeq, {x}, {max} : f32"));
            let i = c.op(&format!("arith.index_cast {k} : index to i64"));
            let f = c.op(&format!("arith.sitofp {i} : i64 to f32"));
            let far = c.float(1e9);
            let f = c.op(&format!("arith.select {is}, {f}, {far} : f32"));
            c.bin("minimumf", acc, &f)
        });
        c.op(&format!("arith.fptosi {place} : f32 to {element}"))
    });
}

/// The text with all model ops written out.
fn written_out(text: &str) -> String {
    let mut code = Code {
        text: String::new(),
        next: 0,
    };
    for text in text.lines() {
        let parts = text
            .trim()
            .split_once(" = spec.")
            .map(|(r, o)| (r, o.split(' ').next().unwrap_or("")));
        let Some((result, name)) = parts else {
            let _ = writeln!(code.text, "{text}");
            continue;
        };
        let line = Line { text, result };
        let ty = text.rsplit(" -> ").next().expect("a type");
        match name {
            "linear" => linear(&line, ty, &mut code),
            "norm" => norm(&line, ty, &mut code),
            "rope" => rope(&line, ty, &mut code),
            "attention" => attention(&line, ty, &mut code),
            "activation" => activation(&line, ty, &mut code),
            "embedding" => embedding(&line, ty, &mut code),
            "argmax" => largest(&line, ty, &mut code),
            other => panic!("unknown op spec.{other}"),
        }
    }
    code.text
}

/// The raised function, with its model ops written out.
fn raised(function: &FunctionText) -> String {
    let passes = [
        "--inline",
        "--canonicalize",
        "--cse",
        "--spec-raise",
        "--canonicalize",
        "--cse",
    ];
    let ran = opt_text(&passes, &function.module());
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let text = written_out(&ran.stdout);
    assert!(ran.stdout.contains("spec.attention") && !text.contains("spec."));
    text
}

/// Two calls, of two tokens and of three, against the reference: the second reads what the first wrote. Then one of one token.
fn check(name: &str, spec: &ModelSpec) -> Vec<String> {
    let (c, s) = (&spec.config, &spec.style);
    let expected = Reference::new(c, s).forward(&TOKENS, 0);
    let mut host = Host::new(c, s);
    let mut wrong = vec![];
    for (start, end) in [(0, 2), (2, 4), (4, 5)] {
        let function = function("step", &c.with_tokens(end - start), s);
        let text = raised(&function);
        let found = host.call_with(&TOKENS[start..end], start, |args, types| {
            spec_testsuite::modelgen::run::execute(&text, "step", args, types)
        });
        let found = match found {
            Ok(found) => found,
            Err(e) => return vec![format!("{name}: {e}")],
        };
        let rows = &expected[start..end];
        let expected: Vec<f64> = match s.output {
            Output::Token => rows.iter().map(|r| argmax(r) as f64).collect(),
            Output::Logits => rows.concat(),
        };
        let far = found
            .iter()
            .zip(&expected)
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, f64::max);
        if found.len() != expected.len() || far.is_nan() || far > 1e-4 {
            wrong.push(format!("{name}, tokens {start} to {end}: off by {far}"));
        }
    }
    wrong
}

#[test]
fn raised_models_compute_the_same() {
    let every = std::env::var("SPEC_RAISE_EVERY")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(4);
    let mut wrong = vec![];
    for (e, exporter) in EXPORTERS.into_iter().enumerate() {
        for (i, (name, mut spec)) in catalogue(exporter).into_iter().enumerate() {
            if (i + e) % every != 0 {
                continue;
            }
            spec.config = Config {
                tokens: 1,
                ..spec.config
            };
            wrong.extend(check(&name, &spec));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
