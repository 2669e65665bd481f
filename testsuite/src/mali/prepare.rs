//! What is found out about a shader once: which values decide where control and memory accesses go, and what is accessed.

use super::MaliError;
use super::nir::{Arg, Block, Instr, Jump, Node, Shader};

/// Where a kernel's accesses go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Space {
    /// Storage buffers.
    Buffer,
    /// Workgroup memory.
    Shared,
    /// Registers that did not fit.
    Private,
}

/// An instruction that accesses memory.
#[derive(Clone, Debug)]
pub(super) struct Access {
    pub(super) space: Space,
    pub(super) loads: bool,
    pub(super) stores: bool,
    /// Of each lane.
    pub(super) bytes: u32,
    /// Binding and byte offset, if they can be told.
    pub(super) place: Option<(u32, Arg)>,
}

/// A value: `values[base..base + components]`.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Def {
    pub(super) base: usize,
    pub(super) components: usize,
    pub(super) bits: u32,
    /// Conditions depend on it.
    pub(super) decides: bool,
    /// Addresses depend on it.
    pub(super) addresses: bool,
    /// It differs between workgroups.
    pub(super) of_group: bool,
}

pub(super) struct Prepared {
    pub(super) defs: Vec<Def>,
    pub(super) values: usize,
    /// By name of the block.
    pub(super) accesses: Vec<Vec<Access>>,
    /// By number of the `if`: its first alternative only breaks or continues.
    pub(super) breaks: Vec<bool>,
    /// By number of the `if`: one of its alternatives breaks or continues a loop.
    pub(super) leaves: Vec<bool>,
    /// By number of the loop: the blocks that are in no loop within it.
    pub(super) own: Vec<Vec<usize>>,
    /// By number of the loop: it, and what is in it, accesses no buffer, and no address depends on it.
    pub(super) pure: Vec<bool>,
    /// By number of the loop: it reads other lanes' values one by one, as the driver does subgroup operations.
    pub(super) emulates: Vec<bool>,
    /// Which workgroup it is makes a difference for control flow.
    pub(super) depends_on_group: bool,
}

/// Whether there is nothing but a jump.
fn only_jumps(nodes: &[Node]) -> bool {
    matches!(nodes, [Node::Block(b)] if b.instrs.is_empty() && b.phis.is_empty() && b.jump.is_some())
}

/// Calls `each` with every block.
fn blocks<'a>(nodes: &'a [Node], each: &mut impl FnMut(&'a Block)) {
    for node in nodes {
        match node {
            Node::Block(b) => each(b),
            Node::If(_, _, then, otherwise) => {
                blocks(then, each);
                blocks(otherwise, each);
            }
            Node::Loop(_, body) => blocks(body, each),
        }
    }
}

fn conditions(nodes: &[Node], found: &mut Vec<Arg>) {
    for node in nodes {
        match node {
            Node::Block(_) => {}
            Node::If(_, condition, then, otherwise) => {
                found.push(condition.clone());
                conditions(then, found);
                conditions(otherwise, found);
            }
            Node::Loop(_, body) => conditions(body, found),
        }
    }
}

/// Whether a jump of these nodes leaves a loop around them.
fn jumps(nodes: &[Node]) -> bool {
    nodes.iter().any(|n| match n {
        Node::Block(b) => matches!(b.jump, Some(Jump::Break | Jump::Continue)),
        Node::If(_, _, then, otherwise) => jumps(then) || jumps(otherwise),
        Node::Loop(..) => false,
    })
}

/// All instructions by the value they make, and phis as lists of what they take.
struct Sources<'a> {
    instrs: Vec<Option<&'a Instr>>,
    phis: Vec<Vec<usize>>,
}

