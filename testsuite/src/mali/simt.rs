//! Runs a shader in NIR as warps do, as far as its control flow and its addresses depend on it.

use super::Launch;
use super::MaliError;
use super::eval::{LANES, Lanes, component};
use super::nir::{Arg, Block, Instr, Jump, Node, Shader};
use super::prepare::{Prepared, Space};
use super::traffic::Traffic;

/// What the conditions of a warp were, in the order of time.
#[derive(Debug, Default)]
pub(super) struct Decisions {
    /// By condition: lanes that were there, lanes that took the first alternative.
    events: Vec<Vec<(u16, u16)>>,
    read: Vec<[usize; LANES]>,
}

impl Decisions {
    fn new(conditions: usize) -> Self {
        Self {
            events: vec![Vec::new(); conditions],
            read: vec![[0; LANES]; conditions],
        }
    }

    /// Whether `lane` takes the first alternative, this time.
    pub(super) fn next(&mut self, condition: usize, lane: usize) -> Result<bool, MaliError> {
        let cursor = &mut self.read[condition][lane];
        while let Some((lanes, taken)) = self.events[condition].get(*cursor) {
            *cursor += 1;
            if lanes >> lane & 1 == 1 {
                return Ok(taken >> lane & 1 == 1);
            }
        }
        Err(MaliError::Internal(format!(
            "condition {condition} is met more often in machine code than in NIR"
        )))
    }

    /// That nothing is left.
    pub(super) fn all_taken(&self) -> Result<(), MaliError> {
        for (condition, (events, read)) in self.events.iter().zip(&self.read).enumerate() {
            for (lane, read) in read.iter().enumerate() {
                if events[*read..]
                    .iter()
                    .any(|(lanes, _)| lanes >> lane & 1 == 1)
                {
                    let text = format!(
                        "condition {condition} is met less often in machine code than in NIR"
                    );
                    return Err(MaliError::Internal(text));
                }
            }
        }
        Ok(())
    }
}

/// What is counted over warps.
#[derive(Clone, Debug, Default)]
pub(super) struct Count {
    /// By loop: how often a warp came to it, and how often it began its body.
    pub(super) loops: Vec<(u64, u64)>,
    /// Conditions that depend on memory, which half of the lanes took.
    pub(super) data_dependent: u64,
    pub(super) traffic: Traffic,
}

/// A warp of a workgroup.
pub(super) struct Warp<'a> {
    shader: &'a Shader,
    prepared: &'a Prepared,
    launch: &'a Launch,
    /// Addresses are followed, too.
    trace: bool,
    values: Vec<Lanes>,
    from: [usize; LANES],
    group: [u32; 3],
    number: u32,
    decisions: Decisions,
}

/// Lanes that left the innermost loop's body.
#[derive(Default)]
struct Left {
    broke: u16,
    continued: u16,
}

impl<'a> Warp<'a> {
    pub(super) fn new(
        shader: &'a Shader,
        prepared: &'a Prepared,
        launch: &'a Launch,
        trace: bool,
    ) -> Self {
        Self {
            shader,
            prepared,
            launch,
            trace,
            values: vec![Lanes::default(); prepared.values],
            from: [0; LANES],
            group: [0; 3],
            number: 0,
            decisions: Decisions::default(),
        }
    }

    /// Lanes that warp `number` has.
    pub(super) fn lanes(&self, number: u32) -> u16 {
        let size: u32 = self.shader.workgroup.iter().product();
        (0..LANES as u32)
            .filter(|l| number * LANES as u32 + l < size)
            .fold(0, |mask, l| mask | 1 << l)
    }

    /// Runs warp `number` of workgroup `group`.
    pub(super) fn run(
        &mut self,
        group: [u32; 3],
        number: u32,
        count: &mut Count,
    ) -> Result<Decisions, MaliError> {
        (self.group, self.number) = (group, number);
        self.values.fill(Lanes::default());
        self.decisions = Decisions::new(self.shader.ifs);
        count.loops.resize(self.shader.loops, (0, 0));
        let shader = self.shader;
        self.nodes(
            &shader.body,
            self.lanes(number),
            &mut Left::default(),
            count,
        )?;
        Ok(std::mem::take(&mut self.decisions))
    }

