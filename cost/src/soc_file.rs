//! The device file: its schema, and the checks between its numbers. Each number is a table
//! `{ value, unit, source, kind = "measured"|"document"|"derived"|"guess" }`.

use crate::machine::{RawMachine, machine};
use crate::quantity::{Dimension, Raw, Reader};
use crate::soc::{Memory, Rate, Soc, Unit, UnitKind, Workgroup};
use crate::{CostError, DType};
use serde::Deserialize;
use std::collections::BTreeMap;

macro_rules! devices {
    ($($name:literal),*) => { [$(($name, include_str!(concat!("../devices/", $name, ".toml")))),*] };
}

/// The device files compiled in.
pub(crate) const BUILTIN: [(&str, &str); 8] = devices![
    "imx95",
    "imx95-lpddr4x",
    "rk3588",
    "tensor-g2",
    "tensor-g3",
    "rpi5",
    "host",
    "unit"
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    title: String,
    memory: RawMemory,
    unit: Vec<toml::Spanned<RawUnit>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMemory {
    capacity: Raw,
    reserve: Raw,
    peak_bandwidth: Raw,
    sustained_bandwidth: Raw,
    energy: Raw,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawUnit {
    name: String,
    kind: UnitKind,
    description: String,
    cores: Raw,
    clock: Option<Raw>,
    rate: BTreeMap<DType, Raw>,
    matvec: BTreeMap<DType, Raw>,
    #[serde(default)]
    matmul: BTreeMap<DType, Raw>,
    serial_share: Option<Raw>,
    overlap: Option<Raw>,
    bandwidth_one: Option<Raw>,
    bandwidth_all: Raw,
    last_level_cache: Option<Raw>,
    launch: Raw,
    sync: Raw,
    host_to_device: Option<Raw>,
    device_to_host: Option<Raw>,
    memory_limit: Option<Raw>,
    power: Raw,
    workgroup: Option<RawWorkgroup>,
    machine: Option<RawMachine>,
    #[serde(default)]
    features: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawWorkgroup {
    invocations: Raw,
    subgroup: Raw,
    shared_memory: Raw,
    bindings: Raw,
}

/// Reads a device file; see [`Soc::parse`].
pub(crate) fn parse(text: &str, path: &str) -> Result<Soc, CostError> {
    let file: File = toml::from_str(text).map_err(|e| CostError::toml(path, text, &e))?;
    let mut reader = Reader {
        path,
        text,
        numbers: Vec::new(),
    };
    let memory = memory(&mut reader, &file.memory)?;
    let mut units: Vec<Unit> = Vec::new();
    for raw in &file.unit {
        let at = raw.span().start;
        let fail = |message: String| Err(CostError::at(path, text, at, message));
        let name = &raw.get_ref().name;
        if !valid_name(name) {
            return fail(format!(
                "unit.name: '{name}' must be lower-case letters, digits, '-' or '_'"
            ));
        }
        if units.iter().any(|u| u.name == *name) {
            return fail(format!("unit.name: two units are named '{name}'"));
        }
        units.push(unit(&mut reader, raw.get_ref(), at)?);
    }
    if !units.iter().any(|u| u.kind == UnitKind::Cpu) {
        return Err(CostError::at(
            path,
            text,
            0,
            "unit: at least one unit of kind \"cpu\" is needed (it hosts the loop)",
        ));
    }
    Ok(Soc {
        name: file.name,
        title: file.title,
        memory,
        units,
        numbers: reader.numbers,
    })
}

fn valid_name(name: &str) -> bool {
    let ok = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    !name.is_empty() && name.chars().all(ok)
}

fn memory(reader: &mut Reader<'_>, raw: &RawMemory) -> Result<Memory, CostError> {
    let memory = Memory {
        capacity: reader.si("memory.capacity", &raw.capacity, Dimension::Bytes, None)?,
        reserve: reader.si("memory.reserve", &raw.reserve, Dimension::Bytes, None)?,
        peak_bandwidth: reader.si(
            "memory.peak_bandwidth",
            &raw.peak_bandwidth,
            Dimension::Bandwidth,
            None,
        )?,
        sustained_bandwidth: reader.si(
            "memory.sustained_bandwidth",
            &raw.sustained_bandwidth,
            Dimension::Bandwidth,
            None,
        )?,
        energy_per_byte: reader.si("memory.energy", &raw.energy, Dimension::Weight, None)?,
    };
    if memory.reserve >= memory.capacity {
        return Err(reader.error(
            &raw.reserve,
            "memory.reserve",
            "is not below memory.capacity",
        ));
    }
    if memory.sustained_bandwidth > memory.peak_bandwidth {
        let message = "is above memory.peak_bandwidth";
        return Err(reader.error(
            &raw.sustained_bandwidth,
            "memory.sustained_bandwidth",
            message,
        ));
    }
    Ok(memory)
}

/// Reads optional numbers of one unit.
struct UnitReader<'a, 'b> {
    reader: &'a mut Reader<'b>,
    prefix: String,
}

impl UnitReader<'_, '_> {
    fn get(&mut self, key: &str, raw: &Raw, dimension: Dimension) -> Result<f64, CostError> {
        self.reader
            .si(&format!("{}.{key}", self.prefix), raw, dimension, None)
    }

    fn error(&self, raw: &Raw, key: &str, message: &str) -> CostError {
        self.reader
            .error(raw, &format!("{}.{key}", self.prefix), message)
    }

    fn opt(
        &mut self,
        key: &str,
        raw: Option<&Raw>,
        dimension: Dimension,
    ) -> Result<Option<f64>, CostError> {
        raw.map(|r| self.get(key, r, dimension)).transpose()
    }
}

/// Checks that a unit has what its kind needs.
fn complete(reader: &Reader<'_>, raw: &RawUnit, at: usize) -> Result<(), CostError> {
    let missing = |keys: &str, kind: &str| {
        let message = format!("unit.{}.{keys}: missing; a {kind} needs both", raw.name);
        Err(CostError::at(reader.path, reader.text, at, message))
    };
    let cpu = raw.bandwidth_one.is_some() && raw.serial_share.is_some();
    let gpu = raw.host_to_device.is_some() && raw.device_to_host.is_some();
    match raw.kind {
        UnitKind::Cpu if !cpu => missing("bandwidth_one, serial_share", "CPU"),
        UnitKind::Gpu if !gpu => missing("host_to_device, device_to_host", "GPU"),
        UnitKind::Gpu if raw.machine.is_some() => {
            let message = format!("unit.{}.machine: only a CPU has this section", raw.name);
            Err(CostError::at(reader.path, reader.text, at, message))
        }
        _ => Ok(()),
    }
}

/// Sustained bandwidth of one core and of all.
fn bandwidths(r: &mut UnitReader<'_, '_>, raw: &RawUnit) -> Result<(f64, f64), CostError> {
    let all = r.get("bandwidth_all", &raw.bandwidth_all, Dimension::Bandwidth)?;
    let Some(raw_one) = &raw.bandwidth_one else {
        return Ok((all, all));
    };
    let one = r.get("bandwidth_one", raw_one, Dimension::Bandwidth)?;
    if one > all {
        return Err(r.error(raw_one, "bandwidth_one", "is above bandwidth_all"));
    }
    Ok((one, all))
}

fn unit(reader: &mut Reader<'_>, raw: &RawUnit, at: usize) -> Result<Unit, CostError> {
    complete(reader, raw, at)?;
    let prefix = format!("unit.{}", raw.name);
    let mut r = UnitReader { reader, prefix };
    let cores = r.get("cores", &raw.cores, Dimension::Count)?;
    if cores > 256.0 {
        return Err(r.error(&raw.cores, "cores", "more than 256 cores"));
    }
    let clock = r.opt("clock", raw.clock.as_ref(), Dimension::Frequency)?;
    let rates = rates(&mut r, raw, clock, at)?;
    let (bandwidth_one, bandwidth_all) = bandwidths(&mut r, raw)?;
    Ok(Unit {
        name: raw.name.clone(),
        kind: raw.kind,
        description: raw.description.clone(),
        cores: cores as u32,
        clock,
        rates,
        serial_share: r
            .opt("serial_share", raw.serial_share.as_ref(), Dimension::Share)?
            .unwrap_or(0.0),
        overlap: r
            .opt("overlap", raw.overlap.as_ref(), Dimension::Share)?
            .unwrap_or(1.0),
        bandwidth_one,
        bandwidth_all,
        last_level_cache: r.opt(
            "last_level_cache",
            raw.last_level_cache.as_ref(),
            Dimension::Bytes,
        )?,
        launch: r.get("launch", &raw.launch, Dimension::Time)?,
        sync: r.get("sync", &raw.sync, Dimension::Time)?,
        host_to_device: r.opt(
            "host_to_device",
            raw.host_to_device.as_ref(),
            Dimension::Bandwidth,
        )?,
        device_to_host: r.opt(
            "device_to_host",
            raw.device_to_host.as_ref(),
            Dimension::Bandwidth,
        )?,
        memory_limit: r.opt("memory_limit", raw.memory_limit.as_ref(), Dimension::Bytes)?,
        power: r.get("power", &raw.power, Dimension::Weight)?,
        workgroup: raw
            .workgroup
            .as_ref()
            .map(|w| workgroup(&mut r, w))
            .transpose()?,
        machine: raw
            .machine
            .as_ref()
            .map(|m| machine(r.reader, &r.prefix, m))
            .transpose()?,
        features: raw.features.clone(),
    })
}

fn workgroup(r: &mut UnitReader<'_, '_>, raw: &RawWorkgroup) -> Result<Workgroup, CostError> {
    Ok(Workgroup {
        invocations: r.get("workgroup.invocations", &raw.invocations, Dimension::Count)? as u64,
        subgroup: r.get("workgroup.subgroup", &raw.subgroup, Dimension::Count)? as u64,
        shared_bytes: r.get(
            "workgroup.shared_memory",
            &raw.shared_memory,
            Dimension::Bytes,
        )? as u64,
        bindings: r.get("workgroup.bindings", &raw.bindings, Dimension::Count)? as u64,
    })
}

/// Peak rates and the shares of them that products reach; without `matmul` for a type its `matvec` serves.
fn rates(
    r: &mut UnitReader<'_, '_>,
    raw: &RawUnit,
    clock: Option<f64>,
    at: usize,
) -> Result<BTreeMap<DType, Rate>, CostError> {
    let (path, text) = (r.reader.path, r.reader.text);
    if raw.rate.is_empty() {
        return Err(CostError::at(
            path,
            text,
            at,
            format!("{}.rate: needs at least one data type", r.prefix),
        ));
    }
    let orphan = raw
        .matvec
        .iter()
        .chain(&raw.matmul)
        .find(|(d, _)| !raw.rate.contains_key(d));
    if let Some((dtype, number)) = orphan {
        return Err(r.reader.error(
            number,
            &format!("{}.{dtype}", r.prefix),
            "a share without a rate",
        ));
    }
    let mut rates = BTreeMap::new();
    for (dtype, number) in &raw.rate {
        let key = format!("{}.rate.{dtype}", r.prefix);
        let peak = r.reader.si(&key, number, Dimension::Rate, clock)?;
        let Some(share) = raw.matvec.get(dtype) else {
            return Err(r.error(number, &format!("matvec.{dtype}"), "missing"));
        };
        let (matvec, matmul) = shares(r, *dtype, share, raw.matmul.get(dtype))?;
        let rate = Rate {
            peak,
            matvec,
            matmul,
        };
        rates.insert(*dtype, rate);
    }
    Ok(rates)
}

/// The shares of the peak at M = 1 and at M >= 4.
fn shares(
    r: &mut UnitReader<'_, '_>,
    dtype: DType,
    one: &Raw,
    four: Option<&Raw>,
) -> Result<(f64, f64), CostError> {
    let key = format!("matvec.{dtype}");
    let matvec = r.get(&key, one, Dimension::Share)?;
    if matvec == 0.0 {
        return Err(r.error(one, &key, "0 makes no sense here"));
    }
    let Some(four) = four else {
        return Ok((matvec, matvec));
    };
    let key = format!("matmul.{dtype}");
    let matmul = r.get(&key, four, Dimension::Share)?;
    if matmul < matvec || matmul > 4.0 * matvec {
        let message =
            "must be between matvec and 4 matvec (a call over more tokens cannot be faster)";
        return Err(r.error(four, &key, message));
    }
    Ok((matvec, matmul))
}