impl<'a> Sources<'a> {
    fn of(shader: &'a Shader) -> Self {
        let mut all = Self {
            instrs: vec![None; shader.defs],
            phis: vec![Vec::new(); shader.defs],
        };
        blocks(&shader.body, &mut |b| {
            for i in &b.instrs {
                if let Some(def) = i.def {
                    all.instrs[def] = Some(i);
                }
            }
            for p in &b.phis {
                all.phis[p.def] = p.from.iter().map(|(_, a)| a.def).collect();
            }
        });
        all
    }

    fn inputs(&self, def: usize) -> impl Iterator<Item = usize> + '_ {
        let instr = self.instrs[def]
            .into_iter()
            .flat_map(|i| i.args.iter().map(|a| a.def));
        instr.chain(self.phis[def].iter().copied())
    }

    /// What `roots` depend on, themselves included.
    fn slice(&self, roots: Vec<usize>) -> Vec<bool> {
        let mut seen = vec![false; self.instrs.len()];
        let mut stack = roots;
        while let Some(def) = stack.pop() {
            if !std::mem::replace(&mut seen[def], true) {
                stack.extend(self.inputs(def));
            }
        }
        seen
    }

    fn differing_by_group(&self) -> Vec<bool> {
        let direct = |d: usize| {
            self.instrs[d].is_some_and(|i| {
                matches!(
                    i.op.as_str(),
                    "@load_workgroup_id" | "@load_global_invocation_id"
                )
            })
        };
        let mut of_group: Vec<bool> = (0..self.instrs.len()).map(direct).collect();
        loop {
            let more: Vec<usize> = (0..of_group.len())
                .filter(|d| !of_group[*d] && self.inputs(*d).any(|i| of_group[i]))
                .collect();
            if more.is_empty() {
                return of_group;
            }
            for d in more {
                of_group[d] = true;
            }
        }
    }

    fn constant(&self, arg: &Arg) -> Option<u64> {
        let instr = self.instrs[arg.def]?;
        instr
            .constant
            .get(arg.components.first().copied().unwrap_or(0))
            .copied()
    }

    /// Binding of a buffer's handle: the low 24 bits, for descriptor set 0.
    fn binding(&self, handle: &Arg) -> Option<u32> {
        let handle = self.constant(handle)?;
        (handle >> 24 == 1).then_some(handle as u32 & 0xff_ffff)
    }

    /// Binding and offset behind a 64-bit address.
    fn behind(&self, address: &Arg) -> Option<(u32, Arg)> {
        match self.instrs[address.def]? {
            i if i.op == "@load_ssbo_address" => {
                Some((self.binding(i.args.first()?)?, i.args.get(1)?.clone()))
            }
            _ => None,
        }
    }

    /// What an instruction accesses.
    fn access(&self, i: &Instr, width: &dyn Fn(&Arg) -> u32) -> Result<Option<Access>, MaliError> {
        let Some(op) = i.op.strip_prefix('@') else {
            return Ok(None);
        };
        let (load, store) = (op.starts_with("load_"), op.starts_with("store_"));
        let atomic = op.contains("atomic");
        let uniform = [
            "_push_constant",
            "_ubo",
            "_ssbo_address",
            "_invocation",
            "_workgroup",
            "_subgroup",
            "_num_",
        ];
        if !(load || store || atomic) || load && uniform.iter().any(|u| op.contains(u)) {
            return Ok(None);
        }
        let first = usize::from(store);
        let place = match () {
            () if op.contains("ssbo") => i
                .args
                .get(first)
                .and_then(|h| Some((self.binding(h)?, i.args.get(first + 1)?.clone()))),
            () => i.args.get(first).and_then(|a| self.behind(a)),
        };
        let space = match op {
            o if o.contains("ssbo") || o.contains("global") => Space::Buffer,
            o if o.contains("shared") => Space::Shared,
            o if o.contains("scratch") => Space::Private,
            _ => {
                return Err(MaliError::Format(format!(
                    "NIR: {} accesses an unknown kind of memory",
                    i.op
                )));
            }
        };
        let value = i.args.first().filter(|_| store);
        let bytes = match value {
            Some(value) => width(value) * i.attributes.get("wrmask").map_or(1, String::len) as u32,
            None => i.bits / 8 * i.components as u32,
        };
        Ok(Some(Access {
            space,
            loads: load || atomic,
            stores: store || atomic,
            bytes,
            place,
        }))
    }
}