    /// Returns the lanes that go on after these nodes.
    fn nodes(
        &mut self,
        nodes: &'a [Node],
        mut mask: u16,
        left: &mut Left,
        count: &mut Count,
    ) -> Result<u16, MaliError> {
        for node in nodes {
            if mask == 0 {
                break;
            }
            mask = match node {
                Node::Block(block) => self.block(block, mask, left, count),
                Node::If(id, condition, then, otherwise) => {
                    let taken = self.decide(*id, condition, mask, count)?;
                    let after = self.nodes(then, taken, left, count)?;
                    after | self.nodes(otherwise, mask & !taken, left, count)?
                }
                Node::Loop(id, body) => self.repeat(*id, body, mask, count)?,
            };
        }
        Ok(mask)
    }

    fn repeat(
        &mut self,
        id: usize,
        body: &'a [Node],
        mask: u16,
        count: &mut Count,
    ) -> Result<u16, MaliError> {
        const LIMIT: u64 = 1 << 28;
        if self.trace && self.prepared.emulates[id] && self.prepared.pure[id] {
            return Ok(mask); // nothing in it is asked for
        }
        count.loops[id].0 += 1;
        let (mut inside, mut after, mut rounds) = (mask, 0, 0);
        while inside != 0 {
            count.loops[id].1 += 1;
            let mut left = Left::default();
            let end = self.nodes(body, inside, &mut left, count)?;
            inside = end | left.continued;
            after |= left.broke;
            rounds += 1;
            if rounds > LIMIT {
                return Err(MaliError::Internal(format!("loop {id} does not end")));
            }
        }
        Ok(after)
    }

    /// Lanes that take the first alternative.
    fn decide(
        &mut self,
        id: usize,
        condition: &Arg,
        mask: u16,
        count: &mut Count,
    ) -> Result<u16, MaliError> {
        let value = self.input(condition);
        let known = value.known & mask;
        let mut taken = (0..LANES)
            .filter(|l| value.of[*l] != 0)
            .fold(0, |m, l| m | 1 << l)
            & known;
        if known != mask {
            if self.prepared.leaves[id] {
                return Err(MaliError::Unknown { condition: id });
            }
            count.data_dependent += 1;
            taken |= mask & !known & 0x5555;
        }
        self.decisions.events[id].push((mask, taken));
        Ok(taken)
    }

    fn block(&mut self, block: &'a Block, mask: u16, left: &mut Left, count: &mut Count) -> u16 {
        self.phis(block, mask);
        for instr in &block.instrs {
            if let Some(def) = instr.def.filter(|d| self.wanted(*d)) {
                let base = self.prepared.defs[def].base;
                for c in 0..instr.components {
                    let value = self.value(instr, c, mask);
                    self.values[base + c].blend(&value, mask);
                }
            }
        }
        for access in &self.prepared.accesses[block.name] {
            let place = access
                .place
                .as_ref()
                .filter(|_| self.trace && access.space == Space::Buffer);
            let place = place.map(|(binding, offset)| (*binding, self.input(offset)));
            count.traffic.add(access, mask, place);
        }
        for lane in (0..LANES).filter(|l| mask >> l & 1 == 1) {
            self.from[lane] = block.name;
        }
        match block.jump {
            None => return mask,
            Some(Jump::Break) => left.broke |= mask,
            Some(Jump::Continue) => left.continued |= mask,
            Some(Jump::Return) => {}
        }
        0
    }

    fn wanted(&self, def: usize) -> bool {
        let def = self.prepared.defs[def];
        def.decides || self.trace && def.addresses
    }

    fn phis(&mut self, block: &'a Block, mask: u16) {
        let mut results = Vec::new();
        for phi in block.phis.iter().filter(|p| self.wanted(p.def)) {
            let base = self.prepared.defs[phi.def].base;
            for c in 0..phi.components {
                let value = Lanes::map(|lane| {
                    let (_, arg) = phi.from.iter().find(|(b, _)| *b == self.from[lane])?;
                    let at = arg.components.get(c).copied().unwrap_or(c);
                    self.values[self.prepared.defs[arg.def].base + at].get(lane)
                });
                results.push((base + c, value));
            }
        }
        for (at, value) in results {
            self.values[at].blend(&value, mask);
        }
    }

    /// The first component of an operand.
    fn input(&self, arg: &Arg) -> Lanes {
        self.operand(arg, 0)
    }

