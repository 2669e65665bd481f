//! Reads Mesa's text of a shader in NIR: SSA values in structured control flow, as the Valhall back end gets them.

use super::MaliError;
use std::collections::HashMap;

/// Part of a value: its components in the order of use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Arg {
    pub(super) def: usize,
    pub(super) components: Vec<usize>,
}

/// An instruction that makes a value or has an effect.
#[derive(Clone, Debug)]
pub(super) struct Instr {
    /// Number of the value it makes.
    pub(super) def: Option<usize>,
    pub(super) bits: u32,
    pub(super) components: usize,
    /// With `@` for intrinsics.
    pub(super) op: String,
    pub(super) args: Vec<Arg>,
    /// Components of a `load_const`, as far as they have 32 bits or fewer.
    pub(super) constant: Vec<u64>,
    /// `key=value` of an intrinsic.
    pub(super) attributes: HashMap<String, String>,
}

impl Instr {
    /// A number among the attributes.
    pub(super) fn number(&self, key: &str) -> Option<u32> {
        self.attributes.get(key)?.parse().ok()
    }
}

/// Takes one of several values, by the block from which control comes.
#[derive(Clone, Debug)]
pub(super) struct Phi {
    pub(super) def: usize,
    pub(super) components: usize,
    pub(super) bits: u32,
    pub(super) from: Vec<(usize, Arg)>,
}

/// What ends a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Jump {
    Break,
    Continue,
    Return,
}

/// Straight-line code.
#[derive(Clone, Debug, Default)]
pub(super) struct Block {
    /// N of `bN`.
    pub(super) name: usize,
    pub(super) phis: Vec<Phi>,
    pub(super) instrs: Vec<Instr>,
    pub(super) jump: Option<Jump>,
}

/// Structured control flow.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Block(Block),
    /// The n-th `if` of the text.
    If(usize, Arg, Vec<Node>, Vec<Node>),
    /// The n-th loop of the text.
    Loop(usize, Vec<Node>),
}

/// A compute shader.
#[derive(Clone, Debug)]
pub struct Shader {
    /// Invocations of a workgroup in three dimensions.
    pub workgroup: [u32; 3],
    pub(super) body: Vec<Node>,
    pub(super) ifs: usize,
    pub(super) loops: usize,
    /// Values and blocks have smaller numbers.
    pub(super) defs: usize,
    pub(super) blocks: usize,
}

struct Parser<'a> {
    lines: std::iter::Peekable<std::vec::IntoIter<&'a str>>,
    ifs: usize,
    loops: usize,
    defs: usize,
    blocks: usize,
}

fn error(line: &str, why: &str) -> MaliError {
    MaliError::Format(format!("NIR: {why}: {line}"))
}

/// The end of what an opening bracket at the start of `text` encloses.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0;
    for (i, c) in text.char_indices() {
        depth += i32::from(c == '(') - i32::from(c == ')');
        if depth == 0 {
            return Some(i);
        }
    }
    None
}

/// The values named in `text`, in order.
fn args(text: &str) -> Vec<Arg> {
    let mut found = Vec::new();
    for part in text.split('%').skip(1) {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        let Ok(def) = part[..digits].parse() else {
            continue;
        };
        let swizzle = part[digits..].strip_prefix('.').unwrap_or("");
        let names = swizzle.chars().map_while(|c| "xyzwefghijklmnop".find(c));
        found.push(Arg {
            def,
            components: names.collect(),
        });
    }
    found
}

/// `32x3` or `32`.
fn kind(text: &str) -> Option<(u32, usize)> {
    let (bits, components) = text.split_once('x').unwrap_or((text, "1"));
    Some((bits.parse().ok()?, components.parse().ok()?))
}