fn walk_branches(nodes: &[Node], own: Option<usize>, to: &mut Prepared) {
    for node in nodes {
        match node {
            Node::Block(b) => {
                if let Some(l) = own {
                    to.own[l].push(b.name);
                    to.emulates[l] |= b.instrs.iter().any(|i| i.op == "@read_invocation");
                }
            }
            Node::If(id, _, then, otherwise) => {
                to.breaks[*id] = only_jumps(then);
                to.leaves[*id] = jumps(then) || jumps(otherwise);
                walk_branches(then, own, to);
                walk_branches(otherwise, own, to);
            }
            Node::Loop(id, body) => {
                to.pure[*id] = pure(body, to);
                walk_branches(body, Some(*id), to);
            }
        }
    }
}

fn pure(nodes: &[Node], of: &Prepared) -> bool {
    let mut pure = true;
    blocks(nodes, &mut |b| {
        let mut made = b
            .instrs
            .iter()
            .filter_map(|i| i.def)
            .chain(b.phis.iter().map(|p| p.def));
        let accesses = of.accesses[b.name].iter().any(|a| a.space == Space::Buffer);
        pure &= !accesses && !made.any(|d| of.defs[d].addresses);
    });
    pure
}

/// Looks at a shader.
///
/// # Errors
/// [`MaliError::Format`]: it accesses memory in a way that is not known.
pub(super) fn prepare(shader: &Shader) -> Result<Prepared, MaliError> {
    let sources = Sources::of(shader);
    let mut result = Prepared {
        defs: vec![Def::default(); shader.defs],
        values: 0,
        accesses: vec![Vec::new(); shader.blocks],
        breaks: vec![false; shader.ifs],
        leaves: vec![false; shader.ifs],
        own: vec![Vec::new(); shader.loops],
        emulates: vec![false; shader.loops],
        pure: vec![false; shader.loops],
        depends_on_group: false,
    };
    let mut shape = |def: usize, components: usize, bits: u32| {
        result.defs[def] = Def {
            base: result.values,
            components,
            bits,
            ..Def::default()
        };
        result.values += components;
    };
    blocks(&shader.body, &mut |b| {
        b.phis
            .iter()
            .for_each(|p| shape(p.def, p.components, p.bits));
        b.instrs
            .iter()
            .filter_map(|i| Some((i.def?, i)))
            .for_each(|(d, i)| shape(d, i.components, i.bits));
    });
    let width = |a: &Arg| result.defs[a.def].bits / 8;
    let mut failed = None;
    let mut accesses = vec![Vec::new(); shader.blocks];
    blocks(&shader.body, &mut |b| {
        for i in &b.instrs {
            match sources.access(i, &width) {
                Ok(access) => accesses[b.name].extend(access),
                Err(e) => failed = Some(e),
            }
        }
    });
    if let Some(e) = failed {
        return Err(e);
    }
    let mut roots = Vec::new();
    conditions(&shader.body, &mut roots);
    let roots: Vec<usize> = roots.into_iter().map(|a| a.def).collect();
    let of_group = sources.differing_by_group();
    result.depends_on_group = roots.iter().any(|r| of_group[*r]);
    let decides = sources.slice(roots);
    let places = accesses
        .iter()
        .flatten()
        .filter_map(|a| Some(a.place.as_ref()?.1.def));
    let addresses = sources.slice(places.collect());
    for (d, def) in result.defs.iter_mut().enumerate() {
        (def.decides, def.addresses, def.of_group) = (decides[d], addresses[d], of_group[d]);
    }
    result.accesses = accesses;
    walk_branches(&shader.body, None, &mut result);
    Ok(result)
}