    fn operand(&self, arg: &Arg, component: usize) -> Lanes {
        let def = self.prepared.defs[arg.def];
        let at = arg.components.get(component).copied();
        let at = at.unwrap_or(if def.components == 1 { 0 } else { component });
        self.values.get(def.base + at).copied().unwrap_or_default()
    }

    fn value(&self, instr: &Instr, c: usize, mask: u16) -> Lanes {
        if instr.bits > 32 {
            return Lanes::default();
        }
        match instr.op.as_str() {
            "load_const" => Lanes::all(instr.constant.get(c).copied().unwrap_or(0) as u32),
            "vec2" | "vec3" | "vec4" | "vec8" | "vec16" => instr
                .args
                .get(c)
                .map_or_else(Lanes::default, |a| self.input(a)),
            op if op.starts_with('@') => self.intrinsic(instr, c, mask),
            _ => {
                let from = instr
                    .args
                    .first()
                    .map_or(32, |a| self.prepared.defs[a.def].bits);
                let inputs: Vec<Lanes> = instr.args.iter().map(|a| self.operand(a, c)).collect();
                component(instr, &inputs, from)
            }
        }
    }

    fn intrinsic(&self, instr: &Instr, c: usize, mask: u16) -> Lanes {
        let size = self.shader.workgroup;
        let index = |lane: usize| self.number * LANES as u32 + lane as u32;
        let local = |lane: usize| {
            let i = index(lane);
            [i % size[0], i / size[0] % size[1], i / size[0] / size[1]][c]
        };
        let argument = |n: usize| {
            instr
                .args
                .get(n)
                .map_or_else(Lanes::default, |a| self.input(a))
        };
        match instr.op.as_str() {
            "@load_local_invocation_id" => Lanes::of(local),
            "@load_local_invocation_index" => Lanes::of(index),
            "@load_workgroup_id" => Lanes::all(self.group[c]),
            "@load_global_invocation_id" => Lanes::of(|l| self.group[c] * size[c] + local(l)),
            "@load_num_workgroups" => Lanes::all(self.launch.groups[c]),
            "@load_subgroup_invocation" => Lanes::of(|l| l as u32),
            "@load_subgroup_id" => Lanes::all(self.number),
            "@load_subgroup_size" => Lanes::all(LANES as u32),
            "@load_num_subgroups" => {
                Lanes::all(size.iter().product::<u32>().div_ceil(LANES as u32))
            }
            "@load_push_constant" => self.push(instr, c).map_or_else(Lanes::default, Lanes::all),
            "@ballot" | "@ballot_relaxed" => {
                let asked = argument(0);
                let set = |l: usize| u32::from(asked.of[l] != 0) << l;
                let all = (0..LANES).filter(|l| mask >> l & 1 == 1).map(set).sum();
                if asked.known & mask == mask {
                    Lanes::all(all)
                } else {
                    Lanes::default()
                }
            }
            "@read_invocation" | "@shuffle" => {
                let (value, at) = (argument(0), argument(1));
                Lanes::map(|l| value.get(at.get(l)? as usize % LANES))
            }
            "@read_first_invocation" => {
                let value = argument(0);
                Lanes::map(|_| value.get(mask.trailing_zeros() as usize % LANES))
            }
            "@load_ssbo" => self.memory(instr, c, &argument(1)),
            _ => Lanes::default(),
        }
    }

    /// A push constant of the kernel, or of the driver: the first twelve bytes of those are the first workgroup's number.
    fn push(&self, instr: &Instr, c: usize) -> Option<u32> {
        let offset = instr.number("align_offset")? as usize / 4 + c;
        if instr.number("align_mul")? >= 16 {
            return self.launch.push.get(offset).copied();
        }
        let packed = self.input(instr.args.first()?).get(0)? as usize / 4 + c;
        (packed < 3).then_some(0)
    }

    /// Words of buffers that the launch tells.
    fn memory(&self, instr: &Instr, c: usize, offset: &Lanes) -> Lanes {
        let handle = instr
            .args
            .first()
            .map_or_else(Lanes::default, |a| self.input(a));
        let bytes = instr.bits / 8;
        Lanes::map(|lane| {
            let (binding, at) = (
                handle.get(lane)? & 0xff_ffff,
                offset.get(lane)? + c as u32 * bytes,
            );
            let word = self.launch.known.get(&(binding, at / 4))?;
            Some(word >> (8 * (at % 4)) & (u32::MAX >> (32 - instr.bits)))
        })
    }
}