fn constants(line: &str, text: &str) -> Result<Vec<u64>, MaliError> {
    // `(0x3f800000 = 1.0)`, or of several components `(0x0, 0x1) = (0.0, 0.0)`
    let bits = text.split_once(") = ").map_or(text, |(bits, _)| bits);
    let inner = bits.trim().trim_start_matches('(').trim_end_matches(')');
    let one = |part: &str| {
        let first = part.split('=').next().unwrap_or("").trim();
        match (first, first.strip_prefix("0x")) {
            ("true", _) => Some(1),
            ("false", _) => Some(0),
            (_, Some(hex)) => u64::from_str_radix(hex, 16).ok(),
            _ => None,
        }
    };
    let all: Option<Vec<u64>> = inner.split(',').map(one).collect();
    all.ok_or_else(|| error(line, "a constant that is no number"))
}

fn attributes(text: &str) -> HashMap<String, String> {
    // `(0x3f800000 = 1.0)`, or of several components `(0x0, 0x1) = (0.0, 0.0)`
    let bits = text.split_once(") = ").map_or(text, |(bits, _)| bits);
    let inner = bits.trim().trim_start_matches('(').trim_end_matches(')');
    let pairs = inner.split(", ").filter_map(|p| p.split_once('='));
    pairs.map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
}

fn name_of_block(text: &str) -> Option<usize> {
    text.trim().strip_prefix('b')?.parse().ok()
}

fn phi(
    line: &str,
    def: usize,
    (bits, components): (u32, usize),
    text: &str,
) -> Result<Phi, MaliError> {
    let mut from = Vec::new();
    for part in text.split(", b") {
        let (block, value) = part
            .split_once(':')
            .ok_or_else(|| error(line, "a phi without blocks"))?;
        let block = name_of_block(&format!("b{}", block.trim().trim_start_matches('b')));
        let value = args(value).into_iter().next();
        match (block, value) {
            (Some(block), Some(value)) => from.push((block, value)),
            // `undef` prints as a value too; anything else is unknown
            _ => return Err(error(line, "a phi that cannot be read")),
        }
    }
    Ok(Phi {
        def,
        components,
        bits,
        from,
    })
}

/// An instruction: `TYPE %N = OP ARGS` or `@OP (ARGS) (ATTRIBUTES)`.
fn instruction(line: &str) -> Result<Instr, MaliError> {
    let (left, right) = match line.split_once(" = ") {
        Some((l, r)) if l.contains('%') && !l.contains('@') => (Some(l), r),
        _ => (None, line),
    };
    let mut instr = Instr {
        def: None,
        bits: 32,
        components: 1,
        op: String::new(),
        args: Vec::new(),
        constant: Vec::new(),
        attributes: HashMap::new(),
    };
    if let Some(left) = left {
        let mut words = left
            .split_whitespace()
            .filter(|w| *w != "con" && *w != "div");
        let (of, def) = (words.next(), words.next());
        let def = def.and_then(|d| d.strip_prefix('%')?.parse().ok());
        let (Some((bits, components)), Some(def)) = (of.and_then(kind), def) else {
            return Err(error(line, "a value that cannot be read"));
        };
        (instr.def, instr.bits, instr.components) = (Some(def), bits, components);
    }
    let end = right.find([' ', '(']).unwrap_or(right.len());
    let (op, rest) = right.split_at(end);
    // `fmul!` is an exact fmul, `imul.nsw` an imul
    let op = op.trim_end_matches('!');
    op.split('.').next().unwrap_or(op).clone_into(&mut instr.op);
    let rest = rest.trim();
    if instr.op == "load_const" {
        instr.constant = constants(line, rest)?;
    } else if instr.op.starts_with('@') {
        let end = if rest.starts_with('(') {
            closing(rest).map_or(rest.len(), |e| e + 1)
        } else {
            0
        };
        let (first, second) = rest.split_at(end);
        let (inputs, named) = if first.contains('%') {
            (first, second)
        } else {
            ("", rest)
        };
        instr.args = args(inputs);
        instr.attributes = attributes(named);
    } else {
        instr.args = args(rest);
    }
    let named = instr
        .op
        .trim_start_matches('@')
        .starts_with(|c: char| c.is_ascii_lowercase());
    if !named || instr.def.is_none() && !instr.op.starts_with('@') {
        return Err(error(line, "an unknown line"));
    }
    Ok(instr)
}

impl Parser<'_> {
    /// Nodes up to the closing bracket, which is returned.
    fn nodes(&mut self) -> Result<(Vec<Node>, String), MaliError> {
        let mut nodes = Vec::new();
        while let Some(line) = self.lines.next() {
            if line.starts_with('}') {
                return Ok((nodes, line.to_owned()));
            }
            if let Some(rest) = line.strip_prefix("block ") {
                let name = name_of_block(rest.trim_end_matches(':'));
                let name = name.ok_or_else(|| error(line, "a block without a name"))?;
                self.blocks = self.blocks.max(name + 1);
                nodes.push(Node::Block(self.block(name)?));
            } else if line == "loop {" {
                let id = self.loops;
                self.loops += 1;
                let (body, end) = self.nodes()?;
                if end != "}" {
                    return Err(error(&end, "a loop with a part of its own for `continue`"));
                }
                nodes.push(Node::Loop(id, body));
            } else if line.starts_with("if ") && line.ends_with('{') {
                nodes.push(self.branch(line)?);
            } else {
                return Err(error(line, "an unknown line between blocks"));
            }
        }
        Err(error("", "the text ends within a function"))
    }

    fn branch(&mut self, line: &str) -> Result<Node, MaliError> {
        let condition = args(line)
            .into_iter()
            .next()
            .ok_or_else(|| error(line, "an if without a value"))?;
        let id = self.ifs;
        self.ifs += 1;
        let (then, end) = self.nodes()?;
        let (otherwise, end) = if end == "} else {" {
            self.nodes()?
        } else {
            (Vec::new(), end)
        };
        if end != "}" {
            return Err(error(&end, "an if that does not end"));
        }
        Ok(Node::If(id, condition, then, otherwise))
    }

    fn block(&mut self, name: usize) -> Result<Block, MaliError> {
        let mut block = Block {
            name,
            ..Block::default()
        };
        while let Some(&line) = self.lines.peek() {
            if line.starts_with('}') || line.ends_with('{') || line.starts_with("block ") {
                break;
            }
            self.lines.next();
            match line {
                "break" => block.jump = Some(Jump::Break),
                "continue" => block.jump = Some(Jump::Continue),
                "return" | "halt" => block.jump = Some(Jump::Return),
                _ => {
                    let instr = instruction(line)?;
                    self.defs = self.defs.max(instr.def.map_or(0, |d| d + 1));
                    match (instr.op.as_str(), instr.def) {
                        ("phi", Some(def)) => {
                            let (_, text) = line.split_once("phi").unwrap_or_default();
                            block
                                .phis
                                .push(phi(line, def, (instr.bits, instr.components), text)?);
                        }
                        _ => block.instrs.push(instr),
                    }
                }
            }
        }
        Ok(block)
    }
}

/// Reads a shader.
///
/// # Errors
/// [`MaliError::Format`]: a line has an unknown form, or there is not exactly one function.
pub(super) fn parse(text: &str) -> Result<Shader, MaliError> {
    let head = text
        .lines()
        .find_map(|l| l.trim().strip_prefix("workgroup_size: "));
    let sizes: Option<Vec<u32>> =
        head.and_then(|h| h.split(',').map(|n| n.trim().parse().ok()).collect());
    let workgroup = sizes.and_then(|s| <[u32; 3]>::try_from(s).ok());
    let workgroup = workgroup.ok_or_else(|| error("", "no workgroup_size"))?;
    let mut lines = text
        .lines()
        .map(|l| l.split("//").next().unwrap_or("").trim())
        .filter(|l| !l.is_empty())
        .skip_while(|l| !l.starts_with("impl "));
    if lines.next().is_none() {
        return Err(error("", "no function"));
    }
    let lines: Vec<&str> = lines.collect();
    if lines.iter().any(|l| l.starts_with("impl ")) {
        return Err(error("", "several functions"));
    }
    let mut parser = Parser {
        lines: lines.into_iter().peekable(),
        ifs: 0,
        loops: 0,
        defs: 0,
        blocks: 0,
    };
    let (body, _) = parser.nodes()?;
    Ok(Shader {
        workgroup,
        body,
        ifs: parser.ifs,
        loops: parser.loops,
        defs: parser.defs,
        blocks: parser.blocks,
    })
}
